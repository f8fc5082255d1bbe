"""What becomes of changes that are written one by one, whatever reading and writing end with."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from connectors.contract import Change, Outcome, PushResult, RawRecord
from connectors.errors import ConnectorError, QuotaError, RecordError, Throttled, TransientError
from connectors.onebyone import Stale, one_by_one

GONE = RecordError("There is no such order.")


class Desk:
    """Orders with a state each, and what their reading and writing ends with."""

    def __init__(self, *ids: str) -> None:
        self.states = dict.fromkeys(ids, "old")
        self.reading: dict[str, ConnectorError] = {}
        self.writing: dict[str, ConnectorError] = {}
        self.written: list[str] = []

    def read(self, source_id: str) -> RawRecord:
        if source_id in self.reading:
            raise self.reading[source_id]
        return RawRecord(source_id, json.dumps({"state": self.states[source_id]}).encode())

    def write(self, change: Change, _record: RawRecord) -> RawRecord:
        if change.source_id in self.writing:
            raise self.writing[change.source_id]
        self.states[change.source_id] = change.values["state"]
        self.written.append(change.source_id)
        return RawRecord(change.source_id, json.dumps(change.values).encode())

    def results(self, **more: str) -> Iterator[PushResult]:
        changes = [Change(item, {"state": "new", **more}, {"state": "old"}, f"key-{item}") for item in self.states]
        return one_by_one(changes, ["state"], self.read, self.write)

    def push(self, **more: str) -> list[PushResult]:
        return list(self.results(**more))


def test_a_change_is_written_and_its_record_told() -> None:
    desk = Desk("a")
    (result,) = desk.push()
    assert (result.outcome, result.record) == (Outcome.APPLIED, RawRecord("a", b'{"state": "new"}'))


def test_what_is_there_already_and_what_somebody_else_wrote_is_not_sent() -> None:
    desk = Desk("a", "b")
    desk.states = {"a": "new", "b": "other"}
    assert [result.outcome for result in desk.push()] == [Outcome.UNCHANGED, Outcome.CONFLICT]
    assert desk.written == []


def test_a_field_that_is_not_written_is_refused_before_anything_is_read() -> None:
    desk = Desk("a")
    desk.reading["a"] = TransientError("It is down.")
    (result,) = desk.push(total="1.00")
    assert (result.outcome, "`total`" in result.message) == (Outcome.REJECTED, True)


@pytest.mark.parametrize(
    ("at", "error", "outcome"),
    [
        ("reading", GONE, Outcome.REJECTED),
        ("reading", TransientError("It is down."), Outcome.RETRY),
        ("writing", Stale("Somebody was faster."), Outcome.CONFLICT),
        ("writing", RecordError("It is locked."), Outcome.REJECTED),
        ("writing", TransientError("No answer."), Outcome.UNKNOWN),
        ("writing", Throttled("Too often."), Outcome.RETRY),
    ],
)
def test_a_failure_is_told_for_its_change_and_the_others_go_on(
    at: str, error: ConnectorError, outcome: Outcome
) -> None:
    desk = Desk("a", "b")
    getattr(desk, at)["a"] = error
    assert [result.outcome for result in desk.push()] == [outcome, Outcome.APPLIED]


def test_after_two_failures_in_a_row_the_others_are_left() -> None:
    desk = Desk("a", "b", "c")
    desk.writing = {"a": TransientError("No answer."), "b": TransientError("No answer.")}
    assert [result.outcome for result in desk.push()] == [Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.RETRY]
    assert desk.written == []


@pytest.mark.parametrize(("at", "told"), [("reading", []), ("writing", [("b", Outcome.UNKNOWN)])])
def test_a_quota_leaves_in_doubt_what_it_met_while_writing_and_nothing_else(
    at: str, told: list[tuple[str, Outcome]]
) -> None:
    desk = Desk("a", "b", "c")
    getattr(desk, at)["b"] = QuotaError("Used up.")
    results: list[PushResult] = []
    with pytest.raises(QuotaError) as caught:
        results.extend(desk.results())
    assert [(item.source_id, item.outcome) for item in results] == [("a", Outcome.APPLIED), *told]
    assert not caught.value.sent
