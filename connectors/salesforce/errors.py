"""What each Salesforce error code means for the caller.

    SessionExpired (AuthError)   the token ended: a new one, then the same request once more
    Conflict (RecordError)       the record changed after we read it
    Gone (RecordError)           the record is deleted or not visible
    Refused (RecordError)        this request will never work; ``code`` and ``fields`` say why

Salesforce's own messages quote field values, so only codes and field names are shown; a validation rule's sentence is
shown without them.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    QuotaError,
    RecordError,
    Throttled,
    TransientError,
)
from connectors.redact import masked, names_in, without_values

_LATER = "It is tried again on the next run."


class SessionExpired(AuthError):
    """The access token is not valid any more."""


class Refused(RecordError):
    """Salesforce will not do this."""

    def __init__(self, code: str, fields: tuple[str, ...] = (), *, status: int = 400, detail: str = "") -> None:
        reason, remedy = _REASONS.get(code, ("it was refused", "Look the code up in Salesforce's list of errors."))
        self.code = code
        self.fields = tuple(masked(name) for name in fields)
        self.status = status
        self._given = fields
        self._detail = detail
        named = f" ({', '.join(self.fields)})" if fields else ""
        said = f": {masked(detail)}" if detail else ""
        first = self.fields[0] if fields else None
        super().__init__(f"Salesforce: {reason}{named} [{code}]{said}.", remedy=remedy, field=first)

    def about(self, body: bytes) -> str:
        """What to say of it where it was this record that was refused: fields that were sent are named."""
        text = str(self)
        if self._detail:
            text = text.replace(masked(self._detail), without_values(self._detail, body))
        if self.fields:
            names = names_in(body)
            known = [given if given in names else shown for given, shown in zip(self._given, self.fields, strict=True)]
            text = text.replace(f" ({', '.join(self.fields)}) [", f" ({', '.join(known)}) [")
        return text


class Conflict(Refused):
    """The record changed after the time given in the request; nothing was written."""


class Gone(Refused):
    """There is no such record (any more), or we may not see it."""


_REASONS: dict[str, tuple[str, str]] = {
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": (
        "a trigger or flow refused the change",
        "Ask the Salesforce admin which automation refused it.",
    ),
    "DUPLICATES_DETECTED": ("a duplicate rule refused the change", "Merge the duplicates in Salesforce."),
    "DUPLICATE_VALUE": ("another record has this unique value", "Mend one of the two records."),
    "ENTITY_IS_DELETED": ("the record is deleted", "Undelete it, or let the finding stand."),
    "ENTITY_IS_LOCKED": ("the record is locked by an approval", "Wait for the approval, or unlock the record."),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": ("a validation rule refused the change", "Mend the record as the rule says."),
    "INACTIVE_OWNER_OR_USER": ("the record's owner is not active", "Give the record to an active user."),
    "INSUFFICIENT_ACCESS_OR_READONLY": (
        "the integration user may not change the record",
        "Give the integration user edit access to it.",
    ),
    "INVALID_CROSS_REFERENCE_KEY": ("a record that is pointed to does not exist", "Mend the reference."),
    "INVALID_FIELD": (
        "a field does not exist, or is not visible to the integration user",
        "Create it, or give the integration user access to it; `ltc check` names it.",
    ),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (
        "a field is read-only for the integration user",
        "Give the integration user edit access to the field.",
    ),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (
        "a picklist does not have the value",
        "Add the value to the picklist; docs/connectors/salesforce.md lists them.",
    ),
    "INVALID_TYPE": (
        "the object does not exist, or is not visible to the integration user",
        "Enable it (Quotes are switched on in Setup), give access to it, or leave the stream out.",
    ),
    "MALFORMED_ID": ("an id is malformed", "Report it."),
    "MALFORMED_QUERY": ("the query cannot be read", "Report it."),
    "NOT_FOUND": ("the record does not exist or is not visible", "Check the integration user's access."),
    "REQUIRED_FIELD_MISSING": ("a required field is empty", "Fill it in Salesforce."),
    "STRING_TOO_LONG": ("a text is longer than its field", "Make the field longer."),
}
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,80}")
_CONFLICTS = {"ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", "CONFLICT"}
_GONE = {"ENTITY_IS_DELETED", "NOT_FOUND"}
_NO_ACCESS = {
    "API_CURRENTLY_DISABLED",
    "API_DISABLED_FOR_ORG",
    "INVALID_AUTH_HEADER",
    "INVALID_CLIENT",
    "ORG_LOCKED",
    "ORG_SUSPENDED",
}
_BUSY = {"QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"}


def from_answer(status: int, content: Any, host: str) -> ConnectorError:
    """Our error for an answer that is none of the 2xx; ``content`` is its body, parsed if it is JSON."""
    code, message, fields = _first(content)
    if status == 401 or code == "INVALID_SESSION_ID":
        return SessionExpired(
            f"{host} does not accept our session.",
            remedy="Check that the connected app and its run-as user are active and may use the API.",
        )
    if status == 412 or code in _CONFLICTS:
        return Conflict(code or "PRECONDITION_FAILED", fields, status=status)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return _limit(host, message)
    if code == "UNABLE_TO_LOCK_ROW":
        return TransientError(f"{host}: another process holds the record's lock.", remedy=_LATER, sent=False)
    if code in _BUSY or status >= 500 or status == 429:
        shown = f"[{code}]" if code else f"HTTP {status}"
        return TransientError(f"{host} is busy or failed ({shown}).", remedy=_LATER, sent=status != 429)
    if code in _NO_ACCESS:
        return AuthError(f"{host} refuses API access [{code}].", remedy="Ask the Salesforce admin to allow API access.")
    if not code:
        return ContractError(
            f"{host} answered HTTP {status} without an error code.",
            remedy="Check instance_url; a proxy or login page may have answered.",
            sample=_kind(content),
        )
    if code in _GONE:
        return Gone(code, fields, status=status)
    detail = message if code == "FIELD_CUSTOM_VALIDATION_EXCEPTION" else ""
    return Refused(code, fields, status=status, detail=detail.rstrip("."))


def from_token_answer(status: int, content: Any, host: str) -> ConnectorError:
    """Our error for a token endpoint that gave no token."""
    if status >= 500 or status == 429:
        return TransientError(f"{host} cannot issue a token now (HTTP {status}).", remedy=_LATER, sent=False)
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, str):
        return ContractError(
            f"{host} answered HTTP {status} where a token was expected.",
            remedy="Check instance_url and login_url: the org's My Domain address, not login.salesforce.com.",
            sample=_kind(content),
        )
    return AuthError(
        f"{host} refused our client credentials ({masked(error)}).",
        remedy="Check client_id and client_secret, and that the connected app allows the client credentials flow with "
        "a run-as user.",
    )


def as_contract(error: Refused, stream: str) -> ContractError:
    """A refusal of something that is not one record's fault: the whole stream stops."""
    return ContractError(error.message, remedy=error.remedy, stream=stream)


def _limit(host: str, message: str) -> ConnectorError:
    """Too many calls in 24 hours, or too many at once; only the message tells."""
    if "concurrent" in message.lower():
        return Throttled(f"{host} works on too many requests at once.", remedy=_LATER, retry_after=5.0)
    return QuotaError(
        f"The org's API calls of the last 24 hours are used up at {host}.",
        remedy="Wait, run less often, or buy more calls; Setup > Company Information shows them.",
        reset_after=3600.0,
    )


def _first(content: Any) -> tuple[str, str, tuple[str, ...]]:
    """Code, message and fields of the first error of the documented array."""
    error = content[0] if isinstance(content, list) and content else None
    if not isinstance(error, dict) or not isinstance(error.get("errorCode"), str):
        return "", "", ()
    fields = error.get("fields") or ()
    named = fields if isinstance(fields, list) else ()
    code = error["errorCode"] if _CODE.fullmatch(error["errorCode"]) else "UNKNOWN_EXCEPTION"
    return code, str(error.get("message", "")), tuple(str(field) for field in named)


def _kind(content: Any) -> str:
    if isinstance(content, str):
        return f"<{len(content)} characters, not JSON>"
    return f"<{type(content).__name__}>"
