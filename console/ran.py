"""What was run, and what each run did: what ``ltc runs`` and the workbench show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from state.clock import from_us

if TYPE_CHECKING:
    from datetime import tzinfo

    from console.i18n import Texts
    from state.queries import Attempt, RunRow

STOPPED = "run stopped"
"""What the audit says where somebody asked a run to stop."""
LONGEST_LOG = 200
"""Lines of a run that are shown, the last ones."""
RUNS = ("run", "kind", "engine", "state", "started", "seconds", "counts")
PARTS = ("system", "stream", "kind", "state", "seconds", "counts")


def run(item: RunRow, texts: Texts, zone: tzinfo) -> tuple[Any, ...]:
    """A run, in the order of ``RUNS``."""
    return (
        item.id,
        texts.name("summary.kind", item.kind),
        item.engine,
        texts.name("summary.status", item.status),
        f"{from_us(item.started_at).astimezone(zone):%Y-%m-%d %H:%M:%S}",
        _seconds(item),
        "; ".join(
            f"{system}: {_brief(counts, texts)}" for system, counts in item.counts.items() if any(counts.values())
        ),
    )


def part(item: Attempt, texts: Texts) -> tuple[Any, ...]:
    """What a run did with a stream, in the order of ``PARTS``."""
    return (
        item.system,
        item.stream,
        texts.name("progress", item.direction),
        texts.name("summary.status", item.status),
        _seconds(item),
        _brief(item.counts, texts),
    )


def log(
    parts: Sequence[Attempt], pages: Iterable[tuple[int, str, str, Mapping[str, int]]], texts: Texts, zone: tzinfo
) -> list[tuple[str, str]]:
    """What happened when: streams that began and ended, and how far they were in between; counts and no values.

    ``pages`` are instants (microseconds), systems, streams and counts so far. Each line is a time and a sentence.
    """
    told: list[tuple[int, str]] = []
    for item in parts:
        what = f"{item.system}.{item.stream} {texts.name('progress', item.direction)}"
        told.append((item.started_at, texts("operating.log.began", what=what)))
        if item.ended_at is not None:
            how = texts.name("summary.status", item.status)
            told.append(
                (item.ended_at, texts("operating.log.ended", what=what, how=how, counts=_told(item.counts, texts)))
            )
    for at, system, stream, counts in pages:
        told.append((at, texts("operating.log.page", what=f"{system}.{stream}", counts=_told(counts, texts))))
    told.sort()
    return [(f"{from_us(at).astimezone(zone):%H:%M:%S}", text) for at, text in told[-LONGEST_LOG:]]


def _told(counts: Mapping[str, int], texts: Texts) -> str:
    return _brief(counts, texts) or "0"


def _brief(counts: Mapping[str, int], texts: Texts) -> str:
    return ", ".join(f"{texts.name('operating.counts', name)} {number:,}" for name, number in counts.items() if number)


def _seconds(item: RunRow | Attempt) -> str | None:
    return None if item.ended_at is None else f"{(item.ended_at - item.started_at) / 1_000_000:.1f}"
