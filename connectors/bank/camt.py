"""CAMT.053 (ISO 20022 bank-to-customer statement), versions 001.01 to 001.13, read statement by statement.

Element names are those of the published schemas; versions differ in a few places only, and both spellings are looked
for. What XML can do beyond a statement is refused: document types, entities, nesting without end.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from connectors.bank.camtdetails import transactions_of
from connectors.bank.camtxml import children, local, path, text
from connectors.bank.statement import Statement, decimal
from connectors.files.spool import Refused

_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d\}")
_ANY_NAMESPACE = re.compile(r"camt\.\d{3}\.\d{3}\.\d\d")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["'][^>]*\?>""")
_DEEPEST = 60
_DIRECT = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "utf-16", "iso-8859-1"})
"""Encodings that the XML parser reads itself."""


def statements(file: IO[bytes]) -> Iterator[Statement]:
    """Every statement of the file. Raises ``Refused``."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    depth, found, seen = 0, 0, ""
    reading: _Reading | None = None
    try:
        for event, element in iterparse(_readable(file), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                depth += 1
                if depth > _DEEPEST:
                    raise Refused("is nested deeper than any statement")
                known = _ANY_NAMESPACE.search(element.tag)
                seen = seen or (known[0] if known else "")
                if reading is None and local(element) == "Stmt" and _NAMESPACE.match(element.tag):
                    reading = _Reading(element, depth)
                continue
            depth -= 1
            if reading is None:
                continue
            if depth == reading.depth and local(element) == "Ntry":
                reading.take(element)
            elif element is reading.element:
                found += 1
                yield reading.statement()
                element.clear()
                reading = None
    except DefusedXmlException:
        raise Refused("has a document type or entities, which no statement needs") from None
    except (ParseError, ValueError) as error:
        where = getattr(error, "position", None)
        raise Refused(f"is no complete XML (line {where[0]})" if where else "is no complete XML") from None
    if not found:
        raise Refused(f"is {seen or 'XML of another kind'}, no statement (camt.053)")


def _readable(file: IO[bytes]) -> IO[bytes]:
    """The file as the XML parser reads it: it knows no Chinese encodings. Raises ``Refused``."""
    file.seek(0)
    declared = _DECLARED.match(file.read(200))
    file.seek(0)
    if declared is None or declared[1].decode().lower() in _DIRECT:
        return file
    name = declared[1].decode()
    codec = "gb18030" if name.lower() in ("gbk", "gb2312") else name
    body = file.read()
    try:
        content = body.decode(codec).encode()
    except LookupError:
        raise Refused(f"says that it is in {name}, which is no encoding") from None
    except UnicodeDecodeError as error:
        raise Refused(f"says that it is in {name}, but byte {error.start + 1} does not fit") from None
    return io.BytesIO(content[content.index(b"?>") + 2 :])


class _Reading:
    """A statement as it is read: its entries are let go one by one, so that a long one needs little memory."""

    def __init__(self, element: Element, depth: int) -> None:
        self.element = element
        self.depth = depth
        self._made: Statement | None = None
        self._entries = 0

    def take(self, entry: Element) -> None:
        """Take in an entry; the schema has account and balances come before it."""
        made = self._begun()
        self._entries += 1
        try:
            total, found = transactions_of(entry, made)
        except ValueError as error:
            made.flaws.append(f"has an entry ({self._entries}) whose {error}")
        else:
            made.total += total
            made.transactions += found
        self.element.remove(entry)

    def statement(self) -> Statement:
        """The statement, when its end is reached."""
        return self._begun()

    def _begun(self) -> Statement:
        if self._made is None:
            self._made = _begun(self.element)
        return self._made


def _begun(element: Element) -> Statement:
    """A statement without its entries."""
    account = text(element, "Acct/Id/IBAN") or text(element, "Acct/Id/Othr/Id") or text(element, "Acct/Id/PrtryAcct/Id")
    balances = [_balance(item) for item in children(element, "Bal")]
    currency = text(element, "Acct/Ccy") or next((item["currency"] for item in balances if item["currency"]), "")
    made = Statement("".join((account or "").split()), currency, text(element, "Id") or "")
    made.number = _whole(text(element, "ElctrncSeqNb") or text(element, "LglSeqNb"))
    made.page = _whole(text(element, "StmtPgntn/PgNb"))
    if not account:
        made.flaws.append("names no account")
    _balances(made, balances)
    made.opened_on = (text(element, "FrToDt/FrDtTm") or text(element, "FrToDt/FrDt") or made.opened_on)[:10]
    made.closed_on = made.closed_on or (text(element, "FrToDt/ToDtTm") or text(element, "CreDtTm") or "")[:10]
    return made


def _balances(made: Statement, balances: list[dict[str, Any]]) -> None:
    """A page in the middle begins and ends with interim balances, of which the order tells which is which."""
    broken = next((item for item in balances if item["amount"] is None), None)
    if broken is not None:
        made.flaws.append("has a balance without an amount")
        return
    interim = [item for item in balances if item["kind"] == "ITBD"]
    named = {item["kind"]: item for item in reversed(balances)}
    first = named.get("OPBD") or named.get("PRCD") or (interim[0] if interim else None)
    last = named.get("CLBD") or (interim[-1] if interim and interim[-1] is not first else None)
    for item in (first, last):
        if item is not None and item["currency"] != made.currency:
            made.flaws.append(f"is in {made.currency}, but has a balance in {item['currency']}")
            return
    if first is not None:
        made.opening, made.opened_on = first["amount"], first["on"]
    if last is not None:
        made.closing, made.closed_on = last["amount"], last["on"]


def _balance(element: Element) -> dict[str, Any]:
    kind = text(element, "Tp/CdOrPrtry/Cd") or text(element, "Tp/Cd")
    amount = path(element, "Amt")
    value: Decimal | None = None
    if amount is not None:
        try:
            value = decimal(amount.text or "")
        except ValueError:
            value = None
    if value is not None and text(element, "CdtDbtInd") == "DBIT":
        value = -value
    on = text(element, "Dt/Dt") or text(element, "Dt/DtTm") or ""
    return {"kind": kind, "amount": value, "currency": amount.get("Ccy") if amount is not None else "", "on": on[:10]}


def _whole(number: str | None) -> int | None:
    plain = (number or "").strip()
    return int(plain) or None if plain.isascii() and plain.isdigit() and len(plain) < 19 else None
