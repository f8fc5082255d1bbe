"""Whether a value that a source shows is what we wrote, rewritten: spaces, case, rounding."""

from __future__ import annotations

import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from sync.values import same

__all__ = ["rewritten", "same"]


def rewritten(sent: Any, shown: Any) -> bool:
    """Whether ``shown`` means the same as ``sent``: equal but for white space, case, width of characters or rounding.

    A number that shows fewer decimals than it was sent is the same if it is less than one unit of its last place away.
    """
    if same(sent, shown):
        return True
    if sent in (None, "") or shown in (None, ""):
        return _plain(sent) == _plain(shown) == ""
    left, right = _number(sent), _number(shown)
    if left is not None and right is not None:
        return _rounded(left, right)
    return bool(_plain(sent) and _plain(sent) == _plain(shown))


def _plain(value: Any) -> str:
    return " ".join(unicodedata.normalize("NFKC", "" if value is None else str(value)).casefold().split())


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _rounded(sent: Decimal, shown: Decimal) -> bool:
    if sent == shown:
        return True
    places = [int(number.as_tuple().exponent) for number in (sent, shown)]
    return places[1] > places[0] and abs(sent - shown) < Decimal(1).scaleb(min(places[1], 0))
