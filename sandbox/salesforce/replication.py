"""Get Updated and Get Deleted: what changed or vanished between two instants, within Salesforce's windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field
from sandbox.salesforce.values import shown

_STAMP = Field("date", "datetime")
_MOST_IDS = 600_000


def deleted(org: Org, name: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Ids deleted in the window, at most 15 days back."""
    start, end = _window(org, parameters, timedelta(days=15))
    earliest = max(org.purged_until.get(name, datetime.min.replace(tzinfo=UTC)), _floor(org, timedelta(days=15)))
    if start < org.purged_until.get(name, start):
        raise ApiError(
            "INVALID_REPLICATION_DATE", "startDate before org replication enabled date or the delete log was purged"
        )
    found = [(key, when) for other, key, when in org.delete_log if other == name and start <= when < end]
    return {
        "deletedRecords": [{"id": key, "deletedDate": shown(_STAMP, when)} for key, when in _limited(found)],
        "earliestDateAvailable": shown(_STAMP, earliest),
        "latestDateCovered": shown(_STAMP, min(end, org.clock.now())),
    }


def updated(org: Org, name: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Ids created or changed in the window, at most 30 days back."""
    start, end = _window(org, parameters, timedelta(days=30))
    found = [
        record["Id"]
        for record in org.tables[name].values()
        if not record["IsDeleted"] and start <= record["SystemModstamp"] < end
    ]
    return {"ids": _limited(found), "latestDateCovered": shown(_STAMP, min(end, org.clock.now()))}


def _limited(found: list[Any]) -> list[Any]:
    if len(found) > _MOST_IDS:
        raise ApiError("EXCEEDED_ID_LIMIT", "exceeded id limit; choose dates that are closer together")
    return found


def _floor(org: Org, back: timedelta) -> datetime:
    return org.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - back


def _window(org: Org, parameters: dict[str, str], back: timedelta) -> tuple[datetime, datetime]:
    try:
        start, end = (datetime.fromisoformat(parameters[side]) for side in ("start", "end"))
    except KeyError as missing:
        raise ApiError("MISSING_ARGUMENT", f"The {missing} parameter is required") from None
    except ValueError:
        raise ApiError("INVALID_REPLICATION_DATE", "start and end must be ISO 8601 dates with times") from None
    if start.tzinfo is None or end.tzinfo is None:
        raise ApiError("INVALID_REPLICATION_DATE", "start and end need a time zone")
    if end - start <= timedelta(minutes=1):
        raise ApiError("INVALID_REPLICATION_DATE", "endDate must be more than one minute after startDate")
    if start < _floor(org, back):
        raise ApiError("INVALID_REPLICATION_DATE", f"startDate cannot be more than {back.days} days ago")
    return start, end
