"""The base of the stand-in servers: faults come when told and only then, the log tells what was asked."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.http import Server


class Counter:
    """An application that counts what it carried out."""

    def __init__(self) -> None:
        self.done = 0
        self.app = Starlette(routes=[Route("/{path:path}", self.handle, methods=["GET", "POST"])])

    async def handle(self, _request: Request) -> JSONResponse:
        self.done += 1
        return JSONResponse({"done": self.done}, headers={"X-Mark": "kept"})


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def server(counter: Counter) -> Iterator[Server]:
    with Server(counter.app) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=5) as opened:
        yield opened


def test_a_rule_lets_requests_pass_then_breaks_the_next_ones_and_is_used_up(
    server: Server, client: httpx.Client
) -> None:
    server.faults.answer("GET /a", 503, times=2, skip=1)
    assert [client.get("/a").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert server.faults.armed == 0


def test_a_rule_meets_only_what_it_names(server: Server, client: httpx.Client) -> None:
    server.faults.answer(r"POST /a\?q=SELECT Id", 500, {"error": "no"})
    assert client.get("/a").status_code == 200
    assert client.post("/a", params={"q": "SELECT Name"}).status_code == 200
    answer = client.post("/a", params={"q": "SELECT Id FROM Lead"})
    assert answer.json() == {"error": "no"}


@pytest.mark.parametrize(("act", "done"), [(False, 0), (True, 1)])
def test_a_cut_connection_loses_the_answer_before_or_after_acting(
    server: Server, client: httpx.Client, counter: Counter, act: bool, done: int
) -> None:
    server.faults.cut("/", act=act)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/")
    assert counter.done == done
    assert server.requests()[-1].status == 0


def test_a_corrupt_answer_keeps_status_and_headers(server: Server, client: httpx.Client) -> None:
    server.faults.corrupt("/")
    answer = client.get("/")
    assert (answer.status_code, answer.headers["x-mark"], answer.text) == (200, "kept", '{"don')


def test_the_log_keeps_requests_and_what_they_were_answered(server: Server, client: httpx.Client) -> None:
    client.post("/leads", params={"名": "a b"}, json={"x": 1}, headers={"X-Key": "7"})
    (request,) = server.requests("^POST /leads")
    assert request.line == "POST /leads?名=a b"
    assert request.json() == {"x": 1}
    assert request.headers["x-key"] == "7"
    assert request.status == 200
    server.forget()
    assert server.requests() == []


def test_a_stopped_server_frees_its_port_even_with_a_request_hanging(counter: Counter) -> None:
    server = Server(counter.app)
    server.faults.hang("/")
    with httpx.Client(base_url=server.base_url, timeout=0.05) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/")
    server.stop()
    server.stop()
    with Server(counter.app, port=server.port) as again:
        assert httpx.get(again.base_url).status_code == 200
