"""What was run, and what each run did: what ``ltc runs`` and the workbench show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.freshness import FOLLOWS
from state import queries
from state.clock import from_us

if TYPE_CHECKING:
    from datetime import tzinfo

    from sqlalchemy.engine import Connection

    from console.i18n import Texts
    from state.queries import Asking, Attempt, Phase, RunProblem, RunRow

_OURSELVES = "LTC Sync"
"""Who starts what nobody has started by hand."""
_LEADS_TO = {"reconcile": "/findings", "kept": "/findings", "plan": "/plans", "quarantine": "/quarantine"}
"""Where what a phase has found is."""
LONGEST_LOG = 200
"""Lines of a run that are shown, the last ones."""
SEARCHED = 1000
"""Runs, the newest ones, among which those of somebody who is limited to some systems are looked for."""
_WRITES = ("push", "create")
_STUCK = ("rejected", "refused", "dead")
"""Counts of write-backs that are dead letters then."""
_ALWAYS_TOLD = {"sweep": ("listed", "deleted"), "reconcile": ("opened", "reopened", "cleared")}
"""Counts that say something even where they are 0."""
_OF_THE_COMPANY = ("reconcile", "close")
"""What no limit to some systems hides: findings and periods are everybody's."""
RUNS = ("run", "kind", "state", "started", "by", "because", "systems", "seconds", "counts", "engine")
BRIEFLY = ("run", "kind", "state", "started", "by", "seconds")
"""Those of a run in a line that fits a terminal."""
PARTS = ("system", "stream", "kind", "state", "seconds", "counts")


def kept_as(by: str) -> str:
    """Who started a run, as people call them, as the store calls them."""
    return "ltc" if by == _OURSELVES else by


def called(by: str) -> str:
    """Who started a run, as the store calls them, as people do."""
    return _OURSELVES if by == "ltc" else by


def concerning(
    connection: Connection,
    may_touch: Callable[[str], bool],
    asking: Asking | None = None,
) -> list[RunRow]:
    """The newest runs that concern somebody who is limited to some systems, each without what is of others.

    They are among the newest ``SEARCHED`` of those that ``asking`` chooses; none for a system that is not theirs.
    """
    if asking is not None and asking.system and not may_touch(asking.system):
        return []
    found = queries.recent_runs(connection, SEARCHED, asking=asking)
    return [limited(item, may_touch) for item in found if concerns(item, may_touch)]


def concerns(item: RunRow, may_touch: Callable[[str], bool]) -> bool:
    """Whether a run worked, or was to work, on one of somebody's systems, or was one for the whole company."""
    return item.kind in _OF_THE_COMPANY or any(map(may_touch, _systems(item)))


def limited(item: RunRow, may_touch: Callable[[str], bool]) -> RunRow:
    """A run without the counts and the messages of systems that are not somebody's.

    What is said of no single system may name one: it is for those to whom the whole run belongs.
    """
    whole = all(map(may_touch, _systems(item)))
    return replace(
        item,
        counts={name: counts for name, counts in item.counts.items() if may_touch(name)},
        asked=replace(item.asked, systems=tuple(filter(may_touch, item.asked.systems))),
        problems=tuple(told for told in item.problems if _is_theirs(told, whole, may_touch)),
        paused=tuple(left for left in item.paused if may_touch(left.system)),
        phases=tuple(phase for phase in item.phases if not phase.system or may_touch(phase.system)),
    )


def is_theirs(item: RunRow, parts: Iterable[Attempt], may_touch: Callable[[str], bool]) -> bool:
    """Whether all that a run works on is somebody's, who may therefore stop it."""
    return all(map(may_touch, {*_systems(item), *(part.system for part in parts)}))


def _systems(item: RunRow) -> set[str]:
    return {*item.counts, *item.asked.systems}


def _is_theirs(told: RunProblem, whole: bool, may_touch: Callable[[str], bool]) -> bool:
    return may_touch(told.system) if told.system else whole


def run(item: RunRow, texts: Texts, zone: tzinfo) -> tuple[Any, ...]:
    """A run, in the order of ``RUNS``."""
    return (
        item.id,
        _kind(item, texts, zone),
        texts.name("summary.status", item.status),
        f"{from_us(item.started_at).astimezone(zone):%Y-%m-%d %H:%M:%S}",
        called(item.asked.by),
        texts.name("operating.because", item.asked.because) if item.asked.because else "",
        texts.listed([_asked(name, item, texts) for name in item.asked.systems] + _left_streams(item, texts)),
        _seconds(item),
        texts.clauses(
            texts.pair(system, _brief(counts, texts, item.kind))
            for system, counts in item.counts.items()
            if any(counts.values()) or item.kind == "sweep"
        ),
        texts.name("operating.engine", item.engine),
    )


def _asked(system: str, item: RunRow, texts: Texts) -> str:
    """A system that a run was to work on; it is said of one that was paused as a whole."""
    return _skipped(system, texts) if any(left.what == system for left in item.paused) else system


def _left_streams(item: RunRow, texts: Texts) -> list[str]:
    """The streams that a run left out, of systems that it worked on."""
    return [_skipped(left.what, texts) for left in item.paused if left.what not in item.asked.systems]


def _skipped(what: str, texts: Texts) -> str:
    return texts("operating.is_left_out", what=what)


def briefly(item: RunRow, texts: Texts, zone: tzinfo) -> tuple[Any, ...]:
    """A run, in the order of ``BRIEFLY``."""
    told = dict(zip(RUNS, run(item, texts, zone), strict=True))
    return tuple(told[name] for name in BRIEFLY)


