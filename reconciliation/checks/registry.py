"""The catalogue of checks: what each is called, who is responsible, what it says, and the query that finds it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from reconciliation.words import LANGUAGES

Query = Callable[[Mapping[str, Any]], str]
Words = Mapping[str, str]
"""A text per language: ``en`` and ``zh``."""
Parameter = int | Mapping[str, int]
"""A number, or one for each name (owners, currencies)."""

STAGES: Final = (
    *("lead", "opportunity", "quote", "order", "delivery", "billing", "collection", "payout"),
    *("service", "master_data", "sync"),
)
DEPARTMENTS: Final = ("marketing", "sales", "sales_operations", "logistics", "finance", "customer_service", "it")
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
    fires: Words
    """When there is a finding, for ``docs/checks.md``; `{name}` is a parameter."""
    silent: Words
    """When there is none although it fires: another check tells of the same fault. Mostly empty."""
    sentence: Words
    action: Words
    needs: tuple[tuple[str, str], ...]
    """(role, entity) whose records must have been pulled completely once before the check means anything."""
    parameters: Mapping[str, Parameter]
    """Defaults; ``severity`` and ``enabled`` can be set for every check beside them."""
    query: Query = field(repr=False)

    def words(self) -> dict[str, Words]:
        """What is said to people about a finding."""
        return {"title": self.title, "sentence": self.sentence, "action": self.action}


_CHECKS: dict[str, Check] = {}
_into: ContextVar[dict[str, Check]] = ContextVar("_into")


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
    fires: tuple[str, str] | None = None,
    silent: tuple[str, str] | None = None,
    **parameters: Parameter,
) -> Callable[[Query], Query]:
    """Register the decorated query as a check; texts are (English, Chinese), ``needs`` is ``role.entity …``.

    Without ``fires`` the query's docstring says when there is a finding.
    """

    def register(query: Query) -> Query:
        said = inspect.cleandoc(query.__doc__ or "")
        _into.get(_CHECKS)[id] = Check(
            id=id,
            stage=stage,
            department=department,
            severity=severity,
            title=texts(*title),
            fires=texts(*(fires or (said, said))),
            silent=texts(*silent) if silent else {},
            sentence=texts(*sentence),
            action=texts(*action),
            needs=needed(needs),
            parameters=parameters,
            query=query,
        )
        return query

    return register


@contextmanager
def collected() -> Iterator[dict[str, Check]]:
    """Checks that are registered in the block go here and not into the catalogue that comes with ltc."""
    found: dict[str, Check] = {}
    token = _into.set(found)
    try:
        yield found
    finally:
        _into.reset(token)


def registered() -> dict[str, Check]:
    """Every check that has been imported, by id, in the order of definition."""
    return _CHECKS


def needed(needs: str) -> tuple[tuple[str, str], ...]:
    """``role.entity …`` as pairs."""
    return tuple((role, entity) for role, _, entity in (part.partition(".") for part in needs.split()))


def texts(*given: str) -> Words:
    """Texts by language."""
    return dict(zip(LANGUAGES, given, strict=True))
