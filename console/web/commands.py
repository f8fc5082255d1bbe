"""Sentences that name commands or settings: as code, or as links to where the workbench does the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

from console.pages_named import COMMAND, page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.i18n import Texts
    from console.web.desk import Visit
    from settings.model import Settings

_OF_SYSTEM = re.compile(r"ltc (?:sync|pull|sweep) --system (\S+)")


def coded(sentence: str) -> Markup:
    """The sentence with what stands between backticks as code."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:  # a backtick too many: none of them can be told from another
        return escape(sentence)
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


class OnPage:
    """The words of a locale for a page: what they have between backticks is shown as code.

    Values that are markup stay markup.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.locale = texts.locale
        self.words = texts.words

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key, its ``{names}`` filled in; raises ``KeyError`` for a key that no catalogue has."""
        text = self.words[key]
        # Told by the catalogue's own text: what people and systems say may have backticks that mean nothing.
        if "`" in text or any(isinstance(value, Markup) for value in values.values()):
            return coded(text).format(**values)
        return self._texts(key, **values)

    def counted(self, key: str, count: int, **values: Any) -> str:
        """The text of a key with a ``{count}``: of the key with ``_one`` for a single one, where there is that."""
        chosen = f"{key}_one" if count == 1 and f"{key}_one" in self.words else key
        return self(chosen, count=f"{count:,}", **values)

    def listed(self, items: Iterable[str]) -> str:
        """Several in a row."""
        return self._texts.listed(items)

    def pair(self, name: str, value: str) -> str:
        """What something is called, and what it is."""
        return self("joined.pair", name=name, value=value)

    def quoted(self, value: str) -> str:
        """A value that stands between straight quotes, as the language has it; any other as it is."""
        return self._texts.quoted(value)

    def name(self, group: str, key: str) -> str:
        """What a stage, status, … is called; the key itself if newer data brings one we do not know."""
        text = self._texts.name(group, key)
        return coded(text) if "`" in text and f"{group}.{key}" in self.words else text


def called(settings: Settings) -> str:
    """How ``ltc`` is called for the workbench's settings: with their file, unless it is ltc.yaml in the folder."""
    path = Path(settings.path).absolute()
    return "ltc" if path == Path.cwd() / "ltc.yaml" else f"ltc --config {shlex.quote(str(path))}"


def linked(visit: Visit, sentence: str) -> Markup:
    """The sentence with a link instead of each command that the workbench has a page for; others stay, as code."""
    parts = COMMAND.split(sentence)
    if visit.lang.startswith("zh"):  # quotes have no blanks around them
        parts = [_close(parts, place) for place in range(len(parts))]
    return Markup("").join(_link(visit, part) if place % 2 else coded(part) for place, part in enumerate(parts))


def _close(parts: list[str], place: int) -> str:
    """A part without the blanks that separate it from a command which is shown in quotes."""
    part = parts[place]
    if place % 2:
        return part
    if place and page(parts[place - 1]) is not None:
        part = part.removeprefix(" ")
    if place + 1 < len(parts) and page(parts[place + 1]) is not None:
        part = part.removesuffix(" ")
    return part


def _link(visit: Visit, command: str) -> Markup:
    known = page(command)
    if known is None:
        return Markup("<code>{}</code>").format(command)
    return Markup('“<a href="{}">{}</a>”').format(_own(visit, command) or known[0], visit.texts(known[1]))


def _own(visit: Visit, command: str) -> str:
    """The page of the one system that a command is about, where its buttons are; empty for others."""
    of = _OF_SYSTEM.fullmatch(command)
    return f"/systems/{quote(of[1], safe='')}" if of and visit.may_touch(of[1]) else ""
