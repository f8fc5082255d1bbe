"""Create draft invoices once: the key is kept in the reference, looked for first, and sent as idempotency key, too.

Xero has no field for the key of another system. Of an invoice it searches number and reference (``searchTerm``); the
number belongs to the company's own sequence, so the key stands in the reference, behind the order's number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from connectors.budget import Priority
from connectors.contract import NewRecord, Outcome, PushResult, RawRecord
from connectors.errors import ConnectorError, ContractError, TransientError, unsent_over_quota
from connectors.rawjson import decode, shape
from connectors.redact import without_values
from connectors.xero.answers import listing, sentence, validation_messages
from connectors.xero.reference import MAX_LENGTH, read_key, write_key, write_numbers
from connectors.xero.session import Refused, Session
from connectors.xero.streams import KEY_FIELD, KEY_START, SOURCES

ONE_BY_ONE = 4
"""Up to so many keys are asked for by a call each; more by listing every invoice that carries a key of ours."""
_PAGE = 1000
_SOURCE = SOURCES["invoice"]
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Creator:
    """Creates invoices over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, keys: Sequence[str]) -> dict[str, list[RawRecord]]:
        """The invoices with these keys, void and deleted ones too."""
        wanted = set(keys)
        terms = list(dict.fromkeys(keys)) if len(wanted) <= ONE_BY_ONE else [KEY_START]
        found: dict[str, list[RawRecord]] = {}
        for term in terms:
            for record in self._search(term):
                key = read_key(_text(decode(record.body).get("Reference")))
                if key in wanted:
                    found.setdefault(key, []).append(record)
        return found

    def create(self, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """Look for all of them, then send those that are not there, one by one."""
        with unsent_over_quota():
            there = self.find([record.key for record in records]) if records else {}
        for record in records:
            found = there.get(record.key)
            if found:
                yield PushResult(found[0].source_id, Outcome.UNCHANGED, record=found[0], key=record.key)
                continue
            with unsent_over_quota():
                result = self._made(record)
            yield result

    def _search(self, term: str) -> Iterator[RawRecord]:
        """Rows as the list shows them, so that their bytes equal those of a pull."""
        page = 1
        while True:
            params = {**_SOURCE.params, "searchTerm": term, "page": str(page), "pageSize": str(_PAGE)}
            found = listing(
                self._session.get(_SOURCE.path, params, priority=Priority.WRITE) or b"{}",
                _SOURCE.element,
                _SOURCE.id_field,
            )
            yield from found.records
            if found.last or not found.count or (found.last is None and found.count < _PAGE):
                return
            page += 1

    def _made(self, record: NewRecord) -> PushResult:
        invoice = _invoice(record.values)
        if len(invoice["Reference"]) > MAX_LENGTH:
            said = f"The reference would be longer than {MAX_LENGTH} characters."
            return PushResult("", Outcome.REJECTED, said, key=record.key)
        try:
            answer = self._session.put(
                _SOURCE.path,
                {"Invoices": [invoice]},
                record.idempotency_key,
                {"summarizeErrors": "false", "unitdp": "4"},
            )
            source_id, refusal = _outcome(answer)
        except Refused as refused:
            if any("idempotency key" in message.lower() for message in refused.messages):
                # The same key was just used for another content; Xero forgets it within minutes.
                return PushResult("", Outcome.RETRY, refused.message, key=record.key)
            source_id, refusal = "", sentence(refused.messages) or refused.message
        except TransientError as error:
            if not error.sent:
                return PushResult("", Outcome.RETRY, str(error), key=record.key)
            return self._settled(record, error)
        except ContractError as error:  # made perhaps, but the answer cannot be read
            return self._settled(record, error)
        if refusal:
            reason = without_values(refusal, _encode(record.values))
            return PushResult("", Outcome.REJECTED, f"Xero refused it: {reason}", key=record.key)
        return PushResult(source_id, Outcome.APPLIED, record=self._after(source_id), key=record.key)

    def _after(self, source_id: str) -> RawRecord | None:
        """The invoice as it was made; a failure to read it does not unmake it."""
        params = {**_SOURCE.params, "IDs": source_id, "page": "1", "pageSize": "1"}
        try:
            found = listing(
                self._session.get(_SOURCE.path, params, priority=Priority.WRITE) or b"{}",
                _SOURCE.element,
                _SOURCE.id_field,
            )
        except ConnectorError:
            return None
        return next((record for record in found.records if record.source_id == source_id), None)

    def _settled(self, record: NewRecord, error: ConnectorError) -> PushResult:
        """Find out what became of a request without an answer."""
        try:
            found = self.find([record.key]).get(record.key)
        except ConnectorError:
            found = None
        if not found:
            return PushResult("", Outcome.UNKNOWN, str(error), key=record.key)
        said = "No answer; looked for and found."
        return PushResult(found[0].source_id, Outcome.APPLIED, said, found[0], record.key)


def _invoice(values: Mapping[str, Any]) -> dict[str, Any]:
    """Xero's document: always a draft of a sales invoice."""
    ours = {"ContactID", "Reference", "DeliveryNumbers", KEY_FIELD}
    invoice = {name: value for name, value in values.items() if name not in ours}
    reference = write_key(_text(values.get("Reference")), str(values[KEY_FIELD]))
    if values.get("DeliveryNumbers"):
        reference = write_numbers(reference, str(values["DeliveryNumbers"]))
    if "ContactID" in values:
        invoice["Contact"] = {"ContactID": values["ContactID"]}
    return {**invoice, "Type": "ACCREC", "Status": "DRAFT", "Reference": reference}


def _outcome(body: bytes) -> tuple[str, str]:
    """The new invoice's id, and Xero's reasons if it was refused: a 200 may hold errors."""
    answer = decode(body)
    elements = answer.get(_SOURCE.element) if isinstance(answer, dict) else None
    element = elements[0] if isinstance(elements, list) and len(elements) == 1 else None
    if not isinstance(element, dict):
        raise ContractError("Xero did not answer for the invoice that was sent.", sample=shape(body))
    messages = validation_messages(element)
    if messages or element.get("HasErrors") or element.get("StatusAttributeString") == "ERROR":
        return "", sentence(messages) or "Xero gives no reason."
    source_id = element.get(_SOURCE.id_field)
    if not isinstance(source_id, str) or not source_id:
        raise ContractError("Xero did not tell the id of the invoice that was sent.", sample=shape(body))
    return source_id, ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
