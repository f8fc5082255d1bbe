"""A system as a form describes it: its entry in ltc.yaml, and whether it works."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from connectors import registry
from console import checking, configured, described
from console.failures import told
from console.web.admin import fields, mistakes, timing
from console.web.admin.common import LANGUAGE
from console.web.admin.fields import Field
from console.web.admin.files import Content, Files
from console.web.admin.mistakes import Mistake
from console.web.admin.references import Allowed
from console.web.admin.timing import Timing
from settings.model import Role, is_zone
from yamlfiles.editing import put, update
from yamlfiles.reading import parse

if TYPE_CHECKING:
    from connectors.contract import Connector, StreamSpec
    from console.checking import Checked
    from settings.model import Settings
    from state.store import Store

ROLES: tuple[str, ...] = get_args(Role)
PUSHES = ("plan", "auto", "off")
BY_HAND = ("singer",)
"""Connectors whose settings name a program to run on this machine: only a text editor names one."""
CHECK_SECONDS = 30.0
_AT_ONCE = threading.BoundedSemaphore(2)


@dataclass
class Draft:
    """One system in a form. ``before`` is its entry as it stands in ltc.yaml, empty for a new one."""

    name: str
    connector: str
    kind: type[Connector[Any]]
    before: dict[str, Any]
    fields: list[Field]
    allowed: Allowed
    roles: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    """Empty: all that there are."""
    shown: list[str] = field(default_factory=list)
    """Those that the form had to choose among; one that has come since is read as well."""
    ticked: list[str] = field(default_factory=list)
    """Those of them that were chosen."""
    push: str = "plan"
    timing: Timing = field(default_factory=Timing)
    timezone: str = ""
    """Of times that name none; empty: the company's."""
    problems: dict[str, str] = field(default_factory=dict)
    """Name of an input → key of what is wrong with it."""
    mistakes: list[Mistake] = field(default_factory=list)
    """What was typed in the connector's settings and cannot be read, or what its own model finds wrong."""
    specs: list[StreamSpec] = field(default_factory=list)
    only_reads: bool = False
    """Whether the connector has nothing that can be written."""

    @property
    def is_good(self) -> bool:
        """Whether all of it could be used."""
        return not self.problems and not self.mistakes

    def wrong(self, place: str) -> list[Mistake]:
        """What is wrong with one field."""
        return [item for item in self.mistakes if item.place == place]

    def is_wrong_within(self, place: str) -> bool:
        """Whether anything is wrong with a field or with what is in it."""
        return any(f"{item.place}.".startswith(f"{place}.") for item in self.mistakes)

    @property
    def config(self) -> dict[str, Any]:
        """``config`` as it would stand in ltc.yaml; raises ``Mistyped``."""
        return fields.config(self.fields, self.before.get("config") or {}, self.allowed)


def start(main: Content, name: str, connector: str, files: Files, others: Collection[str]) -> Draft:
    """The form of a system of ltc.yaml, or of a new one with this connector; ``others`` are systems that are not the
    person's. Raises whatever loading the connector raises."""
    top = parse(main.text.replace("\r\n", "\n"), main.file)
    given = top.get("systems")
    before = _plain(given.get(name)) if isinstance(given, dict) and name else None
    before = before if isinstance(before, dict) else {}
    chosen = connector or str(before.get("connector", ""))
    kind = registry.load(chosen, files.folder)
    config = before.get("config")
    config = config if isinstance(config, dict) else {}
    draft = Draft(
        name or suggested(chosen, given if isinstance(given, dict) else {}),
        chosen,
        kind,
        before,
        fields.fields(kind.Config, name or suggested(chosen, {}), config),
        Allowed.of(top, config, others),
    )
    draft.specs = _specs(kind, config) if before else []
    offered = described.offer(kind).streams
    draft.only_reads = not any(spec.writable or spec.creatable for spec in draft.specs or offered)
    draft.roles = list(before.get("roles") or []) or _free(described.roles(offered), given)
    draft.streams = list(before.get("streams") or [])
    draft.push = str(before.get("push", "off" if draft.only_reads and not before else "plan"))
    draft.timing = timing.of(before.get("schedule"))
    draft.timezone = str(before.get("timezone") or "")
    return draft


