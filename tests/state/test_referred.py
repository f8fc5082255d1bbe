"""What references mean, on both databases: an id in the same system, a number in any, an id elsewhere."""

from __future__ import annotations

from state import referred
from state.store import Store
from tests.reconciliation.books import Books


def _found(store: Store, entity: str, *refs: str) -> dict[str, str]:
    with store.reading() as connection:
        return referred.found(connection, "erp", entity, refs)


def test_a_document_is_meant_by_its_id_here_its_number_anywhere_or_its_id_elsewhere(store: Store) -> None:
    books = Books(store)
    books.add("order", "o1", system="erp", number="SO-1")
    books.add("order", "o2", system="erp")
    books.add("order", "gone", system="erp", number="SO-9", deleted=True)
    books.add("quote", "q1", system="crm", number="Q-1")
    books.save()
    assert _found(store, "order", "id:o1", "id:o2", "id:none", "no:SO-1", "no:SO-9", "ext:o1") == {
        "id:o1": "SO-1",
        "id:o2": "o2",
        "no:SO-1": "SO-1",
    }
    assert _found(store, "quote", "id:q1", "no:Q-1", "ext:q1") == {"no:Q-1": "Q-1", "ext:q1": "Q-1"}


def test_a_customer_is_meant_by_the_id_in_the_same_system_alone(store: Store) -> None:
    books = Books(store)
    books.add("party", "p1", system="erp", number="C-1")
    books.add("party", "p2", system="crm", number="C-2")
    books.save()
    assert _found(store, "party", "id:p1", "no:C-1", "id:p2", "no:C-2") == {"id:p1": "C-1"}
    with store.reading() as connection:
        assert referred.has_any(connection, "erp", "party")
        assert not referred.has_any(connection, "books", "party")
        assert referred.has_any(connection, "books", "quote") is False
