"""Findings as stored: what the checks found, what people decided about it, and the history of both.

``status``: ``open``, ``assigned``, ``explained``, ``waived`` (until a day) or ``resolved`` (the data shows it no more).
All but resolved are *outstanding*. While a finding is outstanding it was last seen by the last reconciliation;
``last_seen_at`` is written when it changes or goes, so that a run that finds nothing new writes nothing.
Every event keeps the finding as it was after it, so that the findings of any earlier stamp can be shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, select
from sqlalchemy.engine import Connection

from state import bulk, finding_terms, schema
from state.decisions import DecisionError
from state.schema import finding as table
from state.schema import finding_event, finding_record

STANDING = ("open", "assigned", "explained", "waived")
"""The statuses of what is not resolved."""
_MANY = 500
_FOUND = (
    *("check_id", "stage", "department", "severity", "amount", "currency", "base_amount", "params", "since"),
    *("last_seen_at", "run_id"),
)
_NEW = ("id", *_FOUND, "customer", "status", "first_seen_at", "due_on")
_RECORD = ("finding_id", "n", "record_id", "system", "entity", "source_id", "number", "url")
_EVENT = ("finding_id", "at", "event", "actor", "detail", "run_id", "status", "state", "done_at")


class FindingError(DecisionError):
    """A decision on a finding that cannot be taken."""


@dataclass(slots=True)
class Changes:
    """What a run changes. Rows of ``opened``, ``changed`` and ``reopened`` are: id, then what a check found (check_id,
    stage, department, severity, amount, currency, base_amount, params, since)."""

    opened: list[bulk.Row] = field(default_factory=list)
    changed: list[bulk.Row] = field(default_factory=list)
    reopened: list[bulk.Row] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    """Findings whose waiver has ended."""
    resolved: list[str] = field(default_factory=list)
    records: list[bulk.Row] = field(default_factory=list)
    """Records of everything opened, changed or reopened: finding id, n from 1, record id, system, entity, source id,
    number, url."""
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    due_on: dict[str, str] = field(default_factory=dict)
    """Severity → day by which somebody has to have acted on what is opened or reopened now."""

    def __bool__(self) -> bool:
        return bool(self.opened or self.changed or self.reopened or self.expired or self.resolved)


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A record that a finding is about."""

    record_id: int
    system: str
    entity: str
    source_id: str
    number: str | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; money in minor units, instants in microseconds, days as text."""

    id: str
    check_id: str
    stage: str
    department: str
    severity: str
    status: str
    amount: int | None
    currency: str | None
    base_amount: int | None
    params: dict[str, Any]
    since: str | None
    first_seen_at: int
    last_seen_at: int
    resolved_at: int | None
    assignee: str | None
    reason: str | None
    approver: str | None
    waived_until: str | None
    due_on: str | None
    records: tuple[RecordRef, ...] = ()
    customer: str | None = None
    """The organisation that its records name; not in what older events and closes keep."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a finding's history; ``at`` is a stamp, ``detail`` what changed, ``done_at`` the instant by the
    clock on the wall, which goes on where the settings stop that of the stamps."""

    at: int
    event: str
    actor: str
    detail: dict[str, Any]
    run_id: str | None
    done_at: int


def apply(connection: Connection, changes: Changes, run_id: str, at: int, stamp: int, done: int | None = None) -> None:
    """Write what a run changed, with its events; ``at`` is the run's business instant in microseconds, ``stamp`` the
    transaction's, ``done`` as ``stamps.done`` gives it."""
    severity = 1 + _FOUND.index("severity")
    due = changes.due_on
    by = [1 + _FOUND.index(name) for name in ("amount", "currency", "base_amount", "params")]
    shown = [(row[0], *(row[n] for n in by)) for row in (*changes.opened, *changes.changed, *changes.reopened)]
    known = finding_terms.known(connection, shown, changes.records)
    whose = known.customers.get
    opened = [(*row, at, run_id, whose(row[0]), "open", at, due.get(row[severity])) for row in changes.opened]
    bulk.insert(connection, table, _NEW, opened)
    changed = [(*row, at, run_id, whose(row[0])) for row in changes.changed]
    bulk.update(connection, table, ("id", *_FOUND, "customer"), changed, ("id",))
    cleared = ("status", "resolved_at", "reason", "approver", "waived_until", "due_on")
    again = [
        (*row, at, run_id, whose(row[0]), "open", None, None, None, None, due.get(row[severity]))
        for row in changes.reopened
    ]
    bulk.update(connection, table, ("id", *_FOUND, "customer", *cleared), again, ("id",))
    bulk.update(
        connection, table, ("id", "status", "waived_until"), [(id, "open", None) for id in changes.expired], ("id",)
    )
    gone = [(id, "resolved", at, at, run_id) for id in changes.resolved]
    bulk.update(connection, table, ("id", "status", "resolved_at", "last_seen_at", "run_id"), gone, ("id",))
    anew = [row[0] for row in (*changes.changed, *changes.reopened)]
    bulk.delete(connection, finding_record, "finding_id", anew)
    bulk.insert(connection, finding_record, _RECORD, changes.records)
    finding_terms.write(connection, [row[0] for row in shown], known)
    events = [
        *((row[0], "opened") for row in changes.opened),
        *((row[0], "changed") for row in changes.changed),
        *((row[0], "reopened") for row in changes.reopened),
        *((id, "expired") for id in changes.expired),
        *((id, "resolved") for id in changes.resolved),
    ]
    states = _states(connection, [id for id, _ in events])
    rows = [
        (id, stamp, event, "ltc", _json(changes.details.get(id, {})), run_id, *states[id], done) for id, event in events
    ]
    bulk.insert(connection, finding_event, _EVENT, rows)


