"""Tie-outs as stored: the figures of all documents, by name and currency, and those of each period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection

from state import figures

TieOut = dict[str, Any]
"""One tie-out as in the report format, with ``name`` and ``currency``; amounts in minor units."""

KIND = "tie_out"


def latest(connection: Connection, at: int | None = None) -> list[TieOut]:
    """The current figures, by name and currency; empty before the first reconciliation. ``at``: those of a stamp."""
    return list(figures.standing(connection, KIND, at).values())


def by_key(tie_outs: Sequence[TieOut]) -> dict[str, TieOut]:
    """Tie-outs as figures."""
    return {f"{item['name']} {item['currency']}": item for item in tie_outs}
