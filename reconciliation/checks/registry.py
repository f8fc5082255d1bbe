"""The catalogue of checks: what each is called, who is responsible, what it says, and the query that finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Query = Callable[[Mapping[str, Any]], str]
Words = Mapping[str, str]
"""A text per language: ``en`` and ``zh``."""

STAGES: Final = ("lead", "opportunity", "quote", "order", "delivery", "billing", "collection", "master_data")
DEPARTMENTS: Final = ("marketing", "sales", "sales_operations", "logistics", "finance", "it")
SEVERITIES: Final = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Check:
    """One named rule about one hand-off.

    ``query`` takes the parameters and gives SQL over the frame with the columns ``keys`` (record ids that are the
    finding's identity), ``records`` (all it is about, the main one first), ``amount`` (minor units), ``currency``,
    ``since`` (day) and ``params`` (a struct: the values for the sentences).
    """

    id: str
    stage: str
    department: str
    severity: str
    title: Words
    sentence: Words
    action: Words
    needs: tuple[tuple[str, str], ...]
    """(role, entity) whose records must have been pulled completely once before the check means anything."""
    parameters: Mapping[str, int]
    """Defaults; ``severity`` and ``enabled`` can be set for every check beside them."""
    query: Query = field(repr=False)


_CHECKS: dict[str, Check] = {}


def check(
    id: str,
    *,
    stage: str,
    department: str,
    severity: str,
    title: tuple[str, str],
    sentence: tuple[str, str],
    action: tuple[str, str],
    needs: str,
    **parameters: int,
) -> Callable[[Query], Query]:
    """Register the decorated query as a check; texts are (English, Chinese), ``needs`` is ``role.entity …``."""

    def register(query: Query) -> Query:
        _CHECKS[id] = Check(
            id=id,
            stage=stage,
            department=department,
            severity=severity,
            title=_words(title),
            sentence=_words(sentence),
            action=_words(action),
            needs=tuple((role, entity) for role, _, entity in (part.partition(".") for part in needs.split())),
            parameters=parameters,
            query=query,
        )
        return query

    return register


def registered() -> dict[str, Check]:
    """Every check that has been imported, by id, in the order of definition."""
    return _CHECKS


def _words(texts: tuple[str, str]) -> Words:
    return dict(zip(("en", "zh"), texts, strict=True))
