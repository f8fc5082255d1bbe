"""Try a check of the site's own on a few records that its test file gives, in a store that is thrown away."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from mappings import convert, currencies
from mappings.errors import Unusable
from mappings.model import ENTITIES, LINES, Column, Kind, columns
from reconciliation import facts, frame, money, observe, words
from reconciliation.checks import given
from reconciliation.checks.registry import Check
from reconciliation.frame import Frame
from reconciliation.linking import link
from reconciliation.rules import ROLES, Rules
from settings.currencies import Currency
from settings.errors import SettingsError
from settings.model import Timezone
from state import bulk, schema
from state.store import Store, open_store
from yamlfiles import reading
from yamlfiles.problems import Problem, place, problems

_PREFIXES = ("id:", "no:", "ext:")
_HOME = {
    **dict.fromkeys(("lead", "opportunity", "quote", "contact"), "crm"),
    **dict.fromkeys(("party", "product", "order", "delivery"), "erp"),
    **dict.fromkeys(("invoice", "payment"), "accounting"),
    "payout": "payments",
    "service_case": "service",
}
"""The role whose system has the records of an entity, where a test names none."""


class _Given(BaseModel):
    model_config = ConfigDict(extra="allow")
    entity: Annotated[str, Field(pattern=f"^({'|'.join(ENTITIES)})$")]
    source_id: Annotated[str, Field(min_length=1)]
    system: Annotated[str, Field(pattern=f"^({'|'.join(ROLES)})$")] | None = None
    deleted: bool = False
    lines: list[dict[str, Any]] = Field([])


class _Found(BaseModel):
    model_config = ConfigDict(extra="forbid")
    records: list[str] = Field(min_length=1)
    amount: str | int | None = None
    says: str | None = None


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid")
    case: Annotated[str, Field(min_length=1)]
    records: list[_Given]
    finds: list[_Found] = Field([])


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    as_of: AwareDatetime = datetime(2026, 10, 31, 10, 0, tzinfo=UTC)
    base_currency: Currency = "CNY"
    timezone: Timezone = "Asia/Shanghai"
    parameters: dict[str, Any] = Field(default_factory=dict)
    cases: list[_Case] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one case; ``wrong`` says what was expected and what was found, and is empty if they agree."""

    check: str
    case: str
    wrong: str


def test_file(folder: Path, check_id: str) -> Path:
    """Where the cases of a check are."""
    return folder / f"{check_id}.test.yaml"


@dataclass(frozen=True, slots=True)
class Test:
    """A test file that was read: its cases with their records, and what they are judged by."""

    cases: list[tuple[_Case, list[_Row]]]
    parameters: dict[str, Any]
    rules: Rules


def read(check: Check, path: Path) -> Test:
    """A check's test file. Raises ``SettingsError``, ``FileUnusable`` for one that cannot be used."""
    top = reading.read(path)
    try:
        file = _File.model_validate(top)
    except ValidationError as error:
        raise SettingsError(problems(error, top, _File)) from None
    wrong = given.problems({check.id: file.parameters}, {check.id: check})
    if wrong:
        raise SettingsError([Problem(place(top, ("parameters", *keys[1:])), what) for keys, what in wrong])
    found = []
    for number, case in enumerate(file.cases):
        places = [place(top, ("cases", number, "records", at)) for at in range(len(case.records))]
        rows = [_Row.of(record, at + 1, places[at]) for at, record in enumerate(case.records)]
        for at, row in enumerate(rows):
            if row.key in (other.key for other in rows[:at]):
                raise SettingsError(
                    [Problem(places[at], f"there is another {row.entity} {row.source_id} in the case.")]
                )
        found.append((case, rows))
    rules = Rules(
        roles={role: (role,) for role in ROLES},
        timezone=file.timezone,
        base_currency=file.base_currency,
        locale="en",
        as_of=file.as_of.astimezone(UTC),
        own_checks={check.id: check},
    )
    return Test(found, {**check.parameters, **file.parameters}, rules)


def cases(check: Check, path: Path) -> list[Tried]:
    """Try all cases of a check's test file. Raises as ``read`` does."""
    test = read(check, path)
    return [Tried(check.id, case.case, _wrong(check, test, case, rows)) for case, rows in test.cases]


@contextmanager
def empty_store() -> Iterator[Store]:
    """A store that is thrown away."""
    with (
        tempfile.TemporaryDirectory(prefix="ltc-check-") as folder,
        open_store(f"sqlite:///{folder}/trial.db") as store,
    ):
        yield store


