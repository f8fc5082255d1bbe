"""The errors of the stand-in, in the body that JSON-2 answers with."""

from __future__ import annotations

from typing import Any

_STATUS = {
    "odoo.exceptions.AccessDenied": 403,
    "odoo.exceptions.AccessError": 403,
    "odoo.exceptions.MissingError": 404,
    "odoo.exceptions.LockError": 409,
    "odoo.exceptions.UserError": 422,
    "odoo.exceptions.ValidationError": 422,
    "werkzeug.exceptions.Unauthorized": 401,
    "werkzeug.exceptions.NotFound": 404,
    "werkzeug.exceptions.BadRequest": 400,
    "werkzeug.exceptions.UnprocessableEntity": 422,
    "builtins.ValueError": 500,
}


class OdooError(Exception):
    """A refusal; ``name`` is the Python class that Odoo raises."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _STATUS[self.name]

    @property
    def body(self) -> dict[str, Any]:
        """What is answered; ``debug`` is a traceback at the vendor's."""
        debug = f"Traceback (most recent call last):\n{self.name}: {self.message}\n"
        return {
            "name": self.name,
            "message": self.message,
            "arguments": [self.message],
            "context": {},
            "debug": debug,
        }


def user_error(message: str) -> OdooError:
    """Somebody asked for what the business rules forbid."""
    return OdooError("odoo.exceptions.UserError", message)


def value_error(message: str) -> OdooError:
    """A field or an operator that does not exist."""
    return OdooError("builtins.ValueError", message)
