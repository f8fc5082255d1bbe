"""Cut an answer into the raw bytes of its records without parsing them, and show an answer's shape without its values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from connectors.errors import ContractError


def decode(body: bytes) -> Any:
    """Parse JSON; every number with a fraction or exponent becomes ``Decimal``, never ``float``.

    Raises ``ContractError`` if it is not JSON.
    """
    try:
        return _decimal_decoder.decode(body)
    except msgspec.DecodeError as error:
        raise ContractError(
            "The answer is not valid JSON.", remedy="Check the base URL; a proxy or login page may have answered."
        ) from error


def shape(body: bytes, limit: int = 300) -> str:
    """An answer with every value replaced by its type, for error messages: no personal data, no secrets."""
    try:
        text = str(_shape(msgspec.json.decode(body), 0))
    except msgspec.DecodeError:
        text = f"<{len(body)} bytes, not JSON>"
    return text if len(text) <= limit else text[:limit] + "…"


def _shape(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        if depth >= 4:
            return "{…}"
        return {str(key)[:40]: _shape(item, depth + 1) for key, item in list(value.items())[:12]}
    if isinstance(value, list):
        return [_shape(value[0], depth + 1), f"… {len(value)} items"] if value else []
    return type(value).__name__ if value is not None else None


_decimal_decoder = msgspec.json.Decoder(float_hook=Decimal)
