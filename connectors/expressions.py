"""The expressions of manifests: JMESPath (jmespath.org) in the holes of templates; no other code, no files, no hosts.

    /orders/{id}                    a text with a hole
    "{values}"                      one hole alone keeps its type: a table stays a table
    "{merge(values, {v: record.v})}"    braces inside an expression are part of it
    {{ and }}                       a brace that is none

A hole without a value takes the text with it, and that the table entry or the list that holds it: a filter by a time
that is not known yet is left out.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import hmac
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import jmespath
import msgspec
from jmespath import exceptions, functions

_json = msgspec.json.Encoder(decimal_format="number")


class ExpressionError(ValueError):
    """An expression that cannot be read, or names something that is not there; the text says what."""


class Unset:
    """Stands where a hole had no value."""


UNSET = Unset()


class _Functions(functions.Functions):
    """What expressions may call besides JMESPath's own functions; every one depends on its arguments alone."""

    @functions.signature({"types": ["string"]})
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @functions.signature({"types": ["string"]})
    def _func_upper(self, text: str) -> str:
        return text.upper()

    @functions.signature({"types": ["string"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, text: str, old: str, new: str) -> str:
        return text.replace(old, new)

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_split(self, text: str, separator: str) -> list[str]:
        return text.split(separator) if separator else [text]

    @functions.signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_key_by(self, items: list[Any], place: Any) -> dict[str, Any]:
        """``key_by(answers, &field.ref)``: a list as a table, each item under the text that stands there, the first of
        several; items without one are left out."""
        found: dict[str, Any] = {}
        for item in items:
            key = place.visit(place.expression, item)
            if isinstance(key, str):
                found.setdefault(key, item)
        return found

    @functions.signature({"types": []})
    def _func_json(self, value: Any) -> str:
        return _json.encode(value).decode()

    @functions.signature({"types": ["string"]})
    def _func_base64(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    @functions.signature({"types": ["string"]})
    def _func_sha256(self, text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    @functions.signature({"types": ["string"]}, {"types": ["string"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_hmac(self, algorithm: str, key: str, text: str, encoding: str) -> str:
        """``hmac('sha256', key, text, 'hex')``; algorithms sha1, sha256, sha512, encodings hex and base64."""
        if algorithm not in ("sha1", "sha256", "sha512") or encoding not in ("hex", "base64"):
            raise exceptions.JMESPathError("hmac knows sha1, sha256 and sha512, in hex or base64")
        made = hmac.new(key.encode(), text.encode(), algorithm)
        return made.hexdigest() if encoding == "hex" else base64.b64encode(made.digest()).decode()


_OPTIONS = jmespath.Options(custom_functions=_Functions())
_SHOWN = 200
"""So many characters of an expression are shown in errors."""
_KNOWN_FUNCTIONS = frozenset(_Functions.FUNCTION_TABLE)


class Expression:
    """One JMESPath expression, read once."""

    def __init__(self, text: str) -> None:
        try:
            self._compiled = jmespath.compile(text)
        except (ValueError, RecursionError) as error:  # JMESPath's own errors are the former, as are endless numbers
            reason = str(error).splitlines()[0] if str(error) else "it is empty"
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise ExpressionError(f"{shown!r} is no JMESPath expression ({reason})") from None
        self.text = text
        self.names = frozenset(_names(self._compiled.parsed))
        """What it reads at the top: variables, or fields of a record."""
        self.settings = frozenset(_settings(self._compiled.parsed))
        """What it reads right below ``config``."""
        for called in _calls(self._compiled.parsed):
            if called not in _KNOWN_FUNCTIONS:
                meant = difflib.get_close_matches(called, _KNOWN_FUNCTIONS, 1)
                hint = f"; did you mean {meant[0]}()?" if meant else ""
                raise ExpressionError(f"there is no function {called}(){hint}")

    def of(self, document: Any) -> Any:
        """Its value in a document, ``None`` without one. Raises ``ExpressionError`` if a value has a wrong type."""
        try:
            return self._compiled.search(document, _OPTIONS)
        except (exceptions.JMESPathError, TypeError, ValueError, AttributeError, RecursionError) as error:
            # The error's own text would show the values.
            raise ExpressionError(f"{self.text!r} does not fit the values ({type(error).__name__})") from None


class Template:
    """A YAML value with holes: a text, a table, a list, or any of them inside another."""

    def __init__(self, value: Any) -> None:
        self._tree = _tree(value)
        self.names: frozenset[str] = frozenset(
            name for expression in _expressions(self._tree) for name in expression.names
        )
        """The variables it needs."""
        self.settings: frozenset[str] = frozenset(
            name for expression in _expressions(self._tree) for name in expression.settings
        )
        """The settings it needs: what stands right below ``config``."""

    def check(self, allowed: Collection[str]) -> None:
        """Raise ``ExpressionError`` if it needs a variable that is not among these."""
        for name in sorted(self.names - set(allowed)):
            meant = difflib.get_close_matches(name, list(allowed), 1)
            if meant:
                raise ExpressionError(f"there is no {{{name}}} here; did you mean {{{meant[0]}}}?")
            raise ExpressionError(f"there is no {{{name}}} here; what is known here: {', '.join(sorted(allowed))}")

    def fill(self, variables: Mapping[str, Any]) -> Any:
        """The value with its holes filled, ``UNSET`` if it is one without a value. Raises ``ExpressionError``."""
        return _filled(self._tree, variables, in_path=False)

    def path(self, variables: Mapping[str, Any]) -> str:
        """As ``fill``, of a URL's path: what is filled in is one segment, whatever signs are in it.

        Raises ``ExpressionError`` also if a hole has no value.
        """
        found = _filled(self._tree, variables, in_path=True)
        if not isinstance(found, str):
            raise ExpressionError("the path has a hole without a value")
        return found


Piece = str | Expression
_BRACE = re.compile("[{}]")


def pieces(text: str) -> list[Piece]:
    """The text cut at its holes. Raises ``ExpressionError`` for a brace that is not closed, or is alone."""
    found: list[Piece] = []
    literal = ""
    at = 0
    while brace := _BRACE.search(text, at):
        sign, literal, at = brace.group(), literal + text[at : brace.start()], brace.start()
        if text[at : at + 2] == sign * 2:
            literal, at = literal + sign, at + 2
        elif sign == "{":
            end = _closing(text, at)
            if literal:
                found.append(literal)
            found.append(Expression(text[at + 1 : end].strip()))
            literal, at = "", end + 1
        else:
            raise ExpressionError(f"a }} closes nothing in {text!r}; write }}}} for the sign itself")
    literal += text[at:]
    return [*found, literal] if literal or not found else found


def _closing(text: str, opened: int) -> int:
    """Where the hole ends that begins at ``opened``: quotes may hold braces, and braces may hold braces."""
    depth, quote_sign, at = 0, "", opened
    while at < len(text):
        sign = text[at]
        if quote_sign:
            if sign == "\\":
                at += 1
            elif sign == quote_sign:
                quote_sign = ""
        elif sign in "'\"`":
            quote_sign = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise ExpressionError(f"a {{ is not closed in {text!r}; write {{{{ for the sign itself")


def _tree(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(pieces(value))
    if isinstance(value, Mapping):
        return {key: _tree(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_tree(item) for item in value]
    return value


def _expressions(tree: Any) -> Iterator[Expression]:
    if isinstance(tree, tuple):
        yield from (piece for piece in tree if isinstance(piece, Expression))
    elif isinstance(tree, dict | list):
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _expressions(item)


def _filled(tree: Any, variables: Mapping[str, Any], *, in_path: bool) -> Any:
    if isinstance(tree, tuple):
        return _text(tree, variables, in_path=in_path)
    if isinstance(tree, dict):
        entries = {key: _filled(item, variables, in_path=in_path) for key, item in tree.items()}
        return {key: item for key, item in entries.items() if item is not UNSET}
    if isinstance(tree, list):
        items = [(_filled(item, variables, in_path=in_path), item) for item in tree]
        if any(item is UNSET and isinstance(source, tuple) for item, source in items):
            return UNSET
        return [item for item, _ in items if item is not UNSET]
    return tree


def _text(parts: tuple[Piece, ...], variables: Mapping[str, Any], *, in_path: bool) -> Any:
    values = [part.of(variables) if isinstance(part, Expression) else part for part in parts]
    if any(value is None for value in values):
        return UNSET
    if len(parts) == 1 and not in_path:
        return values[0]
    texts = (_written(value) for value in values)
    if not in_path:
        return "".join(texts)
    return "".join(
        _segment(text) if isinstance(part, Expression) else text for part, text in zip(parts, texts, strict=True)
    )


def _segment(text: str) -> str:
    if text in ("", ".", ".."):
        raise ExpressionError("what is filled into the path leads to another path")
    return quote(text, safe="")


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json.encode(value).decode() if isinstance(value, dict | list) else str(value)


_ONLY_FIRST = frozenset({"subexpression", "index_expression", "pipe", "projection", "value_projection", "flatten"})
"""Kinds of nodes whose later children look into what the first one found."""


def _names(node: Mapping[str, Any]) -> Iterator[str]:
    kind, children = node["type"], node["children"]
    if kind == "field":
        yield node["value"]
    elif kind in _ONLY_FIRST or kind == "filter_projection":
        yield from _names(children[0])
    else:
        for child in children:
            yield from _names(child)


def _settings(node: Mapping[str, Any]) -> Iterator[str]:
    children = node["children"]
    if node["type"] == "subexpression" and children[0].get("value") == "config" and children[1]["type"] == "field":
        yield children[1]["value"]
    for child in children:
        if isinstance(child, Mapping):
            yield from _settings(child)


def _calls(node: Mapping[str, Any]) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, Mapping):
            yield from _calls(child)