@dataclass(frozen=True, slots=True)
class _Row:
    """A record as the store keeps it."""

    entity: str
    system: str
    source_id: str
    cells: tuple[Any, ...]
    lines: list[tuple[Any, ...]]

    @property
    def key(self) -> tuple[str, str, str]:
        """What only one record has."""
        return self.entity, self.system, self.source_id

    @classmethod
    def of(cls, record: _Given, record_id: int, where: str) -> _Row:
        """Raises ``SettingsError`` for a field that is not there or a value that does not fit."""
        system = record.system or _HOME[record.entity]
        values = {**(record.model_extra or {}), "system": system, "source_id": record.source_id}
        currency = values.get("currency")
        cells = _cells(columns(ENTITIES[record.entity]), values, currency, where)
        lines = []
        if record.lines and record.entity not in LINES:
            raise SettingsError([Problem(where, f"a {record.entity} has no lines.")])
        for number, line in enumerate(record.lines, 1):
            known = columns(LINES[record.entity].model)
            lines.append((record_id, *_cells(known, {"line_no": number, **line}, currency, where)))
        return cls(record.entity, system, record.source_id, (record_id, *cells, int(record.deleted)), lines)


def _cells(known: Sequence[Column], values: Mapping[str, Any], currency: Any, where: str) -> tuple[Any, ...]:
    unknown = sorted(set(values) - {column.name for column in known})
    if unknown:
        names = ", ".join(column.name for column in known)
        raise SettingsError([Problem(where, f"`{unknown[0]}` is no field here. Known: {names}.")])
    cells = []
    for column in known:
        try:
            cells.append(_stored(column.kind, values.get(column.name), currency))
        except Unusable as error:
            raise SettingsError([Problem(where, f"`{column.name}` {error}.")]) from None
    return tuple(cells)


def _stored(kind: Kind, value: Any, currency: Any) -> Any:
    """A value as people write it, as the store has it."""
    if value is None:
        return None
    if kind is Kind.MONEY:
        return convert.money(value, currencies.exponent(currency))
    if kind in (Kind.REF, Kind.REFS):
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, str) and part.startswith(_PREFIXES) for part in parts):
            raise Unusable("must name another record as id:…, no:… or ext:…")
        return "\n".join(parts)
    plain = {
        Kind.NUMBER: convert.number,
        Kind.INTEGER: convert.integer,
        Kind.DAY: convert.day,
        Kind.INSTANT: convert.instant,
        Kind.FLAG: convert.flag,
    }
    return plain.get(kind, convert.text)(value)


def _wrong(check: Check, test: Test, case: _Case, rows: Sequence[_Row]) -> str:
    with empty_store() as store:
        _write(store, rows)
        with frame.load(store, test.rules, links=False) as loaded:
            link(loaded, store, "trial")
            facts.prepare(loaded)
            refused = observe.run(loaded, check, test.parameters)
            found = _findings(loaded, check)
    if refused:
        return refused
    wanted = sorted((sorted(item.records), _amount(item.amount)) for item in case.finds)
    got = sorted((sorted(records), amount) for records, amount, _ in found)
    if wanted != got:
        return f"expected {_listed(wanted)}; found {_listed(got)}"
    for item in case.finds:
        texts = [text for records, _, text in found if sorted(records) == sorted(item.records)]
        if item.says and not any(item.says in text for text in texts):
            return f"expected a sentence with {item.says!r}; it says {'; '.join(texts)!r}"
    return ""


def _amount(given: str | int | None) -> str | None:
    return None if given is None else format(convert.decimal(given), "f")


def _listed(found: Sequence[tuple[list[str], str | None]]) -> str:
    return ", ".join(" + ".join(records) + (f" ({amount})" if amount else "") for records, amount in found) or "nothing"


def _findings(loaded: Frame, check: Check) -> list[tuple[list[str], str | None, str]]:
    names = dict(loaded.rows("SELECT record_id, source_id FROM subjects"))
    found = []
    for records, amount, currency, params in loaded.rows("SELECT records, amount, currency, params FROM observed"):
        said = words.say(check.sentence["en"], json.loads(params), currency, "en")
        found.append(([names[number] for number in records], money.text(amount, currency), said))
    return found


def _write(store: Store, rows: Sequence[_Row]) -> None:
    streams: dict[tuple[str, str], int] = {}
    with store.transaction() as connection:
        for row in rows:
            streams.setdefault((row.system, row.entity), len(streams) + 1)
        made = [(number, system, entity, entity) for (system, entity), number in streams.items()]
        bulk.insert(connection, schema.stream, ("id", "system", "name", "entity"), made)
        heads = [
            (row.cells[0], streams[row.system, row.entity], row.source_id, b"", None, 1, 2 if row.cells[-1] else 0)
            for row in rows
        ]
        bulk.insert(connection, schema.record, [column.name for column in schema.record.columns], heads)
        for entity in {row.entity for row in rows}:
            table = schema.canonical[entity]
            names = [column.name for column in table.columns]
            bulk.insert(connection, table, names, [row.cells for row in rows if row.entity == entity])
            if entity in LINES:
                table = schema.lines[entity]
                lines = [line for row in rows if row.entity == entity for line in row.lines]
                bulk.insert(connection, table, [column.name for column in table.columns], lines)
