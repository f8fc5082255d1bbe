"""Erase a person: first what others show of them, then their own records, last a row in the audit that says so.

A killed erasure is taken up again: the person's own records, by which the rest is found, are the last to go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.engine import Connection

from mappings.errors import ERASED
from state import attachments, audit, bulk, creations, erasure, exact, finding_terms, runs, schema, scrub
from state.bodies import pack, unpack
from state.changes import FieldChange, OutboxStatus
from state.clock import from_us, now_us
from state.erasure import Erasure
from state.findings import detail_of
from state.persons import Found, Mappers, Person, Search
from state.scrub import Scrubber
from state.store import Store

_MARKED = f"%{ERASED}%"
_METHODS = {"email": "email", "phone": "phone", "domain": "domain", "tax_id": "tax_id", "name": "name"}
_METHODS |= {"name_city": "name", "likeness": "name"}
"""How two records were found to be one → the field that says so."""
_OF_RECORD = ("quarantine", "outbox", "agreed", "held", "decision", "write_log", "record_lock")


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took away, or in a preview would: records of the person, and rows elsewhere by table."""

    records: tuple[Found, ...]
    rows: dict[str, int]
    versions: int
    """Versions of other records that showed something of the person."""
    audit_rows: int
    erasure_id: str = ""

    @property
    def still_in_source(self) -> tuple[Found, ...]:
        """The records that their sources still have."""
        return tuple(found for found in self.records if found.in_source)


def preview(store: Store, mappers: Mappers, needles: Sequence[str], kept: Iterable[int] = ()) -> Erased:
    """What ``forget`` would erase; changes nothing. Raises ``ErasureError``, ``StoreError``."""
    with store.reading() as connection:
        person = Search(connection, mappers, kept).find(needles)
    return _sweep(store, person, write=False) if person.records else Erased((), {}, 0, 0)


def forget(
    store: Store, mappers: Mappers, needles: Sequence[str], actor: str, reason: str, kept: Iterable[int] = ()
) -> Erased:
    """Erase a person, and keep nothing but keyed digests to recognise them by when a source sends them again.

    Raises ``ErasureError``, ``LeaseHeld`` while a run is at work, ``StoreError``.
    """
    with runs.lease(store, "the sync") as held:
        fenced = store.fenced(held)
        with fenced.transaction() as connection:
            _refuse_others(connection, held.name)
            person = Search(connection, mappers, kept).find(needles)
            if not person.records:
                raise erasure.ErasureError("Nobody was found.", "Nothing was changed.")
            said = Scrubber(person.values).text(reason)
            made = erasure.begin(connection, actor, said)
            erasure.remember(connection, made.id, person.marks)
        return _erase(fenced, mappers, made, person)


def again(store: Store, mappers: Mappers) -> list[Erased]:
    """Do again what was cut off, or undone by a restore; raises ``LeaseHeld``, ``StoreError``."""
    with store.reading() as connection:
        waiting = erasure.unfinished(connection)
    done = []
    for item in waiting:
        with store.reading() as connection:
            marks = erasure.tombstones(connection)
            if marks is None:
                continue
            ids = [known.record_id for known in erasure.records(connection, marks) if known.erasure_id == item.id]
            person = Search(connection, mappers).again(ids, marks, item.id)
        done.append(_erase(store, mappers, item, person))
    return done


def _refuse_others(connection: Connection, own: str) -> None:
    """Who is in the middle of a page could bring the person back; raises ``LeaseHeld``."""
    now = now_us()
    for row in connection.execute(select(schema.lease).where(schema.lease.c.name != own)):
        if row.expires_at > now and not runs.is_dead(row.owner):
            raise runs.LeaseHeld(
                f"The store is in use: {row.name} ({row.owner.partition('/')[0]}).",
                f"Let it end, or wait until {from_us(row.expires_at):%Y-%m-%d %H:%M:%S} UTC.",
            )


def _sweep(store: Store, person: Person, *, write: bool) -> Erased:
    """Everything but the person's own records."""
    ids = {found.record.source_id for found in person.records.values()}
    scrubber = Scrubber(person.everywhere, ids)
    rows = scrub.scrub(store, scrubber, write=write)
    versions = scrub.scrub_bodies(store, scrubber, frozenset(person.records), write=write)
    emptied = scrub.audit_rows(store, Scrubber(person.everywhere))
    return Erased(tuple(person.records.values()), rows, versions, len(emptied))


