"""Parse answers without losing a digit, and show an answer's shape without its values.

To keep records as the bytes that were sent, decode into a ``msgspec.Struct`` whose records are ``msgspec.Raw``.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from connectors.errors import ContractError

T = TypeVar("T")

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation)
"""Everything raised for bytes that are not the JSON that was asked for: nested without end, exponents without end."""
_NAME = re.compile(r"[A-Za-z_$][\w.$ -]{0,39}")


_ESCAPE = re.compile(rb"\\(?:(u[dD][89abAB]..\\u[dD][c-fC-F]..)|(u[dD][89a-fA-F]..)|.)")
"""An escape in a JSON text: a pair of surrogates, a lone surrogate, or any other."""


def readable(body: bytes) -> bytes:
    """The answer as every JSON reader takes it: the same bytes, but half a character (``\\ud83d`` alone) as U+FFFD.

    Systems that cut texts at a length leave such halves behind; nothing else of the record is lost by it.
    Raises ``ContractError`` if the answer is not UTF-8.
    """
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise ContractError(
            "The answer is not in UTF-8, as JSON must be.",
            remedy="Check the base URL; a proxy may have changed the answer. Otherwise report it.",
            sample=shape(body),
        ) from error
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[2] else found[0], body)


def decode(body: bytes) -> Any:
    """Parse JSON; every number with a fraction or exponent becomes ``Decimal``, never ``float``.

    Raises ``ContractError`` if it is not JSON.
    """
    try:
        return _decimal_decoder.decode(body)
    except _UNREADABLE as error:
        raise _not_json(body) from error


def parse(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Parse JSON that must have the shape of ``decoder``.

    Raises ``ContractError`` with the answer's shape if it has not, or is not JSON.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ContractError(
            "The answer is not what the source documents.", remedy="Report it with the sample.", sample=shape(body)
        ) from error
    except _UNREADABLE as error:
        raise _not_json(body) from error


def _not_json(body: bytes) -> ContractError:
    return ContractError(
        "The answer is not valid JSON.",
        remedy="Check the base URL; a proxy or login page may have answered.",
        sample=shape(body),
    )


def shape(body: bytes, limit: int = 300) -> str:
    """An answer with every value replaced by its type, for error messages: no personal data, no secrets.

    Keys that do not look like names of fields are replaced as well.
    """
    try:
        text = str(_shape(msgspec.json.decode(body), 0))
    except _UNREADABLE:
        text = f"<{len(body)} bytes, not JSON>"
    return text if len(text) <= limit else text[:limit] + "…"


def _shape(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        if depth >= 4:
            return "{…}"
        return {
            key if _NAME.fullmatch(key) else "<key>": _shape(item, depth + 1) for key, item in list(value.items())[:12]
        }
    if isinstance(value, list):
        return [_shape(value[0], depth + 1), f"… {len(value)} items"] if value else []
    return type(value).__name__ if value is not None else None


_decimal_decoder = msgspec.json.Decoder(float_hook=Decimal)
