"""Run the linkers in their order, and write to the store only what differs from what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Any, NamedTuple

from reconciliation import spread
from reconciliation.frame import Frame
from reconciliation.linking import blocking, candidates, memory, normalise
from reconciliation.linking.blocking import Refused
from reconciliation.linking.clusters import apart, clusters
from reconciliation.linking.documents import documents
from reconciliation.linking.leads import leads
from reconciliation.linking.likeness import likeness
from reconciliation.linking.parties import parties
from reconciliation.linking.payments import payments
from reconciliation.linking.payouts import payouts
from reconciliation.linking.products import products
from reconciliation.parts import parts
from state import figures, frames, links, order_states
from state.store import Store

Linker = Callable[[Frame], None]

_BY_PEOPLE = "('confirmed', 'cut')"
# One text per link to compare by: what is read of links that have not changed is most of what a run reads.
_SIGNATURE = "kind || '|' || method || '|' || CAST(score AS TEXT) || '|' || decision || '|' || evidence"

LINKERS: tuple[Linker, ...] = (parties, likeness, apart, clusters, leads, products, documents, payouts, payments)

_REMEMBERED: tuple[Linker, ...] = (parties, likeness, apart)
"""What need not be done where no party, decision or setting has changed."""


class LinkCounts(NamedTuple):
    """What linking found and changed."""

    by_method: dict[str, int]
    suggested: int
    added: int
    changed: int
    removed: int
    refused: list[Refused]
    """Keys of parties that too many share to be compared."""


def link(frame: Frame, store: Store, run_id: str) -> LinkCounts:
    """Find all links, store the differences, and make the frame's ``links`` table.

    Links that a person confirmed or cut stay as they are. Raises ``StoreError``.
    """
    normalise.define(frame)
    with store.reading() as connection:
        decided = frames.arrow(connection, f"SELECT {candidates.COLUMNS} FROM link WHERE decision IN {_BY_PEOPLE}")
        stored = f"SELECT left_id, right_id, {_SIGNATURE} AS signature FROM link WHERE decision NOT IN {_BY_PEOPLE}"
        frame.take("decided_links", decided, "SELECT * FROM incoming")
        frame.take("stored_links", frames.reader(connection, stored), "SELECT * FROM incoming")
        last = links.remembered(connection, memory.NAME)
        refused = [Refused(**item) for item in figures.standing(connection, blocking.REFUSED).values()]
    candidates.prepare(frame)
    inputs = memory.inputs(frame)
    known = last == (inputs, memory.stored(frame))
    if known:
        memory.recall(frame)
    with nullcontext() if known else spread.as_set(frame.rules.parallel):
        for linker in LINKERS:
            if not (known and linker in _REMEMBERED):
                linker(frame)
    counts = _write(frame, store, run_id, None if known else inputs, refused if known else blocking.refused(frame))
    frame.run(
        f"""
        CREATE OR REPLACE VIEW links AS SELECT {candidates.COLUMNS} FROM candidate
        UNION ALL SELECT {candidates.COLUMNS} FROM decided_links WHERE decision = 'cut'
        """
    )
    return counts


def _write(frame: Frame, store: Store, run_id: str, inputs: str | None, refused: list[Refused]) -> LinkCounts:
    """Store the differences, and with ``inputs`` what the linkers of parties have read and found."""
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE difference AS
        SELECT n.* EXCLUDE (signature), o.signature IS NOT NULL AS known, n.signature IS NOT NULL AS wanted,
            o.left_id AS old_left_id, o.right_id AS old_right_id, split_part(o.signature, '|', 1) AS old_kind
        FROM (SELECT {candidates.COLUMNS}, {_SIGNATURE} AS signature FROM candidate WHERE decision <> 'confirmed') n
        FULL JOIN stored_links o ON o.left_id = n.left_id AND o.right_id = n.right_id
            AND split_part(o.signature, '|', 1) = n.kind
        WHERE n.signature IS DISTINCT FROM o.signature
        """
    )
    ((added, changed, removed),) = frame.rows(
        """
        SELECT count(*) FILTER (wanted AND NOT known), count(*) FILTER (wanted AND known),
            count(*) FILTER (NOT wanted) FROM difference
        """
    )
    if added or changed or removed or inputs:
        differences = _differences(frame)
        first = next(differences, None)  # sorted before anybody has to wait for us
        with store.transaction() as connection:
            if first is not None:
                order_states.forget(connection)
            for part in () if first is None else chain([first], differences):
                links.replace(connection, **part, run_id=run_id)
            if inputs:
                links.remember(connection, memory.NAME, inputs, memory.results(frame))
    frame.run("DROP TABLE difference; DROP TABLE stored_links")
    methods = frame.rows(
        "SELECT kind || ' ' || left_entity || ' ' || right_entity || ' ' || method, count(*) FROM candidate "
        "WHERE decision <> 'suggested' GROUP BY 1 ORDER BY 1"
    )
    suggested = frame.value("SELECT count(*) FROM candidate WHERE decision = 'suggested'")
    return LinkCounts(dict(methods), suggested, added, changed, removed, refused)


def _differences(frame: Frame) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """What is to be written, in parts that fit into memory whatever there is: rows as ``state.links.replace`` takes."""
    whole = f"SELECT wanted, known, {candidates.COLUMNS}, old_kind, old_left_id, old_right_id FROM difference"
    for rows in parts(frame, whole, "kind, left_id, right_id, old_kind, old_left_id, old_right_id"):
        yield {
            "added": [row[2:-3] for row in rows if row[0] and not row[1]],
            "changed": [row[2:-3] for row in rows if row[0] and row[1]],
            "removed": [row[-3:] for row in rows if not row[0]],
        }