def _erase(store: Store, mappers: Mappers, made: Erasure, person: Person) -> Erased:
    swept = _sweep(store, person, write=True)
    emptied = scrub.audit_rows(store, Scrubber(person.everywhere))
    with store.transaction() as connection:
        own = _Own(connection, mappers, person, made.actor)
        own.erase()
        erasure.note_records(connection, made.id, person.records)
        _withdraw(connection)
        finding_terms.rebuild(connection)
        audit.erase(connection, emptied)
        rows = {name: swept.rows.get(name, 0) + own.rows.get(name, 0) for name in swept.rows | own.rows}
        named = [[item.record.system, item.record.stream, item.record.source_id] for item in swept.records]
        detail = {"erasure": made.id, "records": named, "rows": rows, "versions": swept.versions}
        audit.append(connection, made.actor, audit.ERASED, {**detail, audit.ROWS: emptied})
        erasure.finish(connection, made.id)
    return replace(swept, rows=rows, erasure_id=made.id)


def _withdraw(connection: Connection) -> None:
    """Let nothing be written, restored or compared that is no value any more."""
    outbox, decision, agreed, log = schema.outbox, schema.decision, schema.agreed, schema.write_log
    planned = (outbox.c.status == OutboxStatus.PLANNED.value, outbox.c.changes.like(_MARKED))
    values = {"status": OutboxStatus.SUPERSEDED.value, "done_at": now_us(), "message": "a person in it was erased"}
    connection.execute(update(outbox).where(*planned).values(values))
    made = schema.creation
    planned = (made.c.status == OutboxStatus.PLANNED.value, made.c.content.like(_MARKED))
    connection.execute(update(made).where(*planned).values({**values, "message": creations.ERASED_NOTE}))
    in_values = or_(*(decision.c[name].like(_MARKED) for name in ("old", "new", "value")))
    connection.execute(delete(decision).where(in_values))
    connection.execute(delete(agreed).where(agreed.c.value.like(_MARKED)))
    connection.execute(delete(log).where(or_(log.c.sent.like(_MARKED), log.c.shown.like(_MARKED))))
    closed = schema.period_figure
    connection.execute(update(closed).where(closed.c.value.like(_MARKED)).values(salt=b""))


