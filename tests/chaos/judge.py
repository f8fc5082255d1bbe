"""The judge: is all that the systems show in the store, exactly once, and was nothing written that should not be?

It compares the store with the systems' true content, and what the systems were sent with what people had written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import audit, outbox, overwritten, schema
from state.bodies import unpack
from state.clock import now_us
from state.store import Store
from state.writes import RecordState
from sync.echoes import rewritten
from tests.chaos import company
from tests.chaos.source import OURS, Source, Values

_CALM = 2_400_000_000
"""So long (microseconds) was the wait before the last run."""
KINDS = ("lost", "doubled", "overwritten", "stuck", "wrong_totals", "crash")


class Fault(NamedTuple):
    """Something that must not be; ``kind`` is one of ``KINDS``."""

    kind: str
    text: str


def verdict(
    store: Store, sources: dict[str, Source], world: dict[str, Any], forgotten: Sequence[tuple[int, int]] = ()
) -> list[Fault]:
    """Everything that is wrong now that all is calm.

    ``forgotten``: the times (from, to) of which the store knows nothing, because a backup took its place.
    """
    found: list[Fault] = []
    with store.reading() as connection:
        for system, source in sources.items():
            stream = company.STREAMS[system]
            found += _records(connection, source, stream)
            found += _totals(connection, source, stream)
            found += _doubled(source)
            found += _strange(source, world["topology"])
            found += _replaced(connection, source, world, forgotten)
        found += _unwritten(connection, sources, world["topology"])
        if world["topology"] == "create":
            found += _created(connection, sources["web"], sources["sales"])
        found += _rest(connection)
    return found


# -- records


def _records(connection: Connection, source: Source, stream: str) -> list[Fault]:
    """Every record is there once, in its last version, and no other."""
    found = []
    query = company.sql(
        "SELECT r.id, r.source_id, r.state, r.seq, l.body, l.hash FROM record r "
        "JOIN stream s ON s.id = r.stream_id AND s.system = :system AND s.name = :stream "
        "LEFT JOIN landing l ON l.record_id = r.id AND l.seq = r.seq"
    )
    rows = connection.execute(query, {"system": source.name, "stream": stream}).all()
    truth = source.truth(stream)
    held = {row.source_id: row for row in rows}
    for source_id in truth:
        row = held.get(source_id)
        where = f"{source.name}.{stream} {source_id}"
        if row is None:
            found.append(Fault("lost", f"{where} is missing"))
        elif row.state == RecordState.DELETED:
            found.append(Fault("lost", f"{where} is marked as deleted"))
        elif json.loads(unpack(connection, row.id, row.seq, row.body)) != source.body(stream, source_id):
            found.append(Fault("lost", f"{where} is not up to date: {unpack(connection, row.id, row.seq, row.body)!r}"))
        else:
            found += _canonical(connection, row, where, stream, truth[source_id])
    for source_id, row in held.items():
        if source_id not in truth and row.state != RecordState.DELETED:
            known = source_id in source.streams[stream]
            found.append(Fault("lost" if known else "doubled", f"{source.name} {source_id} should be deleted"))
    if len(held) != len(rows):
        found.append(Fault("doubled", f"{source.name} has {len(rows) - len(held)} records twice"))
    repeated = company.sql(
        "SELECT count(*) FROM landing a JOIN landing b ON b.record_id = a.record_id AND b.seq = a.seq + 1 "
        "WHERE a.body = b.body AND a.origin <> 2 AND b.origin <> 2"
    )
    twice = connection.execute(repeated).scalar_one()
    if twice:
        found.append(Fault("doubled", f"{twice} versions landed twice in a row"))
    deletions = company.sql(
        "SELECT DISTINCT r.source_id FROM landing l JOIN record r ON r.id = l.record_id "
        "JOIN stream s ON s.id = r.stream_id AND s.system = :system AND s.name = :stream WHERE l.origin = 2"
    )
    invented = set(connection.execute(deletions, {"system": source.name, "stream": stream}).scalars()) - source.gone
    found += [Fault("lost", f"{source.name} {source_id} was taken for deleted") for source_id in sorted(invented)]
    return found + _backwards(connection, source, stream)


def _backwards(connection: Connection, source: Source, stream: str) -> list[Fault]:
    """No record was ever put back to a state before the one that the store held."""
    query = company.sql(
        "SELECT r.source_id, l.record_id, l.seq, l.body FROM landing l JOIN record r ON r.id = l.record_id "
        "JOIN stream s ON s.id = r.stream_id AND s.system = :system AND s.name = :stream "
        "WHERE l.origin <> 2 ORDER BY l.record_id, l.seq"
    )
    found = []
    last = ("", 0)
    for row in connection.execute(query, {"system": source.name, "stream": stream}):
        revision = json.loads(unpack(connection, row.record_id, row.seq, row.body))["revision"]
        if row.source_id == last[0] and revision < last[1]:
            found.append(Fault("overwritten", f"{source.name} {row.source_id} went back from {last[1]} to {revision}"))
        last = (row.source_id, revision)
    return found


def _canonical(connection: Connection, row: Any, where: str, stream: str, values: Values) -> list[Fault]:
    """The canonical row shows the record's values, or the record is in quarantine and says why."""
    status, amount = company.STATUSES[stream].get(values.get("state", "")), minor(values.get("amount"))
    if not is_understood(stream, values):
        if row.state != RecordState.REJECTED:
            return [Fault("lost", f"{where} cannot be understood and is not in quarantine")]
        return []
    if row.state == RecordState.REJECTED:
        return [Fault("lost", f"{where} is in quarantine without a reason")]
    names = {canonical: name for name, canonical in company.FIELDS[stream].items()}
    query = f"SELECT * FROM {company.TABLES[stream]} WHERE record_id = :id AND deleted = 0"
    shown = connection.execute(company.sql(query), {"id": row.id}).mappings().all()
    if len(shown) != 1:
        return [Fault("lost", f"{where} has {len(shown)} canonical rows")]
    wrong = [canonical for canonical, name in names.items() if not _same(shown[0][canonical], values.get(name))]
    if shown[0]["status"] != status:
        wrong.append("status")
    if stream in company.AMOUNTS and shown[0][company.AMOUNTS[stream]] != amount:
        wrong.append("amount")
    return [Fault("lost", f"{where} shows an old {name}") for name in wrong]


