"""One spelling for text that people write in several: width, case, accents, traditional characters; and pinyin."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3007]")
_NOT_LATIN = re.compile(r"[\u0370-\U0010ffff]")
# Letters that have no accent to take off.
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_UMLAUTS = re.compile(r"(?<=[aou])e(?=[^aeiou\W])")
_QUOTES = re.compile(r"['`´‘’‚′.·]")
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """The text in lower case, half width, simplified characters and without accents; punctuation stays.

    Umlauts written with e (Mueller) are the same as those with dots (Müller).
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        if HAN.search(text):
            text = _simplifier().convert(text)
    text = text.casefold()
    if not text.isascii():
        text = text.translate(_LETTERS)
        if not _NOT_LATIN.search(text):
            text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return _UMLAUTS.sub("", text)


def words(text: str) -> list[str]:
    """The words of a folded text; single letters that follow each other are one word (s. p. a., a-b-c)."""
    found = _WORD.findall(_QUOTES.sub(" ", text) if "." in text else _QUOTES.sub("", text))
    if all(len(word) > 1 for word in found):
        return found
    joined: list[str] = []
    letters = ""
    for word in found:
        if len(word) == 1 and word.isalpha() and word.isascii():
            letters += word
            continue
        if letters:
            joined.append(letters)
            letters = ""
        joined.append(word)
    if letters:
        joined.append(letters)
    return joined


def is_han(text: str) -> bool:
    """Whether there are Chinese characters in it."""
    return not text.isascii() and HAN.search(text) is not None


def pinyin(text: str) -> str:
    """Chinese characters as their most usual syllables without tones and blanks; everything else as it is.

    Characters with several readings make this weak evidence.
    """
    return "".join(map(_syllable, text))


@cache
def _syllable(sign: str) -> str:
    if not HAN.match(sign):
        return "" if sign.isspace() else sign
    from pypinyin import lazy_pinyin  # only where names of both scripts meet

    return str(lazy_pinyin(sign)[0]).replace("ü", "u")


@cache
def _simplifier() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")
