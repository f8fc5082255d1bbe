"""Turn a source value into the stored form of a canonical kind; anything that would be a guess is ``Unusable``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from mappings.errors import Unusable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LIMIT = 2**63
_FLAGS = {"true": 1, "false": 0, "1": 1, "0": 0, True: 1, False: 0}
_MOST_DIGITS = 60
EXACT = Context(prec=4 * _MOST_DIGITS)
"""Arithmetic that never rounds a number we accept; Python's own context does beyond 28 digits."""


def text(value: Any) -> str | None:
    """Text as it is; numbers and booleans as JSON writes them; empty text is nothing."""
    if type(value) is str:
        return value or None
    if value is None:
        return None
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise Unusable("is a list or an object where text is expected")


def decimal(value: Any) -> Decimal:
    """An exact number from a JSON number or decimal text."""
    if type(value) is str:
        stripped = value.strip()
        if len(stripped) > 2 * _MOST_DIGITS + 3 or not _DECIMAL.fullmatch(stripped):
            raise Unusable("is not a decimal number")
        value = Decimal(stripped)
    elif type(value) is int:
        return Decimal(value)
    if isinstance(value, Decimal):
        if not value.is_finite() or len(value.as_tuple().digits) > _MOST_DIGITS or abs(value.adjusted()) > _MOST_DIGITS:
            raise Unusable("is not a number we can hold")
        return value
    raise Unusable("is not a number")


def money(value: Any, exponent: int | None) -> int | None:
    """Minor units of an amount in major units; ``exponent`` is the currency's, ``None`` if it has none."""
    if value is None or value == "":
        return None
    if exponent is None:
        raise Unusable("is an amount, but the record has no currency")
    if type(value) is str:
        whole, _, part = value.partition(".")
        if whole.isdecimal() and whole.isascii() and len(part) == exponent and len(whole) < 16:  # noqa: SIM102
            if not part or (part.isdecimal() and part.isascii()):
                return int(whole + part)
    scaled = EXACT.scaleb(decimal(value), exponent)
    whole_units = int(scaled)
    if whole_units != scaled:
        raise Unusable(f"has more than {exponent} decimals, which its currency does not have")
    if not -_LIMIT < whole_units < _LIMIT:
        raise Unusable("is too large")
    return whole_units


def number(value: Any) -> str | None:
    """Plain decimal notation without needless zeros."""
    if value is None or value == "":
        return None
    return _plain(decimal(value))


def _plain(value: Decimal) -> str:
    written = format(value, "f")
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written in ("-0", "") else written


def integer(value: Any) -> int | None:
    """A whole number."""
    if value is None or value == "":
        return None
    if type(value) is int:
        found = value
    else:
        exact = decimal(value)
        found = int(exact)
        if found != exact:
            raise Unusable("is not a whole number")
    if not -_LIMIT < found < _LIMIT:
        raise Unusable("is too large")
    return found


def flag(value: Any) -> int | None:
    """1 or 0."""
    if value is None or value == "":
        return None
    try:
        return _FLAGS[value.lower() if type(value) is str else value]
    except (KeyError, TypeError):
        raise Unusable("is neither true nor false") from None


def day(value: Any) -> str | None:
    """A calendar day: ``YYYY-MM-DD``, or the date part of an instant as it is written."""
    if value is None or value == "":
        return None
    if type(value) is str:
        written = value[:10]
        if not _DAY.fullmatch(written) or value[10:11] not in ("", "T", " "):
            raise Unusable("is not a day of the form YYYY-MM-DD")
        try:
            date.fromisoformat(written)
        except ValueError:
            raise Unusable("is not a day of the calendar") from None
        return written
    if isinstance(value, date):
        return value.isoformat()[:10]
    raise Unusable("is not a day; if it counts from the epoch, use a transform")


def instant(value: Any) -> int | None:
    """Microseconds since the epoch of an ISO 8601 instant with a zone, or of an aware ``datetime``."""
    if value is None or value == "":
        return None
    if type(value) is str:
        value = iso(value)
    if not isinstance(value, datetime):
        raise Unusable("is not an instant; if it counts from the epoch, use a transform")
    if value.tzinfo is None:
        raise Unusable("is an instant without a time zone")
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def iso(value: str) -> datetime:
    """Parse ISO 8601 date and time; with its zone if it has one."""
    try:
        if len(value) > 10:
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise Unusable("is not an instant of the form YYYY-MM-DDThh:mm:ssZ")


def ref(prefix: str, value: Any) -> str | None:
    """A reference: ``prefix`` is ``id:``, ``no:`` or ``ext:``."""
    if type(value) is str:
        return prefix + value if value else None
    if value is None:
        return None
    if type(value) is list:
        if len(value) > 1:
            raise Unusable("names several records where one is expected")
        return ref(prefix, value[0]) if value else None
    found = text(value)
    return None if found is None else prefix + found


def refs(prefix: str, value: Any) -> str | None:
    """Several references, one a line, each once, in their order."""
    if value is None or value == "":
        return None
    items = value if type(value) is list else [value]
    found = dict.fromkeys(ref(prefix, item) for item in items)
    return "\n".join(item for item in found if item is not None) or None
