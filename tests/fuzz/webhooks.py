"""Target: requests that come to our webhooks, from whoever: headers, query and body, forged and signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from connectors.contract import Inbound
from connectors.errors import WebhookRefused
from connectors.jiandaoyun.config import JiandaoyunConfig
from connectors.jiandaoyun.connector import Jiandaoyun
from connectors.jiandaoyun.webhook import SIGNATURE
from connectors.signatures import sign
from state.store import Store, open_store
from sync.webhooks import receive
from tests.fuzz.engine import Target, scratch
from tests.fuzz.mutate import json_

_SECRET = "s"
_ROW = {"_id": "65a1b2c3d4e5f60718293a4b", "appId": "a", "entryId": "e", "status": "新线索"}
_CONFIG: dict[str, Any] = {
    "base_url": "http://127.0.0.1:9/api",
    "api_key": "k",
    "app_id": "a",
    "webhook_secret": _SECRET,
}
_CONFIG |= {"forms": {"lead": {"entry_id": "e"}}}


@cache
def _receiver() -> tuple[Store, Jiandaoyun]:
    store = open_store(f"sqlite:///{scratch() / 'webhooks.db'}")
    return store, Jiandaoyun(JiandaoyunConfig.model_validate(_CONFIG))


def _requests() -> list[bytes]:
    """Delivery id, time stamp, nonce and body as one JSON list; a null time stamp is now. All are signed."""
    events = ("data_create", "data_update", "data_remove", "data_recover", "form_update")
    bodies: list[Any] = [{"op": op, "opTime": 1767225600123, "data": _ROW} for op in events]
    stamps: list[Any] = [None, None, "1767225600", ""]
    return [json.dumps(["d1", stamps[n % 4], "0f5ade", body]).encode() for n, body in enumerate(bodies)]


def _take_in(data: bytes) -> None:
    try:
        given = json.loads(data)
        delivery, stamp, nonce, body = (*given, None, None, None, None)[:4] if isinstance(given, list) else ("",) * 4
    except (ValueError, RecursionError):
        delivery, stamp, nonce, body = "d", None, "", data.decode("latin-1")
    try:
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        sent = str(int(datetime.now(UTC).timestamp())) if stamp is None else str(stamp)
        query, headers = {"timestamp": sent, "nonce": str(nonce)}, {"x-jdy-deliverid": str(delivery)}
    except (UnicodeEncodeError, RecursionError):
        return  # no client could send that
    store, connector = _receiver()
    try:
        headers["x-jdy-signature"] = sign(SIGNATURE, _SECRET, Inbound(headers, query, raw))
        receive(store, connector, "forms", {"lead"}, Inbound(headers, query, raw))
    except WebhookRefused as error:
        str(error).encode()


TARGETS = [
    Target("webhook", ("Jiandaoyun's data push: query, headers, bodies",), _requests, json_, _take_in, _receiver)
]
