"""Turn a source value into the stored form of a canonical kind; anything that would be a guess is ``Unusable``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import lru_cache
from typing import Any

import msgspec

from mappings.errors import Unusable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_COMMA = re.compile(
    r"[+-]?(?P<whole>\d{1,3}(?:(?P<sign>[. \u00a0\u202f])\d{3}(?:(?P=sign)\d{3})*)?|\d+)(?P<part>,\d+)?", re.ASCII
)
"""A number with a decimal comma; a point or a blank may stand between thousands."""
_POINT = re.compile(
    r"[+-]?(?:\d{1,3}(?P<sign>[,' \u00a0\u202f\u2019])\d{3}(?:(?P=sign)\d{3})*|\d+)(?:\.\d+)?", re.ASCII
)
"""A number with a decimal point; a comma, an apostrophe or a blank may stand between thousands."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = r"(?:[T ]+(?P<clock>\d?\d:\d\d(?::\d\d(?:\.\d{1,6})?)?))?"
_WRITTEN_DAY = {
    "dmy": re.compile(rf"(?P<d>\d\d?)(?P<sign>[./-])(?P<m>\d\d?)(?P=sign)(?P<y>\d{{4}}){_CLOCK}", re.ASCII),
    "mdy": re.compile(rf"(?P<m>\d\d?)(?P<sign>[./-])(?P<d>\d\d?)(?P=sign)(?P<y>\d{{4}}){_CLOCK}", re.ASCII),
    "ymd": re.compile(
        rf"(?P<y>\d{{4}})(?:(?P<sign>[./-])|(?P<zh>年)|)(?P<m>(?(sign)\d\d?|(?(zh)\d\d?|\d\d)))"
        rf"(?(sign)(?P=sign)|(?(zh)月|))(?P<d>(?(sign)\d\d?|(?(zh)\d\d?|\d\d)))(?(zh)日?|){_CLOCK}",
        re.ASCII,
    ),
}
"""How days are written besides ISO 8601, by the order of their parts; a time may stand behind them."""
_FORMS = {"dmy": "DD.MM.YYYY", "mdy": "MM/DD/YYYY", "ymd": "YYYY/MM/DD"}
_LIMIT = 2**63
_SMALL = 10**14
_FLAGS = {"true": 1, "false": 0, "1": 1, "0": 0, True: 1, False: 0}
_MOST_DIGITS = 60
_MOST_CHARACTERS = 2 * _MOST_DIGITS + 3
EXACT = Context(prec=4 * _MOST_DIGITS, traps=[Inexact, InvalidOperation, Overflow])
"""Arithmetic that fails rather than rounds; Python's own context rounds beyond 28 digits."""
_shift = EXACT.scaleb
_POWERS = tuple(10**places for places in range(5))
_LEADING = frozenset("123456789")


class JsonNumber(str):
    """A number with a fraction or an exponent as the JSON writes it, until the kind of its field is known."""

    __slots__ = ()


decode: Callable[[bytes], Any] = msgspec.json.Decoder(float_hook=JsonNumber).decode
"""Parse JSON without ever making a ``float``."""


