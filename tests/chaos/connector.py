"""The connector of the simulated systems: keyset paging by (stamp, id) over closed windows, conditional writes.

It reads and writes the way the shipped connectors do, through the same HTTP session. ``SETTLE``, ``OVERLAP`` and the
bound of a page are what the switches of ``tests.chaos.broken`` take away.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel

from connectors.contract import (
    OVERTAKEN,
    Arrival,
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
from connectors.errors import ConnectorError, ContractError, TransientError, WebhookRefused
from connectors.http import HttpSession
from connectors.retry import RetryPolicy
from tests.chaos.source import KEY

SECOND = 1_000_000
OVERLAP = 180 * SECOND
"""Longer than a commit takes to show (90 s), and by as much more as a stamp may be cut (60 s)."""
RESEND_UNSAFE = False
"""Whether a write without an answer is sent again at once."""


class SimConfig(BaseModel):
    """Where the system listens and what it offers."""

    url: str
    page: int = 3
    streams: dict[str, str]
    """Stream → canonical entity."""
    tombstones: bool = True
    versions: str = "revision"
    """What tells an older state of a record from a newer one: its ``revision``, its ``stamp`` or nothing."""
    batch: int = 1
    """How many changes go into one request."""
    lags: bool = False
    """Whether reads of one record may lag behind lists."""
    creates: str = ""
    """What keeps the system from making a record twice (``source.Traits``)."""


WEBHOOK_KEY = b"simulated"


def signature(body: bytes) -> str:
    """How the systems sign what they send."""
    return hmac.new(WEBHOOK_KEY, body, "sha256").hexdigest()


class Refusal(ConnectorError):
    """The system says no."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def _classify(response: httpx.Response) -> ConnectorError | None:
    return Refusal(response.status_code) if response.status_code in (404, 409, 410) else None


