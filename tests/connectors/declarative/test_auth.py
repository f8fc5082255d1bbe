"""Every way in which a system may know us, and what happens when it does not any more."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.errors import AuthError, QuotaError
from sandbox.http import Server
from tests.connectors.declarative.conftest import Connect, Reader
from tests.connectors.declarative.desk import TOKEN, Desk

SETTINGS = {"token": {"type": "secret"}, "user": {"type": "text", "default": "anna"}}


def _sent(server: Server) -> Any:
    return server.requests("GET /api/orders")[-1]


def _with(auth: dict[str, Any]) -> dict[str, Any]:
    return {"auth": auth, "settings": SETTINGS}


def test_a_header_a_parameter_and_a_password_are_sent_as_the_manifest_says(
    connect: Connect, desk: Desk, server: Server
) -> None:
    ways: list[dict[str, Any]] = [
        {"headers": {"X-Api-Key": "{config.token}", "X-User": "{config.user}"}},
        {"query": {"api_key": "{config.token}"}},
        {"basic": {"user": "{config.user}", "password": "{config.token}"}},
    ]
    seen = []
    for auth in ways:
        with pytest.raises(AuthError):
            Reader(connect(top=_with(auth)), desk).pull()
        seen.append(_sent(server))
    assert (seen[0].headers["x-api-key"], seen[0].headers["x-user"]) == (TOKEN, "anna")
    assert parse_qs(seen[1].query)["api_key"] == [TOKEN]
    assert seen[2].headers["authorization"] == "Basic " + base64.b64encode(f"anna:{TOKEN}".encode()).decode()


def test_each_attempt_is_signed_anew_over_what_is_sent(connect: Connect, desk: Desk, server: Server) -> None:
    text = "join('.', [method, path, query, timestamp_ms, nonce])"
    signature = f"{{hmac('sha256', config.token, {text}, 'hex')}}"
    sign = {"headers": {"X-Time": "{timestamp_ms}", "X-Nonce": "{nonce}", "X-Signature": signature}}
    desk.add(1)
    desk.now += 60_000
    server.faults.answer("/orders", 503)
    auth = {"bearer": "{config.token}", "sign": sign}
    Reader(connect(top=_with(auth)), desk).pull()
    first, second = server.requests("GET /api/orders")
    assert first.headers["x-nonce"] != second.headers["x-nonce"]
    raw_query = second.query
    parts = [second.method, second.path, raw_query, second.headers["x-time"], second.headers["x-nonce"]]
    signed = ".".join(parts).encode()
    assert second.headers["x-signature"] == hmac.new(TOKEN.encode(), signed, hashlib.sha256).hexdigest()


def _oauth(**more: Any) -> dict[str, Any]:
    oauth = {"token_url": "/token", "client_id": "us", "client_secret": "{config.token}", **more}
    return {**_with({"oauth2": oauth}), "name": f"desk-{abs(hash(str(more))) % 10**6}"}


def test_a_token_is_fetched_once_and_a_refused_one_is_replaced_once(
    connect: Connect, desk: Desk, server: Server
) -> None:
    desk.add(1)
    desk.now += 60_000
    server.faults.answer("/token", 200, {"access_token": "one", "expires_in": 3600})
    server.faults.answer("/token", 200, {"access_token": "two", "expires_in": "3600"})
    desk.token = "one"
    reader = Reader(connect(top=_oauth()), desk).pull()
    reader.pull()
    assert len(server.requests("/token")) == 1
    desk.token = "two"
    reader.pull()
    assert reader.ids == {1}
    assert len(server.requests("/token")) == 2
    assert server.requests("/token")[0].headers["authorization"].startswith("Basic ")


def test_a_rotated_refresh_token_is_the_next_one_to_be_used(connect: Connect, desk: Desk, server: Server) -> None:
    desk.add(1)
    desk.now += 60_000
    server.faults.answer("/token", 200, {"access_token": "one", "expires_in": 3600, "refresh_token": "r2"})
    server.faults.answer("/token", 200, {"access_token": "two", "expires_in": 3600, "refresh_token": "r3"})
    desk.token = "one"
    top = _oauth(grant="refresh_token", refresh_token="r1", credentials="body")
    reader = Reader(connect(top=top), desk).pull()
    desk.token = "two"
    reader.pull()
    forms = [parse_qs(request.body.decode()) for request in server.requests("/token")]
    assert [form["refresh_token"] for form in forms] == [["r1"], ["r2"]]
    assert forms[0]["client_secret"] == [TOKEN]


def test_a_refused_client_stops_with_what_to_check_and_shows_no_secret(
    connect: Connect, desk: Desk, server: Server
) -> None:
    server.faults.answer("/token", 401, {"error": "invalid_client", "error_description": TOKEN})
    with pytest.raises(AuthError) as caught:
        Reader(connect(top=_oauth(scope="orders")), desk).pull()
    assert "client id" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert len(server.requests("/token")) == 1


def test_the_limits_of_a_manifest_are_kept_and_a_used_up_day_ends_the_run(
    connect: Connect, desk: Desk, server: Server
) -> None:
    desk.add(100)
    desk.now += 60_000
    connector = connect(top={"name": "desk-with-limits", "limits": {"per_day": 3}})
    with pytest.raises(QuotaError):
        Reader(connector, desk).pull()
    assert len(server.requests("/orders")) <= 3
