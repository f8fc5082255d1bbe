"""The stand-in of Xero as the conformance kit plays on it: invoices, contacts and payments."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, decoded
from connectors.contract import Inbound
from connectors.signatures import sign
from connectors.xero.webhook import SIGNATURE
from sandbox.xero.records import Contact, Document, Line, Payment
from sandbox.xero.server import XeroServer

_SECRET = "kit-webhooks-key-0123456789"
_CUSTOMER = "00000000-0000-4000-8000-00000000c0de"
_MARK = " | DN "
_LINES = [{"Description": "Gauge", "Quantity": Decimal(1), "UnitAmount": Decimal("19.99")}]
_LATE_SECONDS = 240.0
"""Xero documents none; the connector's overlap is made for five minutes."""
INVOICE = Stage(
    "invoice",
    list=r"^GET /api\.xro/2\.0/Invoices",
    text="Reference",
    write=r"^POST /api\.xro/2\.0/Invoices",
    values={"DeliveryNumbers": ("14, 15", "16")},
    refused=("DeliveryNumbers", "1" * 300),
    read_only="DueDate",
    create=r"^PUT /api\.xro/2\.0/Invoices",
    key="Key",
    new={"ContactID": _CUSTOMER, "Reference": "SO-00012", "LineItems": _LINES},
    late_seconds=_LATE_SECONDS,
    can=frozenset({Need.EDIT, Need.FETCH, Need.WEBHOOKS}),
)
CONTACT = Stage(
    "contact",
    list=r"^GET /api\.xro/2\.0/Contacts",
    text="Name",
    late_seconds=_LATE_SECONDS,
    can=frozenset({Need.EDIT, Need.FETCH, Need.WEBHOOKS, Need.HUGE}),
)
PAYMENT = Stage("payment", list=r"^GET /api\.xro/2\.0/Payments", text="Reference", late_seconds=_LATE_SECONDS)


