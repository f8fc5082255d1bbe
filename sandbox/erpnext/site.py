"""One site: its documents, its clock without a zone, and the rules by which documents are saved.

``modified`` is the site's local time in microseconds, without a zone; a document that is saved with another
``modified`` than the site has is refused.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.erpnext.doctypes import DOCTYPES, SUBMITTED
from sandbox.erpnext.errors import FrappeError

Doc = dict[str, Any]
_LEGAL = {(0, 0), (0, 1), (1, 1), (1, 2)}
_FREE_AFTER_SUBMIT = {"docstatus", "modified", "status", "per_billed", "per_delivered", "delivery_status"}
_FREE_AFTER_SUBMIT |= {"outstanding_amount", "name", "doctype"}


class Site:
    """All documents. ``clock`` tells now (aware UTC), ``lock`` guards everything."""

    def __init__(self, zone: str = "Asia/Kolkata") -> None:
        self.lock = threading.RLock()
        self.zone = ZoneInfo(zone)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.docs: dict[str, dict[str, Doc]] = {doctype: {} for doctype in DOCTYPES}
        self.columns: set[str] = {"custom_ltc_key"}
        """Custom fields of Lead and Sales Order."""
        self.writes: Counter[tuple[str, str]] = Counter()
        """How often the API has changed a document."""
        self._numbers: Counter[str] = Counter()
        self._open: list[tuple[str, str]] | None = None
        self._hidden: set[tuple[str, str]] = set()
        self._began: datetime | None = None

    @property
    def now(self) -> str:
        """The site's local time as it is written; without microseconds if there are none."""
        return str((self._began or self.clock()).astimezone(self.zone).replace(tzinfo=None))

    @contextmanager
    def late(self, moment: datetime) -> Iterator[Callable[[], None]]:
        """A long transaction that began then: documents added inside show only after what it gives is called."""
        with self.lock:
            self._began, self._open = moment, []
            try:
                yield self._hidden.clear
            finally:
                self._hidden |= set(self._open)
                self._began, self._open = None, None

    def add(self, doctype: str, **values: Any) -> str:
        """A new document; its name. Raises ``FrappeError``."""
        with self.lock:
            kind = DOCTYPES[doctype]
            missing = [name for name in kind.required if not values.get(name)]
            if missing:
                raise FrappeError("MandatoryError", f"[{doctype}]: {', '.join(missing)}")
            self._check(doctype, values)
            name = str(values.get("name") or values.get(kind.named_by) or self._next(doctype))
            if name in self.docs[doctype]:
                raise FrappeError("DuplicateEntryError", f"{doctype} {name} already exists")
            self._refuse_double(doctype, values)
            status = {"status": "Draft"} if kind.submittable else {}
            doc: Doc = {"docstatus": 0, **status, **kind.defaults, **values, "name": name, "creation": self.now}
            doc |= {"modified": self.now, "owner": "Administrator"}
            for table, of in kind.tables.items():
                doc[table] = [self._row(of, number, row) for number, row in enumerate(values.get(table) or [], 1)]
            self._total(doc)
            self.docs[doctype][name] = doc
            if self._open is not None:
                self._open.append((doctype, name))
            return name

    def save(self, doctype: str, name: str, values: Mapping[str, Any]) -> Doc:
        """Merge fields into a document and save it, as PUT does. Raises ``FrappeError``."""
        with self.lock:
            doc = self.get(doctype, name)
            if values.get("modified") not in (None, doc["modified"]):
                message = "Document has been modified after you have opened it"
                raise FrappeError("TimestampMismatchError", f"Error: {message} ({doc['modified']}). Please refresh.")
            self._check(doctype, values)
            before, after = doc["docstatus"], values.get("docstatus", doc["docstatus"])
            if before == 2:
                raise FrappeError("ValidationError", "Cannot edit cancelled document")
            if (before, after) not in _LEGAL:
                raise FrappeError("DocstatusTransitionError", f"Cannot change docstatus from {before} to {after}")
            changed = {field for field, value in values.items() if doc.get(field) != value}
            if before == 1 and changed - _FREE_AFTER_SUBMIT:
                field = sorted(changed - _FREE_AFTER_SUBMIT)[0]
                raise FrappeError("UpdateAfterSubmitError", f"Not allowed to change {field} after submission")
            doc |= {field: value for field, value in values.items() if field != "modified"}
            if before != after:
                doc["status"] = SUBMITTED[doctype] if after == 1 else "Cancelled"
            doc["modified"] = self.now
            return doc

    def derive(self, doctype: str, name: str, *, touch: bool = False, **values: Any) -> None:
        """The status updater: fields follow from other documents, with or without a new ``modified``."""
        with self.lock:
            self.docs[doctype][name] |= values
            if touch:
                self.docs[doctype][name]["modified"] = self.now

    def remove(self, doctype: str, name: str) -> None:
        """Delete a document; what is left of it is a Deleted Document."""
        with self.lock:
            doc = self.get(doctype, name)
            if doc["docstatus"] == 1:
                raise FrappeError("ValidationError", "Submitted Record cannot be deleted. You must cancel it first.")
            del self.docs[doctype][name]
            data = json.dumps(doc)
            self.add("Deleted Document", deleted_doctype=doctype, deleted_name=name, restored=0, data=data)

    def rename(self, doctype: str, name: str, new: str) -> None:
        """Give a document another name; nothing tells of the old one."""
        with self.lock:
            doc = self.docs[doctype].pop(name)
            self.docs[doctype][new] = {**doc, "name": new, "modified": self.now}

    def get(self, doctype: str, name: str) -> Doc:
        """A committed document. Raises ``FrappeError``."""
        found = None if (doctype, name) in self._hidden else self.docs[doctype].get(name)
        if found is None:
            raise FrappeError("DoesNotExistError", f"{doctype} {name} not found")
        return found

    def listed(self, doctype: str) -> Sequence[Doc]:
        """All committed documents."""
        return [doc for name, doc in self.docs[doctype].items() if (doctype, name) not in self._hidden]

    def _next(self, doctype: str) -> str:
        self._numbers[doctype] += 1
        return f"{DOCTYPES[doctype].series}{self._numbers[doctype]:05d}"

    def _row(self, doctype: str, number: int, values: Mapping[str, Any]) -> Doc:
        self._numbers[doctype] += 1
        row: Doc = {**values, "name": f"row{self._numbers[doctype]:06d}", "doctype": doctype, "idx": number}
        if "price_list_rate" in row and "rate" not in row:
            row["rate"] = round(row["price_list_rate"] * (1 - row.get("discount_percentage", 0) / 100), 2)
        if "qty" in row and "rate" in row:
            row["amount"] = row["net_amount"] = round(row["qty"] * row["rate"], 2)
        return row

    def _check(self, doctype: str, values: Mapping[str, Any]) -> None:
        statuses = DOCTYPES[doctype].statuses
        status = values.get("status")
        if statuses and status is not None and status not in statuses:
            allowed = '", "'.join(statuses)
            raise FrappeError("ValidationError", f'Status cannot be "{status}". It should be one of "{allowed}"')
        customer = values.get("customer")
        if customer is not None and customer not in self.docs["Customer"]:
            raise FrappeError("LinkValidationError", f"Could not find Customer: {customer}")

    def _refuse_double(self, doctype: str, values: Mapping[str, Any]) -> None:
        key = values.get("custom_ltc_key")
        if key and any(doc.get("custom_ltc_key") == key for doc in self.docs[doctype].values()):
            raise FrappeError("UniqueValidationError", "custom_ltc_key must be unique")

    def _total(self, doc: Doc) -> None:
        lines = [row.get("net_amount") for row in doc.get("items", [])]
        if lines and None not in lines and "net_total" not in doc:
            net = round(sum(lines), 2)
            tax = round(net * 0.18, 2)
            doc |= {"net_total": net, "total_taxes_and_charges": tax, "grand_total": round(net + tax, 2)}
