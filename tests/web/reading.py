"""What a browser shows of a page, and what of it is English: for the tests of translations."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from console.i18n import texts

SPOKEN = ("title", "alt", "placeholder", "aria-label", "aria-description")
"""Attributes that are shown or read out."""
_SILENT = frozenset({"script", "style", "code", "pre", "kbd", "samp", "textarea"})
"""What they hold is as it was typed."""
_VOID = frozenset({"input", "br", "hr", "img", "meta", "link", "col", "source", "wbr", "area"})
_WORDS = re.compile(r"[A-Za-z][a-z'’]+(?: [A-Za-z'’]+){2,}|[A-Z][a-z]+ [a-z]{2,}[.!?]")
"""Three words of Latin letters in a row, or a sentence of two."""
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff](?:[,;](?!\S)|:(?!\S)| “)|” [\u4e00-\u9fff]")
_HAN, _JOINS = re.compile(r"[\u4e00-\u9fff]$"), re.compile(r"[,;:](?:\s|$)")
_ENGLISH, _CHINESE = (texts(locale).words for locale in ("en", "zh-CN"))
_LABELS = {
    text for key, text in _ENGLISH.items() if text != _CHINESE.get(key) and re.fullmatch("[A-Z][a-z]{2}.*", text)
}


class Shown(HTMLParser):
    """The texts of a page that are in its language: not those marked as English, nor what is typed as it is (code)."""

    def __init__(self, all_languages: bool = False) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._all = all_languages
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hidden = self._hidden() or tag in _SILENT or (not self._all and (given.get("lang") or "zh").startswith("en"))
        if not hidden:
            self.texts += [value for name in SPOKEN if (value := given.get(name))]
        if tag not in _VOID:
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._hidden() and data.strip():
            self.texts.append(" ".join(data.split()))

    def _hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]


class Forms(HTMLParser):
    """The forms of a page that are sent to an address: the address, and its fields as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._fields: dict[str, str] | None = None
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href", "").startswith(("/", "?")):
            self.links.append(given["href"])
        elif tag == "form":
            self._fields = {} if given.get("method") == "post" and "enctype" not in given else None
            if self._fields is not None:
                self.found.append((given.get("action", ""), self._fields))
        elif self._fields is not None and given.get("name"):
            if tag == "input" and given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            if tag in ("input", "textarea", "button"):
                self._fields.setdefault(given["name"], given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._fields = None


def english(page: str, data: tuple[str, ...] = ()) -> list[str]:
    """The texts of a Chinese page that hold English, without ``data``: what records and people say."""
    shown = Shown()
    shown.feed(page)
    found = []
    for text in shown.texts:
        rest = text
        for known in data:
            rest = rest.replace(known, "…")
        if text in _LABELS or _WORDS.search(re.sub(r"`[^`]*`", "`…`", rest)):
            found.append(text)
    return found


def with_backticks(page: str) -> list[str]:
    """The texts of a page that show a backtick: what is meant as code should be code."""
    shown = Shown(all_languages=True)
    shown.feed(page)
    return [text for text in shown.texts if "`" in text]


def half_width(page: str) -> list[str]:
    """The texts of a Chinese page with half-width punctuation after a Chinese character, or blanks around quotes."""
    shown = Shown()
    shown.feed(page)
    found = [text for text in shown.texts if _HALF_WIDTH.search(text)]
    joined = zip(shown.texts, shown.texts[1:], strict=False)
    return found + [f"{text}{after}" for text, after in joined if _HAN.search(text) and _JOINS.match(after)]


def forms(page: str) -> tuple[list[tuple[str, dict[str, str]]], list[str]]:
    """The forms that are sent, and the links to pages of ours."""
    found = Forms()
    found.feed(page)
    return found.found, found.links
