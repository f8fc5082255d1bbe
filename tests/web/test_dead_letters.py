"""Dead letters in the workbench: looked at, edited, tried again, discarded."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import pytest

from settings.model import Settings
from state import audit, outbox
from state.members import Role
from state.store import Store
from sync import job
from tests.jobs.toy import ToySystem
from tests.web.toy_company import Opens, crm, erp, olaf, settings, systems, toys  # noqa: F401


@pytest.fixture
def letters(sqlite_store: Store, settings: Settings) -> list[str]:
    """Two write-backs that the CRM refused, with the value that it was sent in its answer."""
    job.run_sync(sqlite_store, settings, push="plan")
    with sqlite_store.transaction() as connection:
        (plan,) = outbox.open_plans(connection)
        for item in plan.items[:2]:
            outbox.outcome(connection, item.id, outbox.OutboxStatus.REJECTED, "the CRM says no to delivered")
        return [item.letter for item in outbox.dead_letters(connection)]


def test_a_dead_letter_is_tried_again_or_discarded_with_a_reason(olaf: Opens, letters: list[str]) -> None:
    browser = olaf(Role.OPERATOR)
    assert browser.get("/dead-letters").text.count("the CRM says no") == 2
    first, second = letters
    refused = browser.post(f"/dead-letters/{first}/discard", reason=" ")
    assert refused.status_code == 422
    assert "discarded with a reason" in refused.text
    assert browser.post(f"/dead-letters/{first}/discard", reason="Voided by hand").status_code == 303
    assert browser.post(f"/dead-letters/{second}/retry").status_code == 303
    assert browser.post(f"/dead-letters/{second}/retry").status_code == 404
    assert "No write-back needs a person" in browser.get("/dead-letters").text


def test_another_value_is_written_instead(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    assert "Write this instead" in browser.get(address).text
    assert browser.post(f"{address}/edit", field="amount", value="1").status_code == 422
    assert browser.post(f"{address}/edit", field="delivery_state", value="x" * 2001).status_code == 400
    assert (
        browser.post(f"{address}/edit", field="delivery_state", value="returned", reason="Came back").status_code == 303
    )
    job.run_sync(sqlite_store, settings)
    assert list(crm.values("deal", "delivery").values()).count("returned") == 1
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "dead letter edited"]
    assert (said.actor, said.detail["reason"]) == ("operator", "Came back")


def test_personal_values_are_hidden_and_shown_only_to_who_operates_which_is_noted(
    olaf: Opens, sqlite_store: Store, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.letters.personal_fields", lambda *_: frozenset({"delivery_state"}))
    viewer, browser = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    for somebody in (viewer, browser):
        for page in (somebody.get(address).text, somebody.get("/dead-letters").text):
            assert "•••" in page
            assert "delivered" not in page
    assert viewer.post(f"{address}/show").status_code == 403
    assert "delivered" in browser.post(f"{address}/show").text
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "personal values shown"]
    assert (said.actor, said.detail["stream"]) == ("operator", "deal")


def test_who_is_limited_to_another_system_neither_sees_nor_touches_it(olaf: Opens, letters: list[str]) -> None:
    browser = olaf(Role.OPERATOR, "erp")
    assert letters[0] not in browser.get("/dead-letters").text
    assert browser.get(f"/dead-letters/{letters[0]}").status_code == 404
    for action in ("show", "edit", "retry", "discard"):
        sent = {"field": "delivery_state", "value": "returned", "reason": "why"}
        assert browser.post(f"/dead-letters/{letters[0]}/{action}", **sent).status_code == 404
