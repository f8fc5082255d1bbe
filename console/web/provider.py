"""Signing in through a company's own identity provider: OpenID Connect Core 1.0, the code flow with PKCE.

Nothing that somebody brings back is believed for itself: the state must be the one that their browser was sent with,
the code is redeemed at the provider over TLS, and what it says in the ID token counts only if it is signed by one of
its published keys, with an asymmetric algorithm, for us, now, and for exactly this visit (the nonce).
"""

from __future__ import annotations

import hmac
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jws import JWSRegistry

from connectors.errors import ConnectorError
from connectors.rawjson import decode, parse
from console.web.provider_documents import Documents, ProviderError, failed
from settings import SecretMissing, secrets
from state.clock import now_us
from state.members import Role
from state.provided import LONGEST_SUBJECT

if TYPE_CHECKING:
    from console.web.provider_documents import Metadata
    from settings.sign_in import SignIn

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""What an ID token may be signed by: nothing that whoever knows a public key, or our own secret, could make."""
LEEWAY_SECONDS = 60
"""So far the clocks may be apart."""
_LARGEST_HEADER = 8192
"""Bytes; some providers put certificates there."""
_AT_ONCE = 8
"""Sign-ins that wait for the provider: the threads of the server are for everybody."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom the provider vouches for; ``roles`` are those that ltc.yaml gives them, maybe none."""

    issuer: str
    subject: str
    name: str
    roles: frozenset[Role]


class _Tokens(msgspec.Struct):
    id_token: str
    access_token: str = ""


_tokens = msgspec.json.Decoder(_Tokens)


