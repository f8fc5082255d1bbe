"""Field values: from JSON with Salesforce's validation, and back to JSON as Salesforce writes it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.ids import normal
from sandbox.salesforce.schema import Field

_NUMBERS = ("currency", "double", "percent", "int")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_FALSE = {"boolean": False}


def accept(field: Field, value: Any) -> Any:
    """The stored form of a value sent for a field; raises ``ApiError`` as Salesforce would."""
    if value is None or value == "":
        return _FALSE.get(field.type)
    if field.type in _NUMBERS:
        return _number(field, value)
    match field.type:
        case "boolean":
            if not isinstance(value, bool):
                raise _wrong_type(field, value)
            return value
        case "date":
            return _day(field, value)
        case "datetime":
            return _instant(field, value)
        case "id" | "reference":
            return _reference(field, value)
    return _text(field, value)


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    if field.length and len(value) > field.length:
        raise ApiError(
            "STRING_TOO_LONG",
            f"{field.name}: data value too large: {value} (max length={field.length})",
            fields=(field.name,),
        )
    if field.restricted and value not in field.picklist:
        raise ApiError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.name}: bad value for restricted picklist field: {value}",
            fields=(field.name,),
        )
    if field.type == "email" and not _EMAIL.fullmatch(value):
        raise ApiError("INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {value}", fields=(field.name,))
    return value


def _number(field: Field, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _wrong_type(field, value)
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        raise _wrong_type(field, value) from None
    return found


def _day(field: Field, value: Any) -> date:
    try:
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError):
        raise _wrong_type(field, value) from None


def _instant(field: Field, value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _wrong_type(field, value) from None
    return found.astimezone(UTC)


def _reference(field: Field, value: Any) -> str:
    found = normal(value) if isinstance(value, str) else None
    if found is None:
        raise ApiError("MALFORMED_ID", f"{field.name}: id value of incorrect type: {value}", fields=(field.name,))
    return found


def _wrong_type(field: Field, value: Any) -> ApiError:
    return ApiError(
        "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.type} from value {value} for field {field.name}"
    )


def shown(field: Field, value: Any) -> Any:
    """A stored value as JSON shows it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}+0000"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if field.type == "int" else _plain(value)
    return value


def _plain(value: Decimal) -> Decimal:
    """With at least one decimal and no needless zeros, as Salesforce prints numbers."""
    written = format(value, "f")
    if "." in written:
        written = written.rstrip("0")
    return Decimal(f"{written}0" if written.endswith(".") else written if "." in written else f"{written}.0")


encode = msgspec.json.Encoder(decimal_format="number").encode
"""JSON bytes; decimals as numbers with all their digits."""
