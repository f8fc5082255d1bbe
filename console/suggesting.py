"""Read records of a system and propose a mapping for them, or for what a mapping leaves of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from console import mapping_edit
from console.output import say, table
from console.referred import target
from mappings import paths
from mappings.model import ENTITIES, LINES, Kind, columns
from state.referred import OF_THE_SYSTEM

if TYPE_CHECKING:
    from console.context import App
    from console.i18n import Texts
    from mappings.engine import Mapping as SystemMapping
    from mappings.engine import StreamMapping
    from mappings.suggest import Proposal, StatusProposal, Suggestion
    from state.lookup import Sample

_WHY = re.compile(
    r"name (\d+), (?:values (\d+)|no values seen)(; its words need a table)?"
    r"(; no zone is written, the system's is a guess)?(; by its values alone)?(; the name may mean another)?"
    r"(; its values look like names)?"
)
_ALL = 100
_AMOUNTS = ("net_amount", "gross_amount")
_TAXED = ("quote", "order", "invoice")
"""Documents that have both of them."""
_SAME = 96
"""Per cent from which on a name says what the field is, in whatever order its words stand."""


def proposals(app: App, system: str, streams: Sequence[str], limit: int) -> tuple[str, list[Suggestion]]:
    """The connector's name and a proposal for each stream (default: all). Raises any ``ConnectorError``."""
    from console.sampling import read
    from mappings.engine import decode
    from state.calls_made import counted
    from sync.services import services_of
    from sync.systems import open_connector, ordered_streams

    services = services_of(app.new_store)
    try:
        with (
            open_connector(app.settings, system, services) as connector,
            counted(app.new_store, system, connector.stats),
        ):
            specs = {spec.name: spec for spec in ordered_streams(app.settings, system, connector)}
            unknown = [name for name in streams if name not in specs]
            if unknown:
                raise click.UsageError(f"{system} offers no stream {unknown[0]!r}. It offers: {', '.join(specs)}.")
            found = {}
            for name in streams or specs:
                records = read(connector, name, limit)[0]
                found[name] = Read(specs[name].entity, {item.source_id: decode(item.body) for item in records})
            return connector.name, of_streams(found)
    finally:
        services.close()


class Read(NamedTuple):
    """What was read of a stream: the entity that it becomes, and id → decoded record."""

    entity: str
    records: dict[str, Any]

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The records that a mapping can read."""
        return [item for item in self.records.values() if isinstance(item, dict)]


def of_streams(found: Mapping[str, Read]) -> list[Suggestion]:
    """A proposal for each stream; references in the way that finds more of the records that were read with them."""
    from mappings.suggest import suggest

    made = [suggest(name, item.entity, item.documents) for name, item in found.items()]
    known: dict[str, set[str]] = {}
    for item in made:
        of = known.setdefault(item.entity, set())
        of.update(f"id:{id}" for id in found[item.stream].records)
        number = next((one.path for one in item.fields if one.field == "number"), None)
        of.update(f"no:{value}" for value in _values(found[item.stream].documents, number or ""))

    def finds(entity: str, refs: Collection[str]) -> Collection[str]:
        return known.get(entity, set()) & set(refs)

    return [
        replace(item, fields=tuple(referring(item.fields, item.entity, found[item.stream].documents, finds)))
        for item in made
    ]


def referring(
    proposed: Iterable[Proposal],
    entity: str,
    documents: Sequence[dict[str, Any]],
    finds: Callable[[str, Collection[str]], Collection[str]],
) -> Iterator[Proposal]:
    """The proposals, each reference in the way that finds more records. ``finds`` tells which of some references to
    an entity mean a record."""
    for item in proposed:
        of = target(entity, item.field) if item.ref else None
        if of is None:
            yield item
            continue
        values = _values(documents, item.path)
        means = finds(of, {f"{kind}:{value}" for value in values for kind in ("id", "no")})
        count = {kind: sum(f"{kind}:{value}" in means for value in values) for kind in ("id", "no")}
        if of in OF_THE_SYSTEM or count["id"] > count["no"]:
            yield replace(item, ref="id")
        else:
            yield replace(item, ref="no") if count["no"] > count["id"] else item


def lacks_currency(entity: str, names: Collection[str]) -> bool:
    """Whether these fields hold an amount and none says its currency: a record would go into quarantine."""
    kinds = {column.name: column.kind for column in columns(ENTITIES[entity])}
    return "currency" in kinds and "currency" not in names and any(kinds.get(name) is Kind.MONEY for name in names)


def text_of(connector: str, found: Sequence[Suggestion], currency: str, texts: Texts) -> str:
    """The mapping file of some proposals, its comments in the language of ``texts``. Amounts whose currency no field
    says are in ``currency``."""
    from mappings.suggested import Remarks, written

    said = {name: texts(f"suggest.remark.{name}") for name in Remarks._fields}
    text = written(connector, found, Remarks(**said))
    for item in found:
        named = [one.field for one in item.fields if one.sure]
        if lacks_currency(item.entity, named) or ("currency" not in named and _money_in_lines(item)):
            text = mapping_edit.with_field(text, "", item.stream, "currency", {"const": currency})
    line = f"currency: {{const: {currency}}}"
    return text.replace(f"{line}\n", f"{line}  # {mapping_edit.NOT_SAID[texts.locale]}\n")


def _money_in_lines(item: Suggestion) -> bool:
    if item.lines is None:
        return False
    kinds = {column.name: column.kind for column in columns(LINES[item.entity].model)}
    return any(one.sure and kinds[one.field] is Kind.MONEY for one in item.lines.fields)


def _values(documents: Sequence[dict[str, Any]], path: str) -> list[str]:
    """What stands at a path of records, as text."""
    found = (paths.leaves(item).get(path) for item in documents)
    return [str(value) for value in found if value not in (None, "")]


def for_the_rest(mapping: SystemMapping, stream: str, samples: Sequence[Sample]) -> list[Proposal]:
    """What may fill the canonical fields that a mapping leaves empty, from what it leaves of these records, the surest
    first.
    """
    from mappings.engine import MappingError, decode, unmapped
    from mappings.suggest import suggest

    chosen = mapping.stream(stream)
    documents = []
    for sample in samples:
        try:
            left = set(unmapped(mapping, stream, sample.body))
        except MappingError:
            continue  # no object at all: it is in quarantine
        documents.append(_only(decode(sample.body), "", left))
    proposed = suggest(stream, chosen.entity, documents).fields
    empty = [item for item in proposed if item.field not in chosen.definition.fields]
    ordered = sorted(empty, key=lambda item: -item.confidence)
    return list(_with_either_amount(ordered, chosen.entity, chosen.definition.fields))


def _with_either_amount(proposed: Sequence[Proposal], entity: str, filled: Collection[str]) -> Iterator[Proposal]:
    """The proposals; an amount whose name does not say whether tax is in it, for one field and then for the other."""
    known = {*filled, *(item.field for item in proposed)}
    for item in proposed:
        yield item
        if entity in _TAXED and item.field in _AMOUNTS and not item.sure:
            other = _AMOUNTS[1 - _AMOUNTS.index(item.field)]
            if other not in known:
                yield replace(item, field=other)


def of_either(proposed: Iterable[Proposal]) -> list[str]:
    """The paths that are proposed for an amount without tax as well as with."""
    amounts = [item.path for item in proposed if item.field in _AMOUNTS]
    return [path for path in dict.fromkeys(amounts) if amounts.count(path) > 1]


def for_status(mapping: StreamMapping, samples: Sequence[Sample]) -> StatusProposal | None:
    """Where the status may stand in records, and which of its words are themselves a status here."""
    from mappings.engine import decode
    from mappings.suggest import suggest

    documents = []
    for sample in samples:
        with suppress(ValueError, RecursionError):
            documents.append(decode(sample.body))
    known = [item for item in documents if isinstance(item, dict)]
    return suggest("", mapping.entity, known).status


def _only(document: dict[str, Any], prefix: str, wanted: set[str]) -> dict[str, Any]:
    """A record with these paths alone, its lists left out."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        step = paths.key(key)
        if isinstance(value, dict):
            found[key] = _only(value, f"{prefix}{step}.", wanted)
        elif f"{prefix}{step}" in wanted:
            found[key] = value
    return found


