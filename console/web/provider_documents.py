"""What an identity provider publishes about itself (OpenID Connect Discovery 1.0), and the calls to it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet, RSAKey

from connectors import network
from connectors.contract import CallStats
from connectors.errors import AuthError, ConnectorError, ContractError, TransientError
from connectors.http import HttpSession, authority_of
from connectors.network import Network
from connectors.rawjson import parse
from connectors.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from settings import SecretMissing
    from settings.sign_in import SignIn

_SECONDS = 6.0
"""A person waits for the answer."""
_LARGEST_ANSWER = 1024 * 1024
_KEPT_SECONDS = 600.0
"""So long a document is not asked for again,"""
_USABLE_SECONDS = 86_400.0
"""but while the provider does not answer, an old one is good for so long."""
_QUEUE_SECONDS = 2.0
"""The threads of the server are for everybody."""
_REST_SECONDS = 5.0
"""So long after a failure nobody else waits for another one."""
_ONCE = RetryPolicy(attempts=1, unreachable_attempts=1)
_SHORTEST_RSA = 2048
"""Bits (RFC 7518, 3.3)."""
_KEY_TYPES = ("RSA", "EC")
"""Asymmetric ones: a symmetric key has no business in a public document."""

T = TypeVar("T")

_OPTIONAL = ("userinfo_endpoint", "end_session_endpoint")


class ProviderError(Exception):
    """Somebody cannot sign in through the provider.

    ``why`` names the sentence for them (``provider.why.*``), ``reason`` is one for admins, without secrets and names of
    people; empty where there is nothing to say.
    """

    def __init__(self, why: str, reason: str = "") -> None:
        super().__init__(f"{why}: {reason}")
        self.why = why
        self.reason = reason


class Metadata(msgspec.Struct, frozen=True):
    """What we use of the discovery document (OpenID Connect Discovery 1.0, 3; RFC 9207, 3; RP-Initiated Logout 2.1)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


class _Keys(msgspec.Struct):
    keys: list[dict[str, Any]]


class _Refusal(msgspec.Struct):
    error: str = ""


_metadata = msgspec.json.Decoder(Metadata)
_keys = msgspec.json.Decoder(_Keys)
_refusal = msgspec.json.Decoder(_Refusal)


class CodeRefused(AuthError):
    """The provider does not take the code: it was used before, is too old, or is none of ours."""


class Documents:
    """The documents of one provider, kept for a while; safe to use from several threads."""

    def __init__(self, given: SignIn) -> None:
        self._given = given
        self._network = Network(private=(given.host, *given.private_hosts))
        self._of_provider: _Kept[Metadata] = _Kept(self._read_metadata)
        self._of_keys: _Kept[KeySet] = _Kept(self._read_keys)

    def metadata(self) -> Metadata:
        """Where the provider's endpoints are. Raises ``ProviderError``."""
        return self._of_provider.get()

    def keys(self, anew: bool = False) -> KeySet:
        """What it signs with; ``anew``: as published at this moment. Raises ``ProviderError``."""
        return self._of_keys.get(anew)

    def call(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """One request, by the rules for addresses; raises ``ConnectorError``."""
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        bundle = self._given.ca_bundle
        session = HttpSession(
            base,
            stats=CallStats(),
            classify=_classified,
            policy=_ONCE,
            timeout=_SECONDS,
            network=self._network,
            verify=authority_of(bundle) if bundle else None,
            largest_answer=_LARGEST_ANSWER,
        )
        with closing(session):  # calls are rare
            path, given = url.removeprefix(base) or "/", {"Accept": "application/json", **(headers or {})}
            return session.request(method, path, headers=given, content=content, safe=method == "GET")

    def _read_metadata(self) -> Metadata:
        address = self._given.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = parse(self.call("GET", address).content, _metadata)
        if found.issuer != self._given.issuer:
            raise ContractError(
                "Its discovery document names another issuer than ltc.yaml.",
                remedy="Write workbench.sign_in.issuer letter by letter as the provider does.",
            )
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", *_OPTIONAL):
            url = getattr(found, name)
            if url is None and name in _OPTIONAL:
                continue
            try:
                network.check(url, self._network)
            except ValueError:
                raise ContractError(
                    f"Its discovery document names an address that is not allowed as {name}.",
                    remedy="Name its host in workbench.sign_in.private_hosts if it is at a private address.",
                ) from None
        return found

    def _read_keys(self) -> KeySet:
        published = parse(self.call("GET", self.metadata().jwks_uri).content, _keys)
        usable = [key for item in published.keys if (key := _usable(item)) is not None]
        if not usable:
            raise ContractError("It publishes no key that an ID token may be signed with.")
        return KeySet(usable)


class _Kept(Generic[T]):
    """A document that is read when it is first needed, and again from time to time."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._lock = Lock()
        self._value: T | None = None
        self._read_at = float("-inf")
        self._failed_at = float("-inf")
        self._failure: ProviderError | None = None

    def get(self, anew: bool = False) -> T:
        """The document; with ``anew`` one that is read after this moment. Raises ``ProviderError``."""
        asked_at = time.monotonic()
        if not self._lock.acquire(timeout=_QUEUE_SECONDS):  # whoever comes meanwhile waits for the same answer
            raise ProviderError("busy")
        try:
            if self._value is None or self._read_at < asked_at - (0 if anew else _KEPT_SECONDS):
                self._refresh()
            if self._failure is not None and (anew or not self._is_good_enough(self._failure)):
                raise ProviderError(self._failure.why, self._failure.reason)
            if self._value is None:
                raise RuntimeError("it was neither read nor did reading it fail")
            return self._value
        finally:
            self._lock.release()

    def _is_good_enough(self, failure: ProviderError) -> bool:
        return failure.why == "down" and self._read_at > time.monotonic() - _USABLE_SECONDS

    def _refresh(self) -> None:
        now = time.monotonic()
        if self._failure is not None and now - self._failed_at < _REST_SECONDS:
            return
        try:
            self._value = self._read()
        except ConnectorError as error:
            self._failure, self._failed_at = failed(error), now
        except ProviderError as error:
            self._failure, self._failed_at = error, now
        else:
            self._failure, self._read_at = None, time.monotonic()


def failed(error: ConnectorError | SecretMissing) -> ProviderError:
    """What a failure is to those who sign in."""
    if isinstance(error, TransientError):
        return ProviderError("down", str(error))
    return ProviderError("again" if isinstance(error, CodeRefused) else "broken", str(error))


def _usable(item: dict[str, Any]) -> Key | None:
    """A key that signatures are verified with; ``None`` for all others (RFC 7517, 5)."""
    if item.get("kty") not in _KEY_TYPES or item.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(item)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None if isinstance(key, RSAKey) and key.public_key.key_size < _SHORTEST_RSA else key


def _classified(response: httpx.Response) -> ConnectorError | None:
    """Refusals of RFC 6749, 5.2, by their code; what else they say is for developers and may hold anything."""
    if response.status_code not in (400, 401):
        return None
    try:
        code = _refusal.decode(response.content).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if code == "invalid_grant":
        return CodeRefused("It does not take the code (invalid_grant).")
    known = code in ("invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type")
    remedy = "Check workbench.sign_in: client_id, client_secret, and the address to come back to at the provider."
    return AuthError(f"It refuses us ({code if known else 'no reason that we know'}).", remedy=remedy)
