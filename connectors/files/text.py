"""Which encoding a text file is in: never a guess that may be wrong in silence.

A mark at the beginning decides. Without one, a file is UTF-8 if all of it is; else GB18030 if all of it is, and if what
it then says looks like Chinese: nearly every text in a Western or Cyrillic encoding breaks one rule or the other, but
a short one may break none. Everything else is refused until somebody names the encoding, and so are the few Chinese
characters of GB18030 that are valid UTF-8 by chance.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections import Counter
from functools import cache
from typing import IO, NamedTuple

from connectors.files.spool import Refused

_CHUNK = 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_COMMON_SHARE = 0.85
"""So much of a Chinese text are characters of GB 2312's first level (the 3755 most common ones) and its signs."""


class Encoding(NamedTuple):
    """An encoding, and why it is that one."""

    name: str
    why: str


class _Broken(Exception):
    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


def detect(file: IO[bytes], wanted: str) -> Encoding:
    """The encoding of the whole file, ``wanted`` unless that is ``auto``. Raises ``Refused`` with the byte's number."""
    file.seek(0)
    start = file.read(4)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if wanted != "auto":
        name = marked if marked is not None and marked.startswith(wanted) else wanted
        return _sure(file, name, "as configured")
    if marked is not None:
        return _sure(file, marked, "it begins with the mark of it")
    try:
        counts = _decoded(file, "utf-8")
    except _Broken as error:
        return _chinese(file, error.offset)
    if _may_be_chinese(file, counts):
        raise Refused(
            "can be read as UTF-8 and as GB18030, and only the latter makes sense of its few characters beyond ASCII; "
            "name its `encoding`"
        )
    return Encoding("utf-8", f"all of it is valid{_plain(counts)}")


def _sure(file: IO[bytes], name: str, why: str) -> Encoding:
    try:
        _decoded(file, name)
    except _Broken as error:
        raise Refused(f"is not in {_shown(name)} ({why}): byte {error.offset} does not fit") from None
    return Encoding(name, why)


def _plain(counts: Counter[str]) -> str:
    return "" if any(ord(sign) > 127 for sign in counts) else ", plain ASCII"


def _chinese(file: IO[bytes], broken: int) -> Encoding:
    advice = "name its `encoding`"
    try:
        counts = _decoded(file, "gb18030")
    except _Broken as error:
        raise Refused(
            f"is neither in UTF-8 (byte {broken} does not fit) nor in GB18030 (byte {error.offset}); {advice}"
        ) from None
    wide, common = _share(counts)
    if common < _COMMON_SHARE * wide:
        raise Refused(
            f"is not in UTF-8 (byte {broken} does not fit), and read as GB18030 only {common} of its {wide} characters "
            f"beyond ASCII are common Chinese ones; {advice} (gb18030, if it is that)"
        )
    return Encoding("gb18030", f"byte {broken} does not fit UTF-8, and all of it is valid, common Chinese")


def _may_be_chinese(file: IO[bytes], counts: Counter[str]) -> bool:
    """Whether valid UTF-8 is more likely GB18030: a few Chinese characters can look like two bytes of UTF-8 each.

    They then come out as letters that no European text has side by side.
    """
    wide = {sign for sign in counts if ord(sign) > 127}
    if not wide or any(ord(sign) > 0x7FF for sign in wide) or wide <= _european():
        return False
    try:
        found, common = _share(_decoded(file, "gb18030"))
    except _Broken:
        return False
    return common >= _COMMON_SHARE * found


def _share(counts: Counter[str]) -> tuple[int, int]:
    """How many characters are beyond ASCII, and how many of these are common Chinese ones."""
    wide = sum(count for sign, count in counts.items() if ord(sign) > 127)
    return wide, sum(count for sign, count in counts.items() if ord(sign) > 127 and sign in _common())


def _decoded(file: IO[bytes], name: str) -> Counter[str]:
    """Decode all of it and count its characters. Raises ``_Broken``; ``Refused`` for what is no text."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(name)("strict")
    counts: Counter[str] = Counter()
    offset = 0
    while True:
        chunk = file.read(_CHUNK)
        held = len(decoder.getstate()[0])
        try:
            counts.update(decoder.decode(chunk, not chunk))
        except UnicodeDecodeError as error:
            raise _Broken(offset - held + error.start + 1) from None
        except UnicodeError:
            raise _Broken(offset + 1) from None
        offset += len(chunk)
        if "\0" in counts:
            raise Refused("holds NUL bytes, so it is no text, or text in UTF-16 without a mark; name its `encoding`")
        if not chunk:
            return counts


@cache
def _common() -> frozenset[str]:
    """The signs of GB 2312 and the characters of its first level."""
    found = set()
    for row in (*range(0xA1, 0xAA), *range(0xB0, 0xD8)):
        for cell in range(0xA1, 0xFF):
            sign = bytes((row, cell)).decode("gb2312", "ignore")
            # Kana, Greek and Cyrillic are in it, too; a text full of them is not Chinese.
            if sign and not unicodedata.name(sign, "").startswith(("HIRAGANA", "KATAKANA", "GREEK", "CYRILLIC")):
                found.add(sign)
    return frozenset(found)


@cache
def _european() -> frozenset[str]:
    """The letters and signs of European languages, and those of Vietnamese and Hebrew that have two bytes."""
    spans = ((0xA0, 0x17F), (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x218, 0x21B), (0x300, 0x323), (0x386, 0x3CE))
    more = ((0x400, 0x45F), (0x490, 0x491), (0x5D0, 0x5EA))
    return frozenset(chr(code) for first, last in (*spans, *more) for code in range(first, last + 1))


def _shown(name: str) -> str:
    return {"utf-8-sig": "UTF-8", "gb18030": "GB18030"}.get(name, name.upper() if name.startswith("utf") else name)
