"""The settings of a connector as the fields of a form, and what was typed into them as they stand in ltc.yaml.

What is secret is never typed here: a form takes the name of the environment variable, file or block that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from socket import inet_aton
from textwrap import dedent
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from console import checking, described
from settings import literals
from settings.secrets import REFERENCE
from yamlfiles.editing import in_lines
from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse

PREFIX = "config."
KINDS = ("env", "file", "prefect")
"""Where a secret can be."""
_NAMES = {
    "env": re.compile(r"[A-Z_][A-Z0-9_]{0,99}"),
    "file": re.compile(r"(?:secrets|/run/secrets)/\w[\w.-]{0,99}"),
    "prefect": re.compile(r"[a-z0-9][a-z0-9-]{0,99}"),
}
_LISTS = (list, tuple, set, frozenset)
_CREDENTIALS = ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "192.0.0.192")
"""Besides the link-local addresses; as in ``connectors.network``."""


@dataclass
class Field:
    """One setting. ``kind`` is text, number, flag, choice, list, table or secret."""

    name: str
    kind: str
    required: bool
    default: str
    about: str
    choices: tuple[str, ...] = ()
    inner: list[dict[str, Any]] = field(default_factory=list)
    """Of a table: the settings in it."""
    sample: str = ""
    """Of a table: how it looks."""
    value: str = ""
    raw: Any = None
    """What stands in ltc.yaml, ``None`` for nothing."""
    was: str = ""
    """The same, as it is typed."""
    source: str = ""
    """Of a secret: one of ``KINDS``, or ``keep`` for what stands in the file as it is."""
    problem: str = ""
    is_set: bool | None = None
    """Of a secret: whether there is something at its place now."""


class Mistyped(Exception):
    """Something in a form cannot be used; ``key`` says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def fields(model: type[BaseModel], system: str, config: Mapping[str, Any]) -> list[Field]:
    """The form for a system's ``config`` as it stands in ltc.yaml, with what is set."""
    return [_field(name, item, system, config) for name, item in model.model_fields.items()]


def filled(found: list[Field], sent: Mapping[str, str], allowed: Allowed) -> None:
    """Put into the fields what was typed, and what is wrong with it; a secret that was typed is not kept."""
    for item in found:
        value = sent.get(PREFIX + item.name, "").replace("\r\n", "\n")
        value = dedent(value).strip("\n").rstrip() if item.kind == "table" else value.strip()
        if item.kind == "secret":
            item.source = sent.get(f"{PREFIX}{item.name}.in", "env")
        try:
            _read(item, value, allowed)
            item.value = value
        except Mistyped as error:
            item.problem = error.key
            item.value = "" if item.kind == "secret" or error.key == "secret_typed" else value


def config(found: list[Field], before: Mapping[str, Any], allowed: Allowed) -> dict[str, Any]:
    """What ``config`` is with these fields; entries that have no field stay. Raises ``Mistyped`` for a bad one."""
    made = dict(before)
    for item in found:
        if item.kind == "secret" and item.source == "keep":
            continue
        value = _read(item, item.value, allowed)
        if value is None:
            made.pop(item.name, None)
        else:
            made[item.name] = value
    return made


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which references a form may write: not those that the store, its keys and the workbench itself need."""

    taken: frozenset[str]
    had: frozenset[str]
    """Those that the system has already."""

    @classmethod
    def of(cls, top: Mapping[str, Any], config: Mapping[str, Any], others: Collection[str]) -> Allowed:
        """For a file with these entries, and a system with this ``config``; ``others`` are systems that are not
        the person's."""
        outside = {key: value for key, value in top.items() if key != "systems"}
        given = top.get("systems")
        kept = {name: value for name, value in given.items() if name in others} if isinstance(given, dict) else {}
        return cls(frozenset((*references(outside), *references(kept))), frozenset(references(config)))

    def check(self, kind: str, name: str) -> str:
        """The reference to a secret; raises ``Mistyped`` for one that must not be written."""
        if kind not in KINDS:
            raise Mistyped("no_choice")
        found = f"${{{kind}:{name}}}"
        if found in self.had:
            return found
        if list(literals.found({"": name})) or not _NAMES[kind].fullmatch(name) or ".." in name:
            raise Mistyped(f"no_{kind}")
        if found in self.taken or (kind == "env" and name.startswith("LTC_")):
            raise Mistyped("not_yours")
        return found


