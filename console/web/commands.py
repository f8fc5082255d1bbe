"""Sentences that name commands, as links to where the workbench does the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from console.web.desk import Visit

_COMMAND = re.compile(r"`(ltc [^`]+)`")
_PAGES = (
    ("ltc links list", "/links", "web.page.links"),
    ("ltc cash", "/cash", "web.page.cash"),
    ("ltc quarantine", "/quarantine", "web.page.quarantine"),
    ("ltc dead-letters", "/dead-letters", "web.page.dead_letters"),
    ("ltc period", "/periods", "web.page.periods"),
    ("ltc status", "/systems", "web.page.systems"),
    ("ltc sync", "/systems", "web.systems.start.sync"),
    ("ltc pull", "/systems", "operating.backfill.title"),
    ("ltc sweep", "/systems", "web.systems.start.sweep"),
)
"""How a command begins, the page, and what it is called there."""


def linked(visit: Visit, sentence: str) -> Markup:
    """The sentence with a link instead of each command that the workbench has a page for; others stay."""
    parts = _COMMAND.split(sentence)
    return Markup("").join(_link(visit, part) if place % 2 else part for place, part in enumerate(parts))


def _link(visit: Visit, command: str) -> Markup:
    for begins, address, name in _PAGES:
        if command == begins or command.startswith(f"{begins} "):
            return Markup('“<a href="{}">{}</a>”').format(address, visit.texts(name))
    return Markup("<code>{}</code>").format(command)
