"""Stripe's refusals, in its own words and shape."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An answer that is no success; ``kept``: the work had begun, so an idempotency key keeps the answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type_: str = "invalid_request_error",
        kept: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        self.headers = headers or {}
        self.body: dict[str, Any] = {"error": {"message": message, "type": type_}}
        if code:
            self.body["error"] |= {"code": code, "doc_url": DOCUMENTATION + code.replace("_", "-")}
        if param:
            self.body["error"]["param"] = param


def missing(kind: str, key: str, param: str = "id", status: int = 404) -> StripeError:
    """There is no such object."""
    return StripeError(status, f"No such {kind}: '{key}'", code="resource_missing", param=param)


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A parameter that cannot be."""
    return StripeError(400, message, code=code, param=param)
