"""Sentences that name commands, as links to where the workbench does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from console.pages_named import COMMAND, page

if TYPE_CHECKING:
    from console.web.desk import Visit


def linked(visit: Visit, sentence: str) -> Markup:
    """The sentence with a link instead of each command that the workbench has a page for; others stay."""
    parts = COMMAND.split(sentence)
    return Markup("").join(_link(visit, part) if place % 2 else part for place, part in enumerate(parts))


def _link(visit: Visit, command: str) -> Markup:
    known = page(command)
    if known is None:
        return Markup("<code>{}</code>").format(command)
    return Markup('“<a href="{}">{}</a>”').format(known[0], visit.texts(known[1]))
