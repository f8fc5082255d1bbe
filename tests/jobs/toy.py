"""A system small enough to see through: a server that counts every write, and its connector."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import httpx
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.contract import (
    OVERTAKEN,
    Change,
    CheckLine,
    Connector,
    Cursor,
    Deletes,
    NewRecord,
    Outcome,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Window,
)
from connectors.errors import ConnectorError, ContractError, QuotaError, TransientError, unsent_over_quota
from connectors.http import HttpSession
from connectors.retry import RetryPolicy
from sandbox.http import Server


class ToySystem:
    """Records by stream; every change gets the next revision of the whole system."""

    def __init__(self, streams: dict[str, list[dict[str, Any]]]) -> None:
        self._lock = threading.Lock()
        self.fill(streams)
        self.server = Server(
            Starlette(
                routes=[
                    Route("/{stream}", self._watched(self._list)),
                    Route("/{stream}", self._watched(self._create), methods=["POST"]),
                    Route("/{stream}/{id}", self._watched(self._read)),
                    Route("/{stream}/{id}", self._watched(self._write), methods=["PATCH"]),
                ]
            )
        )
        self.server.__enter__()

    def fill(self, streams: dict[str, list[dict[str, Any]]]) -> None:
        """Begin anew with these records."""
        self.revision = 0
        self.streams: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in streams}
        self.writes: list[tuple[str, str, dict[str, Any], str]] = []
        """What clients changed: stream, id, values, idempotency key."""
        self.created: list[tuple[str, dict[str, Any], str]] = []
        """What clients created: stream, values, idempotency key."""
        self.deaf: set[str] = set()
        """Fields that are accepted and not stored."""
        self.rewrite: dict[str, Callable[[Any], Any]] = {}
        """What the system makes of the values that clients write, by field."""
        self.watch: Callable[[], None] | None = None
        """Called before a request is carried out, and after, before it is answered."""
        for name, records in streams.items():
            for record in records:
                self.edit(name, record["id"], record)

    @property
    def url(self) -> str:
        return self.server.base_url

    def edit(self, stream: str, source_id: str, values: dict[str, Any]) -> None:
        """What a person does in the system itself."""
        self.revision += 1
        record = self.streams[stream].setdefault(source_id, {"id": source_id})
        record.update(values)
        record["revision"] = self.revision

    def remove(self, stream: str, source_id: str) -> None:
        """Delete a record; only a list of all ids shows it."""
        del self.streams[stream][source_id]

    def values(self, stream: str, field: str) -> dict[str, Any]:
        """What each record of a stream shows in a field."""
        return {source_id: record.get(field) for source_id, record in self.streams[stream].items()}

    def close(self) -> None:
        self.server.stop()

    def _watched(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def watched(request: Request) -> Response:
            self._saw()
            answer = await handle(request)
            self._saw()
            return answer

        return watched

    def _saw(self) -> None:
        if self.watch is not None:
            self.watch()

    async def _list(self, request: Request) -> Response:
        with self._lock:
            since = int(request.query_params.get("since", 0))
            size = int(request.query_params.get("size", 100))
            keys = request.query_params.getlist("key")
            found = [
                item
                for item in self.streams[request.path_params["stream"]].values()
                if (item.get("key") in keys if keys else item["revision"] > since)
            ]
            found.sort(key=lambda item: int(item["revision"]))
            return JSONResponse({"data": found[:size], "more": len(found) > size})

    async def _read(self, request: Request) -> Response:
        with self._lock:
            record = self.streams[request.path_params["stream"]].get(request.path_params["id"])
            return JSONResponse(record) if record else JSONResponse({}, status_code=404)

    async def _create(self, request: Request) -> Response:
        asked = await request.json()
        with self._lock:
            stream = request.path_params["stream"]
            self.created.append((stream, asked, request.headers["idempotency-key"]))
            source_id = f"n{len(self.created)}"
            self.edit(stream, source_id, asked)
            return JSONResponse(self.streams[stream][source_id])

    async def _write(self, request: Request) -> Response:
        asked = await request.json()
        with self._lock:
            stream, source_id = request.path_params["stream"], request.path_params["id"]
            record = self.streams[stream][source_id]
            if record["revision"] != asked["revision"]:
                return JSONResponse({}, status_code=409)
            self.writes.append((stream, source_id, asked["values"], request.headers["idempotency-key"]))
            taken = {name: value for name, value in asked["values"].items() if name not in self.deaf}
            self.edit(stream, source_id, {k: self.rewrite.get(k, lambda v: v)(v) for k, v in taken.items()})
            return JSONResponse(record)


class ToyConfig(BaseModel):
    """Where the system listens."""

    url: str
    page: int = 3
    streams: list[str]
    entities: list[str]
    creatable: list[str] = []
    refuses_doubles: bool = False
    timeout_seconds: float = 5
    tells_unsent: bool = True
    """Whether it says of a quota that is used up that nothing was sent."""


class Refused(ConnectorError):
    """The system says no to one record."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def _classify(response: httpx.Response) -> ConnectorError | None:
    if response.status_code == httpx.codes.PAYMENT_REQUIRED:
        return QuotaError("The toy allows no more today.", reset_after=3600)
    return Refused(response.status_code) if response.status_code in (404, 409, 422) else None


