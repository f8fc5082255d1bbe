"""Data push (数据推送): verify a request of Jiandaoyun and say which rows it tells of.

The signature is SHA-1 over ``nonce:body:secret:timestamp``, lower-case hex, in ``X-JDY-Signature``; nonce and timestamp
(seconds) are in the query; ``X-JDY-DeliverId`` is the same for each attempt (hc.jiandaoyun.com/open/11507 and
jiandaoyun/webhook-demo). Order is not promised, writes through the API are not pushed, and neither are bulk edits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from connectors.contract import Delivery, Notice
from connectors.errors import ContractError, WebhookRefused
from connectors.jiandaoyun.api import FormId
from connectors.rawjson import decode

OLDEST_SECONDS = 24 * 3600
"""Whether a repeated attempt is signed anew is not documented, so an old time stamp may be an honest one."""
_AHEAD_SECONDS = 600
_SECONDS = re.compile("[0-9]{1,11}")
_CHANGED = frozenset({"data_create", "data_update", "data_recover"})
_GONE = "data_remove"


def delivery(
    secret: SecretStr | None,
    streams: Mapping[FormId, str],
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> Delivery:
    """What a request says about the forms of ``streams``; raises ``WebhookRefused``."""
    if secret is None:
        raise WebhookRefused("`webhook_secret` is not set.", remedy="Set it to the secret of the form's data push.")
    _verify(secret.get_secret_value(), headers, query, body, now)
    try:
        document = decode(body)
    except ContractError as error:
        raise WebhookRefused("The request is no JSON.") from error
    told = _told(document, streams) if isinstance(document, dict) else None
    return Delivery(headers.get("x-jdy-deliverid", ""), [told] if told is not None else [])


def signature(secret: str, nonce: str, timestamp: str, body: bytes) -> str:
    """The signature that Jiandaoyun puts on a request."""
    signed = b":".join((nonce.encode(), body, secret.encode(), timestamp.encode()))
    return hashlib.sha1(signed, usedforsecurity=False).hexdigest()


def _verify(secret: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> None:
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    wanted = signature(secret, nonce, timestamp, body)
    if not hmac.compare_digest(wanted.encode(), headers.get("x-jdy-signature", "").encode()):
        raise WebhookRefused("The signature is wrong.", remedy="Compare `webhook_secret` with the form's data push.")
    age = now.timestamp() - int(timestamp) if _SECONDS.fullmatch(timestamp) else None
    if age is None or not -_AHEAD_SECONDS <= age <= OLDEST_SECONDS:
        raise WebhookRefused("The request is too old, or from the future.", remedy="Compare this machine's clock.")


def _told(document: dict[str, Any], streams: Mapping[FormId, str]) -> Notice | None:
    """The row that a push is about; ``None`` for events that are about no row, or about a form that is not synced."""
    data, op = document.get("data"), document.get("op")
    if not isinstance(data, dict) or not isinstance(op, str):
        return None
    form = FormId(str(data.get("appId")), str(data.get("entryId")))
    stream, data_id = streams.get(form), data.get("_id")
    if stream is None or not isinstance(data_id, str) or op not in (*_CHANGED, _GONE):
        return None
    if op in _CHANGED:
        return Notice(stream, data_id)
    at = document.get("opTime")
    happened = at * 1000 if isinstance(at, int) and not isinstance(at, bool) and 0 < at < 10**13 else None
    return Notice(stream, data_id, deleted=True, version=happened)
