"""Whether a source shows a value: equal for equal meanings, however it is written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any


def same(shown: Any, value: Any) -> bool:
    """Whether what a source shows means the value we wrote, or read before.

    Empty is nothing (``None``, ``""``, ``[]``, and ``false`` where no yes or no was wanted); ``1.0`` is ``1`` and
    ``"1"``; an instant is one in every zone.
    """
    left, right = _plain(shown), _plain(value)
    if isinstance(right, bool) or isinstance(left, bool):
        # Some systems write `false` for an empty field.
        return left == right or (left is False and right is None) or (left is None and right is False)
    if left == right:
        return True
    if left is None or right is None:
        return False
    numbers = _number(left), _number(right)
    if None not in numbers:
        return numbers[0] == numbers[1]
    moments = _moment(left), _moment(right)
    return None not in moments and moments[0] == moments[1]


def _plain(value: Any) -> Any:
    return None if value in ("", [], {}) and not isinstance(value, bool | int) else value


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value)
    except (InvalidOperation, ValueError):
        return None
    return found if found.is_finite() else None


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) < len("2026-01-01T00"):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
