"""Rules for receipts that name no item: whose account it is, one item of just the amount, a month.

Which items they look at: ``unnamed`` holds what is left of receipts with a known payer whose text names nothing that is
an item's number, or written like one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import comb

from reconciliation.cash.chance import Chance
from reconciliation.cash.groups import AHEAD, Group, Item, Proposals, Receipt, load
from reconciliation.cash.habits import Habit, habits, likeliest
from reconciliation.cash.readings import read_endings
from reconciliation.cash.references import CLEANED, LOOK_ALIKE
from reconciliation.cash.subsets import SubsetSums
from reconciliation.session import Session
from settings.cash import CashRule

PRIORS = (0.6, 0.2, 0.1, 0.05, 0.03, 0.02)
"""How often a payment that names nothing is for one item, for two … for six; ours, by the order of magnitude."""
_LARGEST = 4
_PLURAL = "INVOICES|RECHNUNGEN|FACTURES|FACTURAS|FATTURE|货款|发票"


def account(session: Session, rule: CashRule) -> int:
    """Whose account it is: payments from it were given as one customer's, or ``payments`` of them settled only his.

    Likewise a payer pays for a customer if ``payments`` of his payments settled only that customer's items. Matches
    nothing itself, so it returns 0.
    """
    again = int(rule.payments or 1)
    known = int(session.value("SELECT count(*) FROM payer"))
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE paid AS
            SELECT DISTINCT a.receipt_id, r.account, r.party AS payer, x.party AS customer
            FROM application a JOIN receipt r USING (receipt_id) JOIN item x ON x.item_id = a.item_id;
        CREATE OR REPLACE TEMP TABLE holder AS
        WITH seen AS (
            SELECT account, party, 1000000 AS times FROM receipt WHERE account <> '' AND party IS NOT NULL
            UNION ALL
            SELECT account, customer, 1 FROM paid WHERE account <> '' AND payer IS NULL
        )
        SELECT account, any_value(party) AS party FROM seen GROUP BY account
        HAVING min(party) = max(party) AND sum(times) >= {again};
        CREATE OR REPLACE TEMP TABLE told_by_account AS
            SELECT r.receipt_id, h.party FROM receipt r SEMI JOIN rest_receipt USING (receipt_id)
            JOIN holder h ON h.account = r.account WHERE r.party IS NULL;
        UPDATE receipt SET party = t.party, known_by = 'account' FROM told_by_account t
            WHERE t.receipt_id = receipt.receipt_id;
        CREATE OR REPLACE TEMP TABLE learned AS
        SELECT payer, customer, 'learned' AS relation FROM paid WHERE payer <> customer
        GROUP BY ALL HAVING count(*) >= {again};
        INSERT INTO payer SELECT * FROM learned ANTI JOIN payer USING (payer, customer);
        SET VARIABLE cases = '';
        INSERT INTO related_payer SELECT * FROM learned ANTI JOIN related_payer USING (payer, customer)
        """
    )
    if session.value(f"SELECT count(*) > {known} FROM payer") or session.value("SELECT count(*) FROM told_by_account"):
        read_endings(session)
    return 0


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


def party_amount(session: Session, rule: CashRule) -> int:
    """The payer's customer has one item over exactly what is left of the receipt, or several: then the oldest.

    Exactly: the whole amount, or less the discount that was still allowed. A payment that fits an item exactly chooses
    it, and of equal items the oldest is paid first (§ 366 BGB; article 560 of the Civil Code of the People's Republic
    of China). Other sets that come to the same amount raise doubts: each counts as likely as payments of its size are,
    shared among all sets of that size. Above ``doubt`` it is a suggestion; and so is the choice among equal items while
    an earlier receipt of the payer is open that may have paid one of them, where a discount was taken, or if the text
    says of which month it is or has a number that nobody could read; and where another item would come to it less the
    discount that it still allows. An item that another open receipt names is that one's; where the text has last digits
    of numbers, it is for one of these.
    """
    prepare_unnamed(session)
    months = named_months(session)
    waiting = waiting_receipts(session)
    signs, usual = signs_of(session), habits(session)
    proposals = Proposals()
    for group in load(session, "SELECT * FROM unnamed"):
        amounts = {item.rest for item in group.items} | {item.rest - item.discount for item in group.items}
        payer = (group.receipts[0].party, group.receipts[0].currency)
        still, habit = waiting.get(payer, []), usual.get(payer)
        for receipt in group.receipts:
            month = months.get(receipt.receipt_id)
            if receipt.rest in amounts and _of_amount(rule, group, receipt, month, still, signs, habit, proposals):
                still.remove((receipt.received_on, receipt.receipt_id, receipt.rest))
    return proposals.settle(session, rule.name, rule.decision)


