"""Every operation with requests that schemathesis makes of the OpenAPI document, right and wrong ones, in process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from schemathesis import Case
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.openapi import from_dict
from schemathesis.schemas import BaseSchema

import settings
from console.web import passwords
from console.web.api.application import document
from console.web.app import workbench
from console.web.guard import Limiter
from state import api_tokens, members
from state.api_tokens import Scope
from state.members import Role
from state.store import open_store
from tests.console import deal
from tests.web.api.conftest import mounted
from tests.web.conftest import PASSWORD

_SHORT, _LONG = 8, 150


class Site:
    """The workbench of a test, where schemathesis wants one when tests are collected."""

    app: Any = None
    headers: dict[str, str]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


_site = Site()


@pytest.fixture(scope="module", autouse=True)
def site(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("fuzzed")
    shutil.copy(filled, folder / "ltc.db")
    with open_store(f"sqlite:///{folder / 'ltc.db'}") as store:
        with store.transaction() as connection:
            invited = members.invite(connection, "anna", [Role.ADMIN], "test")
            members.accept(connection, invited, passwords.hashed(PASSWORD))
            _, token = api_tokens.create(connection, "anna", "fuzzing", tuple(Scope), "test")
        _site.app = workbench(store, settings.load(deal.config(folder, "sqlite:///ltc.db")), hosts=("testserver",))
        _site.headers = {"Authorization": f"Bearer {token}"}
        api = mounted(_site.app)
        api.state.calls = api.state.wrong_tokens = Limiter(most=10**9, seconds=1, remembered=1)
        yield
        api.state.worker.wait(120)


def _schema(most: int, *, coverage: bool) -> BaseSchema:
    generation = GenerationConfig(max_examples=most, deterministic=True, database="none")
    project = ProjectConfig(generation=generation, request_timeout=300)
    project.phases.coverage.enabled = coverage
    found = from_dict(document(), config=SchemathesisConfig(projects=ProjectsConfig(default=project)))
    found.app = _site
    return found


@_schema(_SHORT, coverage=False).parametrize()
def test_every_operation_answers_as_the_document_says(case: Case[Any]) -> None:
    case.call_and_validate(headers=_site.headers)


@pytest.mark.slow
@_schema(_LONG, coverage=True).parametrize()
def test_every_operation_answers_as_the_document_says_at_length(case: Case[Any]) -> None:
    case.call_and_validate(headers=_site.headers)
