"""Templates backwards: what stood in the holes of a request that a manifest's template was filled into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import msgspec

from connectors.declarative.requests import Request
from connectors.expressions import Expression, pieces

Found = dict[str, Any]
"""The text of a hole → what stood in it."""
_MERGED = re.compile(r"merge\(values, \{([^{}]*)\}\)")
_PAIR = re.compile(r"(\w+): ([^,]+)")
_CONVERTED = re.compile(r"to_(?:number|string)\(([a-z_.]+)\)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, taken apart."""

    method: str
    path: str
    """Below the base URL, with its percent escapes."""
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    """By any reading of their names."""
    body: bytes


def holes(said: Request, asked: Asked) -> Found | None:
    """What stood in the holes of a request of this kind; ``None`` if it is of another kind."""
    template = said.get or said.post or said.put or said.patch or ""
    found = in_path(template, asked.path) if asked.method == said.method else None
    if found is None or not unify(said.query, asked.query, found):
        return None
    if said.form is not None:
        form = {
            name: values if len(values) > 1 else values[0] for name, values in parse_qs(asked.body.decode()).items()
        }
        if not unify(said.form, form, found):
            return None
    elif said.body is not None and not unify(said.body, _json(asked.body), found):
        return None
    for name, item in said.headers.items():
        value = asked.headers.get(name)
        if value is not None and not unify(item, value, found):
            return None
    plain: Found = {}
    for hole, value in found.items():
        plain |= _taken_apart(hole, value)
    return plain


def _taken_apart(hole: str, value: Any) -> Found:
    """Of ``merge(values, {name: record.place})`` the values, and what stood in the holes beside them."""
    match = _MERGED.fullmatch(hole)
    if match is None or not isinstance(value, Mapping):
        return {_plain(hole): value}
    beside = dict(_PAIR.findall(match[1]))
    told = {_plain(place): value[name] for name, place in beside.items() if name in value}
    return {"values": {name: item for name, item in value.items() if name not in beside}, **told}


def _plain(hole: str) -> str:
    """The variable of a hole that only changes its type."""
    match = _CONVERTED.fullmatch(hole)
    return match[1] if match else hole


def path_pattern(path: str) -> tuple[re.Pattern[str], list[str]]:
    """A pattern for paths (still with their percent escapes), and the texts of its holes in order."""
    pattern, holes = "", []
    for piece in pieces(path):
        if isinstance(piece, Expression):
            holes.append(piece.text)
            pattern += "([^/]+)"
        else:
            pattern += f"(?:{re.escape(piece)}|{re.escape(quote(piece))})"
    return re.compile(pattern), holes


def in_path(path: str, actual: str) -> Found | None:
    """The holes of a path, ``None`` if it is another one."""
    pattern, holes = path_pattern(path)
    match = pattern.fullmatch(actual)
    return None if match is None else dict(zip(holes, map(unquote, match.groups()), strict=True))


def unify(template: Any, actual: Any, found: Found) -> bool:
    """Whether ``actual`` may come of the template; what stood in its holes is put into ``found``."""
    if isinstance(template, str):
        return _text(template, actual, found)
    if isinstance(template, Mapping):
        if set(template) == {"json"} and isinstance(actual, str):
            return unify(template["json"], _json(actual), found)
        return isinstance(actual, Mapping) and all(
            unify(item, actual[name], found) if name in actual else _may_miss(item) for name, item in template.items()
        )
    if isinstance(template, list):
        return _list(template, actual, found)
    return bool(template == actual or str(template) == str(actual))


def _text(template: str, actual: Any, found: Found) -> bool:
    parts = pieces(template)
    if len(parts) == 1 and isinstance(parts[0], Expression):
        found[parts[0].text] = actual
        return True
    holes = [part.text for part in parts if isinstance(part, Expression)]
    pattern = "".join("(.*?)" if isinstance(part, Expression) else re.escape(part) for part in parts)
    match = re.fullmatch(pattern, str(actual), re.DOTALL)
    if match is None:
        return False
    found.update(zip(holes, match.groups(), strict=True))
    return True


def _list(template: list[Any], actual: Any, found: Found) -> bool:
    """Items in order; one with holes may be missing."""
    if isinstance(actual, str):
        actual = [actual]
    if not isinstance(actual, list):
        return False
    at = 0
    for item in template:
        tried: Found = {}
        if at < len(actual) and unify(item, actual[at], tried):
            found.update(tried)
            at += 1
        elif not _may_miss(item):
            return False
    return at == len(actual)


def _may_miss(template: Any) -> bool:
    """Whether there is a hole in it, which may have had no value."""
    if isinstance(template, str):
        return any(isinstance(piece, Expression) for piece in pieces(template))
    if isinstance(template, Mapping):
        return any(_may_miss(item) for item in template.values())
    return isinstance(template, list) and any(_may_miss(item) for item in template)


def _json(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
