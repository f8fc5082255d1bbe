"""The demo company's statements: CAMT.053, one for each account and month, in a folder."""

from __future__ import annotations

import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from sandbox.bank.statements import Entry, Sheet, camt
from sandbox.world.records import BankLine, World

_ACCOUNTS = {"CNY": "6217003810012345678", "USD": "8110701012345678901", "EUR": "8110702012345678902"}
_ACCOUNTS["JPY"] = "8110703012345678903"
_OPENING = Decimal("2500000")
_SETTLED_SECONDS = 3600
"""So long ago a file was last changed: nobody waits for a file that has been there for an hour."""


def write(world: World, folder: Path) -> None:
    """Write all statements, from the month of the first line to that of the company's last day."""
    folder.mkdir(parents=True, exist_ok=True)
    for currency, account in _ACCOUNTS.items():
        lines = [line for line in world.bank_lines if line.currency == currency]
        balance = _OPENING
        for number, (begin, end) in enumerate(_months(world.bank_lines[0].booked_on, world.as_of.date()), 1):
            sheet = Sheet(account, number, end, balance, _entries(lines, begin, end), currency)
            balance = sheet.closing
            path = folder / f"{currency}-{end:%Y-%m}.xml"
            path.write_bytes(camt(sheet))
            then = path.stat().st_mtime - _SETTLED_SECONDS
            os.utime(path, (then, then))


def _entries(lines: list[BankLine], begin: date, end: date) -> list[Entry]:
    return [
        Entry(line.reference, line.amount, line.text, line.outgoing, line.party, line.booked_on)
        for line in lines
        if begin <= line.booked_on <= end
    ]


def _months(first: date, last: date) -> list[tuple[date, date]]:
    """First and last day of each month."""
    found, begin = [], first.replace(day=1)
    while begin <= last:
        after = (begin + timedelta(days=32)).replace(day=1)
        found.append((begin, after - timedelta(days=1)))
        begin = after
    return found
