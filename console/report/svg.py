"""Charts as inline SVG: the river from quote to cash, and stacked bars. Colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from console.report.figures import Step

_WIDTH, _HEIGHT = 1000, 210
_TOP, _DEEPEST = 24, 150
_LINE = Markup('<line class="step" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>')
_NAME = Markup('<text class="name" x="{:.1f}" y="{:.1f}">{}</text>')


class Part(NamedTuple):
    """One part of a stacked bar: its class in the style sheet and its size."""

    kind: str
    size: Decimal


def bar(parts: Sequence[Part], whole: Decimal, says: str) -> Markup:
    """A horizontal stacked bar; ``whole`` is what its full length stands for, ``says`` the same in words."""
    at, drawn = Decimal(0), Markup("")
    for kind, size in parts:
        wide = size / whole * 100 if whole else Decimal(0)
        if wide > 0:
            drawn += Markup('<rect class="{}" x="{:.2f}" y="0" width="{:.2f}" height="10"/>').format(kind, at, wide)
        at += wide
    head = Markup('<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{}">')
    return head.format(says) + Markup("<title>{}</title>").format(says) + drawn + Markup("</svg>")


def river(steps: Sequence[Step], names: Sequence[str], says: str) -> Markup:
    """A band that is as wide at each step as the money that has come so far."""
    widest = max((step.width for step in steps), default=Decimal(0))
    if widest <= 0:
        return Markup("")
    middle = _TOP + _DEEPEST / 2
    halves = [float(max(step.width, Decimal(0)) / widest) * _DEEPEST / 2 for step in steps]
    slot = _WIDTH / len(steps)
    upper = _edge([(slot * n, slot * (n + 1), middle - half) for n, half in enumerate(halves)])
    lower = _edge([(slot * (n + 1), slot * n, middle + half) for n, half in reversed(list(enumerate(halves)))])
    drawn = Markup('<path class="band" d="M{} L{} Z"/>').format(upper, lower)
    for n, name in enumerate(names):
        if n:
            drawn += _LINE.format(slot * n, _TOP - 8, _TOP + _DEEPEST + 8)
        drawn += _NAME.format(slot * (n + 0.5), middle + 5, name)
    head = Markup('<svg class="river" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>')
    return head.format(_WIDTH, _HEIGHT, says, says) + drawn + Markup("</svg>")


def _edge(pieces: Sequence[tuple[float, float, float]]) -> str:
    """Level over each step, a soft curve from one level to the next."""
    soft = 0.22
    points: list[str] = []
    for n, (start, end, level) in enumerate(pieces):
        reach = (end - start) * soft
        first = start if n == 0 else start + reach
        last = end if n == len(pieces) - 1 else end - reach
        if n == 0:
            points.append(f"{first:.1f},{level:.1f}")
        else:
            before = pieces[n - 1]
            out = before[1] - (before[1] - before[0]) * soft
            middle = (out + first) / 2
            points.append(f"C{middle:.1f},{before[2]:.1f} {middle:.1f},{level:.1f} {first:.1f},{level:.1f}")
        points.append(f"L{last:.1f},{level:.1f}")
    return " ".join(points)
