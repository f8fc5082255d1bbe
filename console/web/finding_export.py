"""All findings of a list as a file for a spreadsheet, in the order of the list."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from console import exporting
from console.web.desk import Reader, Visit
from console.web.filters import Filter
from reconciliation.rules import Rules
from state import finding_pages, findings, handling
from state.finding_pages import Wanted

router = APIRouter()

_AT_ONCE = 500
_NAMED = ("system", "kind", "department", "stage", "severity", "status", "check", "age")
"""Filters by codes, which stand in the name of the file; what people typed, and whom they mean, does not."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")
_LONGEST = 40
_DIGEST = 3
"""Bytes of a digest: few lists of a day would have the same."""
_MOST = 1_000_000
"""Rows; a spreadsheet takes no more."""


@router.get("/findings.csv")
def export(visit: Reader) -> StreamingResponse:
    """What the list with the same filters shows, a row for each finding, in the reader's language."""
    asked = Filter.of(visit.request.query_params)
    wanted = asked.wanted(visit)
    name = "-".join(["ltc-findings", *_parts(asked), Rules.of(visit.desk.settings).today.isoformat()])
    named = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_lines(visit, wanted), media_type="text/csv; charset=utf-8", headers=named)


def _parts(asked: Filter) -> Iterator[str]:
    """What was filtered, for the name of the file: the words of the address that are safe there; of all else a digest,
    so that two lists have two names."""
    given = asked.given(order="", group="")
    for name in _NAMED:
        if value := given.get(name, ""):
            safe = _UNSAFE.sub("_", value)[:_LONGEST]
            yield safe
            if safe == value:
                del given[name]
    if given:
        said = json.dumps(given, sort_keys=True).encode()
        yield f"filtered-{hashlib.blake2b(said, digest_size=_DIGEST).hexdigest()}"


def _lines(visit: Visit, wanted: Wanted) -> Iterator[str]:
    yield "\ufeff"  # spreadsheets read Chinese right with it
    yield from exporting.as_csv(_rows(visit, wanted), "list", visit.texts)


def _rows(visit: Visit, wanted: Wanted) -> Iterator[exporting.Row]:
    with visit.desk.store.reading() as connection:
        ids = finding_pages.ids(connection, wanted, _MOST)
        for start in range(0, len(ids), _AT_ONCE):
            some = findings.of_ids(connection, ids[start : start + _AT_ONCE])
            said = handling.said(connection, [item.id for item in some])
            for row in exporting.of_findings(some, visit.desk.settings, visit.texts.locale, said):
                yield exporting.for_reading(row, visit.desk.settings, visit.texts)
