"""Whether the process and the store can work, for what starts, restarts and balances servers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from state import readiness
from state.failures import StoreError

if TYPE_CHECKING:
    from console.web.desk import Desk

router = APIRouter()
_log = logging.getLogger("ltc.health")


@router.get("/healthz")
def healthz() -> Response:
    """Whether the process answers: restart it if it does not."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """Whether the store can be worked with, too: send nobody here until it can. Its address is not told."""
    desk: Desk = request.app.state.desk
    try:
        problems = readiness.problems(desk.store)
    except StoreError as error:
        _log.warning("%s", error)
        told = error.message.replace(f"The database {desk.store.name}", "The store").replace(
            desk.store.name, "The store"
        )
        problems = [told]
    if not problems:
        return PlainTextResponse("ok\n")
    return PlainTextResponse("\n".join(problems) + "\n", 503, {"Retry-After": "10"})
