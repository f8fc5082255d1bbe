"""Records in quarantine that somebody took off its list, and putting them back.

Nothing of a record is lost by that: its versions stay in landing, its row stays in quarantine, and it still has no
place in the canonical model. It is on the list again once its source changes it, or another mapping refuses it
(``state.writes``); once it is understood it leaves quarantine altogether.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from state import audit
from state.clock import now_us
from state.quarantine import Refused
from state.schema import quarantine as table

DISCARDED, PUT_BACK = "quarantine discarded", "quarantine put back"
"""What the audit says of it, a row for each record."""

_COUNTS = (
    select(table.c.system, table.c.stream, func.count())
    .where(table.c.discarded_at.is_not(None))
    .group_by(table.c.system, table.c.stream)
)
_MANY = 500


def discard(connection: Connection, record_ids: Iterable[int], reason: str, actor: str) -> list[Refused]:
    """Take those of these records off the list that are on it; returns them. Without a reason: ``ValueError``."""
    if not reason.strip():
        raise ValueError("a record is discarded with a reason")
    values: dict[str, Any] = {"discarded_by": actor, "discarded_at": now_us(), "discard_reason": reason.strip()}
    values["discarded_mapping"] = table.c.mapping
    return _decide(connection, record_ids, False, values, (actor, DISCARDED, reason.strip()))


def put_back(connection: Connection, record_ids: Iterable[int], actor: str, reason: str = "") -> list[Refused]:
    """Put those of these records on the list again that were discarded; returns them as they were."""
    values = dict.fromkeys(("discarded_by", "discarded_at", "discard_reason", "discarded_mapping"))
    return _decide(connection, record_ids, True, values, (actor, PUT_BACK, reason.strip()))


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many are discarded, by system and stream; those without any are left out."""
    return {(row[0], row[1]): row[2] for row in connection.execute(_COUNTS)}


def _decide(
    connection: Connection,
    record_ids: Iterable[int],
    discarded: bool,
    values: dict[str, Any],
    said: tuple[str, str, str],
) -> list[Refused]:
    columns = [table.c[name] for name in Refused.__dataclass_fields__]
    ids, found = sorted(set(record_ids)), []
    state = table.c.discarded_at.is_not(None) if discarded else table.c.discarded_at.is_(None)
    for start in range(0, len(ids), _MANY):
        mine = (table.c.record_id.in_(ids[start : start + _MANY]), state)
        # Locked, so that a pull that refuses another version of one of them comes before or after this whole.
        query = select(*columns).where(*mine).order_by(table.c.record_id).with_for_update()
        some = [Refused(*row) for row in connection.execute(query)]
        chosen = table.c.record_id.in_([item.record_id for item in some])
        connection.execute(update(table).where(chosen).values(**values))
        found += some
    actor, action, reason = said
    for item in found:
        detail = {"system": item.system, "stream": item.stream, "source_id": item.source_id}
        audit.append(connection, actor, action, {**detail, "reason": reason} if reason else detail)
    return found
