"""Pruning by policy: what goes, and what never does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from state import (
    audit,
    clock,
    figures,
    findings,
    landing,
    news,
    outbox,
    overwritten,
    pruned,
    remap,
    retention,
    runs,
    schema,
    stamps,
    tieouts,
)
from state.changes import FieldChange, Item, OutboxStatus, PlanError
from state.pruned import DAY_US
from state.retention import Policy
from state.store import Store
from tests.state.conftest import Orders, killed_run, order

BEGIN = 1_700_000_000_000_000
SHORT = Policy(landing_versions=2, landing_days=10, runs_days=10, writes_days=10, findings_days=10, tie_outs_days=10)


class Clock:
    """Time that a test moves on; a microsecond passes with every look at it."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> int:
        self.now += 1
        return self.now * 1000

    def days(self, number: float) -> None:
        self.now += int(number * DAY_US)


@pytest.fixture
def time() -> Iterator[Clock]:
    passing = Clock()
    with clock.simulated(passing):
        yield passing


def kept(orders: Orders, source_id: str) -> list[int]:
    """The versions that are left of an order."""
    sql = (
        f"SELECT l.seq FROM landing l JOIN record r ON r.id = l.record_id WHERE r.source_id = '{source_id}' ORDER BY 1"
    )
    return [row[0] for row in orders.rows(sql)]


