"""The errors of the stand-in, in the body that Frappe answers with."""

from __future__ import annotations

import json
from typing import Any

_STATUS = {
    "AuthenticationError": 401,
    "PermissionError": 403,
    "DoesNotExistError": 404,
    "DuplicateEntryError": 409,
    "UniqueValidationError": 409,
    "QueryDeadlockError": 500,
    "OperationalError": 500,
}
"""Every other one is a ValidationError, and those are 417."""


class FrappeError(Exception):
    """A refusal; ``kind`` is the Python class that Frappe raises."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUS.get(self.kind, 417)

    @property
    def body(self) -> dict[str, Any]:
        """What is answered; traceback and messages are JSON inside of JSON."""
        return {
            "exception": f"frappe.exceptions.{self.kind}: {self.message}",
            "exc_type": self.kind,
            "exc": json.dumps([f"Traceback (most recent call last):\nfrappe.exceptions.{self.kind}: {self.message}\n"]),
            "_server_messages": json.dumps([json.dumps({"message": self.message, "indicator": "red"})]),
        }