def waiting_receipts(session: Session) -> dict[tuple[str, str], list[tuple[date | None, int, int]]]:
    """What is open of each payer's receipts: day, id, rest.

    With those of unknown payers with his account or name, and of others who pay for the same customers.
    """
    found: dict[tuple[str, str], list[tuple[date | None, int, int]]] = {}
    for party, currency, *receipt in session.rows(
        """
        WITH open_ones AS (SELECT r.*, s.rest FROM rest_receipt s JOIN receipt r USING (receipt_id)),
        known AS (SELECT DISTINCT party, currency, account, payer_name FROM receipt WHERE party IS NOT NULL)
        SELECT party, currency, received_on, receipt_id, rest FROM open_ones WHERE party IS NOT NULL
        UNION
        SELECT p.payer, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN related_payer p ON p.customer = o.party
        UNION
        SELECT p.customer, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN related_payer p ON p.payer = o.party
        UNION
        SELECT q.payer, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN related_payer p ON p.payer = o.party JOIN related_payer q ON q.customer = p.customer
        UNION
        SELECT k.party, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN known k ON k.currency = o.currency AND k.account = o.account WHERE o.party IS NULL AND o.account <> ''
        UNION
        SELECT k.party, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN known k ON k.currency = o.currency AND k.payer_name = o.payer_name WHERE o.party IS NULL
            AND o.payer_name <> ''
        ORDER BY ALL
        """
    ):
        found.setdefault((party, currency), []).append((receipt[0], receipt[1], receipt[2]))
    return found


def prepare_unnamed(session: Session) -> None:
    """Make ``unnamed``: what is left of known payers' receipts whose text names no item, settled or not.

    Nor does it name something that is written like the numbers here and is none of them: that would be paid by it.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE unnamed AS
        SELECT r.receipt_id, s.rest, r.party, r.currency, r.received_on
        FROM rest_receipt s JOIN receipt r USING (receipt_id)
        ANTI JOIN (SELECT receipt_id FROM hit WHERE level >= {CLEANED}) h ON h.receipt_id = r.receipt_id
        ANTI JOIN strange_number k ON k.receipt_id = r.receipt_id
        ANTI JOIN unknown_number n ON n.receipt_id = r.receipt_id
        WHERE r.party IS NOT NULL
        """
    )


@dataclass(frozen=True)
class Signs:
    """What texts say of items without naming them surely."""

    named: set[int]
    """Items that other open receipts of those who pay for the customer name by their numbers."""
    pointed: dict[int, set[int]]
    """Receipt → items whose last digits it has."""
    naming: dict[int, set[int]]
    """Receipt → items of those whom it pays for that it names by their numbers, where it has no other number."""
    unread: set[int]
    """Receipts with something like a number that nobody could read."""


def signs_of(session: Session) -> Signs:
    """What the texts of open receipts say; after ``prepare_unnamed``."""
    named = session.rows(
        f"""
        SELECT DISTINCT h.item_id, h.receipt_id FROM hit h SEMI JOIN rest_receipt USING (receipt_id)
        JOIN receipt r ON r.receipt_id = h.receipt_id JOIN item x ON x.item_id = h.item_id
        SEMI JOIN payer p ON p.payer = r.party AND p.customer = x.party
        WHERE h.own AND h.level >= {LOOK_ALIKE} AND r.currency = x.currency
        """
    )
    pointed: dict[int, set[int]] = {}
    for receipt, item in session.rows(
        "SELECT receipt_id, item_id FROM hit SEMI JOIN unnamed USING (receipt_id) SEMI JOIN rest_item USING (item_id)"
    ):
        pointed.setdefault(receipt, set()).add(item)
    strange = {row[0] for row in session.rows("SELECT DISTINCT receipt_id FROM unread_number")}
    naming: dict[int, set[int]] = {}
    for item, receipt in named:
        if receipt not in strange:
            naming.setdefault(receipt, set()).add(item)
    return Signs({row[0] for row in named}, pointed, naming, strange)


def _of_months(rule: CashRule, group: Group, receipt: Receipt, months: list[int], proposals: Proposals) -> None:
    items = [item for item in group.eligible(receipt) if _month(item) in months]
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
    if len(found) != 1 or {_month(item) for item in found[0][0]} != set(months):
        return []
    return found


