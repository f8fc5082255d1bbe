"""Target: requests that come to our webhooks, from whoever: headers, query and body, forged and signed."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import SecretStr

from connectors.contract import Inbound
from connectors.errors import WebhookRefused
from connectors.google_ads_leads.connector import GoogleAdsLeads, GoogleAdsLeadsConfig
from connectors.handshakes import Handshake, answer
from connectors.jiandaoyun.config import JiandaoyunConfig
from connectors.jiandaoyun.connector import Jiandaoyun
from connectors.jiandaoyun.webhook import SIGNATURE
from connectors.signatures import Signature, identify, sign, verify
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


_KEY = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
_PUBLIC = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
_SCHEMES: tuple[dict[str, Any], ...] = (
    {"scheme": "standard-webhooks"},
    {"scheme": "hmac-sha256", "header": "s", "prefix": "sha256=", "id": [{"field": "id"}, {"field": "data[*].id"}]},
    {
        "scheme": "hmac-sha256",
        "header": "s",
        "part": "v1",
        "signed": "{timestamp}.{body}",
        "timestamp": {"header": "s", "part": "t"},
    },
    {
        "scheme": "hmac-sha512",
        "query": "s",
        "encoding": "base64-hex",
        "signed": "{method}{url_decoded}{body}",
        "timestamp": {"field": "at", "unit": "iso"},
    },
    {"scheme": "sha256", "header": "s", "separator": ",", "signed": "{nonce}|{secret}|{body}", "nonce": {"query": "n"}},
    {"scheme": "ed25519", "header": "s", "encoding": "base64", "key_prefix": "whpk_", "key": "base64"},
    {"scheme": "shared-key", "field": "data[*].key", "id": {"field": "id"}},
)
_HANDSHAKES: tuple[dict[str, Any], ...] = (
    {"method": "GET", "query": "c", "token": {"query": "n"}},
    {"query": "c"},
    {"field": "type == 'ask' && c", "token": {"field": "token"}, "reply": "c"},
)


@cache
def _schemes() -> tuple[list[Signature], list[Handshake], GoogleAdsLeads]:
    google = GoogleAdsLeads(GoogleAdsLeadsConfig.model_validate({"webhook_secret": _KEY}))
    return [*map(Signature.model_validate, _SCHEMES)], [*map(Handshake.model_validate, _HANDSHAKES)], google


def _vendors() -> list[bytes]:
    """Scheme, whether it is signed for us, method, address, headers, query and body, as one JSON list."""
    headers = {"webhook-id": "m1", "webhook-timestamp": "1767225600", "webhook-signature": "v1,AA v1a,AA v2,x"}
    headers["s"] = "t=1767225600,v1=00,v1=ff"
    query = {"n": "0f5ade", "s": "AA==", "c": "1158201444"}
    body = {"id": "1", "at": "2026-01-01T00:00:00Z", "data": [{"id": 7, "key": _KEY}], "type": "ask", "c": "x"}
    lead = {"lead_id": 7, "google_key": _KEY, "user_column_data": [{"column_id": "EMAIL", "string_value": "a"}]}
    made = [
        [number, signed, "POST", "https://a.example/x?y=%2F", headers, query, content]
        for number in range(len(_SCHEMES))
        for signed in (True, False)
        for content in (body, {**body, **lead, "token": _KEY})
    ]
    return [json.dumps(item).encode() for item in made]


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _verify(data: bytes) -> None:
    """Whatever comes is taken or refused; what another secret signed is never taken."""
    signatures, handshakes, google = _schemes()
    try:
        number, signed, method, url, headers, query, body = json.loads(data)
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        signature = signatures[number % len(signatures)]
    except (ValueError, TypeError, RecursionError):
        return
    request = Inbound(_texts(headers), _texts(query), raw, str(method), str(url))
    ed25519 = signature.scheme == "ed25519"
    secret = _PUBLIC if ed25519 else _KEY
    if signed and not ed25519 and signature.header is not None and signature.part is None:
        with suppress(WebhookRefused):
            shown = sign(signature, secret, request)
            request = replace(request, headers={**request.headers, signature.header: shown})
    for known, other in (([secret], False), ([secret + "AAAA", "whsec_AAAA"], True)):
        try:
            verify(signature, [SecretStr(item) for item in known], request, datetime.now(UTC))
            assert not other or signature.scheme == "shared-key", "another secret was believed"
            identify(signature, request)
        except WebhookRefused as error:
            str(error).encode()
    for handshake in handshakes:
        with suppress(WebhookRefused):
            answer(handshake, SecretStr(_KEY), request)
    with suppress(WebhookRefused):
        google.receive(request)


TARGETS = [
    Target("webhook", ("Jiandaoyun's data push: query, headers, bodies",), _requests, json_, _take_in, _receiver),
    Target(
        "signature", ("signatures of every scheme, handshakes, Google's leads",), _vendors, json_, _verify, _schemes
    ),
]
