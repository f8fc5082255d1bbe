"""Erased persons: by what they are recognised, as keyed digests, and records without them when they arrive again.

Identifiers are normalised first, so that ``Anna@Example.com `` is the same as ``anna@example.com`` and a phone number
the same with and without its punctuation and the Chinese country code.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from sqlalchemy import delete, select, update
from sqlalchemy.engine import Connection

from mappings.model import ENTITIES, columns
from state import audit, bulk, schema
from state.clock import now_us
from state.failures import StoreError

PERSONS = ("party", "contact", "lead")
"""Entities whose records may be a person."""

LIFTED = "erasure lifted"

_SHORTEST_PHONE = 7
_KEYS = select(schema.erasure_key)
_UNFINISHED = (
    select(schema.erasure).where(schema.erasure.c.done_at.is_(None)).order_by(schema.erasure.c.at, schema.erasure.c.id)
)
_PLACES = {entity: {column.name: place for place, column in enumerate(columns(ENTITIES[entity]))} for entity in PERSONS}


class ErasureError(StoreError):
    """An erasure cannot be done as asked."""

    kind = "erasure"


class Mark(NamedTuple):
    """One thing that a person is recognised by; ``value`` is normalised."""

    kind: str
    """``record``, ``email`` or ``phone``."""
    value: str


class Erasure(NamedTuple):
    """One person who was erased; ``at`` and ``done_at`` in microseconds, ``done_at`` is None while it is under way."""

    id: str
    at: int
    actor: str
    reason: str
    done_at: int | None


class Mapper(Protocol):
    """What knows which parts of a record are about a person; ``mappings.engine.StreamMapping`` is one."""

    def personal_fields(self, organisation: bool = False, /) -> frozenset[str]:
        """Canonical fields that an erasure empties."""
        ...

    def personal_values(self, body: bytes, organisation: bool = False, /) -> set[str]:
        """What the source has in the places of these fields."""
        ...

    def without_person(self, body: bytes, organisation: bool = False, /) -> bytes:
        """The record's bytes without them."""
        ...


def of_record(system: str, stream: str, source_id: str) -> Mark:
    """The mark of a record of a source."""
    return Mark("record", "\0".join((system, stream, source_id)))


def of_email(text: Any) -> Mark | None:
    """The mark of an e-mail address; ``None`` for what is none."""
    plain = unicodedata.normalize("NFKC", str(text or "")).strip().lower()
    return Mark("email", plain) if "@" in plain else None


def of_phone(text: Any) -> Mark | None:
    """The mark of a phone number; ``None`` for one that is too short to be somebody's."""
    plain = unicodedata.normalize("NFKC", str(text or ""))
    digits = "".join(char for char in plain if char.isdigit()).lstrip("0")
    if len(digits) >= 12 and digits.startswith("86"):
        digits = digits[2:].lstrip("0")
    return Mark("phone", digits) if len(digits) >= _SHORTEST_PHONE else None


def of_row(entity: str, row: Sequence[Any]) -> list[Mark]:
    """The marks in a canonical row (in the order of the model); none for an entity that is no person."""
    places = _PLACES.get(entity)
    if places is None or not row:
        return []
    found = (of_email(row[places["email"]]), of_phone(row[places["phone"]]))
    return [mark for mark in found if mark is not None]


def is_organisation(entity: str, row: Sequence[Any]) -> bool:
    """Whether a canonical row says of itself that it is a company."""
    return entity == "party" and bool(row) and row[_PLACES["party"]["kind"]] == "organisation"


@dataclass(frozen=True, slots=True)
class Tombstones:
    """All erased persons of a store."""

    keys: tuple[tuple[str, bytes], ...]
    digests: dict[bytes, tuple[str, ...]]
    """Digest → the erasures it belongs to."""

    def matching(self, marks: Iterable[Mark]) -> set[str]:
        """The erasures that one of these marks belongs to."""
        found: set[str] = set()
        for mark in marks:
            for _, key in self.keys:
                found.update(self.digests.get(digest(key, mark), ()))
        return found


def digest(key: bytes, mark: Mark) -> bytes:
    """The keyed digest of a mark, 16 bytes."""
    return blake2b(f"{mark.kind}\0{mark.value}".encode(), key=key, digest_size=16).digest()


def tombstones(connection: Connection) -> Tombstones | None:
    """All that there are; ``None`` if nobody was erased."""
    keys = tuple((row.id, bytes(row.key)) for row in connection.execute(_KEYS))
    if not keys:
        return None
    table = schema.tombstone
    found: dict[bytes, tuple[str, ...]] = {}
    for row in connection.execute(select(table.c.digest, table.c.erasure_id)):
        key = bytes(row.digest)
        found[key] = (*found.get(key, ()), row.erasure_id)
    return Tombstones(keys, found) if found else None


