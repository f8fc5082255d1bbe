"""What a mapping makes of a record, with personal values hidden, and what it covers of the canonical model."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Protocol

from console.records import HIDDEN, PERSONAL
from console.status_words import is_named_so
from mappings import paths
from mappings.definition import Definition
from mappings.engine import Explained, Mapping, MappingError, StreamMapping, decode, explain, unmapped
from mappings.errors import shown as in_words
from mappings.model import ENTITIES, LINES, Kind, columns
from mappings.personal import PERSONAL as OF_PEOPLE
from mappings.statuses import STATUSES
from reconciliation import money
from state.clock import from_us

LOOKED_AT, MOST_PATHS = 50, 400
"""Records of a stream that are looked through for what is in them, and source fields that are listed."""
_SURELY = 2
"""Records in which a source field holds their id, where that is no chance."""
_BY_LTC = frozenset({"system", "source_id", "source_status", "line_no"})
"""Canonical fields that need no entry in a mapping."""
_ADDRESS = re.compile(r"\S@\S|\+\d[\d ().-]{6,}\d")
"""What looks like an e-mail address or a telephone number."""
_OF_PEOPLE = re.compile(
    r"(?i)mail|phone|mobile|fax|address|street|contact|person|birth|gender|signat|iban|passport|nick|salutation"
    r"|(?:^|[._\x22])(?:name|tel|cell|zip)(?:$|_|\b)|(?:first|last|full|sur|given|family|customer|client|payer|holder|owner"
    r"|buyer|user|guest|recipient|display)[ _]?name|姓名|名字|联系|电话|手机|邮箱|地址|身份证|称呼|收件人|付款人|客户名"
)
"""Names of source fields whose texts may be about a person."""


class Sample(Protocol):
    """One raw record, from the store or not."""

    @property
    def source_id(self) -> str:
        """The source's id of it."""

    @property
    def body(self) -> bytes:
        """Its JSON."""


@dataclass(frozen=True, slots=True)
class Veil:
    """What of one record is about a person, whichever field a mapping puts it into."""

    fields: frozenset[str]
    """Canonical ones."""
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field of one record, as people read it; ``raw`` is what the source holds at ``path``."""

    name: str
    value: str | None
    path: str
    raw: Any
    error: str | None


@dataclass(frozen=True, slots=True)
class Tested:
    """A record and what a mapping makes of it."""

    stream: str
    entity: str
    source_id: str
    skipped: bool
    refused: dict[str, str] | None
    """Field, value and reason, if the record would be quarantined."""
    fields: tuple[Field, ...]
    unmapped: dict[str, Any]
    """Path → value of what nothing maps; values are hidden unless personal ones are shown."""
    shows_personal: bool

    @property
    def hides(self) -> bool:
        """Whether anything is hidden."""
        return any(HIDDEN in (item.value, item.raw) for item in self.fields)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able data; what nothing maps is a list of paths while personal values are hidden."""
        data = asdict(self)
        del data["shows_personal"]
        return data if self.shows_personal else {**data, "unmapped": list(self.unmapped)}


