"""The named transforms a mapping may use in ``do``: pure functions of one value; nothing stays nothing.

Add one by writing a function here with ``@transform``; its name is the name in YAML, its docstring the line in
``docs/mappings.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mappings.convert import EXACT, decimal, integer, iso, written_day
from mappings.convert import decimal_comma as with_comma
from mappings.convert import decimal_point as with_point
from mappings.convert import text as as_text
from mappings.currencies import EXPONENTS
from mappings.currency_names import code_of
from mappings.errors import Unusable

Transform = Callable[[Any], Any]

TRANSFORMS: dict[str, Transform] = {}
IN_ZONE = "local_instant"
"""The transform that depends on the system whose records are read: on its time zone."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_XERO = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/", re.ASCII)
_CHINESE_MOBILE = re.compile(r"(?:86)?(1[3-9]\d{9})", re.ASCII)
_CLOCK = ("hour", "minute", "second", "microsecond")
_ROUNDING = Context(prec=EXACT.prec, rounding=ROUND_HALF_UP)
_STRIPE_PLACES = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe's smallest unit is not that of ISO 4217 (docs.stripe.com/currencies, zero-decimal and special cases)."""
_EXTENSION = re.compile(r"(?:ext\.?|x|#|转).*$", re.IGNORECASE)


def transform(function: Transform) -> Transform:
    """Register a transform under its function's name; it is not called for nothing, and once per item of a list."""

    apply = _of_each(function)
    apply.__doc__ = function.__doc__
    TRANSFORMS[function.__name__.rstrip("_")] = apply
    return apply


