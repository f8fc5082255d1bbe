"""Values of changes as JSON text and back, decimals exact; the same value is the same text."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any


def dump(value: Any) -> str:
    """The value as JSON text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_encoded)


def load(text: str | bytes) -> Any:
    """The value of such a text."""
    return json.loads(text, object_hook=_exact)


def _encoded(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be kept in the outbox")


def _exact(found: dict[str, Any]) -> Any:
    return Decimal(found["$decimal"]) if found.keys() == {"$decimal"} else found