def _same(canonical: Any, value: Any) -> bool:
    return (canonical or "") == " ".join(str(value or "").split()) or (canonical or "") == (value or "")


def minor(value: Any) -> int | None:
    """An amount in minor units, ``None`` if it is none."""
    try:
        return int(Decimal(str(value)) * 100)
    except InvalidOperation:
        return None


def is_understood(stream: str, values: Values) -> bool:
    """Whether the mapping can make something of a record."""
    state, amount = values.get("state"), values.get("amount")
    return (state is None or state in company.STATUSES[stream]) and (amount is None or minor(amount) is not None)


def _totals(connection: Connection, source: Source, stream: str) -> list[Fault]:
    """What is understood adds up to what the system's records add up to."""
    table, column = company.TABLES[stream], company.AMOUNTS.get(stream)
    worth = f"t.{column}" if column else "0"
    query = (
        f"SELECT count(*), coalesce(sum({worth}), 0) FROM {table} t JOIN record r ON r.id = t.record_id "
        f"WHERE t.deleted = 0 AND t.system = :system AND r.state = {int(RecordState.LIVE)}"
    )
    count, total = connection.execute(company.sql(query), {"system": source.name}).one()
    understood = [values for values in source.truth(stream).values() if is_understood(stream, values)]
    amounts = [(minor(values.get("amount")) or 0) if column else 0 for values in understood]
    if (count, total) != (len(amounts), sum(amounts)):
        text_ = f"{table}: {count} records of {total} in the store, {len(amounts)} of {sum(amounts)} in {source.name}"
        return [Fault("wrong_totals", text_)]
    return []


# -- writes


def _doubled(source: Source) -> list[Fault]:
    """No idempotency key took effect twice."""
    times = Counter({(write.at, write.key) for write in source.writes if write.who == OURS})
    keys = Counter(key for _, key in times if key)
    return [Fault("doubled", f"{source.name} carried out {key} {n} times") for key, n in keys.items() if n > 1]


def _strange(source: Source, topology: str) -> list[Fault]:
    """We write the fields that the rules name, and no others."""
    ours = {(rule.target, company.SOURCE_FIELD[rule.field]) for rule in company.RULES[topology]}
    wrong = {(write.stream, write.name) for write in source.writes if write.who == OURS} - ours
    return [Fault("overwritten", f"{source.name}: {stream}.{name} is not ours to write") for stream, name in wrong]


def _replaced(
    connection: Connection, source: Source, world: dict[str, Any], forgotten: Sequence[tuple[int, int]]
) -> list[Fault]:
    """What a person had written where we wrote is kept; with ``ask`` it still stands."""
    kept = {
        (item.source_id, change.source_field, json.dumps(change.source_old))
        for item in overwritten.listing(connection, source.name, limit=10_000)
        for change in overwritten.lost(item)
    }
    found = []
    last: dict[tuple[str, str], str] = {}
    for write in source.writes:
        key = (write.source_id, write.name)
        by_hand = last.get(key) == "human" and str(write.before).startswith("by hand")
        if write.who == OURS and by_hand:
            where = f"{source.name} {write.source_id}.{write.name}: {write.before!r} became {write.value!r}"
            if world["policy"] == "ask":
                found.append(Fault("overwritten", f"{where} without asking"))
            elif any(begin <= write.at <= end for begin, end in forgotten):
                pass
            elif (*key, json.dumps(write.before)) not in kept:
                found.append(Fault("overwritten", f"{where} and is not kept"))
        if write.who == OURS or write.value != write.before:  # nobody can tell that a person saved what was there
            last[key] = write.who
    return found


