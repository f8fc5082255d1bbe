"""A workbench whose people sign in at a provider, and a person with a browser that goes there and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx import Client, Response

import settings
from console.web.app import workbench
from state.store import Store
from tests.console import deal
from tests.web import identity_provider
from tests.web.conftest import Browser, served
from tests.web.identity_provider import CLIENT, IdentityProvider

GROUPS = {"ltc-admins": "admin", "accounting": ["finance", "approver"], "it": "operator"}


@dataclass
class Company:
    """The workbench and the provider of a company."""

    address: str
    provider: IdentityProvider
    config: Path
    _opened: ExitStack = field(default_factory=ExitStack)

    def browser(self) -> Browser:
        """Somebody's browser."""
        return Browser(
            self._opened.enter_context(Client(base_url=self.address, headers={"origin": self.address}, timeout=60))
        )

    def go(self, somebody: Browser, onwards: str = "/findings") -> str:
        """Go to the provider and sign in there; returns the address at which the browser comes back."""
        begun = somebody.client.get("/sign-in/provider", params={"next": onwards})
        assert begun.status_code == 303, begun.text
        answer = httpx.get(begun.headers["location"])
        assert answer.status_code == 303, answer.text
        back = urlsplit(answer.headers["location"])
        return f"{back.path}?{back.query}"

    def sign_in(self, somebody: Browser, onwards: str = "/findings") -> Response:
        """The whole way."""
        return somebody.get(self.go(somebody, onwards))

    def write(self, **sign_in: Any) -> None:
        """Change the section of ltc.yaml; ``None`` leaves an entry out."""
        given: dict[str, Any] = {
            "issuer": self.provider.issuer,
            "client_id": CLIENT,
            "client_secret": "${env:LTC_TEST_OIDC}",
        }
        given |= {"label": "Acme", "groups": GROUPS, **sign_in}
        section = {name: value for name, value in given.items() if value is not None}
        deal.config(self.config.parent, "sqlite:///ltc.db", workbench={"sign_in": section})

    def close(self) -> None:
        """Close the browsers."""
        self._opened.close()


@contextmanager
def opened(store: Store, folder: Path, **sign_in: Any) -> Iterator[Company]:
    """Both run until the end of the block."""
    with identity_provider.running() as provider:
        company = Company("", provider, folder / "ltc.yaml")
        company.write(**sign_in)
        with served(workbench(store, settings.load(company.config))) as address:
            company.address = address
            provider.redirect_uri = f"{address}/sign-in/provider/back"
            try:
                yield company
            finally:
                company.close()


def is_in(somebody: Browser) -> bool:
    """Whether somebody is signed in."""
    return somebody.get("/findings").status_code == 200


Opened = Callable[..., Company]
