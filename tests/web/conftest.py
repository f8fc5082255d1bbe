"""The workbench over a small reconciled company, as browsers of members with different roles see it."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from httpx import Client, Response

import settings
from console.web import passwords
from console.web.app import workbench
from sandbox.http import PromptServer
from settings.model import Settings
from state import members
from state.members import Role
from state.store import Store, open_store
from tests.console import deal

PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """Somebody's browser."""

    client: Client

    def get(self, address: str) -> Response:
        return self.client.get(address)

    def post(self, address: str, **fields: str) -> Response:
        """Send a form of a page that was seen before."""
        page = self.client.get("/account").text
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        return self.client.post(address, data={"csrf": found.group(1) if found else "", **fields})

    def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> Response:
        return self.client.post("/sign-in", data={"name": name, "password": password, **fields})


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address at which the application answers."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
    server = PromptServer(config)
    with config.bind_socket() as bound:
        bound.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            assert server.up.wait(30)
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.leave()
            thread.join()


@pytest.fixture(scope="session", autouse=True)
def light_passwords() -> Iterator[None]:
    """Passwords are hashed as ever, with parameters that take no time: nearly every test here signs somebody in."""
    with patch.object(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        passwords._nobodys.cache_clear()
        yield
    passwords._nobodys.cache_clear()


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deal's store, to copy."""
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("deal"))


@pytest.fixture
def config(filled: Path, tmp_path: Path) -> Path:
    shutil.copy(filled, tmp_path / "ltc.db")
    return deal.config(tmp_path, "sqlite:///ltc.db")


@pytest.fixture
def given(config: Path) -> Settings:
    return settings.load(config)


@pytest.fixture
def desk(config: Path) -> Iterator[Store]:
    """The store of the workbench."""
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as store:
        yield store


@pytest.fixture(scope="session")
def kept_password(light_passwords: None) -> str:
    return passwords.hashed(PASSWORD)


@pytest.fixture
def member(desk: Store, kept_password: str) -> Callable[..., str]:
    """Makes a member with a password."""

    def make(name: str, *roles: Role) -> str:
        with desk.transaction() as connection:
            token = members.invite(connection, name, roles, "test")
            members.accept(connection, token, kept_password)
        return name

    return make


@pytest.fixture
def browser(desk: Store, given: Settings) -> Iterator[Callable[..., Browser]]:
    """Opens a browser, with these headers in every request."""
    with served(workbench(desk, given)) as address, ExitStack() as opened:

        def open_one(**headers: str) -> Browser:
            sent = {"origin": address, **{name.replace("_", "-"): value for name, value in headers.items()}}
            return Browser(opened.enter_context(Client(base_url=address, headers=sent, timeout=60)))

        yield open_one


@pytest.fixture
def as_role(browser: Callable[..., Browser], member: Callable[..., str]) -> Callable[[Role], Browser]:
    """The browser of somebody with this role."""

    def signed_in(role: Role) -> Browser:
        opened = browser()
        assert opened.sign_in(member(f"a.{role}", role)).status_code == 303
        return opened

    return signed_in
