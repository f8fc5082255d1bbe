"""The process in which a mapping is tried on records: ``python -m console.trying``, JSON in and out.

Patterns of a mapping may be slow on some texts, and Python cannot break a pattern off. So what is not saved yet is
tried in a process that is ended when its time is up (``console.trial``), and never in the one that serves people.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from console import mapped, status_words
from console.expressions import spec_of
from mappings import paths
from mappings.engine import Explained, Mapping, StreamMapping, decode, explain, load
from mappings.errors import MappingError, MappingFileError
from mappings.model import ENTITIES, LINES, Kind, columns

_MEMORY = 1024 * 1024 * 1024
_MOST_SHOWN = 300
"""Fields of one record, those of its lines included; and of what nothing maps."""
_MOST_ABSENT = 20
_MOST_IDS = 10
"""Records that are named of those that become different."""
_MOST_REFUSED, _MOST_NAMED = 5, 3
"""Reasons why records of a stream are refused, and records that are named of each, the newest first."""
_REMEDIES = {
    "no_currency": "the record has no currency",
    "decimal_comma": "`decimal_comma`",
    "decimal_point": "`decimal_point`",
    "day_first": "`day_first`",
    "currency_name": "`currency_name`",
    "several_currencies": "a table (`values`) must say which",
}
"""What is to be done whatever the field is → the part of the reason that says so."""
_LINE, _LINE_NUMBER = "lines.", re.compile(r"^lines\.\d+\.")
_REFERENCES = (Kind.REF, Kind.REFS)
_DIFFERENT = ("changed", "refused", "accepted")
"""Kinds of records that a change is about."""
_MOST_WORDS = 120
"""Different ones of a status."""
_LONGEST = 500
"""Signs of a value that are shown."""


class Sample(NamedTuple):
    """One raw record."""

    source_id: str
    body: bytes


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """What a mapping makes of records, and what would be different with its text changed. Where the record to show
    stays the same, one that does not is ``shown``.

    ``asked``: ``system``; ``source`` (what ``mappings.engine.load`` takes); ``text`` (the changed file or nothing) with
    its ``name`` and ``folder``; ``records`` (stream → id and body); ``shown`` (stream and id of the one to show);
    ``stored`` (as ``records``: those that are only told by the digest of what the mapping makes of them); ``beside``
    (as ``records``: those that references may mean); ``table``, if given, the first record and how many of the stream
    that is shown are told whole; ``zone``, that of times that name none.
    """
    samples = _samples(asked["records"])
    if "words" in asked:
        return {"words": words(asked["words"], samples[""], asked["listed"], asked["private"])}
    found: dict[str, Any] = {
        "problem": None,
        "now_problem": None,
        "now": None,
        "then": None,
        "shown": "",
        "streams": {},
        "references": {},
        "beside": [],
        "table": [],
    }
    zone = asked.get("zone", "UTC")
    now: Mapping | None = None
    try:
        now = load(asked["source"], zone)
    except MappingFileError as error:
        found["now_problem"] = _told(error)
    stored = _samples(asked["stored"])
    found["digests"] = _digests(now, asked["system"], stored)
    then: Mapping | None = None
    if asked["text"] is not None:
        try:
            then = candidate(asked["text"], asked["name"], Path(asked["folder"]), zone)
        except MappingFileError as error:
            found["problem"] = _told(error)
        except RecursionError:
            found["problem"] = {"where": asked["name"], "message": "a pattern is nested too deeply.", "remedy": ""}
    if (last := then or now) is not None:
        looked_at = {name: _together(of, stored.get(name, ())) for name, of in samples.items()}
        found["references"] = {
            name: {"entity": last.stream(name).entity, "fields": _references(last, asked["system"], name, of)}
            for name, of in looked_at.items()
            if name in last.streams
        }
        found["beside"] = _beside(last, asked["system"], _samples(asked["beside"]))
    stream, id = asked["shown"]
    if then is not None:
        found["streams"] = differences(now, then, asked["system"], samples)
        id = _one_that_changes(now, then, asked["system"], samples.get(stream, ()), asked["shown"])
    first, most = asked.get("table") or (0, 0)
    for sample in samples.get(stream, ())[first : first + most]:
        if (tested := _shown(last, now or then, stream, asked["system"], sample)) is not None:
            found["table"].append(tested | {"shapes": {}})
    chosen = next((item for item in samples.get(stream, ()) if item.source_id == id), None)
    if chosen is not None:
        found["shown"] = id
        found["now"] = _shown(now, now, stream, asked["system"], chosen)
        found["then"] = _shown(then, now or then, stream, asked["system"], chosen)
    return found


def _one_that_changes(
    now: Mapping | None, then: Mapping, system: str, samples: Sequence[Sample], shown: tuple[str, str]
) -> str:
    """The record that shows what a change does: the chosen one if it becomes different, else the first that does."""
    stream, chosen = shown
    for sample in sorted(samples, key=lambda item: item.source_id != chosen):
        was, becomes = (_outcome(mapping, stream, system, sample) for mapping in (now, then))
        if _kind(was, becomes) in _DIFFERENT:
            return sample.source_id
    return chosen


def words(spec: Any, samples: Sequence[Sample], listed: Sequence[str], private: Sequence[str]) -> dict[str, int]:
    """In how many records the source of a status finds each word, the most frequent first.

    A word may be somebody's name, where the source is no status at all: besides those that are ``listed``, only words
    of fields that are called a status are told, or words that several records hold; of too many different ones, and of
    fields that may be about a person (``private`` are), none.
    """
    only = {"version": 1, "connector": "words", "streams": {"one": {"entity": "order", "fields": {"number": spec}}}}
    try:
        mapping = candidate(json.dumps(only), "words.yaml", Path())
    except (MappingFileError, RecursionError):
        return {}
    count: Counter[str] = Counter()
    for sample in samples:
        with suppress(MappingError):
            value = explain(mapping, "one", sample.body, sample.source_id)[0].value
            count.update([value] if value else [])
    sources = mapping.stream("one").definition.fields["number"].sources
    is_status = status_words.is_named_so(sources)
    too_many = len(count) > (_MOST_WORDS if is_status else _MOST_WORDS // 4)
    if too_many or any(mapped.is_of_people(path, private) for path in sources):
        count = Counter({word: count[word] for word in listed if word in count})
    return {
        word: times
        for word, times in count.most_common()
        if word in listed or ((is_status or times > 1) and not mapped.is_address(word))
    }


def _references(mapping: Mapping, system: str, stream: str, samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Which references each field of a stream's records holds, and in how many of them."""
    found: dict[str, Counter[str]] = {}
    entity = mapping.stream(stream).entity
    models = [("", columns(ENTITIES[entity])), (_LINE, columns(LINES[entity].model) if entity in LINES else ())]
    places = [
        [(n, f"{of}{one.name}") for n, one in enumerate(known) if one.kind in _REFERENCES] for of, known in models
    ]
    for sample in samples:
        outcome = _outcome(mapping, stream, system, sample)
        if isinstance(outcome, MappingError) or not outcome.row:
            continue
        seen = {(name, outcome.row[n]) for n, name in places[0]}
        seen |= {(name, line[n]) for line in outcome.lines for n, name in places[1]}
        for name, value in seen:
            found.setdefault(name, Counter()).update((value or "").split("\n") if value else ())
    return {name: dict(count) for name, count in found.items()}


