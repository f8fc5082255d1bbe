"""sObject Collections: up to 200 records in a call, each with its own result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.salesforce import ids
from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.org import Org

_MOST = 200
_ROLLED_BACK = "Record rolled back because not all records were valid and the request was using AllOrNone header"

Each = Callable[[dict[str, Any]], dict[str, Any]]


def create(org: Org, body: dict[str, Any]) -> list[dict[str, Any]]:
    """One new record per item."""

    def one(item: dict[str, Any]) -> dict[str, Any]:
        return _done(org.create(_type(item), _fields(item))["Id"])

    return _each(org, body, one)


def update(org: Org, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Change one record per item, by its id."""

    def one(item: dict[str, Any]) -> dict[str, Any]:
        record_id = item.get("id") or item.get("Id")
        if not isinstance(record_id, str):
            raise ApiError("MISSING_ARGUMENT", "Id not specified in an update call")
        return _done(org.update(_type(item), record_id, _fields(item))["Id"])

    return _each(org, body, one)


def upsert(org: Org, name: str, field: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Create or change one record per item, by an external id."""

    def one(item: dict[str, Any]) -> dict[str, Any]:
        values = _fields(item)
        key = next((key for key in values if key.lower() == field.lower()), None)
        if key is None or not isinstance(values[key], str):
            raise ApiError("MISSING_ARGUMENT", f"{field} not specified")
        record, created = org.upsert(name, field, values.pop(key), values)
        return {**_done(record["Id"]), "created": created}

    return _each(org, body, one)


def delete(org: Org, query: dict[str, str]) -> list[dict[str, Any]]:
    """Delete the records named in ``?ids=``."""
    prefixes = {prefix: name for name, prefix in ids.PREFIXES.items()}

    def one(item: dict[str, Any]) -> dict[str, Any]:
        name = prefixes.get(item["id"][:3])
        if name is None:
            raise ApiError("MALFORMED_ID", f"malformed id {item['id']}")
        org.delete(name, item["id"])
        return _done(item["id"])

    named = [{"id": record_id} for record_id in query.get("ids", "").split(",") if record_id]
    return _each(org, {"records": named, "allOrNone": query.get("allOrNone") == "true"}, one)


def _each(org: Org, body: dict[str, Any], one: Each) -> list[dict[str, Any]]:
    items = body.get("records")
    if not isinstance(items, list):
        raise ApiError("JSON_PARSER_ERROR", "records must be an array")
    if len(items) > _MOST:
        raise ApiError("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MOST} records")
    if not body.get("allOrNone"):
        return [_tried(one, item) for item in items]
    results: list[dict[str, Any]] = []
    try:
        with org.all_or_none():
            results = [_tried(one, item) for item in items]
            if not all(result["success"] for result in results):
                raise ApiError("ALL_OR_NONE_OPERATION_ROLLED_BACK", _ROLLED_BACK)
    except ApiError as undone:
        return [undone.result() if result["success"] else result for result in results]
    return results


def _tried(one: Each, item: dict[str, Any]) -> dict[str, Any]:
    try:
        return one(item)
    except ApiError as error:
        return error.result()


def _done(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def _type(item: dict[str, Any]) -> str:
    found = (item.get("attributes") or {}).get("type")
    if not isinstance(found, str):
        raise ApiError("INVALID_TYPE", "attributes.type is required")
    return found


def _fields(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key.lower() not in ("attributes", "id")}
