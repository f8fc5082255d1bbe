"""The vendor's business codes, as our errors: HTTP 400 carries throttling, wrong keys and bad values alike."""

from __future__ import annotations

import random

import httpx
import msgspec

from connectors.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    QuotaError,
    RecordError,
    Throttled,
    TransientError,
)
from connectors.http import retry_after
from connectors.rawjson import parse, shape

_ROW_MISSING = 4001
_PRESET_FORM = 30002

PRESET_REMEDY = (
    "The preset CRM forms (线索池, 线索, 公海池, 客户, 联系人, 跟进记录, 跟进计划, 商机) are closed to the API; "
    "let a 智能助手 automation copy every new and changed row into an ordinary form, and name that form here."
)


class RowMissingError(RecordError):
    """The row was deleted, or never was there."""


class FormAddressError(ContractError):
    """There is no such app or form."""


_THROTTLED = frozenset({8303, 8304})
_BUSY = frozenset({4012, 9004, 9007, 17027, 50008, 50047})
_AMBIGUOUS = frozenset({4000, 17026})
_QUOTA = frozenset({7103, 7206, 7212, 7216, 7217, 7218, 7219, 7221})
_CREDENTIALS = {
    8301: "Check api_key; the key may have been deleted or disabled (open platform › keys).",
    8302: "Check api_key and what the key is allowed to do (open platform › keys).",
    17018: "Check api_key and what the key is allowed to do (open platform › keys).",
    17052: "Add this machine's address to the key's IP whitelist (open platform › keys).",
    17053: "Give the key access to the app, or correct app_id.",
    17054: "Allow the key the data and form interfaces (open platform › keys › interface permissions).",
}
_ADDRESS = {
    2004: ("The app does not exist.", "Correct app_id."),
    3000: ("The form does not exist.", "Correct entry_id (and app_id)."),
}
_VALUE = {
    4402: "An aggregate table of the form refuses the value.",
    17032: "The value does not fit the field's type.",
    17034: "The value does not fit the field's type.",
}


class Failure(msgspec.Struct):
    """The body of a business error."""

    code: int
    msg: str = ""


_failure = msgspec.json.Decoder(Failure)


def classify(response: httpx.Response) -> ConnectorError | None:
    """The error an answer means, ``None`` for a success or where the HTTP status says it all."""
    if response.status_code == 429:
        return throttled(retry_after(response))
    # A business error is a small object; a page of rows is not looked through.
    if response.status_code not in (200, 400) or not response.content.lstrip()[:16].startswith(b'{"'):
        return None
    if response.status_code == 200 and b'"code"' not in response.content[:64]:
        return None
    try:
        failure = parse(response.content, _failure)
    except ContractError:
        return None
    return by_code(failure.code, response.content)


def by_code(code: int, body: bytes = b"") -> ConnectorError:
    """Our error for a business code."""
    if code in _THROTTLED:
        return throttled(None)
    if code in _BUSY:
        return TransientError(f"Jiandaoyun is busy with this form (code {code}).", sent=False)
    if code in _AMBIGUOUS:
        return TransientError(f"Jiandaoyun could not say whether it took the change (code {code}).")
    if code in _CREDENTIALS:
        return AuthError(f"Jiandaoyun refused our key (code {code}).", remedy=_CREDENTIALS[code])
    if code == _PRESET_FORM:
        return AuthError(f"The form belongs to the preset CRM suite (code {code}).", remedy=PRESET_REMEDY)
    if code in _QUOTA:
        return QuotaError(
            f"The company's plan allows no more (code {code}).",
            remedy="Look at usage and plan in the management console; the sync goes on where it stopped.",
        )
    if code in _ADDRESS:
        message, remedy = _ADDRESS[code]
        return FormAddressError(f"{message} (code {code})", remedy=remedy)
    if code == _ROW_MISSING:
        return RowMissingError(f"The row does not exist any more (code {code}).")
    if code in _VALUE:
        return RecordError(f"{_VALUE[code]} (code {code})")
    return ContractError(
        f"Jiandaoyun refused the request (code {code}).", remedy="Report it with the sample.", sample=shape(body)
    )


def throttled(wait: float | None) -> Throttled:
    """Too many requests; nothing was done. The vendor asks for a second at least, so jitter is added to that."""
    pause = 1.0 + random.random() if wait is None else wait  # noqa: S311 - jitter
    return Throttled("Jiandaoyun limits our requests.", retry_after=pause)
