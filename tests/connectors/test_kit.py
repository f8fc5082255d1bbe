"""The connector kit over real HTTP: every failure is one of our errors, retries and limits keep their promises."""

from __future__ import annotations

import contextlib
import inspect
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from ssl import create_default_context
from typing import Any

import httpx
import msgspec
import pytest
import respx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors import http, rawjson, retry, waiting
from connectors.budget import Priority
from connectors.contract import CallStats
from connectors.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    QuotaError,
    RecordError,
    TransientError,
    Unreachable,
)
from connectors.http import HttpSession
from sandbox.http import Server, Tls


async def echo(request: Request) -> JSONResponse:
    body = await request.body()
    return JSONResponse({"method": request.method, "body": body.decode("latin-1")})


APP = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server(APP) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    running.faults.clear()
    running.forget()
    with retry.no_waiting():
        yield running


def session(server: Server, **options: Any) -> contextlib.closing[HttpSession]:
    options.setdefault("stats", CallStats())
    options.setdefault("classify", lambda _response: None)
    return contextlib.closing(HttpSession(server.base_url, **options))


# Failures


def test_every_error_class_of_httpx_becomes_one_of_ours() -> None:
    request = httpx.Request("GET", "http://vendor.example/?token=hush")
    found: set[Any] = {item for _, item in inspect.getmembers(httpx, inspect.isclass) if issubclass(item, Exception)}
    assert len(found) > 20, "httpx moved its errors"
    for kind in found - {httpx.CookieConflict}:  # no cookies, no conflict
        error: Exception
        if issubclass(kind, httpx.HTTPStatusError):
            error = kind("hush", request=request, response=httpx.Response(500, request=request))
        elif issubclass(kind, httpx.StreamError) and kind is not httpx.StreamError:
            error = kind()
        else:
            error = kind("hush")

        opened = HttpSession("https://vendor.example", stats=CallStats(), classify=lambda _response: None)
        with respx.mock, retry.no_waiting(), contextlib.closing(opened):
            respx.get("https://vendor.example/").mock(side_effect=error)
            with pytest.raises(ConnectorError) as caught:
                opened.request("GET", "/")
        assert "vendor.example" in caught.value.message
        assert "hush" not in str(caught.value), f"{kind.__name__} shows what it was asked"


def test_a_cookie_that_an_answer_sets_is_not_sent_back_and_we_say_who_we_are(server: Server) -> None:
    server.faults.answer("/first", 200, {}, headers={"Set-Cookie": "session=hush; Path=/"})
    with session(server) as opened:
        opened.request("GET", "/first")
        opened.request("GET", "/second", headers={"accept": "text/csv"})
    (request,) = server.requests("/second")
    assert "cookie" not in request.headers
    assert request.headers["user-agent"] == "LTC-Sync"
    assert request.headers["accept"] == "text/csv"


@pytest.fixture
def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_is_not_there_cannot_have_got_the_request_and_is_tried_three_times(nowhere: str) -> None:
    stats = CallStats()
    opened = HttpSession(nowhere, stats=stats, classify=lambda _response: None)
    with (
        retry.no_waiting(),
        contextlib.closing(opened),
        pytest.raises(Unreachable, match=f"{nowhere[7:]} cannot be reached") as caught,
    ):
        opened.request("POST", "/", safe=False)
    assert caught.value.sent is False
    assert stats.calls == 3


@pytest.mark.parametrize("trouble", ["down", "unwell"])
def test_credentials_that_cannot_be_fetched_are_not_fetched_again_by_every_retry(
    server: Server, nowhere: str, trouble: str
) -> None:
    """The call for a token is retried by itself; the call that needs the token gives up with it."""
    stats = CallStats()
    server.faults.answer("/token", 503, times=99)
    identity = HttpSession(
        nowhere if trouble == "down" else server.base_url, stats=stats, classify=lambda _response: None
    )

    def fetch() -> dict[str, str]:
        return {"Authorization": identity.request("POST", "/token").text}

    with (
        contextlib.closing(identity),
        session(server, stats=stats, authenticate=fetch) as opened,
        pytest.raises(TransientError, match=r"cannot be reached|503"),
    ):
        opened.request("GET", "/orders")
    assert stats.calls == (3 if trouble == "down" else 5)
    assert server.requests("/orders") == []


