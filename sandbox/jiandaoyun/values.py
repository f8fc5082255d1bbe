"""Field types: what a client may write, and the shape a value has when it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.jiandaoyun.errors import BusinessError

NOT_WRITABLE = frozenset({"sn", "signature", "linkdata", "aggregation", "aggregationtext"})
"""Values sent for these types are ignored."""

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")
_FIRST_MILLISECONDS = 10**11


def iso(moment: datetime) -> str:
    """An instant as the API shows it: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user(username: str) -> dict[str, Any]:
    """A member as it is read."""
    return {
        "name": username,
        "username": username,
        "status": 1,
        "type": 0,
        "departments": [1],
        "integrate_id": username,
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BusinessError(17034)
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | None):
        raise BusinessError(17034)
    return value


def _date_time(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= _FIRST_MILLISECONDS:
        return iso(datetime.fromtimestamp(value / 1000, UTC))
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise BusinessError(17034)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise BusinessError(17034) from None
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise BusinessError(17034)
    return [_text(item) for item in value]


def _place(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BusinessError(17034)
    known = ("province", "city", "district", "detail", "lnglatXY")
    return {key: item for key, item in value.items() if key in known}


def _phone(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BusinessError(17034)
    return {"phone": _text(value.get("phone", "")), "verified": False}


def _files(value: Any) -> list[dict[str, Any]]:
    return [{"name": key, "size": 0, "mime": "", "url": f"https://files.invalid/{key}"} for key in _texts(value)]


def _department(value: Any) -> dict[str, Any]:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BusinessError(17034)
    return {"name": str(value), "dept_no": value, "type": 0, "parent_no": 1, "status": 1, "integrate_id": None}


def _rich_text(value: Any) -> dict[str, Any]:
    return {"html": _text(value), "attachments": []}


def _list_of(one: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise BusinessError(17034)
        return [one(item) for item in value]

    return convert


def _user(value: Any) -> dict[str, Any]:
    return user(_text(value))


WRITE: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "textarea": _text,
    "radiogroup": _text,
    "combo": _text,
    "lookup": _text,
    "number": _number,
    "datetime": _date_time,
    "checkboxgroup": _texts,
    "combocheck": _texts,
    "address": _place,
    "location": _place,
    "image": _files,
    "upload": _files,
    "phone": _phone,
    "user": _user,
    "usergroup": _list_of(_user),
    "dept": _department,
    "deptgroup": _list_of(_department),
    "richtext": _rich_text,
}
"""Field type → from the written value to the one that is read; raises ``BusinessError``."""

EMPTY: dict[str, Any] = {
    "text": "",
    "textarea": "",
    "radiogroup": "",
    "combo": "",
    "lookup": "",
    "sn": "",
    "aggregationtext": "",
    "checkboxgroup": [],
    "combocheck": [],
    "image": [],
    "upload": [],
    "usergroup": [],
    "deptgroup": [],
    "subform": [],
}
"""How an empty field of a type is read; ``null`` for the others."""