def _together(some: Sequence[Sample], others: Sequence[Sample]) -> list[Sample]:
    return list({item.source_id: item for item in (*others, *some)}.values())


def _beside(mapping: Mapping, system: str, samples: dict[str, list[Sample]]) -> list[dict[str, Any]]:
    """The ids and numbers of records that references may mean."""
    found = []
    for stream in samples.keys() & mapping.streams.keys():
        entity = mapping.stream(stream).entity
        place = next(n for n, column in enumerate(columns(ENTITIES[entity])) if column.name == "number")
        outcomes = [_outcome(mapping, stream, system, sample) for sample in samples[stream]]
        rows = [item.row for item in outcomes if not isinstance(item, MappingError) and item.row]
        ids = [sample.source_id for sample in samples[stream]]
        found.append({"entity": entity, "ids": ids, "numbers": [row[place] for row in rows if row[place]]})
    return found


def digest(row: Sequence[Any], lines: Sequence[Sequence[Any]]) -> str:
    """By what one canonical record, with its lines, is told from another."""
    flat = [[int(value) if isinstance(value, bool) else value for value in one] for one in (row, *lines)]
    plain = json.dumps([flat[0], sorted(flat[1:], key=repr)], default=str)
    return blake2b(plain.encode(), digest_size=8).hexdigest()


