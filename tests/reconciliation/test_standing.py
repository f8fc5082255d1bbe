"""The states that a trace shows of a few records are those of a whole reconciliation, whoever asks at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from reconciliation import frame, standing, states
from reconciliation.frame import Frame
from reconciliation.rules import Rules
from reconciliation.standing import Standing
from reconciliation.trace import trace
from settings.model import Settings
from state.store import Store
from tests.reconciliation.books import Books, line, linked, settings
from tests.reconciliation.deals import Deal, ago

NAMES = ("delivery_state", "billing_state", "payment_state")
ORDERS = 14
USD: dict[str, Any] = {"currency": "USD"}


def _with_bank() -> Settings:
    systems = {name: system.model_dump() for name, system in settings().systems.items()}
    return settings(systems={**systems, "bank": {"connector": "none", "roles": ["bank"]}})


def _worlds(books: Books) -> None:
    """Deals of which each is bent in another way."""
    goods = {"sku": "PUMP", "quantity": 4}
    Deal(1).write(books)
    Deal(2).set("invoice", net_amount=600, gross_amount=678, status="issued").drop("payment").write(books)
    Deal(3).set("delivery", lines=[goods]).drop("invoice", "payment").write(books)
    Deal(4).set("invoice", **USD).set("payment", **USD).write(books)
    Deal(5).drop("delivery").set("order", status="in_progress").pay("ADV", 100).write(books)
    Deal(6).also("delivery", "RET", kind="return", lines=[goods]).write(books)
    Deal(7).set("invoice", net_amount=1300, gross_amount=1469).write(books)
    credit = {"kind": "credit_note", "status": "issued", "corrects_ref": "id:INV-8", "order_refs": None}
    Deal(8).also("invoice", "CN", net_amount=200, gross_amount=226, **credit).write(books)
    # Two orders on one invoice, a third that shares a delivery with the second, a fourth beside the third.
    Deal(9).set("invoice", order_refs=["no:SO-9", "no:SO-10"], net_amount=2400, gross_amount=2712).write(books)
    Deal(10).drop("invoice", "payment").set("delivery", order_refs=["no:SO-10", "no:SO-11"]).write(books)
    Deal(11).drop("delivery").also("invoice", "INV2", order_refs=["no:SO-11", "no:SO-12"]).write(books)
    Deal(12).drop("invoice").set("payment", order_refs=["no:SO-12"], invoice_ref=None, lines=[]).write(books)
    Deal(13).pay("BACK", 1356, "id:INV-13", direction="out", kind="refund").write(books)
    Deal(14).set("order", deleted=True).write(books)
    for number in (1, 5):  # the bank has seen these too
        seen: dict[str, Any] = {
            "amount": 1356 if number == 1 else 100,
            "received_on": ago(5),
            "status": "received",
            "direction": "in",
        }
        books.add("payment", f"B-{number}", system="bank", kind="payment", end_to_end_id=f"E-{number}", **seen)


def _of_all(store: Store, rules: Rules) -> dict[str, dict[str, str]]:
    with frame.load(store, rules) as loaded:
        states.prepare(loaded)
        rows = loaded.rows(
            f"SELECT o.number, {', '.join(f's.{name}' for name in NAMES)} "
            "FROM order_states s JOIN orders o ON o.record_id = s.order_id"
        )
    return {row[0]: dict(zip(NAMES, row[1:], strict=True)) for row in rows}


def _traced(store: Store, chosen: Settings, needle: str) -> dict[str, dict[str, str]]:
    return {
        record.number or "": record.states
        for chain in trace(store, chosen, needle)
        for record in chain.records
        if record.entity == "order"
    }


def test_a_trace_shows_the_states_of_the_whole(store: Store) -> None:
    books, chosen = Books(store), _with_bank()
    _worlds(books)
    linked(books)
    whole = _of_all(store, Rules.of(chosen))
    assert len({tuple(found.values()) for found in whole.values()}) >= 7, "the deals hardly differ"
    for number in range(1, ORDERS):
        traced = _traced(store, chosen, f"SO-{number}")
        assert traced == {name: whole[name] for name in traced}
        assert f"SO-{number}" in traced
    assert set(_traced(store, chosen, "SO-10")) == {"SO-9", "SO-10", "SO-11", "SO-12"}
    assert _traced(store, chosen, "SO-14") == {"SO-14": {}}


def test_what_has_changed_since_the_last_reconciliation_is_seen_at_once(sqlite_store: Store) -> None:
    books = Books(sqlite_store)
    Deal(1).write(books)
    linked(books)
    assert _traced(sqlite_store, settings(), "SO-1")["SO-1"]["payment_state"] == "paid"
    Deal(1).set("payment", status="failed").set("delivery", status="planned").write(books)
    books.save()
    changed = _traced(sqlite_store, settings(), "SO-1")["SO-1"]
    assert (changed["payment_state"], changed["delivery_state"]) == ("unpaid", "not_delivered")


def test_other_rules_give_other_states(sqlite_store: Store) -> None:
    books = Books(sqlite_store)
    Deal(1).set("invoice", net_amount=1150, gross_amount=1306).write(books)
    linked(books)
    loose = settings(reconciliation={"tolerance": {"absolute": {"CNY": "100"}, "relative": "0"}})
    for chosen, state in ((settings(), "partly_invoiced"), (loose, "invoiced"), (settings(), "partly_invoiced")):
        assert _traced(sqlite_store, chosen, "SO-1")["SO-1"]["billing_state"] == state


@pytest.mark.parametrize("sku", [" srv-77 ", "SRV-77", "服务-77", "SRV-77\u3000", None])
def test_products_are_found_among_thousands_however_they_are_written(store: Store, sku: str | None) -> None:
    books = Books(store)
    for number in range(3000):
        name = f"Srv-{number}" if number % 2 else f"服务-{number}"
        books.add("product", f"S{number}", sku="服务-77" if sku == "服务-77" and number == 77 else name, kind="service")
    ref = "id:S77" if sku is None else None
    lines = [line("PUMP", 10, 100), {**line(sku, 1, 200), "product_ref": ref}]
    Deal(1).set("order", lines=lines).set("delivery", lines=[{"sku": "PUMP", "quantity": 10}]).write(books)
    linked(books)
    whole = _of_all(store, Rules.of(settings()))
    assert _traced(store, settings(), "SO-1") == whole
    assert whole["SO-1"]["delivery_state"] == "delivered"  # a service is not waited for


def test_those_who_trace_at_the_same_time_see_their_own_orders(sqlite_store: Store) -> None:
    books, chosen = Books(sqlite_store), _with_bank()
    _worlds(books)
    linked(books)
    whole = _of_all(sqlite_store, Rules.of(chosen))
    together = Barrier(4)

    def look(first: int) -> list[tuple[str, dict[str, dict[str, str]]]]:
        together.wait()
        asked = [f"SO-{1 + (first + step) % (ORDERS - 1)}" for step in range(8)]
        return [(needle, _traced(sqlite_store, chosen, needle)) for needle in asked]

    with ThreadPoolExecutor(4) as pool:
        answers = [answer for found in pool.map(look, range(0, 12, 3)) for answer in found]
    assert len(answers) == 32
    for needle, found in answers:
        assert needle in found
        assert found == {name: whole[name] for name in found}


def test_nobody_waits_for_what_was_made_before(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Rules.of(settings())
    database = Standing(rules, states.prepare, "order_states")
    database.warm_up(rules)

    def plan(_frame: Frame, sql: str) -> None:
        raise AssertionError(f"planned only now: {sql}")

    monkeypatch.setattr(standing.StandingFrame, "_planned", plan)
    order = dict.fromkeys(frame.SOURCES["orders"].kinds) | {"record_id": 1, "system": "erp", "deleted": 0}
    with database.frame(rules, {"orders": [order]}) as one, database.frame(rules, {}) as other:
        assert one.value("SELECT count(*) FROM order_states") == 1
        assert other.value("SELECT count(*) FROM order_states") == 0


def test_who_comes_while_all_is_in_use_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FRAMES", 1)
    rules = Rules.of(settings())
    database = Standing(rules, states.prepare, "order_states")
    made: list[object] = []
    frame_of = standing.StandingFrame

    def counted(*given: Any) -> standing.StandingFrame:
        made.append(given)
        return frame_of(*given)

    monkeypatch.setattr(standing, "StandingFrame", counted)
    coming, entered = Event(), Event()

    def come() -> None:
        coming.set()
        with database.frame(rules, {}):
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with database.frame(rules, {}):
            other = pool.submit(come)
            assert coming.wait(30)
            assert not entered.wait(0.05)
        other.result(timeout=30)
    assert entered.is_set()
    assert len(made) == 1  # else the other one had made a frame of its own


def test_a_failure_leaves_nothing_behind() -> None:
    rules = Rules.of(settings())
    database = Standing(rules, states.prepare, "order_states")
    order = dict.fromkeys(frame.SOURCES["orders"].kinds) | {"record_id": 1, "system": "erp", "deleted": 0}

    def fail() -> None:
        with database.frame(rules, {"orders": [order]}) as held:
            assert held.value("SELECT count(*) FROM order_states") == 1
            held.run("CREATE OR REPLACE TABLE order_states AS SELECT 'no state'")

    with pytest.raises(Exception, match="order_states"):
        fail()
    with database.frame(rules, {}) as held:
        assert held.value("SELECT count(*) FROM orders") == 0
        assert held.value("SELECT count(*) FROM order_states") == 0


def test_statements_that_would_differ_on_tables_that_stand_are_refused() -> None:
    def inserts(made: Frame) -> None:
        made.run("CREATE OR REPLACE TABLE a AS SELECT record_id FROM orders; INSERT INTO a VALUES (1)")

    def is_never_empty(made: Frame) -> None:
        made.run("CREATE OR REPLACE TABLE a AS SELECT count(*) AS n FROM orders")

    def is_of_itself(made: Frame) -> None:
        made.run("CREATE OR REPLACE TABLE a AS SELECT record_id FROM orders")
        made.run("CREATE OR REPLACE TABLE a AS SELECT * FROM a")

    for prepare, said in ((inserts, "INSERT"), (is_never_empty, "no records"), (is_of_itself, "of itself")):
        with pytest.raises(RuntimeError, match=said):
            Standing(Rules.of(settings()), prepare, "a")