def text(value: Any) -> str | None:
    """Text as it is; numbers and booleans as JSON writes them; empty text is nothing."""
    kind = type(value)
    if kind is str:
        return value or None
    if value is None:
        return None
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is JsonNumber or kind is Decimal:
        return _plain(decimal(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise Unusable("is a list or an object where text is expected")


def decimal(value: Any) -> Decimal:
    """An exact number from a JSON number or decimal text."""
    kind = type(value)
    if kind is str or kind is JsonNumber:
        stripped = value.strip()
        if len(stripped) > _MOST_CHARACTERS or not _DECIMAL.fullmatch(stripped):
            if len(stripped) <= _MOST_CHARACTERS and _COMMA.fullmatch(stripped):
                raise Unusable("is not a decimal number; if it has a decimal comma, use the transform `decimal_comma`")
            if len(stripped) <= _MOST_CHARACTERS and _POINT.fullmatch(stripped):
                raise Unusable("has signs between thousands: use the transform `decimal_point`")
            raise Unusable("is not a decimal number")
        value = Decimal(stripped)
    elif kind is int:
        value = Decimal(value)
    elif kind is not Decimal:
        raise Unusable("is not a number")
    if not -_MOST_DIGITS < value.adjusted() < _MOST_DIGITS or not value.is_finite():
        raise Unusable("is not a number we can hold")
    return value  # type: ignore[no-any-return]


def decimal_comma(value: Any) -> Decimal:
    """An exact number from text with a decimal comma; a JSON number is taken as it is."""
    if type(value) is not str:
        return decimal(value)
    written = value.strip()
    found = _COMMA.fullmatch(written) if len(written) <= _MOST_CHARACTERS else None
    if found is None:
        if len(written) <= _MOST_CHARACTERS and _POINT.fullmatch(written):
            raise Unusable("has a decimal point, not a decimal comma: use the transform `decimal_point`")
        raise Unusable("is not a number with a decimal comma, such as 1.250,00")
    if found["sign"] == "." and not found["part"] and written.count(".") == 1:
        raise Unusable("has one point and no comma: it may mean thousands or decimals")
    return decimal("".join(sign for sign in written if sign in "+-,0123456789").replace(",", "."))


def decimal_point(value: Any) -> Decimal:
    """An exact number from text with a decimal point and signs between thousands; a JSON number is taken as it is."""
    if type(value) is not str:
        return decimal(value)
    written = value.strip()
    if len(written) > _MOST_CHARACTERS or not _POINT.fullmatch(written):
        if len(written) <= _MOST_CHARACTERS and _COMMA.fullmatch(written):
            raise Unusable("has a decimal comma, not a decimal point: use the transform `decimal_comma`")
        raise Unusable("is not a number with a decimal point, such as 1,250.00")
    return decimal("".join(sign for sign in written if sign in "+-.0123456789"))


def money(value: Any, exponent: int | None) -> int | None:
    """Minor units of an amount in major units; ``exponent`` is the currency's, ``None`` if it has none."""
    if value is None or value == "":
        return None
    if exponent is None:
        decimal(value)  # what is no number is no amount either
        raise Unusable("is an amount, but the record has no currency")
    kind = type(value)
    if kind is str or kind is JsonNumber:  # the usual case without a detour through Decimal
        whole, _, part = value.partition(".")
        digits = whole + part
        if len(part) <= exponent and whole and len(digits) < 18 and digits.isdecimal() and digits.isascii():
            minor: int = int(digits) * _POWERS[exponent - len(part)]
            return minor
    elif kind is int and -_SMALL < value < _SMALL:
        return int(value * _POWERS[exponent])
    scaled = _shift(decimal(value), exponent)
    if not -_LIMIT < scaled < _LIMIT:
        raise Unusable("is too large")
    minor = int(scaled)
    if minor != scaled:
        raise Unusable(f"has more than {exponent} decimals, which its currency does not have")
    return minor


def number(value: Any) -> str | None:
    """Plain decimal notation without needless zeros."""
    kind = type(value)
    if kind is int and -_LIMIT < value < _LIMIT:
        return str(value)
    if kind is str or kind is JsonNumber:
        if not value:
            return None
        whole, _, part = value.partition(".")
        digits = whole + part
        if len(digits) < _MOST_DIGITS and whole[:1] in _LEADING and digits.isdecimal() and digits.isascii():
            part = part.rstrip("0")
            return f"{whole}.{part}" if part else whole
    return None if value is None else _plain(decimal(value))


def _plain(value: Decimal) -> str:
    written = str(value)
    if "E" in written:
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


def written_day(value: str, order: str) -> str:
    """ISO 8601 of a day written with its parts in another ``order`` (``dmy``, ``mdy``, ``ymd``), with its time if it
    has one; ``YYYY-MM-DD`` stays what it is."""
    written = value.strip()
    if _DAY.fullmatch(written[:10]) and written[10:11] in ("", "T", " "):
        return written
    found = _WRITTEN_DAY[order].fullmatch(written)
    if found is None:
        raise Unusable(f"is not a day of the form {_FORMS[order]}")
    whole, clock = _day(f"{int(found['y']):04}-{int(found['m']):02}-{int(found['d']):02}"), found["clock"]
    if clock is None:
        return whole
    try:
        return datetime.fromisoformat(f"{whole}T{clock if clock[1].isdigit() else f'0{clock}'}").isoformat()
    except ValueError:
        raise Unusable("has a time that is none") from None


def day(value: Any) -> str | None:
    """A calendar day: ``YYYY-MM-DD``, or the date part of an instant as it is written."""
    if value is None or value == "":
        return None
    if type(value) is str:
        if len(value) > 10 and value[10] not in "T ":
            raise _other_form(value)
        return _day(value[:10])
    if isinstance(value, date):
        return value.isoformat()[:10]
    raise Unusable("is not a day; if it counts from the epoch, use a transform")


@lru_cache(maxsize=4096)
def _day(written: str) -> str:
    if not _DAY.fullmatch(written):
        raise _other_form(written)
    try:
        date.fromisoformat(written)
    except ValueError:
        raise Unusable("is not a day of the calendar") from None
    return written


def _other_form(written: str) -> Unusable:
    if any(form.match(written[:20]) for form in _WRITTEN_DAY.values()):
        return Unusable("is a day in another form; use the transform `day_first`, `month_first` or `year_first`")
    return Unusable("is not a day of the form YYYY-MM-DD")


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
    if type(value) is not list:
        return ref(prefix, value)
    if len(value) == 1:
        return ref(prefix, value[0])
    found = dict.fromkeys(ref(prefix, item) for item in value)
    return "\n".join(item for item in found if item is not None) or None
