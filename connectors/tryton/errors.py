"""What each of Tryton's answers means to us.

200 {"error": ["UserError", …]}             Refused: a business rule or missing access
200 {"error": ["UserWarning", …]}           Refused: Tryton wants a person to confirm
200 {"error": ["ConcurrencyException", …]}  Stale: somebody wrote the record since we read it
200 {"error": ["LoginException", …]}        AuthError
200 {"error": ["could not serialize …", ""]} TransientError: rolled back, safe to send again
200 {"error": ["'nosuch'", ""]}             ContractError: a programming error's text (unknown field or model)
401                                         AuthError: the session has run out (the connector logs in once more)
403                                         ContractError: the method is not exposed, a module is missing
404                                         AuthError: there is no such database
"""

from __future__ import annotations

import re

import httpx
import msgspec

from connectors.errors import AuthError, ConnectorError, ContractError, TransientError
from connectors.rawjson import decode, parse, readable
from connectors.redact import masked

# PostgreSQL's words when it rolled a transaction back for no fault of the request.
_ROLLED_BACK = ("could not serialize", "deadlock detected", "could not obtain lock", "terminating connection")

# The text of a KeyError: the name of a field or model that this Tryton does not have.
_FIELD_NAME = re.compile(r"'[\w.]{1,80}'")


class Envelope(msgspec.Struct):
    """Tryton's JSON-RPC answer; ``result`` stays raw bytes."""

    result: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


_envelope = msgspec.json.Decoder(Envelope)


class Refused(ContractError):
    """Tryton refuses the call for a reason it states; ``reason`` is its sentence, which may name people."""

    def __init__(self, reason: str) -> None:
        remedy = "Check the groups and the company of the user in Tryton."
        super().__init__(f"Tryton refuses: {masked(reason)}", remedy=remedy)
        self.reason = reason


class Stale(ConnectorError):
    """The record was written since its ``_timestamp`` was read; nothing was changed."""

    kind = "conflict"


def envelope(body: bytes) -> Envelope:
    """Split an answer into result and error without parsing the result.

    Raises ``ContractError`` if it is no JSON-RPC answer.
    """
    try:
        return parse(body, _envelope)
    except ContractError as error:
        raise ContractError(
            "The answer is not what Tryton's JSON-RPC sends.",
            remedy="Check base_url and database; a proxy or another service may have answered.",
            sample=error.sample,
        ) from error


def classify(response: httpx.Response) -> ConnectorError | None:
    """The error of an answer to a call, ``None`` for a result."""
    status = response.status_code
    if status == 200:
        error = bytes(envelope(readable(response.content)).error)
        return _from_error(error) if error else None
    if status == 403:
        return ContractError(
            "Tryton does not offer a method that we need (HTTP 403).",
            remedy="Activate the modules party, product, stock and sale in this database.",
        )
    if status == 404:
        return AuthError(
            "Tryton has no such database (HTTP 404).", remedy="Check `database` (case matters) and `base_url`."
        )
    if status == 401:
        return AuthError("Tryton does not know our session (HTTP 401).", remedy="Check user and password.")
    return None


def classify_login(response: httpx.Response) -> ConnectorError | None:
    """The error of an answer to the log-in: a refusal is final, since five of them lock the user out."""
    if response.status_code == 401:
        return AuthError(
            "Tryton refuses the user or the password.",
            remedy="Correct both before the next run: after 5 failures Tryton locks the user out.",
        )
    if response.status_code == 429:
        return AuthError(
            "Tryton has locked the user out after failed log-ins (HTTP 429).",
            remedy="Correct the password, wait some minutes, then run `ltc check`.",
        )
    return classify(response)


def _from_error(raw: bytes) -> ConnectorError:
    error = decode(raw)
    name, detail = (*error, "", "")[:2] if isinstance(error, list) else (error, "")
    name = str(name)
    if name in ("UserError", "UserWarning"):
        # UserError: [message, description, domain]; UserWarning: [name of the warning, message, description].
        place = 0 if name == "UserError" else 1
        return Refused(str(detail[place]) if isinstance(detail, list) and len(detail) > place else name)
    if name == "ConcurrencyException":
        return Stale("The record was changed in Tryton in the meantime.")
    if name == "LoginException":
        return AuthError(
            "Tryton asks for more than the password.", remedy="Give the user plain password authentication."
        )
    if any(words in name for words in _ROLLED_BACK):
        return TransientError("Tryton's database rolled the call back.", remedy="It is tried again.", sent=False)
    return ContractError(
        "Tryton failed on our call.",
        remedy="Check that it is version 8.2 and that the modules party, product, stock and sale are active.",
        sample=name if _FIELD_NAME.fullmatch(name) else "",
    )