def _digests(mapping: Mapping | None, system: str, samples: dict[str, list[Sample]]) -> dict[str, list[str]]:
    """Of what a mapping makes of each record; empty for one that it refuses. Streams that it does not map are left
    out."""
    found: dict[str, list[str]] = {}
    for stream in samples if mapping is not None else ():
        outcomes = [_outcome(mapping, stream, system, sample) for sample in samples[stream]]
        if None not in outcomes:
            found[stream] = ["" if isinstance(item, MappingError) else digest(*item) for item in outcomes]
    return found


def _samples(given: dict[str, list[tuple[str, str]]]) -> dict[str, list[Sample]]:
    return {stream: [Sample(id, base64.b64decode(body)) for id, body in records] for stream, records in given.items()}


def candidate(text: str, name: str, folder: Path, zone: str = "UTC") -> Mapping:
    """The mapping of a text that would be the file ``name`` in ``folder``; raises ``MappingFileError``."""
    with tempfile.TemporaryDirectory(prefix="ltc-mapping-") as place:
        path = Path(place) / name
        path.write_text(_with_base(text, folder), encoding="utf-8")
        return load(path, zone)


def _with_base(text: str, folder: Path) -> str:
    """The text with the file that it extends named in full, as it is read from another folder."""
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        key, sign, value = line.partition(":")
        base = folder / value.partition(" #")[0].strip().strip("'\"")
        if key == "extends" and sign and base.is_file():
            lines[place] = f"extends: {json.dumps(str(base))}\n"
    return "".join(lines)


def differences(
    now: Mapping | None, then: Mapping, system: str, samples: dict[str, list[Sample]]
) -> dict[str, dict[str, Any]]:
    """Of each stream whose records may be read differently: how many would be, and which fields."""
    found: dict[str, dict[str, Any]] = {}
    for stream in dict.fromkeys([*then.streams, *(now.streams if now else ())]):
        before = now.streams.get(stream) if now else None
        after = then.streams.get(stream)
        if before is not None and after is not None and before.fingerprint == after.fingerprint:
            continue
        count: Counter[str] = Counter()
        ids: dict[str, list[str]] = {}
        fields: Counter[str] = Counter()
        refused: dict[tuple[str, str], dict[str, Any]] = {}
        for sample in samples.get(stream, ()):
            was = _outcome(now, stream, system, sample)
            becomes = _outcome(then, stream, system, sample)
            changed = _kind(was, becomes)
            if isinstance(becomes, MappingError):
                why = (becomes.field, becomes.reason)
                if why not in refused and len(refused) < _MOST_REFUSED:
                    refused[why] = _refused(now, then, stream, system, sample, becomes)
                if why in refused:
                    _count(refused[why], sample)
            count[changed] += 1
            if changed in _DIFFERENT and len(ids.setdefault(changed, [])) < _MOST_IDS:
                ids[changed].append(sample.source_id)
            if changed == "changed" and before and after and before.entity == after.entity:
                fields.update(_fields(after.entity, was, becomes))
        change = "gone" if after is None else "new" if before is None else "changed"
        found[stream] = {
            "change": change,
            "records": len(samples.get(stream, ())),
            "counts": dict(count),
            "ids": ids,
            "fields": dict(fields.most_common()),
            "refused": list(refused.values()),
            "absent": [] if after is None else _absent(before, after, samples.get(stream, ())),
            "emptied": [] if after is None else _emptied(now, then, stream, system, samples.get(stream, ())),
            "left": [] if after is None else mapped.left(then, stream, samples.get(stream, ())),
        }
    return found