def test_renewing_credentials_in_vain_is_not_retried_either(server: Server) -> None:
    renewals = 0

    def renew() -> bool:
        nonlocal renewals
        renewals += 1
        raise TransientError("The token server is down.")

    server.faults.answer("/", 401, times=9)
    with session(server, reauthenticate=renew) as opened, pytest.raises(TransientError, match="token server"):
        opened.request("GET", "/")
    assert renewals == 1


def test_a_server_that_does_not_answer_is_transient_and_may_have_got_the_request(server: Server) -> None:
    server.faults.hang("/slow")
    with session(server, timeout=0.1) as opened, pytest.raises(TransientError, match="in time") as caught:
        opened.request("POST", "/slow", safe=False)
    assert caught.value.sent is True
    assert server.faults.armed == 0


@pytest.mark.parametrize(
    ("path", "headers"), [("/\x00", {}), ("/ok", {"X-Key": "密钥"}), ("/ok", {"X-Key": "two\nlines"})]
)
def test_what_http_cannot_carry_is_our_mistake_and_not_retried(
    server: Server, path: str, headers: dict[str, str]
) -> None:
    stats = CallStats()
    with session(server, stats=stats) as opened, pytest.raises(ContractError, match="cannot be sent") as caught:
        opened.request("GET", path, headers=headers)
    assert stats.calls == 1
    assert "密钥" not in str(caught.value)
    assert "lines" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthError),
        (403, AuthError),
        (429, TransientError),
        (500, TransientError),
        (503, TransientError),
        (302, ContractError),
        (404, ContractError),
        (418, ContractError),
    ],
)
def test_a_status_the_vendor_says_nothing_about_is_judged_by_itself(
    server: Server, status: int, kind: type[ConnectorError]
) -> None:
    server.faults.answer("/", status, {"email": "li@example.com", "13800000000": 1}, times=9)
    with session(server) as opened, pytest.raises(kind) as caught:
        opened.request("GET", "/")
    assert "li@example.com" not in str(caught.value)
    assert "13800000000" not in str(caught.value)


def test_a_success_that_holds_an_error_is_an_error(server: Server) -> None:
    server.faults.answer("/", 200, {"error": "quota"})
    judge = lambda response: QuotaError("Used up.", reset_after=60) if b"quota" in response.content else None  # noqa: E731
    with session(server, classify=judge) as opened, pytest.raises(QuotaError):
        opened.request("GET", "/")


def test_a_certificate_nobody_signed_is_refused_and_a_trusted_one_is_not(tmp_path: Path) -> None:
    tls = Tls.create(tmp_path)
    with Server(APP, tls=tls) as server, retry.no_waiting():
        with session(server) as opened, pytest.raises(ContractError, match=r"certificate .* is not trusted"):
            opened.request("GET", "/")
        with session(server, verify=create_default_context(cafile=str(tls.ca_file))) as opened:
            assert opened.request("GET", "/").status_code == 200
    assert Tls.create(tmp_path) == tls


# Retries


def test_a_bad_gateway_is_tried_again_and_counted(server: Server) -> None:
    server.faults.answer("/", 502, times=2)
    stats = CallStats()
    with session(server, stats=stats) as opened:
        assert opened.request("GET", "/").status_code == 200
    assert (stats.calls, stats.retries) == (3, 2)
    assert stats.bytes_received > 0


@pytest.mark.parametrize("then", [429, 402], ids=["throttled", "over the quota"])
def test_a_write_whose_first_attempt_may_have_arrived_is_not_called_unsent_whatever_comes_after(
    server: Server, then: int
) -> None:
    server.faults.cut("POST /", act=True)
    server.faults.answer("POST /", then, times=99)
    judge = lambda response: QuotaError("Used up.") if response.status_code == 402 else None  # noqa: E731
    with session(server, classify=judge) as opened, pytest.raises(TransientError) as caught:
        opened.request("POST", "/", priority=Priority.WRITE)
    assert caught.value.sent


def test_a_write_that_was_refused_each_time_is_called_unsent(server: Server) -> None:
    server.faults.answer("POST /", 429, times=99)
    with session(server) as opened, pytest.raises(TransientError) as caught:
        opened.request("POST", "/", priority=Priority.WRITE)
    assert not caught.value.sent


def test_a_read_over_the_quota_is_told_as_that_whatever_came_before(server: Server) -> None:
    server.faults.answer("/", 502)
    server.faults.answer("/", 402)
    judge = lambda response: QuotaError("Used up.") if response.status_code == 402 else None  # noqa: E731
    with session(server, classify=judge) as opened, pytest.raises(QuotaError):
        opened.request("GET", "/")


