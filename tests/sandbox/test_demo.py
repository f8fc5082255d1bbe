"""The whole job over the demo systems: every planted fault is found, nothing else, and then nothing is left to do."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

import settings as settings_room
from connectors.contract import Change
from connectors.salesforce.connector import Salesforce
from reconciliation import report
from sandbox.demo import config, systems
from sandbox.demo.place import Place
from sandbox.demo.verify import verify
from sandbox.world import lookalikes
from sandbox.world.build import AS_OF, build_world
from sandbox.world.records import Fault
from settings.model import Settings
from state import chains, links, overwritten
from state.store import Store, open_store
from sync import matching
from sync import systems as systems_of_ltc
from sync.job import run_push, run_restore, run_sync
from sync.result import SyncResult

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Store]]:
    place = Place(tmp_path_factory.mktemp("demo"))
    with systems.started(place) as endpoints:
        config.write(place, endpoints)
        settings = settings_room.load(place.settings)
        if request.param == "postgresql":
            settings.store = request.getfixturevalue("pg_server")()
        with open_store(settings.store) as store:
            yield settings, store


@pytest.fixture(scope="module")
def story(demo: tuple[Settings, Store]) -> dict[str, Any]:
    """The demo's steps, once: sync, report, write back, sync again, sync in full."""
    settings, store = demo
    first = run_sync(store, settings)
    before = report.build(store, settings)
    refused = run_push(store, settings, push="apply")
    matching.accept(store, settings.systems, "demo")
    applied = run_push(store, settings, push="apply")
    again = run_sync(store, settings)
    after = report.build(store, settings)
    full = run_sync(store, settings, full=True)
    return {
        "first": first,
        "before": before,
        "refused": refused,
        "applied": applied,
        "again": again,
        "after": after,
        "full": full,
    }


def news(result: SyncResult) -> int:
    return sum(sums.get("new", 0) + sums.get("changed", 0) for sums in result.counts().values())


def test_every_planted_fault_is_found_and_nothing_else(story: dict[str, Any]) -> None:
    verdict = verify(story["before"]["findings"], build_world().faults)
    assert not verdict.missed
    assert not verdict.extra
    assert verdict.found == 97


def test_the_customers_that_look_alike_wait_for_a_person_and_nobody_else_does(
    story: dict[str, Any], demo: tuple[Settings, Store]
) -> None:
    assert story["full"]
    with demo[1].reading() as connection:
        found = links.listing(connection, decision="suggested")
        known = chains.rows(connection, {end for link in found for end in (link.left_id, link.right_id)})
    waiting = {frozenset(str(known[end]["name"]) for end in (link.left_id, link.right_id)) for link in found}
    assert waiting == {frozenset({pair.crm.name, pair.books.name}) for pair in lookalikes.pairs(AS_OF.date())}
    assert {link.method for link in found} == {"likeness"}


def test_a_fault_that_is_not_found_or_not_planted_is_told() -> None:
    finding = {"check": "invoice_overdue", "records": [{"number": "INV-1"}]}
    other = Fault("payment_duplicate", ("INV-2",), "…")
    verdict = verify([finding], [other])
    assert verdict.missed == [other]
    assert verdict.extra == [("invoice_overdue", ("INV-1",))]


def test_a_fault_that_is_found_with_another_amount_is_not_found() -> None:
    planted = Fault("payout_bank_amount", ("po_1",), "…", Decimal(15), "EUR")
    named = {"check": "payout_bank_amount", "records": [{"number": "po_1"}], "currency": "EUR"}
    assert verify([{**named, "amount": "15.00"}], [planted]).exact
    for other in ({"amount": "15.01"}, {"amount": "15.00", "currency": "USD"}):
        assert verify([{**named, **other}], [planted]).missed == [planted]


def test_everything_is_pulled_and_only_the_unknown_status_is_rejected(story: dict[str, Any]) -> None:
    assert story["first"].status == "done"
    counts = story["first"].counts()
    rejected = {system: sums["rejected"] for system, sums in counts.items()}
    assert rejected == {"forms": 1, "crm": 0, "erp": 0, "books": 0, "shop": 0, "bank": 0}
    assert counts["forms"]["new"] == 2241


def test_money_that_accounting_has_not_looked_at_is_applied_or_has_a_next_step(story: dict[str, Any]) -> None:
    receipts = [item for item in story["before"]["cash"]["receipts"] if item["record"]["system"] == "bank"]
    rules = {line["rule"] for item in receipts for line in item["applied"]}
    assert rules == {"exact_reference", "cleaned_reference", "party_amount_date", "fee_or_short_payment"}
    assert sum(len(item["applied"]) == 2 for item in receipts) == 1  # two invoices in one text
    left = sorted((item["class"], len(item["suggestions"])) for item in receipts if item["left"] != "0.00")
    assert left == [("payer_unlisted", 0), ("payer_unlisted", 0), ("to_decide", 1)]
    assert all(item["action"] for item in receipts if item["left"] != "0.00")


