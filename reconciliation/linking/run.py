"""Run the linkers in their order, and write to the store only what differs from what it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reconciliation.frame import Frame
from reconciliation.linking import candidates, normalise
from reconciliation.linking.documents import documents
from reconciliation.linking.leads import leads
from reconciliation.linking.parties import parties
from reconciliation.linking.products import products
from state import links
from state.store import Store

Linker = Callable[[Frame], None]

LINKERS: tuple[Linker, ...] = (parties, leads, products, documents)


class LinkCounts(NamedTuple):
    """What linking found and changed."""

    by_method: dict[str, int]
    suggested: int
    added: int
    changed: int
    removed: int


def link(frame: Frame, store: Store, run_id: str) -> LinkCounts:
    """Find all links, store the differences, and make the frame's ``links`` table.

    Links that a person confirmed or cut stay as they are. Raises ``StoreError``.
    """
    normalise.define(frame)
    candidates.prepare(frame)
    for linker in LINKERS:
        linker(frame)
    counts = _write(frame, store, run_id)
    frame.run(
        f"""
        CREATE OR REPLACE TABLE links AS SELECT {candidates.COLUMNS} FROM candidate
        UNION ALL SELECT {candidates.COLUMNS} FROM stored_links WHERE decision = 'cut'
        """
    )
    return counts


def _write(frame: Frame, store: Store, run_id: str) -> LinkCounts:
    key = "kind, left_id, right_id"
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE old_link AS
            SELECT * FROM stored_links WHERE decision NOT IN ('confirmed', 'cut');
        CREATE OR REPLACE TEMP TABLE new_link AS
            SELECT {candidates.COLUMNS} FROM candidate WHERE decision <> 'confirmed';
        """
    )
    ordered = f"ORDER BY {key}"
    added = frame.rows(f"SELECT {candidates.COLUMNS} FROM new_link ANTI JOIN old_link USING ({key}) {ordered}")
    changed = frame.rows(
        f"""
        SELECT n.* FROM (SELECT {candidates.COLUMNS} FROM new_link) n JOIN old_link o USING ({key})
        WHERE (n.method, n.score, n.evidence, n.decision) IS DISTINCT FROM (o.method, o.score, o.evidence, o.decision)
        {ordered}
        """
    )
    removed = frame.rows(f"SELECT {key} FROM old_link ANTI JOIN new_link USING ({key}) {ordered}")
    if added or changed or removed:
        with store.transaction() as connection:
            links.replace(connection, added=added, changed=changed, removed=removed, run_id=run_id)
    methods = frame.rows(
        "SELECT kind || ' ' || left_entity || ' ' || right_entity || ' ' || method, count(*) FROM candidate "
        "WHERE decision <> 'suggested' GROUP BY 1 ORDER BY 1"
    )
    suggested = frame.value("SELECT count(*) FROM candidate WHERE decision = 'suggested'")
    return LinkCounts(dict(methods), suggested, len(added), len(changed), len(removed))
