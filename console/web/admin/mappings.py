"""For admins: a system's mapping as a table and as text, tried on records, changed after a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import freshness, mapped, mapping_edit
from console.mapping_place import place_of
from console.web.admin import common, samples
from console.web.admin.files import ChangedMeanwhile, FileError, NotUsable
from console.web.admin.mapping_page import (
    before_and_after,
    different,
    form_again,
    form_for,
    kept,
    page,
    suggestions,
    written_back,
)
from console.web.admin.mapping_rows import rows_of
from console.web.admin.mapping_seen import WITHOUT, Seen, first_text, in_words, named, offered, tried
from console.web.desk import Administrator, AdministratorForm, Visit, see
from console.web.runs import begun, refused, worker
from mappings.engine import Mapping, load
from mappings.errors import MappingFileError
from state import audit, quarantine, shapes

if TYPE_CHECKING:
    from console.mapping_place import Place
    from console.web.admin.samples import Live

router = APIRouter()

_SAID = ("saved", "read", "empty", "busy", "silent", "accepted", "made")
_MOST_CHANGED = 30
"""Fields that the page names as changed after they were saved."""


@router.get("/mappings")
def listing(visit: Administrator) -> Response:
    """Every stream of every system, with how much of the canonical model its mapping fills."""
    settings = visit.desk.settings
    with visit.desk.store.reading() as connection:
        changed = shapes.listing(connection)
    rows: list[dict[str, Any]] = []
    problems: list[tuple[str, str, list[str]]] = []
    for system in visit.systems:
        chosen = settings.systems[system]
        place = place_of(settings, system)
        mapping, problem = _loaded(place, visit)
        if mapping is None:
            problems.append((system, problem, [spec.name for spec in offered(settings, system)]))
            continue
        for name, stream in mapping.streams.items():
            if chosen.streams and name not in chosen.streams:
                continue
            covered = mapped.cover(mapping, name, system, [])
            with visit.desk.store.reading() as connection:
                refused = quarantine.count(connection, system=system, stream=name)
            rows.append(
                {
                    "system": system,
                    "stream": name,
                    "entity": stream.entity,
                    "filled": len(covered.mapped),
                    "all": len(covered.mapped) + len(covered.not_mapped),
                    "file": place.own.name if place.is_own else place.source,
                    "is_own": place.is_own,
                    "drifts": sum((item.system, item.stream) == (system, name) for item in changed),
                    "refused": refused,
                }
            )
    return visit.page("mappings", rows=rows, problems=problems)


@router.get("/mappings/{system}/{stream}")
def one(
    visit: Administrator,
    system: str,
    stream: str,
    record: Annotated[str, Query(max_length=500)] = "",
    edit: Annotated[str, Query(max_length=100)] = "",
    path: Annotated[str, Query(max_length=300)] = "",
    said: Annotated[str, Query(max_length=20)] = "",
    first: Annotated[int, Query(ge=0, le=samples.MOST)] = 0,
    changed: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """The mapping of one stream beside a record that it is tried on, and ``first`` and the next ones in a table, with
    the fields ``changed`` just now before the others."""
    seen = _seen(visit, system, stream, record)
    seen.first = first if first < len(seen.records) else 0
    form = form_for(seen, edit, path)
    said = said if said in _SAID else ""
    return page(seen, form=form, path="" if form else path, said=said, changed=changed.split(",") if changed else ())


@router.post("/mappings/{system}/{stream}/live")
def live(visit: Administrator, sent: AdministratorForm, system: str, stream: str) -> Response:
    """Read some records from the system now."""
    seen = _seen(visit, system, stream, "")
    count = next((count for count in samples.LIVE if sent.get("count") == str(count)), samples.LIVE[0])
    seen.count = count
    key, sentence = _live(visit).read(visit.desk.store, visit.desk.settings, system, stream, count)
    if key == "failed":
        seen.problem = sentence
        return page(seen, 422)
    return see(f"{seen.address}?said={key}")


@router.post("/mappings/{system}/{stream}/preview")
def preview(visit: Administrator, sent: AdministratorForm, system: str, stream: str) -> Response:
    """What a change would do; nothing is kept."""
    seen = _seen(visit, system, stream, sent.get("record", ""))
    if "again" in sent:
        return page(seen, form=form_again(seen, sent), text=_typed(sent))
    sent = named(seen, sent)
    if WITHOUT in sent and not sent["field"]:
        return see(seen.address)
    text, found, problem = tried(seen, sent)
    if problem or sent.get("version", "") != seen.version:
        seen.problem = problem or visit.texts("mapping_editor.stale")
        return page(seen, 422 if problem else 409, form=form_again(seen, sent), text=_typed(sent))
    return visit.page(
        "mapping_preview",
        seen=seen,
        sent=kept(sent),
        suggestions=suggestions(seen, sent),
        same=text == seen.text,
        written_back=written_back(seen, sent),
        lines=common.files(visit).between(seen.text, text),
        streams=found["streams"],
        rows=before_and_after(found),
        table=rows_of(found["table"], different(seen, found)),
        shown=found["shown"],
        refusing=sum(item["counts"].get("refused", 0) for item in found["streams"].values()),
        referring=seen.referring(found),
        refused=(found["then"] or {}).get("refused"),
    )


@router.post("/mappings/{system}/{stream}/save")
def save(visit: Administrator, sent: AdministratorForm, system: str, stream: str) -> Response:
    """Keep a change, after it was tried once more: the file may have become another one since the preview."""
    seen = _seen(visit, system, stream, sent.get("record", ""))
    text, found, problem = tried(seen, sent)
    status = 422
    if not problem:
        problem, status = _kept(visit, seen, text, sent.get("version", "")), 409
    if problem:
        seen.problem = problem
        return page(seen, status, form=form_again(seen, sent), text=_typed(sent))
    changed = ",".join(different(seen, found)[:_MOST_CHANGED])
    return see(f"{seen.address}?{urlencode({'said': 'saved', 'record': seen.chosen, 'changed': changed})}")


@router.post("/mappings/{system}/{stream}/replay")
def replay(visit: Administrator, _sent: AdministratorForm, system: str, stream: str) -> Response:
    """Map what is stored again, and reconcile."""
    if _seen(visit, system, stream, "").now is None:
        raise HTTPException(404)
    at_work = worker(visit).map_again(system, stream, visit.member.name)
    if at_work is None:
        return refused(visit, worker(visit).in_the_way("replay", [system]))
    with visit.desk.store.transaction() as connection:
        audit.append(connection, visit.member.name, "records mapped again", {"system": system, "stream": stream})
    return see(begun(visit, at_work))


def _seen(visit: Visit, system: str, stream: str, record: str) -> Seen:
    """What is there: raises ``HTTPException`` 404 for a system or a stream that is not."""
    settings = visit.desk.settings
    if system not in settings.systems:
        raise HTTPException(404)
    visit.touch(system)
    place = place_of(settings, system)
    seen = Seen(visit, system, stream, place)
    seen.shared = [name for name in settings.systems if name != system and place_of(settings, name).file == place.file]
    seen.mapping, seen.problem = _loaded(place, visit)
    known = seen.mapping.streams if seen.mapping is not None else {spec.name for spec in offered(settings, system)}
    if stream not in known:
        raise HTTPException(404)
    read_now = _live(visit).last(system, stream)
    seen.records = read_now.samples if read_now else samples.held(visit.desk.store, system, [stream])[stream]
    if read_now is not None:
        seen.live = True
        seen.read_at, seen.count = freshness.when(settings, read_now.at)[:16], read_now.asked
    refused = samples.in_quarantine(visit.desk.store, system, stream, record) if record else []
    if refused:  # what was read since may be another version of it
        seen.records = [*refused, *(item for item in seen.records if item.source_id != record)]
        seen.refused = record
    others = {name: _live(visit).of(system, name) for name in known if name != stream}
    seen.beside = {name: found for name, found in others.items() if found}
    ids = [item.source_id for item in seen.records]
    seen.chosen = record if record in ids else next(iter(ids), "")
    try:
        content = common.files(visit).read(place.file)
    except FileError as error:
        seen.problem = _why_not(visit, error)
        return seen
    seen.text, seen.version = content.text.replace("\r\n", "\n"), content.digest
    if not content.digest:
        seen.text = first_text(seen)
    return seen


def _loaded(place: Place, visit: Visit) -> tuple[Mapping | None, str]:
    """The mapping, or why there is none."""
    if not place.source or (place.is_own and not place.own.exists()):
        return None, visit.texts("mapping_editor.none_yet", file=place.file)
    try:
        return load(place.source, place.zone), ""
    except MappingFileError as error:
        return None, in_words(error.where, error.message, error.remedy)


def _kept(visit: Visit, seen: Seen, text: str, version: str) -> str:
    """Save the file, and name it in ltc.yaml where it is not yet; returns why it could not be."""
    files, settings, file = common.files(visit), visit.desk.settings, seen.place.file
    why = visit.texts("admin.why.mapped", place=f"{seen.system}.{seen.stream}")
    if not all(visit.may_touch(name) for name in seen.shared):
        return visit.texts("mapping_editor.others", systems=visit.texts.listed(seen.shared))
    try:
        before = files.read(file)
        files.save(file, _as_before(text, before.text), version, settings, visit.member.name, why)
        if not seen.place.is_own:
            main = files.read(files.main)
            named = mapping_edit.naming(main.text.replace("\r\n", "\n"), files.main, seen.system, file)
            files.save(files.main, _as_before(named, main.text), main.digest, settings, visit.member.name, why)
    except ChangedMeanwhile:
        return visit.texts("mapping_editor.stale")
    except MappingFileError as error:
        return in_words(error.where, error.message, error.remedy)
    except NotUsable as error:
        return "\n".join(str(problem) for problem in error.problems)
    except FileError as error:
        return _why_not(visit, error)
    return ""


def _as_before(text: str, before: str) -> str:
    """The text with the ends of lines that the file had."""
    return text.replace("\n", "\r\n") if "\r\n" in before else text


def _why_not(visit: Visit, error: FileError) -> str:
    return visit.texts.name("settings_files.problem", error.key)


def _typed(sent: dict[str, str]) -> str | None:
    return sent.get("text", "").replace("\r\n", "\n") if sent.get("kind") == "text" else None


def _live(visit: Visit) -> Live:
    found: Live = visit.request.app.state.live_samples
    return found
