"""The report as it is now, or of a month: as data, or as a file for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import JSONResponse, Response

from console.report import TYPES
from console.web.api.callers import Lang, Reader
from console.web.api.report_models import Report
from console.web.api.values import Month, OneOf
from console.web.periods import saved_report
from console.web.problems import Refusal
from reconciliation import report
from state.periods import PeriodError

if TYPE_CHECKING:
    from console.web.api.callers import Caller

router = APIRouter(tags=["report"])

_FORMS = ("csv", "html", "pdf", "xlsx")
_FILES = {TYPES[form]: {"schema": {"type": "string", "format": "binary"}} for form in _FORMS}
Period = Annotated[Month | None, Query(description="Of a closed one everything is as its close froze it.")]


@router.get("/report", response_model=Report)
def get_report(caller: Reader, period: Period = None, lang: Lang = None) -> Response:
    """Give the report in its public format: of now, or of a month."""
    return JSONResponse(_built(caller, period, lang))  # as it is: tests hold it against the model; it can be large


@router.get("/report/{form}", response_class=Response, responses={200: {"description": "The file", "content": _FILES}})
def download_report(
    caller: Reader,
    form: Annotated[str, OneOf(_FORMS), Path(description="`csv` is an archive of tables")],
    period: Period = None,
    lang: Lang = None,
) -> Response:
    """Give out the report as a file for people: of now, or of a month."""
    return saved_report(_built(caller, period, lang), form, caller.locale(lang))


def _built(caller: Caller, period: str | None, lang: str | None) -> dict[str, Any]:
    try:
        return report.build(caller.store, caller.settings, locale=caller.locale(lang), period=period)
    except PeriodError as error:
        raise Refusal.of(error) from None
