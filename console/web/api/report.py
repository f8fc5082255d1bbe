"""The report as it is now, or of a month."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from console.web.api.callers import Lang, Reader
from console.web.api.report_models import Report
from console.web.api.values import Month
from console.web.problems import Refusal
from reconciliation import report
from state.periods import PeriodError

router = APIRouter(tags=["report"])


@router.get("/report", response_model=Report)
def get_report(
    caller: Reader,
    period: Annotated[Month | None, Query(description="Of a closed one everything is as its close froze it.")] = None,
    lang: Lang = None,
) -> Response:
    """Give the report in its public format: of now, or of a month."""
    try:
        found = report.build(caller.store, caller.settings, locale=caller.locale(lang), period=period)
    except PeriodError as error:
        raise Refusal(409, error.message, error.remedy) from None
    return JSONResponse(found)  # as it is: tests hold it against the model, and a report can be large
