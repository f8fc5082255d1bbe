"""The headline figures of a report: findings, their money, what agrees, and how findings moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.report import figures

if TYPE_CHECKING:
    from console.i18n import Texts
    from console.report.figures import Report, Tally


def cards(report: Report, found: Tally, words: Texts) -> Iterator[dict[str, str]]:
    """``title``, ``figure``, ``note`` and ``tone`` (``good``, ``bad`` or nothing) of each."""
    everything, base = found.total, report["base_currency"]
    counts = everything.counts
    agree, left, right = figures.agreement(report["tie_outs"])
    moved = report["roll_forward"]
    yield _card(
        words, "findings", f"{everything.count:,}", errors=f"{counts['error']:,}", warnings=f"{counts['warning']:,}"
    ) | {"tone": "bad" if counts["error"] else "good"}
    yield _card(words, "money", figures.money(everything.base, base), currency=base)
    share = figures.percent(figures.agreeing(report["tie_outs"]))
    yield _card(words, "agreement", share, agree=f"{agree:,}", left=f"{left:,}", right=f"{right:,}")
    yield _card(
        words,
        "movement",
        f"{moved['closing'] - moved['opening']:+,}",
        **{name: f"{number:,}" for name, number in moved.items()},
    )


def _card(words: Texts, name: str, figure: str, **values: str) -> dict[str, str]:
    note = words(f"card.{name}_note", **values)
    return {"title": words(f"card.{name}"), "figure": figure, "note": note, "tone": ""}
