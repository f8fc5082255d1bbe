"""What stands around some records: their links, what is at the other ends, documents' lines, who shows a value.

Read in bulk for many records at a time and kept until the next ones are looked at; what was not foreseen is read when
it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import Connection

from state import bulk, history, schema
from state.writes import RecordState

SURE = ("auto", "confirmed")
_MANY = 500
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
"""SQLite's ``lower`` knows ASCII letters only, PostgreSQL's all."""


class Linked(NamedTuple):
    """The other end of a link."""

    record_id: int
    entity: str
    decision: str


class Place(NamedTuple):
    """Where a record is, what it is called, and whether it is alive."""

    record_id: int
    system: str
    source_id: str
    entity: str
    state: int
    row: dict[str, Any]

    @property
    def alive(self) -> bool:
        """Whether the source has it and it is understood."""
        return self.state == RecordState.LIVE.value and bool(self.row) and not self.row["deleted"]

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.row.get("number") or self.row.get("name") or self.source_id)


class _Link(NamedTuple):
    kind: str
    left_id: int
    right_id: int
    left_entity: str
    right_entity: str
    decision: str


_link = schema.link
_LINKS = {
    _Link._fields.index(near): select(*(_link.c[name] for name in _Link._fields)).where(
        _link.c.kind.in_(("same_as", "follows")),
        _link.c[near].in_(bindparam("ids", expanding=True)),
        _link.c.decision != "cut",
    )
    for near in ("left_id", "right_id")
}
"""Links by one end: where a row holds that end, and what is asked."""


class Surroundings:
    """The surroundings of records, as one connection sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._links: dict[int, list[_Link]] = {}
        self._places: dict[int, Place] = {}
        self._lines: dict[int, list[dict[str, Any]]] = {}
        self._showing: dict[tuple[str, str, str, str], list[int]] = {}

    def look(self, record_ids: Iterable[int], kind: str, entities: Sequence[str], steps: int) -> list[Place]:
        """Forget what was kept and read around these records: links of a kind over so many steps, and their ends.

        Only ends of ``entities`` are gone on from and read; they are returned.
        """
        for kept in (self._links, self._places, self._lines, self._showing):
            kept.clear()
        reached: set[int] = set()
        ahead = set(record_ids)
        for _ in range(steps):
            self._read_links(ahead)
            ends = {
                end
                for record_id in ahead
                for link in self._links[record_id]
                if link.kind == kind
                for end, entity in ((link.left_id, link.left_entity), (link.right_id, link.right_entity))
                if entity in entities
            }
            reached |= ends
            ahead = ends - self._links.keys()
        return self.places(reached)

    def read_lines(self, entity: str, record_ids: Iterable[int]) -> None:
        """Read the lines of many documents at once."""
        ids = sorted({number for number in record_ids if number not in self._lines})
        if not ids:
            return
        table = schema.lines[entity]
        names = [column.name for column in table.columns]
        for record_id in ids:
            self._lines[record_id] = []
        for values in bulk.select(self._connection, table, "record_id", ids):
            row = dict(zip(names, values, strict=True))
            self._lines[row["record_id"]].append(row)
        for record_id in ids:
            self._lines[record_id].sort(key=lambda row: int(row["line_no"]))

    def read_values(self, system: str, entity: str, field: str, values: Iterable[str | None]) -> None:
        """Find the records of a system that show any of these texts in a field: one reading for many."""
        table = schema.canonical[entity]
        asked: set[str] = set()
        for value in values:
            if value and (system, entity, field, value.lower()) not in self._showing:
                asked |= {value.lower(), value.translate(_ASCII_LOWER)}
        for value in asked:
            self._showing.setdefault((system, entity, field, value.lower()), [])
        wanted = sorted(asked)
        found: dict[int, str] = {}
        for start in range(0, len(wanted), _MANY):
            query = select(table.c.record_id, table.c[field]).where(
                table.c.system == system, func.lower(table.c[field]).in_(wanted[start : start + _MANY])
            )
            found.update((record_id, text) for record_id, text in self._connection.execute(query))
        for record_id in sorted(found):
            self._showing.setdefault((system, entity, field, found[record_id].lower()), []).append(record_id)

    def following(self, record_ids: Iterable[int]) -> list[Linked]:
        """What follows from these records; not what people have cut."""
        found = self._links_of(record_ids, "follows", "left_id")
        return sorted({Linked(link.right_id, link.right_entity, link.decision) for link in found})

    def followed(self, record_ids: Iterable[int]) -> list[Linked]:
        """What these records follow from; not what people have cut."""
        found = self._links_of(record_ids, "follows", "right_id")
        return sorted({Linked(link.left_id, link.left_entity, link.decision) for link in found})

    def twins(self, record_id: int) -> dict[int, str]:
        """All records that mean the same, over other systems too, and whether that is sure or ``suggested``."""
        found = {record_id: "auto"}
        ahead = [record_id]
        while ahead:
            self._read_links(ahead)
            reached = []
            for link in [link for one in ahead for link in self._links[one] if link.kind == "same_as"]:
                for other in (link.left_id, link.right_id):
                    if other in found and (found[other] in SURE or link.decision not in SURE):
                        continue
                    found[other] = link.decision
                    if link.decision in SURE:
                        reached.append(other)
            ahead = reached
        del found[record_id]
        return found

    def places(self, record_ids: Iterable[int]) -> list[Place]:
        """These records with their canonical rows, in the order of their numbers."""
        ids = sorted(set(record_ids))
        unknown = [number for number in ids if number not in self._places]
        if unknown:
            self._read_places(unknown)
        return [self._places[number] for number in ids if number in self._places]

    def named(self, system: str, entity: str, ref: str | None) -> list[Place]:
        """The records of an entity that a reference of a record of ``system`` names (``id:``, ``no:``, ``ext:``)."""
        scheme, _, value = (ref or "").partition(":")
        if not value:
            return []
        if scheme == "no":
            table = schema.canonical[entity]
            return self.places(
                self._connection.execute(select(table.c.record_id).where(table.c.number == value)).scalars()
            )
        record, known = schema.record, schema.stream
        streams = select(known.c.id).where(known.c.entity == entity)
        streams = streams.where(known.c.system == system if scheme == "id" else known.c.system != system)
        query = select(record.c.id).where(record.c.stream_id.in_(streams), record.c.source_id == value)
        return [place for place in self.places(self._connection.execute(query).scalars()) if place.row]

    def with_value(self, system: str, entity: str, field: str, value: str) -> list[Place]:
        """The records of a system, deleted ones too, that show a text in a field, in any case."""
        self.read_values(system, entity, field, [value])
        return self.places(self._showing.get((system, entity, field, value.lower()), ()))

    def lines(self, entity: str, record_id: int) -> list[dict[str, Any]]:
        """A document's lines as stored, in their order."""
        self.read_lines(entity, [record_id])
        return self._lines[record_id]

    # -- reading

    def _links_of(self, record_ids: Iterable[int], kind: str, near: str) -> list[_Link]:
        ids = list(record_ids)
        self._read_links(ids)
        return [link for one in ids for link in self._links[one] if link.kind == kind and getattr(link, near) == one]

    def _read_links(self, record_ids: Iterable[int]) -> None:
        ids = sorted({number for number in record_ids if number not in self._links})
        if not ids:
            return
        for record_id in ids:
            self._links[record_id] = []
        for start in range(0, len(ids), _MANY):
            part = {"ids": ids[start : start + _MANY]}
            for near, query in _LINKS.items():
                for row in self._connection.execute(query, part):
                    self._links[row[near]].append(_Link._make(row))

    def _read_places(self, ids: Sequence[int]) -> None:
        record, known = schema.record, schema.stream
        found: list[Any] = []
        for start in range(0, len(ids), _MANY):
            query = (
                select(record.c.id, known.c.system, record.c.source_id, known.c.entity, record.c.state)
                .join(known, known.c.id == record.c.stream_id)
                .where(record.c.id.in_(ids[start : start + _MANY]))
            )
            found += self._connection.execute(query).all()
        rows: dict[int, dict[str, Any]] = {}
        for entity in {row.entity for row in found}:
            rows |= history.rows(self._connection, entity, [row.id for row in found if row.entity == entity])
        for row in found:
            self._places[row.id] = Place(row.id, row.system, row.source_id, row.entity, row.state, rows.get(row.id, {}))
