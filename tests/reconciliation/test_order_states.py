"""What the last reconciliation came to for each order: shown while nothing has changed, else computed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Connection

from reconciliation import code, order_states, states, trace
from reconciliation.engine import reconcile
from reconciliation.rules import Rules
from reconciliation.standing import Standing
from state import audit, links, runs, schema
from state import order_states as kept
from state.store import Store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.conftest import Company
from tests.reconciliation.deals import Deal

PAID = {"delivery_state": "delivered", "billing_state": "invoiced", "payment_state": "paid"}


@pytest.fixture
def books(store: Store) -> Books:
    """One order that is delivered, invoiced and paid, reconciled; on SQLite and PostgreSQL."""
    books = Books(store)
    Deal(1).write(books)
    books.save()
    reconcile(store, settings(), "run-1")
    return books


def _shown(store: Store, number: str = "SO-1") -> dict[str, str]:
    (chain,) = trace.trace(store, settings(), number)
    return next(record.states for record in chain.records if record.entity == "order")


def _is_kept(store: Store) -> bool:
    with store.reading() as connection:
        return kept.are_current(connection, order_states.inputs(Rules.of(settings())))


def _end(connection: Connection, run_id: str, counts: dict[str, int]) -> None:
    runs.finish_stream(connection, run_id, "books", "payment", "pull", status="done", counts=counts)


def _unpay(books: Books) -> None:
    """The payment is gone, as a pull would have it."""
    with books.store.transaction() as connection:
        connection.execute(schema.canonical["payment"].update().values(deleted=1))


def test_every_order_of_a_company_is_shown_as_it_would_be_computed(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = schema.canonical["order"]
    with company.store.reading() as connection:
        found = connection.execute(select(orders.c.number).where(orders.c.number.is_not(None))).scalars()
        numbers = sorted(found)[::7]
        assert kept.are_current(connection, order_states.inputs(Rules.of(settings())))
    shown = [trace.trace(company.store, settings(), number) for number in numbers]
    assert any(record.states for chains in shown for chain in chains for record in chain.records)
    monkeypatch.setattr(kept, "are_current", lambda *_: False)
    assert [trace.trace(company.store, settings(), number) for number in numbers] == shown


def test_what_was_kept_is_shown_until_a_run_brings_something_new(books: Books) -> None:
    assert _shown(books.store) == PAID
    _unpay(books)
    assert _shown(books.store) == PAID, "nobody told of it, so nothing is computed"
    with runs.running(books.store, "pull", "local") as run:
        with books.store.transaction() as connection:
            runs.start_stream(connection, run.id, "books", "payment", "pull")
        assert _shown(books.store)["payment_state"] == "unpaid", "while a run is at work all is computed"
        with books.store.transaction() as connection:
            _end(connection, run.id, {"deleted": 1})
        run.finish("done")
    assert _shown(books.store)["payment_state"] == "unpaid"
    reconcile(books.store, settings(), "run-2")
    assert _is_kept(books.store)
    assert _shown(books.store)["payment_state"] == "unpaid"


def test_a_run_without_news_leaves_what_is_kept(books: Books) -> None:
    with runs.running(books.store, "pull", "local") as run:
        with books.store.transaction() as connection:
            runs.start_stream(connection, run.id, "books", "payment", "pull")
            _end(connection, run.id, {"pulled": 9, "unchanged": 9})
        run.finish("done")
    assert _is_kept(books.store)


def test_other_rules_or_another_version_compute_anew(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = settings(reconciliation={"tolerance": {"absolute": {"CNY": "0"}, "relative": "0"}})
    with books.store.reading() as connection:
        assert not kept.are_current(connection, order_states.inputs(Rules.of(strict)))
    monkeypatch.setattr(code, "fingerprint", lambda: "another version")
    assert not _is_kept(books.store)


def _cut(store: Store) -> None:
    with store.transaction() as connection:
        link = connection.execute(
            select(schema.link).where(schema.link.c.left_entity == "invoice", schema.link.c.right_entity == "payment")
        ).first()
        assert link is not None
        links.decide(connection, link.kind, link.left_id, link.right_id, "cut", "anna", "another order's")


def _remark(store: Store) -> None:
    with store.transaction() as connection:
        audit.append(connection, "anna", "finding comment", {"finding": "1"})


@pytest.mark.parametrize(("decide", "stays"), [(_cut, False), (_remark, True)])
def test_a_decision_about_links_computes_anew_and_one_about_a_finding_does_not(
    books: Books, decide: Callable[[Store], None], stays: bool
) -> None:
    decide(books.store)
    assert _is_kept(books.store) is stays


def test_an_order_that_is_deleted_is_not_kept(books: Books) -> None:
    with books.store.transaction() as connection:
        connection.execute(schema.canonical["order"].update().values(deleted=1))
    reconcile(books.store, settings(), "run-2")
    with books.store.reading() as connection:
        assert connection.execute(select(schema.order_state)).all() == []


def test_the_states_of_orders_know_no_time() -> None:
    assert not Standing(Rules.of(settings()), states.prepare, "order_states")._known.tells_time
