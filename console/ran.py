"""What was run, and what each run did: what ``ltc runs`` and the workbench show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from state.clock import from_us

if TYPE_CHECKING:
    from datetime import tzinfo

    from console.i18n import Texts
    from state.queries import Attempt, RunRow

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
        "; ".join(f"{system}: {_brief(counts)}" for system, counts in item.counts.items() if _brief(counts)),
    )


def part(item: Attempt, texts: Texts) -> tuple[Any, ...]:
    """What a run did with a stream, in the order of ``PARTS``."""
    return (
        item.system,
        item.stream,
        texts.name("progress", item.direction),
        texts.name("summary.status", item.status),
        _seconds(item),
        _brief(item.counts),
    )


def _brief(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items() if number)


def _seconds(item: RunRow | Attempt) -> str | None:
    return None if item.ended_at is None else f"{(item.ended_at - item.started_at) / 1_000_000:.1f}"
