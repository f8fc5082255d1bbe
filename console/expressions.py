"""The expressions of a mapping as people see and type them: as YAML on one line, and as the fields of a form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from mappings.paths import listed

if TYPE_CHECKING:
    from mappings.definition import Status
    from mappings.expression import Expression

SOURCES = ("path", "first", "template", "const")
REFERENCES = ("id", "no", "ext")
STEP = "do."
"""Before the number of a transform."""
_WORDS: dict[str, Any] = {"true": True, "false": False}
_INTEGER = re.compile(r"-?[1-9]\d{0,17}|0", re.ASCII)
_MOST_LINES = 500
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Mistyped(ValueError):
    """A form that is no expression; ``key`` names the words for it, ``lines`` what it is about."""

    def __init__(self, key: str, *lines: str) -> None:
        super().__init__(key)
        self.key = key
        self.lines = lines


def spec_of(item: Expression) -> Any:
    """An expression as it stands in a file: a path, or a table of what is not usual."""
    found: dict[str, Any] = {}
    if item.how == "first":
        found["first"] = list(item.sources)
    elif item.how == "template":
        found["template"] = item.template.replace("%s", "{{{}}}").format(*item.sources).replace("%%", "%")
    else:
        found[item.how] = item.const if item.how == "const" else item.sources[0]
    if item.do:
        found["do"] = list(item.do)
    for key, pattern in (("match", item.match), ("findall", item.findall)):
        if pattern is not None:
            found[key] = pattern.pattern
    if item.values is not None:
        found["values"] = dict(item.values)
    if item.default is not None:
        found["default"] = item.default
    if item.ref:
        found["ref"] = item.ref.rstrip(":")
    if item.write:
        found["write"] = dict(item.write)
    return found["path"] if list(found) == ["path"] else found


def written(spec: Any) -> str:
    """A part of a file on one line of YAML."""
    if isinstance(spec, str):
        return spec
    return str(
        yaml.dump(spec, Dumper=_DUMPER, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False)
    ).strip()


def form_of(spec: Any) -> dict[str, str]:
    """The fields of the form that show an expression; a table is a line for each entry, ``source = canonical``."""
    given: dict[str, Any] = {"path": spec} if isinstance(spec, str) else dict(spec or {})
    how = next((key for key in SOURCES if key in given), "path")
    what = given.get(how, "")
    return {
        "how": how,
        "what": ", ".join(what) if isinstance(what, list) else _word(what),
        **steps_of(given.get("do", ())),
        "match": given.get("match", ""),
        "findall": given.get("findall", ""),
        "values": lines_of(given.get("values") or {}),
        "default": _word(given.get("default")),
        "ref": given.get("ref", ""),
        "write": lines_of(given.get("write") or {}),
    }


def spec_from(sent: Mapping[str, str], *, reference: bool = False) -> Any:
    """The expression that a form says; raises ``Mistyped``. ``reference``: the field is a reference to a record."""
    how, what = sent.get("how", "path"), sent.get("what", "").strip()
    if how not in SOURCES:
        raise Mistyped("how")
    if not what:
        raise Mistyped("nothing")
    found: dict[str, Any] = {how: _scalar(what) if how == "const" else what}
    if how == "first":
        found[how] = listed(what)
    if steps := [sent[name] for name in sorted(sent, key=_place) if name.startswith(STEP) and sent[name].strip()]:
        found["do"] = steps
    for key in ("match", "findall"):
        if sent.get(key, "").strip():
            found[key] = sent[key]
    if sent.get("values", "").strip():
        found["values"] = table_from(sent["values"])
    if sent.get("default", "").strip():
        found["default"] = _scalar(sent["default"].strip())
    if reference:
        found["ref"] = sent.get("ref") or "id"
    if sent.get("write", "").strip():
        found["write"] = table_from(sent["write"])
    return found["path"] if list(found) == ["path"] else found


def steps_of(names: Iterable[str]) -> dict[str, str]:
    """The fields of the form that show transforms, one after the other."""
    return {f"{STEP}{place}": name for place, name in enumerate(names, 1)}


def status_form(item: Status | None) -> dict[str, str]:
    """The fields of the form that show where the status comes from; for its words see ``console.status_words``."""
    if item is None:
        return form_of("")
    return {**form_of(spec_of(item.expression)), "default": _word(item.table.get(None))}


def lines_of(table: Mapping[Any, Any]) -> str:
    """A table as lines ``left = right``; what is missing in the source has an empty left side."""
    return "\n".join(f"{_word(key)} = {_word(value)}".strip() for key, value in table.items())


def table_from(text: str) -> dict[str | None, Any]:
    """The table that lines ``left = right`` say; raises ``Mistyped`` for a line that says nothing of the kind."""
    found: dict[str | None, Any] = {}
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        raise Mistyped("long")
    for line in lines:
        left, sign, right = line.rpartition("=")
        key = left.strip() or None
        if not sign:
            raise Mistyped("line", line)
        if key in found:
            raise Mistyped("twice", line)
        found[key] = _scalar(right.strip()) if right.strip() else None
    return found


def _place(name: str) -> int:
    number = name.removeprefix(STEP)
    return int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0


def _scalar(text: str) -> Any:
    return _WORDS.get(text, int(text) if _INTEGER.fullmatch(text) else text)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
