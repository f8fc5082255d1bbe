"""Builds the connector's queries; values are ids and instants only, so nothing needs escaping but quotes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.salesforce.streams import CURSOR_FIELD, Stream

Key = tuple[str, str]
"""Where a page ended: ``SystemModstamp`` as a literal, and id."""


def literal(moment: datetime) -> str:
    """A datetime literal to the millisecond, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """An instant as Salesforce writes it, or a literal of ours; raises ``ValueError`` for anything else."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("no time zone")
        return found.astimezone(UTC)
    except (TypeError, OverflowError) as error:
        raise ValueError("not an instant") from error


def select(stream: Stream, missing: frozenset[str]) -> str:
    """``SELECT … FROM …`` with every field of the stream and its lines."""
    fields = list(stream.selected(missing))
    if stream.lines is not None:
        lines = stream.lines
        fields.append(
            f"(SELECT {', '.join(lines.fields)} FROM {lines.relationship} WHERE IsDeleted = false "
            f"ORDER BY {lines.order})"
        )
    return f"SELECT {', '.join(fields)} FROM {stream.object}"


def changes(since: str | None, until: str, after: Key | None, limit: int, *, extra: str = "") -> str:
    """The rest of a query for one page of what changed in ``[since, until)``, in the order of change.

    ``after`` is the key of the last record before the page: equal stamps are told apart by id.
    """
    terms = [f"{CURSOR_FIELD} < {until}", *([extra] if extra else [])]
    if after is not None:
        stamp, last = after
        terms.insert(0, f"({CURSOR_FIELD} > {stamp} OR ({CURSOR_FIELD} = {stamp} AND Id > {quoted(last)}))")
    elif since is not None:
        terms.insert(0, f"{CURSOR_FIELD} >= {since}")
    return f" WHERE {' AND '.join(terms)} ORDER BY {CURSOR_FIELD}, Id LIMIT {limit}"


def by_ids(ids: Sequence[str]) -> str:
    """The rest of a query for certain records."""
    return f" WHERE Id IN ({', '.join(quoted(item) for item in ids)})"


def quoted(text: str) -> str:
    """A text literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
