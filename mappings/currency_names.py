"""What currencies are called in Chinese, English and German, as ``mappings/names/currencies.yaml`` lists it."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from mappings.currencies import EXPONENTS
from mappings.errors import Unusable

_FILE = Path(__file__).parent / "names" / "currencies.yaml"
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Everything is text."""
_SILENT = re.compile(r"[\s.\-‐–—]+")
_BRACKETS = re.compile(r"[()\[\]【】]")
_LONGEST = 80
"""Characters of the longest text that is looked up."""


def code_of(written: str) -> str:
    """The ISO 4217 code that a word, a sign or a code in whatever case means, also with both (``人民币(CNY)``).

    Raises ``Unusable`` for a word that is not known, and for one that may mean several currencies.
    """
    codes = _meant(written) if len(written) <= _LONGEST else ()
    if not codes:
        raise Unusable("is not the name of a currency that is known")
    if len(codes) > 1:
        raise Unusable(f"may mean {', '.join(codes)}: a table (`values`) must say which")
    return codes[0]


@lru_cache(maxsize=1024)
def _meant(written: str) -> tuple[str, ...]:
    known, plain = _known(), _plain(written)
    if plain in known:
        return known[plain]
    parts = [set(known.get(part, ())) for part in _BRACKETS.split(plain) if part]
    common = set.intersection(*parts) if len(parts) > 1 else set()
    return tuple(sorted(common))


def _plain(text: str) -> str:
    """A name as it is compared: without case, blanks, points and hyphens."""
    return _SILENT.sub("", unicodedata.normalize("NFKC", text).casefold())


@cache
def _known() -> dict[str, tuple[str, ...]]:
    """Plain name → the codes that it may mean."""
    tree = yaml.load(_FILE.read_bytes(), Loader=_LOADER)  # noqa: S506 - only texts
    found = {_plain(code): (code,) for code in EXPONENTS}
    for part in ("names", "also"):
        found |= {_plain(name): (code,) for code, names in tree[part].items() for name in names}
    return found | {_plain(name): tuple(codes) for name, codes in tree["several"].items()}
