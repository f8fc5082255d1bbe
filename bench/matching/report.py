"""The figures of a run for people: a table for docs/performance.md, and the details for those who improve a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_HEAD = (
    "profile",
    "contestant",
    "receipts",
    "booked alone",
    "of the money, rightly",
    "precision (95 %)",
    "recall",
    "wrong per 100,000 (95 %)",
    "of it on a wrong item",
    "wrong money",
    "first suggestion right",
    "CPU s",
    "peak MB",
)
_COLUMNS = ("receipts", "booked", "right", "in part", "wrong", "suggested", "first")


def table(results: Sequence[dict[str, Any]]) -> str:
    """One line for each world and contestant, as Markdown."""
    lines = ["", f"| {' | '.join(_HEAD)} |", f"| --- | --- {'| --: ' * (len(_HEAD) - 2)}|"]
    for result in results:
        measures = result["score"]["all"]
        wrong = measures["wrong_per_100000"]
        cells = (
            result["profile"],
            result["contestant"],
            f"{measures['receipts']:,}",
            _per_cent(measures["auto_rate"]["share"], 1),
            _per_cent(measures["right_money"], 1),
            _interval(measures["precision"]),
            _per_cent(measures["recall"]["share"], 1),
            f"{wrong['value']:.0f} ({wrong['low']:.0f}–{wrong['high']:.0f})",
            f"{100_000 * measures['wrong_item'] / max(1, measures['receipts']):.0f}",
            _per_cent(measures["wrong_money"], 3),
            _per_cent(measures["suggestion_first_right"]["share"], 1),
            f"{result['cpu_seconds']:.1f}",
            f"{result['peak_mb']:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def details(result: dict[str, Any]) -> str:
    """What went well and wrong, by rule, habit of text, event and segment."""
    found = result["score"]
    lines = [f"\n{result['contestant']} on {result['profile']}"]
    for part in ("rule", "habit", "event", "segment", "class"):
        lines.append(f"\n  {part:<22}" + "".join(f"{name:>11}" for name in _COLUMNS))
        for name, measures in sorted(found[f"by_{part}"].items(), key=lambda one: -one[1]["receipts"]):
            counts = (
                measures["receipts"],
                measures["auto_rate"]["hits"],
                measures["recall"]["hits"],
                measures["in_part"],
                measures["wrong"],
                measures["suggestion_first_right"]["of"],
                measures["suggestion_first_right"]["hits"],
            )
            lines.append(f"  {name:<22}" + "".join(f"{count:>11,}" for count in counts))
    lines.append("\n  difference of rightly booked receipts: exact of all, under another kind")
    for name, share in found["differences"].items():
        lines.append(f"  {name:<22}{share['hits']:>10,} of {share['of']:,}, {share['other_kind']:,}")
    broken = {name: count for name, count in found["broken_rules"].items() if count}
    lines.append(f"  broken rules: {broken or 'none'}")
    return "\n".join(lines) + "\n"


def _per_cent(share: float | None, places: int) -> str:
    return "–" if share is None else f"{100 * share:.{places}f} %"


def _interval(share: dict[str, float]) -> str:
    if share["share"] is None:
        return "–"
    return f"{100 * share['share']:.3f} % ({100 * share['low']:.3f}–{100 * share['high']:.3f})"
