"""The documents behind the figures of a tie-out that do not agree or take no part: the largest of each, and what of the
open ones is not due yet.

Kept with the figures (``KIND``), so that a page shows them without reading the records again. Amounts in minor units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from reconciliation.frame import Frame

KIND = "behind"
MOST = 200
"""Documents kept of each part, the largest by money."""
UNMATCHED, EXCLUDED = PARTS = "unmatched", "excluded"
SIDES = {"left": "right", "right": "left"}
_SETTLED = "invoice_payment"
"""The tie-out whose documents cash application matches before their source books it."""
DUE = {
    "order_delivery": ("orders", "promised_delivery_date"),
    "order_invoice": ("orders", "promised_delivery_date"),
    "invoice_payment": ("invoices", "coalesce(due_date, issue_date)"),
    "payout_bank": ("payouts", "arrival_date"),
}
"""Tie-out → table of its left side and the day before which nothing has to be on the right."""


def key(name: str, side: str, currency: str, part: str) -> str:
    """What the documents of a part are kept under."""
    return f"{name} {side} {currency} {part}"


def figures(frame: Frame, name: str) -> dict[str, dict[str, Any]]:
    """Of the tie-out that was just made: by ``key`` the documents with what is open of each.

    ``documents``: record_id, ``amount`` of it that counts, ``whole`` of its position on this side and ``opposite`` on
    the other (``None`` without one; then ``elsewhere`` is what the other has of it in further currencies, if anything:
    ``currency`` and ``amount``), whether its position ``waits`` for a day to come; ``count`` says how many there are.
    ``not_due``: count and amount of the positions that wait; ``missing``: what the other side lacks of those that do
    not. What cash application has matched of that says ``note_matched``.
    """
    found: dict[str, dict[str, Any]] = {}
    for side, other in SIDES.items():
        _open(frame, name, side, other)
        if name == _SETTLED:
            frame.run(f"CREATE OR REPLACE TEMP TABLE behind_{side} AS FROM behind_open")
        waiting = {row[0]: row[1:] for row in frame.rows(_WAITING)}
        for part, table in ((UNMATCHED, "behind_open"), (EXCLUDED, _left_out(side))):
            for row in frame.dicts(_LARGEST.format(table=table)):
                into = found.setdefault(key(name, side, row.pop("currency"), part), {"documents": []})
                into["count"] = row.pop("of")
                if not row["elsewhere"]:
                    del row["elsewhere"]
                into["documents"].append(row)
        for currency, (count, amount, missing) in waiting.items():
            kept = found[key(name, side, currency, UNMATCHED)]
            kept |= {"not_due": {"count": count, "amount": amount}, "missing": missing}
    return found


def _open(frame: Frame, name: str, side: str, other: str) -> None:
    """Make the table ``behind_open``: a row for each document of each position of one side that does not agree."""
    waits, days = "false", ""
    if name in DUE and side == "left":
        table, due = DUE[name]
        waits = f"bool_and(coalesce(d.due > DATE '{frame.rules.today}', false) AND o.whole > coalesce(o.opposite, 0))"
        days = f"LEFT JOIN (SELECT record_id, {due} AS due FROM {table}) d ON d.record_id = p.document_id"
    elif name in DUE:  # what is there of a position waits for the rest of it
        waits, days = "any_value(w.position) IS NOT NULL", "LEFT JOIN behind_waits w USING (position, currency)"
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE behind_open AS
        WITH o AS (SELECT position, currency, {side}_amount AS whole,
                CASE WHEN has_{other} THEN {other}_amount END AS opposite
            FROM tied WHERE result = 'unmatched' AND has_{side}),
        e AS (SELECT position, list(struct_pack(currency := currency, amount := {other}_amount) ORDER BY currency)
                AS elsewhere FROM tied WHERE has_{other} GROUP BY position)
        SELECT position, p.document_id, currency, sum(p.amount)::BIGINT AS amount, any_value(o.whole) AS whole,
            any_value(o.opposite) AS opposite, any_value(CASE WHEN o.opposite IS NULL THEN e.elsewhere END)
                AS elsewhere, {waits} AS waits
        FROM {side}_part p JOIN o USING (position, currency) LEFT JOIN e USING (position)
        {days} WHERE NOT p.excluded GROUP BY ALL
        """
    )
    if side == "left":
        frame.run(
            "CREATE OR REPLACE TEMP TABLE behind_waits AS "
            "SELECT position, currency FROM behind_open GROUP BY ALL HAVING bool_and(waits)"
        )


