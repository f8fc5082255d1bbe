"""The checks by name: what each proves, in a sentence, and what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from conformance.needs import Need

if TYPE_CHECKING:
    from conformance.lab import Lab

AREAS = ("reading", "failing", "writing", "creating", "deletes", "webhooks")
_READ, _ASKED = (Need.READ,), (Need.READ, Need.HTTP)
_FILES: dict[str, dict[str, tuple[Need, ...]]] = {
    "reading": {"reading": _READ, "moving": _READ, "values": _READ},
    "failing": {
        "failing": _ASKED,
        "answers": _ASKED,
        "access": _ASKED,
        "files": (Need.READ, Need.FILES),
        "programs": (Need.READ, Need.PROGRAM),
    },
    "writing": {"writing": (), "losing": ()},
    "creating": {"creating": ()},
    "deletes": {"deletes": _READ},
    "webhooks": {"webhooks": (Need.WEBHOOKS,)},
}
"""Area → the files of ``conformance.checks`` that its checks are in → what all checks of a file need."""

Play = Callable[["Lab"], None]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a connector must do right. ``play`` raises ``Refuted`` if it does not."""

    name: str
    area: str
    title: dict[str, str]
    play: Play
    needs: tuple[Need, ...] = ()
    grave: bool = False
    """Whether a failure means that something is lost, doubled, overwritten or given away."""
    once: bool = False
    """Whether one stream shows it for all."""
    seconds: float = 30.0
    """How long it may take on one stream."""


_found: dict[str, Check] = {}
_area = ""
_needs: tuple[Need, ...] = ()
"""Of the file that is being read."""


def check(
    *needs: Need, en: str, zh: str, grave: bool = False, once: bool = False, seconds: float = 30.0
) -> Callable[[Play], Play]:
    """Put a function among the checks, under its own name with dashes."""

    def added(play: Play) -> Play:
        name = play.__name__.replace("_", "-")
        if name in _found:
            raise ValueError(f"there are two checks called {name}")
        _found[name] = Check(name, _area, {"en": en, "zh-CN": zh}, play, (*_needs, *needs), grave, once, seconds)
        return play

    return added


def checks() -> list[Check]:
    """Every check, in the order they are carried out."""
    global _area, _needs
    if not _found:
        for _area in AREAS:
            for file, _needs in _FILES[_area].items():
                import_module(f"conformance.checks.{file}")
    return list(_found.values())


def chosen(wanted: tuple[str, ...]) -> list[Check]:
    """The checks of these areas and names, all without any. Raises ``LookupError`` for what is neither."""
    known = checks()
    for name in wanted:
        if name not in AREAS and all(name != item.name for item in known):
            raise LookupError(name)
    return [item for item in known if not wanted or item.area in wanted or item.name in wanted]
