"""Which status each word of a source stands for, as the rows of a form, and the words that records hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.expressions import Mistyped
from mappings.suggest import last_words

if TYPE_CHECKING:
    from mappings.definition import Status

WORD, STATUS, WRITTEN = "word.", "status.", "written."
"""Before the number of a row: the source's word, the status it stands for, whether it is what is written back."""
PARTS = (WORD, STATUS, WRITTEN)
MOST = 300
"""Rows of a form."""
_BLANK = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One word. ``count``: so many of the records that were looked at hold it; ``None`` for a row to be filled."""

    word: str
    status: str
    is_written: bool
    count: int | None


def form_of(table: Mapping[Any, str | None], reverse: Mapping[str, str]) -> dict[str, str]:
    """The fields of the form that show a table; ``reverse`` says which of several words is written back."""
    listed = [(word, status) for word, status in table.items() if word is not None]
    stand_for = [status for _, status in listed]
    form: dict[str, str] = {}
    for place, (word, status) in enumerate(listed):
        form |= {f"{WORD}{place}": word, f"{STATUS}{place}": status or ""}
        if status and stand_for.count(status) > 1 and reverse.get(status) == word:
            form[f"{WRITTEN}{place}"] = "on"
    return form


def form_of_status(item: Status | None) -> dict[str, str]:
    """The same of a mapping's status."""
    return form_of(item.table, item.reverse) if item is not None else {}


def rows(form: Mapping[str, str], found: Mapping[str, int]) -> list[Row]:
    """The rows of a form: those it has with what is found in records, the most frequent first, and some to be
    filled."""
    known = {word: (status, is_written) for word, status, is_written in _given(form)}
    listed = sorted({**dict.fromkeys(found), **dict.fromkeys(known)}, key=lambda word: -found.get(word, 0))
    made = [Row(word, *known.get(word, ("", False)), found.get(word, 0)) for word in listed]
    return [*made[:MOST], *[Row("", "", False, None)] * _BLANK]


def said(
    sent: Mapping[str, str], *, writes: bool, before: Mapping[str, str] | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Word → status, and status → word that is written back where several stand for it. Raises ``Mistyped``.

    ``writes``: statuses of the system are written back, so that a person has to say which word; else it is the one that
    was written ``before``, or the first.
    """
    table: dict[str, str] = {}
    chosen: dict[str, list[str]] = {}
    for word, status, is_written in _given(sent):
        if word in table:
            raise Mistyped("twice", word)
        if status:
            table[word] = status
            chosen.setdefault(status, []).extend([word] if is_written else [])
    several: dict[str, list[str]] = {}
    for word, status in table.items():
        several.setdefault(status, []).append(word)
    write: dict[str, str] = {}
    for status, stand_for in several.items():
        if len(stand_for) == 1:
            continue
        if len(chosen[status]) != 1 and (writes or chosen[status]):
            raise Mistyped("written", *(chosen[status] or stand_for))
        kept = (before or {}).get(status)
        write[status] = (chosen[status] or ([kept] if kept in stand_for else stand_for))[0]
    return table, write


def told(sent: Mapping[str, str], before: Mapping[str, str]) -> list[tuple[str, str, list[str]]]:
    """Each status that several words stand for, with the one that a mapping writes and the others. Raises
    ``Mistyped``; to be told where nobody is asked, as nothing is written back."""
    table, write = said(sent, writes=False, before=before)
    return [
        (status, word, [other for other, meaning in table.items() if meaning == status and other != word])
        for status, word in write.items()
    ]


def _given(form: Mapping[str, str]) -> Iterable[tuple[str, str, bool]]:
    """Word, status and whether it is written back of each row that has a word."""
    numbers = [name.removeprefix(WORD) for name in form if name.startswith(WORD)]
    if len(numbers) > MOST + _BLANK:
        raise Mistyped("long")
    for number in numbers:
        word = form[f"{WORD}{number}"].strip()
        if word:
            yield word, form.get(f"{STATUS}{number}", ""), f"{WRITTEN}{number}" in form


def is_named_so(paths: Sequence[str]) -> bool:
    """Whether these source fields are called a status, so that their words are no one's name."""
    return bool(paths) and all("status" in last_words(path) for path in paths)
