"""The outbox under any sequence of plannings, sends, crashes, answers and decisions keeps to its documented states."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import select

from state import outbox, schema
from state.outbox import IN_DOUBT, OPEN, STUCK, FieldChange, Item, OutboxStatus, PlanError, PlanStatus
from state.runs import LeaseHeld
from state.store import open_store
from tests.fuzz.engine import scratch
from tests.properties import examples

pytestmark = pytest.mark.slow

_S = OutboxStatus
MAY_BECOME: dict[OutboxStatus, set[OutboxStatus]] = {
    _S.PLANNED: {_S.SENDING, _S.CONFLICT, _S.SUPERSEDED},
    _S.SENDING: {_S.APPLIED, _S.UNCHANGED, _S.CONFLICT, _S.REJECTED, _S.UNKNOWN, _S.PLANNED, _S.DEAD, _S.SUPERSEDED},
    _S.UNKNOWN: {_S.SENDING, _S.APPLIED, _S.CONFLICT, _S.SUPERSEDED},
    _S.CONFLICT: {_S.PLANNED, _S.DEAD, _S.SUPERSEDED},
    _S.REJECTED: {_S.DISCARDED, _S.SUPERSEDED},
    _S.DEAD: {_S.DISCARDED, _S.SUPERSEDED},
    _S.SUPERSEDED: {_S.PLANNED, _S.REJECTED},
    _S.APPLIED: set(),
    _S.UNCHANGED: set(),
    _S.DISCARDED: set(),
}
"""The table of ``docs/push.md``, with what the words there mean for a row."""

ANSWERS = (_S.APPLIED, _S.UNCHANGED, _S.CONFLICT, _S.REJECTED, _S.UNKNOWN, _S.PLANNED)
RECORDS = (1, 2)
Wishes = dict[int, tuple[dict[str, int], bool]]
"""Record → new values, and whether the source has words for them."""
WISHES = st.dictionaries(
    st.sampled_from(RECORDS),
    st.tuples(st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), min_size=1), st.booleans()),
)


class Row(NamedTuple):
    """What matters of an outbox row."""

    status: OutboxStatus
    attempts: int
    fence: int
    key: str
    plan: str
    done: bool
    record: int
    fields: frozenset[str]


class Boom(Exception):
    """The process dies."""


@cache
def _template() -> Path:
    path = scratch() / "template.db"
    open_store(f"sqlite:///{path}").close()
    return path


class Outbox(RuleBasedStateMachine):
    """One system's outbox, its plans, and workers that may be overtaken."""

    workers = Bundle("workers")
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "ltc.db"
        shutil.copy(_template(), path)
        self.store = open_store(f"sqlite:///{path}")
        self.before: dict[int, Row] = {}
        self.seq = dict.fromkeys(RECORDS, 1)
        self.last_fence = 0
        self._patience = patch.object(outbox, "MAX_ATTEMPTS", 3)
        self._patience.start()
        self.plans: set[str] = set()
        self.wishes: Wishes = {}

    def teardown(self) -> None:
        self._patience.stop()
        self.store.close()
        self._folder.cleanup()

    def rows(self) -> dict[int, Row]:
        with self.store.reading() as connection:
            found = connection.execute(select(schema.outbox)).all()
        return {
            row.id: Row(
                OutboxStatus(row.status),
                row.attempts,
                row.fence,
                row.idempotency_key,
                row.plan_id,
                row.done_at is not None,
                row.record_id,
                frozenset(change.field for change in outbox.item_of(row).changes),
            )
            for row in found
        }

    def item(self, item_id: int) -> Item:
        with self.store.reading() as connection:
            row = connection.execute(select(schema.outbox).where(schema.outbox.c.id == item_id)).one()
        return outbox.item_of(row)

    @invariant()
    def every_row_went_a_documented_way(self) -> None:
        now = self.rows()
        assert self.before.keys() <= now.keys()
        for item_id, row in now.items():
            old = self.before.get(item_id)
            if old is None:
                assert row.status in (_S.PLANNED, _S.REJECTED)
            elif row.status is not old.status:
                assert row.status in MAY_BECOME[old.status], f"{old.status} became {row.status}"
            if old is not None:
                assert row.fence >= old.fence
            assert row.done is (row.status not in OPEN)
        self.before = now

    @invariant()
    def keys_are_unique_and_at_most_one_change_is_planned_for_a_field(self) -> None:
        rows = self.rows().values()
        assert max(Counter(row.key for row in rows).values(), default=1) == 1
        planned = Counter((row.record, name) for row in rows if row.status is _S.PLANNED for name in row.fields)
        assert max(planned.values(), default=1) == 1

    def status_of(self, plan_id: str) -> PlanStatus:
        with self.store.reading() as connection:
            return outbox.load(connection, plan_id).status

    @invariant()
    def at_most_one_plan_is_open(self) -> None:
        with self.store.reading() as connection:
            assert len(outbox.open_plans(connection)) <= 1

    # Planning.

    @initialize(target=workers)
    def first_worker(self) -> int:
        self.last_fence = 1
        return 1

    @rule(wishes=WISHES)
    def plan(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.plan_now(wishes)

    def plan_now(self, wishes: Wishes) -> None:
        """Make a plan, twice: the same wishes are the same plan."""
        items = [self._wish(record, *wish) for record, wish in wishes.items()]
        with self.store.transaction() as connection:
            made = outbox.save_plan(connection, "crm", items, "run")
        wanted = {item.idempotency_key for item in items}
        now = self.rows()
        tired = [row for row in now.values() if row.key in wanted and row.attempts >= outbox.MAX_ATTEMPTS]
        assert not any(row.status is _S.CONFLICT for row in tired), "a conflict every time needs a person"
        assert {row.key for row in now.values() if row.status is _S.PLANNED} <= wanted
        assert all(row.key in wanted for row in now.values() if row.status in STUCK)
        if made is None:
            assert not any(row.status is _S.PLANNED for row in now.values())
            return
        self.plans.add(made.id)
        assert made.status in (PlanStatus.PLANNED, PlanStatus.APPLYING)
        assert {item.idempotency_key for item in made.open_items} <= wanted
        held = {item.id for item in made.items}
        assert {item_id for item_id, row in now.items() if row.status is _S.PLANNED} <= held
        with self.store.transaction() as connection:
            again = outbox.save_plan(connection, "crm", items, "run")
        assert again == made, "the same wishes make another plan"

    @rule(fence=workers)
    def conflict_after_conflict(self, fence: int) -> None:
        """The record is as it was, and still each attempt meets a conflict."""
        for _ in range(outbox.MAX_ATTEMPTS):
            self.carry_out(fence, _S.CONFLICT)
            self.every_row_went_a_documented_way()
            self.plan_now(self.wishes)

    @rule()
    def plan_the_same_once_more(self) -> None:
        self.plan_now(self.wishes)

    def _wish(self, record: int, values: dict[str, int], has_words: bool) -> Item:
        changes = tuple(FieldChange(name, name.upper(), None, new, None, new, "why") for name, new in values.items())
        base = (self.seq[record], b"x")
        pairs = [(change.source_field, change.source_new) for change in changes]
        key = outbox.idempotency_key("crm", "deal", str(record), base, [*pairs, ("words", has_words)])
        status = _S.PLANNED if has_words else _S.REJECTED
        return Item("crm", "deal", "opportunity", record, str(record), None, base[0], changes, key, status)

    @rule(record=st.sampled_from(RECORDS))
    def a_record_moves_on(self, record: int) -> None:
        self.seq[record] += 1
        # As at the next planning: what is in doubt is settled by what the new version shows.
        with self.store.transaction() as connection:
            for item in outbox.in_doubt(connection, "crm"):
                if item.record_id == record and item.base_seq != self.seq[record]:
                    found = _S.APPLIED if self.seq[record] % 2 else _S.SUPERSEDED
                    outbox.outcome(connection, item.id, found, "read")

    @rule(data=st.data())
    def take_up_a_plan(self, data: st.DataObject) -> None:
        if not self.plans:
            return
        plan_id = data.draw(st.sampled_from(sorted(self.plans)))
        with self.store.transaction() as connection:
            status = outbox.load(connection, plan_id).status
            if status in (PlanStatus.SUPERSEDED, PlanStatus.APPLIED):
                with pytest.raises(PlanError):
                    outbox.begin(connection, plan_id, "Li Na")
            else:
                assert outbox.begin(connection, plan_id, "Li Na").status is PlanStatus.APPLYING

    @rule(data=st.data())
    def end_a_plan(self, data: st.DataObject) -> None:
        """Also one that another planning has withdrawn while its worker was at it."""
        if not self.plans:
            return
        plan_id = data.draw(st.sampled_from(sorted(self.plans)))
        with self.store.transaction() as connection:
            plan = outbox.load(connection, plan_id)
            left = any(item.status in OPEN for item in plan.items)
            ended = PlanStatus.PLANNED if left else PlanStatus.APPLIED
            expected = PlanStatus.SUPERSEDED if plan.status is PlanStatus.SUPERSEDED else ended
            assert outbox.end(connection, plan_id) is expected

    # Sending.

    @rule(fence=workers, status=st.sampled_from((_S.APPLIED, _S.UNCHANGED, _S.CONFLICT)), again=st.booleans())
    def carry_out_what_is_planned(self, fence: int, status: OutboxStatus, again: bool) -> None:
        """All of it in one go, with one answer; and it may be wished once more right after."""
        self.carry_out(fence, status)
        if again:
            self.every_row_went_a_documented_way()
            self.plan_now(self.wishes)

    def carry_out(self, fence: int, status: OutboxStatus) -> None:
        """Send all that is planned, and note the same answer for all of it."""
        before = self.rows()
        with self.store.transaction() as connection:
            items = [item for plan in outbox.open_plans(connection) for item in plan.items if item.status is _S.PLANNED]
            noted = outbox.sending(connection, items, fence)
            for item_id in noted:
                outbox.outcome(connection, item_id, status, "said", fence=fence)
        self.before = {**before, **{item_id: before[item_id]._replace(status=_S.SENDING) for item_id in noted}}

    @rule(target=workers)
    def the_worker_hangs_and_is_taken_over(self) -> int:
        self.last_fence += 1
        return self.last_fence

    @rule(target=sent, fence=workers, data=st.data())
    def send(self, fence: int, data: st.DataObject) -> Any:
        chosen = self._chosen(data)
        before = self.rows()
        with self.store.transaction() as connection:
            noted = outbox.sending(connection, chosen, fence)
        after = self.rows()
        may = {item.id for item in chosen if before[item.id].status in OPEN and before[item.id].fence <= fence}
        assert noted == may, "sent is what is open and not in the hands of a later worker"
        for item_id, row in after.items():
            if item_id in noted:
                assert (row.status, row.fence, row.attempts) == (_S.SENDING, fence, before[item_id].attempts + 1)
            else:
                assert row == before[item_id]
        return multiple(*((item_id, fence, before[item_id]) for item_id in sorted(noted)))

    @rule(fence=workers, data=st.data())
    def die_before_the_intent_is_committed(self, fence: int, data: st.DataObject) -> None:
        chosen = self._chosen(data)
        before = self.rows()
        with pytest.raises(Boom):
            self._send_and_die(chosen, fence)
        assert self.rows() == before

    def _send_and_die(self, chosen: list[Item], fence: int) -> None:
        with self.store.transaction() as connection:
            outbox.sending(connection, chosen, fence)
            raise Boom

    def _chosen(self, data: st.DataObject) -> list[Item]:
        known = sorted(self.rows())
        return [self.item(place) for place in data.draw(st.sets(st.sampled_from(known)))] if known else []

    @rule(call=consumes(sent), status=st.sampled_from(ANSWERS))
    def an_answer_comes(self, call: tuple[int, int, Row], status: OutboxStatus) -> None:
        item_id, fence, _ = call
        before = self.rows()
        if before[item_id].status is not _S.SENDING and before[item_id].fence == fence:
            return  # settled by what a pull has read: `an_answer_comes` too late is the pusher's to drop
        if status in OPEN and before[item_id].attempts >= outbox.MAX_ATTEMPTS:
            status = _S.DEAD
        try:
            with self.store.transaction() as connection:
                outbox.outcome(connection, item_id, status, "said", fence=fence)
        except LeaseHeld:
            assert before[item_id].fence > fence
            assert self.rows() == before, "a worker that was taken over has committed something"
            return
        assert before[item_id].fence == fence
        after = self.rows()
        if status is _S.PLANNED and self.status_of(before[item_id].plan) is PlanStatus.SUPERSEDED:
            status = _S.SUPERSEDED
        assert after[item_id].status is status
        assert {key: row for key, row in after.items() if key != item_id} == {
            key: row for key, row in before.items() if key != item_id
        }

    @rule(call=consumes(sent))
    def it_turns_out_that_nothing_was_sent(self, call: tuple[int, int, Row]) -> None:
        item_id, fence, before = call
        row = self.rows()[item_id]
        if row.status is not _S.SENDING or row.fence != fence:
            return
        with self.store.transaction() as connection:
            status = _S.PLANNED if before.status is _S.PLANNED else _S.UNKNOWN
            outbox.unsent(connection, replace(self.item(item_id), attempts=before.attempts), status, "busy")
        assert self.rows()[item_id].attempts == before.attempts

    @rule(target=sent, call=consumes(sent))
    def a_worker_is_overtaken_while_it_waits_for_its_answer(self, call: tuple[int, int, Row]) -> Any:
        item_id, fence, _ = call
        self.last_fence += 1
        with self.store.transaction() as connection:
            noted = outbox.sending(connection, [self.item(item_id)], self.last_fence)
        before = self.rows()
        if not noted:
            return multiple()
        with pytest.raises(LeaseHeld), self.store.transaction() as connection:
            outbox.outcome(connection, item_id, _S.APPLIED, "said", fence=fence)
        assert self.rows() == before, "a worker that was taken over has committed something"
        return item_id, self.last_fence, before[item_id]

    # Decisions.

    @rule(data=st.data(), again=st.booleans())
    def decide_about_a_dead_letter(self, data: st.DataObject, again: bool) -> None:
        before = self.rows()
        stuck = sorted(item_id for item_id, row in before.items() if row.status in STUCK)
        others = sorted(before.keys() - set(stuck))
        with self.store.transaction() as connection:
            if others:
                with pytest.raises(PlanError):
                    outbox.retry(connection, data.draw(st.sampled_from(others)), "Li Na")
            if not stuck:
                return
            chosen = data.draw(st.sampled_from(stuck))
            if again:
                outbox.retry(connection, chosen, "Li Na")
            else:
                outbox.discard(connection, chosen, "not needed", "Li Na")
        assert self.rows()[chosen].status is (_S.SUPERSEDED if again else _S.DISCARDED)

    @rule(data=st.data())
    def a_later_write_makes_dead_letters_pointless(self, data: st.DataObject) -> None:
        before = self.rows()
        done = sorted(item_id for item_id, row in before.items() if row.status is _S.APPLIED)
        if not done:
            return
        item = self.item(data.draw(st.sampled_from(done)))
        with self.store.transaction() as connection:
            outbox.resolve(connection, item)
        written = {change.field for change in item.changes}
        for item_id, row in self.rows().items():
            closed = row.record == item.record_id and before[item_id].status in STUCK and row.fields <= written
            assert row.status is (_S.SUPERSEDED if closed else before[item_id].status)


TestOutbox = Outbox.TestCase
TestOutbox.settings = settings(examples(80), stateful_step_count=30)


def test_what_is_in_doubt_and_what_is_open_are_as_documented() -> None:
    assert set(OPEN) == {_S.PLANNED, *IN_DOUBT}
    assert set(MAY_BECOME) == set(OutboxStatus)