def test_every_tie_out_foots(story: dict[str, Any]) -> None:
    assert {item["name"] for item in story["before"]["tie_outs"]} == {
        "quote_order",
        "order_delivery",
        "order_invoice",
        "invoice_payment",
        "payment_payout",
        "payout_bank",
        "status_crm_erp",
        "status_erp_accounting",
    }
    assert all(item["foots"] for item in story["before"]["tie_outs"])


def test_payments_payouts_and_the_bank_tie_out_but_for_the_planted_faults(story: dict[str, Any]) -> None:
    ties = {(item["name"], item["currency"]): item for item in story["before"]["tie_outs"]}
    planted = build_world().faults

    def planted_in(check: str, currency: str) -> Decimal:
        return sum((f.amount or Decimal(0) for f in planted if (f.check, f.currency) == (check, currency)), Decimal(0))

    for currency in ("CNY", "EUR", "JPY", "USD"):
        paid, arrived = ties["payment_payout", currency], ties["payout_bank", currency]
        assert paid["right"]["amount"] == arrived["left"]["amount"]  # what is paid out is what should arrive
        assert Decimal(paid["unmatched_left"]["amount"]) == planted_in("payment_not_paid_out", currency)
        assert Decimal(paid["unmatched_right"]["amount"]) == -planted_in("payout_does_not_add_up", currency)
        short = Decimal(arrived["unmatched_left"]["amount"]) - Decimal(arrived["unmatched_right"]["amount"])
        assert short == planted_in("payout_not_in_bank", currency) + planted_in("payout_bank_amount", currency)


def test_nothing_is_written_before_a_person_has_accepted_how_the_records_were_matched(story: dict[str, Any]) -> None:
    assert story["refused"].status == "partial"
    assert story["refused"].applied == []
    assert {problem.kind for problem in story["refused"].problems} == {"first_run"}


def test_each_of_the_four_systems_that_are_written_to_accepts_everything(story: dict[str, Any]) -> None:
    assert {plan.system for plan in story["first"].plans} == {"forms", "crm", "erp", "books"}
    statuses = {item.status.value for plan in story["applied"].applied for item in plan.items}
    assert statuses == {"applied"}


def test_after_the_write_backs_the_systems_agree_and_nothing_is_left_to_write(story: dict[str, Any]) -> None:
    assert story["again"].plans == []
    assert news(story["again"]) == 0
    shown = [item for item in story["after"]["tie_outs"] if item["name"].startswith("status_")]
    assert shown
    assert all(item["unmatched_left"]["count"] == 0 for item in shown if item["name"] == "status_erp_accounting")


def test_reading_everything_again_brings_no_news(story: dict[str, Any]) -> None:
    assert news(story["full"]) == 0
    assert story["full"].plans == []


def test_the_findings_are_the_same_after_the_write_backs(story: dict[str, Any]) -> None:
    assert {finding["id"] for finding in story["after"]["findings"]} == {
        finding["id"] for finding in story["before"]["findings"]
    }


def test_what_a_person_writes_into_salesforce_is_overwritten_by_its_owner_kept_and_restored(
    demo: tuple[Settings, Store], story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Salesforce, "settle_seconds", 0.0)  # nobody else is at work whose commits may come late
    settings, store = demo
    items = [item for plan in story["applied"].applied if plan.system == "crm" for item in plan.items]
    item = next(item for item in items if item.stream == "opportunity" and any(c.contested for c in item.changes))
    change = next(change for change in item.changes if change.contested)
    theirs = Change(item.source_id, {change.source_field: change.source_old}, {}, "a-person-at-work")
    with systems_of_ltc.open_connector(settings, "crm") as salesforce:
        assert [result.outcome for result in salesforce.push("opportunity", [theirs])] == ["applied"]
    (plan,) = run_sync(store, settings).plans
    assert [(c.field, c.contested) for i in plan.items for c in i.changes] == [(change.field, True)]
    assert run_push(store, settings, push="apply").status == "done"
    with store.reading() as connection:
        (lost, *_) = overwritten.listing(connection, "crm")
    assert [(c.source_old, c.source_new) for c in lost.changes] == [(change.source_old, change.source_new)]
    restored = run_restore(store, settings, item_id=lost.id)
    assert [item.status.value for plan in restored.applied for item in plan.items] == ["applied"]
    again = run_sync(store, settings)
    assert (again.plans, news(again)) == ([], 0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="children are looked for in /proc")
def test_a_system_that_has_died_is_up_again_after_bringing_them_up(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with systems.started(place) as endpoints:
        keeper = (place.systems / "pid").read_text()
        for found in Path("/proc").glob("[0-9]*/stat"):
            number, _, rest = found.read_text().partition(" ")
            if rest.rpartition(") ")[2].split()[1] == keeper:
                os.kill(int(number), signal.SIGKILL)
        erp = endpoints["erp"]["base_url"]
        with pytest.raises(httpx.TransportError):
            httpx.get(erp)
        told: list[str] = []
        again = systems.up(tmp_path, told.append)
        assert httpx.get(again["erp"]["base_url"]).status_code < 500
        assert any("erp" in line for line in told)
