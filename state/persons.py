"""Find everything that the store holds of one person, in every system: by e-mail, phone, name or record."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from mappings import personal
from mappings.engine import decode
from mappings.errors import ERASED, MappingError
from mappings.model import ENTITIES, Kind, columns
from state import bulk, chains, erasure, lookup, schema
from state.bodies import unpack
from state.chains import Identity
from state.erasure import PERSONS, ErasureError, Mark, of_email, of_phone
from state.writes import RecordState

MOST_RECORDS = 1000
_NAMING = frozenset(
    ("name", "legal_name", "first_name", "last_name", "contact_name", "email", "phone", "address_line", "tax_id")
)
"""Fields whose values stand for the person; others, like a domain, go with them but may be a company's."""
_COUNTING = ("auto", "confirmed")
_EVERYWHERE = 8
"""A value so long is nobody else's by chance; a shorter one only if it is a whole name."""


class Mapper(erasure.Mapper, Protocol):
    """Maps the records of one stream and knows what of them is personal."""

    def map(self, system: str, source_id: str, body: bytes, /) -> Any:
        """The record's canonical row and lines; raises ``MappingError``."""
        ...


Mappers = Mapping[tuple[str, str], Mapper]
"""System and stream → its mapper; one that is missing counts as knowing nothing: then all of a record goes."""


class Unmapped:
    """Stands for the mapping of a stream that ltc.yaml does not name any more."""

    def __init__(self, entity: str) -> None:
        self._entity = entity

    def map(self, _system: str, _source_id: str, _body: bytes, /) -> Any:
        """Nothing can be mapped."""
        raise MappingError("", "", "there is no mapping any more")

    def personal_fields(self, _organisation: bool = False, /) -> frozenset[str]:
        """Every text that is no id, number or status."""
        stays = ("system", "source_id", "number", "status", "source_status", "currency", "kind", "url", "owner_ref")
        found = columns(ENTITIES[self._entity])
        return frozenset(item.name for item in found if item.kind is Kind.TEXT and item.name not in stays)

    def personal_values(self, body: bytes, _organisation: bool = False, /) -> set[str]:
        """E-mail addresses and phone numbers: what the other texts are nobody knows."""
        try:
            texts = {leaf for _, leaf in personal.leaves(decode(body)) if type(leaf) is str}
        except (ValueError, RecursionError):
            return set()
        return {text for text in texts if of_email(text) is not None or _is_phone(text)}

    def without_person(self, _body: bytes, _organisation: bool = False, /) -> bytes:
        """Nothing is left."""
        return b"{}"


class Found(NamedTuple):
    """A record of the person; ``how``: ``email``, ``phone``, ``name``, ``record``, ``link`` or ``again``."""

    record: Identity
    how: str
    fields: tuple[str, ...]
    """Canonical fields that hold something to be erased."""
    in_source: bool
    """Whether the source still showed it when it was last read."""


@dataclass(slots=True)
class Person:
    """Everything found of one person, with the values themselves: never to be stored or printed."""

    records: dict[int, Found] = field(default_factory=dict)
    marks: set[Mark] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    """Everything personal that the records show or ever showed."""
    shared: set[str] = field(default_factory=set)
    """Values that another person's record shows, too: they are taken out of this person's records only."""

    @property
    def everywhere(self) -> set[str]:
        """The values that are taken out wherever they stand."""
        return {value for value in self.values if _key(value) not in self.shared and _is_distinctive(value)}


