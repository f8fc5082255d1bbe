"""The REST API over the small company: with tokens of members, and in process for the fuzzing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from httpx import Client, Response
from starlette.routing import Mount

from console.web.api.application import PATH
from state import api_tokens
from state.api_tokens import Scope
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser

Token = Callable[..., str]
Program = Callable[..., "Api"]


class Api:
    """A program that calls the API."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, path: str, **query: str | int) -> Response:
        return self.client.get(PATH + path, params=query)

    def post(self, path: str, **sent: object) -> Response:
        return self.client.post(PATH + path, json=sent)


def mounted(app: FastAPI) -> FastAPI:
    """The API within the workbench."""
    [found] = [route.app for route in app.routes if isinstance(route, Mount) and route.path == PATH]
    assert isinstance(found, FastAPI)
    return found


@pytest.fixture
def token(desk: Store, member: Callable[..., str]) -> Token:
    """Makes a token of somebody with these roles."""

    def make(*roles: Role, scopes: tuple[Scope, ...] = tuple(Scope), days: int = 1, name: str = "") -> str:
        who = name or "p." + ".".join(roles)
        member(who, *roles)
        with desk.transaction() as connection:
            return api_tokens.create(connection, who, "test", scopes, "test", days)[1]

    return make


@pytest.fixture
def program(browser: Callable[..., Browser], token: Token) -> Program:
    """A program with a token of somebody with these roles, and these scopes; or with this token."""

    def open_one(*roles: Role, text: str | None = None, scopes: tuple[Scope, ...] = tuple(Scope)) -> Api:
        opened = browser().client
        del opened.headers["origin"]
        opened.headers["authorization"] = f"Bearer {token(*roles, scopes=scopes) if text is None else text}"
        return Api(opened)

    return open_one
