"""Create draft sales once: the key stands in a marked line of the comment, and is looked for before each request.

A sale is filled in as Tryton's own client does it: ``on_change`` of the party gives addresses, payment term and
methods, that of a line's product gives unit and taxes. Prices are those of the quote. Tryton has no idempotency keys,
and a create sent twice makes two sales, so one whose answer was lost is never sent again at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from connectors.contract import NewRecord, Outcome, PushResult, RawRecord
from connectors.errors import ConnectorError, ContractError, TransientError
from connectors.rawjson import decode, parse
from connectors.redact import without_values
from connectors.tryton.errors import Refused
from connectors.tryton.note import read_key, write_key
from connectors.tryton.records import records
from connectors.tryton.rpc import Rpc
from connectors.tryton.streams import Stream

_AT_ONCE = 50
_PRICE = Decimal("0.0001")
"""Tryton's ``price_decimal``, unless an administrator has changed it: digits of a unit price."""
_COPIED = ("reference", "description")
_ids = msgspec.json.Decoder(list[int])
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Unfit(Exception):
    """The values cannot make a sale; nothing was sent."""


class Creator:
    """Creates sales over one session."""

    def __init__(self, rpc: Rpc, stream: Stream) -> None:
        self._rpc = rpc
        self._stream = stream

    def find(self, keys: Sequence[str]) -> dict[str, list[RawRecord]]:
        """The sales with these keys, cancelled ones too."""
        found: dict[str, list[RawRecord]] = {}
        for start in range(0, len(keys), _AT_ONCE):
            wanted = set(keys[start : start + _AT_ONCE])
            domain = ["OR", *([["comment", "ilike", f"%{key}%"]] for key in sorted(wanted))]
            for record in self._read([domain]):
                comment = decode(record.body).get("comment")
                key = read_key(comment) if isinstance(comment, str) else None
                if key in wanted:
                    found.setdefault(key, []).append(record)
        return found

    def create(self, new: Sequence[NewRecord]) -> Iterator[PushResult]:
        """Look for all of them, then make those that are not there, one by one."""
        there = self.find([record.key for record in new]) if new else {}
        for record in new:
            found = there.get(record.key)
            if found:
                yield PushResult(found[0].source_id, Outcome.UNCHANGED, record=found[0], key=record.key)
            else:
                yield self._made(record)

    def _made(self, record: NewRecord) -> PushResult:
        def no(outcome: Outcome, message: str) -> PushResult:
            return PushResult("", outcome, message, key=record.key)

        try:
            sale = self._sale(record)
        except Unfit as error:
            return no(Outcome.REJECTED, str(error))
        except Refused as error:
            return no(Outcome.REJECTED, without_values(error.reason, _encode(record.values)))
        except TransientError as error:
            return no(Outcome.RETRY, error.message)
        try:
            (number,) = parse(self._rpc.call(self._stream.model, "create", [sale], safe=False), _ids)
        except Refused as error:
            return no(Outcome.REJECTED, without_values(error.reason, _encode(record.values)))
        except TransientError as error:
            return self._settled(record, error) if error.sent else no(Outcome.RETRY, error.message)
        except (ContractError, ValueError) as error:
            # Tryton's answer to a failure of its own is told from an answer that cannot be read by looking.
            return self._settled(record, error)
        return PushResult(str(number), Outcome.APPLIED, record=self._after(number), key=record.key)

    def _settled(self, record: NewRecord, error: Exception) -> PushResult:
        """Find out what became of a request without an answer."""
        try:
            found = self.find([record.key]).get(record.key)
        except ConnectorError:
            found = None
        if not found:
            return PushResult("", Outcome.UNKNOWN, str(error), key=record.key)
        said = "No answer; looked for and found."
        return PushResult(found[0].source_id, Outcome.APPLIED, said, found[0], record.key)

    def _after(self, number: int) -> RawRecord | None:
        """The sale as it was made; a failure to read it does not unmake it."""
        try:
            found = self._read([["id", "=", number]])
        except ConnectorError:
            return None
        return next((record for record in found if record.source_id == str(number)), None)

    def _read(self, domain: list[Any]) -> list[RawRecord]:
        params = (domain, 0, None, [["id", "ASC"]], list(self._stream.fields))
        return records(self._rpc.call(self._stream.model, "search_read", *params))

    # What is sent

    def _sale(self, record: NewRecord) -> dict[str, Any]:
        """Tryton's values of the sale; raises ``Unfit``."""
        values = record.values
        company = self._rpc.context()["company"]
        sale = self._changed("sale.sale", {"company": company, "party": _id(values, "party"), "lines": []}, "party")
        if values.get("currency"):
            sale["currency"] = self._currency(str(values["currency"]))
        if values.get("sale_date"):
            sale["sale_date"] = _day(values["sale_date"])
        sale |= {name: values[name] for name in _COPIED if values.get(name)}
        parent = {name: sale.get(name) for name in ("party", "currency", "company")}
        lines = [self._line(number, line, parent) for number, line in enumerate(values.get("lines") or [], 1)]
        return {**sale, "comment": write_key(sale.get("comment"), record.key), "lines": [["create", lines]]}

    def _line(self, number: int, given: Mapping[str, Any], sale: Mapping[str, Any]) -> dict[str, Any]:
        quantity = given.get("quantity")
        if not isinstance(quantity, Decimal | int):
            raise Unfit(f"Line {number} has no quantity.")
        asked = {"type": "line", "product": _id(given, "product"), "quantity": quantity, "sale": dict(sale)}
        line = self._changed("sale.line", asked, "product")
        taxes = line.pop("taxes", None)
        for name in ("sale", "amount", "company"):  # the sale's own, and what Tryton computes
            line.pop(name, None)
        line |= {"sequence": number, "quantity": quantity, "unit_price": _decimal(_price(number, given))}
        line |= {"description": given["description"]} if given.get("description") else {}
        return {**line, "taxes": [["add", taxes]]} if taxes else line

    def _changed(self, model: str, values: dict[str, Any], field: str) -> dict[str, Any]:
        """What Tryton's client would fill in after somebody entered a field."""
        found = decode(self._rpc.call(model, "on_change", values, [field]))
        if not isinstance(found, dict):
            raise ContractError(f"Tryton did not tell what follows from {field}.")
        kept = {name: value for name, value in found.items() if not name.endswith(".") and value is not None}
        return {name: value for name, value in kept.items() if name != "lines"}

    def _currency(self, code: str) -> int:
        found = parse(self._rpc.call("currency.currency", "search", [["code", "=", code]]), _ids)
        if not found:
            raise Unfit(f"Tryton has no currency {code}. Add it there.")
        return found[0]


