"""Conditional request headers: by last-modified date on every object, by ETag on accounts only."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers

from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.org import Record

REFUSED = "The record was modified after the time or tag given in the request"


def etag(record: Record) -> str:
    """The tag of a record's present state."""
    state = repr(sorted((key, str(value)) for key, value in record.items()))
    return f'"{hashlib.blake2b(state.encode(), digest_size=16).hexdigest()}--gzip"'


def check_write(name: str, record: Record, headers: Headers) -> None:
    """Refuse a PATCH whose condition fails (412) or cannot be read (400); nothing is written then."""
    since = headers.get("if-unmodified-since")
    if since is not None and record["LastModifiedDate"].replace(microsecond=0) > _date(since):
        raise _refused()
    wanted = headers.get("if-match")
    if name == "Account" and wanted is not None and etag(record) not in [tag.strip() for tag in wanted.split(",")]:
        raise _refused()


def not_modified(name: str, record: Record, headers: Headers) -> bool:
    """Whether a GET is answered 304."""
    tags = headers.get("if-none-match")
    if name == "Account" and tags is not None:
        return etag(record) in [tag.strip() for tag in tags.split(",")]
    since = headers.get("if-modified-since")
    return since is not None and record["LastModifiedDate"].replace(microsecond=0) <= _date(since)


def _refused() -> ApiError:
    return ApiError("ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", REFUSED, status=412)


def _date(value: str) -> datetime:
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        raise ApiError("INVALID_HEADER_VALUE", "The date in a conditional header cannot be read") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
