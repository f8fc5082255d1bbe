"""What ``ltc check`` says of a folder of bank statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from connectors.bank.config import BankConfig
from connectors.bank.memory import Memory, account_key
from connectors.bank.mt940 import NO_STATEMENT
from connectors.bank.reading import BankReader
from connectors.bank.statement import Statement, masked
from connectors.contract import CallStats, CheckLine
from connectors.files.folder import Entry, Folder
from connectors.files.spool import Refused, copied

_MOST_FILES = 200
_SHOWN = 5
_ASK = "Ask the bank for what is missing or damaged, and put it into the folder."
_ELSEWHERE = "Check folder and patterns: none of these files is a bank statement."


@dataclass(slots=True)
class _Account:
    """What is there of one account."""

    name: str
    currency: str
    statements: list[Statement] = field(default_factory=list)


def checked(
    stream: str, config: BankConfig, folder: Folder, listed: Sequence[Entry], reader: BankReader, stats: CallStats
) -> CheckLine:
    """Read the newest files, keep nothing. Raises ``ConnectorError``."""
    if not listed:
        remedy = f"Files must match {', '.join(config.patterns)}; hidden ones and those ending in .part do not count."
        return CheckLine(stream, True, f"no files in {folder.where}", remedy, can_read=True, can_write=False)
    newest = listed[-_MOST_FILES:]
    formats: dict[str, int] = {}
    problems: list[str] = []
    accounts: dict[str, _Account] = {}
    memory = Memory()
    for entry in newest:
        try:
            with copied(folder, entry, config.limits.file_mb * 1024 * 1024, stats) as spool:
                if spool is None:
                    continue
                found = reader.parse(spool) if entry.size else None
        except Refused as refused:
            problems.append(f"{entry.name}: {refused.reason}")
            continue
        if found is None:
            problems.append(f"{entry.name}: is empty")
            continue
        shown = f"{found.format}/{found.encoding}"
        formats[shown] = formats.get(shown, 0) + 1
        for statement in found.statements:
            reason = reader.flaw(statement)
            if reason is not None:
                problems.append(f"{entry.name}: {reason}")
                continue
            memory.add(statement)
            account = accounts.setdefault(account_key(statement), _Account(statement.account, statement.currency))
            account.statements.append(statement)
    told = [_account(account) for account in accounts.values()]
    for account in accounts.values():
        problems += [reason for _, reason in memory.missing_before(account.statements[0])]
    read = ", ".join(f"{count:,} {name}" for name, count in formats.items()) or "none readable"
    detail = f"{len(listed):,} files ({read})"
    wrong = [item.rstrip(".") for item in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        wrong.append(f"and {len(problems) - _SHOWN:,} more")
    told += [f"To be mended: {'; '.join(wrong)}"] if wrong else []
    detail = ". ".join([detail, *told]) + "."
    remedy = ""
    if problems:
        strange = not formats and all(item.endswith(NO_STATEMENT) for item in problems)
        remedy = _ELSEWHERE if strange else _ASK
    return CheckLine(stream, not problems, detail, remedy, can_read=bool(accounts), can_write=False)


def _account(account: _Account) -> str:
    days = sorted(item.closed_on for item in account.statements)
    count = sum(len(item.transactions) for item in account.statements)
    overlapping = _overlaps(account.statements)
    last = max(account.statements, key=lambda item: item.closed_on)
    made = "transactions" if last.closing is None else f"transactions, closing with {last.closing:,f}"
    overlaps = f" {overlapping:,} of them overlapping others," if overlapping else ""
    return (
        f"Account {masked(account.name)} in {account.currency}: {len(days):,} statements,{overlaps} {days[0]} to "
        f"{days[-1]}, {count:,} {made}"
    )


def _overlaps(statements: Sequence[Statement]) -> int:
    ordered = sorted(statements, key=lambda item: (item.closed_on, item.opened_on))
    return sum(after.opened_on < before.closed_on for before, after in pairwise(ordered))
