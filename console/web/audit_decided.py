"""What entries of the audit are about: documents by their numbers, findings by titles, amounts with currencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from console import cash as shown
from console.web.finding_words import title
from reconciliation.rules import Rules
from state import cash, findings, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from console.web.desk import Visit
    from state.audit import Entry
    from state.findings import Finding

_CASH, _LINK = "cash ", "link "
_ONE_RECORD = {"order ": "order", "record ": "record"}
"""How actions begin that are about one record, and what of the detail is its id."""
_FIRST = (
    *("kind", "finding", "receipt", "items", "differences", "order", "order_id", "left", "right", "record"),
    *("system", "systems", "systems before", "stream", "streams", "period", "revision", "plan", "connector"),
    *("member", "name", "view", "source_id", "file", "field", "fields", "path", "was", "before", "after"),
    *("choice", "result", "roles", "roles before", "assignee", "waived_until", "due_on", "removed"),
)
"""What is told first of an entry: what it is about, what became of it. The audit keeps its details by the alphabet."""
_LAST = ("reason", "why", "because", "change", "run", "id", "key", "figures", "inputs", "sha256")
"""What is told last: why, and what only a program compares."""
_CALLED = ("party", "product", "opportunity")
"""What people call by a name, not by a number."""
_MOST, _SHORT = 10, 10


class Part(NamedTuple):
    """A part of a detail: what it is called (nothing: as the part before), what it is, and the page that shows it."""

    name: str
    value: str
    address: str


class Known(NamedTuple):
    """What entries name, by id: records as ``state.named`` has them, the currencies of documents, and findings.

    ``names`` are those of customers and what else is linked and has one.
    """

    records: dict[int, dict[str, Any]]
    currencies: dict[int, str | None]
    findings: dict[str, Finding]
    names: dict[int, str]


def known(connection: Connection, entries: Sequence[Entry]) -> Known:
    """The records and findings of all these entries at once."""
    ids = {number for item in entries for number in _ids(item)}
    of_cash = {number for item in entries if item.action.startswith(_CASH) for number in _ids(item)}
    about = sorted({found for item in entries if isinstance(found := item.detail.get("finding"), str)})
    records = named.records(connection, ids) if ids else {}
    linked = {number for item in entries if item.action.startswith(_LINK) for number in _ids(item)}
    called = {number: records[number]["entity"] for number in linked if number in records}
    return Known(
        records,
        cash.currencies(connection, sorted(of_cash)) if of_cash else {},
        {item.id: item for item in findings.of_ids(connection, about)},
        named.titles(connection, {number: entity for number, entity in called.items() if entity in _CALLED}),
    )


def told(visit: Visit, action: str, name: str, value: Any, detail: dict[str, Any], of: Known) -> list[tuple[str, str]]:
    """A part of an entry as values with their pages; nothing for what names no record that is still known."""
    if name == "finding" and value in of.findings:
        return [finding(visit, value, of)]
    if any(action.startswith(begin) and name == key for begin, key in _ONE_RECORD.items()):
        return [_record(value, of)]
    if action.startswith(_LINK) and name in ("left", "right"):
        return [_linked(value, of)] if value in of.records else []
    if not action.startswith(_CASH):
        return []
    if name == "receipt" and value in of.records:
        return [(_record(value, of)[0], f"/cash?receipt={value}")]
    if name == "items" and isinstance(value, list):
        return _first(visit, [_item(one, detail.get("receipt"), of) for one in value])
    if name == "differences" and isinstance(value, list):
        return _first(visit, [_difference(visit, one, detail.get("receipt"), of) for one in value])
    return []


def finding(visit: Visit, id: str, of: Known) -> tuple[str, str]:
    """A finding as the check's title with the number of its first record that has one, and its page."""
    address = f"/findings/{quote(id, safe='')}"
    found = of.findings.get(id)
    if found is None:
        return f"{id[:_SHORT]}…", address
    said = title(found.check_id, visit.lang, Rules.of(visit.desk.settings).own_words())
    number = next((record.number for record in found.records if record.number), "")
    return (visit.texts.pair(said, number) if number else said), address


def ordered(detail: dict[str, Any]) -> dict[str, Any]:
    """A detail as people tell it: what it is about, what became of it, why, and what only a program compares."""
    return {name: detail[name] for name in sorted(detail, key=_place)}


def _place(name: str) -> tuple[int, int]:
    if name in _FIRST:
        return 0, _FIRST.index(name)
    return (2, _LAST.index(name)) if name in _LAST else (1, 0)


def _ids(item: Entry) -> Iterator[int]:
    """The records that an entry names."""
    if item.action.startswith(_LINK):
        yield from _numbers(item.detail.get(name) for name in ("left", "right"))
    elif item.action.startswith(_CASH):
        rows = [*_rows(item.detail.get("items")), *_rows(item.detail.get("differences"))]
        yield from _numbers([item.detail.get("receipt"), *(row[0] for row in rows if row)])
    for begin, name in _ONE_RECORD.items():
        if item.action.startswith(begin):
            yield from _numbers([item.detail.get(name)])


def _numbers(values: Iterable[Any]) -> Iterator[int]:
    yield from (value for value in values if isinstance(value, int) and not isinstance(value, bool))


def _rows(value: Any) -> list[list[Any]]:
    """What a decision lists: ids, or rows that begin with one."""
    return [one if isinstance(one, list) else [one] for one in value] if isinstance(value, list) else []


def _record(number: Any, of: Known) -> tuple[str, str]:
    """What people call a record, and its chain; its id, as ``ltc`` takes it, where it is not known any more."""
    record = of.records.get(number)
    if record is None:
        return str(number), ""
    called = shown.called(record)
    return f"{record['system']} {called}", f"/trace?text={quote(called, safe='')}"


def _linked(number: int, of: Known) -> tuple[str, str]:
    """A record of a link: a customer by its name with its page, anything else as ``_record``."""
    called, address = _record(number, of)
    name = of.names.get(number)
    if name is None:
        return called, address
    is_customer = of.records[number]["entity"] == "party"
    return f"{of.records[number]['system']} {name}", f"/customers/{number}" if is_customer else address


def _item(row: Any, receipt: Any, of: Known) -> tuple[str, str]:
    """An item, and how much of it is settled; where the money is of another currency, how much of that, too."""
    if not isinstance(row, list):
        return _record(row, of)
    item, applied, spent = row
    called, address = _record(item, of)
    theirs, money = of.currencies.get(item), of.currencies.get(receipt)
    same = (applied, theirs) == (spent, money)
    return f"{called} {_amount(applied, theirs)}{'' if same else f' = {_amount(spent, money)}'}", address


def _difference(visit: Visit, row: list[Any], receipt: Any, of: Known) -> tuple[str, str]:
    """What explains a part of the money, how much, and of which item where it is of one."""
    item, kind, amount = row
    said = f"{visit.texts.name('split.kinds', kind)} {_amount(amount, of.currencies.get(receipt))}"
    if item is None:
        return said, ""
    called, address = _record(item, of)
    return f"{said} ({called})", address


def _amount(amount: int, currency: str | None) -> str:
    return shown.money(amount, currency) if currency else str(amount)


def _first(visit: Visit, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of many the first ones, and how many more there are."""
    if len(parts) <= _MOST:
        return parts
    last, address = parts[_MOST - 1]
    more = visit.texts("audit.told.more", text=last, count=f"{len(parts) - _MOST:,}")
    return [*parts[: _MOST - 1], (more, address)]
