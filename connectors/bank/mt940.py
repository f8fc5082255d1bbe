"""MT940 (SWIFT customer statement), read by the package mt-940, block by block, with a check that no line got lost."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.bank.details import Details, parsed
from connectors.bank.statement import Party, Statement, Transaction, joined, plain, told
from connectors.files.spool import Refused

NO_STATEMENT = "is no bank statement: neither CAMT.053 nor OFX, and without the `:20:` of MT940"
"""What is said of a file that is of no format: MT940, which has no head of its own, is tried last."""
_BLOCK = re.compile(r"(?m)^(?=:20:)")
_LINE = re.compile(r"(?m)^:61:")
_HEAD = re.compile(r"(?ms)^:6[01].*")
"""Everything but what says which statement it is."""
_AFTER = re.compile(r"(?ms)^(:62[FM]:[^\n]*).*")
"""After the closing balance come other balances, and notes that would be taken for the last transaction's."""


def statements(text: str) -> Iterator[Statement]:
    """Every statement of the text. Raises ``Refused`` if there is none."""
    blocks = _BLOCK.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    if not any(block.startswith(":20:") for block in blocks):
        raise Refused(NO_STATEMENT)
    for block in blocks:
        if block.startswith(":20:"):
            yield _statement(_AFTER.sub(r"\1", block))


def _statement(block: str) -> Statement:
    import mt940.tags

    made = Statement("", "")
    parsed_block = _parsed(block, None)
    if parsed_block is None:
        # ASN and its sisters write the other account into the reference, which is too long for it.
        parsed_block = _parsed(block, mt940.tags.StatementASNB())
    if parsed_block is None:
        made.flaws.append("cannot be read: it has a field that is not as MT940 has it")
        block = _HEAD.sub("", block)
        parsed_block = _parsed(block, None)
    if parsed_block is None:
        return made
    data = parsed_block.data
    made.account = "".join(str(data.get("account_identification") or "").split())
    made.identification = str(data.get("transaction_reference") or "")
    made.number, made.page = _whole(data.get("statement_number")), _whole(data.get("sequence_number"))
    _balances(made, data)
    # Some banks give every statement the same reference.
    made.identification = f"{made.identification} {made.closed_on} {made.opening} {made.closing}"
    if not made.account:
        made.flaws.append("names no account")
    if len(parsed_block) != len(_LINE.findall(block)):
        made.flaws.append("has `:61:` lines that are not as MT940 has them")
    if made.flaws:
        return made
    for item in parsed_block:
        transaction = _transaction(made, item.data)
        made.transactions.append(transaction)
        made.total += transaction.signed
    return made


def _parsed(block: str, lines: Any) -> Any:
    """What mt-940 makes of a block, ``lines`` being its rule for `:61:`; ``None`` if it can make nothing of it."""
    import mt940.models
    import mt940.options
    import mt940.processors

    # It would write what it cannot read, and so people's names, to the log.
    log = logging.getLogger("mt940")
    log.propagate = False
    log.handlers = [logging.NullHandler()]
    steps: list[Any] = [_keep, mt940.processors.transaction_details_post_processor]
    made = mt940.models.Transactions(
        processors={"post_transaction_details": steps},
        tags=None if lines is None else {lines.id: lines},
        options=mt940.options.Options.all(),
    )
    try:
        made.parse(block)
    except (ValueError, RuntimeError, InvalidOperation, TypeError, KeyError, AttributeError, IndexError):
        return None
    return made


def _keep(_transactions: Any, _tag: Any, given: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """The details as they are written, besides what is made of them."""
    return {**result, "written_details": given.get("transaction_details") or ""}


def _balances(made: Statement, data: dict[str, Any]) -> None:
    for kind, day in (("opening", "opened_on"), ("closing", "closed_on")):
        names = (f"final_{kind}_balance", f"intermediate_{kind}_balance", f"{kind}_balance")
        found = next((data[name] for name in names if data.get(name) is not None), None)
        if found is None:
            continue
        setattr(made, kind, found.amount.amount)
        setattr(made, day, str(found.date))
        currency = str(found.amount.currency or "")
        if made.currency and currency != made.currency:
            made.flaws.append(f"opens in {made.currency} and closes in {currency}")
        made.currency = made.currency or currency


def _transaction(statement: Statement, data: dict[str, Any]) -> Transaction:
    amount: Decimal = data["amount"].amount
    mark = str(data.get("status") or "").upper()
    # Of a statement without an entry date the value date is all that is known.
    booked = str(data.get("entry_date") or data["date"])
    details: Details = parsed(data)
    # That of `:61:` may say that the one that counts is in `:86:`; then both are here.
    given = (told(line) for line in str(data.get("customer_reference") or "").split("\n"))
    customer = next((line for line in given if line is not None and line != "KREF+"), None)
    return Transaction(
        account=statement.account,
        currency=statement.currency,
        amount=plain(amount),
        direction="out" if mark in ("D", "RC") else "in",
        reversal=mark.startswith("R"),
        booked_on=booked,
        value_on=str(data["date"]),
        reference=told(data.get("bank_reference")),
        end_to_end_id=details.end_to_end_id,
        customer_reference=customer or details.customer_reference,
        mandate_id=details.mandate_id,
        other_references={},
        counterparty=Party(details.name, details.account, details.bank),
        remittance=joined([details.remittance or ""]),
        remittance_lines=details.lines,
        has_remittance=bool(details.remittance),
        code=str(data.get("id") or "") or None,
        return_reason=details.return_reason,
        note=details.note or told(data.get("extra_details")),
    )


def _whole(number: Any) -> int | None:
    plain_number = str(number or "")
    return int(plain_number) or None if plain_number.isdigit() else None
