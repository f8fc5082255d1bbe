"""Decisions about links that are known: what the page and the API do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from state import links

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

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


def _find(connection: Connection, pair: tuple[str, int, int]) -> Link | None:
    known = links.of_records(connection, [pair[1]])
    return next((link for link in known if (link.kind, link.left_id, link.right_id) == pair), None)
