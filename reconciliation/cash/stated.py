"""What texts say of an amount in another currency: items of the payer's that come to just that amount."""

from __future__ import annotations

from reconciliation.cash import references
from reconciliation.cash.chance import LIMIT, Chance
from reconciliation.cash.groups import AHEAD
from reconciliation.cash.subsets import SubsetSums
from reconciliation.session import Session

_LARGEST = 6


def prepare(session: Session) -> None:
    """Make ``stated`` (receipt_id, item_id): of receipts that name no item, what they say in the items' currency.

    One item of just the amount that stands behind its currency, or the only set of up to six items where hardly any
    would come to it by accident; of those whom the payer pays for, billed by then. Nothing where several would.
    """
    session.run("CREATE OR REPLACE TEMP TABLE stated (receipt_id BIGINT, item_id BIGINT)")
    owed: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for receipt, amount, item, rest in session.rows(
        f"""
        WITH said AS (
            SELECT r.receipt_id, r.party, r.currency, r.received_on, unnest(regexp_extract_all(
                replace(r.text, ',', ''), '(?:^|[^A-Z])[A-Z][A-Z][A-Z] ?[0-9]+(?:[.][0-9]+)?')) AS said,
                regexp_extract(said, '([A-Z]+) ?[0-9]', 1) AS code, regexp_extract(said, '[0-9.]+$') AS figures
            FROM receipt r SEMI JOIN rest_receipt s ON s.receipt_id = r.receipt_id
            ANTI JOIN (SELECT receipt_id FROM hit WHERE level >= {references.WEAK}) h ON h.receipt_id = r.receipt_id
            WHERE r.party IS NOT NULL AND r.amount > 0 AND regexp_matches(r.text, '[A-Z][A-Z][A-Z] ?[0-9]')
        ),
        meant AS (
            SELECT s.*, round(TRY_CAST(figures AS DECIMAL(28, 4)) * u.minor)::BIGINT AS amount
            FROM said s JOIN unit u ON u.currency = s.code AND s.code <> s.currency
        )
        SELECT m.receipt_id, m.amount, x.item_id, i.rest FROM meant m JOIN payer p ON p.payer = m.party
        JOIN item x ON x.party = p.customer AND x.currency = m.code JOIN rest_item i ON i.item_id = x.item_id
        ANTI JOIN forbidden f ON f.receipt_id = m.receipt_id AND f.item_id = x.item_id
        WHERE m.amount > 0 AND (x.issued_on > m.received_on + {AHEAD}) IS NOT true
        ORDER BY m.receipt_id, m.amount, x.due_on, x.item_id
        """
    ):
        owed.setdefault((receipt, amount), []).append((item, rest))
    rows = [
        (receipt, item)
        for (receipt, amount), items in owed.items()
        for item in _items(amount, [rest for _, rest in items], [item for item, _ in items])
    ]
    if rows:
        session.run(f"INSERT INTO stated VALUES {', '.join(f'({receipt}, {item})' for receipt, item in rows)}")


def _items(amount: int, rests: list[int], items: list[int]) -> list[int]:
    """The items of one amount that is stated; none where that is not sure."""
    equal = [item for item, rest in zip(items, rests, strict=True) if rest == amount]
    if equal:
        return equal if len(equal) == 1 else []
    largest = sum(chance < LIMIT for chance in Chance(rests).expected(amount, _LARGEST))
    if not largest:
        return []
    found = SubsetSums(rests).find(amount, largest=largest, most=2)
    if len(found.solutions) != 1 or found.several:
        return []
    return [items[place] for place in found.solutions[0].members]