def _unwritten(connection: Connection, sources: dict[str, Source], topology: str) -> list[Fault]:
    """What the owner shows is shown by the target, or it is written down why not."""
    held = {(row.source_id, row.field) for row in connection.execute(company.sql("SELECT source_id, field FROM held"))}
    letters = select(schema.outbox).where(schema.outbox.c.status.in_(("rejected", "dead")))
    items = [outbox.item_of(row) for row in connection.execute(letters)]
    held |= {(item.source_id, change.field) for item in items for change in item.changes}
    found = []
    for rule in company.RULES[topology]:
        target, owner = company.system_of(rule.target), company.system_of(rule.owner)
        known = _understood(sources[owner], rule.owner)
        if len(known) < len(sources[owner].truth(rule.owner)):
            continue  # what is not understood shows as it was before
        for source_id, values in _understood(sources[target], rule.target).items():
            owners = sorted(key for key, other in known.items() if other.get("number") == values.get("number"))
            if not owners or (source_id, rule.field) in held:
                continue
            wanted = _shown(rule.owner, rule.shows, known[owners[0]])
            shown = values.get(company.SOURCE_FIELD[rule.field])
            if wanted not in (None, "") and not rewritten(wanted, shown):
                found.append(Fault("stuck", f"{target} {source_id} shows {shown!r} and not {wanted!r}"))
    return found


def _created(connection: Connection, web: Source, sales: Source) -> list[Fault]:
    """Of each entry of the one system there is one prospect in the other, and never a second one."""
    found = []
    made: dict[str, list[str]] = {}
    for key, ids in sales.made.items():
        first = sales.streams["prospect"][ids[0]].versions[0].values or {}
        made.setdefault(str(first.get("ref")), []).append(key)
        if len(ids) > 1:
            found.append(Fault("doubled", f"sales made {' and '.join(ids)} for one key"))
    found += [Fault("doubled", f"{ref} was created {len(keys)} times") for ref, keys in made.items() if len(keys) > 1]
    found += [Fault("doubled", f"there never was {ref}") for ref in made.keys() - web.streams["entry"].keys()]
    by_people = [record for key, record in sales.streams["prospect"].items() if not key.startswith("sx")]
    taken = {(version.values or {}).get("number") for record in by_people for version in record.versions}
    letters = company.sql("SELECT origin_source_id FROM creation WHERE status IN ('rejected', 'dead')")
    told = set(connection.execute(letters).scalars())
    for source_id, values in _understood(web, "entry").items():
        if source_id not in made and source_id not in told and values.get("number") not in taken:
            found.append(Fault("stuck", f"{source_id} was not created in sales"))
    return found


def _understood(source: Source, stream: str) -> dict[str, Values]:
    return {key: values for key, values in source.truth(stream).items() if is_understood(stream, values)}


def _shown(stream: str, canonical: str, values: Values) -> Any:
    if canonical == "status":
        return company.STATUSES[stream].get(values.get("state", ""))
    if canonical == company.AMOUNTS[stream]:
        return values.get("amount")
    return values.get(company.SOURCE_FIELD[canonical])


# -- the store itself


def _rest(connection: Connection) -> list[Fault]:
    """Nothing is open, nobody holds anything, and the audit's chain holds."""
    found = []
    for row in connection.execute(
        company.sql("SELECT source_id, status, message FROM outbox WHERE status IN ('planned', 'sending', 'unknown')")
    ):
        found.append(Fault("stuck", f"the write to {row.source_id} is {row.status}: {row.message}"))
    for row in connection.execute(
        company.sql("SELECT key, status, message FROM creation WHERE status IN ('planned', 'sending', 'unknown')")
    ):
        found.append(Fault("stuck", f"the new record {row.key} is {row.status}: {row.message}"))
    for row in connection.execute(
        company.sql("SELECT source_id FROM notice WHERE since < :then"), {"then": now_us() - _CALM}
    ):
        found.append(Fault("stuck", f"nobody has read {row.source_id}, of which a webhook told"))
    held = company.sql("SELECT name FROM lease WHERE expires_at > :now")
    leases = connection.execute(held, {"now": now_us()}).scalars().all()
    running = connection.execute(company.sql("SELECT id FROM run WHERE status = 'running'")).scalars().all()
    found += [Fault("stuck", f"{name} is still held") for name in [*leases, *running]]
    if not audit.verify(connection).intact:
        found.append(Fault("wrong_totals", "the audit's chain is broken"))
    return found


def digest(faults: list[Fault]) -> str:
    """A short name for what went wrong."""
    return blake2b(json.dumps(faults).encode(), digest_size=4).hexdigest()
