"""One stream of a system before an admin: its mapping, the file of it, and what a change would do to records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from console import described, mapped, mapping_edit, outdated, shapes_told, status_words, suggesting, trial
from console.expressions import STEP, Mistyped, spec_from
from console.mapping_change import changed, taken
from console.mapping_place import Place
from console.referred import Beside, resolved, standing_in
from console.web import sides
from console.web.admin.mapping_rows import SHOWN
from console.web.admin.samples import held, in_quarantine
from mappings.engine import Mapping, StreamMapping, decode
from mappings.errors import MappingFileError
from mappings.suggest import SURE
from state import referred
from sync.systems import SystemUnusable, connector_class

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Mapping as MappingType

    from connectors.contract import StreamSpec
    from console.outdated import Outdated
    from console.referred import Referring
    from console.web.desk import Visit
    from mappings.suggest import Proposal
    from settings.model import Settings
    from state.lookup import Sample

TICK = "take."
"""Before the name of a suggestion that is ticked."""
WITH, WITHOUT = "with", "without"
"""A suggestion that is taken as well as those of a form, or no more."""
SEVERAL = "several"
"""The kind of a change that takes suggestions, all that its form names."""
_UNREADABLE = (ValueError, RecursionError)


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
    beside: dict[str, list[Sample]] = field(default_factory=dict)
    """Of the system's other streams, those that were read from it just now."""
    live: bool = False
    """Whether ``records`` were read from the system a short while ago."""
    read_at: str = ""
    """When that was, to the minute."""
    count: int = 0
    """How many records were asked for then, or are asked for now; 0: nobody has."""
    refused: str = ""
    """The id of the one in quarantine that is first among ``records``, as it is held."""
    chosen: str = ""
    """The id of the one that is shown."""
    first: int = 0
    """The place of the first one in the table of several."""

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
        some = self.records[: mapped.LOOKED_AT]
        found = suggesting.for_the_rest(self.mapping, self.stream, some)
        documents = [item for item in map(decoded, some) if isinstance(item, dict)]
        return list(suggesting.referring(found, self.now.entity, documents, self._finds))

    def _finds(self, entity: str, refs: Collection[str]) -> Collection[str]:
        with self.visit.desk.store.reading() as connection:
            return referred.found(connection, self.system, entity, refs)

    def referring(self, found: dict[str, Any]) -> dict[str, Referring]:
        """Whom each reference field of the stream's records finds, by what was tried of them."""
        told = found["references"].get(self.stream)
        if told is None:
            return {}
        beside = Beside.of(found["beside"])
        with self.visit.desk.store.reading() as connection:
            means = resolved(connection, self.system, told["entity"], told["fields"], beside)
        return {name: self._where_instead(item) for name, item in means.items()}

    def _where_instead(self, item: Referring) -> Referring:
        """The reference with where the values stand that find nobody, as far as some records of the system tell."""
        if not item.by_id or item.found or self.mapping is None:
            return item
        streams = [name for name, stream in self.mapping.streams.items() if stream.entity == item.entity]
        stored = held(self.visit.desk.store, self.system, [name for name in streams if name not in self.beside])
        records = {name: (self.beside | stored)[name] for name in streams}
        documents = {name: [decoded(one) for one in some] for name, some in records.items()}
        return replace(item, stands_in=standing_in(item.missing, documents))

    def seen_now(self) -> tuple[dict[str, Any], Outdated]:
        """What the mapping makes of the chosen record, and how many stored ones were read by an older mapping. Raises
        ``trial.Broken``."""
        held = outdated.stored(self.visit.desk.store, self.system, self.stream)
        found = self._answer({self.stream: self.records}, stored={self.stream: held.samples})
        digests = found["digests"].get(self.stream)
        if digests is None:  # the mapping cannot be used, or no longer maps the stream: nothing can be compared
            return found, outdated.Outdated(self.system, self.stream, 0, 0, held.all)
        return found, held.compared(self.system, self.stream, digests)

    @property
    def writes_status(self) -> bool:
        """Whether statuses of the stream are written back, so that each must stand for one word of the source."""
        if self.now is None:
            return False
        return "status" in self.now.definition.write or self.now.definition.create is not None

    def words(self, form: MappingType[str, str]) -> tuple[dict[str, int], int]:
        """The words that the source of a status, as a form says it, finds in the records; and how many were looked at.
        None where it cannot be used yet."""
        held = outdated.stored(self.visit.desk.store, self.system, self.stream)
        samples = list({item.source_id: item for item in [*held.samples, *self.records]}.values())
        refused = in_quarantine(self.visit.desk.store, self.system, self.stream)
        samples += [item for item in refused if item not in samples]
        listed = [form[name] for name in form if name.startswith(status_words.WORD)]
        try:
            source = {name: form.get(name, "") for name in ("how", "what", "match")}
            spec = spec_from(source | {name: form[name] for name in form if name.startswith(STEP)})
            private = mapped.private_paths(self.now) if self.now is not None else ()
            return trial.words(spec, samples, listed, private), len(samples)
        except (Mistyped, trial.Broken):
            return {}, 0

    def tried(self, text: str, *, whole: bool = False) -> dict[str, Any]:
        """What a text of the file would make different of the records. Raises ``trial.Broken``.

        ``whole``: the change may be about every stream of the system.
        """
        records = {self.stream: self.records}
        if whole and self.mapping is not None:
            others = [name for name in self.mapping.streams if name != self.stream]
            records |= held(self.visit.desk.store, self.system, others)
        return self._answer(records, text=text, file=self.place.own)

    def _answer(self, records: dict[str, list[Sample]], **more: Any) -> dict[str, Any]:
        shown, table = (self.stream, self.chosen), (self.first, SHOWN)
        more |= {"beside": self.beside, "table": table, "zone": self.place.zone}
        found = trial.tried(self.system, self.place.source, records, shown, **more)
        for item in found["streams"].values():
            for one in item["emptied"]:
                one["value"] = shapes_told.told(self.visit.texts, one["value"])
        worded = {key: _worded(self.visit, found[key]) for key in ("now", "then")}
        return found | worded | {"table": [_worded(self.visit, item) for item in found["table"]]}