def note(
    connection: Connection,
    id: str,
    event: str,
    actor: str,
    detail: dict[str, Any],
    stamp: int,
    done: int | None = None,
) -> None:
    """Add what a person did with a finding to its history, with the finding as it is now; ``done`` as ``stamps.done``
    gives it."""
    row = (id, stamp, event, actor, _json(detail), None, *_states(connection, [id])[id], done)
    bulk.insert(connection, finding_event, _EVENT, [row])


def _states(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Status and JSON of findings, as their events keep them."""
    names = [column.name for column in table.columns]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in bulk.select(connection, table, "id", sorted({*ids}))}
    records = _records(connection, sorted(rows))
    kept = {}
    for id, row in rows.items():
        values = {name: row[name] for name in Finding.__dataclass_fields__ if name not in ("params", "records")}
        values |= {"params": json.loads(row["params"]), "records": [asdict(item) for item in records.get(id, ())]}
        kept[id] = (row["status"], _json(values))
    return kept


def outstanding(connection: Connection) -> int:
    """How many findings are not resolved."""
    return int(connection.execute(select(func.count()).where(table.c.status.in_(STANDING))).scalar_one())


def roll_forward(connection: Connection, run_id: str | None) -> dict[str, int]:
    """``opening`` + ``new`` − ``cleared`` = ``closing``: outstanding findings before and after a run."""
    closing = outstanding(connection)
    opened, reopened, cleared = _moved(connection, finding_event.c.run_id == run_id)
    new = opened + reopened
    return {"opening": closing - new + cleared, "new": new, "cleared": cleared, "closing": closing}


def roll_forward_between(connection: Connection, begin: int, end: int | None) -> dict[str, int]:
    """``opening`` (outstanding at the stamp ``begin``), ``new`` and ``cleared`` after it, ``closing`` (at ``end``).

    ``reopened`` says how many of the new ones had been there before. Opening and closing are counted, not computed from
    the others. Without ``end`` up to now.
    """
    opening, closing = (_stood(connection, at) for at in (begin, end))
    chosen = finding_event.c.at > begin
    opened, reopened, cleared = _moved(connection, chosen if end is None else and_(chosen, finding_event.c.at <= end))
    moved = {"opening": opening, "new": opened + reopened, "cleared": cleared, "closing": closing}
    return {**moved, "reopened": reopened}


def _moved(connection: Connection, chosen: Any) -> tuple[int, int, int]:
    query = (
        select(finding_event.c.event, func.count())
        .where(chosen, finding_event.c.event.in_(("opened", "reopened", "resolved")))
        .group_by(finding_event.c.event)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    return counts.get("opened", 0), counts.get("reopened", 0), counts.get("resolved", 0)


def last_run(connection: Connection) -> str | None:
    """The last run that changed findings."""
    query = select(finding_event.c.run_id).where(finding_event.c.run_id.is_not(None))
    return connection.execute(query.order_by(finding_event.c.id.desc()).limit(1)).scalar()


def totals(connection: Connection) -> list[tuple[str, str, str, str | None, int, int, int]]:
    """Outstanding findings by stage, department, severity and currency: count, amount and base amount."""
    query = (
        select(
            table.c.stage,
            table.c.department,
            table.c.severity,
            table.c.currency,
            func.count(),
            func.coalesce(func.sum(table.c.amount), 0),
            func.coalesce(func.sum(table.c.base_amount), 0),
        )
        .where(table.c.status != "resolved")
        .group_by(table.c.stage, table.c.department, table.c.severity, table.c.currency)
        .order_by(table.c.stage, table.c.department, table.c.severity, table.c.currency)
    )
    return [(*row[:4], int(row[4]), int(row[5]), int(row[6])) for row in connection.execute(query)]


def listing(
    connection: Connection,
    *,
    statuses: Sequence[str] = STANDING,
    check_id: str | None = None,
    customer: str = "",
) -> list[Finding]:
    """Findings with their records, by check, day and id; ``customer``: only of those whose name has this in it."""
    query = table.select().where(table.c.status.in_(statuses))
    if customer:
        query = query.where(table.c.customer.icontains(customer, autoescape=True))
    if check_id:
        query = query.where(table.c.check_id == check_id)
    rows = list(connection.execute(query.order_by(table.c.check_id, table.c.since, table.c.id)))
    records = _records(connection, [row.id for row in rows])
    return [_finding(row, records.get(row.id, ())) for row in rows]


def standing(connection: Connection, at: int | None = None) -> list[Finding]:
    """The findings that were outstanding at a stamp, as they were then, by id; without ``at`` those of now."""
    query = select(finding_event.c.state).where(_stand(at))
    found = [of_state(json.loads(text)) for text in connection.execute(query).scalars()]
    return sorted(found, key=lambda item: item.id)


def _stood(connection: Connection, at: int | None) -> int:
    return connection.execute(select(func.count()).select_from(finding_event).where(_stand(at))).scalar_one()


def _stand(at: int | None) -> ColumnElement[bool]:
    """The events after which findings were outstanding at a stamp."""
    event = finding_event
    newest = select(func.max(event.c.id)).where(event.c.state.is_not(None))
    if at is not None:
        newest = newest.where(event.c.at <= at)
    return and_(event.c.id.in_(newest.group_by(event.c.finding_id)), event.c.status != "resolved")


def of_state(values: dict[str, Any]) -> Finding:
    """A finding from the JSON that events and closed periods keep."""
    return Finding(**{**values, "records": tuple(RecordRef(**record) for record in values["records"])})


def find(connection: Connection, id: str) -> Finding:
    """The finding with this id, or the only one whose id begins so; raises ``FindingError``."""
    rows = list(connection.execute(table.select().where(table.c.id == id)))
    if not rows:
        rows = list(connection.execute(table.select().where(table.c.id.startswith(id, autoescape=True)).limit(2)))
    if len(rows) != 1 or not id:
        raise FindingError(
            f"{'Several findings begin' if len(rows) > 1 else 'There is no finding'} with {id}.",
            "`ltc findings list` shows their ids.",
            "no_finding",
            id=id,
        )
    return _finding(rows[0], _records(connection, [rows[0].id]).get(rows[0].id, ()))


def history(connection: Connection, id: str) -> list[Event]:
    """Everything that happened to a finding, oldest first."""
    query = finding_event.select().where(finding_event.c.finding_id == id).order_by(finding_event.c.id)
    return [
        Event(row.at, row.event, row.actor, detail_of(row), row.run_id, row.done_at or row.at)
        for row in connection.execute(query)
    ]


def detail_of(row: Any) -> dict[str, Any]:
    """What a row of ``finding_event`` says beside the event itself."""
    found: dict[str, Any] = json.loads(row.detail)
    return found


def of_ids(connection: Connection, ids: Sequence[str]) -> list[Finding]:
    """These findings, in this order; ids that do not exist are passed over."""
    rows = {
        row.id: row for some in _chunks(ids) for row in connection.execute(table.select().where(table.c.id.in_(some)))
    }
    records = _records(connection, rows)
    return [_finding(rows[id], records.get(id, ())) for id in ids if id in rows]


def of_records(connection: Connection, record_ids: Iterable[int]) -> list[Finding]:
    """Outstanding findings about any of these records."""
    found: set[str] = set()
    for some in _chunks(record_ids):
        found |= set(
            connection.execute(
                select(finding_record.c.finding_id).where(finding_record.c.record_id.in_(some))
            ).scalars()
        )
    rows: list[Any] = []
    for ids in _chunks(sorted(found)):
        rows += connection.execute(table.select().where(and_(table.c.id.in_(ids), table.c.status != "resolved")))
    records = _records(connection, [row.id for row in rows])
    return [_finding(row, records.get(row.id, ())) for row in sorted(rows, key=lambda row: (row.check_id, row.id))]


# -- reading


def _finding(row: Any, records: Sequence[RecordRef]) -> Finding:
    names = [name for name in Finding.__dataclass_fields__ if name not in ("params", "records")]
    return Finding(
        **{name: getattr(row, name) for name in names}, params=json.loads(row.params), records=tuple(records)
    )


def _records(connection: Connection, ids: Iterable[str]) -> dict[str, list[RecordRef]]:
    rows: list[Any] = []
    for some in _chunks(ids):
        query = finding_record.select().where(finding_record.c.finding_id.in_(some))
        rows += connection.execute(query.order_by(finding_record.c.finding_id, finding_record.c.n))
    found: dict[str, list[RecordRef]] = {}
    for row in rows:
        ref = RecordRef(row.record_id, row.system, row.entity, row.source_id, row.number, row.url)
        found.setdefault(row.finding_id, []).append(ref)
    return found


def urls(connection: Connection, records: Iterable[tuple[str, int]]) -> dict[int, str]:
    """The addresses of records (entity, id) in their own systems; those without one are left out."""
    by_entity: dict[str, set[int]] = {}
    for entity, record_id in records:
        if entity not in schema.canonical:  # a stream has no page in its system
            continue
        by_entity.setdefault(entity, set()).add(record_id)
    found: dict[int, str] = {}
    for entity, ids in by_entity.items():
        canonical: Table = schema.canonical[entity]
        for some in _chunks(sorted(ids)):
            query = select(canonical.c.record_id, canonical.c.url).where(canonical.c.record_id.in_(some))
            found |= {row.record_id: row.url for row in connection.execute(query) if row.url}
    return found


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    iterator = iter(items)
    while some := list(islice(iterator, _MANY)):
        yield some


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
