"""What was made ready when the workbench began is not made again while somebody waits."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from httpx import Client
from jinja2 import Environment

from console.web.app import workbench
from console.web.warming import warm_up
from reconciliation.standing import StandingFrame
from settings.model import Settings
from state import finding_pages, members
from state.finding_pages import Wanted
from state.members import Role
from state.store import Store
from sync import process
from tests.web.conftest import served


def test_the_first_request_for_a_page_compiles_and_plans_nothing(
    desk: Store, given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = workbench(desk, given)
    warm_up(app)

    def made(*_: Any, **__: Any) -> None:
        raise AssertionError("made only now")

    monkeypatch.setattr(Environment, "compile", made)
    monkeypatch.setattr(StandingFrame, "_planned", made)
    in_order = finding_pages.ids

    def sorted_ids(connection: Any, wanted: Wanted, *place: int) -> list[str]:
        assert wanted != Wanted(), "sorted only now"
        return in_order(connection, wanted, *place)

    monkeypatch.setattr(finding_pages, "ids", sorted_ids)
    with desk.transaction() as connection:
        members.invite(connection, "anna", [Role.FINANCE], "test")
        token = members.sign_in(connection, "anna")
    with served(app) as address, Client(base_url=address, cookies={"ltc": token}) as client:
        for page in ("/", "/findings", "/cash", "/trace?text=SO-1", "/systems", "/periods", "/links"):
            assert client.get(page).status_code == 200, page


def test_nobody_waits_while_garbage_is_looked_for_among_what_stays(desk: Store, given: Settings) -> None:
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    process.starting()
    try:
        warm_up(workbench(desk, given))
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold() == usual
    finally:
        process.started()
        gc.unfreeze()
        gc.set_threshold(*usual)