class _Own:
    """Erases the person's own records, and everything that is kept about them; ``rows`` counts by table."""

    def __init__(self, connection: Connection, mappers: Mappers, person: Person, actor: str) -> None:
        self._connection = connection
        self._search = Search(connection, mappers)
        self._person = person
        self._actor = actor
        self._strict = Scrubber(person.values, {found.record.source_id for found in person.records.values()})
        self._fields: dict[int, frozenset[str]] = {}
        self.rows: dict[str, int] = {}

    def erase(self) -> None:
        """Erase them all."""
        ids = list(self._person.records)
        for found in self._person.records.values():
            self._record(found)
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            self._links(some)
            for name in _OF_RECORD:
                self._texts(name, "record_id", some)
            self._writes(some)
            self._count("creation", creations.forget(self._connection, some))
            self._findings(some)

    def _record(self, found: Found) -> None:
        """The canonical row and all versions."""
        record, mapper = found.record, self._search.mapper(found.record)
        table, landing = schema.canonical[record.entity], schema.landing
        rows = bulk.select(self._connection, table, "record_id", [record.record_id])
        row = rows[0][1:-1] if rows else ()
        organisation = erasure.is_organisation(record.entity, row)
        fields = self._fields[record.record_id] = mapper.personal_fields(organisation)
        if row:
            empty = dict.fromkeys(fields)
            self._connection.execute(update(table).where(table.c.record_id == record.record_id).values(empty))
            self._texts(str(table.name), "record_id", [record.record_id])
            self._count(str(table.name), 1)
        versions = select(landing.c.seq, landing.c.body).where(landing.c.record_id == record.record_id)
        kept = []
        for version in self._connection.execute(versions).all():
            if version.body:
                place = (record.record_id, version.seq)
                body = mapper.without_person(unpack(self._connection, *place, version.body), organisation)
                kept.append((*place, pack(self._connection, *place, body)))
        bulk.update(self._connection, landing, ("record_id", "seq", "body"), kept, ("record_id", "seq"))
        self._count("landing", len(kept))

    def _texts(self, name: str, key: str, ids: Sequence[Any]) -> None:
        """Take even the short values out of the rows of a table about these records."""
        place = next((place for place in scrub.places() if place.table.name == name), None)
        if place is None:
            return
        table = place.table
        columns = [table.c[column] for column in (*place.keys, *place.texts)]
        rows = self._connection.execute(select(*columns).where(table.c[key].in_(ids))).mappings().all()
        hit = [row for row in rows if any(self._strict.hits(row[text]) for text in place.texts if row[text])]
        scrub.replace(self._connection, place, hit, self._strict)
        self._count(name, len(hit))

    def _links(self, ids: Sequence[int]) -> None:
        """What was linked by what goes is kept linked, as if a person had confirmed it; suggestions go."""
        link = schema.link
        touches = or_(link.c.left_id.in_(ids), link.c.right_id.in_(ids))
        for row in self._connection.execute(select(link).where(touches)).all():
            match = (link.c.kind == row.kind, link.c.left_id == row.left_id, link.c.right_id == row.right_id)
            evidence = self._strict.text(row.evidence)
            ends = (row.left_id, row.right_id)
            if row.kind == "same_as" and any(_METHODS.get(row.method) in self._fields.get(end, ()) for end in ends):
                self._count("link", 1)
                if row.decision == "suggested":
                    self._connection.execute(delete(link).where(*match))
                    continue
                decided: dict[str, Any] = {"evidence": '{"erased": true}'}
                if row.decision == "auto":
                    decided |= {"decision": "confirmed", "decided_by": self._actor, "decided_at": now_us()}
                self._connection.execute(update(link).where(*match).values(decided))
            elif evidence != row.evidence:
                self._count("link", 1)
                self._connection.execute(update(link).where(*match).values(evidence=evidence))

    def _writes(self, ids: Sequence[int]) -> None:
        """Values of personal fields, whatever they are, and names in place of numbers."""
        for table in (schema.agreed, schema.held, schema.decision, schema.write_log):
            for record_id in ids:
                gone = delete(table).where(table.c.record_id == record_id, table.c.field.in_(self._fields[record_id]))
                self._count(str(table.name), self._connection.execute(gone).rowcount)
        outbox, quarantine = schema.outbox, schema.quarantine
        rows = self._connection.execute(select(outbox).where(outbox.c.record_id.in_(ids))).all()
        for row in rows:
            written = exact.load(row.changes)
            personal = self._fields[row.record_id]
            fields = [_emptied(change) if change["field"] in personal else change for change in written["fields"]]
            if fields != written["fields"]:
                changes = exact.dump({**written, "fields": fields})
                self._connection.execute(update(outbox).where(outbox.c.id == row.id).values(changes=changes))
                self._count("outbox", 1)
        hidden = (
            update(quarantine).where(quarantine.c.record_id.in_(ids)).values(value=ERASED, reason="cannot be mapped")
        )
        self._count("quarantine", self._connection.execute(hidden).rowcount)
        typed = delete(schema.correction).where(schema.correction.c.record_id.in_(ids))
        self._count("correction", self._connection.execute(typed).rowcount)

    def _findings(self, ids: Sequence[int]) -> None:
        """The findings about the records; a name that stands for a number goes."""
        record = schema.finding_record
        about = self._connection.execute(
            select(record.c.finding_id).where(record.c.record_id.in_(ids)).distinct()
        ).scalars()
        findings = list(about)
        for start in range(0, len(findings), 500):
            some = findings[start : start + 500]
            self._texts("finding", "id", some)
            self._texts("finding_event", "finding_id", some)
        self._count("attachment", attachments.erase(self._connection, self._attached(findings)))
        self._texts("finding_record", "record_id", ids)

    def _attached(self, findings: Sequence[str]) -> list[str]:
        """Files of the findings about the person's own records: nobody can take a name out of a picture."""
        event = schema.finding_event
        query = select(event).where(event.c.event == "attached")
        rows = [row for row in self._connection.execute(query) if row.finding_id in set(findings)]
        return [str(detail_of(row)["sha256"]) for row in rows]

    def _count(self, name: str, number: int) -> None:
        if number:
            self.rows[name] = self.rows.get(name, 0) + number


def _emptied(change: Mapping[str, Any]) -> dict[str, Any]:
    names = FieldChange.__dataclass_fields__.keys() & {"old", "new", "source_old", "source_new"}
    return {**change, **{name: ERASED for name in names if change[name] is not None}}
