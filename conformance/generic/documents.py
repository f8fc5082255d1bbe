"""Expressions backwards: a document in which a JMESPath expression has the value that is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jmespath

from connectors.expressions import Expression, ExpressionError

Node = Mapping[str, Any]


class Impossible(Exception):
    """No such document is known to be made."""


def document(expression: str, value: Any) -> Any:
    """The smallest document in which ``expression`` is ``value``. Raises ``Impossible``."""
    made = _made(jmespath.compile(expression).parsed, value)
    try:
        found = Expression(expression).of(made)
    except ExpressionError as error:
        raise Impossible(str(error)) from None
    if found != value and not (value is True and found) and not (value is False and not found):
        raise Impossible(f"{expression!r} cannot be made {value!r}")
    return made


def merged(*documents: Any) -> Any:
    """One document of several tables; later ones win. Raises ``Impossible`` where they do not go together."""
    result: Any = {}
    for item in documents:
        result = _joined(result, item)
    return result


def _joined(left: Any, right: Any) -> Any:
    if isinstance(left, dict) and isinstance(right, dict):
        return {
            **left,
            **{name: _joined(left[name], item) if name in left else item for name, item in right.items()},
        }
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [_joined(one, other) for one, other in zip(left, right, strict=True)]
    if left == {}:
        return right
    if right == {}:
        return left
    return right


def _made(node: Node, value: Any) -> Any:
    kind, children = node["type"], node["children"]
    match kind:
        case "field":
            return {node["value"]: value}
        case "current" | "identity":
            return value
        case "subexpression" | "pipe":
            return _made(children[0], _made(children[1], value))
        case "index_expression":
            place = children[1]["value"] if children[1]["type"] == "index" else 0
            return _made(children[0], [None] * max(place, 0) + [value])
        case "projection":
            inner = children[1]
            items = value if isinstance(value, list) else [value]
            return _made(children[0], [_made(inner, item) for item in items])
        case "comparator":
            return _compared(node, value)
        case "not_expression":
            return _made(children[0], not value)
        case "and_expression":
            return merged(*(_made(child, value) for child in children)) if value else _made(children[0], value)
        case "or_expression":
            return _made(children[0], value) if value else merged(*(_made(child, value) for child in children))
        case "function_expression" if node["value"] in ("contains", "starts_with", "ends_with") and value is True:
            return _made(children[0], _literal(children[1]))
        case "function_expression" if node["value"] == "length" and isinstance(value, int):
            return _made(children[0], [0] * value)
        case "function_expression" if node["value"] in ("to_string", "lower", "upper", "to_number"):
            return _made(children[0], value)
    raise Impossible(f"a document for {kind} is not known to be made")


_OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "gte", "gte": "lt", "gt": "lte", "lte": "gt"}


def _compared(node: Node, value: Any) -> Any:
    left, right = node["children"]
    operator = node["value"] if value else _OPPOSITE[node["value"]]
    wanted = _literal(right)
    match operator:
        case "eq":
            return _made(left, wanted)
        case "ne":
            return _made(left, None if wanted is not None else "kit")
        case "gte" | "lte":
            return _made(left, wanted)
        case "gt":
            return _made(left, wanted + 1)
        case _:
            return _made(left, wanted - 1)


def _literal(node: Node) -> Any:
    if node["type"] == "literal":
        return node["value"]
    if node["type"] == "field" and re.fullmatch(r"[a-z]+", str(node["value"])) is None:
        return node["value"]
    raise Impossible("it is compared with something that is not written down")