def recognised(
    found: Tombstones, mapper: Mapper, record: Mark, entity: str, body: bytes, row: Sequence[Any]
) -> set[str]:
    """The erasures that a record which arrives belongs to; by its raw values where it could not be mapped (no row)."""
    marks = [record, *of_row(entity, row)]
    if not row and entity in PERSONS:
        texts = mapper.personal_values(body)
        marks += [mark for text in texts for mark in (of_email(text), of_phone(text)) if mark is not None]
    return found.matching(marks)


def withheld(mapper: Mapper, entity: str, body: bytes, row: Sequence[Any]) -> tuple[bytes, tuple[Any, ...]]:
    """A record without its person: what is kept of its bytes and of its canonical row."""
    organisation = is_organisation(entity, row)
    return mapper.without_person(body, organisation), without_fields(entity, row, mapper.personal_fields(organisation))


def without_fields(entity: str, row: Sequence[Any], fields: Iterable[str]) -> tuple[Any, ...]:
    """A canonical row with these fields empty; an empty row stays empty."""
    if not row:
        return ()
    emptied = {_PLACES[entity][name] for name in fields}
    return tuple(None if place in emptied else value for place, value in enumerate(row))


# -- bookkeeping


def begin(connection: Connection, actor: str, reason: str) -> Erasure:
    """A new erasure."""
    made = Erasure(secrets.token_hex(4), now_us(), actor, reason, None)
    connection.execute(schema.erasure.insert().values(**made._asdict()))
    return made


def remember(connection: Connection, erasure_id: str, marks: Iterable[Mark]) -> None:
    """Let a person be recognised by these marks from now on."""
    key_id, key = _key(connection)
    rows = {digest(key, mark): mark.kind for mark in marks}
    columns = ("erasure_id", "digest", "kind", "key_id")
    made = [(erasure_id, value, kind, key_id) for value, kind in rows.items()]
    bulk.upsert(connection, schema.tombstone, columns, made, ("erasure_id", "digest"))


def note_records(connection: Connection, erasure_id: str, record_ids: Iterable[int]) -> None:
    """Note that what is missing in these records is missing on purpose."""
    rows = [(record_id, erasure_id) for record_id in record_ids]
    columns = ("record_id", "erasure_id")
    bulk.upsert(connection, schema.erased_record, columns, rows, columns)


def _key(connection: Connection) -> tuple[str, bytes]:
    """This store's key; made when it is first needed."""
    table = schema.erasure_key
    row = connection.execute(select(table).order_by(table.c.id).limit(1)).first()
    if row is None:
        made = (secrets.token_hex(8), secrets.token_bytes(32))
        bulk.insert(connection, table, ("id", "key"), [made])
        return made
    return row.id, bytes(row.key)


def finish(connection: Connection, erasure_id: str) -> None:
    """Note that nothing is left of the person."""
    table = schema.erasure
    connection.execute(update(table).where(table.c.id == erasure_id).values(done_at=now_us()))


def reopen(connection: Connection) -> None:
    """Let every erasure be done again: the store holds other data now."""
    connection.execute(update(schema.erasure).values(done_at=None))


def listing(connection: Connection) -> list[Erasure]:
    """All erasures, the last first."""
    table = schema.erasure
    return [Erasure(*row) for row in connection.execute(select(table).order_by(table.c.at.desc(), table.c.id))]


def unfinished(connection: Connection) -> list[Erasure]:
    """Those that are under way, or must be done again after a restore."""
    return [Erasure(*row) for row in connection.execute(_UNFINISHED)]


class Known(NamedTuple):
    """A record of an erased person that the store holds."""

    erasure_id: str
    record_id: int
    system: str
    stream: str
    entity: str
    source_id: str
    state: int


def records(connection: Connection, found: Tombstones) -> Iterator[Known]:
    """The records that are recognised by their own mark."""
    record, stream = schema.record, schema.stream
    query = select(record.c.id, stream.c.system, stream.c.name, stream.c.entity, record.c.source_id, record.c.state)
    query = query.join(stream, stream.c.id == record.c.stream_id).where(stream.c.entity.in_(PERSONS))
    for row in connection.execute(query, execution_options={"yield_per": 1000}):
        for erasure_id in found.matching([of_record(row.system, row.name, row.source_id)]):
            yield Known(erasure_id, *row)


def lift(connection: Connection, erasure_id: str, actor: str) -> list[Known]:
    """Forget that a person was erased; returns the records to be read again from their sources.

    Their next full pull brings the person back. Raises ``ErasureError``.
    """
    if erasure_id not in {item.id for item in listing(connection)}:
        raise ErasureError(f"There is no erasure {erasure_id}.", "`ltc forget --list` shows the ones there are.")
    found = tombstones(connection)
    held = [item for item in records(connection, found) if item.erasure_id == erasure_id] if found else []
    for column in (schema.tombstone.c.erasure_id, schema.erased_record.c.erasure_id, schema.erasure.c.id):
        connection.execute(delete(column.table).where(column == erasure_id))
    rows = [(item.record_id, b"") for item in held]  # the next version is news, even if it is the one we had
    bulk.update(connection, schema.record, ("id", "hash"), rows, ("id",))
    audit.append(connection, actor, LIFTED, {"erasure": erasure_id, "records": len(held)})
    return held
