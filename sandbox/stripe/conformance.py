"""The stand-in of Stripe as the conformance kit plays on it: customers and charges, whose metadata are written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, decoded
from connectors.contract import Inbound
from sandbox.stripe.server import StripeServer
from sandbox.stripe.store import Json
from sandbox.stripe.webhooks import signature

_SECRET = "whsec_kit0123456789abcdef"
_LATE_SECONDS = 270.0
"""Stripe promises no order of events; the connector's overlap is made for five minutes."""
_PAGE = 100
"""The connector's own; it has no setting for it."""
_NUMBER, _SENT = "metadata.order_number", "metadata.sent_to_customer"


def _stage(stream: str, path: str, text: str, *can: Need) -> Stage:
    return Stage(
        stream,
        list=rf"^GET /v1/({path}|events)\?",
        text=text,
        page=_PAGE,
        large=_PAGE,
        write=rf"^POST /v1/{path}/",
        values={_NUMBER: ("SO-00001", "SO-00002"), _SENT: ("yes", "2026-10-01")},
        refused=(_NUMBER, "9" * 600),
        read_only=text,
        late_seconds=_LATE_SECONDS,
        can=frozenset({Need.EDIT, Need.FETCH, Need.WEBHOOKS, *can}),
    )


CUSTOMER = _stage("customer", "customers", "name", Need.DELETE, Need.VERBATIM)
PAYMENT = _stage("payment", "charges", "description")
_KINDS = {"customer": "customer", "payment": "charge"}


class StripeWorld(StandIn[StripeServer]):
    """One account, whose answers tell the simulated time (``Date``)."""

    connector: ClassVar[str] = "stripe"
    days_back: ClassVar[int] = 60
    page_size: ClassVar[str | None] = None
    can = frozenset(
        {
            Need.PAGES,
            Need.TIMES,
            Need.SKEW,
            Need.TIMEOUT,
            Need.CREDENTIALS,
            Need.RETRY_AFTER,
            Need.WEBHOOK_TIME,
            Need.DELIVERY_ID,
            Need.DELETION_EVENT,
        }
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._at: datetime | None = None
        self._server = StripeServer(clock=self._time)
        self.secrets = (self._server.api_key, _SECRET)
        self.empty()

    def empty(self) -> None:
        """Begin anew with an empty account."""
        super().empty()
        self._server.clear()
        self._by_people: Counter[str] = Counter()

    def stages(self) -> Sequence[Stage]:
        """Customers can be deleted, charges cannot."""
        return [CUSTOMER, PAYMENT]

    def settings(self) -> dict[str, Any]:
        """A secret key."""
        return {
            "api_key": self._server.api_key,
            "base_url": self._server.base_url,
            "webhook_secret": _SECRET,
            "reads_per_second": 1_000_000,
            "writes_per_second": 1_000_000,
        }

    def wrong_credentials(self) -> Mapping[str, Any]:
        """A key of nobody."""
        return {"api_key": "sk_test_wrong_0123456789"}

    def _time(self) -> datetime:
        return self._at or self._now

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Customers are entered, people pay."""
        account, made = self._server.account, []
        with account.lock:
            self._at = at
            for _ in range(number):
                self._made += 1
                fields = {stage.text: f"文本 {self._made}", **(values or {})}
                item = account.customer(**fields) if stage is CUSTOMER else account.charge(1000, "eur", **fields)
                made.append(str(item["id"]))
            self._at = None
        return made

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes an object in the dashboard."""
        account = self._server.account
        with account.lock:
            self._at = at
            changes = {name: value for name, value in values.items() if not name.startswith("metadata.")}
            metadata = {name.partition(".")[2]: value for name, value in values.items() if name not in changes}
            account.update(_KINDS[stage.stream], source_id, {**changes, **({"metadata": metadata} if metadata else {})})
            self._by_people[source_id] += 1
            self._at = None

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody deletes a customer."""
        self._server.account.delete_customer(source_id)

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        return {item["id"]: _told(stage, item) for item in self._server.account.all(_KINDS[stage.stream])}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record."""
        return _told(stage, decoded(body))

    def applied(self, stage: Stage, source_id: str) -> int:
        """Events of changes that were nobody's in the dashboard."""
        kind = f"{_KINDS[stage.stream]}.updated"
        events = self._server.account.all("event")
        told = [item for item in events if item["type"] == kind and item["data"]["object"]["id"] == source_id]
        return len(told) - self._by_people[source_id]

    def says(self, what: Said) -> Answer | None:
        """In Stripe's words; it knows no quota and puts no errors into a success."""
        said = {"throttled": (429, "rate_limit"), "denied": (401, "api_key_expired")}
        if what not in said:
            return None
        status, code = said[what]
        return Answer(status, {"error": {"type": "invalid_request_error", "code": code, "message": "Said in words."}})

    def inbound(
        self,
        stage: Stage,
        source_id: str,
        *,
        event: Literal["changed", "deleted", "unknown"] = "changed",
        delivery: str = "delivery-1",
        secret: str | None = None,
        at: datetime | None = None,
    ) -> Inbound:
        """An event."""
        moment = int((at or datetime.now(UTC)).timestamp())
        kind = "product" if event == "unknown" else _KINDS[stage.stream]
        told: Json = {
            "id": f"evt_{delivery}",
            "object": "event",
            "type": f"{kind}.{'deleted' if event == 'deleted' else 'updated'}",
            "created": moment,
            "livemode": False,
            "data": {"object": {"id": source_id, "object": kind}},
        }
        body = json.dumps(told).encode()
        signed = f"t={moment},v1={signature(secret or _SECRET, body, moment)}"
        return Inbound({"content-type": "application/json", "stripe-signature": signed}, {}, body)


def _told(stage: Stage, item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = item["metadata"]
    written = {name: metadata.get(name.partition(".")[2]) for name in stage.values}
    return {stage.text: item[stage.text], **written}
