"""Dead letters a page at a time, on both databases: which come when, how many there are, and what is read for that."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Connection

from state import creations, dead_letters, outbox, queries, schema
from state.changes import Item, OutboxStatus
from state.dead_letters import Which
from state.store import Store
from state.writes import RecordState

NOTHING = '{"entity": "opportunity", "fields": []}'


@pytest.fixture
def letters(store: Store) -> Store:
    """Three refused writes of two systems, two refused new records, and one that was made and is deleted since."""
    with store.transaction() as connection:
        writes = [("erp", "rejected"), ("crm", "dead"), ("crm", "applied"), ("erp", "dead"), ("crm", "planned")]
        connection.execute(schema.outbox.insert(), [_write(id, *given) for id, given in enumerate(writes, 1)])
        stream = {"id": 1, "system": "crm", "name": "deal", "entity": "opportunity"}
        connection.execute(schema.stream.insert(), [_filled(schema.stream, stream)])
        for id, state in ((501, RecordState.DELETED), (502, RecordState.LIVE)):
            made = {"id": id, "stream_id": 1, "source_id": f"d{id}", "state": state.value, "seq": 1, "hash": b""}
            connection.execute(schema.record.insert(), [_filled(schema.record, made)])
        records = [("erp", "rejected", None), ("crm", "applied", 501), ("crm", "applied", 502), ("crm", "dead", None)]
        connection.execute(schema.creation.insert(), [_made(id, *given) for id, given in enumerate(records, 1)])
    return store


def _filled(table: Any, values: dict[str, Any]) -> dict[str, Any]:
    """A row with something in each column that needs it."""
    needed = [column for column in table.columns if not column.nullable and column.name not in values]
    return {**{column.name: "" if column.type.python_type is str else 0 for column in needed}, **values}


def _write(id: int, system: str, status: str) -> dict[str, Any]:
    given = {"id": id, "system": system, "status": status, "changes": NOTHING, "idempotency_key": f"k{id}"}
    return _filled(schema.outbox, {**given, "stream": "deal", "record_id": id, "source_id": f"w{id}"})


def _made(id: int, system: str, status: str, made_id: int | None) -> dict[str, Any]:
    given = {"id": id, "system": system, "status": status, "made_id": made_id, "key": f"k{id}", "content": "{}"}
    return _filled(schema.creation, {**given, "rule": "order", "origin_id": id, "origin_source_id": f"n{id}"})


def _named(found: list[Any]) -> list[str]:
    return [item.source_id if isinstance(item, Item) else item.origin.source_id for item in found]


ALL = ["w2", "w1", "w4", "n4", "n1", "n2"]


def test_writes_come_first_then_new_records_each_by_system_and_last_what_was_deleted_since(letters: Store) -> None:
    with letters.reading() as connection:
        found, count = dead_letters.page(connection, limit=10)
        assert (_named(found), count) == (ALL, 6)
        assert (found[-1].message, found[0].message) == (creations.GONE, "")
        assert _named(found) == _named([*outbox.dead_letters(connection), *creations.dead_letters(connection)])


@pytest.mark.parametrize("size", [1, 2, 4, 6])
def test_pages_put_together_are_the_whole_list(letters: Store, size: int) -> None:
    with letters.reading() as connection:
        pages = [dead_letters.page(connection, limit=size, offset=start) for start in range(0, 7, size)]
    assert [name for found, _ in pages for name in _named(found)] == ALL
    assert {count for _, count in pages} == {6}


def test_a_system_has_its_own_and_a_member_those_of_their_systems(letters: Store) -> None:
    with letters.reading() as connection:
        assert _named(dead_letters.page(connection, Which("erp"), limit=10)[0]) == ["w1", "w4", "n1"]
        assert _named(dead_letters.page(connection, Which(systems={"crm"}), limit=10)[0]) == ["w2", "n4", "n2"]
        assert dead_letters.page(connection, Which("erp", ["crm"]), limit=10) == ([], 0)
        assert dead_letters.page(connection, Which(systems=[]), limit=10) == ([], 0)
        counts = [dead_letters.count(connection, which) for which in (Which(), Which("crm"), Which("erp"))]
        assert [*counts, queries.stuck_writes(connection)] == [6, 3, 3, 6]


def test_only_the_rows_of_the_page_are_read_by_indexes(sqlite_store: Store) -> None:
    asked: list[tuple[str, Any]] = []
    with sqlite_store.transaction() as connection:
        done = OutboxStatus.APPLIED.value
        many = [_write(id, "crm", done if id % 2 else "dead") for id in range(1, 400)]
        connection.execute(schema.outbox.insert(), many)

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    with sqlite_store.reading() as connection:
        event.listen(connection, "before_cursor_execute", note)
        found, count = dead_letters.page(connection, limit=2, offset=100)
        event.remove(connection, "before_cursor_execute", note)
        assert (_named(found), count) == (["w202", "w204"], 199)
        plans = [_plan(connection, statement, parameters) for statement, parameters in asked]
    assert len(plans) == 2
    assert all("ix_outbox_stuck" in plan for plan in plans), plans
    assert "SCAN outbox USING INDEX ix_outbox_stuck" in plans[1]
    assert "TEMP B-TREE" not in plans[1]
    assert asked[1][1][-2:] == (2, 100)


def _plan(connection: Connection, statement: str, parameters: Any) -> str:
    return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())


def test_what_is_stuck_is_meant_by_the_index_as_by_the_model() -> None:
    for condition in (schema.STUCK_WRITE, schema.STUCK_CREATION):
        for status in OutboxStatus:
            assert (f"'{status.value}'" in str(text(str(condition)))) == (status in outbox.STUCK)