class Search:
    """Finds persons in what one connection sees; records in ``kept`` are left out."""

    def __init__(self, connection: Connection, mappers: Mappers, kept: Iterable[int] = ()) -> None:
        self._connection = connection
        self._mappers = mappers
        self._kept = frozenset(kept)

    def mapper(self, record: Identity) -> Mapper:
        """What maps a record."""
        return self._mappers.get((record.system, record.stream)) or Unmapped(record.entity)

    def find(self, needles: Sequence[str]) -> Person:
        """The person of these e-mails, phones, names and records (SYSTEM:STREAM:ID); raises ``ErasureError``."""
        person = Person()
        marks: set[Mark] = set()
        names: set[str] = set()
        for needle in needles:
            record = self._named(needle)
            mark = of_email(needle) or of_phone(needle)
            if record is not None:
                self._add(person, record, "record")
            elif mark is not None:
                marks.add(mark)
            else:
                names.add(_plain(needle))
        self._gather(person, marks, names)
        person.values |= {needle.strip() for needle in needles if self._named(needle) is None and person.records}
        return self._completed(person)

    def again(self, records: Iterable[int], marks_of: erasure.Tombstones, erasure_id: str) -> Person:
        """The person of an erasure that must be done again: by record, and by e-mail and phone of canonical rows."""
        person = Person()
        for record in chains.identities(self._connection, records).values():
            self._add(person, record, "again")
        for record_id, entity, row in self._rows():
            if erasure_id in marks_of.matching(erasure.of_row(entity, row)):
                self._add(person, chains.identities(self._connection, [record_id])[record_id], "again")
        return self._completed(person)

    def _named(self, needle: str) -> Identity | None:
        if needle.count(":") < 2:
            return None
        found = lookup.named(self._connection, needle)
        if len(found) != 1:
            return None
        if found[0].entity not in PERSONS:
            raise ErasureError(
                f"{needle} is of kind {found[0].entity}, which is no person.",
                "Name the person: an e-mail address, a phone number, a name, or a contact, lead or customer.",
            )
        return found[0]

    def _gather(self, person: Person, marks: set[Mark], names: set[str]) -> None:
        """Look, and look again with every e-mail address that was found, until nothing new turns up."""
        looked: set[Mark] = set()
        while True:
            before = len(person.records)
            if marks - looked or (names and not looked):
                self._by_rows(person, marks, names)
                self._by_bodies(person, marks, names)
            looked |= marks
            self._by_links(person)
            self._read(person)
            if len(person.records) > MOST_RECORDS:
                raise ErasureError(
                    f"More than {MOST_RECORDS} records belong to that: this is no single person.",
                    "Name the person more exactly: an e-mail address, or records with --keep for those that stay.",
                )
            marks |= {mark for mark in person.marks if mark.kind == "email"}
            if len(person.records) == before and marks <= looked:
                return

    def _rows(self) -> Iterator[tuple[int, str, tuple[Any, ...]]]:
        for entity in PERSONS:
            table = schema.canonical[entity]
            names = [item.name for item in columns(ENTITIES[entity])]
            query = select(table.c.record_id, *(table.c[name] for name in names))
            for row in self._connection.execute(query, execution_options={"yield_per": 1000}):
                yield row[0], entity, tuple(row[1:])

    def _by_rows(self, person: Person, marks: set[Mark], names: set[str]) -> None:
        hits: dict[int, str] = {}
        for record_id, entity, row in self._rows():
            mark = next((mark for mark in erasure.of_row(entity, row) if mark in marks), None)
            if mark is not None:
                hits[record_id] = mark.kind
            elif names and names & names_of(entity, row):
                hits[record_id] = "name"
        for record_id, record in chains.identities(self._connection, hits).items():
            self._add(person, record, hits[record_id])

    def _by_bodies(self, person: Person, marks: set[Mark], names: set[str]) -> None:
        """Earlier versions, and records that could not be mapped."""
        landing, record, stream = schema.landing, schema.record, schema.stream
        query = (
            select(
                record.c.id,
                stream.c.system,
                stream.c.name,
                stream.c.entity,
                record.c.source_id,
                landing.c.seq,
                landing.c.body,
            )
            .join(record, record.c.id == landing.c.record_id)
            .join(stream, stream.c.id == record.c.stream_id)
            .where(stream.c.entity.in_(PERSONS))
        )
        for row in self._connection.execute(query, execution_options={"yield_per": 1000}):
            if row.id in person.records or not row.body:
                continue
            known = Identity(*row[:5])
            for value in self.mapper(known).personal_values(unpack(self._connection, row.id, row.seq, row.body)):
                mark = next((mark for mark in (of_email(value), of_phone(value)) if mark in marks), None)
                if mark is not None or _plain(value) in names:
                    self._add(person, known, mark.kind if mark is not None else "name")
                    break

    def _by_links(self, person: Person) -> None:
        """What is the same thing in another system, unless it is a company."""
        link = schema.link
        frontier = list(person.records)
        while frontier:
            some, frontier = frontier[:500], frontier[500:]
            query = select(link.c.left_id, link.c.right_id).where(
                link.c.kind == "same_as",
                link.c.decision.in_(_COUNTING),
                link.c.left_entity.in_(PERSONS),
                or_(link.c.left_id.in_(some), link.c.right_id.in_(some)),
            )
            ends = {end for row in self._connection.execute(query) for end in row} - person.records.keys()
            for record_id, record in chains.identities(self._connection, ends).items():
                if self._add(person, record, "link"):
                    frontier.append(record_id)

    def _add(self, person: Person, record: Identity, how: str) -> bool:
        if record.record_id in person.records or record.record_id in self._kept:
            return False
        person.records[record.record_id] = Found(record, how, (), False)
        return True

    def _read(self, person: Person) -> None:
        """Read what the records show and ever showed."""
        for record_id, found in person.records.items():
            if found.fields:
                continue
            record, mapper = found.record, self.mapper(found.record)
            row = self._row(record)
            organisation = erasure.is_organisation(record.entity, row)
            fields = mapper.personal_fields(organisation)
            names = [item.name for item in columns(ENTITIES[record.entity])]
            held = {name: row[names.index(name)] for name in fields} if row else {}
            texts = {str(held[name]) for name in fields & _NAMING if held.get(name) is not None}
            person.marks |= set(erasure.of_row(record.entity, row)) | {_mark(record)}
            texts |= full_names(record.entity, row)
            for body in self._bodies(record_id):
                texts |= mapper.personal_values(body, organisation)
                try:
                    earlier = mapper.map(record.system, record.source_id, body).row
                except MappingError:
                    earlier = ()
                person.marks |= set(erasure.of_row(record.entity, earlier))
                texts |= full_names(record.entity, earlier)
            person.marks |= {mark for text in texts for mark in (of_email(text),) if mark is not None}
            person.values |= texts
            shown = tuple(sorted(name for name, value in held.items() if value is not None))
            state = self._connection.execute(
                select(schema.record.c.state).where(schema.record.c.id == record_id)
            ).scalar_one()
            alive = state != RecordState.DELETED.value
            person.records[record_id] = Found(record, found.how, shown, alive)

    def _row(self, record: Identity) -> tuple[Any, ...]:
        """The canonical row in the order of the model; empty for a record that has none."""
        table = schema.canonical[record.entity]
        found = bulk.select(self._connection, table, "record_id", [record.record_id])
        return tuple(found[0][1:-1]) if found else ()

    def _bodies(self, record_id: int) -> Iterator[bytes]:
        table = schema.landing
        query = select(table.c.seq, table.c.body).where(table.c.record_id == record_id)
        for row in self._connection.execute(query):
            if row.body:
                yield unpack(self._connection, record_id, row.seq, row.body)

    def _completed(self, person: Person) -> Person:
        """Leave out what other people share: a company's switchboard, another person of the same name."""
        self._read(person)
        person.values = {value for value in person.values if value.strip() and value != ERASED}
        wanted = {_key(value) for value in person.values}
        for record_id, entity, row in self._rows():
            if record_id in person.records:
                continue
            person.marks -= set(erasure.of_row(entity, row))
            theirs = {_key(value) for value in row if type(value) is str} | names_of(entity, row)
            person.shared |= theirs & wanted
        return person


