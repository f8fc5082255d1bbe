"""Sentences that name commands, for people who have the pages: the page that does the same instead of the command."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.i18n import Texts

COMMAND = re.compile(r"`(ltc [^`]+)`")
PAGES = (
    ("ltc links list", "/links", "web.page.links"),
    ("ltc cash", "/cash", "web.page.cash"),
    ("ltc quarantine", "/quarantine", "web.page.quarantine"),
    ("ltc dead-letters", "/dead-letters", "web.page.dead_letters"),
    ("ltc period", "/periods", "web.page.periods"),
    ("ltc status", "/systems", "web.page.systems"),
    ("ltc sync", "/systems", "web.systems.start.sync"),
    ("ltc pull", "/systems", "web.systems.start.pull"),
    ("ltc sweep", "/systems", "web.systems.start.sweep"),
    ("ltc push --accept-first", "/systems", "operating.matching.title"),
    ("ltc push", "/plans", "web.page.plans"),
    ("ltc runs", "/runs", "web.page.runs"),
)
"""How a command begins, the page, and what it is called there."""


def page(command: str) -> tuple[str, str] | None:
    """The address of the page that does the same, and the key of what it is called there; ``None`` without one."""
    return next(
        ((address, name) for begins, address, name in PAGES if command == begins or command.startswith(f"{begins} ")),
        None,
    )


def in_words(sentence: str, words: Texts) -> str:
    """The sentence with the names of pages; a command without a page stays."""
    return COMMAND.sub(_named(words), sentence)


def _named(words: Texts) -> Callable[[re.Match[str]], str]:
    def name(found: re.Match[str]) -> str:
        known = page(found[1])
        return f"“{words(known[1])}”" if known else found[0]

    return name
