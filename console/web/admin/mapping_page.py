"""What the page of a mapping shows: its fields beside a record, what is left, what is proposed, what has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import drifted, expressions, mapped, needed, status_words, suggesting, trial
from console.mapping_change import known_fields
from console.web.admin import in_words
from console.web.admin.mapping_rows import SHOWN, rows_of
from console.web.admin.mapping_seen import SEVERAL, Seen, decoded
from mappings import paths
from mappings.engine import StreamMapping
from mappings.model import Column, Kind
from mappings.statuses import STATUSES
from mappings.suggest import SURE
from mappings.transforms import TRANSFORMS
from reconciliation import words
from reconciliation.writebacks import RULES
from state import shapes

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Mapping as MappingType

    from starlette.responses import Response

    from console.i18n import Texts
    from console.web.desk import Visit
    from mappings.suggest import Proposal

_STEPS = 2
_LINE, _FIRST_LINE = "lines.", "lines.1."
_EXPRESSION = ("how", "what", "match", "findall", "values", "default", "ref", "write", "personal")
_NUMBERED = (expressions.STEP, *status_words.PARTS)
FORM = ("kind", "field", "text", *_EXPRESSION)
"""What a form of a change has."""


def page(
    seen: Seen,
    status: int = 200,
    *,
    form: dict[str, str] | None = None,
    text: str | None = None,
    path: str = "",
    said: str = "",
    changed: Collection[str] = (),
) -> Response:
    """The page; ``form`` is what is being edited, ``text`` what was typed instead of the file's, ``path`` the source
    field that a canonical one is being chosen for, ``changed`` the fields that were just changed."""
    visit, now = seen.visit, seen.now
    found: dict[str, Any] = {"now": None, "table": []}
    before = None
    try:
        if now is not None:
            found, before = seen.seen_now()
    except trial.Broken as error:
        seen.problem = seen.problem or visit.texts(f"mapping_editor.broken.{error.key}")
    record = found["now"] or {"fields": [], "shapes": {}, "refused": None, "skipped": False}
    proposed = seen.proposed()
    status_from = None if now is None or now.definition.status else suggesting.for_status(now, seen.records)
    is_status = form is not None and form["kind"] == "status"
    found_words, counted = seen.words(form) if form is not None and is_status else ({}, 0)
    fields = known_fields(now.entity) if now else {}
    empty = [name for name in fields if not _fills(now, name)] if now else []
    left = _left(seen, record["shapes"])
    return visit.page(
        "mapping",
        status,
        seen=seen,
        said=said,
        changed=changed,
        entity=now.entity if now else "",
        rows=rows(seen, now, record["fields"]) if now else [],
        record=record,
        table=rows_of(found["table"], changed or ([form["field"]] if form is not None else ())),
        places=_places(seen),
        at_once=SHOWN,
        before=before,
        has_references=now is not None and any(_is_reference(fields[name]) and _fills(now, name) for name in fields),
        referring=seen.referring(found) if before is not None else {},
        empty=empty,
        left=left,
        none_why="" if status_from else _none_why(seen, proposed, empty, left),
        status_from=status_from,
        path=path,
        likely=_likely(path, proposed),
        fields=fields,
        needs=_needs(visit, now) if now else [],
        labels={name: label(visit, name) for name in fields},
        sure=SURE,
        best=max((item.confidence for item in proposed), default=0),
        status_open=[word for word, meaning in status_from.values.items() if meaning is None] if status_from else [],
        without_currency=_without_currency(now, proposed),
        of_either=suggesting.of_either(proposed),
        proposed=[(item, suggesting.because(visit.texts, item)) for item in proposed],
        drifts=_drifts(seen),
        form=form,
        is_reference=form is not None and _is_reference(fields.get(form["field"])),
        sources=_sources(seen, form),
        examples=_examples(record),
        transforms=list(TRANSFORMS),
        steps=_steps(form),
        words=status_words.rows(form, found_words) if form is not None and is_status else [],
        counted=counted,
        statuses=[(name, words.status(now.entity, name, visit.lang)) for name in STATUSES[now.entity]] if now else [],
        typed=seen.text if text is None else text,
        listed=[item.source_id for item in seen.records],
        how=expressions.SOURCES,
        references=expressions.REFERENCES,
    )


def _places(seen: Seen) -> dict[str, int]:
    """The first record of the table before and after the one that is shown, where there are such."""
    before = {"back": max(0, seen.first - SHOWN)} if seen.first else {}
    return before | ({"more": seen.first + SHOWN} if seen.first + SHOWN < len(seen.records) else {})


def rows(seen: Seen, now: StreamMapping, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each field that is filled, in the order of the model: from where, and what it gives of the record."""
    definition = now.definition
    found: dict[str, str] = {}
    if definition.status is not None:
        found["status"] = _status_words(now, seen.visit.lang, seen.visit.texts)
    lines = definition.lines.fields if definition.lines else {}
    for name in known_fields(now.entity):
        item = lines.get(name.removeprefix(_LINE)) if name.startswith(_LINE) else definition.fields.get(name)
        if item is not None:
            found[name] = in_words.told(expressions.spec_of(item), seen.visit.texts)
    values = {item["name"]: item for item in shown}
    return [
        {
            "name": name,
            "label": label(seen.visit, name),
            "written": written,
            "owner": _owner(seen, now.entity, name),
            "required": name in definition.required,
            "personal": name.removeprefix(_LINE) in now.personal,
            **(values.get(name.replace(_LINE, _FIRST_LINE)) or {"value": None, "raw": None, "error": None}),
        }
        | {"name": name}
        for name, written in found.items()
    ]