def number(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def put(store: Store, table: str, **values: Any) -> None:
    with store.transaction() as connection:
        connection.execute(schema.metadata.tables[table].insert().values(**values))


# -- versions of records


def test_a_superseded_version_goes_when_it_is_old_and_not_among_the_newest(orders: Orders, time: Clock) -> None:
    for net in range(5):
        orders.land(order(net=f"{net}.00"))
        time.days(1)
    assert retention.prune(orders.store, SHORT).landing == 0
    time.days(7.5)
    assert retention.prune(orders.store, SHORT).landing == 2
    assert kept(orders, "1") == [3, 4, 5]
    time.days(30)
    assert retention.prune(orders.store, SHORT).landing == 1
    assert kept(orders, "1") == [4, 5]
    assert orders.rows("SELECT net_amount FROM orders") == [(400,)]


def test_the_current_version_and_the_last_content_of_a_deleted_record_stay_for_ever(
    orders: Orders, time: Clock
) -> None:
    orders.land(order("1"), order("2"))
    orders.land(order("2", net="2.00"))
    with orders.store.transaction() as connection:
        landing.delete(connection, orders.stream, ["2"], run_id="r")
    time.days(5000)
    one = Policy(landing_versions=1, landing_days=1)
    assert retention.prune(orders.store, one).landing == 1
    assert kept(orders, "1") == [1]
    assert kept(orders, "2") == [2, 3]
    with orders.store.transaction() as connection:
        held = remap.held(connection, orders.stream, 0)
        assert [record.source_id for record in held] == ["1", "2"]
        assert remap.remap(connection, orders.stream, orders.mapper, held, run_id="r").rejected == 0
    assert orders.rows("SELECT net_amount, deleted FROM orders ORDER BY record_id") == [(1000, 0), (200, 1)]


def test_a_record_that_was_pruned_goes_on_getting_versions(orders: Orders, time: Clock) -> None:
    for net in range(4):
        orders.land(order(net=f"{net}.00"))
    time.days(11)
    retention.prune(orders.store, SHORT)
    orders.land(order(net="9.00"))
    assert orders.land(order(net="9.00")).unchanged == 1
    assert kept(orders, "1") == [3, 4, 5]
    with orders.store.reading() as connection:
        (record_id,) = connection.execute(text("SELECT id FROM record")).scalars()
        assert pruned.older_versions(connection, [record_id]) == {record_id: 2}


def test_for_ever_means_for_ever(orders: Orders, time: Clock) -> None:
    for net in range(4):
        orders.land(order(net=f"{net}.00"))
    time.days(100_000)
    ever = Policy(1, None, None, None, None, None)
    assert retention.prune(orders.store, ever).rows == 0
    assert len(kept(orders, "1")) == 4


def test_a_prune_whose_time_is_up_goes_on_where_it_stopped(
    orders: Orders, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    for net in range(4):
        orders.land(*(order(str(item), net=f"{net}.00") for item in range(1, 6)))
    time.days(11)
    first = retention.prune(orders.store, SHORT, seconds=0)
    assert (first.landing, first.finished) == (4, False)
    with orders.store.reading() as connection:
        assert pruned.is_due(connection, clock.now_us())
    found = [retention.prune(orders.store, SHORT, seconds=0).landing for _ in range(3)]
    assert found == [4, 2, 0]
    with orders.store.reading() as connection:
        assert not pruned.is_due(connection, clock.now_us())
        assert audit.verify(connection) == audit.Verdict(3)
    assert [kept(orders, str(item)) for item in range(1, 6)] == [[3, 4]] * 5


def test_two_prunes_do_not_work_at_once(store: Store) -> None:
    with runs.lease(store, "the pruning", owner="elsewhere:1:2/3"), pytest.raises(runs.LeaseHeld):
        retention.prune(store, SHORT)


# -- write-backs


@pytest.fixture
def write(orders: Orders) -> Any:
    """Makes an outbox row about the order with that id, as of the order's first version."""
    keys = count(1)

    def make(source_id: str, status: OutboxStatus, *, contested: bool = False) -> int:
        with orders.store.transaction() as connection:
            record_id = connection.execute(
                text("SELECT id FROM record WHERE source_id = :id"), {"id": source_id}
            ).scalar_one()
            change = FieldChange("status", "state", "confirmed", "completed", "open", "done", "r", contested=contested)
            names = ("shop", "order", "order", record_id, source_id, None)
            item = Item(*names, 1, (change,), f"key {next(keys)}", status)
            outbox._insert(connection, "p", [item])
            return int(connection.execute(text("SELECT max(id) FROM outbox")).scalar_one())

    return make


def test_only_write_backs_with_an_outcome_go_and_never_those_that_replaced_somebodys_value(
    orders: Orders, write: Any, time: Clock
) -> None:
    orders.land(order("1"))
    rows = {status: write("1", status) for status in OutboxStatus}
    restorable = write("1", OutboxStatus.APPLIED, contested=True)
    orders.land(order("1", net="2.00"))
    time.days(9)
    assert retention.prune(orders.store, SHORT).writes == 0
    time.days(2)
    assert retention.prune(orders.store, SHORT).writes == 5
    waiting = ("planned", "sending", "unknown", "rejected", "dead")
    left = [row[0] for row in orders.rows("SELECT id FROM outbox ORDER BY id")]
    assert left == sorted([*(rows[OutboxStatus(name)] for name in waiting), restorable])
    with orders.store.reading() as connection:
        assert [item.id for item in overwritten.listing(connection)] == [restorable]
        assert overwritten.one(connection, restorable).id == restorable
        with pytest.raises(PlanError, match="5 old ones were pruned"):
            overwritten.one(connection, rows[OutboxStatus.APPLIED])


def test_a_write_back_of_the_present_version_stays_lest_the_same_is_sent_again(
    orders: Orders, write: Any, time: Clock
) -> None:
    orders.land(order("1"))
    for status in (OutboxStatus.APPLIED, OutboxStatus.DISCARDED, OutboxStatus.CONFLICT):
        write("1", status)
    time.days(5000)
    assert retention.prune(orders.store, SHORT).writes == 0
    orders.land(order("1", net="2.00"))
    assert retention.prune(orders.store, SHORT).writes == 3


def test_a_closed_plan_goes_with_the_last_of_its_write_backs(orders: Orders, write: Any, time: Clock) -> None:
    orders.land(order("1"))
    write("1", OutboxStatus.APPLIED)
    for plan_id, status in (("p", "applied"), ("q", "superseded"), ("open", "planned")):
        put(orders.store, "plan", id=plan_id, system="shop", status=status, created_at=clock.now_us(), run_id="r")
    time.days(11)
    assert retention.prune(orders.store, SHORT).plans == 1
    orders.land(order("1", net="2.00"))
    assert retention.preview(orders.store, SHORT).plans == 1
    assert retention.prune(orders.store, SHORT).plans == 1
    assert orders.rows("SELECT id FROM plan") == [("open",)]


# -- findings, figures, runs


def finding(store: Store, id: str, status: str, run_id: str = "r1", **more: Any) -> None:
    about = {"check_id": "c", "stage": "order", "department": "sales", "severity": "error", "params": "{}"}
    at = clock.now_us()
    when = {"first_seen_at": at, "last_seen_at": at, "resolved_at": at if status == "resolved" else None}
    put(store, "finding", id=id, status=status, run_id=run_id, **about, **when, **more)
    put(store, "finding_record", finding_id=id, n=1, record_id=1, system="shop", entity="order", source_id="1")
    put(store, "finding_event", finding_id=id, at=at, event=status, actor="ltc", detail="{}", run_id=run_id)


def test_resolved_findings_go_with_their_history_and_all_others_stay(store: Store, time: Clock) -> None:
    for status in ("resolved", "open", "assigned", "explained", "waived"):
        finding(store, status, status)
    finding(store, "was waived", "resolved", approver="Li Na", reason="agreed")
    finding(store, "of the last run", "resolved", run_id="r2")
    time.days(9)
    assert retention.prune(store, SHORT).findings == 0
    time.days(2)
    with store.reading() as connection:
        before = findings.roll_forward(connection, "r2")
    assert retention.prune(store, SHORT).findings == 1
    with store.reading() as connection:
        left = connection.execute(text("SELECT id FROM finding ORDER BY id")).scalars().all()
        assert left == ["assigned", "explained", "of the last run", "open", "waived", "was waived"]
        assert findings.roll_forward(connection, "r2") == before == {"opening": 5, "new": 0, "cleared": 1, "closing": 4}
        assert findings.history(connection, "resolved") == []
        assert len(findings.history(connection, "open")) == 1
    assert number(store, "finding_record") == 6


def some_runs(store: Store, days: int, time: Clock) -> None:
    """One sync a day, with figures that change every day."""
    for day in range(days):
        run = runs.Running(store, "sync")
        run_id = run.id
        with store.transaction() as connection:
            for system, status in (("crm", "done"), ("erp", "failed" if day else "done"), ("old", "done")):
                if system != "old" or not day:
                    runs.start_stream(connection, run_id, system, "order", "pull")
                    counts = {"pulled": 1}
                    runs.finish_stream(connection, run_id, system, "order", "pull", status=status, counts=counts)
            figure = {"name": "order_invoice", "currency": "CNY", "count": day}
            changes = figures.differ(connection, tieouts.KIND, tieouts.by_key([figure]))
            figures.write(connection, tieouts.KIND, changes, run_id, stamps.take(connection))
            mark = news.take(connection, "x").as_dict()
        run.finish("done", {"mark": mark, "reconcile_run": run_id})
        time.days(1)


def test_old_runs_go_but_for_what_status_and_the_next_reconciliation_look_at(
    store: Store, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_LAST_RUNS", 3)
    some_runs(store, 30, time)
    counts = retention.preview(store, SHORT)
    done = retention.prune(store, SHORT)
    assert counts == done
    assert (done.tie_outs, done.runs) == (20, 20)
    assert done.stream_runs == 21 + 20
    with store.reading() as connection:
        last = news.last(connection)
        assert last is not None
        assert news.is_current(connection, last[0], "x")
        assert tieouts.latest(connection) == [{"name": "order_invoice", "currency": "CNY", "count": 29}]
        ended = connection.execute(
            text("SELECT system, count(*) FROM stream_run WHERE status = 'done' GROUP BY system ORDER BY 1")
        ).all()
    assert [tuple(row) for row in ended] == [("crm", 9), ("erp", 1), ("old", 1)]


def test_what_the_last_reconciliation_counted_as_news_stays(
    store: Store, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_LAST_RUNS", 1)
    mark = None
    for number in range(3):
        run = runs.Running(store, "sync")
        with store.transaction() as connection:
            runs.start_stream(connection, run.id, "crm", "order", "pull")
            new = {"new": 1} if not number else {"pulled": 1}
            runs.finish_stream(connection, run.id, "crm", "order", "pull", status="done", counts=new)
            mark = mark or news.take(connection, "x")
        run.finish("done", {"mark": mark.as_dict()})
        time.days(1)
    time.days(30)
    retention.prune(store, SHORT)
    with store.reading() as connection:
        assert mark is not None
        assert news.is_current(connection, mark, "x")


def test_the_last_figures_stay_however_old_they_are(store: Store, time: Clock) -> None:
    some_runs(store, 2, time)
    time.days(5000)
    assert retention.prune(store, SHORT).tie_outs == 1
    with store.reading() as connection:
        assert tieouts.latest(connection) == [{"name": "order_invoice", "currency": "CNY", "count": 1}]


def test_a_running_run_and_a_live_lease_stay(store: Store, time: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_LAST_RUNS", 0)
    killed_run(store, "sync")
    with store.transaction() as connection:
        runs.acquire(connection, "run of a dead process", owner="elsewhere:1:2/3", seconds=60)
    time.days(30)
    with store.transaction() as connection:
        runs.acquire(connection, "run of a live process", owner="elsewhere:1:2/3", seconds=60)
    done = retention.prune(store, SHORT)
    assert (done.runs, done.leases) == (0, 1)
    assert number(store, "lease") == 1


# -- what is told of it


def test_a_dry_run_counts_what_a_prune_removes_and_changes_nothing(orders: Orders, write: Any, time: Clock) -> None:
    for net in range(4):
        orders.land(order(net=f"{net}.00"))
        if not net:
            write("1", OutboxStatus.APPLIED)
    finding(orders.store, "f", "resolved")
    finding(orders.store, "g", "resolved", run_id="r2")
    time.days(11)
    tables = sorted(schema.metadata.tables)
    before = [number(orders.store, f'"{table}"') for table in tables]
    counts = retention.preview(orders.store, SHORT)
    assert [number(orders.store, f'"{table}"') for table in tables] == before
    assert counts == retention.prune(orders.store, SHORT)
    assert (counts.landing, counts.writes, counts.findings) == (2, 1, 1)


def test_the_audit_tells_of_each_prune_that_removed_something_and_no_reconciliation_follows_from_it(
    orders: Orders, time: Clock
) -> None:
    with orders.store.reading() as connection:
        mark = news.take(connection, "x")
    retention.prune(orders.store, SHORT)
    for net in range(4):
        orders.land(order(net=f"{net}.00"))
    time.days(11)
    retention.prune(orders.store, SHORT, actor="Li Na")
    with orders.store.reading() as connection:
        (entry,) = audit.entries(connection)
        assert news.is_current(connection, mark, "x")
    assert (entry.actor, entry.action) == ("Li Na", "store pruned")
    assert entry.detail["removed"]["landing"] == entry.detail["altogether"]["landing"] == 2
