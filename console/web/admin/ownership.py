"""For admins: which role is right about a field, and what becomes of what others write there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query
from starlette.responses import Response

from console.web.admin import common, drafts
from console.web.admin.common import REFUSALS, Outcome
from console.web.desk import Administrator, AdministratorForm, Visit, see
from mappings.errors import MappingFileError
from reconciliation.writebacks import RULES
from settings.model import Settings
from settings.writing import Policy
from sync.systems import mapping_for
from yamlfiles.editing import Flow, drop, put
from yamlfiles.reading import parse

router = APIRouter()

POLICIES: tuple[str, ...] = get_args(Policy)
_USUAL = {f"{rule.entity}.{rule.field}": rule.owner for rule in RULES}
"""Field that can be written back → the role that it is taken from."""


@dataclass
class Owned:
    """One field. ``owner`` is empty where the usual one holds, because ltc.yaml says nothing."""

    field: str
    usual: str
    owner: str
    policy: str
    written_in: tuple[str, ...] = ()
    """The systems whose mapping writes it, of a role that does not own it."""

    @property
    def entity(self) -> str:
        """The record it is a field of."""
        return self.field.partition(".")[0]

    @property
    def name(self) -> str:
        """Its name in the record."""
        return self.field.partition(".")[2]

    @property
    def right(self) -> str:
        """The role that is right about it."""
        return self.owner or self.usual

    @property
    def is_written(self) -> bool:
        """Whether it is written back: only from the role that the rule takes it from."""
        return bool(self.usual) and self.owner in ("", self.usual)


@router.get("/settings/ownership")
def ownership(visit: Administrator, said: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The table."""
    common.whole(visit)
    return _page(visit, {}, Outcome(), said == "saved")


@router.post("/settings/ownership")
def own(visit: Administrator, sent: AdministratorForm) -> Response:
    """Show what would be different in ltc.yaml, or save it."""
    common.whole(visit)
    visit = common.in_language(visit, sent)

    def change(text: str, file: str) -> str:
        for before in _owned(text, file):
            text = _with(text, file, before, sent)
        return text

    outcome = common.changed(visit, sent, change, visit.texts("admin.why.ownership"))
    if outcome.saved:
        return see("/settings/ownership?said=saved")
    return _page(visit, sent, outcome)


def owned_by(settings: Settings, role: str) -> list[str]:
    """The fields that are written back from a role."""
    said = {name: item.owner for name, item in settings.ownership.items()}
    return [name for name, usual in _USUAL.items() if usual == role and said.get(name, usual) == role]


def asked(settings: Settings) -> list[str]:
    """The fields that can be written back and of which a person decides where somebody else has written something."""
    return [name for name in _USUAL if name in settings.ownership and settings.ownership[name].policy == "ask"]


def _with(text: str, file: str, before: Owned, sent: dict[str, str]) -> str:
    """The text with one field's entry as it was chosen."""
    owner = sent.get(f"owner.{before.field}", before.owner)
    policy = sent.get(f"policy.{before.field}", before.policy)
    if (owner, policy) == (before.owner, before.policy):
        return text
    if owner not in ("", *drafts.ROLES) or policy not in POLICIES:
        return text
    keys = ("ownership", before.field)
    entry = _entries(text, file).get(before.field)
    if not owner and policy == POLICIES[0]:
        return drop(text, file, keys) if entry is not None else text
    chosen = owner or before.usual
    if isinstance(entry, dict) and entry:
        if entry.get("owner") != chosen:
            text = put(text, file, (*keys, "owner"), chosen)
        return put(text, file, (*keys, "policy"), policy) if policy != before.policy else text
    return put(text, file, keys, chosen if policy == POLICIES[0] else Flow(owner=chosen, policy=policy))


def _entries(text: str, file: str) -> dict[str, Any]:
    found = parse(text.removeprefix("\ufeff").replace("\r\n", "\n"), file).get("ownership")
    return found if isinstance(found, dict) else {}


def _owned(text: str, file: str) -> list[Owned]:
    """Every field that can be written back, and those that ltc.yaml names beside them."""
    said = _entries(text, file)
    found = []
    for name in [*_USUAL, *(name for name in said if name not in _USUAL)]:
        entry = said.get(name)
        owner = entry.get("owner", "") if isinstance(entry, dict) else entry
        policy = entry.get("policy", POLICIES[0]) if isinstance(entry, dict) else POLICIES[0]
        found.append(Owned(name, _USUAL.get(name, ""), str(owner or ""), str(policy)))
    return found


def _written_in(settings: Settings) -> dict[str, list[str]]:
    """Field → the systems that are written to and whose mapping says where in them it stands."""
    found: dict[str, list[str]] = {}
    for name, system in settings.systems.items():
        if system.push == "off":
            continue
        try:
            mapping = mapping_for(settings, name)
        except MappingFileError:  # the page of mappings says why
            continue
        names = {f"{stream.entity}.{one}" for stream in mapping.streams.values() for one in stream.definition.write}
        for one in names:
            found.setdefault(one, []).append(name)
    return found


def _page(visit: Visit, sent: dict[str, str], outcome: Outcome, saved: bool = False) -> Response:
    found = common.files(visit)
    rows: list[Owned] = []
    before: list[Owned] = []
    seen = ""
    try:
        main = found.read(found.main)
        rows, seen = _owned(main.text, found.main), main.digest
    except REFUSALS as error:
        outcome = common.refused(error)
    before = [replace(row) for row in rows]
    for row in rows:
        row.owner = sent.get(f"owner.{row.field}", row.owner)
        row.policy = sent.get(f"policy.{row.field}", row.policy)
    settings = visit.desk.settings
    changed = [(was, row) for was, row in zip(before, rows, strict=True) if was != row]
    into = _written_in(settings)
    for row in rows:
        owning = settings.systems_with(row.right)
        row.written_in = tuple(name for name in into.get(row.field, []) if name not in owning)
    return visit.page(
        "admin_ownership",
        outcome.status,
        rows=rows,
        changed=changed,
        roles=drafts.ROLES,
        systems={role: settings.systems_with(role) for role in drafts.ROLES},
        several=any(len(settings.systems_with(row.right)) > 1 for row in rows if row.is_written),
        policies=POLICIES,
        outcome=outcome,
        saved=saved,
        seen=seen,
        why=sent.get("why", ""),
        why_not=found.why_not(found.main),
    )