def _refused(
    now: Mapping | None, then: Mapping, stream: str, system: str, sample: Sample, error: MappingError
) -> dict[str, Any]:
    """For which value of which source field a changed mapping refuses a record, and why; a value that is or may be
    personal is told by its type and length."""
    after = then.stream(stream)
    tested = _shown(then, now or then, stream, system, sample) or {"fields": [], "refused": None}
    field = next((item for item in tested["fields"] if item["name"] == error.field), None)
    return {
        "ids": [],
        "count": 0,
        "field": error.field,
        "path": field["path"] if field else "",
        "value": (tested["refused"] or {}).get("value", ""),
        "reason": error.reason,
        "kind": next((kind for kind, mark in _REMEDIES.items() if mark in error.reason), "")
        or _kind_of(after.entity, error.field),
    }


def _count(refused: dict[str, Any], sample: Sample) -> None:
    refused["count"] += 1
    if len(refused["ids"]) < _MOST_NAMED:
        refused["ids"].append(sample.source_id)


def _kind_of(entity: str, field: str) -> str:
    """What a canonical field holds, to say what to do: one of ``mappings.model.Kind``, ``status``, ``currency``, or
    ``any``."""
    if field in ("status", "currency"):
        return field
    model = LINES[entity].model if field.startswith("lines.") and entity in LINES else ENTITIES[entity]
    name = field.rpartition(".")[2]
    return next((column.kind.value for column in columns(model) if column.name == name), "any")