@pytest.mark.parametrize("break_it", ["cut", "502"])
def test_an_unsafe_request_that_may_have_arrived_is_never_repeated(server: Server, break_it: str) -> None:
    if break_it == "cut":
        server.faults.cut("/", act=True)
    else:
        server.faults.answer("/", 502, act=True)
    with session(server) as opened, pytest.raises(TransientError) as caught:
        opened.request("POST", "/", safe=False)
    assert caught.value.sent is True
    assert len(server.requests()) == 1


def test_an_unsafe_request_that_was_throttled_is_repeated(server: Server) -> None:
    server.faults.answer("/", 429, headers={"Retry-After": "1"})
    with session(server) as opened:
        opened.request("POST", "/", safe=False)
    assert len(server.requests()) == 2


def test_an_unsafe_request_sent_again_with_fresh_credentials_is_not_repeated_after_that(server: Server) -> None:
    server.faults.answer("/", 401)
    server.faults.cut("/", act=True)
    with session(server, reauthenticate=lambda: True) as opened, pytest.raises(TransientError):
        opened.request("POST", "/", safe=False)
    assert len(server.requests()) == 2


def test_after_new_credentials_the_request_is_exactly_the_same(server: Server) -> None:
    keys = iter(["old", "new"])
    current = {"Authorization": next(keys)}

    def renew() -> bool:
        current["Authorization"] = next(keys)
        return True

    server.faults.answer("/orders", 401)
    with session(server, authenticate=lambda: current, reauthenticate=renew) as opened:
        opened.request("POST", "/orders", json={"a": 1}, params={"q": "1 2"}, headers={"If-Match": "7"}, safe=False)
    first, second = server.requests()
    assert first.headers.pop("authorization") == "old"
    assert second.headers.pop("authorization") == "new"
    assert (first.line, first.headers, first.body) == (second.line, second.headers, second.body)
    assert second.headers["if-match"] == "7"


def test_credentials_that_stay_refused_end_it(server: Server) -> None:
    server.faults.answer("/", 401, times=5)
    with session(server, reauthenticate=lambda: True) as opened, pytest.raises(AuthError):
        opened.request("GET", "/")
    assert len(server.requests()) == 2


def test_a_wait_longer_than_our_patience_is_told_at_once(server: Server) -> None:
    server.faults.answer("/", 429, headers={"Retry-After": "3600"}, times=9)
    with session(server) as opened, pytest.raises(TransientError) as caught:
        opened.request("GET", "/")
    assert caught.value.retry_after == 3600
    assert len(server.requests()) == 1


def test_attempts_and_total_time_are_bounded() -> None:
    waits: list[float] = []
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        raise TransientError("down", retry_after=10)

    with retry.no_waiting(), pytest.raises(TransientError):
        retry.call(
            fail, retry.RetryPolicy(attempts=50, total_seconds=35), on_retry=lambda _error, wait: waits.append(wait)
        )
    assert calls == 4
    assert waits == [10, 10, 10]

    calls = 0
    with retry.no_waiting(), pytest.raises(TransientError):
        retry.call(fail, retry.RetryPolicy(attempts=2, total_seconds=1000))
    assert calls == 2


def test_an_address_that_swallows_connections_is_not_waited_for_twice() -> None:
    """Each attempt lasts as long as its time-out, so the time counts, not the number."""
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        raise Unreachable("down")

    with retry.no_waiting(), pytest.raises(Unreachable):
        retry.call(fail, retry.RetryPolicy(unreachable_seconds=0))
    assert calls == 1


def test_once_somebody_asks_for_a_stop_nothing_is_tried_again_and_no_wait_goes_on() -> None:
    calls, asked = 0, False

    def fail() -> None:
        nonlocal calls
        calls += 1
        raise TransientError("down", retry_after=50)

    def stopped(_error: TransientError, _wait: float) -> None:
        nonlocal asked
        asked = True

    began = time.monotonic()
    with waiting.ended_by(lambda: asked), pytest.raises(TransientError, match="down"):
        retry.call(fail, retry.RetryPolicy(), on_retry=stopped)
    assert calls == 1
    assert time.monotonic() - began < 10
    with waiting.ended_by(lambda: asked), waiting.ended_by(lambda: False), pytest.raises(TransientError):
        retry.call(fail, retry.RetryPolicy())  # it was asked from further out
    assert calls == 2
    assert not waiting.is_asked_to_stop()