class Provider:
    """One provider, as ltc.yaml names it. All of it raises ``ProviderError``."""

    def __init__(self, given: SignIn) -> None:
        self.given = given
        self._documents = Documents(given)
        self._turns = BoundedSemaphore(_AT_ONCE)

    def address(self, back: str, state: str, secret: str) -> str:
        """Where a browser is sent to sign in. ``secret`` is what it keeps meanwhile, ``back`` where it comes back."""
        made: str = prepare_grant_uri(
            self._documents.metadata().authorization_endpoint,
            self.given.client_id,
            "code",
            redirect_uri=back,
            scope=self.given.scopes,
            state=state,
            nonce=_derived(secret, "nonce", state),
            code_challenge=create_s256_code_challenge(_derived(secret, "verifier", state)),
            code_challenge_method="S256",
        )
        return made

    def check(self) -> None:
        """Read what the provider publishes."""
        self._documents.metadata()
        self._documents.keys()

    def end_session(self, back: str) -> str | None:
        """Where a browser is sent to sign out at the provider as well; ``None`` where that cannot be done.

        The provider is told who asks, not for whom (no ``id_token_hint``): we keep no token. It may ask the person.
        """
        address = self._documents.metadata().end_session_endpoint
        if address is None:
            return None
        mark = "&" if "?" in address else "?"
        client, onwards = quote_plus(self.given.client_id), quote_plus(back)
        return f"{address}{mark}client_id={client}&post_logout_redirect_uri={onwards}"

    def identity(self, code: str, issuer: str | None, back: str, state: str, secret: str) -> Identity:
        """Who has come back with a code. ``issuer`` is what the address they came by says of it (RFC 9207)."""
        metadata = self._documents.metadata()
        if issuer is None and metadata.authorization_response_iss_parameter_supported:
            raise _unbelieved("the answer does not say from which issuer it is")
        if issuer is not None and issuer != self.given.issuer:
            raise _unbelieved("the answer is from another issuer")
        if not self._turns.acquire(blocking=False):
            raise ProviderError("busy")
        try:
            granted = self._granted(metadata, code, back, _derived(secret, "verifier", state))
            claims = self._claims(metadata, granted, _derived(secret, "nonce", state))
            return self._told(metadata, claims, granted.access_token)
        except (ConnectorError, SecretMissing) as error:
            raise failed(error) from error
        finally:
            self._turns.release()

    def _granted(self, metadata: Metadata, code: str, back: str, verifier: str) -> _Tokens:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        sent: dict[str, str] = {"code": code, "code_verifier": verifier}
        methods = metadata.token_endpoint_auth_methods_supported
        secret = secrets.resolve(self.given.client_secret) if self.given.client_secret else None
        if secret is None:
            sent["client_id"] = self.given.client_id
        elif "client_secret_basic" in methods or "client_secret_post" not in methods:
            # RFC 6749, 2.3.1: both parts are encoded as in a form first.
            pair = f"{quote_plus(self.given.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            sent |= {"client_id": self.given.client_id, "client_secret": secret}
        body: str = prepare_token_request("authorization_code", redirect_uri=back, **sent)
        answer = self._documents.call("POST", metadata.token_endpoint, headers, body.encode())
        return parse(answer.content, _tokens)

    def _claims(self, metadata: Metadata, granted: _Tokens, nonce: str) -> dict[str, Any]:
        """What the ID token says, if all of OpenID Connect Core 1.0, 3.1.3.7 holds."""
        declared = metadata.id_token_signing_alg_values_supported
        allowed = [name for name in ALGORITHMS if declared is None or name in declared]
        if not allowed:
            raise _unbelieved("the provider signs with no algorithm that we take")
        registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
        registry.max_header_length = _LARGEST_HEADER
        try:
            token = self._verified(granted.id_token, registry)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self.given.issuer},
                    "aud": {"essential": True, "value": self.given.client_id},
                    "sub": {"essential": True},
                },
                params={"nonce": nonce, "client_id": self.given.client_id, "access_token": granted.access_token},
            )
            claims.validate(now=now_us() // 1_000_000, leeway=LEEWAY_SECONDS)
        except JoseError as error:
            raise _unbelieved(f"the ID token does not hold ({error})") from None
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise _unbelieved(f"the ID token cannot be read ({type(error).__name__})") from None
        subject = claims["sub"]
        if not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
            raise _unbelieved("the ID token names nobody")
        return dict(claims)

    def _verified(self, text: str, registry: JWSRegistry) -> jwt.Token:
        try:
            return jwt.decode(text, self._documents.keys(), registry=registry)
        except (InvalidKeyIdError, BadSignatureError):
            return jwt.decode(text, self._documents.keys(anew=True), registry=registry)  # it may have changed its keys

    def _told(self, metadata: Metadata, claims: dict[str, Any], access_token: str) -> Identity:
        given = self.given
        wanted = [given.name_claim, given.role_claim, *(("email", "email_verified") if given.domains else ())]
        if metadata.userinfo_endpoint and access_token and any(_claim(claims, name) is None for name in wanted):
            more = self._userinfo(metadata.userinfo_endpoint, access_token, claims["sub"])
            claims = {**more, **{name: value for name, value in claims.items() if value is not None}}
        if given.domains and not _is_of(claims, given.domains):
            raise ProviderError("domain")
        name = _claim(claims, given.name_claim)
        if not isinstance(name, str) or not name.strip():
            raise ProviderError("name", f"it gives no claim {given.name_claim}")
        groups = _claim(claims, given.role_claim)
        held = [groups] if isinstance(groups, str) else list(groups) if isinstance(groups, list | dict) else []
        roles = {Role(role) for group in held if isinstance(group, str) for role in given.groups.get(group, ())}
        return Identity(given.issuer, claims["sub"], name, frozenset(roles))

    def _userinfo(self, address: str, access_token: str, subject: str) -> dict[str, Any]:
        """What the provider tells beside the ID token; of the same person (OpenID Connect Core 1.0, 5.3.2)."""
        answer = self._documents.call("GET", address, {"Authorization": f"Bearer {access_token}"})
        found = decode(answer.content)
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise _unbelieved("the user info is about somebody else")
        return found


def _unbelieved(reason: str) -> ProviderError:
    return ProviderError("unbelieved", "".join(sign if sign.isprintable() else " " for sign in reason))


def _derived(secret: str, purpose: str, state: str) -> str:
    """A value for one visit that only whoever has the browser's secret can make; 43 characters."""
    made = hmac.digest(secret.encode(), f"{purpose}:{state}".encode(), "sha256")
    return urlsafe_b64encode(made).decode().rstrip("=")


def _claim(claims: dict[str, Any], name: str) -> Any:
    """A claim of this name or, with dots, one inside others."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _is_of(claims: dict[str, Any], domains: list[str]) -> bool:
    """Whether somebody has a verified address in one of these domains."""
    address = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(address, str):
        return False
    person, _, domain = address.partition("@")
    return bool(person) and domain.lower() in domains