def because(texts: Texts, item: Proposal) -> str:
    """Why a field is proposed, in words."""
    found = _WHY.fullmatch(item.why)
    if found is None:
        return item.why
    name, values, words, zone, alone, vague, names = found.groups()
    looks = texts.name("suggest.looks", item.looks)
    if alone:
        return texts("suggest.alone", looks=looks)
    if vague:
        told = [texts("suggest.vague")]
    else:
        told = [texts("suggest.name") if int(name) >= _SAME else texts("suggest.alike", share=name)]
    if names:
        told.append(texts("suggest.names"))
    elif not values:
        told.append(texts("suggest.no_values"))
    elif int(values) == _ALL:
        told.append(texts("suggest.values", looks=looks))
    else:
        told.append(texts("suggest.some_values", share=values, looks=looks))
    told += [texts("suggest.words")] if words else []
    told += [texts("suggest.zone")] if zone else []
    return texts("suggest.and").join(told)


def as_dict(item: Suggestion) -> dict[str, Any]:
    """JSON-able data."""
    told = asdict(item) | {"fields": [{**asdict(found), "sure": found.sure} for found in item.fields]}
    if item.lines is not None:
        told["lines"]["fields"] = [{**asdict(found), "sure": found.sure} for found in item.lines.fields]
    return told


def show(app: App, found: Sequence[Suggestion]) -> None:
    """Field by field with how sure it is."""
    texts = app.texts
    for item in found:
        say(texts("suggest.head", stream=item.stream, entity=item.entity, count=item.records))
        rows = [
            (
                field.field,
                field.path,
                texts.listed(field.do) or field.ref,
                f"{field.confidence} %",
                because(texts, field),
            )
            for field in item.fields
        ]
        if item.status is not None:
            rows.append(("status", item.status.path, None, f"{item.status.confidence} %", _words(app, item)))
        if item.lines is not None:
            above = f"{item.lines.path}.*."
            rows += [
                (
                    f"lines.{one.field}",
                    above + one.path,
                    texts.listed(one.do),
                    f"{one.confidence} %",
                    because(texts, one),
                )
                for one in item.lines.fields
            ]
        if rows:
            table([texts(f"suggest.columns.{name}") for name in ("field", "path", "how", "confidence", "why")], rows)
        else:
            say(texts("suggest.nothing_like" if item.records else "suggest.no_records", stream=item.stream))
        if item.left:
            say(texts("suggest.left", paths=texts.listed(item.left)))
        say()


def _words(app: App, item: Suggestion) -> str:
    values = item.status.values if item.status else {}
    open_ones = [word for word, status in values.items() if status is None]
    return app.texts("suggest.decide", words=app.texts.listed(open_ones)) if open_ones else app.texts.listed(values)