def fill(draft: Draft, sent: Mapping[str, str]) -> None:
    """Put what was typed into the draft, with what is wrong with it."""
    fields.filled(draft.fields, sent, draft.allowed, draft.name)
    draft.roles = [role for role in ROLES if f"role.{role}" in sent]
    draft.push = sent.get("push", draft.push)
    if not draft.roles:
        draft.problems["roles"] = "no_role"
    if draft.push not in PUSHES:
        draft.problems["push"] = "no_choice"
    draft.timezone = sent.get("timezone", draft.timezone).strip()
    if draft.timezone and not is_zone(draft.timezone):
        draft.problems["timezone"] = "no_zone"
    draft.timing = timing.typed(sent, Timing())
    wrong = draft.timing.problem()
    if wrong is not None:
        draft.problems[wrong[0]] = wrong[1]
    typed = list(mistakes.typed(draft.fields))
    given = fields.config(draft.fields, draft.before.get("config") or {}, draft.allowed, without_wrong=True)
    draft.mistakes = typed + mistakes.beside(typed, mistakes.found(draft.kind.Config, given, draft.fields))
    if not draft.mistakes:
        draft.specs = _specs(draft.kind, draft.config)
    known = [spec.name for spec in draft.specs]
    draft.shown = [name for name in sent.get("streams_shown", "").split(",") if name]
    draft.ticked = [name for name in draft.shown if f"stream.{name}" in sent]
    chosen = [name for name in known if name in draft.ticked or (draft.shown and name not in draft.shown)]
    if draft.shown and not chosen and known:
        draft.problems["streams"] = "no_stream"
    draft.streams = [] if chosen == known else chosen


def entry(draft: Draft) -> dict[str, Any]:
    """What ltc.yaml says of the system. Raises ``Mistyped``."""
    made = dict(draft.before) | {"connector": draft.connector, "roles": draft.roles}
    if set(draft.before.get("roles") or ()) == set(draft.roles):
        made["roles"] = draft.before["roles"]
    made.pop("config", None)
    if draft.config:
        made["config"] = draft.config
    if not draft.streams:
        made.pop("streams", None)
    elif set(draft.before.get("streams") or ()) != set(draft.streams):
        made["streams"] = draft.streams
    made.pop("timezone", None)
    if draft.timezone:
        made["timezone"] = draft.timezone
    timing.put(made, draft.timing)
    if draft.push != "plan" or "push" in draft.before:
        made["push"] = draft.push
    return made


def written(main: Content, draft: Draft, mapping: str = "") -> str:
    """ltc.yaml with the system. Raises ``Mistyped``, ``FileUnusable``."""
    made = entry(draft)
    if mapping:
        made["mapping"] = mapping
    keys = ("systems", draft.name)
    if not draft.before:
        return put(main.text, main.file, keys, made)
    return update(main.text, main.file, keys, made)


def rearranged(draft: Draft, do: str) -> bool:
    """Add or take out a row of the settings, if that is what a button says, or only show all in another language; what
    is not filled in yet is no mistake."""
    if not (do.startswith(LANGUAGE) or fields.rearranged(draft.fields, do, draft.name)):
        return False
    for item in fields.walk(draft.fields):
        item.problem = item.problem if item.problem == "secret_typed" else ""
    draft.problems.clear()
    draft.mistakes = [item for item in draft.mistakes if item.problem == "secret_typed"]
    return True


def settings_of(text: str, files: Files) -> Settings:
    """The settings with a changed text; raises ``SettingsError``."""
    return configured.loads(text, files.path)


def checked(store: Store, settings: Settings, name: str) -> Checked | None:
    """What `ltc check` says of a system, as far as it came in time; ``None`` if others are being checked."""
    from sync.services import services_of

    if not _AT_ONCE.acquire(blocking=False):
        return None
    found: list[Checked] = []
    begun = checking.Checked(name, settings.systems[name].connector)

    def check() -> None:
        services = services_of(store)
        try:
            found.append(checking.system(settings, name, services, store, begun))
        except Exception as error:  # nobody else would hear of it
            failed = checking.Checked(name, settings.systems[name].connector)
            failed.problems.append({"message": told(error)[0], "remedy": ""})
            found.append(failed)
        finally:
            services.close()
            _AT_ONCE.release()

    thread = threading.Thread(target=check, name="ltc check", daemon=True)
    thread.start()
    thread.join(CHECK_SECONDS)
    return found[0] if found else checking.given_up(begun)


def suggested(connector: str, taken: Mapping[str, Any]) -> str:
    """A name for a system with this connector that no other has."""
    base = connector.rpartition("/")[2].removesuffix(".yaml").removesuffix(".yml").lower()
    base = "".join(sign for sign in base if sign.isascii() and (sign.isalnum() or sign in "_-")).lstrip("0123456789_-")
    base = base or "system"
    names = [base, *(f"{base}{number}" for number in range(2, 1000))]
    return next(name for name in names if name not in taken)


def _free(roles: list[str], systems: Any) -> list[str]:
    """Those that no system of ltc.yaml has: a second one is a choice of the person's."""
    entries = systems.values() if isinstance(systems, dict) else ()
    taken = {role for entry in entries if isinstance(entry, dict) for role in entry.get("roles") or ()}
    return [role for role in roles if role not in taken]


def _specs(kind: type[Connector[Any]], config: dict[str, Any]) -> list[StreamSpec]:
    """The streams that it offers with these settings; none while they cannot be used."""
    return [] if mistakes.found(kind.Config, config, []) else list(described.offer(kind, config).streams)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