def _month(item: Item) -> int:
    return item.issued_on.year * 12 + item.issued_on.month if item.issued_on else 0


def _of_amount(
    rule: CashRule,
    group: Group,
    receipt: Receipt,
    months: list[int] | None,
    waiting: list[tuple[date | None, int, int]],
    signs: Signs,
    habit: Habit | None,
    proposals: Proposals,
) -> bool:
    """Propose the oldest item of the amount; whether it is sure. ``waiting``: what else of the payer's is open."""
    items = group.eligible(receipt)
    fitting = [item for item in items if item.rest == receipt.rest]
    less = [item for item in items if item.deduction(receipt) and item.rest - item.deduction(receipt) == receipt.rest]
    deducted = [] if fitting else less
    others = less if fitting else []
    fitting = fitting or deducted
    if months:
        fitting = [item for item in fitting if _month(item) in months]
    if not fitting:
        return False
    doubt = _doubt(receipt, items, fitting)
    pointed = signs.pointed.get(receipt.receipt_id, set())
    meant = [item for item in fitting if item.item_id in pointed]
    free = [item for item in fitting if item.item_id not in signs.named]
    fitting = meant or free or fitting
    alike = len(fitting) > 1
    before = [
        entry
        for entry in waiting
        if entry[1] != receipt.receipt_id and is_before(entry, receipt) and may_pay(entry, fitting, group.items, signs)
    ]
    sure = (
        doubt < (rule.doubt or 0)
        and not others
        and bool(free or meant)
        and bool(meant or not pointed)
        and not (alike and (before or months or deducted or receipt.receipt_id in signs.unread))
    )
    evidence = {"amount": "discounted" if deducted else "equal", "doubt": float(f"{doubt:.1e}")}
    if alike:
        evidence |= {"equal_items": len(fitting), "chosen": "oldest" if sure else "usual day first"}
    if alike and not sure:
        place = sum(entry[2] // receipt.rest for entry in before if entry[2] % receipt.rest == 0)
        older = fitting[: min(place, len(fitting) - 1)]  # for what came before and is for just so many of them
        fitting = [*likeliest(receipt, fitting[len(older) :], habit, deducted=bool(deducted)), *older]
    for option, item in enumerate(fitting[:1] if sure else [*fitting, *others][:5], 1):
        differences = [(item.item_id, "discount", receipt.rest - item.rest)]
        score = 850 if sure else 700
        proposals.add(receipt, [item], score, evidence, sure=sure, option=option, differences=differences)
    if sure:
        group.taken.add(fitting[0].item_id)
    return sure


def is_before(entry: tuple[date | None, int, int], receipt: Receipt) -> bool:
    """Whether an open receipt (see ``waiting_receipts``) came in no later than another."""
    return entry[0] is None or receipt.received_on is None or entry[0] <= receipt.received_on


def may_pay(entry: tuple[date | None, int, int], equals: list[Item], items: list[Item], signs: Signs) -> bool:
    """Whether an open receipt (see ``waiting_receipts``) may have paid one of some equal items.

    Not where it names others, where it is for less than an item less what credit notes and a fifth (discounts, fees,
    taxes) may take off, or where it came before all of them.
    """
    day, receipt, rest = entry
    owed = equals[0].rest
    named = signs.naming.get(receipt)
    if rest * owed <= 0 or (named is not None and not any(item.item_id in named for item in equals)):
        return False
    credit = sum(abs(item.rest) for item in items if item.rest * owed < 0)
    if (abs(rest) + credit) * 5 < abs(owed) * 4:
        return False
    return day is None or any(item.issued_on is None or (item.issued_on - day).days <= AHEAD for item in equals)


def _doubt(receipt: Receipt, items: list[Item], fitting: list[Item]) -> float:
    """How likely, against one item of the amount, it is that one of the other sets of that sum is meant."""
    target = receipt.rest
    fits = {item.item_id for item in fitting}
    others = [item.rest for item in items if item.item_id not in fits]
    smaller = [amount for amount in others if (amount > 0) != (target > 0) or abs(amount) < abs(target)]
    if len(smaller) < 2:
        return 0.0
    found = SubsetSums(smaller).find(target, largest=_LARGEST, most=50)
    if not found.solutions:
        return 0.0
    count = len(items)
    one = PRIORS[0] / count
    weight = sum(PRIORS[solution.size - 1] / comb(count, solution.size) * solution.ways for solution in found.solutions)
    return weight / (weight + one)
