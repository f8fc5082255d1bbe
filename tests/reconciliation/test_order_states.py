"""What the last reconciliation came to for each order: shown while nothing has changed, else computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mappings.engine import load
from reconciliation import code, order_states, states, trace
from reconciliation.engine import reconcile
from reconciliation.rules import Rules
from reconciliation.standing import Standing
from state import audit, bulk, landing, links, remap, runs, schema
from state import order_states as kept
from state.clock import now_us
from state.store import Store
from state.writes import Origin, RecordState
from tests.reconciliation.books import HOME, Books, settings
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


def _is_kept(store: Store, with_: str = "payment", **changed: Any) -> bool:
    """Whether what is kept holds for orders that are linked with records of this entity."""
    with store.reading() as connection:
        ids = list(connection.execute(select(schema.canonical[with_].c.record_id)).scalars())
        return kept.hold(connection, order_states.inputs(Rules.of(settings(**changed))), ids)


def _unpay(books: Books) -> None:
    """The payment is gone, as a page of a pull would have it."""
    with books.store.transaction() as connection:
        (record_id,) = connection.execute(select(schema.canonical["payment"].c.record_id)).scalars()
        version = (record_id, 2, b"", b"", None, Origin.DELETION.value, "run", now_us())
        names = ("record_id", "seq", "hash", "body", "version", "origin", "run_id", "first_seen_at")
        bulk.insert(connection, schema.landing, names, [version])
        connection.execute(schema.canonical["payment"].update().values(deleted=1))


@contextmanager
def _at_work(store: Store, entity: str, **counts: int) -> Iterator[None]:
    """A pull of one stream that is under way in the block, and counts only in the end."""
    with runs.running(store, "pull", "local") as run:
        with store.transaction() as connection:
            runs.start_stream(connection, run.id, HOME[entity], f"{entity}_list", "pull")
        yield
        with store.transaction() as connection:
            runs.finish_stream(connection, run.id, HOME[entity], f"{entity}_list", "pull", status="done", counts=counts)
        run.finish("done")


def test_every_order_of_a_company_is_shown_as_it_would_be_computed(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = schema.canonical["order"]
    with company.store.reading() as connection:
        found = connection.execute(select(orders.c.number).where(orders.c.number.is_not(None))).scalars()
        numbers = sorted(found)[::7]
        assert kept.hold(connection, order_states.inputs(Rules.of(settings())), [])
    shown = [trace.trace(company.store, settings(), number) for number in numbers]
    assert any(record.states for chains in shown for chain in chains for record in chain.records)
    monkeypatch.setattr(kept, "hold", lambda *_: False)
    assert [trace.trace(company.store, settings(), number) for number in numbers] == shown


def test_what_was_kept_is_shown_until_a_version_comes_of_what_it_is_linked_with(books: Books) -> None:
    assert _shown(books.store) == PAID
    with _at_work(books.store, "payment", deleted=1):
        assert _shown(books.store) == PAID, "whatever is being pulled, nothing has come of this order's records"
        assert _is_kept(books.store)
        _unpay(books)
        assert _shown(books.store)["payment_state"] == "unpaid"
    assert _shown(books.store)["payment_state"] == "unpaid"
    assert _is_kept(books.store, with_="order"), "of the order itself no version has come"
    reconcile(books.store, settings(), "run-2")
    assert _is_kept(books.store)
    assert _shown(books.store)["payment_state"] == "unpaid"


def test_while_products_are_pulled_all_is_computed_as_no_link_leads_to_them(books: Books) -> None:
    with _at_work(books.store, "product"):
        assert not _is_kept(books.store)
    assert _is_kept(books.store), "none has changed"


def test_records_that_are_mapped_again_without_a_version_compute_anew_until_the_next_reconciliation(
    books: Books, tmp_path: Path
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text("version: 1\nconnector: shop\nstreams: {payment: {entity: payment, fields: {number: number}}}")
    with books.store.transaction() as connection:
        stream = landing.Stream(books.stream_id("books", "payment"), "books", "payment_list", "payment")
        record = remap.Held(10_000, "P-9", RecordState.LIVE, b'{"number": "P-9"}')
        remap.remap(connection, stream, load(path).stream("payment"), [record], run_id="run")
    with _at_work(books.store, "order"):
        assert not _is_kept(books.store)
    reconcile(books.store, settings(), "run-2")
    with _at_work(books.store, "order"):
        assert _is_kept(books.store)


def test_a_reconciliation_that_ends_after_its_links_leaves_nothing_to_show(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    Deal(2).write(books)
    books.save()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(order_states, "keep", die)
    with pytest.raises(KeyboardInterrupt):
        reconcile(books.store, settings(), "run-2")
    assert not _is_kept(books.store)


def test_a_run_without_news_leaves_what_is_kept(books: Books) -> None:
    with _at_work(books.store, "payment", pulled=9, unchanged=9):
        pass
    assert _is_kept(books.store)


def test_other_rules_or_another_version_compute_anew(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _is_kept(books.store, reconciliation={"tolerance": {"absolute": {"CNY": "0"}, "relative": "0"}})
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
