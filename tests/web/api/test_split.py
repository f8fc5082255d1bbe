"""Saying by the API what a receipt settles, as at the matching desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciliation.engine import reconcile
from settings.model import Settings
from state.members import Role
from state.store import Store
from tests.console import deal, receipts
from tests.web.api.conftest import Api, Program
from tests.web.api.test_answers import refused
from tests.web.test_splitting import decided

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Receipts instead of the deal."""
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("split"), receipts.fill)


def receipt(api: Api, number: str) -> int:
    found = api.get("/receipts").json()["items"]
    return next(int(item["id"]) for item in found if number in (item["record"]["number"], item["record"]["source_id"]))


def items(api: Api, id: int, text: str = "") -> dict[str, int]:
    """Number → id of what is open, in its order."""
    found = api.get(f"/receipts/{id}/items", text=text).json()["items"]
    return {item["record"]["number"]: item["id"] for item in found}


def test_a_receipt_is_divided_and_what_explains_the_rest_is_kept(program: Program, desk: Store) -> None:
    api = program(Role.FINANCE)
    id = receipt(api, "P3")
    known = items(api, id)
    assert list(known) == ["INV-20260001", "INV-20260002", "INV-20260003"]
    sent = [{"item": known["INV-20260002"], "amount": "300.00"}, {"item": known["INV-20260003"], "amount": "150.5"}]
    fee = [{"kind": "fee", "amount": "-15"}]
    answer = api.post(f"/receipts/{id}/split", items=sent, differences=fee, reason="as told by phone").json()
    assert answer == {"receipt": id, "items": 2}
    assert sorted((item.applied, item.spent) for item in decided(desk)) == [(15050, 15050), (30000, 30000)]
    assert [entry for item in decided(desk) for entry in item.differences] == [(None, "fee", -1500)]
    assert {item.decided_by for item in decided(desk)} == {"p.finance"}
    assert api.post(f"/receipts/{id}/undo").json()["items"] == 2
    assert decided(desk) == []


def test_what_does_not_add_up_is_a_conflict_and_nothing_of_it_is_kept(program: Program, desk: Store) -> None:
    api = program(Role.FINANCE)
    id = receipt(api, "P3")
    item = items(api, id)["INV-20260002"]
    one = {"item": item, "amount": "600.00"}
    assert (
        "600.00 cannot be applied"
        in refused(api.post(f"/receipts/{id}/split", items=[one], reason="so"), 409)["detail"]
    )
    one["amount"] = "0.001"
    assert "more decimals" in refused(api.post(f"/receipts/{id}/split", items=[one], reason="so"), 409)["detail"]
    one["amount"] = "1.00"
    assert "twice" in refused(api.post(f"/receipts/{id}/split", items=[one, one], reason="so"), 409)["detail"]
    refused(api.post(f"/receipts/{id}/split", items=[{"item": 424242, "amount": "1.00"}], reason="so"), 409)
    refused(api.post(f"/receipts/{id}/split", items=[{"item": item, "amount": "1,00"}], reason="so"), 422)
    assert "a deposit" in refused(api.post(f"/receipts/{id}/split", items=[], reason="so"), 409)["detail"]
    refused(api.post(f"/receipts/{id}/split", items=[one]), 422)
    refused(api.post("/receipts/424242/split", items=[one], reason="so"), 404)
    refused(api.get("/receipts/424242/items"), 404)
    assert decided(desk) == []


def test_what_a_rule_gave_to_another_receipt_is_taken_only_where_that_is_accepted(
    program: Program, desk: Store
) -> None:
    api = program(Role.FINANCE)
    id = receipt(api, "P3")
    found = {item["record"]["number"]: item for item in api.get(f"/receipts/{id}/items").json()["items"]}
    assert next((item["open"], item["free"]) for item in found.values()) == ("1000.00", "0.00")
    sent = {"items": [{"item": found["INV-20260001"]["id"], "amount": "500.00"}], "reason": "as told"}
    assert "is matched with P1" in refused(api.post(f"/receipts/{id}/split", **sent), 409)["detail"]
    assert decided(desk) == []
    assert api.post(f"/receipts/{id}/split", **sent, accepted=True).json() == {"receipt": id, "items": 1}


def test_receipts_and_what_they_may_settle_say_whether_their_system_was_removed(program: Program, config: Path) -> None:
    api = program(Role.VIEWER)

    def said() -> list[dict[str, Any]]:
        receipts = [item for way in ("", "/matched") for item in api.get(f"/receipts{way}").json()["items"]]
        applied = [one for item in receipts for one in item["applied"]]
        suggested = [one for item in receipts for option in item["suggestions"] for one in option["applied"]]
        open_items = api.get(f"/receipts/{receipt(api, 'P3')}/items").json()["items"]
        assert all((receipts, applied, suggested, open_items))
        return [item["record"] for item in (*receipts, *applied, *suggested, *open_items)]

    assert {record["system_removed"] for record in said()} == {False}
    told = yaml.safe_load(config.read_text())
    for gone in {record["system"] for record in said()}:
        del told["systems"][gone]
    config.write_text(yaml.safe_dump(told))
    assert {record["system_removed"] for record in said()} == {True}


def test_what_is_left_of_a_receipt_stays_in_the_list_before_and_after_the_next_run(
    program: Program, desk: Store, given: Settings
) -> None:
    api = program(Role.FINANCE)
    id = receipt(api, "P2")
    item = next(iter(items(api, id, "INV-20260002").values()))
    sent = [{"item": item, "amount": "23.45"}]
    assert api.post(f"/receipts/{id}/split", items=sent, reason="a part", accepted=True).status_code == 200
    for _ in range(2):
        found = next(one for one in api.get("/receipts").json()["items"] if one["id"] == id)
        assert (found["amount"], found["left"], found["class"]) == ("123.45", "100.00", "left_by_decision")
        assert [(one["record"]["number"], one["amount"], one["decision"]) for one in found["applied"]] == [
            ("INV-20260002", "23.45", "pinned")
        ]
        reconcile(desk, given, "run-2")
    rest = [{"kind": "deposit", "amount": "100.00"}]
    answer = api.post(f"/receipts/{id}/split", items=sent, differences=rest, reason="all", accepted=True)
    assert answer.status_code == 200, answer.text
    assert all(one["id"] != id for one in api.get("/receipts").json()["items"])
