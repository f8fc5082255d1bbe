"""Propose a mapping from what records look like: names of fields, types and values; the same for the same records.

A canonical field gets the path whose name means the same, in English, Chinese or German, and whose values it could
take; what a name usually means in records of an entity is listed (``mappings.columns_named``), any other is cut into
words; where no name does, an e-mail address, a currency or a date may be known by the values alone. How sure that
is, is told in per cent; what is less sure than ``SURE`` is for a person to decide. A status is never guessed:
only a word that is itself a canonical status is proposed, the others are listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings import paths
from mappings.columns_named import meant, simplified
from mappings.convert import decimal_comma, decimal_point
from mappings.currencies import EXPONENTS
from mappings.currency_names import code_of
from mappings.errors import Unusable
from mappings.model import ENTITIES, LINES, Column, Kind, Line, columns
from mappings.statuses import STATUSES
from mappings.synonyms import FIELDS, GERMAN, MAIN_DATES, STATUS_NAMES, VAGUE, WORDS
from mappings.transforms import TRANSFORMS

SURE = 80
"""Per cent from which a proposal is written without a comment mark."""
_LEAST = 45
_UNSURE = SURE - 10
"""Per cent, where a name may mean the field as well as another."""
_BY_VALUES = 50
"""Per cent, where the values alone say what it is."""
_EXACTLY = 100
_BY_NAME_ALONE = 50
"""Per cent, where the name says what it is and the values do not look like it."""
_MOST_STATUSES = 40
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_LINE = "line"
"""What `mappings.columns_named` lists the names of lines under."""
_NOT_OF_LINES = frozenset({"line_no", "source_line_id", "product_ref"})
"""Lines are counted without being told; what the ids in them mean is for a person to say."""
_OF_LINES = frozenset({"quantity", "unit_price", "net_amount"})
_OURS = frozenset({"system", "source_id", "source_status", "status"})
_TABLES = frozenset(
    ("stage", "kind", "direction", "method", "approval_state", "delivery_state", "billing_state", "payment_state")
)
"""Fields of few words: whose the source uses is for a person to say, as with a status."""
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800
"""2000 and 2100, in seconds since 1970."""
_WITH_OWN_NAME = frozenset({"party", "contact", "product"})
"""Entities of which a field with the word for the entity may hold the name as well as the number."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^0-9A-Za-z\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One canonical field and where it may come from."""

    field: str
    path: str
    confidence: int
    """Per cent."""
    why: str
    do: tuple[str, ...] = ()
    ref: str | None = None
    looks: str = ""
    """What its values look like: a ``Kind``, or a field whose values are known among texts; empty: none were seen."""

    @property
    def sure(self) -> bool:
        """Whether it needs no second look."""
        return self.confidence >= SURE


