"""Check every exchange with the stand-in against Xero's published OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from sandbox.http import Application

HOST = "https://api.xero.com"
API = "/api.xro/2.0"
DOCUMENTED = {"GET": (200,), "PUT": (200, 400), "POST": (200, 400)}
"""Answers that the document describes; 401, 403, 404 and 429 it does not, nor any in XML."""


class OpenApiCheck:
    """``wrap`` an application; ``problems`` then lists every exchange that the document does not allow."""

    def __init__(self, document: Path) -> None:
        content = yaml.load(document.read_text(), Loader=yaml.CSafeLoader)
        for operations in content["paths"].values():
            for operation in operations.values():
                if isinstance(operation, dict):
                    operation.pop("security", None)  # OAuth is checked by the stand-in, not by openapi-core
        # The document's own check fails on a default that is a string instead of a boolean.
        self._openapi = OpenAPI.from_dict(content, config=Config(spec_validator_cls=None))
        self.problems: list[str] = []
        self.checked: list[str] = []

    def wrap(self, application: Application) -> Application:
        """The application, with each exchange checked before the answer leaves."""

        async def checked(scope: Any, receive: Any, send: Any) -> None:
            request_body = b""
            more = True
            while more:
                message = await receive()
                request_body += message.get("body", b"")
                more = message.get("more_body", False)
            answer: list[Any] = []

            async def replay() -> Any:
                return {"type": "http.request", "body": request_body, "more_body": False}

            async def keep(message: Any) -> None:
                answer.append(message)

            await application(scope, replay, keep)
            if scope["path"].startswith(API):
                self.check(scope, request_body, answer)
            for message in answer:
                await send(message)

        return checked

    def check(self, scope: Any, request_body: bytes, answer: list[Any]) -> None:
        """Note what is wrong with one exchange."""
        status = answer[0]["status"]
        line = f"{scope['method']} {scope['path']} {status}"
        headers = _headers(scope["headers"])
        request = MockRequest(
            HOST,
            scope["method"],
            scope["path"],
            args=dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
            headers=headers,
            data=request_body,
            content_type=headers.get("content-type", "application/json"),
        )
        kind = _headers(answer[0]["headers"]).get("content-type", "")
        if status in DOCUMENTED[scope["method"]] and kind == "application/json":
            body = b"".join(message.get("body", b"") for message in answer[1:])
            response = MockResponse(body, status, content_type=kind)
            self._note(line, lambda: self._openapi.validate_response(request, response))
            if status == 200:
                self._note(line, lambda: self._openapi.validate_request(request))
            self.checked.append(line)

    def _note(self, line: str, validate: Callable[[], None]) -> None:
        try:
            validate()
        except Exception as error:  # every kind of failure is a problem to show
            causes = "; ".join(str(item)[:300] for item in getattr(error.__cause__, "schema_errors", ()))
            self.problems.append(f"{line}: {error!r} {causes}")


def _headers(raw: Any) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
