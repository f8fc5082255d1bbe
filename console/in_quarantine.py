"""Records that could not be understood, a line each, and one of them whole: what ``ltc`` and the workbench show."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.mapping_change import known_fields
from console.report import figures
from console.sentences import plain
from console.shapes_told import told
from mappings.paths import ROOT, SOURCE_ID, apart, parse
from state.clock import from_us

if TYPE_CHECKING:
    from datetime import tzinfo

    from console.i18n import Texts
    from console.mapped import Field, Tested
    from settings.model import Settings
    from state.corrections import Correction
    from state.quarantine import Refused
    from state.store import Store

COLUMNS = ("system", "stream", "record", "field", "value", "reason", "since", "attempts")
DISCARDED = (*COLUMNS[:6], "discarded_by", "discarded_at", "discard_reason")
"""Of the list of those that people have taken off the other one."""
EDITED = ("system", "stream", "record", "path", "edited_by", "edited_at", "edit_reason")
"""Of the list of fields in whose place people have put a text."""
_MADE_UP = re.compile(r"row \d+ of .+|file .+\.\w+|gap before .+ of .+")
"""Ids that the connectors of files and bank statements give to what has none."""
_NUMBER = re.compile(r"\.\d+(?=\.)")
"""Of a line."""
LONGEST_TEXT = 20_000
"""Characters of a record's own text that are shown."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """One record in quarantine, step by step."""

    refused: Refused
    tested: Tested | None
    """What the present mapping makes of it; ``None`` if it cannot be read, or the record cannot."""
    text: str
    """The record as it was received, cut at ``LONGEST_TEXT``; empty while personal values are hidden."""
    mappable: bool
    """Whether a mapping can help: not if the connector could not even slice the record."""

    @property
    def in_source(self) -> str | None:
        """Its address in its own system, as far as the mapping tells it and a browser may open it."""
        fields = self.tested.fields if self.tested is not None else ()
        return figures.link({item.name: item.value for item in fields if item.name == "url"})

    @property
    def number(self) -> str:
        """Its number, as far as the mapping tells it."""
        fields = self.tested.fields if self.tested is not None else ()
        return next((str(item.value) for item in fields if item.name == "number" and item.value and not item.error), "")

    @property
    def refusing(self) -> dict[str, str]:
        """Each of the ``editable`` source fields with the canonical field that is read there."""
        steps = [item for item in self.tested.fields if item.error] if self.tested is not None else []
        return {path: next((item.name for item in steps if path in item.path), "") for path in self.editable}

    @property
    def editable(self) -> list[str]:
        """The source fields, by path, that the step which refuses the record reads, as far as each is one place."""
        steps = self.tested.fields if self.tested is not None else ()
        paths = [path for item in steps if item.error for path in apart(item.path)]
        return [path for path in dict.fromkeys(paths) if not {"*", ROOT, SOURCE_ID} & {*parse(path)}]

    @property
    def others(self) -> list[Field]:
        """The steps that refuse the record besides the field that is told first."""
        steps = self.tested.fields if self.tested is not None else ()
        return [item for item in steps if item.error and item.name != self.refused.field]

    @property
    def to_edit(self) -> str:
        """The canonical field whose mapping refuses the record, as the mapping editor calls it; empty if none does."""
        name = _NUMBER.sub("", self.refused.field)
        known = self.tested is not None and (name == "status" or name in known_fields(self.tested.entity))
        return name if known else ""


def row(item: Refused, zone: tzinfo, texts: Texts) -> tuple[Any, ...]:
    """One record, in the order of ``COLUMNS``; of personal values type and length only."""
    return (*_refused(item, texts), _minute(item.first_at, zone), item.attempts)


def discarded_row(item: Refused, zone: tzinfo, texts: Texts) -> tuple[Any, ...]:
    """One that somebody has discarded, in the order of ``DISCARDED``."""
    return (*_refused(item, texts), item.discarded_by, when_discarded(item, zone), item.discard_reason)


def with_name(shown: tuple[Any, ...], called: str | None, texts: Texts) -> tuple[Any, ...]:
    """A row of ``COLUMNS`` or ``DISCARDED`` with what the record is called beside its id, if that is known."""
    place = COLUMNS.index("record")
    beside = texts("joined.aside", text=called) if called else ""
    return (*shown[:place], f"{shown[place]}{beside}", *shown[place + 1 :])


def id_told(texts: Texts, source_id: str) -> str:
    """The id of a record for a page; in words what a connector made up for what has none (``row 19 of orders.csv``)."""
    return plain(source_id, texts.locale) if _MADE_UP.fullmatch(source_id) else source_id


def edit_row(item: Correction, zone: tzinfo) -> tuple[Any, ...]:
    """One field that somebody has put a text in the place of, in the order of ``EDITED``; without the text."""
    who = (item.corrected_by, _minute(item.corrected_at, zone), item.reason)
    return (item.system, item.stream, item.source_id, item.path, *who)


def when_discarded(item: Refused, zone: tzinfo) -> str:
    """To the minute; empty if it was not."""
    return "" if item.discarded_at is None else _minute(item.discarded_at, zone)


def _refused(item: Refused, texts: Texts) -> tuple[Any, ...]:
    return (item.system, item.stream, item.source_id, item.field or None, told(texts, item.value), item.reason)


def _minute(at: int, zone: tzinfo) -> str:
    return f"{from_us(at).astimezone(zone):%Y-%m-%d %H:%M}"


def inspect(store: Store, settings: Settings, record_id: int, show_personal: bool) -> Inspected | None:
    """A record in quarantine with every step of its mapping; ``None`` if it is not there (any more)."""
    from state import lookup, quarantine
    from state.writes import REFUSED_BY_CONNECTOR

    with store.reading() as connection:
        refused = quarantine.one(connection, record_id)
        if refused is None:
            return None
        samples = lookup.newest(connection, refused.system, refused.stream, 1, refused.source_id)
    mappable = refused.mapping != REFUSED_BY_CONNECTOR
    if not samples:
        return Inspected(refused, None, "", mappable)
    tested = _tested(settings, refused, samples[0], show_personal) if mappable else None
    return Inspected(refused, tested, _text(samples[0].body) if show_personal else "", mappable)


def _tested(settings: Settings, refused: Refused, sample: Any, show_personal: bool) -> Tested | None:
    from console import mapped
    from mappings.errors import MappingError, MappingFileError
    from sync.systems import mapping_for

    try:
        mapping = mapping_for(settings, refused.system)
        veil = None if show_personal else mapped.veil(mapping, refused.stream, sample)
        return mapped.test(mapping, refused.stream, refused.system, sample, show_personal, veil)
    except (MappingFileError, MappingError, KeyError):
        return None


def _text(body: bytes) -> str:
    """The record indented if it is JSON, else as it is."""
    try:
        shown = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        shown = body.decode(errors="replace")
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[:LONGEST_TEXT]}…"