def _of_each(function: Transform) -> Transform:
    def apply(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is list:
            return [apply(item) for item in value]
        return function(value)

    return apply


def transform_in(name: str, zone: str) -> Transform:
    """The transform of this name for a system whose times without a zone are those of ``zone``, an IANA name."""
    if name != IN_ZONE:
        return TRANSFORMS[name]
    there = ZoneInfo(zone)
    return _of_each(lambda value: _instant_in(value, there))


def _text(value: Any) -> str:
    return value if type(value) is str else as_text(value) or ""


@transform
def strip(value: Any) -> str:
    """Without white space at both ends."""
    return _text(value).strip()


@transform
def lower(value: Any) -> str:
    """In lower case."""
    return _text(value).lower()


@transform
def upper(value: Any) -> str:
    """In upper case."""
    return _text(value).upper()


@transform
def collapse_spaces(value: Any) -> str:
    """Every run of white space as one space, none at the ends."""
    return " ".join(_text(value).split())


@transform
def digits(value: Any) -> str:
    """Only its digits."""
    return "".join(sign for sign in _text(value) if sign.isascii() and sign.isdigit())


@transform
def to_text(value: Any) -> str | None:
    """A number or boolean as text."""
    return as_text(value)


@transform
def domain(value: Any) -> str | None:
    """The host of an e-mail address or web address, lower case, without `www.`."""
    written = _text(value).strip().lower()
    if "@" in written and "/" not in written:
        host = written.rpartition("@")[2]
    else:
        try:
            host = urlsplit(written if "//" in written else f"//{written}").hostname or ""
        except ValueError:
            raise Unusable("is not a web address") from None
    return host.removeprefix("www.").rstrip(".") or None


@transform
def phone(value: Any) -> str | None:
    """A telephone number: `+` and digits if its country is known (`+…`, `00…`, Chinese mobiles), else its digits."""
    written = _EXTENSION.sub("", _text(value).strip())
    international = written.startswith(("+", "00", "＋"))
    number = "".join(str(int(sign)) for sign in written if sign.isdecimal())
    if international:
        return f"+{number.removeprefix('00')}" if number else None
    mobile = _CHINESE_MOBILE.fullmatch(number)
    return f"+86{mobile[1]}" if mobile else number or None


@transform
def currency_name(value: Any) -> str | None:
    """A currency's name or sign (`人民币`, `US-Dollar`, `€`) as its code; `¥` or `$`, of several, is refused."""
    return code_of(written) if (written := _text(value).strip()) else None


@transform
def percent(value: Any) -> Decimal | None:
    """13 as the fraction 0.13."""
    return None if value == "" else EXACT.scaleb(decimal(value), -2)


@transform
def decimal_comma(value: Any) -> Decimal | None:
    """`1.250,00` or `1 250,00` as 1250.00; of one point without a comma (`1.250`) nobody can tell what it means."""
    return None if value == "" else with_comma(value)


@transform
def decimal_point(value: Any) -> Decimal | None:
    """`1,250.00`, `1'250.00` or `1 250` as 1250.00: what stands between thousands goes."""
    return None if value == "" else with_point(value)


@transform
def false_is_nothing(value: Any) -> Any:
    """Any value but `false`, which some systems (Odoo) write for an empty field of whatever type."""
    return None if value is False else value


@transform
def negate(value: Any) -> Decimal | None:
    """The number with the other sign."""
    return None if value == "" else decimal(value).copy_negate()


@transform
def abs_(value: Any) -> Decimal | None:
    """The number without its sign."""
    return None if value == "" else decimal(value).copy_abs()


@transform
def round2(value: Any) -> Decimal | None:
    """The number rounded to two decimals, halves away from zero."""
    return None if value == "" else decimal(value).quantize(Decimal("0.01"), context=_ROUNDING)


@transform
def iso_instant(value: Any) -> datetime | None:
    """An ISO 8601 instant with its zone."""
    return None if value == "" else iso(_text(value))


@transform
def naive_utc_instant(value: Any) -> datetime | None:
    """An ISO 8601 date and time without a zone that is meant as UTC."""
    return _instant_in(value, UTC)


@transform
def local_instant(value: Any) -> datetime | None:
    """An ISO 8601 date and time; without a zone in that of the system (`timezone` in ltc.yaml), else the company's."""
    return _instant_in(value, UTC)


def _instant_in(value: Any, zone: tzinfo) -> datetime | None:
    if value == "":
        return None
    found = value if isinstance(value, datetime) else iso(_text(value))
    return found.replace(tzinfo=zone) if found.tzinfo is None else found


@transform
def day_first(value: Any) -> str | None:
    """`03.11.2026`, `3/11/2026` or `3-11-2026` as 2026-11-03; a time behind it stays, for `local_instant`."""
    return None if value == "" else written_day(_text(value), "dmy")


@transform
def month_first(value: Any) -> str | None:
    """`11/03/2026` as 2026-11-03; a time behind it stays, for `local_instant`."""
    return None if value == "" else written_day(_text(value), "mdy")


@transform
def year_first(value: Any) -> str | None:
    """`2026/11/3`, `20261103` or `2026年11月3日` as 2026-11-03; a time behind it stays, for `local_instant`."""
    return None if value == "" else written_day(_text(value), "ymd")


@transform
def epoch_ms(value: Any) -> datetime | None:
    """Milliseconds since 1970 (UTC)."""
    return None if value == "" else _since_epoch(*divmod(int(decimal(value) * 1000), 1_000_000))


@transform
def epoch_s(value: Any) -> datetime | None:
    """Seconds since 1970 (UTC)."""
    return None if value == "" else _since_epoch(*divmod(int(decimal(value) * 1_000_000), 1_000_000))


def _since_epoch(seconds: int, microseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(0, seconds, microseconds)
    except OverflowError:
        raise Unusable("is not an instant between the years 1 and 9999") from None


@transform
def xero_date(value: Any) -> datetime | str | None:
    """`/Date(1439434356790+0000)/` as an instant, in a day's field as its day (UTC); a plain ISO date stays one."""
    written = _text(value)
    if not written:
        return None
    found = _XERO.fullmatch(written)
    if found:
        seconds, millis = divmod(int(found[1]), 1000)
        return _since_epoch(seconds, millis * 1000)
    if len(written) > 10:
        return naive_utc_instant(written)  # type: ignore[no-any-return]
    return written


@transform
def stripe_amount(value: Any) -> Decimal | None:
    """Stripe's `usd 1234` as 12.34; of several amounts the first that is not 0; nothing if the currencies differ."""
    words = _text(value).upper().split()
    codes = {word for word in words if word.isalpha()}
    amounts = [decimal(word) for word in words if not word.isalpha()]
    if len(codes) > 1 or not codes or not amounts:
        return None
    code = codes.pop()
    chosen = next((amount for amount in amounts if amount), amounts[0])
    return EXACT.scaleb(chosen, -_STRIPE_PLACES.get(code, EXPONENTS.get(code, 2)))


@transform
def odoo_term_days(value: Any) -> int | None:
    """Odoo's payment terms as days, if they are one line that counts from the invoice's date; else nothing."""
    lines = value.get("line_ids") if type(value) is dict else None
    if type(lines) is not list or len(lines) != 1 or type(lines[0]) is not dict:
        return None
    return integer(lines[0].get("nb_days")) if lines[0].get("delay_type") == "days_after" else None


@transform
def tagged(value: Any) -> Any:
    """Tryton's `{"__class__": "Decimal" | "date" | "datetime", …}` as that value; date and time are UTC."""
    if type(value) is not dict:
        return value
    try:
        match value.get("__class__"):
            case "Decimal":
                return decimal(value["decimal"])
            case "date":
                return date(value["year"], value["month"], value["day"])
            case "datetime":
                hour, minute, second, micro = (value.get(part, 0) for part in _CLOCK)
                return datetime(value["year"], value["month"], value["day"], hour, minute, second, micro, UTC)
    except (KeyError, TypeError, ValueError):
        raise Unusable("is not a date, a time or a decimal as Tryton writes them") from None
    raise Unusable("is an object of a kind that is not known")
