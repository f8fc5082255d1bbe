"""The data itself: streams that stand still, records that are missing or cannot be used, statuses that went back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from reconciliation import report
from reconciliation.engine import reconcile
from settings.model import Settings
from state import bulk, findings, schema, sourcecounts
from state.clock import to_us
from state.findings import Finding
from state.sourcecounts import SourceCount
from tests.reconciliation.books import AS_OF, SYSTEMS, Books, settings
from tests.reconciliation.deals import Deal


def found(books: Books, at: datetime = AS_OF, given: Settings | None = None) -> dict[str, list[Finding]]:
    books.save()
    reconcile(books.store, given or settings(as_of=None), "run-1", at)
    made: dict[str, list[Finding]] = {}
    with books.store.reading() as connection:
        for finding in findings.listing(connection):
            made.setdefault(finding.check_id, []).append(finding)
    return made


def streams(items: Iterable[Finding]) -> list[str | None]:
    return [*sorted(str(item.records[0].number) for item in items)]


def rows(books: Books, table: Any, names: tuple[str, ...], *values: tuple[Any, ...]) -> None:
    with books.store.transaction() as connection:
        bulk.insert(connection, table, names, values)


def only(books: Books, system: str, entity: str) -> None:
    """Of all streams only this one stands still."""
    with books.store.transaction() as connection:
        ahead = schema.cursor.update().where(schema.cursor.c.stream_id != books.stream_id(system, entity))
        connection.execute(ahead.values(covered_until=to_us(AS_OF + timedelta(days=30))))


def test_a_stream_that_stands_still_for_three_days_is_told_of(books: Books) -> None:
    only(books, "erp", "order")
    assert found(books, AS_OF + timedelta(hours=72)) == {}
    stale = found(books, AS_OF + timedelta(hours=73))
    assert streams(stale["sync_stream_stale"]) == ["erp.order_list"]
    (finding,) = stale["sync_stream_stale"]
    assert (finding.since, finding.records[0].entity) == ("2026-10-31", "stream")
    assert "what erp had until 2026-10-31" in report.explain(finding, "en")["explanation"]


def test_nothing_stands_still_where_the_settings_hold_the_clock(books: Books) -> None:
    later = AS_OF + timedelta(days=30)
    assert found(books, later, settings(as_of=later)) == {}


def test_a_stream_that_is_not_asked_for_any_more_may_stand_still(books: Books) -> None:
    only(books, "erp", "order")
    systems: dict[str, Any] = {name: {"connector": "none", "roles": [role]} for name, role in SYSTEMS.items()}
    systems["erp"]["streams"] = ["party_list"]
    assert found(books, AS_OF + timedelta(days=9), settings(as_of=None, systems=systems)) == {}


def test_a_stream_whose_first_pull_never_ended_is_told_of_after_three_days(books: Books) -> None:
    only(books, "crm", "quote")
    with books.store.transaction() as connection:
        bulk.delete(connection, schema.cursor, "stream_id", [books.stream_id("crm", "quote")])
    names = ("run_id", "system", "stream", "direction", "status", "started_at", "counts")
    rows(books, schema.stream_run, names, ("r0", "crm", "quote_list", "pull", "failed", to_us(AS_OF), "{}"))
    assert found(books, AS_OF + timedelta(hours=72)) == {}
    stale = found(books, AS_OF + timedelta(hours=73))
    assert streams(stale["sync_stream_stale"]) == ["crm.quote_list"]


def test_records_that_the_source_lists_and_we_do_not_know_are_missing_once_a_pull_went_beyond(books: Books) -> None:
    Deal(1).write(books)
    books.save()
    with books.store.transaction() as connection:
        stream = books.stream_id("erp", "order")
        sourcecounts.note(connection, stream, SourceCount(3, 0, 0), to_us(AS_OF - timedelta(hours=1)))
        sourcecounts.note(connection, books.stream_id("crm", "quote"), SourceCount(3, 0, 0), to_us(AS_OF))
    (finding,) = found(books)["sync_count_differs"]
    assert streams([finding]) == ["erp.order_list"]
    assert (finding.params["counted"], finding.params["missing"], finding.params["surplus"]) == (3, 2, 0)


def test_as_many_records_as_the_source_lists_are_all_of_them(books: Books) -> None:
    Deal(1).write(books)
    books.save()
    with books.store.transaction() as connection:
        count = SourceCount(1, 0, 0)
        sourcecounts.note(connection, books.stream_id("erp", "order"), count, to_us(AS_OF - timedelta(hours=1)))
    assert found(books) == {}


def test_records_that_the_source_does_not_list_are_a_surplus(books: Books) -> None:
    Deal(1).write(books)
    books.save()
    with books.store.transaction() as connection:
        sourcecounts.note(connection, books.stream_id("erp", "order"), SourceCount(0, 0, 1), to_us(AS_OF))
    (finding,) = found(books)["sync_count_differs"]
    assert "1 are here that it did not list" in report.explain(finding, "en")["explanation"]


def test_a_stream_with_records_in_quarantine_for_a_day_is_told_of_once(books: Books) -> None:
    names = ("record_id", "system", "stream", "source_id", "field", "value", "reason", "mapping", "run_id")
    for number, (stream, hours) in enumerate((("order_list", 24), ("order_list", 2), ("party_list", 23)), 900):
        at = to_us(AS_OF - timedelta(hours=hours))
        refused = (number, "erp", stream, str(number), "status", "odd", "is not known", "m", "r0", at, at, 1)
        rows(books, schema.quarantine, (*names, "first_at", "last_at", "attempts"), refused)
    made = found(books)
    assert set(made) == {"quarantined_records_open"}
    assert streams(made["quarantined_records_open"]) == ["erp.order_list"]
    assert made["quarantined_records_open"][0].params["count"] == 1


def test_discarded_records_are_told_of_by_the_names_of_who_discarded_them(books: Books) -> None:
    names = ("record_id", "system", "stream", "source_id", "field", "value", "reason", "mapping", "run_id", "first_at")
    more = ("last_at", "attempts", "discarded_by", "discarded_at", "discard_reason", "discarded_mapping")
    for number, (who, days) in enumerate((("wang.wei", 3), ("li.na", 2), ("li.na", 9), (None, 5)), 900):
        first, at = to_us(AS_OF - timedelta(days=10)), to_us(AS_OF - timedelta(days=days))
        why = (who, at, "Test entries", "m") if who else (None,) * 4
        refused = (
            number,
            "erp",
            "order_list",
            str(number),
            "status",
            "odd",
            "is not known",
            "m",
            "r0",
            first,
            first,
            1,
        )
        rows(books, schema.quarantine, (*names, *more), (*refused, *why))
    made = found(books)
    (waiting,) = made.pop("quarantined_records_open")
    (finding,) = made.pop("quarantined_records_discarded")
    assert made == {}
    assert (waiting.params["count"], finding.params["count"]) == (1, 3)
    told = report.explain(finding, "en")["explanation"]
    assert told.startswith("3 records of erp.order_list were discarded by li.na, wang.wei, last on 2026-10-29")
    assert "被 li.na, wang.wei 丢弃" in report.explain(finding, "zh-CN")["explanation"]


def test_a_status_that_went_back_is_told_of_while_it_stands(books: Books) -> None:
    for number in (1, 2, 3):
        Deal(number).write(books)
    names = ("record_id", "was", "became", "at")
    noted = [
        (("books", "invoice", "INV-1"), "void", "paid", 5),
        (("books", "invoice", "INV-2"), "paid", "issued", 5),  # and paid again since
        (("books", "invoice", "INV-3"), "void", "paid", 31),
    ]
    values = [(books.ids[key], was, became, to_us(AS_OF - timedelta(days=days))) for key, was, became, days in noted]
    rows(books, schema.out_of_order, names, *values)
    made = found(books)
    (finding,) = made.pop("status_out_of_order")
    assert made == {}
    assert (finding.records[0].source_id, finding.amount, finding.since) == ("INV-1", 135600, "2026-10-26")
    assert "Invoice INV-1 in books went from void to paid on 2026-10-26" in report.explain(finding, "en")["explanation"]
    assert "由“作废”变为“已结清”" in report.explain(finding, "zh-CN")["explanation"]