class XeroWorld(StandIn[XeroServer]):
    """One organisation, whose answers tell the simulated time (``DateTimeUTC``)."""

    connector: ClassVar[str] = "xero"
    can = frozenset(
        {Need.PAGES, Need.TIMES, Need.SKEW, Need.VERBATIM, Need.TIMEOUT, Need.CREDENTIALS, Need.RETRY_AFTER}
    )
    token = "^POST /connect/token"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = XeroServer(clock=self.now)
        self._generation = 0
        self.empty()

    def empty(self) -> None:
        """Begin anew, with another secret: tokens of the one before are nobody's any more."""
        super().empty()
        self._server.clear()
        self._server.api.writer.changed.clear()
        self._generation += 1
        access = self._server.access
        access.client_secret = f"kit-client-secret-{self._generation:06d}"
        access.limits.minute = access.limits.day = 1_000_000
        self.secrets = (access.client_secret, _SECRET)
        self._server.books.add(Contact(_CUSTOMER, "客户 0", self._now))

    def stages(self) -> Sequence[Stage]:
        """Invoices first."""
        return [INVOICE, CONTACT, PAYMENT]

    def settings(self) -> dict[str, Any]:
        """A custom connection."""
        return {
            "client_id": self._server.client_id,
            "client_secret": self._server.client_secret,
            "tenant_id": self._server.access.tenant_id,
            "base_url": self._server.base_url,
            "token_url": self._server.token_url,
            "calls_per_minute": 1_000_000,
            "concurrency": 100,
            "recheck_hours": 0,
            "webhook_secret": _SECRET,
        }

    def wrong_credentials(self) -> Mapping[str, Any]:
        """A secret of nobody."""
        return {"client_secret": "wrong-secret-0123456789"}

    def elsewhere(self, address: str) -> Mapping[str, Any]:
        """The API and the tokens."""
        return {"base_url": f"{address}/api.xro/2.0", "token_url": f"{address}/connect/token"}

    def expire_tokens(self) -> None:
        """All of them."""
        self._server.access.expire_tokens()

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Somebody at the company enters records."""
        given = _checked(stage, values or {})
        made = []
        for _ in range(number):
            self._made += 1
            # Ids in no order, as Xero's are.
            source_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{stage.stream} {self._made}"))
            text = given.get(stage.text, f"文本 {self._made}")
            self._add(stage, source_id, text, at or self._now)
            made.append(source_id)
        return made

    def _add(self, stage: Stage, source_id: str, text: str, at: datetime) -> None:
        books, today = self._server.books, at.date()
        if stage is CONTACT:
            books.add(Contact(source_id, text, at))
            return
        line = Line(str(uuid.uuid4()), "Gauge", Decimal(1), Decimal("19.99"))
        invoice_id = source_id if stage is INVOICE else str(uuid.uuid5(uuid.NAMESPACE_OID, source_id))
        document = Document(
            invoice_id, "ACCREC", f"INV-{self._made:06d}", _CUSTOMER, today, today, "CNY", at, lines=[line]
        )
        books.add(document)
        if stage is INVOICE:
            document.reference = text
        else:
            books.add(Payment(source_id, invoice_id, today, Decimal(1), at, text))

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes a record; a clerk leaves our part of the reference alone."""
        given, books = _checked(stage, values), self._server.books
        if stage is CONTACT:
            books.edit_contact(source_id, name=given["Name"])
            return
        typed, _, numbers = books.documents[source_id].reference.partition(_MARK)
        typed, numbers = given.get("Reference", typed), given.get("DeliveryNumbers", numbers)
        books.edit(source_id, reference=f"{typed}{_MARK}{numbers}" if numbers else typed)
        if at is not None:
            books.documents[source_id].updated = at

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        books = self._server.books
        with books.lock:
            if stage is CONTACT:
                return {key: {"Name": contact.name} for key, contact in books.contacts.items()}
            if stage is PAYMENT:
                return {key: {"Reference": payment.reference} for key, payment in books.payments.items()}
            return {key: _told(document.reference) for key, document in books.documents.items()}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record."""
        record = decoded(body)
        return _told(record["Reference"]) if stage is INVOICE else {stage.text: record.get(stage.text)}

    def applied(self, stage: Stage, source_id: str) -> int:
        """Changes through the API."""
        return self._server.api.writer.changed[source_id]

    def says(self, what: Said) -> Answer | None:
        """With Xero's headers."""
        if what == "denied":
            return Answer(401, {"Title": "Unauthorized", "Status": 401, "Detail": "AuthenticationUnsuccessful"})
        if what == "throttled":
            return Answer(429, headers={"x-rate-limit-problem": "minute"})
        if what == "quota":
            return Answer(429, headers={"x-rate-limit-problem": "day", "retry-after": "21600"})
        return None

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
        """One event; Xero tells of no deletions, because it has none."""
        category = {"invoice": "INVOICE", "contact": "CONTACT"}[stage.stream] if event == "changed" else "CREDITNOTE"
        told = {
            "resourceId": source_id,
            "eventDateUtc": (at or datetime.now(UTC)).isoformat(),
            "eventType": "UPDATE",
            "eventCategory": category,
            "tenantId": self._server.access.tenant_id,
        }
        body = json.dumps({"events": [told], "entropy": delivery}).encode()
        headers = {"content-type": "application/json"}
        signature = sign(SIGNATURE, secret or _SECRET, Inbound(headers, {}, body))
        return Inbound({**headers, "x-xero-signature": signature}, {}, body)


def _told(reference: str) -> dict[str, Any]:
    typed, _, numbers = reference.partition(_MARK)
    return {"Reference": typed, "DeliveryNumbers": numbers or None}


def _checked(stage: Stage, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ``ValueError`` for what Xero does not take."""
    text = values.get(stage.text, "")
    if text is None or (stage is not CONTACT and len(text) > 255):
        raise ValueError("Xero does not take it.")
    return values
