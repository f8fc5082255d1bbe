"""What ltc.yaml may say about signing in through a company's own identity provider (OpenID Connect)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from settings.encryption import KeyReference

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _issuer(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.query or parts.fragment or parts.username is not None or not text.isprintable():
        raise ValueError("the issuer is an address without ? and #, as the provider itself writes it")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise ValueError("the issuer must begin with https://")
    return text


def _with_openid(scopes: list[str]) -> list[str]:
    if "openid" not in scopes:
        raise ValueError("the scopes must hold openid: without it a provider tells nobody's identity")
    return scopes


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _domain(text: str) -> str:
    name = text.strip().lower().removeprefix("@")
    if not name or any(sign in name for sign in "@/ "):
        raise ValueError(f"{text!r} is no domain; write it as acme.com")
    return name


Role = Literal["viewer", "finance", "approver", "operator", "admin"]
Roles = Annotated[list[Role], BeforeValidator(_listed), Field(min_length=1)]


class SignIn(BaseModel):
    """Where people of the company sign in, and what they are here."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    issuer: Annotated[str, AfterValidator(_issuer)]
    """The provider's ``issuer``, letter by letter as in its discovery document."""
    client_id: str = Field(min_length=1)
    client_secret: KeyReference | None = None
    """Where the secret is; none for a client that the provider lets in by PKCE alone."""
    label: str = Field("", max_length=40)
    """What the button calls the provider; without it, its host."""
    scopes: Annotated[list[str], AfterValidator(_with_openid)] = ["openid", "profile", "email"]
    name_claim: str = Field("preferred_username", min_length=1)
    """The claim whose value becomes the member's name at the first sign-in."""
    role_claim: str = Field("groups", min_length=1)
    """The claim that lists groups or roles; with dots for one inside another, such as ``realm_access.roles``."""
    groups: dict[str, Roles] = Field(min_length=1)
    """What somebody is here who has this value in ``role_claim``. Nobody else gets in."""
    domains: list[Annotated[str, AfterValidator(_domain)]] = []
    """If given, only people with a verified e-mail address in one of these get in."""
    only: bool = False
    """Nobody signs in with a password of ours."""
    ca_bundle: Path | None = None
    """The authority that the provider's certificate is verified by, if it is one of the company's own."""
    private_hosts: list[str] = []
    """Hosts at private addresses, beside the issuer's own, that its discovery document may name."""

    @property
    def host(self) -> str:
        """The issuer's host."""
        return urlsplit(self.issuer).hostname or ""

    @property
    def called(self) -> str:
        """What people call the provider."""
        return self.label or self.host
