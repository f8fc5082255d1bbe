"""What ltc.yaml sets for checks, compared with the checks there are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from reconciliation.checks import Check, catalogue
from reconciliation.checks.registry import SEVERITIES


def problems(given: Mapping[str, Mapping[str, Any]], own: Mapping[str, Check]) -> list[tuple[tuple[str, ...], str]]:
    """For each setting that no check knows or can use: the keys that lead to it, and a sentence."""
    known = {check.id: check for check in catalogue()} | dict(own)
    found: list[tuple[tuple[str, ...], str]] = []
    for name, values in given.items():
        if name not in known:
            found.append(((name,), f"there is no check `{name}`.{_meant(name, list(known))}"))
            continue
        parameters = {**known[name].parameters, "severity": "", "enabled": True}
        for key, value in values.items():
            found += [((name, key), reason) for reason in _wrong(name, key, value, parameters)]
    return found


def _wrong(check: str, key: str, value: Any, parameters: Mapping[str, Any]) -> list[str]:
    if key not in parameters:
        return [f"the check `{check}` has no setting `{key}`.{_meant(key, list(parameters))}"]
    if key == "severity":
        return [] if value in SEVERITIES else [f"`severity` must be one of {', '.join(SEVERITIES)}."]
    if key == "enabled":
        return [] if isinstance(value, bool) else ["`enabled` must be true or false."]
    if isinstance(parameters[key], Mapping):
        fits = isinstance(value, Mapping) and all(_is_number(item) for item in value.values())
        return [] if fits else [f"`{key}` must be a table of names and whole numbers, like {{name: 100}}."]
    return [] if _is_number(value) else [f"`{key}` must be a whole number, 0 or more."]


def _is_number(value: Any) -> bool:
    return type(value) is int and value >= 0


def _meant(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f" Did you mean `{close[0]}`?" if close else f" Known: {', '.join(known)}."
