"""The data filter of ``data/list``: which methods a field type allows, and whether a row passes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.jiandaoyun import values
from sandbox.jiandaoyun.errors import BusinessError
from sandbox.jiandaoyun.forms import Form, Row

_LONGEST_LIST = 200
_EMPTINESS = {"empty", "not_empty"}
_ONE_OF = {"eq", "ne", "in", "nin"} | _EMPTINESS
_SEVERAL = {"in", "all"} | _EMPTINESS
_ALLOWED: dict[str, set[str]] = {
    "flowState": {"eq", "ne", "in", "nin"} | _EMPTINESS,
    "_id": {"eq", "in"} | _EMPTINESS,
    "datetime": {"eq", "ne", "range"} | _EMPTINESS,
    "number": {"eq", "ne", "range", "gt", "lt"} | _EMPTINESS,
    "text": _ONE_OF,
    "combo": _ONE_OF,
    "radiogroup": _ONE_OF,
    "sn": _ONE_OF | {"like"},
    "checkboxgroup": _SEVERAL,
    "combocheck": _SEVERAL,
    "usergroup": _SEVERAL,
    "deptgroup": _SEVERAL,
    "user": _ONE_OF,
    "dept": _ONE_OF,
    "lookup": _ONE_OF,
    "phone": {"like", "verified", "unverified"} | _EMPTINESS,
}
"""Field type (or system field) → methods; every other type: empty and not_empty."""

Test = Callable[[Row], bool]


def compile_filter(form: Form, given: Any) -> Test:
    """A function that tells whether a stored row passes; raises ``BusinessError`` 4815."""
    if given is None:
        return lambda _row: True
    if not isinstance(given, dict) or given.get("rel") not in ("and", "or") or not isinstance(given.get("cond"), list):
        raise BusinessError(4815)
    tests = [_condition(form, item) for item in given["cond"]]
    decide = all if given["rel"] == "and" else any
    return lambda row: not tests or decide(test(row) for test in tests)


def _condition(form: Form, item: Any) -> Test:
    if not isinstance(item, dict):
        raise BusinessError(4815)
    key, kind = _field(form, item.get("field"))
    method = item.get("method")
    if method not in _ALLOWED.get(kind, _EMPTINESS):
        raise BusinessError(4815)
    wanted = item.get("value", [])
    if not isinstance(wanted, list) or len(wanted) > _LONGEST_LIST:
        raise BusinessError(4815)
    if kind == "datetime":
        wanted = [value if value is None else values.WRITE["datetime"](value) for value in wanted]
    return lambda row: _passes(method, _plain(row.get(key)), wanted, row.get(key))


def _field(form: Form, name: Any) -> tuple[str, str]:
    if name == "data_id":
        return "_id", "_id"
    if name == "createTime":
        return "createTime", "datetime"
    if name == "flowState" and form.workflow:
        return "flowState", "flowState"
    widget = form.widget(str(name))
    if widget is None:
        raise BusinessError(4815)
    return widget.id, widget.type


def _plain(value: Any) -> Any:
    """What comparisons see: a member's username, a department's number, a telephone's digits."""
    if isinstance(value, dict):
        return value.get("username", value.get("dept_no", value.get("phone")))
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _passes(method: str, value: Any, wanted: list[Any], stored: Any) -> bool:
    match method:
        case "empty":
            return value in (None, "", [])
        case "not_empty":
            return value not in (None, "", [])
        case "eq":
            return value in wanted[:1]
        case "ne":
            return value not in wanted[:1]
        case "in" if isinstance(value, list):
            return any(item in wanted for item in value)
        case "in":
            return value in wanted
        case "nin":
            return value not in wanted
        case "all":
            return all(item in value for item in wanted)
        case "like":
            return any(str(item) in (value or "") for item in wanted)
        case "verified" | "unverified":
            return bool(value) and stored["verified"] is (method == "verified")
        case _:
            return value is not None and _between(method, value, wanted)


def _between(method: str, value: Any, wanted: list[Any]) -> bool:
    try:
        if method == "gt":
            return bool(value > wanted[0])
        if method == "lt":
            return bool(value < wanted[0])
        low, high = wanted
    except (IndexError, ValueError, TypeError):
        raise BusinessError(4815) from None
    if any(not isinstance(bound, str | int | Decimal | None) for bound in (low, high)):
        raise BusinessError(4815)
    return (low is None or value >= low) and (high is None or value <= high)
