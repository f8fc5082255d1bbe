"""Links as data, and decisions about those that are known: what the command, the page and the API do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from console.records import address, without_personal
from state import links
from state.clock import from_us

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.chains import Identity
    from state.links import Link


def decide(
    connection: Connection, pair: tuple[str, int, int], decision: str, actor: str, reason: str = ""
) -> Link | None:
    """Confirm or cut the link of this kind between these two records, and return it as it is then.

    ``None`` if there is no such link: nobody makes links by an address. Raises ``LinkError``.
    """
    if _find(connection, pair) is None:
        return None
    links.decide(connection, *pair, decision, actor, reason)
    return _find(connection, pair)


def waiting(found: Iterable[Link], began: int | None) -> list[Link]:
    """Those of these links that a person confirmed and no reconciliation has taken up; ``began``: when the last one
    began, in microseconds, ``None`` before the first."""
    return [
        link
        for link in found
        if link.decision == "confirmed" and link.method != "created" and (link.decided_at or 0) > (began or 0)
    ]


def _find(connection: Connection, pair: tuple[str, int, int]) -> Link | None:
    known = links.of_records(connection, [pair[1]])
    return next((link for link in known if (link.kind, link.left_id, link.right_id) == pair), None)


def as_dict(link: Link, ends: Mapping[int, Identity], numbers: Mapping[int, str]) -> dict[str, Any]:
    """A link as data; ``ends`` are its records by id, ``numbers`` what those are called. Personal values are hidden."""

    def end(record_id: int) -> dict[str, Any]:
        found = ends.get(record_id)
        if found is None:
            return {"record_id": record_id}
        return {**found._asdict(), "number": numbers.get(record_id), "address": address(found)}

    return {
        "kind": link.kind,
        "left": end(link.left_id),
        "right": end(link.right_id),
        "method": link.method,
        "score": link.score / 1000,
        "evidence": without_personal(json.loads(link.evidence)),
        "decision": link.decision,
        "decided_by": link.decided_by,
        "decided_at": None if link.decided_at is None else from_us(link.decided_at),
    }
