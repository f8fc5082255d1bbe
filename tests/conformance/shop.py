"""A small Python connector to the made-up shop, right in all that it does unless it is to be wrong in one thing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
import msgspec
from pydantic import BaseModel, ConfigDict, SecretStr

from conformance.generic.world import GenericWorld
from conformance.needs import Need
from connectors import retry
from connectors.contract import (
    OVERTAKEN,
    Change,
    CheckLine,
    Connector,
    Cursor,
    Deletes,
    Delivery,
    Inbound,
    NewRecord,
    Notice,
    Outcome,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Webhooks,
    Window,
)
from connectors.errors import ConnectorError, ContractError, QuotaError, RecordError, TransientError
from connectors.http import HttpSession, by_status, retry_after
from connectors.network import Network
from connectors.places import Place
from connectors.rawjson import decode, parse
from connectors.signatures import Signature, Timestamp, identify, verify

_SIGNATURE = Signature(
    scheme="hmac-sha256",
    header="X-Shop-Signature",
    signed="{timestamp}.{body}",
    timestamp=Timestamp(header="X-Shop-Time"),
    id=Place(header="X-Shop-Delivery"),
)
_OVERLAP_MS = 120_000


class _Rows(msgspec.Struct):
    rows: list[msgspec.Raw]


class _Head(msgspec.Struct):
    id: int
    changed: int


_rows, _head = msgspec.json.Decoder(_Rows), msgspec.json.Decoder(_Head)


class _Following(httpx.BaseTransport):
    """Goes wherever an answer sends it."""

    def __init__(self, below: httpx.BaseTransport) -> None:
        self._client = httpx.Client(transport=below, follow_redirects=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._client.send(request)
        headers = [pair for pair in answer.headers.multi_items() if pair[0] != "content-encoding"]
        return httpx.Response(answer.status_code, headers=headers, content=answer.content)

    def close(self) -> None:
        self._client.close()


class ShopConfig(BaseModel):
    """What it is told."""

    model_config = ConfigDict(extra="ignore")

    base_url: str
    token: SecretStr
    webhook_secret: SecretStr
    page_size: int = 100
    timeout_seconds: float = 30.0


class Shop(Connector[ShopConfig]):
    """``wrong`` is the one thing that a subclass does wrong."""

    name: ClassVar[str] = "shop"
    Config: ClassVar[type[BaseModel]] = ShopConfig
    wrong: ClassVar[str] = ""

    def __init__(self, config: ShopConfig) -> None:
        super().__init__(config)
        self._session = HttpSession(
            config.base_url,
            stats=self.stats,
            classify=self._failure,
            authenticate=self._credentials,
            timeout=config.timeout_seconds,
            network=Network(),
            policy=retry.RetryPolicy(attempts=6, total_seconds=100.0),
        )
        if self.wrong == "follows redirects":
            self._session._transport = _Following(self._session._transport)

    def close(self) -> None:
        self._session.close()

    def streams(self) -> Sequence[StreamSpec]:
        deletes = Deletes.SWEEP if self.wrong in ("half a sweep", "a sweep") else Deletes.TOMBSTONES
        return [
            StreamSpec(
                "order",
                "order",
                cursor_field="changed",
                deletes=deletes,
                writable=("status", "note"),
                creatable="ref",
                webhooks=Webhooks.HINT,
            )
        ]

    def check(self) -> Iterable[CheckLine]:
        try:
            self._list({"size": 1})
        except ConnectorError as error:
            return [CheckLine("order", False, error.message, error.remedy)]
        return [CheckLine("order", True, "readable")]

    # Reading

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        held = {} if window.full else dict(cursor or {})
        scan = held.get("scan")
        if scan is None or window.since is not None:
            scan = {"since": self._since(held, window), "until": _ms(window.until), "after": None}
        kept = {"since": held["since"]} if "since" in held else {}
        pages = self._pages(scan)
        if self.wrong == "reads all before it delivers":
            pages = iter(list(pages))
        reached: list[int] | None = None
        for records, after in pages:
            if after is None:
                leaps = "since" in held and window.since is not None and _ms(window.since) > held["since"]
                end = kept if leaps and self.wrong != "leaps" else {"since": self._end(scan, reached)}
                yield Page(records, end, complete=True, deleted_ids=self._deleted(scan["since"]))
                return
            reached = after
            if self.wrong == "moves the cursor before it delivers":
                after = [after[0], after[1] + self.config.page_size]
            yield Page(records, {**kept, "scan": {**scan, "after": after}})

    def _since(self, held: Mapping[str, Any], window: Window) -> int | None:
        if window.since is not None:
            return _ms(window.since)
        if "since" not in held:
            return None
        if self.wrong == "no overlap":
            return int(held["since"])
        if self.wrong == "greater instead of greater or equal":
            return int(held["since"]) + 1
        return int(held["since"]) - _OVERLAP_MS

    def _end(self, scan: Mapping[str, Any], reached: Sequence[int] | None) -> int:
        if self.wrong == "takes its own now for the end":
            return int(scan["until"]) + 3_600_000
        if self.wrong == "greater instead of greater or equal":
            return int(reached[0] if reached else scan["since"] or 0)
        return int(scan["until"])

    def _pages(self, scan: Mapping[str, Any]) -> Iterator[tuple[list[RawRecord], list[int] | None]]:
        after = scan["after"]
        while True:
            query = {"size": self.config.page_size, "until": scan["until"]}
            query |= {} if scan["since"] is None else {"since": scan["since"]}
            query |= {} if after is None else {"at": after[0], "id": after[1]}
            records = self._list(query)
            last = not records
            if self.wrong == "a short page is the last":
                last = len(records) < self.config.page_size
            if last:
                yield records, None
                return
            after = [(records[-1].version or 0) // 1000, int(records[-1].source_id)]
            yield records, after

    def _list(self, query: Mapping[str, Any]) -> list[RawRecord]:
        content = self._session.request("GET", "/orders", params=query).content
        if self.wrong == "takes what it cannot read for nothing":
            try:
                rows = _rows.decode(content).rows
            except msgspec.DecodeError:
                rows = []
        elif self.wrong == "takes an error for an empty list":
            rows = [msgspec.Raw(msgspec.json.encode(row)) for row in decode(content).get("rows", [])]
        else:
            rows = parse(content, _rows).rows
        return [self._record(bytes(row)) for row in rows]

    def _record(self, body: bytes) -> RawRecord:
        head = parse(body, _head)
        if self.wrong == "parses floats":
            body = json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
        return RawRecord(str(head.id), body, head.changed * 1000)

    def _deleted(self, since: int | None) -> list[str]:
        if self.wrong in ("tells of no deletions", "half a sweep", "a sweep"):
            return []
        query = {} if since is None else {"since": since}
        told = decode(self._session.request("GET", "/deleted", params=query).content)["ids"]
        return [str(item["id"]) for item in told]

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        until = _ms(datetime(2100, 1, 1, tzinfo=UTC))
        guard = contextlib.suppress(ConnectorError) if self.wrong == "half a sweep" else contextlib.nullcontext()
        with guard:
            for records, _ in self._pages({"since": None, "until": until, "after": None}):
                yield [record.source_id for record in records]

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        for source_id in ids:
            found = self._one(source_id)
            if found is not None:
                yield [found[0]]

    def _one(self, source_id: str) -> tuple[RawRecord, str] | None:
        try:
            answer = self._session.request("GET", f"/orders/{source_id}")
        except RecordError:
            return None
        return self._record(answer.content), answer.headers["etag"]

    # Writing

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        failures = 0
        for change in changes:
            if failures >= 2:
                yield PushResult(change.source_id, Outcome.RETRY, "The shop is down.")
                continue
            try:
                result = self._change(change)
            except RecordError as error:
                result = PushResult(change.source_id, Outcome.REJECTED, str(error))
            except TransientError as error:
                result = PushResult(change.source_id, Outcome.UNKNOWN if error.sent else Outcome.RETRY, str(error))
            failures = failures + 1 if result.outcome in (Outcome.UNKNOWN, Outcome.RETRY) else 0
            yield result

    def _change(self, change: Change) -> PushResult:
        if set(change.values) - {"status", "note"} and self.wrong != "writes any field":
            return PushResult(change.source_id, Outcome.REJECTED, "This field is not written.")
        try:
            found = self._one(change.source_id)
        except TransientError as error:
            return PushResult(change.source_id, Outcome.RETRY, str(error))
        if found is None:
            return PushResult(change.source_id, Outcome.REJECTED, "The order does not exist any more.")
        record, etag = found
        shown = decode(record.body)
        if all(shown[name] == value for name, value in change.values.items()) and self.wrong != "sends what is shown":
            return PushResult(change.source_id, Outcome.UNCHANGED, record=record)
        if self.wrong != "does not compare":
            if change.is_overtaken(record):
                return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, record)
            if any(shown[name] != value for name, value in change.expected.items()):
                return PushResult(change.source_id, Outcome.CONFLICT, "It was changed since.", record)
        return self._send(change, etag)

    def _send(self, change: Change, etag: str) -> PushResult:
        values, headers = dict(change.values), {"If-Match": etag}
        if self.wrong == "writes unconditionally":
            headers = {}
        if self.wrong == "writes the whole record":
            before = decode(change.body)
            values = {"kit_text": before["kit_text"], "note": before["note"], "status": before["status"], **values}
        try:
            safe = self.wrong in ("repeats writes blindly", "writes unconditionally")
            self._session.request("PATCH", f"/orders/{change.source_id}", json=values, headers=headers, safe=safe)
        except RecordError as error:
            outcome = Outcome.CONFLICT if "412" in error.message else Outcome.REJECTED
            return PushResult(change.source_id, outcome, error.message)
        except TransientError as error:
            if not error.sent:
                raise
            if self.wrong == "calls done what was sent":
                return PushResult(change.source_id, Outcome.APPLIED)
            found = self._one(change.source_id)
            done = found and all(decode(found[0].body)[name] == value for name, value in change.values.items())
            outcome = Outcome.APPLIED if done else Outcome.UNKNOWN
            return PushResult(change.source_id, outcome, error.message, found[0] if found else None)
        found = self._one(change.source_id)
        shown = found[0] if found else None
        if shown and self.wrong == "shows another version":
            shown = RawRecord(shown.source_id, shown.body + b" ", shown.version)
        return PushResult(change.source_id, Outcome.APPLIED, record=shown)

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        found: dict[str, Sequence[RawRecord]] = {}
        for key in keys:
            rows = parse(self._session.request("GET", "/found", params={"ref": key}).content, _rows).rows
            if rows:
                found[key] = [self._record(bytes(row)) for row in rows]
        return found

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        for record in records:
            known = self.find(stream, [record.key]) if self.wrong != "does not look before it creates" else {}
            if known:
                yield PushResult(known[record.key][0].source_id, Outcome.UNCHANGED, key=record.key)
                continue
            outcome, message = Outcome.UNKNOWN, "It is not shown so far."
            try:
                self._session.request(
                    "POST", "/orders", json=record.values, safe=self.wrong == "repeats creations blindly"
                )
            except TransientError as error:
                outcome, message = Outcome.UNKNOWN if error.sent else Outcome.RETRY, error.message
            except RecordError as error:
                outcome, message = Outcome.REJECTED, error.message
            made = self.find(stream, [record.key]) if outcome is Outcome.UNKNOWN else {}
            if made:
                yield PushResult(made[record.key][0].source_id, Outcome.APPLIED, key=record.key)
            else:
                yield PushResult("", outcome, message, key=record.key)

    # Webhooks

    def receive(self, request: Inbound) -> Delivery:
        if self.wrong != "believes everybody":
            verify(_SIGNATURE, [self.config.webhook_secret], request, self._now(request))
        told = decode(request.body)
        if self.wrong != "takes any event for a change" and told["event"] not in ("changed", "deleted"):
            return Delivery(identify(_SIGNATURE, request))
        named = "" if self.wrong == "gives no delivery an id" else identify(_SIGNATURE, request)
        return Delivery(named, [Notice("order", str(told.get("id")), deleted=told["event"] == "deleted")])

    def _now(self, request: Inbound) -> datetime:
        if self.wrong == "does not look at the time":
            return datetime.fromtimestamp(int(request.headers["x-shop-time"]), UTC)
        return datetime.now(UTC)

    # Traffic

    def _credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.config.token.get_secret_value()}"}

    def _failure(self, response: httpx.Response) -> ConnectorError | None:
        status = response.status_code
        if self.wrong == "shows its token" and status >= 400:
            return ContractError(f"Refused: {self.config.token.get_secret_value()}")
        if self.wrong == "does not know wrong credentials" and status == 401:
            return TransientError("Not now.", sent=False)
        if status == 429 and self.wrong == "does not wait as long as it is told":
            return TransientError("Not now.", sent=False, retry_after=0.0)
        if status in (404, 409, 412, 422):
            return RecordError(f"The shop refused it (HTTP {status}).")
        if self.wrong == "repeats without end" and status == 503:
            for _ in range(50):
                httpx.get(str(response.request.url), headers=self._credentials())
        if status != 200 or b'"error"' not in response.content[:40]:
            return by_status(response)
        if self.wrong in ("takes an error for an empty list", "takes what it cannot read for nothing"):
            return None
        code = decode(response.content).get("error", {}).get("code")
        if code == "quota" and self.wrong != "does not know a used-up quota":
            return QuotaError("The shop allows no more.", reset_after=retry_after(response))
        return RecordError("The shop refused it.") if code == "refused" else TransientError("Not now.")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class ShopWorld(GenericWorld):
    """The shop's stand-in, made of its manifest."""

    manifest_file = Path(__file__).with_name("shop.yaml")
    connector_kind: ClassVar[type[Shop]] = Shop

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # The connector takes the source's clock for ours.
        self.can = self.can - {Need.SKEW}

    def kind(self) -> type[Connector[Any]]:
        return self.connector_kind


def world_with(wrong: str) -> type[ShopWorld]:
    """The shop, and a connector that is wrong in this."""
    kind = type("WrongShop", (Shop,), {"wrong": wrong})
    return type("WrongWorld", (ShopWorld,), {"connector_kind": kind})
