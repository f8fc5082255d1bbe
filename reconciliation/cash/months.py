"""Rule for receipts that name months: all that was issued in them, one item, or some of each."""

from __future__ import annotations

from reconciliation.cash.chance import Chance
from reconciliation.cash.groups import Group, Item, Proposals, Receipt, load
from reconciliation.cash.subsets import SubsetSums
from reconciliation.cash.unnamed import prepare_unnamed
from reconciliation.session import Session
from settings.cash import CashRule

_PLURAL = "INVOICES|RECHNUNGEN|FACTURES|FACTURAS|FATTURE|货款|发票"


def period(session: Session, rule: CashRule) -> int:
    """The text names months: all that was issued in them comes to the amount, or one item does, or some of each.

    With the discounts that were still allowed, or without. Some of them are sure if no other set of theirs comes to it
    and one would hardly do so by accident.
    """
    prepare_unnamed(session)
    months = named_months(session)
    proposals = Proposals()
    for group in load(session, "SELECT * FROM unnamed SEMI JOIN named_month USING (receipt_id)"):
        for receipt in group.receipts:
            _of_months(rule, group, receipt, months[receipt.receipt_id], proposals)
    return proposals.settle(session, rule.name, rule.decision)


def named_months(session: Session) -> dict[int, list[int]]:
    """The months (year * 12 + month) that the texts of unnamed receipts name, and ``named_month``, the receipts.

    ``02/2025``, ``2025-02``, ``2025年2月``; ``2/25`` beside a word for invoices; ``2月`` is the last February.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE named_month AS
        WITH told AS (
            SELECT u.receipt_id, u.received_on, r.text FROM unnamed u JOIN receipt r USING (receipt_id)
            WHERE regexp_matches(r.text, '[/.月-]') AND u.received_on IS NOT NULL
        ),
        found AS (
            SELECT receipt_id, received_on, unnest(regexp_extract_all(
                text, '(?:^|[^0-9/.-])((?:0?[1-9]|1[0-2])[/.-]20[0-9][0-9])(?:$|[^0-9/.-])', 1)) AS said,
                regexp_extract(said, '^[0-9]+')::INTEGER AS month, right(said, 4)::INTEGER AS year FROM told
            UNION ALL
            SELECT receipt_id, received_on, unnest(regexp_extract_all(
                text, '(?:^|[^0-9/.-])(20[0-9][0-9][/.年-](?:0?[1-9]|1[0-2]))(?:月|$|[^0-9/.-])', 1)) AS said,
                regexp_extract(said, '[0-9]+$')::INTEGER, left(said, 4)::INTEGER FROM told
            UNION ALL
            SELECT receipt_id, received_on, unnest(regexp_extract_all(
                text, '(?:^|[^0-9/.-])((?:0?[1-9]|1[0-2])/[0-9][0-9])(?:$|[^0-9/.-])', 1)) AS said,
                regexp_extract(said, '^[0-9]+')::INTEGER, 2000 + right(said, 2)::INTEGER
            FROM told WHERE regexp_matches(text, '{_PLURAL}')
            UNION ALL
            SELECT receipt_id, received_on, unnest(regexp_extract_all(
                text, '(?:^|[^0-9年])((?:0?[1-9]|1[0-2])月)', 1)) AS said,
                regexp_extract(said, '^[0-9]+')::INTEGER AS month,
                year(received_on) - CASE WHEN month > month(received_on) THEN 1 ELSE 0 END FROM told
        )
        SELECT receipt_id, list(DISTINCT year * 12 + month) AS months FROM found GROUP BY ALL
        """
    )
    return dict(session.rows("SELECT receipt_id, list_sort(months) FROM named_month"))


def _of_months(rule: CashRule, group: Group, receipt: Receipt, months: list[int], proposals: Proposals) -> None:
    items = [item for item in group.eligible(receipt) if month_of(item) in months]
    singles = [item for item in items if receipt.rest in (item.rest, item.rest - item.deduction(receipt))]
    options = []
    for deducted in (False, True):
        off = [item.deduction(receipt) if deducted else 0 for item in items]
        if sum(item.rest for item in items) - sum(off) == receipt.rest and (not deducted or any(off)):
            options.append((items, off))
    if not options and len(singles) == 1 and len(months) == 1:
        options.append((singles, [singles[0].rest - receipt.rest]))
    if not options and not singles:
        options = _some_of_months(rule, receipt, items, months)
    if len(options) != 1:
        return
    chosen, off = options[0]
    said = ", ".join(f"{(month - 1) // 12}-{(month - 1) % 12 + 1:02d}" for month in months)
    evidence = {"month": said, "items": len(chosen)}
    differences = [(item.item_id, "discount", -amount) for item, amount in zip(chosen, off, strict=True)]
    proposals.add(receipt, chosen, 880, evidence, sure=True, differences=differences)
    group.taken.update(item.item_id for item in chosen)


def _some_of_months(
    rule: CashRule, receipt: Receipt, items: list[Item], months: list[int]
) -> list[tuple[list[Item], list[int]]]:
    """The one set of several items with some of each month that comes to the receipt; nothing where there are more."""
    found = []
    for deducted in (False, True):
        off = [item.deduction(receipt) if deducted else 0 for item in items]
        if deducted and not any(off):
            continue
        amounts = [item.rest - less for item, less in zip(items, off, strict=True)]
        chances = Chance(amounts).expected(receipt.rest, rule.largest or 1)
        largest = sum(chance < (rule.chance or 0) for chance in chances)
        if not largest:
            return []
        for solution in SubsetSums(amounts).find(receipt.rest, largest=largest, most=2).solutions:
            if solution.ways > 1:
                return []
            if deducted and not any(off[place] for place in solution.members):
                continue
            found.append(([items[place] for place in solution.members], [off[place] for place in solution.members]))
    if len(found) != 1 or {month_of(item) for item in found[0][0]} != set(months):
        return []
    return found


def month_of(item: Item) -> int:
    """The month in which an item was issued (year * 12 + month); 0 if nobody knows."""
    return item.issued_on.year * 12 + item.issued_on.month if item.issued_on else 0
