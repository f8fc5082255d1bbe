"""One stream of a system before an admin: its mapping, the file of it, and what a change would do to records."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from console import described, mapping_edit, suggesting, trial
from console.expressions import Mistyped
from console.mapping_change import changed, taken
from console.mapping_place import Place
from console.web.admin.samples import held
from mappings.engine import Mapping, StreamMapping, decode
from mappings.errors import MappingFileError
from mappings.suggest import suggest
from mappings.suggested import written
from sync.systems import SystemUnusable, connector_class

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingType

    from connectors.contract import StreamSpec
    from console.i18n import Texts
    from console.web.desk import Visit
    from mappings.suggest import Proposal
    from settings.model import Settings
    from state.lookup import Sample

TICK = "take."
"""Before the name of a suggestion that is ticked."""
SEVERAL = "several"
"""The kind of a change that takes suggestions, all that its form names."""
LOOKED_AT = 20
"""Records of a stream that are looked through for what is in them."""
_UNREADABLE = (ValueError, RecursionError)
_SHAPE = re.compile(r"<(str|int|Decimal|bool|list|dict)(?: of (\d+))?>")
"""As ``mappings.errors.shown`` writes it."""


@dataclass
class Seen:
    """One stream of a system before a person: its mapping, the file of it, and the records to try it on."""

    visit: Visit
    system: str
    stream: str
    place: Place
    text: str = ""
    version: str = ""
    """Of the file as it was read; empty: there is none."""
    mapping: Mapping | None = None
    problem: str = ""
    shared: list[str] = field(default_factory=list)
    """Other systems that read the same file."""
    records: list[Sample] = field(default_factory=list)
    """Of this stream."""
    live: bool = False
    """Whether ``records`` were read from the system just now."""
    chosen: str = ""
    """The id of the one that is shown."""

    @property
    def address(self) -> str:
        """Of its page."""
        return f"/mappings/{self.system}/{self.stream}"

    @property
    def now(self) -> StreamMapping | None:
        """The stream's mapping as it is saved."""
        return self.mapping.streams.get(self.stream) if self.mapping is not None else None

    def proposed(self) -> list[Proposal]:
        """What may fill the fields that the mapping leaves empty, the surest first."""
        if self.mapping is None or self.now is None:
            return []
        return suggesting.for_the_rest(self.mapping, self.stream, self.records[:LOOKED_AT])

    def tried(self, text: str | None = None, *, whole: bool = False) -> dict[str, Any]:
        """The mapping, or with a text what would be different, on the records. Raises ``trial.Broken``.

        ``whole``: the change may be about every stream of the system.
        """
        records = {self.stream: self.records}
        if text is None:
            records = {self.stream: [item for item in self.records if item.source_id == self.chosen]}
        elif whole and self.mapping is not None:
            others = [name for name in self.mapping.streams if name != self.stream]
            records |= held(self.visit.desk.store, self.system, others)
        shown = (self.stream, self.chosen)
        found = trial.tried(self.system, self.place.source, records, shown, text=text, file=self.place.own)
        return found | {key: _worded(self.visit.texts, found[key]) for key in ("now", "then")}


def _worded(texts: Texts, tested: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is shown of a record, with the shape of what is hidden in words."""
    if tested is None:
        return None
    fields = [item | {name: _shape(texts, item[name]) for name in ("value", "raw")} for item in tested["fields"]]
    return tested | {
        "fields": fields,
        "shapes": {path: _shape(texts, value) for path, value in tested["shapes"].items()},
    }


def _shape(texts: Texts, value: Any) -> Any:
    found = _SHAPE.fullmatch(value) if isinstance(value, str) else None
    return texts(f"mapping_editor.shape.{found[1].lower()}", count=found[2]) if found else value


def tried(seen: Seen, sent: MappingType[str, str]) -> tuple[str, dict[str, Any], str]:
    """The file after the change that a form says, what it does to the records, and why it cannot be."""
    texts = seen.visit.texts
    try:
        base = mapping_edit.base(seen.text, seen.place.own.name)
        if sent.get("kind") == SEVERAL and seen.now is not None:
            names = sent.get("field", "").split(",")
            text = taken(seen.text, seen.place.own.name, seen.stream, seen.now, seen.proposed(), names)
        else:
            text = changed(seen.text, seen.place.own.name, base, seen.stream, seen.now, sent)
        found = seen.tried(text, whole=sent.get("kind") == "text")
    except Mistyped as error:
        return "", {}, texts(f"mapping_editor.mistyped.{error.key}", line=error.line)
    except MappingFileError as error:
        return "", {}, in_words(error.where, error.message, error.remedy)
    except trial.Broken as error:
        return "", {}, texts(f"mapping_editor.broken.{error.key}")
    return text, found, in_words(**found["problem"]) if found["problem"] else ""


def named(seen: Seen, sent: MappingType[str, str]) -> dict[str, str]:
    """The form with the suggestions by name that are ticked in it, or that are surer than it says."""
    if sent.get("kind") != SEVERAL or "which" not in sent:
        return dict(sent)
    names = [name.removeprefix(TICK) for name in sent if name.startswith(TICK)]
    if sent["which"] == "above":
        above = sent.get("above", "")
        least = int(above) if above.isascii() and above.isdigit() and len(above) < 4 else 100
        names = [item.field for item in seen.proposed() if item.confidence >= least]
    return {**sent, "field": ",".join(names)}


def first_text(seen: Seen) -> str:
    """The text of a file that is not there yet: it starts from what comes with the product, else from a proposal."""
    settings = seen.visit.desk.settings
    if seen.mapping is not None:
        return mapping_edit.own(seen.mapping.connector, seen.place.source)
    known = {spec.name: spec.entity for spec in offered(settings, seen.system)}
    documents = [decoded(item) for item in seen.records[:LOOKED_AT]]
    found = [
        suggest(name, entity, [item for item in documents if isinstance(item, dict)] if name == seen.stream else [])
        for name, entity in known.items()
    ]
    return written(settings.systems[seen.system].connector.removesuffix(".yaml"), found)


def offered(settings: Settings, system: str) -> list[StreamSpec]:
    """The streams of a system, as far as its settings tell without asking it; none where they cannot be used."""
    try:
        specs = described.offer(connector_class(settings, system), settings.systems[system].config).streams
    except (LookupError, ValueError, SystemUnusable):
        return []
    return [spec for spec in specs if spec.name in (settings.systems[system].streams or [spec.name])]


def decoded(sample: Sample) -> Any:
    """A record as a mapping reads it; ``None`` for one that is no JSON."""
    try:
        return decode(sample.body)
    except _UNREADABLE:
        return None


def in_words(where: str, message: str, remedy: str) -> str:
    """What is wrong with a file, with the line."""
    return f"{where}: {message} {remedy}".strip()
