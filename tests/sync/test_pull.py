"""Pulling one stream."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import AuthError, ConnectorError, ContractError, QuotaError, TransientError
from mappings.engine import Mapping
from state import runs
from state.failures import StoreError
from sync.outcome import Problem, StreamOutcome
from tests.sync.conftest import Page, RejectedRecord, Shop, Toy, order, page


def test_pages_land_and_the_cursor_moves_with_them(shop: Shop) -> None:
    outcome = shop.pull(Toy(page(order(1), order(2), at=1, complete=False), page(order(3), at=2)))
    assert outcome.ok
    assert {name: count for name, count in outcome.counts.items() if count} == {"pulled": 3, "new": 3, "calls": 2}
    assert shop.numbers == ["SO-1", "SO-2", "SO-3"]
    assert shop.cursor == ('{"at": 2}', 1, True)
    assert shop.rows("SELECT status, direction, error_kind FROM stream_run") == [("done", "pull", None)]


def test_the_next_pull_gets_the_cursor_and_a_window_that_ends_before_now(shop: Shop) -> None:
    shop.pull(Toy(page(order(1), at=7)))
    toy = Toy(page(at=7))
    before = datetime.now(UTC)
    outcome = shop.pull(toy)
    assert outcome.ok
    assert toy.asked[0][0] == {"at": 7}
    window = toy.asked[0][1]
    assert before - timedelta(seconds=6) < window.until < datetime.now(UTC) - timedelta(seconds=4)
    assert (window.since, window.full) == (None, False)


def test_full_starts_over_and_since_is_handed_on(shop: Shop) -> None:
    shop.pull(Toy(page(order(1), at=7)))
    toy = Toy(page(order(1), at=8))
    since = datetime(2026, 1, 1, tzinfo=UTC)
    assert shop.pull(toy, full=True).counts["unchanged"] == 1
    shop.pull(toy, since=since)
    assert [(cursor, window.full, window.since) for cursor, window in toy.asked] == [
        (None, True, None),
        ({"at": 8}, False, since),
    ]


@pytest.mark.parametrize(
    "error",
    [
        TransientError("The shop is down.", remedy="Wait."),
        AuthError("Refused.", remedy="Check the password."),
        QuotaError("Used up.", remedy="Tomorrow."),
        ContractError("Odd answer.", remedy="Report it.", sample="{'a': 'str'}"),
    ],
)
def test_an_error_ends_the_pull_and_what_was_committed_stays(shop: Shop, error: ConnectorError) -> None:
    outcome = shop.pull(Toy(page(order(1), at=1, complete=False), error))
    assert (outcome.status, outcome.counts["new"]) == ("failed", 1)
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.error.remedy) == (error.kind, error.remedy)
    assert error.message in outcome.error.message
    assert shop.rows("SELECT status, error_kind, remedy FROM stream_run") == [("failed", error.kind, error.remedy)]
    assert shop.numbers == ["SO-1"]
    assert shop.cursor == ('{"at": 1}', 0, False)
    toy = Toy(page(order(2), at=2))
    assert shop.pull(toy).ok
    assert toy.asked[0][0] == {"at": 1}
    assert shop.numbers == ["SO-1", "SO-2"]


def test_a_pull_without_a_last_page_has_failed(shop: Shop) -> None:
    outcome = shop.pull(Toy(page(order(1), complete=False)))
    assert outcome.error is not None
    assert (outcome.status, outcome.error.kind) == ("failed", "contract")
    assert shop.numbers == ["SO-1"]


def test_a_stream_without_mapping_fails_with_the_remedy(shop: Shop) -> None:
    empty = Mapping("toy", {}, "toy.yaml")
    shop.mapping = empty
    outcome = shop.pull(Toy(page(order(1))))
    assert outcome.error is not None
    assert (outcome.error.kind, "no mapping for the stream" in outcome.error.message) == ("configuration", True)


def test_a_rejected_record_is_counted_and_the_pull_is_done(shop: Shop) -> None:
    refused = [RejectedRecord("9", b"{", "id", "is not JSON")]
    outcome = shop.pull(Toy(page(order(1), order(2, state="weird"), rejected=refused)))
    assert (outcome.ok, outcome.counts["rejected"]) == (True, 2)
    assert shop.numbers == ["SO-1"]


def test_quarantine_is_tried_again_when_the_mapping_has_changed(
    shop: Shop, written_mapping: Callable[..., Mapping]
) -> None:
    shop.pull(Toy(page(order(1, state="weird"), order(2, state="stranger"))))
    assert "released" not in shop.pull(Toy(page())).counts
    shop.mapping = written_mapping("done: completed", "done: completed, weird: draft")
    assert shop.pull(Toy(page())).counts["released"] == 1
    assert shop.numbers == ["SO-1"]
    assert shop.rows("SELECT source_id FROM quarantine") == [("2",)]


def test_quarantine_is_tried_again_even_if_the_source_is_down(
    shop: Shop, written_mapping: Callable[..., Mapping]
) -> None:
    shop.pull(Toy(page(order(1, state="weird"))))
    shop.mapping = written_mapping("done: completed", "done: completed, weird: draft")
    outcome = shop.pull(Toy(TransientError("The shop is down.")))
    assert (outcome.status, outcome.counts["released"]) == ("failed", 1)
    assert shop.numbers == ["SO-1"]


def test_ctrl_c_between_pages_ends_the_pull_and_keeps_the_pages(shop: Shop) -> None:
    outcome = shop.pull(Toy(page(order(1), complete=False), KeyboardInterrupt))
    assert (outcome.status, outcome.error) == ("interrupted", None)
    assert shop.numbers == ["SO-1"]
    assert shop.rows("SELECT status FROM stream_run") == [("interrupted",)]
    assert shop.pull(Toy(page(order(2), at=2))).ok


class InterruptsWhenRead:
    """A record in the middle of whose landing somebody presses Ctrl-C."""

    source_id = "5"
    version = None

    @property
    def body(self) -> bytes:
        os.kill(os.getpid(), signal.SIGINT)
        return order(5).body


def test_ctrl_c_within_a_page_lets_the_page_finish_first(shop: Shop) -> None:
    pages: list[Any] = [Page([InterruptsWhenRead()], {"at": 1}), page(order(6), at=2)]  # type: ignore[list-item]
    outcome = shop.pull(Toy(*pages))
    assert (outcome.status, outcome.counts["new"]) == ("interrupted", 1)
    assert shop.numbers == ["SO-5"]
    assert shop.cursor[0] == '{"at": 1}'
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_two_processes_never_pull_one_stream_at_once(shop: Shop) -> None:
    with runs.lease(shop.store, "stream shop.order"):
        outcome = shop.pull(Toy(page(order(1))))
    assert outcome.error is not None
    assert (outcome.status, outcome.error.kind) == ("failed", "busy")
    assert shop.pull(Toy(page(order(1)))).ok


def test_a_pull_whose_stream_was_taken_over_commits_nothing_more(shop: Shop) -> None:
    def steal() -> Iterator[Page]:
        yield page(order(1), complete=False)
        with shop.store.transaction() as connection:
            connection.exec_driver_sql("UPDATE lease SET owner = 'elsewhere:1:2/3'")
        yield page(order(2))

    toy = Toy()
    toy.script = steal()
    outcome = shop.pull(toy)
    assert outcome.error is not None
    assert outcome.error.kind == "busy"
    assert shop.numbers == ["SO-1"]


def test_a_database_failure_is_an_outcome_and_the_rerun_continues(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from state import landing

    real = landing.apply
    calls: list[int] = []

    def full_at_second(*arguments: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise StoreError("The database cannot grow: the disk is full.", "Free some space.")
        return real(*arguments, **more)

    monkeypatch.setattr(landing, "apply", full_at_second)
    outcome = shop.pull(Toy(page(order(1), at=1, complete=False), page(order(2), at=2)))
    assert outcome.error == Problem("store", "The database cannot grow: the disk is full.", "Free some space.")
    assert shop.numbers == ["SO-1"]
    toy = Toy(page(order(2), at=2))
    assert shop.pull(toy).ok
    assert toy.asked[0][0] == {"at": 1}


def test_a_programming_error_is_noted_and_leaves(shop: Shop) -> None:
    with pytest.raises(ZeroDivisionError):
        shop.pull(Toy(page(order(1), complete=False), ZeroDivisionError()))
    assert shop.rows("SELECT status FROM stream_run") == [("failed",)]
    assert shop.pull(Toy(page(order(2), at=2))).ok


def test_progress_is_told_as_it_happens(shop: Shop) -> None:
    told: list[Any] = []

    class Listener:
        def stream_started(self, system: str, stream: str, direction: str) -> None:
            told.append((system, stream, direction))

        def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
            told.append(counts["pulled"])

        def stream_done(self, outcome: StreamOutcome) -> None:
            told.append(outcome.status)

    shop.pull(Toy(page(order(1), complete=False), page(order(2), order(3))), progress=Listener())
    assert told == [("shop", "order", "pull"), 1, 3, "done"]


def test_a_pull_works_in_a_thread(shop: Shop) -> None:
    outcomes: list[StreamOutcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(shop.pull(Toy(page(order(1))))))
    thread.start()
    thread.join()
    assert outcomes[0].ok


def test_nothing_changed_writes_no_record_tables(shop: Shop) -> None:
    shop.pull(Toy(page(order(1, 5), order(2, 5))))
    tables = ["record", "landing", "orders", "order_lines", "quarantine"]
    before = [shop.rows(f"SELECT * FROM {table}") for table in tables]
    assert shop.pull(Toy(page(order(2, 5)))).counts["unchanged"] == 1
    assert [shop.rows(f"SELECT * FROM {table}") for table in tables] == before
