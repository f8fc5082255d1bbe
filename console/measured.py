"""The families of metrics that a store gives: names after Prometheus' practice, and what each is read from.

Labels are names of systems, streams, stages and currencies: nothing of a record, nothing of a person. A sample is a
float by the nature of the format, amounts included (in units of their currency); nothing is computed from it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from mappings.currencies import EXPONENTS
from settings import cron
from state import activity, cash, figures, measures, periods, readiness, tieouts
from state.clock import from_us, to_us
from state.migrations import HEAD

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.activity import Pulls
    from state.audit import Verdict
    from state.circuits import Circuit
    from state.pauses import Pauses
    from state.store import Store

STATUSES = ("done", "failed", "interrupted", "running", "never")
_RECEIVED = ("new", "changed", "revived", "unchanged", "stale")
_READING = ("pull", "fetch", "sweep", "replay")
_WRITING = {"push": "write", "create": "creation"}
_STREAM = ("system", "stream")

Samples = Iterable[tuple[tuple[str, ...], float]]


def gauge(name: str, what: str, labels: Sequence[str] = (), samples: Samples = ()) -> GaugeMetricFamily:
    """A gauge with its samples."""
    found = GaugeMetricFamily(name, what, labels=labels)
    for key, value in samples:
        found.add_metric(key, value)
    return found


def counter(name: str, what: str, labels: Sequence[str], sums: activity.Counted) -> Metric:
    """A counter with its samples; ``name`` ends with ``_total``."""
    found = CounterMetricFamily(name, what, labels=labels)
    for key, value in sums.items():
        found.add_metric(key, value)
    return found


def about(dialect: str) -> Iterator[Metric]:
    """Which version this is."""
    labels = {"version": version("ltc-sync"), "schema": HEAD, "store": dialect}
    yield gauge("ltc_build_info", "The version that tells this.", list(labels), [(tuple(labels.values()), 1)])


def room(store: Store) -> Iterator[Metric]:
    """What the store takes, and what its disk has left."""
    found = readiness.room(store)
    yield gauge("ltc_store_size_bytes", "What the store takes on its disk.", (), [((), found.size)])
    free = [] if found.free is None else [((), float(found.free))]
    yield gauge("ltc_store_disk_free_bytes", "What the disk of an SQLite store has left.", (), free)


# -- streams and runs


def streams(found: Sequence[Pulls], unopened: dict[str, int], paused: Pauses, settings: Settings) -> Iterator[Metric]:
    """How fresh each stream is; ``unopened`` says when a system could last not be opened. What is paused is not due."""
    systems = settings.systems.items()
    connectors = [((name, Path(system.connector).name), 1.0) for name, system in systems]
    yield gauge("ltc_system_info", "The systems of ltc.yaml.", ("system", "connector"), connectors)
    times: dict[str, tuple[str, Callable[[Pulls], int | None]]] = {
        "last_success": ("When the last pull that came to its end ended.", lambda item: item.good_ended_at),
        "last_run": ("When the last pull began.", lambda item: item.started_at),
        "covered_until": ("All changes in the source before this have been read.", lambda item: item.covered_until),
        "due": (
            "When the schedule wants the pull after the last good one.",
            lambda item: None if paused.of(item.system, item.stream) else due(item, settings),
        ),
    }
    for name, (what, instant) in times.items():
        known = [((item.system, item.stream), at) for item in found if (at := instant(item)) is not None]
        yield _instants(f"ltc_stream_{name}_timestamp_seconds", what, _STREAM, known)
    stopped = [((item.system, item.stream), float(paused.of(item.system, item.stream) is not None)) for item in found]
    yield gauge("ltc_stream_paused", "Whether somebody has paused it.", _STREAM, stopped)
    lasted = [
        ((item.system, item.stream), (item.ended_at - item.started_at) / 1e6)
        for item in found
        if item.ended_at is not None and item.started_at is not None
    ]
    yield gauge("ltc_stream_last_run_duration_seconds", "How long the last pull took.", _STREAM, lasted)
    states = [((item.system, item.stream), _status(item, unopened)) for item in found]
    begun = {item.system for item in found}
    states += [((name, "*"), "failed") for name in unopened if name not in begun]
    yield gauge(
        "ltc_stream_last_run_status",
        "1 for how the last pull ended; the stream is * if nothing of the system was ever read.",
        (*_STREAM, "status"),
        [((*key, status), float(status == state)) for key, state in states for status in STATUSES],
    )


def circuits(found: Mapping[str, Circuit], names: Sequence[str], now: int) -> Iterator[Metric]:
    """Which systems rest, because runs in a row failed at them."""
    rests = [((name,), float(name in found and found[name].state(now) == "open")) for name in names]
    yield gauge("ltc_system_resting", "Whether runs leave it alone for a while, as several failed.", ("system",), rests)
    failed = [((name,), float(found[name].runs if name in found else 0)) for name in names]
    yield gauge("ltc_system_failed_runs", "Runs in a row that failed at it.", ("system",), failed)


def _status(item: Pulls, unopened: dict[str, int]) -> str:
    """How the last pull ended; ``failed`` as well if the whole system could not be opened since."""
    if unopened.get(item.system, -1) > (item.started_at or 0):
        return "failed"
    return item.status or "never"


def due(item: Pulls, settings: Settings) -> int | None:
    """When the schedule wants a pull after the last good one, in microseconds: in the past, it is late.

    After the last one if none was good; ``None`` without a schedule or any pull.
    """
    system, last = settings.systems.get(item.system), item.good_started_at or item.started_at
    if system is None or system.schedule is None or last is None:
        return None
    if system.schedule.interval is not None:
        return last + system.schedule.interval * 1_000_000
    at = cron.next_due(system.schedule.cron or "", from_us(last).astimezone(settings.business_day_zone))
    return None if at is None else to_us(at)


def runs(connection: Connection, totals: activity.Totals) -> Iterator[Metric]:
    """What goes on, and how the last run of each kind ended."""
    going_on, last = totals.going_on, list(totals.last.values())
    counts = {kind: sum(item.kind == kind for item in going_on) for kind in activity.RUN_KINDS}
    yield gauge("ltc_runs_running", "Runs that go on.", ("kind",), [((kind,), n) for kind, n in counts.items()])
    oldest = [((), min(item.started_at for item in going_on))] if going_on else []
    yield _instants("ltc_run_oldest_start_timestamp_seconds", "When the oldest of them began.", (), oldest)
    ended = [((item.kind,), item.ended_at) for item in last if item.ended_at is not None]
    yield _instants("ltc_run_last_end_timestamp_seconds", "When the last run ended.", ("kind",), ended)
    lasted = [((item.kind,), (item.ended_at - item.started_at) / 1e6) for item in last if item.ended_at is not None]
    yield gauge("ltc_run_last_duration_seconds", "How long the last run took.", ("kind",), lasted)
    ends = ("done", "partial", "failed", "interrupted")
    states = [((item.kind, status), float(item.status == status)) for item in last for status in ends]
    yield gauge("ltc_run_last_status", "1 for how the last run ended.", ("kind", "status"), states)
    at = activity.last_reconciliation(connection)
    known = [] if at is None else [((), at)]
    what = "When findings and tie-outs were last known to be up to date."
    yield _instants("ltc_reconciliation_last_timestamp_seconds", what, (), known)


def counters(totals: activity.Totals, found: Sequence[Pulls]) -> Iterator[Metric]:
    """Sums over runs. What may grow of a stream begins with a zero, so that its first growth is seen, too."""
    where, pulled = (*_STREAM, "direction"), [(item.system, item.stream, "pull") for item in found]
    read = {key: number for key, number in totals.records.items() if key[2] in _READING}
    received: activity.Counted = {(*key, outcome): 0 for key in pulled for outcome in _RECEIVED}
    received |= {key: number for key, number in read.items() if key[3] in _RECEIVED}
    labels = (*where, "outcome")
    yield counter("ltc_records_received_total", "Records received, by what they were.", labels, received)
    for name, count, what in (
        ("quarantined", "rejected", "Records of them that could not be mapped."),
        ("deleted", "deleted", "Records found deleted in the source."),
    ):
        sums = dict.fromkeys(pulled, 0) | {key[:3]: number for key, number in read.items() if key[3] == count}
        yield counter(f"ltc_records_{name}_total", what, where, sums)
    calls = {key[:3]: number for key, number in totals.records.items() if key[3] == "calls"}
    yield counter("ltc_calls_total", "Calls to the source.", where, calls)
    written = {
        (*key[:2], _WRITING[key[2]], key[3]): number
        for key, number in totals.records.items()
        if key[2] in _WRITING and key[3] != "calls"
    }
    labels = (*_STREAM, "kind", "outcome")
    yield counter("ltc_writes_total", "Writes and new records, by what became of them.", labels, written)
    parts = {(*key, status): 0 for key in pulled for status in ("done", "failed")} | totals.parts
    yield counter("ltc_stream_runs_total", "Streams worked on in runs.", (*where, "status"), parts)
    yield counter("ltc_runs_total", "Runs that have ended.", ("kind", "status"), totals.runs)


# -- what waits, what is held


def waiting(connection: Connection, found: Sequence[Pulls], systems: Sequence[str]) -> Iterator[Metric]:
    """What waits for a person or for the next run; ``found`` are the streams."""
    refused = {(item.system, item.stream): 0 for item in found} | measures.quarantined(connection)
    yield gauge("ltc_quarantined_records", "Records in quarantine.", _STREAM, refused.items())
    drifted = measures.drifted(connection).items()
    yield gauge("ltc_drift_open_fields", "Fields that have changed and hold records back.", _STREAM, drifted)
    writes = measures.writes(connection, systems)
    zero = {(name, kind): 0 for name in systems for kind in ("write", "creation")}
    for state, name, what in (
        ("planned", "ltc_writes_planned", "Writes and new records that are planned."),
        ("unknown", "ltc_writes_unknown", "Writes that were sent, and nobody knows yet whether they were carried out."),
        ("dead", "ltc_dead_letters", "Writes and new records that need a person."),
    ):
        counts = zero | {key[:2]: number for key, number in writes.items() if key[2] == state}
        yield gauge(name, what, ("system", "kind"), counts.items())
    for name, what, counted in (
        ("ltc_plans_open", "Plans that are not carried out.", measures.open_plans(connection)),
        ("ltc_conflicts", "Fields that a person is asked about.", measures.asked(connection, systems)),
        ("ltc_webhook_records_waiting", "Records told of by webhooks, not read yet.", measures.told(connection)),
    ):
        yield gauge(name, what, ("system",), ({(system,): 0 for system in systems} | counted).items())
    yield gauge("ltc_leases", "Leases that are held.", ("kind",), measures.leases(connection).items())


def records(connection: Connection) -> Iterator[Metric]:
    """What takes reading every record."""
    what = "Records by what is held of them; read anew every five minutes."
    yield gauge("ltc_stream_records", what, (*_STREAM, "state"), measures.records(connection).items())
    gone = [((system,), number) for (system,), number in measures.gone(connection).items()]
    yield gauge("ltc_created_records_gone", "Records that we created and that were deleted since.", ("system",), gone)


def closes(connection: Connection) -> Iterator[Metric]:
    """When a period was last closed, and what waits for approval."""
    standing = periods.standing(connection)
    last = [((), max(item.closed_at for item in standing))] if standing else []
    yield _instants("ltc_period_last_close_timestamp_seconds", "When a period was last closed.", (), last)
    waiting = sum(item.status == periods.CLOSED for item in standing)
    yield gauge("ltc_periods_awaiting_approval", "Closed periods that nobody has approved.", (), [((), waiting)])


# -- what reconciliations came to


def findings(connection: Connection) -> Iterator[Metric]:
    """Findings that are not resolved, and the money in them."""
    counts: dict[tuple[str, ...], float] = {}
    money: dict[tuple[str, ...], float] = {}
    for item in measures.findings(connection):
        key = (item.stage, item.department, item.severity)
        counts[key] = counts.get(key, 0) + item.number
        if item.currency:
            money[*key, item.currency] = _units(item.amount, item.currency)
    labels = ("stage", "department", "severity")
    yield gauge("ltc_findings_open", "Findings that are not resolved.", labels, counts.items())
    yield gauge("ltc_findings_open_amount", "Money at stake in them.", (*labels, "currency"), money.items())


def tie_outs(connection: Connection) -> Iterator[Metric]:
    """Whether the tie-outs foot, and what does not tie out."""
    from reconciliation.tieouts import foots

    found = tieouts.latest(connection)
    labels = ("tie_out", "currency")
    footing = [((item["name"], item["currency"]), float(foots(item))) for item in found]
    yield gauge("ltc_tie_out_foots", "Whether both sides are what matched, did not, and is excluded.", labels, footing)
    for measure, what, of in (
        ("positions", "Positions of one side without the other.", lambda part, _currency: part["count"]),
        ("amount", "Money of one side without the other.", lambda part, currency: _units(part["amount"], currency)),
    ):
        sides = [
            ((item["name"], item["currency"], side), of(item[f"unmatched_{side}"], item["currency"]))
            for item in found
            for side in ("left", "right")
        ]
        yield gauge(f"ltc_tie_out_unmatched_{measure}", what, (*labels, "side"), sides)


def unapplied(connection: Connection) -> Iterator[Metric]:
    """Money that its source has not applied."""
    receipts: dict[tuple[str, ...], int] = {}
    amounts: dict[tuple[str, ...], int] = {}
    left: dict[tuple[str, ...], int] = {}
    for item in figures.standing(connection, cash.KIND).values():
        key = (item["currency"],)
        receipts[key] = receipts.get(key, 0) + 1
        amounts[key] = amounts.get(key, 0) + item["amount"]
        left[key] = left.get(key, 0) + item["left"]
    yield gauge("ltc_unapplied_receipts", "Receipts their source has not applied.", ("currency",), receipts.items())
    for name, what, sums in (
        ("ltc_unapplied_cash_amount", "Money of these receipts.", amounts),
        ("ltc_unexplained_cash_amount", "What of it no rule and nobody has matched with open items either.", left),
    ):
        yield gauge(name, what, ("currency",), [(key, _units(number, key[0])) for key, number in sums.items()])


def audited(verdict: Verdict, at: int) -> Iterator[Metric]:
    """What a verification of the audit found, and when (microseconds)."""
    what = "Whether the chain of the audit held when it was last verified."
    yield gauge("ltc_audit_intact", what, (), [((), float(verdict.intact))])
    yield gauge("ltc_audit_verified_rows", "How many rows of it held.", (), [((), verdict.rows)])
    yield _instants("ltc_audit_verified_timestamp_seconds", "When it was last verified.", (), [((), at)])


def _units(minor: int, currency: str) -> float:
    return float(Decimal(minor).scaleb(-EXPONENTS.get(currency, 2)))


def _instants(name: str, what: str, labels: Sequence[str], samples: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    """Instants in microseconds as Prometheus has them: seconds since the epoch."""
    return gauge(name, what, labels, [(key, at / 1e6) for key, at in samples])