_WAITING = """
    SELECT currency, count(*) FILTER (WHERE waits), coalesce(sum(amount) FILTER (WHERE waits), 0)::BIGINT,
        coalesce(sum(CASE WHEN whole < 0 THEN least(lacks, 0) ELSE greatest(lacks, 0) END)
            FILTER (WHERE NOT waits), 0)::BIGINT
    FROM (SELECT position, currency, bool_and(waits) AS waits, sum(amount) AS amount, any_value(whole) AS whole,
            any_value(whole) - coalesce(any_value(opposite), 0) AS lacks
        FROM behind_open GROUP BY position, currency)
    GROUP BY ALL ORDER BY ALL"""
"""What the other side has too much of a position counts on that side."""


def note_matched(frame: Frame, found: Mapping[str, dict[str, Any]], receipts: Mapping[str, Mapping[str, Any]]) -> None:
    """Say of invoices and money in ``found`` as ``matched`` what of them cash application matches, and no source has
    booked: the count of documents, and how much of what is ``missing`` that is. ``receipts`` are its figures."""
    matched: dict[str, list[tuple[int, int]]] = {side: [] for side in SIDES}
    for receipt, figure in receipts.items():
        if figure["applied"]:
            matched["right"].append((int(receipt), figure["amount"] - figure["left"]))
            matched["left"] += ((entry["item"], entry["applied"]) for entry in figure["applied"])
    for side, entries in matched.items():
        ids, spent = ([entry[place] for entry in entries] for place in (0, 1))
        rows = pa.table({"record_id": pa.array(ids, pa.int64()), "spent": pa.array(spent, pa.int64())})
        frame.take("matched_here", rows, "SELECT record_id, sum(spent)::BIGINT AS spent FROM incoming GROUP BY ALL")
        for currency, count, amount in frame.rows(_MATCHED.format(side=side)):
            found[key(_SETTLED, side, currency, UNMATCHED)]["matched"] = {"count": count, "amount": amount}


_MATCHED = """
    SELECT currency, sum(documents)::BIGINT, coalesce(sum(sign(lacks) * least(abs(lacks), abs(spent)))
        FILTER (WHERE NOT waits AND sign(lacks) = sign(whole)), 0)::BIGINT
    FROM (SELECT position, currency, count(spent) AS documents, sum(spent) AS spent, bool_and(waits) AS waits,
            any_value(whole) AS whole, any_value(whole) - coalesce(any_value(opposite), 0) AS lacks
        FROM behind_{side} LEFT JOIN matched_here ON record_id = document_id GROUP BY position, currency)
    WHERE documents > 0 GROUP BY ALL ORDER BY ALL"""


def _left_out(side: str) -> str:
    """What takes no part, and what cancels itself out."""
    return f"""(
        SELECT document_id, currency, sum(p.amount)::BIGINT AS amount, NULL::BIGINT AS whole, NULL::BIGINT AS opposite,
            NULL AS elsewhere, false AS waits
        FROM {side}_part p LEFT JOIN (FROM tied WHERE result = 'offset' AND has_{side}) t USING (position, currency)
        WHERE p.excluded OR t.position IS NOT NULL GROUP BY document_id, currency)"""


_LARGEST = (
    "SELECT currency, document_id AS record_id, amount, whole, opposite, elsewhere, waits, "
    "(count(*) OVER (PARTITION BY currency))::BIGINT AS of FROM {table} "
    "QUALIFY row_number() OVER (PARTITION BY currency ORDER BY abs(amount) DESC, document_id, whole) "
    f"<= {MOST} ORDER BY currency, abs(amount) DESC, document_id, whole"
)
