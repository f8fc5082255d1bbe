"""Read records of a system and propose a mapping for them, or for what a mapping leaves of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from console.output import say, table

if TYPE_CHECKING:
    from console.context import App
    from console.i18n import Texts
    from mappings.engine import Mapping
    from mappings.suggest import Proposal, Suggestion
    from state.lookup import Sample

_WHY = re.compile(
    r"name (\d+), (?:values (\d+)|no values seen)(; its words need a table)?(; no zone is written, UTC is a guess)?"
)


def proposals(app: App, system: str, streams: Sequence[str], limit: int) -> tuple[str, list[Suggestion]]:
    """The connector's name and a proposal for each stream (default: all). Raises any ``ConnectorError``."""
    from console.sampling import read
    from mappings.engine import decode
    from mappings.suggest import suggest
    from sync.services import services_of
    from sync.systems import open_connector, ordered_streams

    services = services_of(app.new_store)
    try:
        with open_connector(app.settings, system, services) as connector:
            specs = {spec.name: spec for spec in ordered_streams(app.settings, system, connector)}
            unknown = [name for name in streams if name not in specs]
            if unknown:
                raise click.UsageError(f"{system} offers no stream {unknown[0]!r}. It offers: {', '.join(specs)}.")
            found = []
            for name in streams or specs:
                documents = [decode(record.body) for record in read(connector, name, limit)[0]]
                found.append(suggest(name, specs[name].entity, [item for item in documents if isinstance(item, dict)]))
            return connector.name, found
    finally:
        services.close()


def for_the_rest(mapping: Mapping, stream: str, samples: Sequence[Sample]) -> list[Proposal]:
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
    return sorted(empty, key=lambda item: -item.confidence)


def _only(document: dict[str, Any], prefix: str, wanted: set[str]) -> dict[str, Any]:
    """A record with these paths alone, its lists left out."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            found[key] = _only(value, f"{prefix}{key}.", wanted)
        elif f"{prefix}{key}" in wanted:
            found[key] = value
    return found


def because(texts: Texts, item: Proposal) -> str:
    """Why a field is proposed, in words."""
    found = _WHY.fullmatch(item.why)
    if found is None:
        return item.why
    name, values, words, zone = found.groups()
    told = texts("suggest.name", share=name)
    told += texts("suggest.values", share=values) if values else texts("suggest.no_values")
    told += texts("suggest.words") if words else ""
    return told + texts("suggest.zone") if zone else told


def as_dict(item: Suggestion) -> dict[str, Any]:
    """JSON-able data."""
    return {**asdict(item), "fields": [{**asdict(found), "sure": found.sure} for found in item.fields]}


def show(app: App, found: Sequence[Suggestion]) -> None:
    """Field by field with how sure it is."""
    texts = app.texts
    for item in found:
        say(texts("suggest.head", stream=item.stream, entity=item.entity, count=item.records))
        rows = [
            (field.field, field.path, ", ".join(field.do) or field.ref, f"{field.confidence} %", because(texts, field))
            for field in item.fields
        ]
        if item.status is not None:
            rows.append(("status", item.status.path, None, f"{item.status.confidence} %", _words(app, item)))
        table([texts(f"suggest.columns.{name}") for name in ("field", "path", "how", "confidence", "why")], rows)
        if item.left:
            say(texts("suggest.left", paths=", ".join(item.left)))
        say()


def _words(app: App, item: Suggestion) -> str:
    values = item.status.values if item.status else {}
    open_ones = [word for word, status in values.items() if status is None]
    return app.texts("suggest.decide", words=", ".join(open_ones)) if open_ones else ", ".join(values)
