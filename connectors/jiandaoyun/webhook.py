"""Data push (数据推送): verify a request of Jiandaoyun and say which rows it tells of.

The signature is SHA-1 over ``nonce:body:secret:timestamp``, lower-case hex, in ``X-JDY-Signature``; nonce and timestamp
(seconds) are in the query; ``X-JDY-DeliverId`` is the same for each attempt (hc.jiandaoyun.com/open/11507 and
jiandaoyun/webhook-demo). Order is not promised, writes through the API are not pushed, and neither are bulk edits.
There is no question to answer first: a test push is a request like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from connectors.contract import Delivery, Inbound, Notice
from connectors.jiandaoyun.api import FormId
from connectors.places import Place, document
from connectors.signatures import Signature, Timestamp, identify, verify

OLDEST_SECONDS = 24 * 3600
"""Whether a repeated attempt is signed anew is not documented, so an old time stamp may be an honest one."""
SIGNATURE = Signature(
    scheme="sha1",
    header="X-JDY-Signature",
    signed="{nonce}:{body}:{secret}:{timestamp}",
    nonce=Place(query="nonce"),
    timestamp=Timestamp(query="timestamp", tolerance_seconds=OLDEST_SECONDS, ahead_seconds=600),
    id=Place(header="X-JDY-DeliverId"),
)
_CHANGED = frozenset({"data_create", "data_update", "data_recover"})
_GONE = "data_remove"


def delivery(
    secrets: SecretStr | Iterable[SecretStr] | None, streams: Mapping[FormId, str], request: Inbound, now: datetime
) -> Delivery:
    """What a request says about the forms of ``streams``; raises ``WebhookRefused``."""
    verify(SIGNATURE, secrets, request, now)
    content = document(request.body)
    told = _told(content, streams) if isinstance(content, dict) else None
    return Delivery(identify(SIGNATURE, request), [told] if told is not None else [])


def _told(content: dict[str, Any], streams: Mapping[FormId, str]) -> Notice | None:
    """The row that a push is about; ``None`` for events that are about no row, or about a form that is not synced."""
    data, op = content.get("data"), content.get("op")
    if not isinstance(data, dict) or not isinstance(op, str):
        return None
    form = FormId(str(data.get("appId")), str(data.get("entryId")))
    stream, data_id = streams.get(form), data.get("_id")
    if stream is None or not isinstance(data_id, str) or op not in (*_CHANGED, _GONE):
        return None
    if op in _CHANGED:
        return Notice(stream, data_id)
    at = content.get("opTime")
    happened = at * 1000 if isinstance(at, int) and not isinstance(at, bool) and 0 < at < 10**13 else None
    return Notice(stream, data_id, deleted=True, version=happened)