def form_for(seen: Seen, name: str, path: str) -> dict[str, str] | None:
    """The form that edits a field, as it is saved; ``path`` is a source field to take instead."""
    now = seen.now
    if now is None or (name != "status" and name not in known_fields(now.entity)):
        return None
    if name == "status":
        return {**_status_form(seen, now), "kind": "status", "field": name, **({"what": path} if path else {})}
    lines = now.definition.lines
    if lines and name.startswith(_LINE):
        path = path.removeprefix(f"{lines.path}.*.")
    of = (lines.fields if lines else {}) if name.startswith(_LINE) else now.definition.fields
    item = of.get(name.removeprefix(_LINE))
    form = expressions.form_of(expressions.spec_of(item) if item is not None else path)
    if path:
        form["what"] = path
    personal = {"personal": "on"} if name.removeprefix(_LINE) in now.personal else {}
    return {**form, "kind": "field", "field": name, "is_filled": "on" if item is not None else "", **personal}


def form_again(seen: Seen, sent: MappingType[str, str]) -> dict[str, str] | None:
    """The form as it was sent, to be mended; of one suggestion the form of its field."""
    if sent.get("kind") == SEVERAL:
        one = next((item for item in seen.proposed() if item.field == sent.get("field")), None)
        form = form_for(seen, one.field, one.path) if one is not None else None
        return form | {"ref": one.ref or "", **expressions.steps_of(one.do)} if form and one else None
    if sent.get("kind") not in ("field", "status"):
        return None
    known = form_for(seen, sent.get("field", "status"), "")
    if known is None:
        return None
    known = {name: value for name, value in known.items() if not name.startswith(_NUMBERED)}
    return {**known, "personal": "", **kept(sent)}


def kept(sent: MappingType[str, str]) -> dict[str, str]:
    """What a form of a change says, without what every form has."""
    return {name: value for name, value in sent.items() if name in FORM or name.startswith(_NUMBERED)}


def suggestions(seen: Seen, sent: MappingType[str, str]) -> list[dict[str, Any]]:
    """Every suggestion with whether a form takes it, where it takes some."""
    if sent.get("kind") != SEVERAL:
        return []
    names, texts = sent.get("field", "").split(","), seen.visit.texts
    return [
        {
            "item": item,
            "label": label(seen.visit, item.field),
            "why": suggesting.because(texts, item),
            "is_taken": item.field in names,
        }
        for item in seen.proposed()
    ]


def written_back(seen: Seen, sent: MappingType[str, str]) -> list[tuple[str, str, list[str]]]:
    """Each status that several words would stand for, in words, with the word that the file names for writing and the
    others; none where a person was asked."""
    if sent.get("kind") != "status" or seen.now is None or seen.writes_status:
        return []
    saved = seen.now.definition.status
    told = status_words.told(sent, saved.reverse if saved else {})
    return [(words.status(seen.now.entity, status, seen.visit.lang), word, others) for status, word, others in told]


def _none_why(seen: Seen, proposed: list[Proposal], empty: list[str], left: dict[str, Any]) -> str:
    """Why nothing is suggested, as a key of ``mapping_editor.none``; empty where something is."""
    if proposed:
        return ""
    if not empty:
        return "all_mapped"
    if not seen.records:
        return "no_records"
    return "nothing_like" if left else "nothing_left"


def _steps(form: MappingType[str, str] | None) -> list[str]:
    """The transforms of a form, with room for one more."""
    chosen = [value for name, value in (form or {}).items() if name.startswith(expressions.STEP) and value]
    return [*chosen, *[""] * max(1, _STEPS - len(chosen))]


def _status_form(seen: Seen, now: StreamMapping) -> dict[str, str]:
    """As it is saved; where there is none, with what is proposed."""
    saved = now.definition.status
    form = {**expressions.status_form(saved), **status_words.form_of_status(saved)}
    proposed = None if saved else suggesting.for_status(now, seen.records)
    if proposed is not None:
        form |= {"what": proposed.path, **status_words.form_of(proposed.values, {})}
    return form