class Sim(Connector[SimConfig]):
    """Incremental by (stamp, id), conditional by revision."""

    name: ClassVar[str] = "sim"
    Config: ClassVar[type[BaseModel]] = SimConfig
    settle_seconds: ClassVar[float] = 5.0

    def __init__(self, config: SimConfig) -> None:
        super().__init__(config)
        self._token = ""
        self._http = HttpSession(
            config.url,
            stats=self.stats,
            classify=_classify,
            policy=RetryPolicy(attempts=3, total_seconds=30),
            authenticate=lambda: {"Authorization": f"Bearer {self._token or self._fetch_token()}"},
            reauthenticate=lambda: bool(self._fetch_token()),
        )

    def _fetch_token(self) -> str:
        self._token = TOKENS(self.config.url)
        return self._token

    def close(self) -> None:
        self._http.close()

    def streams(self) -> list[StreamSpec]:
        deletes = Deletes.TOMBSTONES if self.config.tombstones else Deletes.SWEEP
        entities = self.config.streams.items()
        more: Any = {"creatable": KEY, "refuses_doubles": self.config.creates in ("key", "unique")}
        more |= {"webhooks": Webhooks.HINT, "fetch_lags": self.config.lags}
        return [StreamSpec(name, entity, "stamp", deletes, **more) for name, entity in entities]

    def check(self) -> Iterable[CheckLine]:
        return []

    def _get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        try:
            return json.loads(self._http.request("GET", path, params=params).content)
        except ValueError as error:
            raise ContractError("The answer is no JSON.") from error

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        held = None if window.full else cursor
        ahead = int(self._get("/time")["now"]) - _now()
        until = int(window.until.timestamp() * SECOND) + ahead
        try:
            yield from self._pages(stream, held, until)
        except Refusal as error:
            if error.status != 410 or held is None:
                raise
            yield from self._pages(stream, None, until)

    def _pages(self, stream: str, held: Cursor | None, until: int) -> Iterator[Page]:
        if held is not None and "after" in held:
            yield from self._span(stream, held["since"], held["until"], held["after"], final=until <= held["until"])
            if until <= held["until"]:
                return
        if held is not None:
            until = max(until, held["until"])
        yield from self._span(stream, 0 if held is None else held["until"] - OVERLAP, until, None, final=True)

    def _span(self, stream: str, since: int, until: int, after: Any, *, final: bool) -> Iterator[Page]:
        while True:
            params: dict[str, Any] = {"since": max(since, 0), "until": until, "size": self.config.page}
            if after is not None:
                params |= {"after_stamp": after[0], "after_id": after[1]}
            shown = self._get(f"/{stream}", params)["data"]
            records = [self._raw(item) for item in shown if not item.get("deleted")]
            deleted = [item["id"] for item in shown if item.get("deleted")]
            if len(shown) < self.config.page:
                yield Page(records, {"until": until}, complete=final, deleted_ids=deleted)
                return
            after = behind(shown[-1])
            yield Page(records, {"since": since, "until": until, "after": after}, deleted_ids=deleted)

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        after = ""
        while True:
            found = self._get(f"/{stream}/ids", {"after": after, "size": self.config.page})["ids"]
            yield found
            if len(found) < self.config.page:
                return
            after = found[-1]

    def receive(self, request: Inbound) -> Delivery:
        if not hmac.compare_digest(request.headers["x-signature"], signature(request.body)):
            raise WebhookRefused("The signature is wrong.")
        told = json.loads(request.body)
        if "record" in told:
            return Delivery(told["delivery"], arrivals=[Arrival(told["stream"], self._raw(told["record"]))])
        version = told.get(self.config.versions) if told["deleted"] else None
        return Delivery(told["delivery"], [Notice(told["stream"], told["id"], told["deleted"], version)])

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        for source_id in ids:
            try:
                yield [self._raw(self._get(f"/{stream}/{source_id}"))]
            except Refusal as error:
                if error.status != 404:
                    raise

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        if self.config.batch > 1:
            for start in range(0, len(changes), self.config.batch):
                yield from self._batch(stream, changes[start : start + self.config.batch])
            return
        for change in changes:
            try:
                yield self._write(stream, change)
            except (Refusal, TransientError) as error:
                yield _failed(change, error)

    def _write(self, stream: str, change: Change) -> PushResult:
        shown = self._get(f"/{stream}/{change.source_id}")
        known = self._judged(change, shown)
        if known is not None:
            return known
        headers = {"idempotency-key": change.idempotency_key, "if-match": str(shown["revision"])}
        path = f"/{stream}/{change.source_id}"
        answer = self._http.request("PATCH", path, json=change.values, headers=headers, safe=RESEND_UNSAFE)
        return self.applied(change, answer)

    def _judged(self, change: Change, shown: dict[str, Any]) -> PushResult | None:
        """What is clear without writing."""
        if all(shown.get(name) == value for name, value in change.values.items()):
            return PushResult(change.source_id, Outcome.UNCHANGED, record=self._raw(shown))
        if change.is_overtaken(self._raw(shown)):
            return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, self._raw(shown))
        if any(shown.get(name) != value for name, value in change.expected.items()):
            return PushResult(change.source_id, Outcome.CONFLICT, "somebody else changed it", self._raw(shown))
        return None

    def _batch(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """All in one request; the answer tells of each."""
        sent: dict[str, Change] = {}
        items = []
        for change in changes:
            try:
                shown = self._get(f"/{stream}/{change.source_id}")
            except (Refusal, TransientError) as error:
                yield _failed(change, error)
                continue
            known = self._judged(change, shown)
            if known is not None:
                yield known
                continue
            sent[change.source_id] = change
            item = {"id": change.source_id, "values": change.values, "key": change.idempotency_key}
            items.append({**item, "revision": str(shown["revision"])})
        if not sent:
            return
        try:
            answer = self._http.request("POST", f"/{stream}/batch", json=items, safe=RESEND_UNSAFE)
            told = json.loads(answer.content)["results"]
        except TransientError as error:
            yield from (_failed(change, error) for change in sent.values())
            return
        except ValueError:
            yield from (PushResult(name, Outcome.UNKNOWN, "the answer broke off") for name in sent)
            return
        yield from (self._part(sent[item["id"]], item) for item in told)

    def _part(self, change: Change, told: dict[str, Any]) -> PushResult:
        """What became of one change of a batch."""
        match told["status"]:
            case 200:
                return PushResult(change.source_id, Outcome.APPLIED, record=self._raw(told["record"]))
            case 503:
                return PushResult(change.source_id, Outcome.RETRY, "not carried out")
        return _failed(change, Refusal(told["status"]))

    def applied(self, change: Change, answer: httpx.Response) -> PushResult:
        """The outcome of a write that was answered."""
        try:
            return PushResult(change.source_id, Outcome.APPLIED, record=self._raw(json.loads(answer.content)))
        except ValueError:
            return PushResult(change.source_id, Outcome.UNKNOWN, "the answer broke off")

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        found = {key: self._get(f"/{stream}", {"key": key})["data"] for key in keys}
        return {key: [self._raw(item) for item in items] for key, items in found.items() if items}

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        for record in records:
            try:
                yield self._create(stream, record)
            except Refusal as error:
                outcome = Outcome.UNKNOWN if error.status == 409 else Outcome.REJECTED
                yield PushResult("", outcome, error.message, key=record.key)
            except TransientError as error:
                if not error.sent:
                    raise
                yield PushResult("", Outcome.UNKNOWN, error.message, key=record.key)

    def _known(self, stream: str, key: str) -> dict[str, Any] | None:
        """The record that carries a key."""
        return next(iter(self._get(f"/{stream}", {"key": key})["data"]), None)

    def _create(self, stream: str, record: NewRecord) -> PushResult:
        known = self._known(stream, record.key)
        if known is not None:
            shown = None if known.get("deleted") else self._raw(known)
            return PushResult(known["id"], Outcome.UNCHANGED, record=shown, key=record.key)
        headers = {"idempotency-key": record.idempotency_key}
        answer = self._http.request("POST", f"/{stream}", json=record.values, headers=headers, safe=RESEND_UNSAFE)
        try:
            made = self._raw(json.loads(answer.content))
        except ValueError:
            return PushResult("", Outcome.UNKNOWN, "the answer broke off", key=record.key)
        return PushResult(made.source_id, Outcome.APPLIED, record=made, key=record.key)

    def _raw(self, item: dict[str, Any]) -> RawRecord:
        return RawRecord(item["id"], json.dumps(item, sort_keys=True).encode(), item.get(self.config.versions))


def _failed(change: Change, error: Refusal | TransientError) -> PushResult:
    """The outcome of a write that was refused or not answered; raises what was not even sent."""
    if isinstance(error, Refusal):
        outcome = Outcome.CONFLICT if error.status == 409 else Outcome.REJECTED
        return PushResult(change.source_id, outcome, error.message)
    if not error.sent:
        raise error
    return PushResult(change.source_id, Outcome.UNKNOWN, error.message)


def behind(item: dict[str, Any]) -> list[Any]:
    """Where the next page begins: after this record."""
    return [item["stamp"], item["id"]]


def _now() -> int:
    from state.clock import now_us

    return now_us()


TOKENS: Any = None
"""Gives a fresh token for the system at an address; set by the machine."""