def _field(name: str, item: FieldInfo, system: str, config: Mapping[str, Any]) -> Field:
    kind, choices = _kind(item.annotation)
    made = Field(name, kind, item.is_required(), "", item.description or "", choices)
    if kind == "table":
        within = [entry for entry in described.entries(name, item) if entry["name"] != name]
        made.inner = [entry | {"name": entry["name"].removeprefix(f"{name}.")} for entry in within]
        made.sample = _sample(made.inner)
    elif kind != "secret" and not item.is_required():
        made.default = _shown(kind, item.get_default(call_default_factory=True))
    if name not in config:
        if kind == "secret":
            made.source, made.value = "env", checking.variable(system, name) if made.required else ""
        return made
    value = config[name]
    if kind == "secret":
        whole = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        made.source, made.value = (whole[1], whole[2]) if whole else ("keep", "")
    else:
        made.value = made.was = _shown(kind, value)
        made.raw = value
    return made


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    parts = described.parts(annotation)
    if SecretStr in parts:
        return "secret", ()
    part = parts[0]
    if get_origin(part) is Literal:
        return "choice", tuple(map(str, get_args(part)))
    if isinstance(part, type) and issubclass(part, Enum):
        return "choice", tuple(str(item.value) for item in part)
    if part is bool:
        return "flag", ()
    if part in (int, float):
        return "number", ()
    if get_origin(part) in _LISTS:
        inner = described.parts(get_args(part)[0])[0] if get_args(part) else str
        return ("list", ()) if not (isinstance(inner, type) and issubclass(inner, BaseModel)) else ("table", ())
    if get_origin(part) is dict or part is dict or (isinstance(part, type) and issubclass(part, BaseModel)):
        return "table", ()
    return "text", ()


def _shown(kind: str, value: Any) -> str:
    """A value as it is typed."""
    if value is None:
        return ""
    if kind == "flag":
        return "true" if value is True else "false"
    if kind == "list":
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if kind == "table":
        given = value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value
        return in_lines(given) if given else ""
    return str(value.value if isinstance(value, Enum) else value)


def _sample(inner: list[dict[str, Any]]) -> str:
    lines: list[str] = []
    for item in inner:
        if item["required"]:
            *above, last = item["name"].split(".")
            for depth, part in enumerate(above):
                line = f"{'  ' * depth}{part.lower()}:"
                if line not in lines:
                    lines.append(line)
            lines.append(f"{'  ' * len(above)}{last}: …")
    return "\n".join(lines)


def _read(item: Field, text: str, allowed: Allowed) -> Any:
    """What stands in ltc.yaml for it; ``None`` for nothing. Raises ``Mistyped``."""
    if item.kind == "secret":
        if item.source == "keep" or not text:
            if item.required and item.source != "keep":
                raise Mistyped("missing")
            return None
        return allowed.check(item.source, text)
    if not text:
        if item.required:
            raise Mistyped("missing")
        return None
    if item.raw is not None and text == item.was:
        return item.raw
    if item.raw is None and text == item.default:
        return None
    found = _table(text) if item.kind == "table" else _plain(item, text)
    if list(literals.found({item.name: found})):
        raise Mistyped("secret_typed")
    if item.name == "network" and isinstance(found, dict) and any(map(is_of_the_cloud, _hosts(found))):
        raise Mistyped("metadata")
    for reference in references(found):
        kind, _, name = reference[2:-1].partition(":")
        allowed.check(kind, name)
    return found


def _plain(item: Field, text: str) -> Any:
    if item.kind == "list":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if item.kind == "flag":
        if text not in ("true", "false"):
            raise Mistyped("no_choice")
        return text == "true"
    if item.kind == "choice" and text not in item.choices:
        raise Mistyped("no_choice")
    if item.kind == "number":
        if not re.fullmatch(r"-?\d{1,15}(?:\.\d{1,9})?", text):
            raise Mistyped("no_number")
        return int(text) if "." not in text else text
    if "\n" in text or not text.isprintable():
        raise Mistyped("one_line")
    return text


def _table(text: str) -> Any:
    try:
        found = parse(text, "")
    except FileUnusable:
        raise Mistyped("no_table") from None
    return _copied(found)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _hosts(network: dict[str, Any]) -> list[str]:
    named = network.get("private")
    return [str(host) for host in named] if isinstance(named, list) else [str(named)]


def is_of_the_cloud(host: str) -> bool:
    """Whether a host is an address at which clouds hand out credentials to machines: only a text editor allows one."""
    name = host.strip().strip("[]").rstrip(".").partition("%")[0].lower()
    try:
        address = ip_address(name)
    except ValueError:
        try:
            address = ip_address(inet_aton(name)) if name[:1].isdigit() else ip_address("192.0.2.1")
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local) or str(mapped) in _CREDENTIALS


def references(value: Any) -> Iterator[str]:
    """Every reference in a system's config."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from references(item)
    elif isinstance(value, str):
        yield from (match.group(0) for match in REFERENCE.finditer(value))
