"""The one way the stand-in says no: a status and Salesforce's JSON array of errors."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Answered as ``[{"message": …, "errorCode": …, "fields": […]}]`` with ``status``."""

    def __init__(self, code: str, message: str, *, status: int = 400, fields: tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields

    def body(self) -> list[dict[str, Any]]:
        """The answer's body."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    def result(self) -> dict[str, Any]:
        """The same as one result of an sObject Collections call."""
        error = {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}
        return {"success": False, "errors": [error]}


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """Nothing under this address, or no record of this id."""
    return ApiError("NOT_FOUND", message, status=404)


def deleted() -> ApiError:
    """The record is in the recycle bin."""
    return ApiError("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=())
