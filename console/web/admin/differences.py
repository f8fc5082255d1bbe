"""Two texts of a file line by line: what is shown to people, and what is kept so that it can be taken back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

from console.web.admin import putting_back
from settings.literals import HIDDEN, masked
from state.settings_changes import Hunk

_AROUND = 3
_TOLD, _LONGEST = 2, 80
"""Lines of a change in a list, and signs of each."""
_MANY = 2000
"""Lines from which on those that repeat are passed over, which would take time that grows with the square."""


class Line(NamedTuple):
    """A line of a difference: ``kind`` is ``same``, ``out``, ``new``, or ``gap`` where lines are left out."""

    kind: str
    number: int
    """In the changed file; of a line that was taken out, where it was."""
    text: str


class NotUndoable(Exception):
    """A change cannot be taken back; ``key`` says why: ``secret``, ``overlaid``."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def hunks(before: str, after: str, secrets: Collection[str]) -> list[Hunk]:
    """Where two texts differ, without secrets."""
    old, new = _lines(before, secrets), _lines(after, secrets)
    plain_old, plain_new = _split(before), _split(after)
    found = []
    many = max(len(plain_old), len(plain_new)) > _MANY
    matcher = SequenceMatcher(None, plain_old, plain_new, autojunk=many)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            if c == d:
                a, b, c = _moved(plain_old, a, b, c)
                d = c
            above = max(0, c - _AROUND)
            found.append(Hunk(above + 1, new[above:c], old[a:b], new[c:d], new[d : d + _AROUND]))
    return found


def _moved(old: list[str], start: int, end: int, place: int) -> tuple[int, int, int]:
    """Lines that were taken out, as an entry: begun by its shallowest line.

    Where the lines around are the same (``push: plan`` at the end of each system), the comparison may begin with those
    of the entry above and leave as many of its own.
    """
    best = start, end, place
    for step in range(1, end - start):
        if end + step > len(old) or old[start + step - 1] != old[end + step - 1]:
            break
        if _depth(old[start + step]) < _depth(old[best[0]]):
            best = start + step, end + step, place + step
    return best


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def shown(found: list[Hunk]) -> Iterator[Line]:
    """The lines of these places, one after the other."""
    until = 0
    for place, hunk in enumerate(found):
        start = hunk.line + len(hunk.above)
        first = max(hunk.line, until)
        if place and first > until:
            yield Line("gap", first, "")
        skipped = first - hunk.line
        yield from (Line("same", first + n, text) for n, text in enumerate(hunk.above[skipped:]))
        yield from (Line("out", start, text) for text in hunk.out)
        yield from (Line("new", start + n, text) for n, text in enumerate(hunk.new))
        end = start + len(hunk.new)
        following = found[place + 1] if place + 1 < len(found) else None
        most = following.line + len(following.above) - end if following else _AROUND
        yield from (Line("same", end + n, text) for n, text in enumerate(hunk.below[:most]))
        until = end + min(len(hunk.below), most)


def told(found: list[Hunk]) -> list[str]:
    """The first lines that a change took out and put in, each as it stands, with a sign: what tells it from others."""
    lines = [
        f"{sign} {line.strip()}" for hunk in found for sign, part in (("−", hunk.out), ("+", hunk.new)) for line in part
    ]
    shown = [line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…" for line in lines if line[2:].strip()]
    return [*shown[:_TOLD], "…"] if len(shown) > _TOLD else shown


def undone(text: str, found: list[Hunk], secrets: Collection[str]) -> str:
    """The text with a change taken back, whatever else was changed since. Raises ``NotUndoable``."""
    if any(HIDDEN in line for hunk in found for line in (*hunk.out, *hunk.new)):
        raise NotUndoable("secret")
    end = "\r\n" if "\r\n" in text else "\n"
    whole, plain = re.findall(r"[^\n]*\n|[^\n]+", text), _lines(text, secrets)
    for hunk in reversed(found):
        at, out = _way_back(plain, hunk)
        until = at + len(hunk.new)
        if at == len(whole) and whole and not whole[-1].endswith("\n"):
            whole[-1] += end
        whole[at:until] = [f"{line}{end}" for line in out]
        plain[at:until] = out
    return "".join(whole)


def _way_back(lines: list[str], hunk: Hunk) -> tuple[int, list[str]]:
    """Where a change is taken back, and what stands there then. Raises ``NotUndoable``."""
    at = _between(lines, hunk)
    if at is not None:
        return at, hunk.out
    if not hunk.new and putting_back.systems_of(hunk.out):
        try:
            found = putting_back.put_back(lines, hunk.out, hunk.below, hunk.line - 1 + len(hunk.above))
        except putting_back.Taken:
            found = None
        if found is None:
            raise NotUndoable("overlaid")
        return found
    at = _place(lines, hunk)
    if at is None:
        raise NotUndoable("overlaid")
    return at, hunk.out


def _between(lines: list[str], hunk: Hunk) -> int | None:
    """Where the changed lines stand, if what stood around them is as it was: at the old place, or at one alone."""
    if _at(lines, hunk, hunk.line - 1, hunk.above, hunk.below):
        return hunk.line - 1 + len(hunk.above)
    places = [n for n in range(len(lines) + 1) if _at(lines, hunk, n, hunk.above, hunk.below)]
    at = places[0] + len(hunk.above) if len(places) == 1 and (hunk.above or hunk.below) else None
    return None if at is None or _is_back(lines, hunk, at) else at


def _place(lines: list[str], hunk: Hunk) -> int | None:
    """Where the changed lines stand now, by what stands on one side of them, if only one place looks so: the other
    side may have been changed since. Not within an entry that would be cut in two.
    """
    for above, below in ((hunk.above, []), ([], hunk.below)):
        places = [n for n in range(len(lines) + 1) if _at(lines, hunk, n, above, below)]
        at = places[0] + len(above) if len(places) == 1 and (above or below) else None
        if at is not None and not _is_back(lines, hunk, at) and not _cuts(lines, hunk, at):
            return at
    return None


def _cuts(lines: list[str], hunk: Hunk, place: int) -> bool:
    """Whether lines that stand deeper than those put back would come to stand under these."""
    if hunk.new or not hunk.out:
        return False
    following = next((line for line in lines[place:] if line.strip()), "")
    last = next((line for line in hunk.out if line.strip()), "")
    return _depth(following) > _depth(last)


def _is_back(lines: list[str], hunk: Hunk, place: int) -> bool:
    """Whether what was taken out stands there again."""
    count = len(hunk.out)
    return bool(count) and hunk.out in (lines[place : place + count], lines[max(place - count, 0) : place])


def _at(lines: list[str], hunk: Hunk, place: int, above: list[str], below: list[str]) -> bool:
    """Whether the changed lines stand at a place, between these."""
    wanted = [*above, *hunk.new, *below]
    return lines[place : place + len(wanted)] == wanted


def overlaying(found: list[Hunk], later: list[Hunk]) -> bool:
    """Whether a later change took out lines that a change had put there, or put lines in the place of its own."""
    own = {line for hunk in found for line in (*hunk.new, *hunk.out) if line.strip()}
    return any(line in own for hunk in later for line in (*hunk.out, *hunk.new))


def _lines(text: str, secrets: Collection[str]) -> list[str]:
    return [masked(line, secrets) for line in _split(text)]


def _split(text: str) -> list[str]:
    """The lines as YAML and editors count them, without their ends."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
