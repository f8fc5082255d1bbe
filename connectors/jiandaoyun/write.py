"""Writing fields of a row: read it, compare it with what the change was planned from, write, look at the answer.

The API has no conditional write, checks neither required fields nor options, and ignores unknown names; so we check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.contract import OVERTAKEN, Change, Outcome, PushResult, RawRecord
from connectors.errors import ConnectorError, RecordError, TransientError, unsent_over_quota
from connectors.jiandaoyun.api import Api, FormId, Widget, document, head
from connectors.jiandaoyun.scan import change_time

_TEXT = frozenset({"text", "textarea", "radiogroup", "combo"})
WRITABLE_TYPES = _TEXT | {"number", "datetime", "phone"}
"""Field types that we write. The vendor generates some others itself; subforms and files are replaced as a whole."""
_FAILURES_IN_A_ROW = 2


class Writer:
    """Applies changes to the rows of one form."""

    def __init__(self, api: Api, form: FormId, widgets: dict[str, Widget], allowed: Sequence[str]) -> None:
        self._api = api
        self._form = form
        self._widgets = widgets
        self._allowed = allowed

    def apply(self, changes: Sequence[Change]) -> Iterator[PushResult]:
        """One result per change, in order; after two failures in a row the rest are left for the next run.

        Raises ``AuthError``, ``QuotaError`` and ``ContractError``.
        """
        failures = 0
        for change in changes:
            if failures >= _FAILURES_IN_A_ROW:
                yield PushResult(change.source_id, Outcome.RETRY, "Jiandaoyun did not answer the changes before.")
                continue
            with unsent_over_quota():
                result = self._one(change)
            failures = failures + 1 if result.outcome in (Outcome.RETRY, Outcome.UNKNOWN) else 0
            yield result

    def _one(self, change: Change) -> PushResult:
        reason = self._refusal(change.values)
        if reason:
            return PushResult(change.source_id, Outcome.REJECTED, reason)
        try:
            before = self._api.row(self._form, change.source_id)
            settled = self._compare(change, before)
            return settled if settled is not None else self._write(change, before)
        except RecordError as error:
            return PushResult(change.source_id, Outcome.REJECTED, str(error))
        except TransientError as error:
            return PushResult(change.source_id, Outcome.RETRY, str(error))

    def _refusal(self, values: dict[str, Any]) -> str:
        """Why a change can never be written, or nothing."""
        for name, value in values.items():
            widget = self._widgets.get(name)
            if widget is None:
                return (
                    f"The form has no field `{name}`; set it as the field's alias (扩展功能 › 数据推送 › 设置字段别名)."
                )
            if name not in self._allowed:
                return f"`{name}` is not listed under `writable` for this form."
            if widget.type not in WRITABLE_TYPES:
                return f"`{name}` is of type {widget.type}, which is not written through the API."
            if not _fits(widget.type, value):
                return f"The value for `{name}` does not fit its type {widget.type}."
        return ""

    def _compare(self, change: Change, row: bytes) -> PushResult | None:
        """``UNCHANGED`` or ``CONFLICT`` where the row says so already."""
        shown = document(row)
        if self._shows(shown, change.values):
            return PushResult(change.source_id, Outcome.UNCHANGED, record=as_record(row))
        if change.is_overtaken(as_record(row)):
            return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, as_record(row))
        for name, expected in change.expected.items():
            wanted = change.values.get(name, expected)
            if not self._same(name, shown.get(name), expected) and not self._same(name, shown.get(name), wanted):
                message = f"`{name}` was changed in Jiandaoyun since we read it."
                return PushResult(change.source_id, Outcome.CONFLICT, message, as_record(row))
        return None

    def _write(self, change: Change, before: bytes) -> PushResult:
        shown = document(before)
        sent = {
            name: self._wrapped(name, value)
            for name, value in change.values.items()
            if not self._same(name, shown.get(name), value)
        }
        try:
            after = self._api.update(self._form, change.source_id, sent)
        except TransientError as error:
            if not error.sent:
                raise
            return self._settle(change, error)
        if self._shows(document(after), change.values):
            return PushResult(change.source_id, Outcome.APPLIED, record=as_record(after))
        message = "Jiandaoyun accepted the change but the row does not show it."
        return PushResult(change.source_id, Outcome.REJECTED, message, as_record(after))

    def _settle(self, change: Change, lost: TransientError) -> PushResult:
        """The write may have been carried out: read the row to find out."""
        try:
            row = self._api.row(self._form, change.source_id)
        except ConnectorError:
            return PushResult(change.source_id, Outcome.UNKNOWN, str(lost))
        if self._shows(document(row), change.values):
            return PushResult(change.source_id, Outcome.APPLIED, record=as_record(row))
        return PushResult(change.source_id, Outcome.UNKNOWN, f"{lost.message} The row does not show the change so far.")

    def _shows(self, shown: dict[str, Any], values: dict[str, Any]) -> bool:
        return all(self._same(name, shown.get(name), value) for name, value in values.items())

    def _same(self, name: str, shown: Any, value: Any) -> bool:
        widget = self._widgets.get(name)
        kind = widget.type if widget else ""
        return bool(_comparable(kind, shown) == _comparable(kind, value))

    def _wrapped(self, name: str, value: Any) -> Any:
        """A value in the shape that the field's type is written in."""
        kind = self._widgets[name].type
        if kind == "phone":
            return {"phone": value or ""}
        if kind in _TEXT:
            return "" if value is None else str(value)
        return value


def _fits(kind: str, value: Any) -> bool:
    if kind == "number":
        return value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool))
    if kind == "datetime":
        return isinstance(value, str) and _moment(value) is not None  # an empty date cannot be written
    return value is None or (isinstance(value, str | int | Decimal) and not isinstance(value, bool))


def _comparable(kind: str, value: Any) -> Any:
    """Equal for equal meanings: empty is nothing, 1 is 1.0, an instant is one in every zone, a phone is its number."""
    if isinstance(value, dict) and kind == "phone":
        value = value.get("phone")
    if value is None or value in ("", []):
        return None
    if kind == "datetime" and isinstance(value, str):
        return _moment(value) or value
    if kind in _TEXT or kind == "phone":
        return str(value)
    return value


def _moment(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def as_record(row: bytes) -> RawRecord:
    """A row with its id and its change time; raises ``ContractError`` if it has no id."""
    found = head(row)
    try:
        version = change_time(found)
    except ValueError:
        version = None
    return RawRecord(found.id, row, version)
