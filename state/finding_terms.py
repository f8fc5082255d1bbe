"""What findings are found by: numbers and ids of their records, words, customers and exact amounts, kept beside them.

Written for the findings that a run opens, changes or reopens, in sets. ``term`` is lower case; one of Chinese,
Japanese or Korean text is there from each of its characters on, so that the beginning of a term is any part of it.
What a parameter says by a code, which each language words its own way, is there as ``state=paid`` (its kind before it:
``word``, ``state``, ``entity``, ``line``, ``kind``, or the entity that a status is of); nobody can type such a term.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from unicodedata import normalize

from sqlalchemy import ColumnElement, Select, and_, delete, false, or_, select, union
from sqlalchemy.engine import Connection

from mappings.currencies import EXPONENTS
from mappings.model import ENTITIES, Kind, columns
from state import bulk, chains, schema
from state.schema import finding as findings
from state.schema import finding_amount as amounts
from state.schema import finding_record as records
from state.schema import finding_term as terms

LONGEST = 60
"""Characters of a term; what is longer is found by its beginning."""
_LONGEST_RUN = 12
"""Characters of a term of Chinese, Japanese or Korean text."""
_MOST_TERMS = 60
"""Of one finding: one about a thousand records is not found by each of them."""
_MOST_WORDS = 8
"""Of what somebody looks for."""
_LARGEST = 2**63
_UNKNOWN = -1
_BATCH = 2_000
_DENSE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUN = re.compile(rf"[{_DENSE}]+|[^\W_{_DENSE}]+")
_NUMBER = re.compile(r"(?=\S*\d)(?=\S*[^\W\d_]|\S*\d\S*\d)\S*[\-/_.#:]\S*")
_DIGITS = re.compile(r"\d{3,}")
_MARKS = "()[]{}\"'“”‘’（）【】《》,，;；、。.!?！？:："
_SILENT = ("_on", "_state", "_status", "_words", "_kinds", "_name", "_currency", "_lines", "_of", "_money")
"""Parameters that no words are looked for in as they are."""
_BY_CODE = {"words": "word", "kinds": "kind"}
NO_CODES: Mapping[str, Sequence[str]] = MappingProxyType({})
_PLACES = sorted({*EXPONENTS.values(), 2})
_FINDING = ("id", "amount", "currency", "base_amount", "params")


@dataclass(slots=True)
class Known:
    """What findings are found by, as rows to write, and the customer of each that has one."""

    customers: dict[str, str] = field(default_factory=dict)
    terms: set[bulk.Row] = field(default_factory=set)
    amounts: set[bulk.Row] = field(default_factory=set)


def known(
    connection: Connection, found: Sequence[bulk.Row], about: Sequence[bulk.Row], kept: dict[str, str] | None = None
) -> Known:
    """What these findings are found by.

    Rows of ``found``: id, amount, currency, base amount, params; of ``about``: finding id, n, record id, system,
    entity, source id, number, url. ``kept`` are customers that stay as they are; without it they are looked up.
    """
    shown = _Shown(connection, about)
    result = Known(shown.customers(about) if kept is None else kept)
    said: dict[str, dict[str, None]] = {row[0]: {} for row in found}
    for id, _, record_id, _, _, source_id, number, _ in about:
        into = said.get(id)
        if into is None:
            continue
        for name in (number, source_id):
            if name:
                into.update(dict.fromkeys(_of_number(name)))
        result.amounts.update((amount, digits, id) for amount, digits in shown.money.get(record_id, ()))
    for id, amount, currency, base_amount, params in found:
        values = json.loads(params)
        into = said[id]
        for text in _texts(values):
            into.update(dict.fromkeys(_of_text(text)))
        into.update(dict.fromkeys(_of_text(result.customers.get(id, ""))))
        into.update(dict.fromkeys(_codes(values)))
        result.amounts.update((*one, id) for one in _money(amount, currency, base_amount, values))
    for id, each in said.items():
        result.terms.update((term, id) for term in list(each)[:_MOST_TERMS])
    return result


def write(connection: Connection, ids: Iterable[str], what: Known) -> None:
    """Let these findings be found by this, and by nothing else."""
    old = list(ids)
    for table in (terms, amounts):
        bulk.delete(connection, table, "finding_id", old)
    bulk.insert(connection, terms, ("term", "finding_id"), sorted(what.terms))
    bulk.insert(connection, amounts, ("amount", "digits", "finding_id"), sorted(what.amounts))


def rebuild(connection: Connection) -> None:
    """Write everything anew from the findings as they are: after an erasure, nobody is found by what was erased."""
    for table in (terms, amounts):
        connection.execute(delete(table))
    ids = list(connection.execute(select(findings.c.id).order_by(findings.c.id)).scalars())
    names = [column.name for column in records.columns]
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        rows = bulk.select(connection, findings, "id", some, (*_FINDING, "customer"))
        about = bulk.select(connection, records, "finding_id", some, names)
        customers = {row[0]: row[-1] for row in rows if row[-1]}
        write(connection, (), known(connection, [row[:-1] for row in rows], about, customers))


def holding(
    text: str,
    codes: Mapping[str, Sequence[str]] = NO_CODES,
    ways: Iterable[tuple[Sequence[str], str]] = (),
) -> ColumnElement[bool]:
    """The condition that a finding is found by what somebody typed: a number, an id, words, an amount.

    ``codes`` are the codes that stand for a word, lower case, in a language. ``ways`` are checks whose own words are in
    the text (none: any check), each with what else is in it: their findings are found that hold that.
    """
    ids, said = _holding(text, codes), []
    for checks, rest in ways:
        if not rest:
            said.append(findings.c.check_id.in_(checks))
        for query in _holding(rest, codes):
            of = findings.alias()
            ids.append(select(of.c.id).where(of.c.check_id.in_(checks), of.c.id.in_(query)) if checks else query)
    # One list of ids, because a choice between several lets the databases go through all findings.
    return or_(*said, findings.c.id.in_(union(*ids)) if ids else false())


def _holding(text: str, codes: Mapping[str, Sequence[str]]) -> list[Select[Any]]:
    """The ids of the findings that hold a text, in one of these ways."""
    found: list[Select[Any]] = []
    whole = _plain(text)
    parts = _wanted(whole)
    if whole and not (len(parts) == 1 and whole.startswith(parts[0])):
        found.append(select(terms.c.finding_id).where(_begins(whole[:LONGEST])))
    if parts:
        # The databases begin with the innermost: letters begin more terms than digits, and short parts more than long.
        first, *more = (select(terms.c.finding_id).where(_says(part, codes)) for part in sorted(parts, key=_rareness))
        found.append(first.where(*(terms.c.finding_id.in_(other) for other in more)))
    if asked := exact(text):
        match = [and_(amounts.c.amount == value, amounts.c.digits.in_((digits, _UNKNOWN))) for value, digits in asked]
        found.append(select(amounts.c.finding_id).where(or_(*match)))
    if len(whole) >= 6 and re.fullmatch(r"[0-9a-f]+", whole):
        same = findings.alias()
        found.append(select(same.c.id).where(same.c.id >= whole, same.c.id < f"{whole}g"))
    return found


def exact(text: str) -> list[tuple[int, int]]:
    """What a text is as an amount, of either sign: minor units by decimals of a currency.

    Of dot and comma the last is the decimal sign; one that stands alone before three digits may be either.
    """
    plain = re.sub(r"[\s\u00a0'’]", "", normalize("NFKC", text)).lstrip("¥$€£+-")
    plain = re.sub(r"^[A-Za-z]{3}|[A-Za-z]{3}$", "", plain)
    if not re.fullmatch(r"[\d.,]{1,24}", plain):
        return []
    found = set()
    for number in _readings(plain):
        for digits in _PLACES:
            units = number.scaleb(digits)
            if units == units.to_integral_value() and units < _LARGEST:
                found |= {(int(units), digits), (-int(units), digits)}
    return sorted(found)


def _readings(plain: str) -> Iterator[Decimal]:
    for thousands, point in ((",", "."), (".", ",")):
        grouped = re.fullmatch(rf"(\d{{1,3}}(?:\{thousands}\d{{3}})+|\d+)(?:\{point}(\d+))?", plain)
        loose = re.fullmatch(rf"([\d{thousands}]+)\{point}(\d+)", plain) if not grouped else None
        if match := grouped or loose:
            try:
                yield Decimal(f"{match[1].replace(thousands, '')}.{match[2] or '0'}")
            except InvalidOperation:
                continue


def present_customers(connection: Connection, about: Sequence[bulk.Row]) -> dict[str, str]:
    """The customers of findings by their id as their records name them now; ``about`` as ``known`` takes it.

    What is kept beside a finding is as it was when the finding last changed.
    """
    return _Shown(connection, about).customers(about)


class _Shown:
    """The canonical rows behind records: money and customers."""

    def __init__(self, connection: Connection, about: Sequence[bulk.Row]) -> None:
        self._connection = connection
        self.money: dict[int, list[tuple[int, int]]] = {}
        self._party: dict[int, tuple[str, str]] = {}
        self._names: dict[int, str] = {}
        by_entity: dict[str, set[int]] = {}
        for row in about:
            if row[4] in schema.canonical:
                by_entity.setdefault(row[4], set()).add(row[2])
        for entity, ids in by_entity.items():
            self._read(entity, sorted(ids))

    def customers(self, about: Sequence[bulk.Row]) -> dict[str, str]:
        """The name of the customer by finding: of the first record that names one."""
        refs = set(self._party.values())
        named = chains.parties(self._connection, [(system, ref[3:]) for system, ref in refs if ref[:3] == "id:"])
        found = {(system, f"id:{source_id}"): party.name for (system, source_id), party in named.items()}
        found |= self._by_number([(system, ref[3:]) for system, ref in refs if ref[:3] == "no:"])
        result: dict[str, str] = {}
        for row in sorted(about, key=lambda row: (row[0], row[1])):
            name = self._names.get(row[2]) or found.get(self._party.get(row[2], ("", "")))
            if name:
                result.setdefault(row[0], name)
        return result

    def _read(self, entity: str, ids: list[int]) -> None:
        table = schema.canonical[entity]
        priced = [item.name for item in columns(ENTITIES[entity]) if item.kind is Kind.MONEY]
        more = [name for name in ("party_ref", "company_name") if name in table.c]
        if entity == "party":
            more = ["name", "kind"]
        names = ("record_id", "system", "currency", *priced, *more)
        for row in bulk.select(self._connection, table, "record_id", ids, names):
            record_id, system, currency = row[:3]
            digits = EXPONENTS.get(currency or "", 2)
            if money := [(value, digits) for value in row[3 : 3 + len(priced)] if value]:
                self.money[record_id] = money
            said = dict(zip(more, row[3 + len(priced) :], strict=True))
            if said.get("party_ref"):
                self._party[record_id] = (system, said["party_ref"])
            name = said.get("company_name") or (said.get("name") if said.get("kind") != "person" else None)
            if name:
                self._names[record_id] = name

    def _by_number(self, refs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        party = schema.canonical["party"]
        wanted = set(refs)
        rows = bulk.select(
            self._connection, party, "number", sorted({number for _, number in refs}), ("system", "number", "name")
        )
        return {(row[0], f"no:{row[1]}"): row[2] for row in rows if row[:2] in wanted and row[2]}


def _money(
    amount: int | None, currency: str | None, base_amount: int | None, values: dict[str, Any]
) -> Iterator[tuple[int, int]]:
    digits = EXPONENTS.get(currency or "", 2)
    if amount:
        yield amount, digits
    if base_amount and base_amount != amount:
        yield base_amount, _UNKNOWN
    for name, value in values.items():
        if name.endswith("_money") and type(value) is int and value and abs(value) < _LARGEST:
            yield value, EXPONENTS.get(values.get(f"{name}_currency") or currency or "", 2)


def _texts(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name.endswith(_SILENT):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield item


def _codes(values: dict[str, Any]) -> Iterator[str]:
    """What parameters say by codes; of lines that differ also what is sold there."""
    for name, value in values.items():
        of, _, ending = name.rpartition("_")
        if name == "entity_name" and isinstance(value, str):
            yield f"entity={value}"
        elif ending in _BY_CODE and isinstance(value, list):
            yield from (f"{_BY_CODE[ending]}={item}" for item in value if isinstance(item, str))
        elif ending == "lines" and isinstance(value, list):
            for item in value:
                yield f"line={item['what']}"
                yield from _of_text(str(item.get("sku") or ""))
        elif ending == "of" and isinstance(value, list) and len(value) == 2:
            yield f"{value[0]}={value[1]}"
        elif ending in ("state", "status") and isinstance(value, str):
            yield f"{of if ending == 'status' else 'state'}={value}"


def _plain(text: str) -> str:
    return " ".join(normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=16_384)
def _of_text(text: str) -> tuple[str, ...]:
    return tuple(term for word in _plain(text).split() for term in _of_word(word.strip(_MARKS)))


def _of_word(word: str) -> Iterator[str]:
    if _NUMBER.fullmatch(word):
        yield from _of_number(word)
        return
    for run in _RUN.findall(word):
        if _is_dense(run):
            yield from (run[at : at + _LONGEST_RUN] for at in range(len(run)))
        else:
            yield run[:LONGEST]


def _of_number(number: str) -> Iterator[str]:
    """The number, and its last digits without the zeros before them: people say 342 for SO-00342."""
    whole = _plain(number)
    yield whole[:LONGEST]
    digits = _DIGITS.findall(whole)
    if digits and len(whole) < 24 and (last := digits[-1].lstrip("0")) and last != whole:
        yield last


def _wanted(whole: str) -> list[str]:
    """The terms that each has to begin one of a finding's."""
    found: list[str] = []
    for word in whole.split():
        bare = word.strip(_MARKS)
        if _NUMBER.fullmatch(bare):
            found.append(bare[:LONGEST])
        else:
            found += [run[: _LONGEST_RUN if _is_dense(run) else LONGEST] for run in _RUN.findall(bare)]
    digits = [part.lstrip("0") if part.isdecimal() and len(part) > 2 else part for part in found]
    return [part for part in dict.fromkeys(digits) if part][:_MOST_WORDS]


def _rareness(part: str) -> tuple[bool, int]:
    return any(char.isdecimal() for char in part), len(part)


def _begins(part: str) -> ColumnElement[bool]:
    """A single letter or digit has to be the whole term: half of all terms begin with it."""
    if len(part) == 1 and not _is_dense(part):
        return terms.c.term == part
    return and_(terms.c.term >= part, terms.c.term < f"{part}\U0010ffff")


def _says(part: str, codes: Mapping[str, Sequence[str]]) -> ColumnElement[bool]:
    meant = codes.get(part)
    return or_(_begins(part), terms.c.term.in_(meant)) if meant else _begins(part)


def _is_dense(run: str) -> bool:
    return re.match(f"[{_DENSE}]", run) is not None