@dataclass(frozen=True, slots=True)
class Covered:
    """What a stream's mapping reaches; ``unmapped`` counts the records that hold something at a path nothing maps."""

    where: str
    stream: str
    entity: str
    mapped: tuple[str, ...]
    not_mapped: tuple[str, ...]
    statuses: tuple[str, ...]
    statuses_not_reached: tuple[str, ...]
    records: int
    unmapped: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able data."""
        return asdict(self)


def private_paths(mapping: StreamMapping) -> set[str]:
    """The source fields that a mapping reads what is about a person from."""
    named = mapping.personal | PERSONAL | ({"name"} if mapping.entity == "contact" else set())
    return {path for name, item in mapping.definition.fields.items() if name in named for path in item.sources}


def is_of_people(path: str, private: Iterable[str]) -> bool:
    """Whether a source field may be about a person, by its name or because it overlaps one of ``private``."""
    named_so = bool(_OF_PEOPLE.search(path)) and not is_named_so([path])
    return named_so or any(_overlap(path, other) for other in private)


def is_address(text: str) -> bool:
    """Whether it looks like an e-mail address or a telephone number."""
    return bool(_ADDRESS.search(text))


def veil(mapping: Mapping, stream: str, sample: Sample) -> Veil:
    """What of a record must not be seen through another mapping that is only tried: what this one calls personal, and
    in records of people every text that it does not read, since nobody has said yet what that is.
    """
    chosen = mapping.stream(stream)
    fields = chosen.personal | PERSONAL | ({"name"} if chosen.entity == "contact" else set())
    try:
        found = explain(mapping, stream, sample.body, sample.source_id)
        if any((item.name, item.value) == ("kind", "person") for item in found):
            fields |= {"name", "legal_name"}
        hidden = {path for item in found if _named(item) in fields for path in _paths(item)}
        if chosen.entity in OF_PEOPLE:
            values = paths.leaves(decode(sample.body))
            left = unmapped(mapping, stream, sample.body)
            hidden |= {path for path in left if isinstance(values.get(path), str) and not is_named_so([path])}
    except MappingError:
        hidden = set()  # no object at all: nothing of it is shown
    return Veil(fields, frozenset(hidden))


def test(
    mapping: Mapping, stream: str, system: str, sample: Sample, show_personal: bool, veiled: Veil | None
) -> Tested:
    """Map a record and keep every step; a record that cannot be mapped is told as ``refused``.

    ``veiled`` is hidden besides what the mapping calls personal, with whatever looks like an address; of what nothing
    maps, so is what its field's name says may be about a person, told by its type and length.
    """
    chosen = mapping.stream(stream)
    skipped, refused = False, None
    try:
        skipped = chosen.map(system, sample.source_id, sample.body).skipped
    except MappingError as error:
        refused = {"field": error.field, "value": error.value, "reason": error.reason}
    found: list[Explained] = []
    left: dict[str, Any] = {}
    if refused is None or refused["field"]:
        found = explain(mapping, stream, sample.body, sample.source_id)
        values = paths.leaves(decode(sample.body))
        left = {path: values.get(path) for path in unmapped(mapping, stream, sample.body)}
        left = {path: _left(path, value, veiled) for path, value in left.items()}
    currency = next((item.value for item in found if item.name == "currency"), None)
    shown = [_shown(chosen, item, currency) for item in found]
    if not show_personal:
        hidden = list(_hidden(chosen, found, shown, veiled))
        if refused is not None and veiled is not None:
            refused |= _refused_value(refused, shown, hidden)
        shown = hidden
    return Tested(stream, chosen.entity, sample.source_id, skipped, refused, tuple(shown), left, show_personal)


def left(mapping: Mapping, stream: str, samples: Sequence[Sample]) -> list[str]:
    """The source fields of some records that nothing maps, so many that people can look through them.

    What holds the id of each of them is left out: the id is in the canonical record, whatever a mapping says.
    """
    found: dict[str, None] = {}
    kept_as_id: Counter[str] = Counter()
    some = samples[:LOOKED_AT]
    for sample in some:
        with suppress(MappingError):  # no object at all: it is in quarantine
            found |= dict.fromkeys(unmapped(mapping, stream, sample.body))
            values = paths.leaves(decode(sample.body))
            kept_as_id.update(path for path, value in values.items() if str(value) == sample.source_id)
        if len(found) > MOST_PATHS:
            break
    is_id = {path for path, count in kept_as_id.items() if count == len(some) >= _SURELY}
    return [path for path in found if path not in is_id][:MOST_PATHS]


def cover(mapping: Mapping, stream: str, where: str, samples: Sequence[Sample]) -> Covered:
    """Which canonical fields and statuses a stream's mapping reaches, and what it leaves in these records."""
    chosen = mapping.stream(stream)
    definition = chosen.definition
    known = [column.name for column in columns(ENTITIES[chosen.entity]) if column.name not in _BY_LTC]
    reached = {*definition.fields, *(("status",) if definition.status else ())}
    if chosen.entity in LINES:
        known += [f"lines.{item.name}" for item in columns(LINES[chosen.entity].model) if item.name not in _BY_LTC]
        reached |= {f"lines.{name}" for name in (definition.lines.fields if definition.lines else ())}
    statuses = _statuses(definition)
    left: Counter[str] = Counter()
    for sample in samples:
        try:
            left.update(unmapped(mapping, stream, sample.body))
        except MappingError:
            continue  # no object at all: it is in quarantine
    return Covered(
        where,
        stream,
        chosen.entity,
        tuple(name for name in known if name in reached),
        tuple(name for name in known if name not in reached),
        tuple(name for name in STATUSES[chosen.entity] if name in statuses),
        tuple(name for name in STATUSES[chosen.entity] if name not in statuses),
        len(samples),
        dict(left.most_common()),
    )


