"""Comments of a proposed mapping (``mappings.suggested``) that are out of date once a person has decided the thing."""

from __future__ import annotations

import re

from console.i18n import LOCALES, texts
from mappings.statuses import STATUSES
from mappings.suggested import quoted

_LINE = "lines."
_STATUS = (
    r"(?:    # (?:{remarks})\n)*"
    r"    # status:\n    #   path: [^\n]*\n    #   values:\n(?:    #     [^\n]+: [^\n]+\n)*"
)
"""The status as it is proposed while words of it are open, with what is said above it."""


def without_status(text: str, stream: str, entity: str) -> str:
    """The text without the proposed status of a stream; as it is if people have written anything else there."""
    said = [texts(locale)("suggest.remark.unclear") for locale in LOCALES]
    if entity in STATUSES:
        known = ", ".join(STATUSES[entity])
        said += [texts(locale)("suggest.remark.statuses", entity=entity, known=known) for locale in LOCALES]
    pattern = _STATUS.replace("{remarks}", "|".join(map(re.escape, said)))
    return _within(text, stream, re.compile(pattern))


def without_field(text: str, stream: str, field: str, path: str) -> str:
    """The text without what is proposed unsurely for a canonical field of a stream (``lines.NAME``: of its lines), or
    from this source field; ``path`` may be empty."""
    name, indent = field.removeprefix(_LINE), 8 if field.startswith(_LINE) else 6
    written = re.escape(quoted(path)) if path else "$^"
    either = rf"(?:{re.escape(name)}: [^\n]*|\w+: (?:{written}|\{{path: {written}[,}}][^\n]*))"
    return _within(text, stream, re.compile(rf"(?m:^) {{{indent}}}# {either}  # \d+ %\n"))


def _within(text: str, stream: str, pattern: re.Pattern[str]) -> str:
    """The text without what matches in the part of a stream, as a proposal is laid out."""
    begin = re.search(rf"^  (?:{re.escape(stream)}|{re.escape(quoted(stream))}):[ \t]*$", text, re.MULTILINE)
    if begin is None:
        return text
    end = re.compile(r"^ {0,2}[^\s#]", re.MULTILINE).search(text, begin.end())
    last = end.start() if end else len(text)
    return text[: begin.end()] + pattern.sub("", text[begin.end() : last]) + text[last:]
