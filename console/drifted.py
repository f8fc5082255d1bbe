"""What changed in how records look, a line each: what ``ltc drift`` and the workbench show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from state.clock import from_us

if TYPE_CHECKING:
    from datetime import tzinfo

    from console.i18n import Texts
    from state.shapes import Drift, Listed

COLUMNS = ("system", "stream", "path", "what", "fields", "status", "since")


def what(item: Drift, texts: Texts) -> str:
    """``was text, is number``."""
    return texts(f"drift.kind.{item.kind.value}", type=item.type or "–", before=item.before or "–")


def row(item: Listed, texts: Texts, zone: tzinfo) -> tuple[Any, ...]:
    """One change, in the order of ``COLUMNS``."""
    since = f"{from_us(item.since).astimezone(zone):%Y-%m-%d %H:%M}"
    status = texts(f"drift.status.{item.drift.status.value}")
    if item.decided_by:
        status = f"{status}: {item.decided_by}{f' ({item.reason})' if item.reason else ''}"
    fields = texts.listed(item.drift.fields) or None
    return item.system, item.stream, item.drift.path, what(item.drift, texts), fields, status, since
