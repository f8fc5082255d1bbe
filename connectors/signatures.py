"""Signatures of webhooks: how a source proves that a request is its own and new, and how that is checked.

A ``Signature`` says it in a few words, as a table of a manifest can carry:

    {scheme: hmac-sha256, header: X-Xero-Signature, encoding: base64}
    {scheme: hmac-sha256, header: Stripe-Signature, part: v1, signed: "{timestamp}.{body}",
     timestamp: {header: Stripe-Signature, part: t}, id: {field: id}}
    {scheme: standard-webhooks}
    {scheme: shared-key, field: google_key, id: {field: lead_id}}

The secret is not part of it. ``verify`` takes several, so that one can be replaced by another without a gap. Everything
is computed over the bytes that were received: JSON that is written anew has another signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.contract import Inbound
from connectors.errors import WebhookRefused
from connectors.places import HeaderSent, Place
from connectors.words import Part, Query

Scheme = Literal[
    "hmac-sha1", "hmac-sha256", "hmac-sha512", "sha1", "sha256", "ed25519", "standard-webhooks", "shared-key"
]
"""The plain ``sha1`` and ``sha256`` hash a text that the secret is part of. ``standard-webhooks`` is version 1.0.0 of
that specification, symmetric (secrets ``whsec_…``) and asymmetric (``whpk_…``). ``shared-key``: the request shows the
secret itself."""

_STANDARD: dict[str, Any] = {
    "header": "webhook-signature",
    "separator": " ",
    "signed": "{id}.{timestamp}.{body}",
    "id": {"header": "webhook-id"},
    "timestamp": {"header": "webhook-timestamp"},
}
_HOLE = re.compile(r"\{([^{}]*)\}")
_PARTS = frozenset({"body", "timestamp", "id", "nonce", "method", "url", "url_decoded", "secret"})
_NUMBER = re.compile("[0-9]{1,17}")
_MOST_SIGNATURES = 32
"""In one header; a source that replaces its secret sends two."""


def _is_template(text: str) -> str:
    names = _HOLE.findall(text)
    unknown = sorted(set(names) - _PARTS)
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(_PARTS))
        raise ValueError(f"there is no {{{unknown[0]}}}; there are {known}")
    if "{" in _HOLE.sub("", text) or "}" in _HOLE.sub("", text):
        raise ValueError("has a brace that belongs to no part")
    return text


class Timestamp(Place):
    """When the request was signed; what is older, or from the future, is refused."""

    unit: Literal["seconds", "milliseconds", "iso"] = "seconds"
    tolerance_seconds: float = Field(300, gt=0)
    """As long as the source repeats a request without signing it anew."""
    ahead_seconds: float = Field(300, ge=0)
    """How far the source's clock may be ahead of ours."""

    def age(self, text: str, now: datetime) -> float | None:
        """Seconds between what ``text`` says and ``now``; ``None`` if it says no time."""
        if self.unit != "iso":
            number = int(text) if _NUMBER.fullmatch(text) else None
            return None if number is None else now.timestamp() - number / (1000 if self.unit == "milliseconds" else 1)
        try:
            at = datetime.fromisoformat(text)
            return (now - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds()
        except (ValueError, OverflowError):
            return None


class Signature(Part):
    """How a source signs its requests. The signature stands at exactly one of ``header``, ``query`` and ``field``."""

    scheme: Scheme
    header: HeaderSent | None = None
    query: str | None = None
    field: Query | None = None
    part: str | None = None
    """Of a header such as ``t=1700000000,v1=02b5…``, the signatures after this name."""
    separator: Annotated[str, Field(min_length=1)] | None = None
    """Between several signatures in one value; one that is right is enough."""
    prefix: str = ""
    """Before the signature, such as ``sha256=``; what begins otherwise is passed over."""
    encoding: Literal["hex", "base64", "base64-hex"] = "hex"
    """``base64-hex``: the base64 of the hex text."""
    signed: Annotated[str, AfterValidator(_is_template)] = "{body}"
    """What is signed: constant text with ``{body}``, ``{timestamp}``, ``{id}``, ``{nonce}``, ``{method}``, ``{url}``
    (as the source called it), ``{url_decoded}`` (the same without percent escapes) and ``{secret}``."""
    key: Literal["text", "hex", "base64"] = "text"
    """How the secret is written down."""
    key_prefix: str = ""
    """Before the secret, and not part of it."""
    timestamp: Timestamp | None = None
    nonce: Place | None = None
    id: Place | tuple[Place, ...] | None = None
    """What is the same each time the source sends the same request; of several places, all together. Without it a
    request is known again by its body."""

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        standard = isinstance(value, dict) and value.get("scheme") == "standard-webhooks"
        return {**_STANDARD, **value} if standard else value

    @model_validator(mode="after")
    def _complete(self) -> Signature:
        if sum(item is not None for item in (self.header, self.query, self.field)) != 1:
            raise ValueError("needs exactly one of header, query and field")
        names = set(_HOLE.findall(self.signed))
        if self.scheme in ("sha1", "sha256") and "secret" not in names:
            raise ValueError(f"{self.scheme} needs {{secret}} in signed; without it everyone can sign")
        if self.scheme != "shared-key" and "body" not in names:
            raise ValueError("signed needs {body}; otherwise anything can be put under a signature once seen")
        for name, place in (("timestamp", self.timestamp), ("nonce", self.nonce), ("id", self.id)):
            if name in names and place is None:
                raise ValueError(f"signed names {{{name}}}, so {name} must say where it stands")
        unsigned = self.timestamp is not None and self.timestamp.field is None and "timestamp" not in names
        if unsigned and self.scheme != "shared-key":
            raise ValueError("timestamp must be part of signed; one that is not signed can be changed by anyone")
        return self

    @cached_property
    def place(self) -> Place:
        """Where the signature stands."""
        return Place(header=self.header, query=self.query, field=self.field, part=self.part)


def secrets_of(setting: SecretStr | Iterable[SecretStr] | None) -> list[SecretStr]:
    """The secrets of a setting that takes one, several, or none; empty ones are none."""
    given = [] if setting is None else [setting] if isinstance(setting, SecretStr) else list(setting)
    return [secret for secret in given if secret.get_secret_value()]


def verify(
    signature: Signature,
    secrets: SecretStr | Iterable[SecretStr] | None,
    request: Inbound,
    now: datetime,
    *,
    setting: str = "webhook_secret",
) -> None:
    """Raise ``WebhookRefused`` unless the request is signed with one of ``secrets``, and not too old or too new.

    Takes the same time whatever of it is wrong. ``setting`` names the secret in what is said.
    """
    known = [secret.get_secret_value() for secret in secrets_of(secrets)]
    if not known:
        raise WebhookRefused(f"`{setting}` is not set.", remedy="Set it to the secret that the source signs with.")
    shown = _shown(signature, request)
    if not any([_fits(signature, secret, shown, request) for secret in known]):  # noqa: C419 - all, in constant time
        raise WebhookRefused("The signature is wrong.", remedy=f"Compare `{setting}` with what the source has.")
    _refuse_stale(signature, request, now)


def identify(signature: Signature, request: Inbound) -> str:
    """What is the same each time this request is sent, of at most 255 characters; ``""`` if its id is missing."""
    if signature.id is None:
        return f"sha256:{hashlib.sha256(request.body).hexdigest()}"
    places = (signature.id,) if isinstance(signature.id, Place) else signature.id
    found = [place.text(request) for place in places]
    if len(found) == 1 or not all(found):
        return found[0] if len(found) == 1 else ""
    return f"sha256:{hashlib.sha256(chr(0).join(found).encode(errors='replace')).hexdigest()}"


def sign(signature: Signature, secret: str, request: Inbound) -> str:
    """The signature that the source would put on a request; of ``ed25519`` nobody else can make one.

    Raises ``ValueError`` if the secret is not written as ``key`` says.
    """
    if signature.scheme == "shared-key":
        return secret
    digest = _digest(signature, secret, request)
    if signature.scheme == "standard-webhooks":
        return "v1," + base64.b64encode(digest).decode()
    text = digest.hex() if signature.encoding != "base64" else base64.b64encode(digest).decode()
    return signature.prefix + (base64.b64encode(text.encode()).decode() if signature.encoding == "base64-hex" else text)


def _shown(signature: Signature, request: Inbound) -> list[str]:
    found = signature.place.texts(request)
    if signature.separator is not None:
        found = [item for text in found for item in text.split(signature.separator)]
    begin = signature.prefix
    return [text[len(begin) :] for text in found[:_MOST_SIGNATURES] if text.startswith(begin)]


def _fits(signature: Signature, secret: str, shown: Sequence[str], request: Inbound) -> bool:
    if signature.scheme == "shared-key":
        same = [hmac.compare_digest(_bytes(text), _bytes(secret)) for text in shown]
        return bool(same) and all(same)
    if signature.scheme == "standard-webhooks":
        kind, asymmetric = ("v1a,", True) if secret.startswith("whpk_") else ("v1,", False)
        values = [_decoded(text[len(kind) :], "base64") for text in shown if text.startswith(kind)]
    else:
        asymmetric = signature.scheme == "ed25519"
        values = [_decoded(text, signature.encoding) for text in shown]
    try:
        if asymmetric:
            key, text = _key(signature, secret), _text(signature, secret, request)
            return any([_is_signed(key, value, text) for value in values])  # noqa: C419
        wanted = _digest(signature, secret, request)
    except ValueError:
        raise WebhookRefused(
            "The secret of the webhook is not what its scheme needs.", remedy="Copy it anew from the source."
        ) from None
    return any([hmac.compare_digest(value, wanted) for value in values])  # noqa: C419


def _digest(signature: Signature, secret: str, request: Inbound) -> bytes:
    text = _text(signature, secret, request)
    if signature.scheme in ("sha1", "sha256"):
        return hashlib.new(signature.scheme, text, usedforsecurity=False).digest()
    algorithm = "sha256" if signature.scheme == "standard-webhooks" else signature.scheme.removeprefix("hmac-")
    return hmac.digest(_key(signature, secret), text, algorithm)


def _key(signature: Signature, secret: str) -> bytes:
    """Raises ``ValueError`` if the secret is not written as ``key`` says."""
    if signature.scheme == "standard-webhooks":
        return base64.b64decode(secret.removeprefix("whsec_").removeprefix("whpk_"), validate=True)
    secret = secret.removeprefix(signature.key_prefix)
    if signature.key == "text":
        return secret.encode()
    return bytes.fromhex(secret) if signature.key == "hex" else base64.b64decode(secret, validate=True)


def _text(signature: Signature, secret: str, request: Inbound) -> bytes:
    """What is signed. Raises ``WebhookRefused`` if a part of it could be mistaken for more than one."""
    pieces = _HOLE.split(signature.signed)
    constant = {char for piece in pieces[::2] for char in piece if not char.isalnum()}
    made: list[bytes] = []
    for place, piece in enumerate(pieces):
        part = _bytes(piece) if place % 2 == 0 else _part(signature, piece, secret, request)
        if piece in ("id", "nonce") and place % 2 and constant & set(part.decode(errors="replace")):
            raise WebhookRefused("A signed part of the request holds what separates the parts.")
        made.append(part)
    return b"".join(made)


def _part(signature: Signature, name: str, secret: str, request: Inbound) -> bytes:
    if name == "body":
        return request.body
    places = {"timestamp": signature.timestamp, "nonce": signature.nonce}
    if name in places:
        return _bytes(places[name].text(request))  # type: ignore[union-attr]
    given = {"secret": secret, "method": request.method, "url": request.url, "url_decoded": unquote(request.url)}
    return _bytes(given[name] if name in given else identify(signature, request))


def _refuse_stale(signature: Signature, request: Inbound, now: datetime) -> None:
    told = signature.timestamp
    if told is None:
        return
    age = told.age(told.text(request), now)
    if age is None or not -told.ahead_seconds <= age <= told.tolerance_seconds:
        raise WebhookRefused("The request is too old, or from the future.", remedy="Compare this machine's clock.")


def _is_signed(key: bytes, value: bytes, text: bytes) -> bool:
    """Raises ``ValueError`` if ``key`` is no public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(value, text)
    except InvalidSignature:
        return False
    return True


def _decoded(text: str, encoding: str) -> bytes:
    """The bytes of a signature; none, which are never right, if it is not written so."""
    try:
        if encoding == "hex":
            return bytes.fromhex(text)
        made = base64.b64decode(text, validate=True)
        return bytes.fromhex(made.decode()) if encoding == "base64-hex" else made
    except (ValueError, binascii.Error):
        return b""


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