def _absent(before: StreamMapping | None, after: StreamMapping, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Source fields that only the changed mapping reads and that none of the records has, each with what is like it."""
    known = set(_sources(before)) if before else set()
    documents = [item for item in map(_decoded, samples) if item is not None]
    found = []
    for path in dict.fromkeys(_sources(after)):
        if path not in known and documents and not any(_has(item, paths.parse(path)) for item in documents):
            names = {name: None for item in documents for name in paths.leaves(item)}
            near = next(iter(get_close_matches(path, names, 1)), None)
            found.append({"path": path, "near": near})
    return found[:_MOST_ABSENT]


def _emptied(
    now: Mapping | None, then: Mapping, stream: str, system: str, samples: Sequence[Sample]
) -> list[dict[str, Any]]:
    """Changed fields of which the source has a value that becomes nothing: in how many places, and one of them; a value
    that is or may be personal is told by its type and length."""
    before = _specs(now.streams.get(stream)) if now else {}
    after = _specs(then.stream(stream))
    changed = {name for name, spec in after.items() if before.get(name) != spec}
    found: dict[str, dict[str, Any]] = {}
    for sample in samples if changed else ():
        with suppress(MappingError):
            for item in explain(then, stream, sample.body, sample.source_id):
                name = _LINE_NUMBER.sub(_LINE, item.name)
                if name not in changed or not _is_lost(item):
                    continue
                if name not in found:
                    found[name] = {"field": name, "path": item.path, "count": 0, "id": sample.source_id}
                    found[name]["value"] = _raw(_shown(then, now or then, stream, system, sample), item.name)
                found[name]["count"] += 1
    return list(found.values())


def _is_lost(item: Explained) -> bool:
    """Whether the source has a value that becomes nothing; ``false`` is how some systems write an empty field."""
    empty = item.raw is None or item.raw is False or item.raw in ("", [], {})
    return not empty and item.value is None and item.error is None


def _raw(shown: Any, name: str) -> Any:
    return next((field["raw"] for field in shown["fields"] if field["name"] == name), None)


def _specs(mapping: StreamMapping | None) -> dict[str, Any]:
    """Field → its expression as it stands in the file, of lines as ``lines.NAME``."""
    if mapping is None:
        return {}
    lines = mapping.definition.lines
    of_lines = {f"{_LINE}{name}": spec_of(item) for name, item in (lines.fields if lines else {}).items()}
    return {name: spec_of(item) for name, item in mapping.definition.fields.items()} | of_lines


def _sources(mapping: StreamMapping) -> list[str]:
    """The paths that a stream's mapping reads."""
    definition = mapping.definition
    found = [path for item in definition.fields.values() for path in item.sources]
    if definition.status:
        found += definition.status.expression.sources
    if definition.lines:
        of_lines = [path for item in definition.lines.fields.values() for path in item.sources]
        found += [path.removeprefix(f"{paths.ROOT}.") for path in of_lines if path.startswith(f"{paths.ROOT}.")]
        inside = [path for path in of_lines if not path.startswith(f"{paths.ROOT}.")]
        found += [definition.lines.path, *(f"{definition.lines.path}.*.{path}" for path in inside)]
    return [path for path in found if path != paths.SOURCE_ID]


def _decoded(sample: Sample) -> Any:
    with suppress(ValueError, RecursionError):
        return decode(sample.body)
    return None


def _has(value: Any, steps: Sequence[paths.Step]) -> bool:
    """Whether a path leads somewhere, be it to nothing."""
    if not steps:
        return True
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        return str(step) in value and _has(value[str(step)], rest)
    if not isinstance(value, list):
        return False
    if step == "*":
        return any(_has(item, rest) for item in value)
    return isinstance(step, int) and step < len(value) and _has(value[step], rest)


def _outcome(mapping: Mapping | None, stream: str, system: str, sample: Sample) -> Any:
    if mapping is None or stream not in mapping.streams:
        return None
    try:
        return mapping.stream(stream).map(system, sample.source_id, sample.body)
    except MappingError as error:
        return error


def _kind(was: Any, becomes: Any) -> str:
    """What the change does to one record."""
    refused_before, refused_after = isinstance(was, MappingError), isinstance(becomes, MappingError)
    if refused_after:
        return "still_refused" if refused_before else "refused"
    if refused_before:
        return "accepted"
    return "same" if was == becomes else "changed"


def _fields(entity: str, was: Any, becomes: Any) -> Sequence[str]:
    """The canonical fields that are different."""
    if was is None or becomes is None or not was.row or not becomes.row:
        return ()
    names = [column.name for column in columns(ENTITIES[entity])]
    found = [name for name, one, other in zip(names, was.row, becomes.row, strict=True) if one != other]
    return [*found, "lines"] if was.lines != becomes.lines else found


def _shown(mapping: Mapping | None, saved: Mapping | None, stream: str, system: str, sample: Sample) -> Any:
    """One record as a mapping reads it; what the saved one calls personal stays hidden."""
    if mapping is None or saved is None or stream not in mapping.streams:
        return None
    known = saved if stream in saved.streams else mapping
    tested = mapped.test(mapping, stream, system, sample, False, mapped.veil(known, stream, sample))
    found = tested.as_dict()
    fields = [item | {"value": _cut(item["value"]), "raw": _cut(item["raw"])} for item in found["fields"][:_MOST_SHOWN]]
    left = {path: _cut(value) for path, value in list(tested.unmapped.items())[:_MOST_SHOWN]}
    return found | {"unmapped": [], "fields": fields, "shapes": left}


def _cut(value: Any) -> Any:
    return f"{value[:_LONGEST]}…" if isinstance(value, str) and len(value) > _LONGEST else value


def _told(error: MappingFileError) -> dict[str, str]:
    return {"where": error.where, "message": error.message, "remedy": error.remedy}


def limit(seconds: int) -> None:
    """Bind this process to so much processor time, and to its memory, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


if __name__ == "__main__":
    limit(int(sys.argv[1]))
    json.dump(answer(json.load(sys.stdin)), sys.stdout, default=str)
