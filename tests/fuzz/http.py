"""Targets: HTTP answers byte by byte, what the kit makes of headers and packed bodies, and JSON by itself."""

from __future__ import annotations

import gzip
import json
import random
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import httpx
import msgspec
from requests import exceptions as failures
from urllib3.connection import HTTPConnection

from connectors import retry
from connectors.contract import CallStats
from connectors.errors import ConnectorError
from connectors.http import HttpSession, retry_after
from connectors.rawjson import decode, parse, readable, shape
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.transport import TimedSession, from_requests
from tests.fuzz.engine import Target
from tests.fuzz.mutate import Mutate, Words, bytes_, json_

_ONCE = retry.RetryPolicy(attempts=1)
_MOST = 1_000_000
_CONFIG = SalesforceConfig.model_validate({"instance_url": "https://x", "client_id": "c", "client_secret": "s"})


def _classify(response: httpx.Response) -> ConnectorError | None:
    retry_after(response)
    shape(response.content)
    return None


def _read_answer(data: bytes) -> None:
    """Bytes that a server sends, to both clients that we use."""
    stats = CallStats()
    with _sent(data):
        session = HttpSession(
            "http://127.0.0.1:9", stats=stats, classify=_classify, policy=_ONCE, largest_answer=_MOST, timeout=1.0
        )
        try:
            with retry.no_waiting():
                answer = session.request("GET", "/x")
            assert len(answer.content) <= 3 * _MOST
            answer.content.decode()
        except ConnectorError as error:
            str(error).encode()
        finally:
            session.close()
        timed = TimedSession(_CONFIG, lambda _: None)
        try:
            timed.get("http://127.0.0.1:9/x")
        except failures.RequestException as error:
            from_requests(error, "host")
        except ConnectorError:
            pass
        finally:
            timed.close()


@contextmanager
def _sent(data: bytes) -> Iterator[None]:
    """Let every new connection lead to a peer that has sent this, and nothing more."""
    ours: list[socket.socket] = []

    def connect(*_: Any, **__: Any) -> socket.socket:
        near, far = socket.socketpair()
        for end in (near, far):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        far.setblocking(False)
        far.send(data[:100_000] or b"\n")
        far.shutdown(socket.SHUT_WR)
        far.setblocking(True)
        ours.extend((near, far))
        near.settimeout(1.0)
        return near

    with (
        patch.object(socket, "create_connection", connect),
        patch.object(HTTPConnection, "_new_conn", connect),
    ):
        try:
            yield
        finally:
            for end in ours:
                end.close()


def _answers() -> list[bytes]:
    body = json.dumps({"data": [{"_id": "1", "n": 1.50, "t": "\ud83d 文"}], "code": 0}).encode()
    zipped, deflated = gzip.compress(body), zlib.compress(body)
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return [
        head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(zipped) + zipped,
        head + b"Content-Encoding: deflate\r\nConnection: close\r\n\r\n" + deflated,
        head + b"Transfer-Encoding: chunked\r\nSet-Cookie: a=b; Path=/\r\n\r\n" + chunked,
        b"HTTP/1.1 429 Too Many\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"\r\n" + body,
    ]


_LINES = (
    *(
        b"Content-Encoding: gzip",
        b"Content-Encoding: deflate",
        b"Content-Encoding: br",
        b"Content-Encoding: gzip, gzip",
    ),
    *(
        b"Transfer-Encoding: chunked",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: 5",
    ),
    *(b"Retry-After: 1e999", b"Retry-After: nan", b"Retry-After: -1", b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
    *(b"Retry-After: Mon, 99 Foo 2026 99:99:99 +9999", b"Retry-After: " + b"9" * 5_000, b"Retry-After: \xef\xbc\x91"),
    *(
        b"Retry-After: Wed, 21 Oct 2026 07:28:00 -0000",
        b"Location: http://[::1",
        b"Location: //x",
        b"Connection: upgrade",
    ),
    *(
        b"Set-Cookie: a=b; Domain=[; Expires=x",
        b"Set-Cookie: \xff=\xff",
        b"Content-Type: text/x; charset=rot13",
        b": x",
        b" x",
    ),
    *(b"X: " + b"x" * 50_000, b"HTTP/1.1 999 \xff", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No", b"HTTP/9.9 200"),
)


def _answer_mutations(words: Words) -> Mutate:
    body_of = json_(words)

    def mutate(data: bytes, chance: random.Random) -> bytes:
        head, blank, body = data.partition(b"\r\n\r\n")
        match chance.randrange(6):
            case 0:
                return bytes_(data, chance)
            case 1:
                return head + blank + bytes_(body, chance)
            case 2:
                return head + blank + body_of(body, chance)
            case 3:
                body = chance.choice((gzip.compress, zlib.compress, lambda given: given * 20))(body)[:100_000]
                return head + blank + body
        lines = head.split(b"\r\n")
        at = chance.randrange(len(lines) + 1)
        lines[at : at + chance.randrange(2)] = [chance.choice(_LINES)]
        return b"\r\n".join(lines) + blank + body

    return mutate


# JSON by itself.


class _Row(msgspec.Struct):
    id: str
    amount: Decimal | None = None
    rest: msgspec.Raw = msgspec.Raw(b"")


_rows = msgspec.json.Decoder(list[_Row])


def _read_json(data: bytes) -> None:
    try:
        body = readable(data)
        shape(body).encode()
        _no_float(decode(body))
        parse(body, _rows)
    except ConnectorError as error:
        str(error).encode()


def _no_float(value: Any) -> None:
    assert not isinstance(value, float)
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _no_float(item)


def _documents() -> list[bytes]:
    return [
        b'[{"id":"a","amount":"12.50","rest":{"x":[1,2,{"y":null}]}},{"id":"b","amount":1.5,"rest":1e3}]',
        '[{"id":"\\ud83d\\ude00 \\ud83d","name":"测试\\u0000","n":-0.0,"b":true}]'.encode(),
        b'{"records":[{"Id":"1","Amount":123456789012345678901234567890.123}],"done":true}',
    ]


_PARTS = ("HTTP answers as bytes: status, headers, Retry-After, chunks, gzip, deflate",)
TARGETS = [
    Target("http", _PARTS, _answers, _answer_mutations, _read_answer),
    Target("json", ("JSON of any answer (rawjson)",), _documents, json_, _read_json),
]