@dataclass(frozen=True, slots=True)
class StatusProposal:
    """Where the status may stand: source word → canonical status, ``None`` where nobody but a person knows."""

    path: str
    confidence: int
    values: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class LinesProposal:
    """Where the lines of a document may stand: the path of their list, and the fields of one line, by paths in it."""

    path: str
    fields: tuple[Proposal, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is proposed for one stream."""

    stream: str
    entity: str
    records: int
    fields: tuple[Proposal, ...]
    status: StatusProposal | None
    left: tuple[str, ...] = field(default=())
    """Paths that nothing is proposed for."""
    lines: LinesProposal | None = None


def suggest(stream: str, entity: str, records: Sequence[Mapping[str, Any]]) -> Suggestion:
    """A proposal for one stream from some of its records, as decoded (``mappings.engine.decode``)."""
    samples = _samples(records)
    known = [column for column in columns(ENTITIES[entity]) if column.name not in _OURS]
    fields = _by_names(known, samples, entity)
    taken = {item.path for item in fields.values()}
    for found in _by_values(
        known, entity, {path: values for path, values in samples.items() if path not in taken}, fields
    ):
        fields[found.field] = found
        taken.add(found.path)
    status = _status(entity, {path: values for path, values in samples.items() if path not in taken})
    used = taken | ({status.path} if status else set())
    ordered = tuple(fields[column.name] for column in known if column.name in fields)
    left = tuple(path for path in samples if path not in used)
    return Suggestion(stream, entity, len(records), ordered, status, left, _lines(entity, records))


def _by_names(known: Sequence[Column], samples: Mapping[str, Sequence[Any]], entity: str) -> dict[str, Proposal]:
    """What names say with values that fit, the surest first; each path for one field."""
    scored = sorted(
        (
            found
            for column in known
            for path, values in samples.items()
            if (found := _scored(column, path, values, entity))
        ),
        key=lambda item: (-item.confidence, _depth(item.path), known_place(known, item.field), item.path),
    )
    fields: dict[str, Proposal] = {}
    taken: set[str] = set()
    for item in scored:
        if item.field not in fields and item.path not in taken:
            fields[item.field] = item
            taken.add(item.path)
    return fields


def _lines(entity: str, records: Sequence[Mapping[str, Any]]) -> LinesProposal | None:
    """The list of objects whose fields look most like those of the lines of such a document; one of them must surely
    be a quantity or money."""
    if entity not in LINES or not issubclass(LINES[entity].model, Line):
        return None  # what a payment is matched to, and what a payout is made of, are no lines of goods
    known = [column for column in columns(LINES[entity].model) if column.name not in _NOT_OF_LINES]
    best: tuple[int, LinesProposal] | None = None
    for path, items in sorted(_lists(records).items()):
        fields = _by_names(known, _samples(items), _LINE)
        ordered = tuple(fields[column.name] for column in known if column.name in fields)
        surely = [item for item in ordered if item.sure]
        weight = sum(item.confidence for item in surely)
        if any(item.field in _OF_LINES for item in surely) and (best is None or weight > best[0]):
            best = (weight, LinesProposal(path, ordered))
    return best[1] if best else None


def _lists(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Path → items of all records, of every list of objects that is not inside a list."""
    found: dict[str, list[Mapping[str, Any]]] = {}

    def look(value: Mapping[str, Any], prefix: str) -> None:
        for key, item in value.items():
            path = f"{prefix}{paths.key(key)}"
            if isinstance(item, Mapping):
                look(item, f"{path}.")
            elif isinstance(item, list) and item and all(isinstance(one, Mapping) for one in item):
                found.setdefault(path, []).extend(item)

    for record in records:
        look(record, "")
    return found


def known_place(known: Sequence[Column], name: str) -> int:
    """Where a field stands in the model."""
    return next(place for place, column in enumerate(known) if column.name == name)


def _samples(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Path → values, of everything that is not inside a list."""
    found: dict[str, list[Any]] = {}

    def look(value: Any, prefix: str) -> None:
        for key, item in value.items():
            path = f"{prefix}{paths.key(key)}"
            if isinstance(item, Mapping):
                look(item, f"{path}.")
            elif not isinstance(item, list):
                found.setdefault(path, [])
                if item not in (None, ""):
                    found[path].append(item)

    for record in records:
        look(record, "")
    return found


def words(path: str) -> tuple[str, ...]:
    """The words of a field's name, in one form: ``orderNo``, ``order_number`` and ``订单编号`` are the same."""
    found: list[str] = []
    for part in map(str, paths.parse(path)):
        plain = simplified(unicodedata.normalize("NFC", part.removesuffix("__c"))).translate(_UMLAUTS)
        for word in _CAMEL.split(plain):
            found += _chinese(word) if re.search(r"[\u4e00-\u9fff]", word) else _german(word.lower())
    return tuple(WORDS.get(word, word) for word in found)


def last_words(path: str) -> tuple[str, ...]:
    """The words of the last key of a path."""
    return words(paths.key(str(paths.parse(path)[-1])))


def _depth(path: str) -> int:
    """How many objects a value stands within."""
    return len(paths.parse(path)) - 1


def _german(word: str) -> list[str]:
    """A German compound cut into words that are all known; any other word as it is."""
    if word in WORDS or not word:
        return [word] if word else []
    return next(
        ([word[:at], word[at:]] for at in range(len(word) - 1, 0, -1) if word[:at] in GERMAN and word[at:] in GERMAN),
        [word],
    )


_CUT = frozenset(WORDS) | {
    word for names in FIELDS.values() for name in names for word in name.split() if not word.isascii()
}
_LONGEST = max(map(len, _CUT))


def _chinese(text: str) -> list[str]:
    """Cut at the longest words that are known."""
    found, at = [], 0
    while at < len(text):
        size = next((n for n in range(min(_LONGEST, len(text) - at), 0, -1) if text[at : at + n] in _CUT), 1)
        found.append(text[at : at + size])
        at += size
    return found


def _scored(column: Column, path: str, values: Sequence[Any], entity: str) -> Proposal | None:
    named = _named(column.name, path, entity)
    if named < _LEAST:
        return None
    fits, do = _fits(column, values)
    if fits is None:
        return _by_name_alone(column, path, values) if named == _EXACTLY else None
    confidence = min(99, round(named * fits))
    if confidence < _LEAST:
        return None
    why = f"name {named}, values {round(100 * fits)}" if values else f"name {named}, no values seen"
    if named == _UNSURE and _listed(path, entity):
        why += "; the name may mean another"
    if column.name in _TABLES:
        confidence, why = min(confidence, _UNSURE), f"{why}; its words need a table"
    if _WITHOUT_ZONE[0] in do:
        confidence, why = min(confidence, _UNSURE), f"{why}; no zone is written, the system's is a guess"
    ref = None
    if column.kind in (Kind.REF, Kind.REFS):
        ref = "no" if "number" in words(path) else "id"
    return Proposal(column.name, path, confidence, why, do, ref, _looks_of(column) if values else "")


def _by_name_alone(column: Column, path: str, values: Sequence[Any]) -> Proposal | None:
    """A reference whose column is called as the field is, and holds what records are called: a person decides."""
    if column.kind is not Kind.REF or not all(isinstance(value, str) for value in values):
        return None
    why = f"name {_EXACTLY}, values 0; its values look like names"
    return Proposal(column.name, path, _BY_NAME_ALONE, why, (), "id", _looks_of(column))


def _by_values(
    known: Sequence[Column], entity: str, left: Mapping[str, Sequence[Any]], fields: Mapping[str, Proposal]
) -> Iterator[Proposal]:
    """What values say where no name does: of e-mail addresses, currencies and dates, if one path alone has them."""
    for column in known:
        looks = _LOOKS.get("date" if column.name in MAIN_DATES else column.name)
        if looks is None or column.name in fields:
            continue
        like = [
            path
            for path, values in left.items()
            if values and all(map(looks, values)) and _may_be(column.name, path, entity)
        ]
        if len(like) == 1:
            why = "name 0, values 100; by its values alone"
            do = _fits(column, left[like[0]])[1]
            yield Proposal(column.name, like[0], _BY_VALUES, why, do, looks=_looks_of(column))


def _listed(path: str, entity: str) -> Mapping[str, bool] | None:
    """What a name is listed as; one within another object means what that object is about."""
    steps = paths.parse(path)
    return meant(entity, str(steps[0])) if len(steps) == 1 else None


def _may_be(name: str, path: str, entity: str) -> bool:
    listed = _listed(path, entity)
    return listed is None or name in listed


def _looks_of(column: Column) -> str:
    return column.name if column.name in _CHECKS else column.kind.value


def _named(name: str, path: str, entity: str) -> int:
    """How much the name of a path says that it is this field."""
    listed = _listed(path, entity)
    if listed is not None:
        return {True: 100, False: _UNSURE, None: 0}[listed.get(name)]
    full = words(path)
    own = last_words(path)
    best = 0
    for wanted in (tuple(name.split("_")), *(tuple(text.split()) for text in FIELDS.get(name, ()))):
        target = tuple(WORDS.get(word, word) for word in wanted)
        for given in (own, full, _without(own, entity), _without(full, entity)):
            best = max(best, _alike(target, given))
        if _depth(path):
            best = min(best, 95)
    if own in [tuple(text.split()) for text in VAGUE.get(name, ())]:
        best = max(best, _UNSURE)
    if name == "number" and entity not in _WITH_OWN_NAME and own == (WORDS.get(entity, entity),):
        best = max(best, _UNSURE)  # the order in a list of orders: its number
    return best


def _without(given: tuple[str, ...], entity: str) -> tuple[str, ...]:
    """The name without the word for the record itself: an order's ``order_date`` is its date."""
    left = tuple(word for word in given if word != WORDS.get(entity, entity))
    return left or given


def _alike(target: tuple[str, ...], given: tuple[str, ...]) -> int:
    if target == given:
        return 100
    if sorted(target) == sorted(given):
        return 96
    common = len(set(target) & set(given))
    if not common:
        return 0
    if set(target) <= set(given):
        return max(50, 88 - 12 * (len(given) - len(target)))
    return round(60 * common / max(len(target), len(given)))


def _fits(column: Column, values: Sequence[Any]) -> tuple[float | None, tuple[str, ...]]:
    """What share of the values the field could take, and through which transform; ``None`` if none fits."""
    if not values:
        return 0.7, ()
    ways = _WAYS.get(column.kind, {(): _anything})
    if column.name in _CHECKS:
        ways = {(): _CHECKS[column.name]}
    if column.name.endswith("_rate"):
        ways = {(): _fraction, ("percent",): _number}
    if column.name == "currency":
        ways |= {("currency_name",): _currency_word}
    best: tuple[float, tuple[str, ...]] = (0.0, ())
    for do, takes in ways.items():
        share = sum(map(takes, values)) / len(values)
        if share > best[0]:
            best = (share, do)
    return (best[0], best[1]) if best[0] >= 0.5 else (None, ())


def _anything(value: Any) -> bool:
    return value is not None


def _reference(value: Any) -> bool:
    """An id or a number, and no name, which in Chinese is written without spaces."""
    text = str(value).strip()
    return (
        not isinstance(value, bool) and not re.search(r"\s", text) and (text.isascii() or bool(re.search(r"\d", text)))
    )


def _number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _fraction(value: Any) -> bool:
    return _number(value) and abs(Decimal(str(value))) < 1


def _currency_word(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(value) and bool(code_of(value.strip()))
    except Unusable:
        return False


def _comma(value: Any) -> bool:
    try:
        return isinstance(value, str) and decimal_comma(value) is not None
    except Unusable:
        return False


def _point(value: Any) -> bool:
    try:
        return isinstance(value, str) and decimal_point(value) is not None
    except Unusable:
        return False


def _whole(value: Any) -> bool:
    return _number(value) and Decimal(str(value)) == int(Decimal(str(value)))


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value[:10]))
    except ValueError:
        return False


def _instant(value: Any, zoned: bool = True) -> bool:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-01-01") else None
    except ValueError:
        return False
    return found is not None and (found.tzinfo is not None) is zoned


def _epoch(unit: int) -> Callable[[Any], bool]:
    return lambda value: _whole(value) and _EARLIEST * unit <= int(Decimal(str(value))) <= _LATEST * unit


def _written(do: str, clock: bool | None) -> Callable[[Any], bool]:
    """Whether a value is a day in the form that a transform reads, with a time, without one, or either (``None``)."""

    def fits(value: Any) -> bool:
        try:
            found = TRANSFORMS[do](value) if isinstance(value, str) and value else None
        except Unusable:
            return False
        return found is not None and clock in (None, len(found) > len("2026-01-01"))

    return fits


def _xero(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/Date(")


_COMMAS, _POINTS = ("decimal_comma",), ("decimal_point",)
_WITHOUT_ZONE = ("local_instant",)
_WRITTEN = ("day_first", "month_first", "year_first")  # where both may be meant (3/4/2026), most write the day first
_INSTANTS: dict[tuple[str, ...], Callable[[Any], bool]] = {
    (): _instant,
    _WITHOUT_ZONE: lambda value: _instant(value, zoned=False),
    ("epoch_s",): _epoch(1),
    ("epoch_ms",): _epoch(1000),
    ("xero_date",): _xero,
    **{(do, *_WITHOUT_ZONE): _written(do, clock=True) for do in _WRITTEN},
}
_WAYS: dict[Kind, dict[tuple[str, ...], Callable[[Any], bool]]] = {
    Kind.MONEY: {(): _number, _POINTS: _point, _COMMAS: _comma},
    Kind.NUMBER: {(): _number, _POINTS: _point, _COMMAS: _comma},
    Kind.INTEGER: {(): _whole},
    Kind.FLAG: {(): lambda value: isinstance(value, bool)},
    Kind.DAY: {(): _day, ("xero_date",): _xero, **{(do,): _written(do, clock=None) for do in _WRITTEN}},
    Kind.INSTANT: _INSTANTS,
    Kind.TEXT: {(): lambda value: not isinstance(value, bool)},
    Kind.REF: {(): _reference},
    Kind.REFS: {(): _reference},
}
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "currency": lambda value: isinstance(value, str) and value in EXPONENTS,
    "email": lambda value: isinstance(value, str) and "@" in value,
    "country": lambda value: isinstance(value, str) and len(value) == len("DE") and value.isalpha(),
    "url": lambda value: isinstance(value, str) and "://" in value,
    "phone": lambda value: sum(sign.isdigit() for sign in str(value)) >= len("12345"),
    "name": lambda value: isinstance(value, str),
}
_LOOKS: dict[str, Callable[[Any], bool]] = {
    # Codes only in capitals: many, such as `all` and `try`, are words as well.
    "currency": lambda value: _currency_word(value) and (value in EXPONENTS or value.upper() not in EXPONENTS),
    "email": lambda value: isinstance(value, str) and bool(_ADDRESS.fullmatch(value.strip())),
    "date": lambda value: isinstance(value, str) and len(value) == len("2026-01-01") and _day(value),
}
"""How values look that say by themselves what they are."""


def _status(entity: str, samples: Mapping[str, Sequence[Any]]) -> StatusProposal | None:
    found: list[StatusProposal] = []
    for path, values in samples.items():
        texts = list(dict.fromkeys(str(value) for value in values if isinstance(value, str)))
        listed = _listed(path, entity)
        named = max(_alike((word,), _without(last_words(path), entity)) for word in STATUS_NAMES)
        if listed is not None:
            named = 100 if "status" in listed else 0
        if named >= SURE and 0 < len(texts) <= _MOST_STATUSES:
            table = {text: _canonical(entity, text) for text in sorted(texts)}
            found.append(StatusProposal(path, named, table))
    return max(found, key=lambda item: (item.confidence, -_depth(item.path), item.path), default=None)


def _canonical(entity: str, text: str) -> str | None:
    """The status that the word itself is, by its English or Chinese name."""
    plain = "_".join(words(text)) or text
    for name, status in STATUSES[entity].items():
        if plain == name or text == status.zh or re.sub(r"[\s-]+", "_", text.strip().lower()) == name:
            return name
    return None