def _worded(visit: Visit, tested: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is shown of a record, with its status and the shape of what is hidden in words."""
    if tested is None:
        return None
    texts = visit.texts
    fields = [
        item | {name: shapes_told.told(texts, item[name]) for name in ("value", "raw")} for item in tested["fields"]
    ]
    for item in fields:
        item["value"] = sides.tested(tested["entity"], item["name"], item["value"], visit)
    return tested | {
        "fields": fields,
        "shapes": {path: shapes_told.told(texts, value) for path, value in tested["shapes"].items()},
    }


def tried(seen: Seen, sent: MappingType[str, str]) -> tuple[str, dict[str, Any], str]:
    """The file after the change that a form says, what it does to the records, and why it cannot be."""
    texts = seen.visit.texts
    try:
        extended = mapping_edit.base(seen.text, seen.place.own.name)
        if sent.get("kind") == SEVERAL and seen.now is not None:
            names = sent.get("field", "").split(",")
            base = seen.visit.desk.settings.base_currency
            text = taken(seen.text, seen.place.own.name, seen.stream, seen.now, seen.proposed(), names, base)
        else:
            file, writes = seen.place.own.name, seen.writes_status
            text = changed(seen.text, file, extended, seen.stream, seen.now, sent, writes_status=writes)
        found = seen.tried(text, whole=sent.get("kind") == "text")
    except Mistyped as error:
        return "", {}, texts(f"mapping_editor.mistyped.{error.key}", line=texts.listed(error.lines))
    except MappingFileError as error:
        return "", {}, in_words(error.where, error.message, error.remedy)
    except trial.Broken as error:
        return "", {}, texts(f"mapping_editor.broken.{error.key}")
    return text, found, in_words(**found["problem"]) if found["problem"] else ""


def named(seen: Seen, sent: MappingType[str, str]) -> dict[str, str]:
    """The form with the suggestions by name that are ticked in it, or that are surer than it says; or with one more or
    less than before."""
    if sent.get("kind") == SEVERAL and (WITH in sent or WITHOUT in sent):
        known = [name for name in sent.get("field", "").split(",") if name and name != sent.get(WITHOUT)]
        return {**sent, "field": ",".join(dict.fromkeys([*known, *filter(None, [sent.get(WITH)])]))}
    if sent.get("kind") != SEVERAL or "which" not in sent:
        return dict(sent)
    names = [name.removeprefix(TICK) for name in sent if name.startswith(TICK)]
    if sent["which"] in ("above", "sure"):
        above = sent.get("above", "") if sent["which"] == "above" else str(SURE)
        least = int(above) if above.isascii() and above.isdigit() and len(above) < 4 else 100
        each = {item.path: item.field for item in reversed(seen.proposed()) if item.confidence >= least}
        names = list(reversed(each.values()))  # of one column that two fields may be, the first
    return {**sent, "field": ",".join(names)}


def first_text(seen: Seen) -> str:
    """The text of a file that is not there yet: it starts from what comes with the product, else from a proposal."""
    settings = seen.visit.desk.settings
    if seen.mapping is not None:
        return mapping_edit.own(seen.mapping.connector, seen.place.source)
    known = {spec.name: spec.entity for spec in offered(settings, seen.system)}
    records = {**seen.beside, seen.stream: seen.records}
    found = {
        name: suggesting.Read(
            entity, {item.source_id: decoded(item) for item in records.get(name, ())[: mapped.LOOKED_AT]}
        )
        for name, entity in known.items()
    }
    connector = settings.systems[seen.system].connector.removesuffix(".yaml")
    return suggesting.text_of(connector, suggesting.of_streams(found), settings.base_currency, seen.visit.texts)


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