def _mark(record: Identity) -> Mark:
    return erasure.of_record(record.system, record.stream, record.source_id)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _key(text: str) -> str:
    """The same for what means the same: a phone number however it is written."""
    mark = of_email(text) or (of_phone(text) if _is_phone(text) else None)
    return mark.value if mark is not None else _plain(text)


def full_names(entity: str, row: Sequence[Any]) -> set[str]:
    """The ways to write the whole name of a canonical row's person where it is kept in parts."""
    if entity != "contact" or not row:
        return set()
    names = [item.name for item in columns(ENTITIES[entity])]
    first, last = (str(row[names.index(name)] or "").strip() for name in ("first_name", "last_name"))
    return {f"{first} {last}", f"{last} {first}", f"{last}, {first}", f"{last}{first}"} if first and last else set()


def names_of(entity: str, row: Sequence[Any]) -> set[str]:
    """The names of a canonical row's person, written plainly."""
    if not row:
        return set()
    names = [item.name for item in columns(ENTITIES[entity])]
    wanted = ("name", "legal_name") if entity == "party" else ("contact_name",) if entity == "lead" else ()
    found = {str(row[names.index(name)] or "") for name in wanted} | full_names(entity, row)
    return {_plain(name) for name in found if name}


def _is_phone(text: str) -> bool:
    return of_phone(text) is not None and not any(char.isalpha() for char in text)


def _is_distinctive(value: str) -> bool:
    if len(value) >= _EVERYWHERE or of_email(value) is not None:
        return True
    words = value.split()
    return (len(words) > 1 and len(value) >= 5) or (len(value) >= 3 and all(ord(char) >= 0x2E80 for char in value))
