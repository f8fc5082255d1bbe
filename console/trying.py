"""The process in which a mapping is tried on records: ``python -m console.trying``, JSON in and out.

Patterns of a mapping may be slow on some texts, and Python cannot break a pattern off. So what is not saved yet is
tried in a process that is ended when its time is up (``console.trial``), and never in the one that serves people.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from console import mapped
from mappings import paths
from mappings.engine import Mapping, StreamMapping, decode, load
from mappings.errors import MappingError, MappingFileError
from mappings.model import ENTITIES, LINES, columns

_MEMORY = 1024 * 1024 * 1024
_MOST_SHOWN = 300
"""Fields of one record, those of its lines included; and of what nothing maps."""
_MOST_ABSENT = 20
_MOST_REFUSED = 5
"""Records of a stream that are named, the newest first."""
_LONGEST = 500
"""Signs of a value that are shown."""


class Sample(NamedTuple):
    """One raw record."""

    source_id: str
    body: bytes


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """What a mapping makes of records, and what would be different with its text changed.

    ``asked``: ``system``; ``source`` (what ``mappings.engine.load`` takes); ``text`` (the changed file or nothing) with
    its ``name`` and ``folder``; ``records`` (stream → id and body); ``shown`` (stream and id of the one to show).
    """
    samples = {
        stream: [Sample(id, base64.b64decode(body)) for id, body in records]
        for stream, records in asked["records"].items()
    }
    found: dict[str, Any] = {"problem": None, "now_problem": None, "now": None, "then": None, "streams": {}}
    now: Mapping | None = None
    try:
        now = load(asked["source"])
    except MappingFileError as error:
        found["now_problem"] = _told(error)
    then: Mapping | None = None
    if asked["text"] is not None:
        try:
            then = candidate(asked["text"], asked["name"], Path(asked["folder"]))
        except MappingFileError as error:
            found["problem"] = _told(error)
        except RecursionError:
            found["problem"] = {"where": asked["name"], "message": "a pattern is nested too deeply.", "remedy": ""}
    stream, id = asked["shown"]
    chosen = next((item for item in samples.get(stream, ()) if item.source_id == id), None)
    if chosen is not None:
        found["now"] = _shown(now, now, stream, asked["system"], chosen)
        found["then"] = _shown(then, now or then, stream, asked["system"], chosen)
    if then is not None:
        found["streams"] = differences(now, then, asked["system"], samples)
    return found


def candidate(text: str, name: str, folder: Path) -> Mapping:
    """The mapping of a text that would be the file ``name`` in ``folder``; raises ``MappingFileError``."""
    with tempfile.TemporaryDirectory(prefix="ltc-mapping-") as place:
        path = Path(place) / name
        path.write_text(_with_base(text, folder), encoding="utf-8")
        return load(path)


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
        fields: Counter[str] = Counter()
        refused: list[dict[str, Any]] = []
        for sample in samples.get(stream, ()):
            was = _outcome(now, stream, system, sample)
            becomes = _outcome(then, stream, system, sample)
            changed = _kind(was, becomes)
            if isinstance(becomes, MappingError) and len(refused) < _MOST_REFUSED:
                refused.append(_refused(now, then, stream, system, sample, becomes))
            count[changed] += 1
            if changed == "changed" and before and after and before.entity == after.entity:
                fields.update(_fields(after.entity, was, becomes))
        change = "gone" if after is None else "new" if before is None else "changed"
        found[stream] = {
            "change": change,
            "records": len(samples.get(stream, ())),
            "counts": dict(count),
            "fields": dict(fields.most_common()),
            "refused": refused,
            "absent": [] if after is None else _absent(before, after, samples.get(stream, ())),
        }
    return found


def _refused(
    now: Mapping | None, then: Mapping, stream: str, system: str, sample: Sample, error: MappingError
) -> dict[str, Any]:
    """Which record a changed mapping refuses, for which value of which source field, and why; a value that is or may
    be personal is told by its type and length."""
    after = then.stream(stream)
    tested = _shown(then, now or then, stream, system, sample) or {"fields": [], "refused": None}
    field = next((item for item in tested["fields"] if item["name"] == error.field), None)
    return {
        "id": sample.source_id,
        "field": error.field,
        "path": field["path"] if field else "",
        "value": (tested["refused"] or {}).get("value", ""),
        "reason": error.reason,
        "kind": _kind_of(after.entity, error.field),
    }


def _kind_of(entity: str, field: str) -> str:
    """What a canonical field holds, to say what to do: one of ``mappings.model.Kind``, ``status``, or ``any``."""
    if field == "status":
        return "status"
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