def test_waits_are_drawn_anew_and_never_exceed_the_cap() -> None:
    waits: list[float] = []

    def fail() -> None:
        raise TransientError("down")

    policy = retry.RetryPolicy(attempts=30, total_seconds=1000, first_seconds=1, max_seconds=4)
    with retry.no_waiting(), pytest.raises(TransientError):
        retry.call(fail, policy, on_retry=lambda _error, wait: waits.append(wait))
    assert len(waits) == 29
    assert 0 <= min(waits) < 2 < max(waits) <= 4


def test_other_errors_leave_at_once() -> None:
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        raise RecordError("bad row", source_id="7", field="email")

    with pytest.raises(RecordError):
        retry.call(fail, retry.RetryPolicy())
    assert calls == 1


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "Wed, 99 Oct 2026"])
def test_a_retry_after_that_makes_no_sense_is_none(value: str) -> None:
    assert http.retry_after(httpx.Response(429, headers={"Retry-After": value})) is None


def test_retry_after_is_seconds_or_a_date() -> None:
    assert http.retry_after(httpx.Response(429, headers={"Retry-After": "2.5"})) == 2.5
    assert http.retry_after(httpx.Response(429, headers={"Retry-After": "-3"})) == 0
    late = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    wait = http.retry_after(httpx.Response(429, headers={"Retry-After": late}))
    assert wait is not None
    assert 80 < wait <= 90


# JSON


def test_a_decimal_is_sent_as_a_number_and_read_back_to_the_last_digit(server: Server) -> None:
    amount = Decimal("12345678901234567890.10")
    with session(server) as opened:
        opened.request("POST", "/", json={"amount": amount, "名称": "华东"})
    (request,) = server.requests()
    assert request.headers["content-type"] == "application/json"
    assert request.body == '{"amount":12345678901234567890.10,"名称":"华东"}'.encode()
    assert rawjson.decode(request.body)["amount"] == amount


BROKEN = [b"", b"{", b"<html>", b'{"a":"\xff"}', b"[" * 100_000, b'{"a":1} x', b"\xef\xbb\xbf{}"]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_bytes_that_are_no_json_are_a_broken_contract(body: bytes) -> None:
    with pytest.raises(ContractError, match="not valid JSON") as caught:
        rawjson.decode(body)
    assert f"{len(body)} bytes" in caught.value.sample
    with pytest.raises(ContractError):
        rawjson.parse(body, msgspec.json.Decoder(dict[str, int]))


def test_json_of_another_shape_is_a_broken_contract_that_shows_no_value() -> None:
    with pytest.raises(ContractError, match="not what the source documents") as caught:
        rawjson.parse(b'{"data":{"email":"li@example.com"}}', msgspec.json.Decoder(dict[str, int]))
    assert caught.value.sample == "{'data': {'email': 'str'}}"


def test_a_shape_hides_values_long_answers_and_keys_that_are_data() -> None:
    body = b'{"li@example.com":{"a":1.5,"b":null,"c":[true,2]},"deep":{"a":{"b":{"c":{"d":1}}}}}'
    assert rawjson.shape(body) == (
        "{'<key>': {'a': 'float', 'b': None, 'c': ['bool', '… 2 items']}, 'deep': {'a': {'b': {'c': '{…}'}}}}"
    )
    assert len(rawjson.shape(b"[" + b",".join(b'{"a":1}' for _ in range(1000)) + b"]")) < 100
    assert len(rawjson.shape(msgspec.json.encode({f"key{n}" * 4: {"x": [{"y": 1}]} for n in range(50)}))) <= 301


# Texts that are no texts


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (rb'{"a":"x\ud83d"}', "x\ufffd"),
        (rb'{"a":"\ude00\uD83Dx"}', "\ufffd\ufffdx"),
        (rb'{"a":"\ud83d\ude00"}', "😀"),
        (rb'{"a":"\\ud83d \n\u4f60"}', "\\ud83d \n你"),
    ],
)
def test_half_a_character_costs_that_character_and_not_the_stream(server: Server, sent: bytes, received: str) -> None:
    server.faults.answer("/", 200, sent)
    with session(server) as opened:
        answer = opened.request("GET", "/")
    assert rawjson.decode(answer.content) == {"a": received}


def test_an_answer_in_another_encoding_ends_the_stream_and_is_not_shown(server: Server) -> None:
    server.faults.answer("/", 200, '{"name":"李雷 13800000000"}'.encode("gbk"))
    with session(server) as opened, pytest.raises(ContractError, match="not in UTF-8") as caught:
        opened.request("GET", "/")
    assert "13800000000" not in str(caught.value)