def _statuses(definition: Definition) -> set[str]:
    if definition.status is None:
        return set()
    return {*definition.status.table.values(), *(item.after for item in definition.status.refinements)}


def _shown(mapping: StreamMapping, item: Explained, currency: str | None) -> Field:
    model = LINES[mapping.entity].model if item.name.startswith("lines.") else ENTITIES[mapping.entity]
    kinds = {column.name: column.kind for column in columns(model)}
    value, kind = item.value, kinds.get(item.name.rpartition(".")[2])
    if isinstance(value, int) and kind is Kind.MONEY:
        value = money.text(value, currency)
    elif isinstance(value, int) and kind is Kind.INSTANT:
        value = from_us(value).isoformat().replace("+00:00", "Z")
    elif isinstance(value, int) and kind is Kind.FLAG:
        value = "true" if value else "false"
    return Field(item.name, None if value is None else str(value), item.path, _plain(item.raw), item.error)


def _hidden(mapping: StreamMapping, found: list[Explained], shown: list[Field], veiled: Veil | None) -> Iterable[Field]:
    """A personal field's value, and whatever else shows what the source has in the same place."""
    names = mapping.personal | (veiled.fields if veiled else frozenset())
    own = [item for item in found if _named(item) in names]
    private = {path for item in own for path in _paths(item)} | (veiled.paths if veiled else frozenset())
    secret = {str(item.raw) for item in own if item.raw not in (None, "")}
    for item, field in zip(found, shown, strict=True):
        if item.name == "status" and item.error is None and not _overlaps(item, own):
            yield field  # a word that the mapping's table has, and what it stands for
            continue
        personal = _named(item) in names
        touches = personal or any(_overlap(path, other) for path in _paths(item) for other in private)
        repeats = personal or (touches and (veiled is not None or str(item.value) in secret))
        if veiled is not None and is_address(f"{item.value} {item.raw}"):
            touches = repeats = True
        yield Field(
            field.name,
            _instead(field.value, veiled) if repeats else field.value,
            field.path,
            _instead(field.raw, veiled) if touches else field.raw,
            field.error,
        )


def _overlaps(item: Explained, others: Iterable[Explained]) -> bool:
    """Whether it is read from where one of the others is."""
    return any(_overlap(path, other) for path in _paths(item) for one in others for other in _paths(one))


def _left(path: str, value: Any, veiled: Veil | None) -> Any:
    """What is shown of a value that nothing maps."""
    if veiled is None or value is None:
        return _plain(value)
    hidden = isinstance(value, dict | list) or any(_overlap(path, other) for other in veiled.paths)
    hidden = hidden or is_address(str(value))
    if hidden or (isinstance(value, str) and _OF_PEOPLE.search(path)):
        return in_words(value, True)
    return _plain(value)


def _instead(value: Any, veiled: Veil | None) -> str | None:
    """What is shown in place of a personal value: a sign, or its type and length where a mapping is tried."""
    if value is None:
        return None
    return in_words(value, True) if veiled is not None else HIDDEN


def _refused_value(refused: dict[str, str], shown: Sequence[Field], hidden: Sequence[Field]) -> dict[str, str]:
    """What the record was refused for, hidden where its field is."""
    open_ones = {before.name for before, after in zip(shown, hidden, strict=True) if before.raw == after.raw}
    return {} if refused["field"] in open_ones else {"value": HIDDEN}


def _named(item: Explained) -> str:
    return item.name.rpartition(".")[2]


def _paths(item: Explained) -> list[str]:
    return [path.rpartition(f"{paths.ROOT}.")[2] for path in paths.apart(item.path)]


def _overlap(path: str, other: str) -> bool:
    one, two = paths.general(path), paths.general(other)
    return one == two or one.startswith(f"{two}.") or two.startswith(f"{one}.")


def _plain(value: Any) -> Any:
    """A raw value as JSON-able data; lists and objects as JSON text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if value is None or isinstance(value, str | int | bool) else str(value)
