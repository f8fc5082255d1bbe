"""A server's answers as one input: taken down from a stand-in, and played to a connector instead of the network.

An input is an operation (``pull lead``) and the answers it meets, with ``SEPARATOR`` between them. An answer is a line
with its status and its headers (tabs between them), then its body. Who asks further than the answers go finds nobody.
"""

from __future__ import annotations

import io
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import httpx
import requests
import urllib3
from requests.adapters import HTTPAdapter

SEPARATOR = b"\n\x1e\n"
_DROPPED = ("content-encoding", "content-length", "transfer-encoding", "connection", "server")


class Answer(NamedTuple):
    """One answer; ``headers`` are lines."""

    status: int
    headers: Sequence[str]
    body: bytes


def pack(operation: str, answers: Sequence[Answer]) -> bytes:
    """An operation and its answers as one input."""
    heads = ["\t".join((f"{answer.status} ", *answer.headers)).encode("latin-1", "replace") for answer in answers]
    frames = [head + b"\n" + answer.body for head, answer in zip(heads, answers, strict=True)]
    return SEPARATOR.join((operation.encode(), *frames))


def unpack(data: bytes) -> tuple[str, list[Answer]]:
    """The operation and the answers of any input."""
    first, *frames = data.split(SEPARATOR)
    return first.decode("utf-8", "replace"), [_answer(frame) for frame in frames]


def _answer(frame: bytes) -> Answer:
    head, _, body = frame.partition(b"\n")
    status, *lines = head.decode("latin-1").split("\t")
    digits = "".join(sign for sign in status[:3] if sign in "0123456789")
    # What the HTTP libraries themselves let through: printable header values, statuses of three digits.
    headers = ["".join(sign for sign in line if " " <= sign != "\x7f") for line in lines]
    return Answer(max(200, int(digits or 200)), [line for line in headers if ":" in line], body)


def _fields(answer: Answer) -> list[tuple[str, str]]:
    pairs = (line.split(":", 1) for line in answer.headers)
    known = [(name.strip(), value.strip()) for name, value in pairs]
    token = "!#$%&'*+-.^_`|~"
    return [
        (name, value)
        for name, value in known
        if name and all(c.isascii() and (c.isalnum() or c in token) for c in name)
    ]


class _Body(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        half = len(self._body) // 2
        yield from (self._body[:half], self._body[half:])


@contextmanager
def playing(answers: Sequence[Answer]) -> Iterator[None]:
    """Let every client of httpx and requests meet these answers, whatever it asks."""
    waiting = deque(answers)

    def for_httpx(_self: Any, request: httpx.Request) -> httpx.Response:
        if not waiting:
            raise httpx.ConnectError("the answers are used up", request=request)
        answer = waiting.popleft()
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in _fields(answer)]
        return httpx.Response(answer.status, headers=fields, stream=_Body(answer.body))

    def for_requests(self: Any, request: Any, **_: Any) -> requests.Response:
        if not waiting:
            raise requests.ConnectTimeout("the answers are used up", request=request)
        answer = waiting.popleft()
        raw = urllib3.HTTPResponse(
            io.BytesIO(answer.body),
            headers=urllib3.HTTPHeaderDict(_fields(answer)),
            status=answer.status,
            preload_content=False,
            decode_content=False,
        )
        made: requests.Response = self.build_response(request, raw)
        return made

    with (
        patch.object(httpx.HTTPTransport, "handle_request", for_httpx),
        patch.object(HTTPAdapter, "send", for_requests),
    ):
        yield


@contextmanager
def taken_down() -> Iterator[list[Answer]]:
    """The answers that clients get meanwhile, unpacked."""
    found: list[Answer] = []
    from_httpx, from_requests = httpx.HTTPTransport.handle_request, HTTPAdapter.send

    def keep(status: int, headers: Any, body: bytes) -> None:
        lines = [f"{name}: {value}" for name, value in headers if name.lower() not in _DROPPED]
        found.append(Answer(status, lines, body))

    def for_httpx(self: Any, request: httpx.Request) -> httpx.Response:
        answer = from_httpx(self, request)
        body = answer.read()
        answer.close()
        keep(answer.status_code, answer.headers.multi_items(), body)
        kept = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _DROPPED]
        return httpx.Response(answer.status_code, headers=kept, stream=_Body(body))

    def for_requests(self: Any, request: Any, **options: Any) -> requests.Response:
        answer: requests.Response = from_requests(self, request, **options)
        packed = answer.raw.read(decode_content=False)
        zipped = answer.headers.get("Content-Encoding") == "gzip"
        keep(answer.status_code, answer.headers.items(), zlib.decompress(packed, 31) if zipped else packed)
        answer.raw = urllib3.HTTPResponse(io.BytesIO(packed), headers=answer.raw.headers, preload_content=False)
        return answer

    with (
        patch.object(httpx.HTTPTransport, "handle_request", for_httpx),
        patch.object(HTTPAdapter, "send", for_requests),
    ):
        yield found