def before_and_after(found: dict[str, Any]) -> list[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
    """The fields of the shown record that a change makes different, with what they were and become."""
    before = {item["name"]: item for item in (found["now"] or {"fields": []})["fields"]}
    after = {item["name"]: item for item in (found["then"] or {"fields": []})["fields"]}
    return [
        (name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def different(seen: Seen, found: dict[str, Any]) -> list[str]:
    """The fields that a change makes different, of the shown record or of any other of the stream."""
    of_all = found["streams"].get(seen.stream, {}).get("fields", ())
    return list(dict.fromkeys([*(name for name, _, after in before_and_after(found) if after), *of_all]))


def label(visit: Visit, name: str) -> str:
    """What people call a canonical field."""
    return visit.texts.name("field", name.removeprefix(_LINE))


def _left(seen: Seen, shown: dict[str, Any]) -> dict[str, Any]:
    """What nothing maps, those fields too that are empty in the shown record: with what that has there."""
    if seen.mapping is None or seen.now is None:
        return {}
    some = sorted(seen.records, key=lambda item: item.source_id != seen.chosen)
    return {path: shown.get(path) for path in mapped.left(seen.mapping, seen.stream, some)}


def _likely(path: str, proposed: list[Proposal]) -> str:
    """The canonical field that a source field most likely belongs to; empty if nobody can tell."""
    if path and status_words.is_named_so([path]):
        return "status"
    return next((item.field for item in proposed if item.path == path), "")


def _without_currency(now: StreamMapping | None, proposed: list[Proposal]) -> list[str]:
    """The proposed amounts that a fixed currency is proposed with."""
    if now is None or any(item.field == "currency" for item in proposed):
        return []
    known = now.definition.fields
    return [item.field for item in proposed if suggesting.lacks_currency(now.entity, {*known, item.field})]


def _is_reference(column: Column | None) -> bool:
    return column is not None and column.kind in (Kind.REF, Kind.REFS)


def _status_words(now: StreamMapping, lang: str, texts: Texts) -> str:
    status = now.definition.status
    if status is None:
        return ""
    spec = in_words.told(expressions.spec_of(status.expression), texts)
    pairs = (f"`{word or '–'}` → {words.status(now.entity, to, lang)}" for word, to in status.table.items())
    return texts.pair(spec, texts.listed(pairs))


def _owner(seen: Seen, entity: str, name: str) -> str:
    """The role that is right about a field, where ltc.yaml or a rule that writes it back says one."""
    known = seen.visit.desk.settings.ownership.get(f"{entity}.{name}")
    if known is not None:
        return str(known.owner)
    return next((rule.owner for rule in RULES if (rule.entity, rule.field) == (entity, name)), "")


def _needs(visit: Visit, now: StreamMapping) -> list[tuple[str, str]]:
    """What checks and tie-outs need that nothing fills: the names, and what it means."""
    texts = visit.texts
    found = []
    for need in needed.missing(now):
        names = [
            texts(f"needed.part.{name}") if name in (needed.STATUS, needed.LINES) else label(visit, name)
            for name in need.fields
        ]
        found.append((texts("needed.or").join(names), texts(f"needed.means.{need.means}")))
    return found


def _fills(now: StreamMapping | None, name: str) -> bool:
    if now is None:
        return False
    lines = now.definition.lines
    return name.removeprefix(_LINE) in (
        (lines.fields if lines else {}) if name.startswith(_LINE) else now.definition.fields
    )


def _drifts(seen: Seen) -> list[dict[str, Any]]:
    """What looks different from before at the source, and the fields that depend on it."""
    visit = seen.visit
    with visit.desk.store.reading() as connection:
        found = shapes.listing(connection, system=seen.system, stream=seen.stream)
    zone = visit.desk.settings.business_day_zone
    return [
        {
            "path": item.drift.path,
            "fields": item.drift.fields,
            "cells": drifted.row(item, visit.texts, zone),
            "is_open": item.drift.status == shapes.Status.OPEN,
        }
        for item in found
    ]


def _examples(record: dict[str, Any]) -> dict[str, Any]:
    """What the shown record has in each source field."""
    read = {item["path"]: item["raw"] for item in record["fields"] if len(paths.apart(item["path"])) == 1}
    return {**read, **record["shapes"]}


def _sources(seen: Seen, form: dict[str, str] | None) -> list[str]:
    """The source's fields as the records show them; for a field of lines those of a line."""
    found: dict[str, None] = {}
    now = seen.now
    lines = now.definition.lines if now is not None else None
    prefix = f"{lines.path}.*." if lines and form and form["field"].startswith(_LINE) else ""
    for item in seen.records[: mapped.LOOKED_AT]:
        leaves = paths.leaves(decoded(item))
        found |= {path.removeprefix(prefix): None for path in leaves if path.startswith(prefix)}
        if len(found) > mapped.MOST_PATHS:
            break
    return sorted(found)[: mapped.MOST_PATHS]
