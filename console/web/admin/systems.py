"""For admins: the systems of ltc.yaml; one is added, changed or removed in a form, checked and looked at before."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from connectors import registry
from connectors.contract import CheckLine
from console import described, freshness
from console.checking import Checked
from console.web import carrying
from console.web.admin import (
    choosing,
    common,
    drafts,
    fields,
    first_steps,
    mapping_drafts,
    mistakes,
    ownership,
    timing,
)
from console.web.admin.common import REFUSALS, Outcome
from console.web.admin.drafts import BY_HAND, PUSHES, ROLES, Draft
from console.web.admin.files import FileError, Files
from console.web.admin.mistakes import Mistake
from console.web.admin.verdicts import Verdict, is_needed, verdicts
from console.web.desk import Administrator, AdministratorForm, Visit, see
from settings.errors import SecretMissing
from settings.model import Settings
from settings.secrets import resolve
from state import failed_checks
from yamlfiles.editing import drop
from yamlfiles.errors import FileUnusable

router = APIRouter()

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_SAID = ("added", "changed", "scheduled", "removed")


@router.get("/settings")
def overview(
    visit: Administrator,
    said: Annotated[str, Query(max_length=20)] = "",
    system: Annotated[str, Query(max_length=40)] = "",
    checked: Annotated[str, Query(max_length=20)] = "",
    change: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """Every system with what ltc.yaml says of it, and the ways to the rest; ``system`` was just added, ``checked`` is
    what the check said of what was saved, ``change`` the number of what was saved."""
    found, settings = common.files(visit), visit.desk.settings
    with visit.desk.store.reading() as connection:
        failed = failed_checks.read(connection)
    return visit.page(
        "admin_systems",
        failed={name: freshness.when(settings, at)[:16] for name, at in failed.items()},
        systems=[(name, settings.systems[name], _schedule(visit, name)) for name in visit.systems],
        is_whole=visit.limit is None,
        why_not=found.why_not(found.main),
        files=found.names(settings),
        main=found.main,
        said=said if said in _SAID else "",
        checked=checked if checked in ("good", "bad") else "",
        change=change if visit.limit is None else 0,
        added=system if system in visit.systems else "",
        scheduled=_schedule(visit, system) if system in visit.systems and settings.systems[system].schedule else "",
        waits_for=carrying.after_change(visit),
        steps=first_steps.steps(visit, system) if system in visit.systems else [],
    )


@router.get("/settings/systems/new")
def new(visit: Administrator, connector: Annotated[str, Query(max_length=300)] = "") -> Response:
    """Choose a connector; then its form."""
    common.whole(visit)
    if not connector:
        return choosing.page(visit)
    return _page(visit, _new(visit, connector), Outcome(), None)


@router.post("/settings/systems/new")
def add(visit: Administrator, sent: AdministratorForm) -> Response:
    """Check the new system, show what it adds to ltc.yaml, or save it."""
    common.whole(visit)
    draft = _new(visit, sent.get("connector", ""))
    draft.name = sent.get("name", "").strip()
    if not _NAME.fullmatch(draft.name) or draft.name == "new":
        draft.problems["name"] = "no_name"
    elif draft.name in visit.desk.settings.systems:
        draft.problems["name"] = "taken"
    return _answer(visit, draft, sent)


@router.get("/settings/systems/{name}")
def edit(visit: Administrator, name: str) -> Response:
    """The form of a system that there is."""
    return _with(visit, name, lambda draft: _page(visit, draft, Outcome(), None))


@router.post("/settings/systems/{name}")
def change(visit: Administrator, sent: AdministratorForm, name: str) -> Response:
    """Check the changed system, show the difference, or save it."""
    return _with(visit, name, lambda draft: _answer(visit, draft, sent))


@router.get("/settings/systems/{name}/remove")
def removal(visit: Administrator, name: str) -> Response:
    """What it means to take a system out."""
    _known(visit, name)
    return _removal(visit, name, {})


@router.post("/settings/systems/{name}/remove")
def remove(visit: Administrator, sent: AdministratorForm, name: str) -> Response:
    """Take it out of ltc.yaml; what was read from it stays."""
    _known(visit, name)
    return _removal(visit, name, sent)


def _new(visit: Visit, connector: str) -> Draft:
    """The form of a new system; raises ``HTTPException`` 404 for a connector that is not offered."""
    found, settings = common.files(visit), visit.desk.settings
    own = connector in found.names(settings) and found.kind(connector, settings) == "manifest"
    if not own and connector not in {item.name for item in choosing.offered(visit) if not item.problem}:
        raise HTTPException(404)
    try:
        return drafts.start(found.read(found.main), "", connector, found, ())
    except (FileUnusable, FileError, LookupError, ImportError) as error:
        raise HTTPException(404) from error


def _known(visit: Visit, name: str) -> None:
    if name not in visit.desk.settings.systems:
        raise HTTPException(404)
    visit.touch(name)


def _with(visit: Visit, name: str, answer: Callable[[Draft], Response]) -> Response:
    """Answer with the form of a system that there is, or say why it has none."""
    _known(visit, name)
    found, outcome, said = common.files(visit), Outcome(), ""
    try:
        others = [item for item in visit.desk.settings.systems if not visit.may_touch(item)]
        draft = drafts.start(found.read(found.main), name, "", found, others)
        if draft.before:
            return answer(draft)
    except REFUSALS as error:
        outcome = common.refused(error)
    except (LookupError, ImportError) as error:
        said = str(error)
    return visit.page("admin_unusable", 422, name=name, outcome=outcome, said=said)


def _answer(visit: Visit, draft: Draft, sent: dict[str, str]) -> Response:
    visit = common.in_language(visit, sent)
    drafts.fill(draft, sent)
    outcome, unsaved, do = Outcome(), "", sent.get("do", "preview")
    verdict: Verdict | None = None
    if drafts.rearranged(draft, do):
        return _page(visit, draft, outcome, None, 200, sent)
    if not draft.is_good or (draft.before and draft.connector in BY_HAND):
        return _page(visit, draft, outcome, None, 422, sent)
    try:
        if do == "check":
            verdict = _checked(visit, draft)
            if verdict.checked and not is_needed(draft):
                _note(visit, draft.name, verdict)
            outcome = Outcome(key="" if verdict.checked else "busy_check")
        else:
            text = _text(visit, draft)
            outcome = common.previewed(visit, common.files(visit).main, text, sent)
            needed = is_needed(draft)
            verdict = verdicts(visit).of(draft) if needed else None
            if common.is_agreed(outcome, sent):
                although = verdict is not None and "although" in sent
                if needed and not although and not (verdict and verdict.good):
                    verdict = _checked(visit, draft)
                if verdict is None or verdict.good or (although and common.why(sent, "")):
                    return _saved(visit, draft, text, sent, verdict)
                unsaved = "no_reason" if although else "unsaved" if verdict.checked else "unsaved_slow"
    except REFUSALS as error:
        outcome = common.refused(error)
    return _page(visit, draft, outcome, verdict, 422 if unsaved else outcome.status, sent, unsaved=unsaved)


def _checked(visit: Visit, draft: Draft) -> Verdict:
    """Check the connection as the form has it, which is remembered; raises one of ``REFUSALS``."""
    found = common.files(visit)
    main = found.read(found.main)
    text = drafts.written(main, draft)
    found.checked(found.main, text, visit.desk.settings)
    settings = drafts.settings_of(text, found)
    _look_at_mapping(draft, found, settings)
    checked = drafts.checked(visit.desk.store, settings, draft.name)
    draws = bool(mapping_drafts.file_for(draft, found))
    verdict = Verdict(checked, checked is not None and _is_good(checked, draws))
    verdicts(visit).note(draft, verdict)
    return verdict


def _look_at_mapping(draft: Draft, found: Files, settings: Settings) -> None:
    """Whether a mapping can be made for it, if it needs one; raises one of ``REFUSALS``."""
    mapping = mapping_drafts.file_for(draft, found)
    if mapping and not found.read(mapping).digest:
        found.checked(mapping, mapping_drafts.bare(draft), settings)


def _text(visit: Visit, draft: Draft) -> str:
    """ltc.yaml as it would be; raises one of ``REFUSALS``."""
    found = common.files(visit)
    mapping = mapping_drafts.file_for(draft, found)
    named = "" if registry.is_manifest(draft.connector) else mapping
    text = drafts.written(found.read(found.main), draft, named)
    found.checked(found.main, text, visit.desk.settings)
    _look_at_mapping(draft, found, drafts.settings_of(text, found))
    return text


def _saved(visit: Visit, draft: Draft, text: str, sent: dict[str, str], verdict: Verdict | None) -> Response:
    """Save what was seen, of which the check said this, if it was needed; raises one of ``REFUSALS``."""
    found, settings, actor = common.files(visit), visit.desk.settings, visit.member.name
    usual = visit.texts("admin.why.changed" if draft.before else "admin.why.added", system=draft.name)
    reason = common.why(sent, usual)
    if verdict is not None and not verdict.good:
        reason = visit.texts("admin.why.although", why=reason)
    mapping = mapping_drafts.file_for(draft, found)
    if mapping and not found.read(mapping).digest:
        changed = drafts.settings_of(text, found)
        made = mapping_drafts.made(
            visit.desk.store, changed, draft, "propose" in sent, visit.request.app.state.live_samples, visit.texts
        )
        found.save(mapping, made, "", changed, actor, reason)
    number = found.save(found.main, text, sent.get("seen", ""), settings, actor, reason)
    same = draft.timing.written() == timing.of(draft.before.get("schedule")).written()
    told = {"said": "changed" if same else "scheduled"} if draft.before else {"said": "added", "system": draft.name}
    told["change"] = str(number or 0)
    if verdict is not None:
        _note(visit, draft.name, verdict)
        told["checked"] = "good" if verdict.good else "bad"
    return see("/settings?" + urlencode(told))


def _note(visit: Visit, system: str, verdict: Verdict) -> None:
    """Keep what the check said of the connection that is saved."""
    with visit.desk.store.transaction() as connection:
        failed_checks.note(connection, system, failed=not verdict.good)


def _removal(visit: Visit, name: str, sent: dict[str, str]) -> Response:
    found = common.files(visit)
    outcome, seen = Outcome(), ""
    try:
        main = found.read(found.main)
        seen = main.digest
        text = drop(main.text, found.main, ("systems", name))
        outcome = common.previewed(visit, found.main, text, sent)
        if common.is_agreed(outcome, sent) and sent.get("sure") == name:
            reason = common.why(sent, visit.texts("admin.why.removed", system=name))
            seen = sent.get("seen", "")
            number = found.save(found.main, text, seen, visit.desk.settings, visit.member.name, reason)
            return see("/settings?" + urlencode({"said": "removed", "change": number or 0}))
    except REFUSALS as error:
        outcome = common.refused(error)
    status = outcome.status if outcome.status != 200 or not sent else 422
    return visit.page(
        "admin_removal", status, name=name, outcome=outcome, seen=seen, unsure=bool(sent), why=sent.get("why", "")
    )


def _page(
    visit: Visit,
    draft: Draft,
    outcome: Outcome,
    verdict: Verdict | None,
    status: int = 200,
    sent: dict[str, str] | None = None,
    *,
    unsaved: str = "",
) -> Response:
    """``unsaved``: why it is not saved although it was to be (of ``admin.check``), after what the check said."""
    found = common.files(visit)
    for item in fields.walk(draft.fields):
        if item.kind == "secret" and item.source == "env" and item.value and not item.problem:
            item.is_set = _is_set(item.value)
    main = found.read(found.main)
    draws = bool(mapping_drafts.file_for(draft, found))
    return visit.page(
        "admin_system",
        status,
        draft=draft,
        about=described.summary(draft.kind),
        permissions=list(draft.kind.permissions),
        outcome=outcome,
        checked=verdict.checked if verdict else None,
        verdict=verdict,
        check_lines=_check_lines(verdict.checked) if verdict and verdict.checked else [],
        check_problems=_check_problems(draft, verdict.checked, main.file) if verdict and verdict.checked else [],
        unsaved=unsaved,
        unchecked=verdict is None and bool(outcome.planned) and is_needed(draft),
        seconds=round(drafts.CHECK_SECONDS),
        seen=main.digest,
        roles=ROLES,
        others={role: others(visit.desk.settings, role, draft.name) for role in ROLES},
        company_zone=visit.desk.settings.timezone,
        twice=_twice(visit, draft) if sent is not None else [],
        pushes=PUSHES,
        kinds=timing.KINDS,
        units=timing.UNITS,
        by_hand=draft.connector in BY_HAND,
        why_not=found.why_not(found.main),
        why=(sent or {}).get("why", ""),
        draws=draws,
        propose=sent is None or "propose" in sent,
    )


def others(settings: Settings, role: str, name: str) -> list[str]:
    """The systems that have a role already, beside this one."""
    return [system for system in settings.systems_with(role) if system != name]


def _twice(visit: Visit, draft: Draft) -> list[tuple[str, list[str], list[str]]]:
    """The roles that this form gives a second time: which, who has it already, and the fields it is right about."""
    settings, new = visit.desk.settings, [role for role in draft.roles if role not in (draft.before.get("roles") or ())]
    found = [(role, others(settings, role, draft.name)) for role in new]
    return [(role, taken, ownership.owned_by(settings, role)) for role, taken in found if taken]


def _is_good(checked: Checked, draws: bool) -> bool:
    """Whether it works; what lacks nothing but a mapping does, where one is made with it."""
    lacks = draws and not checked.is_mapped and len(checked.problems) == 1
    return checked.ok or (lacks and all(line.ok for line in checked.streams))


def _check_lines(checked: Checked) -> list[tuple[list[str], CheckLine]]:
    """What the check said of the streams; those of which it said the same are told together."""
    found: dict[tuple[bool, str, str], tuple[list[str], CheckLine]] = {}
    for line in checked.streams:
        names, _ = found.setdefault((line.ok, line.detail, line.remedy), ([], line))
        names.append(line.stream)
    return list(found.values())


def _check_problems(draft: Draft, checked: Checked, main: str) -> list[tuple[Mistake, str]]:
    """Why it cannot be used, each with what to do; at the field of the form, since no line of ltc.yaml has it yet."""
    found = []
    for item in checked.problems:
        message = re.sub(rf"^{re.escape(main)}:\d+: ", "", item["message"])
        placed = mistakes.of_reference(message, draft.config, draft.fields)
        found.append((placed or Mistake("", (), sentence=message), item["remedy"]))
    return found


def _is_set(name: str) -> bool:
    try:
        return bool(resolve(f"${{env:{name}}}"))
    except SecretMissing:
        return False


def _schedule(visit: Visit, name: str) -> str:
    chosen = visit.desk.settings.systems[name].schedule
    return timing.of(chosen.model_dump(exclude_none=True) if chosen is not None else None).said(visit.texts)
