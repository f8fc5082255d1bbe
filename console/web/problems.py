"""Refusals of the REST API: RFC 9457 problem details, each with a sentence and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
API = "/api/"
"""Everything beneath it is answered to programs."""


class Refusal(Exception):
    """Something that the API does not do; ``detail`` is a sentence, ``remedy`` the next step."""

    def __init__(self, status: int, detail: str, remedy: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.headers = dict(headers or {})


def problem(
    status: int,
    detail: str,
    remedy: str = "",
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer; ``errors`` names what is wrong in a request, piece by piece."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail, "remedy": remedy}
    if errors:
        body["errors"] = list(errors)
    return Response(json.dumps(body, ensure_ascii=False), status, dict(headers or {}), MEDIA_TYPE)
