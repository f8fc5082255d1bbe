"""Bodies and queries as Stripe takes them: ``a[b]=c``, ``expand[]=x``, ``expand[0]=x``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe.errors import invalid

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


def parse(text: str) -> dict[str, Any]:
    """The nested values of a form, all of them text; lists by ``[]`` or by position. Raises ``StripeError``."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _NAME.fullmatch(name)
        if match is None:
            raise invalid(f"Invalid name: {name}", name)
        _put(found, [match[1], *_PART.findall(match[2])], value)
    return {name: _settled(value) for name, value in found.items()}


def _put(target: dict[str, Any], steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        inner = target.setdefault(step, {})
        if not isinstance(inner, dict):
            raise invalid(f"Invalid object: {step}", step)
        target = inner
    last = steps[-1] or str(len(target))
    target[last] = value


def _settled(value: Any) -> Any:
    """Objects whose keys are positions as lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _settled(item) for name, item in value.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def integer(value: Any, param: str) -> int:
    """A whole number. Raises ``StripeError``."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    raise invalid(f"Invalid integer: {value}", param, "parameter_invalid_integer")


def texts(value: Any, param: str) -> list[str]:
    """A list of texts. Raises ``StripeError``."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise invalid("Invalid array", param)