class Toy(Connector[ToyConfig]):
    """Incremental by revision, conditional by revision."""

    name = "toy"
    Config = ToyConfig
    settle_seconds = 0.0

    def __init__(self, config: ToyConfig) -> None:
        super().__init__(config)
        policy = RetryPolicy(attempts=2, total_seconds=1, first_seconds=0.01, max_seconds=0.01)
        self._http = HttpSession(
            config.url, stats=self.stats, classify=_classify, policy=policy, timeout=config.timeout_seconds
        )

    def close(self) -> None:
        self._http.close()

    def streams(self) -> list[StreamSpec]:
        named = zip(self.config.streams, self.config.entities, strict=True)
        return [self._spec(name, entity) for name, entity in named]

    def _spec(self, name: str, entity: str) -> StreamSpec:
        key = "key" if name in self.config.creatable else None
        more = {"creatable": key, "refuses_doubles": self.config.refuses_doubles}
        return StreamSpec(name, entity, "revision", Deletes.SWEEP, **more)  # type: ignore[arg-type]

    def check(self) -> Iterable[CheckLine]:
        return []

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        since = 0 if cursor is None or window.full else int(cursor["since"])
        while True:
            params = {"since": since, "size": self.config.page}
            answer = json.loads(self._http.request("GET", f"/{stream}", params=params).content)
            records = [_raw(item) for item in answer["data"]]
            since = max([since, *(record.version or 0 for record in records)])
            yield Page(records, {"since": since}, complete=not answer["more"])
            if not answer["more"]:
                return

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        answer = json.loads(self._http.request("GET", f"/{stream}", params={"size": 10_000}).content)
        yield [item["id"] for item in answer["data"]]

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        for change in changes:
            try:
                with unsent_over_quota() if self.config.tells_unsent else nullcontext():
                    result = self._write(stream, change)
                yield result
            except Refused as error:
                outcome = Outcome.CONFLICT if error.status == 409 else Outcome.REJECTED
                yield PushResult(change.source_id, outcome, error.message)
            except TransientError as error:
                if not error.sent:
                    raise
                yield PushResult(change.source_id, Outcome.UNKNOWN, error.message)

    def _write(self, stream: str, change: Change) -> PushResult:
        path = f"/{stream}/{change.source_id}"
        shown = json.loads(self._http.request("GET", path).content)
        if all(shown.get(name) == value for name, value in change.values.items()):
            return PushResult(change.source_id, Outcome.UNCHANGED, record=_raw(shown))
        if change.is_overtaken(_raw(shown)):
            return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, _raw(shown))
        if any(shown.get(name) != value for name, value in change.expected.items()):
            return PushResult(change.source_id, Outcome.CONFLICT, "somebody else changed it", _raw(shown))
        body = {"values": change.values, "revision": shown["revision"]}
        key = {"idempotency-key": change.idempotency_key}
        answer = self._http.request("PATCH", path, json=body, headers=key, safe=False)
        try:
            return PushResult(change.source_id, Outcome.APPLIED, record=_raw(json.loads(answer.content)))
        except ValueError as error:
            raise ContractError("The answer is no JSON.") from error

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        answer = json.loads(self._http.request("GET", f"/{stream}", params={"size": 10_000, "key": list(keys)}).content)
        found: dict[str, Sequence[RawRecord]] = {}
        for item in answer["data"]:
            found[item["key"]] = [*found.get(item["key"], ()), _raw(item)]
        return found

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """Does not look itself, so that a test sees whether its caller did."""
        for record in records:
            key = {"idempotency-key": record.idempotency_key}
            try:
                body = json.loads(json.dumps(record.values, default=str))
                with unsent_over_quota() if self.config.tells_unsent else nullcontext():
                    answer = self._http.request("POST", f"/{stream}", json=body, headers=key, safe=False)
                made = _raw(json.loads(answer.content))
                yield PushResult(made.source_id, Outcome.APPLIED, record=made, key=record.key)
            except Refused as error:
                yield PushResult("", Outcome.REJECTED, error.message, key=record.key)
            except TransientError as error:
                if not error.sent:
                    raise
                yield PushResult("", Outcome.UNKNOWN, error.message, key=record.key)


def _raw(item: dict[str, Any]) -> RawRecord:
    return RawRecord(item["id"], json.dumps(item, sort_keys=True).encode(), item["revision"])