def _price(number: int, given: Mapping[str, Any]) -> Decimal:
    """The price of one unit after discount, with the digits that Tryton keeps; raises ``Unfit`` where it has more."""
    price, off = given.get("unit_price"), given.get("discount_rate") or Decimal(0)
    if not isinstance(price, Decimal):
        raise Unfit(f"Line {number} has no price.")
    exact = price * (1 - off)
    kept = exact.quantize(_PRICE, ROUND_HALF_UP)
    net = given.get("net_amount")
    if exact != kept and not (isinstance(net, Decimal) and _comes_to(kept * given["quantity"], net)):
        raise Unfit(f"Line {number}: a price after discount with more than four decimals. Enter the order by hand.")
    return kept


def _comes_to(amount: Decimal, net: Decimal) -> bool:
    return amount.quantize(net, ROUND_HALF_UP) == net


def _id(values: Mapping[str, Any], name: str) -> int:
    given = str(values.get(name) or "")
    if not given.isdecimal():
        raise Unfit(f"No {name} of Tryton is given.")
    return int(given)


def _day(given: Any) -> dict[str, Any]:
    try:
        day = date.fromisoformat(str(given)[:10])
    except ValueError:
        raise Unfit("sale_date is no day.") from None
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _decimal(value: Decimal) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": format(value, "f")}
