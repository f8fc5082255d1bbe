"""What a mapping makes of a record, with personal values hidden, and what it covers of the canonical model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from console.records import HIDDEN
from mappings import paths
from mappings.definition import Definition
from mappings.engine import Explained, Mapping, MappingError, StreamMapping, decode, explain, unmapped
from mappings.model import ENTITIES, LINES, Kind, columns
from mappings.statuses import STATUSES
from reconciliation import money
from state.clock import from_us
from state.lookup import Sample

_BY_LTC = frozenset({"system", "source_id", "source_status", "line_no"})
"""Canonical fields that need no entry in a mapping."""


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


def test(mapping: Mapping, stream: str, system: str, sample: Sample, show_personal: bool) -> Tested:
    """Map a record and keep every step; a record that cannot be mapped is told as ``refused``."""
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
        left = {path: _plain(values.get(path)) for path in unmapped(mapping, stream, sample.body)}
    currency = next((item.value for item in found if item.name == "currency"), None)
    shown = [_shown(chosen, item, currency) for item in found]
    if not show_personal:
        shown = list(_hidden(chosen, found, shown))
    return Tested(stream, chosen.entity, sample.source_id, skipped, refused, tuple(shown), left, show_personal)


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


def _hidden(mapping: StreamMapping, found: list[Explained], shown: list[Field]) -> Iterable[Field]:
    """A personal field's value, and whatever else shows what the source has in the same place."""
    private = {path for item in found if _is_personal(mapping, item) for path in _paths(item)}
    secret = {str(item.raw) for item in found if _is_personal(mapping, item) and item.raw not in (None, "")}
    for item, field in zip(found, shown, strict=True):
        personal = _is_personal(mapping, item)
        touches = personal or any(_overlap(path, other) for path in _paths(item) for other in private)
        repeats = personal or (touches and str(item.value) in secret)
        yield Field(
            field.name,
            HIDDEN if repeats and field.value is not None else field.value,
            field.path,
            HIDDEN if touches and field.raw is not None else field.raw,
            field.error,
        )


def _is_personal(mapping: StreamMapping, item: Explained) -> bool:
    return item.name.rpartition(".")[2] in mapping.personal


def _paths(item: Explained) -> list[str]:
    return [path for path in item.path.split(", ") if path]


def _overlap(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")


def _plain(value: Any) -> Any:
    """A raw value as JSON-able data; lists and objects as JSON text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if value is None or isinstance(value, str | int | bool) else str(value)
