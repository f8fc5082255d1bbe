"""Check every exchange with the stand-in against Xero's published OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.connectors.published import Exchange, Published

HOST = "https://api.xero.com"
API = "/api.xro/2.0"
DOCUMENTED = {"GET": (200,), "PUT": (200, 400), "POST": (200, 400)}
"""Answers that the document describes; 401, 403, 404 and 429 it does not, nor any in XML."""


class OpenApiCheck(Published):
    """By Xero's document."""

    def __init__(self, document: Path) -> None:
        super().__init__(document)
        content = yaml.load(document.read_text(), Loader=yaml.CSafeLoader)
        for operations in content["paths"].values():
            for operation in operations.values():
                if isinstance(operation, dict):
                    operation.pop("security", None)  # OAuth is checked by the stand-in, not by openapi-core
        # The document's own check fails on a default that is a string instead of a boolean.
        self._openapi = OpenAPI.from_dict(content, config=Config(spec_validator_cls=None))

    def check(self, exchange: Exchange) -> None:
        """Note what is wrong with one exchange; those for tokens are passed over."""
        if not exchange.path.startswith(API):
            return
        request = MockRequest(
            HOST,
            exchange.method,
            exchange.path,
            args=dict(parse_qsl(exchange.query, keep_blank_values=True)),
            headers=exchange.headers,
            data=exchange.body,
            content_type=exchange.headers.get("content-type", "application/json"),
        )
        if exchange.status in DOCUMENTED[exchange.method] and exchange.kind == "application/json":
            response = MockResponse(exchange.content, exchange.status, content_type=exchange.kind)
            self._note(exchange.line, lambda: self._openapi.validate_response(request, response))
            if exchange.status == 200:
                self._note(exchange.line, lambda: self._openapi.validate_request(request))
            self.checked.append(exchange.line)

    def _note(self, line: str, validate: Callable[[], None]) -> None:
        try:
            validate()
        except Exception as error:  # every kind of failure is a problem to show
            causes = "; ".join(str(item)[:300] for item in getattr(error.__cause__, "schema_errors", ()))
            self.problems.append(f"{line}: {error!r} {causes}")
