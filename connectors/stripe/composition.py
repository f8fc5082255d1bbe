"""What an automatic payout is made of: its balance transactions and their sums, kept with the payout's own fields.

Only for a payout whose ``reconciliation_status`` is ``completed`` does Stripe know them all; what is in a manual payout
it never knows (docs.stripe.com/payouts/reconciliation). The list holds the payout's own debit, too, which is left out,
as is what comes back of it should it fail; of another payout that failed it is part of this one.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from connectors.rawjson import parse

FIELD = "ltc_composition"
"""Where the sums are kept; not a name of Stripe's."""

_GROSS = frozenset({"charge", "charge_failure", "partial_capture_reversal"})
_REFUNDS = frozenset({"refund", "refund_failure"})
_CHARGEBACKS = frozenset({"dispute", "dispute_reversal"})
_FEES = frozenset({"fee", "network_cost", "tax"})
"""Reporting categories of transactions that are a cost as a whole; other costs are the ``fee`` of a transaction."""


class Line(msgspec.Struct):
    """One balance transaction: amounts are signed as Stripe does, fees are positive."""

    id: str
    reporting_category: str
    source: str | None
    """The charge, refund or dispute that it is about."""
    amount: int
    fee: int
    net: int


class _Movement(msgspec.Struct):
    id: str
    type: str
    reporting_category: str
    amount: int
    fee: int
    net: int
    source: str | None = None


class Composition(msgspec.Struct):
    """Smallest units of the payout's currency, signed as Stripe does; ``fees`` are positive.

    ``net`` = ``gross`` + ``refunds`` + ``chargebacks`` + ``other`` - ``fees``, which is what the bank gets.
    """

    transactions: int = 0
    gross: int = 0
    refunds: int = 0
    chargebacks: int = 0
    other: int = 0
    fees: int = 0
    net: int = 0
    lines: list[Line] = []
    """By id, so that two readings are the same."""


_movements = msgspec.json.Decoder(_Movement)


def is_known(status: str, automatic: bool) -> bool:
    """Whether Stripe can tell what the payout is made of."""
    return automatic and status == "completed"


def add_up(payout_id: str, rows: Iterable[bytes]) -> Composition | None:
    """Balance transactions and their sums; ``None`` if nothing is listed. Raises ``ContractError``."""
    found = Composition()
    for row in rows:
        movement = parse(row, _movements)
        if movement.type.startswith("payout") and movement.source == payout_id:
            continue
        found.lines.append(
            Line(
                movement.id,
                movement.reporting_category,
                movement.source,
                movement.amount,
                movement.fee,
                movement.net,
            )
        )
        found.transactions += 1
        found.fees += movement.fee
        found.net += movement.net
        category = movement.reporting_category
        if category in _GROSS:
            found.gross += movement.amount
        elif category in _REFUNDS:
            found.refunds += movement.amount
        elif category in _CHARGEBACKS:
            found.chargebacks += movement.amount
        elif category in _FEES:
            found.fees -= movement.amount
        else:
            found.other += movement.amount
    found.lines.sort(key=lambda line: line.id)
    return found if found.transactions else None
