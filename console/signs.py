"""What speaks for and against two records being one, in words instead of the weights of linking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.i18n import Texts

_STRONG = 4.0
"""Bits: it makes it at least sixteen times as likely, or as unlikely."""
_LEAST = 0.5
"""Bits: what weighs less says nothing to anybody."""
_ORDER = (("for", "strong"), ("for", "weak"), ("against", "strong"), ("against", "weak"))


class Sign(NamedTuple):
    """One comparison of two records: how they compare, whether that speaks for or against, and how much."""

    field: str
    level: str
    speaks: str
    weight: str


def of(evidence: Mapping[str, Any]) -> list[Sign]:
    """The comparisons in the evidence of a link that say something, the strongest first of those for and against."""
    found = [(name, one) for name, one in (evidence.get("alike") or {}).items() if one and abs(one["bits"]) >= _LEAST]
    found.sort(key=lambda item: (item[1]["bits"] < 0, -abs(item[1]["bits"])))
    return [
        Sign(
            name,
            one["level"],
            "for" if one["bits"] > 0 else "against",
            "strong" if abs(one["bits"]) >= _STRONG else "weak",
        )
        for name, one in found
    ]


def sentences(signs: list[Sign], texts: Texts) -> list[str]:
    """A line for what speaks strongly for it, weakly for it, and the same against it; lines of nothing are left out."""
    lines = []
    for speaks, weight in _ORDER:
        named = [
            texts.name("links.alike", sign.field) + texts("joined.aside", text=texts.name("links.level", sign.level))
            for sign in signs
            if (sign.speaks, sign.weight) == (speaks, weight)
        ]
        if named:
            lines.append(texts.pair(texts(f"links.signs.{speaks}_{weight}"), texts.listed(named)))
    return lines
