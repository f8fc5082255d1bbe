"""OFX 1.x (SGML) and 2.x (XML): bank and credit card statements.

One small reader for both, because of OFX only tags and texts matter: it knows no entities but those of single
characters, and no document types. Names are those of the OFX 1.6 and 2.3 specifications. OFX has a closing balance and
no opening one, so a statement cannot be footed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connectors.bank.statement import Money, Party, Statement, Transaction, decimal, joined, plain, told
from connectors.files.spool import Refused

_TOKEN = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9._]*)\s*(/?)>([^<]*)")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_NAMES = (
    "OFX|SIGNONMSGSRSV1|SONRS|STATUS|FI|BANKMSGSRSV1|CREDITCARDMSGSRSV1|STMTTRNRS|CCSTMTTRNRS|STMTRS|CCSTMTRS"
    "|BANKACCTFROM|CCACCTFROM|BANKTRANLIST|STMTTRN|LEDGERBAL|AVAILBAL|PAYEE|BANKACCTTO|CCACCTTO|CURRENCY|ORIGCURRENCY"
    "|BALLIST|BAL"
)
_GROUPS = frozenset(_NAMES.split("|"))
_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")

Tree = dict[str, Any]


def statements(text: str) -> Iterator[Statement]:
    """Every statement of the text. Raises ``Refused``."""
    start = text.upper().find("<OFX>")
    if start < 0 or "<!" in text.replace("<![CDATA[", ""):
        raise Refused("is no OFX: it has no <OFX>, or a document type")
    tree = _tree(re.sub(r"<!\[CDATA\[(.*?)\]\]>", lambda found: html.escape(found[1]), text[start:], flags=re.DOTALL))
    answers = [*_all(tree, "STMTTRNRS"), *_all(tree, "CCSTMTTRNRS")]
    found = [*_all(tree, "STMTRS"), *_all(tree, "CCSTMTRS")]
    for answer in answers:
        code = _first(answer, "STATUS").get("CODE", "0")
        if code != "0":
            raise Refused(f"holds an error of the bank (code {code}) and not a statement")
    if not found:
        raise Refused("holds no statement of a bank account or credit card")
    for item in found:
        yield _statement(item)


def _statement(item: Tree) -> Statement:
    account = _first(item, "BANKACCTFROM") or _first(item, "CCACCTFROM")
    name = "".join(f"{account.get('BANKID', '')}/{account.get('ACCTID', '')}".strip("/").split())
    made = Statement(name, str(item.get("CURDEF", "")).upper(), has_opening=False)
    if not account.get("ACCTID") or not made.currency:
        made.flaws.append("names no account or no currency")
    listed = _first(item, "BANKTRANLIST")
    made.opened_on, made.closed_on = _day(listed.get("DTSTART")) or "", _day(listed.get("DTEND")) or ""
    balance = _first(item, "LEDGERBAL")
    try:
        made.closing = decimal(balance["BALAMT"]) if balance.get("BALAMT") else None
    except ValueError:
        made.flaws.append("has a balance that is no amount")
    for number, entry in enumerate(_all(listed, "STMTTRN"), 1):
        try:
            transaction = _transaction(made, entry)
        except ValueError as error:
            made.flaws.append(f"has a transaction ({number}) whose {error}")
            continue
        made.transactions.append(transaction)
        made.total += transaction.signed
    return made


def _transaction(statement: Statement, entry: Tree) -> Transaction:
    try:
        amount: Decimal = decimal(str(entry.get("TRNAMT", "")))
    except ValueError:
        raise ValueError("amount (TRNAMT) is missing or none") from None
    booked = _day(entry.get("DTPOSTED"))
    if booked is None:
        raise ValueError("date (DTPOSTED) is missing or none")
    if not told(entry.get("FITID")):
        raise ValueError("id (FITID) is missing")
    if entry.get("CORRECTFITID"):
        raise ValueError("bank corrects an earlier one by it (CORRECTFITID); correct that by hand")
    foreign = _first(entry, "CURRENCY")
    if foreign.get("CURSYM", statement.currency) != statement.currency:
        raise ValueError("amount is in another currency than the statement")
    original = _first(entry, "ORIGCURRENCY")
    rate = original.get("CURRATE")
    texts = [line for name in ("NAME", "MEMO") if (line := entry.get(name))]
    account = _first(entry, "BANKACCTTO") or _first(entry, "CCACCTTO")
    return Transaction(
        account=statement.account,
        currency=statement.currency,
        amount=plain(amount),
        direction="out" if amount < 0 else "in",
        reversal=False,
        booked_on=booked,
        value_on=_day(entry.get("DTAVAIL")),
        reference=told(entry.get("FITID")),
        customer_reference=told(entry.get("CHECKNUM")) or told(entry.get("REFNUM")),
        counterparty=Party(
            _first(entry, "PAYEE").get("NAME") or entry.get("NAME"), account.get("ACCTID"), account.get("BANKID")
        ),
        remittance=joined(texts),
        remittance_lines=texts,
        has_remittance=bool(texts),
        code=entry.get("TRNTYPE"),
        instructed=Money(None, original["CURSYM"]) if original.get("CURSYM") else None,
        exchange_rate=rate,
    )


def _tree(text: str) -> Tree:
    """Groups as objects, lists of them under their names; in SGML a text ends where the next tag begins."""
    root: Tree = {}
    stack: list[tuple[str, Tree]] = [("", root)]
    for closing, given, empty, value in _TOKEN.findall(text):
        name = given.upper()
        if closing:
            if any(name == opened for opened, _ in stack[1:]):
                while stack[-1][0] != name:
                    stack.pop()
                stack.pop()
        elif name in _GROUPS and not empty:
            made: Tree = {}
            stack[-1][1].setdefault(f"{name}[]", []).append(made)
            stack.append((name, made))
        elif value.strip():
            stack[-1][1].setdefault(name, _unescaped(value.strip()))
    if len(stack) > 1:
        raise Refused(f"is cut off: <{stack[-1][0]}> has no end")
    return root


def _all(tree: Tree, name: str) -> Iterator[Tree]:
    """The groups of that name, however deep."""
    for key, items in tree.items():
        if key.endswith("[]"):
            for item in items:
                if key == f"{name}[]":
                    yield item
                yield from _all(item, name)


def _first(tree: Tree, name: str) -> Tree:
    """The first group of that name right below; an empty one if there is none."""
    found = tree.get(f"{name}[]")
    return found[0] if found else {}


def _day(stamp: Any) -> str | None:
    found = _DAY.match(str(stamp or ""))
    return f"{found[1]}-{found[2]}-{found[3]}" if found else None


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)