def left_out(item: RunRow, texts: Texts) -> list[str]:
    """What a run did not work on, because people had paused it, in a sentence each."""
    return [
        texts("operating.left_out_because" if left.reason else "operating.left_out", **left._asdict())
        for left in item.paused
    ]


def _kind(item: RunRow, texts: Texts, zone: tzinfo) -> str:
    """What a run does: one that only plans is called so; a re-read says since when."""
    kind = texts.name("summary.kind", item.doing)
    if item.asked.part_of:
        kind = texts("operating.first_part", whole=texts.name("summary.kind", item.asked.part_of), kind=kind)
    if item.asked.since is None:
        return kind
    day = f"{from_us(item.asked.since).astimezone(zone):%Y-%m-%d}"
    return f"{kind} ({texts('operating.backfill.from', since=day)})"


def part(item: Attempt, texts: Texts) -> tuple[Any, ...]:
    """What a run did with a stream, in the order of ``PARTS``."""
    return (
        item.system,
        item.stream,
        texts.name("progress", item.direction),
        _how(item, texts),
        _seconds(item),
        _brief(item.counts, texts, item.direction),
    )


def refused(item: Attempt) -> int:
    """How many records a run could not write into a stream, so that they are dead letters."""
    return sum(item.counts.get(name, 0) for name in _STUCK) if item.direction in _WRITES else 0


def ended(item: Attempt) -> str:
    """How a run ended with a stream: one that refused records is not done, as the run is not."""
    if item.status != "done" or not refused(item):
        return item.status
    return "partial" if item.counts.get("applied", 0) else "failed"


def _how(item: Attempt, texts: Texts) -> str:
    """How a run ended with a stream, in words; one that was not asked for because of another has not failed itself."""
    if item.status == "failed" and item.error_kind in FOLLOWS:
        return texts("operating.not_tried")
    return texts.name("summary.status", ended(item))


def log(
    parts: Sequence[Attempt],
    phases: Iterable[Phase],
    pages: Iterable[tuple[int, str, str, Mapping[str, int], str]],
    texts: Texts,
    zone: tzinfo,
    said: Callable[[str], str] = str,
) -> list[tuple[str, str, str]]:
    """What happened when: streams that began and ended, how far they were in between, and the phases of the run.

    ``pages`` are instants (microseconds), systems, streams, counts so far and directions; those without any count are
    left out. ``said`` words why a stream failed. Each line is a time, a sentence with counts and no values of records,
    and the page that shows more, which may be empty. Why streams failed comes last, whenever that was: the newest line
    is read first.
    """
    told: list[tuple[int, str, str]] = []
    failed: list[tuple[int, str, str]] = []
    for item in parts:
        what = texts(
            "operating.log.what", stream=f"{item.system}.{item.stream}", does=texts.name("progress", item.direction)
        )
        if item.error_kind not in FOLLOWS:  # it was not even begun
            told.append((item.started_at, texts("operating.log.began", what=what), ""))
        if item.ended_at is not None:
            why = item.message if item.error_kind not in FOLLOWS else None
            line = (item.ended_at, _ended(item, what, texts), "/dead-letters" if refused(item) else "")
            if why:
                failed.append((line[0], texts("operating.log.why", told=line[1], message=said(why)), line[2]))
            else:
                told.append(line)
    for phase in phases:
        told.append((phase.ended_at, _came_of(phase, texts), _LEADS_TO.get(phase.name, "")))
    for at, system, stream, counts, of in pages:
        if any(counts.values()):
            far = texts("operating.log.page", what=f"{system}.{stream}", counts=_brief(counts, texts, of))
            told.append((at, far, ""))
    lines = [*sorted(told), *sorted(failed)][-LONGEST_LOG:]
    return [(f"{from_us(at).astimezone(zone):%H:%M:%S}", text, leads) for at, text, leads in lines]


def _ended(item: Attempt, what: str, texts: Texts) -> str:
    """How a run ended with a stream, with its counts if there are any."""
    how, counts = _how(item, texts), _brief(item.counts, texts, item.direction)
    if not counts:
        return texts("operating.log.ended", what=what, how=how)
    return texts("operating.log.ended_with", what=what, how=how, counts=counts)


def _came_of(phase: Phase, texts: Texts) -> str:
    if phase.name == "kept":
        count = phase.counts.get("open", 0)
        return texts.counted("operating.log.kept", count)
    if phase.name == "reconcile" and not any(phase.counts.values()):
        return texts("operating.log.same")
    what = texts.name("operating.log.phase", phase.name)
    said = texts("operating.log.of", system=phase.system, what=what) if phase.system else what
    return texts("operating.log.found", what=said, counts=_brief(phase.counts, texts, phase.name) or "0")


def _brief(counts: Mapping[str, int], texts: Texts, of: str = "") -> str:
    """Counts in words, without those that are 0; what was quarantined is a part of what was pulled, not more of it."""
    always = _ALWAYS_TOLD.get(of, ())
    told = {**dict.fromkeys(always, 0), **counts}
    named = {name: name for name in told}
    if "rejected" in told:
        named["rejected"] = "refused" if of in _WRITES else "rejected_of" if "pulled" in told else "rejected"
    return texts.listed(
        f"{texts.name('operating.counts', named[name])} {number:,}"
        for name, number in told.items()
        if number or name in always
    )


def _seconds(item: RunRow | Attempt) -> str | None:
    return None if item.ended_at is None else f"{(item.ended_at - item.started_at) / 1_000_000:.1f}"
