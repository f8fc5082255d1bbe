"""Links: what proves them, what does not, and what people decide."""

from __future__ import annotations

from typing import Any

import pytest

from state import audit, links
from state.links import Link, LinkError
from state.store import Store
from tests.reconciliation.books import Books, linked

Found = dict[tuple[str, str], Link]


def _links(books: Books, run: str = "run-1") -> Found:
    """Links by the source ids of their ends, with the earlier system or document first."""
    linked(books, run)
    names = {record_id: key[2] for key, record_id in books.ids.items()}
    with books.store.reading() as connection:
        found = links.listing(connection, limit=1000)
    return {(names[item.left_id], names[item.right_id]): item for item in found}


def _party(books: Books, system: str, key: str, **fields: Any) -> int:
    return books.add("party", key, system=system, status="active", **fields)


TYPED = (
    ("SO-00012", "SO-00012", "number"),
    ("so 13", "SO-00013", "number_as_typed"),
    ("订单号：SO-00014", "SO-00014", "number_as_typed"),
    ("ＳＯ－１５", "SO-00015", "number_as_typed"),
    ("2026-0016", "2026-16", "number_as_typed"),
    ("Your order no. 2026/17", "2026-17", "number_as_typed"),
    ("SO-18", "00018", "number_digits"),
)


def test_an_order_number_is_recognised_as_people_type_it(books: Books) -> None:
    for system in ("erp", "books"):
        _party(books, system, f"P-{system}", tax_id="91310000123456789X")
    for typed, number, _ in TYPED:
        books.add("order", number, number=number, status="confirmed", party_ref="id:P-erp")
        books.add("invoice", typed, status="issued", order_refs=[f"no:{typed}"], party_ref="id:P-books")
    found = _links(books)
    for typed, number, method in TYPED:
        link = found[number, typed]
        assert (link.kind, link.method, link.decision) == ("follows", method, "auto")
        assert typed in link.evidence


def test_another_customers_number_is_only_a_suggestion(books: Books) -> None:
    _party(books, "erp", "P-erp", tax_id="91310000123456789X")
    _party(books, "books", "P-books", tax_id="91310000000000000Y")
    books.add("order", "O", number="SO-12", status="confirmed", party_ref="id:P-erp")
    books.add("invoice", "I", number="INV-1", status="issued", order_refs=["no:so12"], party_ref="id:P-books")
    books.add("invoice", "J", number="INV-2", status="issued", order_refs=["no:12"])
    found = _links(books)
    assert (found["O", "I"].decision, found["O", "J"].decision) == ("suggested", "suggested")


def test_a_number_of_two_documents_is_only_a_suggestion_unless_one_is_deleted(books: Books) -> None:
    books.add("order", "A", number="SO-1", status="confirmed")
    books.add("order", "B", number="SO-1", status="confirmed")
    books.add("order", "C", number="SO-2", status="confirmed")
    books.add("order", "D", number="SO-2", status="confirmed", deleted=True)
    books.add("invoice", "I", number="INV-1", status="issued", order_refs=["no:SO-1"])
    books.add("invoice", "J", number="INV-2", status="issued", order_refs=["no:SO-2"])
    found = _links(books)
    assert {key: item.decision for key, item in found.items()} == {
        ("A", "I"): "suggested",
        ("B", "I"): "suggested",
        ("C", "J"): "auto",
    }


def test_the_order_number_that_we_wrote_is_no_evidence(books: Books) -> None:
    books.add("quote", "Q", number="Q-1", status="accepted", order_number="SO-1")
    books.add("order", "O", number="SO-1", status="confirmed")
    assert ("Q", "O") not in _links(books)


def test_parties_are_linked_by_the_best_key_that_they_have(books: Books) -> None:
    _party(books, "crm", "C1", name="Muster Maschinen GmbH", tax_id="DE 123 456 789")
    _party(books, "erp", "E1", name="Muster", tax_id="DE123456789")
    _party(books, "crm", "C2", name="A", email="Info@Alpha.example")
    _party(books, "erp", "E2", name="B", email="info@alpha.example ")
    _party(books, "crm", "C3", name="C", domain="beta.example")
    _party(books, "erp", "E3", name="D", domain="www.beta.example")
    _party(books, "crm", "C4", name="E", phone="+86 21 6888 1234")
    _party(books, "erp", "E4", name="F", phone="021-68881234")
    _party(books, "crm", "C5", name="上海安信有限公司", city="上海")
    _party(books, "erp", "E5", name="上海安信", city="上海")
    _party(books, "erp", "E6", number="K-77", name="G")
    _party(books, "books", "B6", external_ref="no:K-77", name="H")
    found = _links(books)
    assert {key: item.method for key, item in found.items() if item.decision == "auto"} == {
        ("C1", "E1"): "tax_id",
        ("C2", "E2"): "email",
        ("C3", "E3"): "domain",
        ("C4", "E4"): "phone",
        ("C5", "E5"): "name_city",
        ("E6", "B6"): "number",
    }


def test_weak_shared_or_contradicted_keys_link_nothing_by_themselves(books: Books) -> None:
    _party(books, "crm", "C1", name="One", email="a@x.example", tax_id="91310000123456789X")
    _party(books, "erp", "E1", name="One", email="a@x.example", tax_id="91310000987654321X")  # another tax id
    _party(books, "crm", "C2", name="Two", domain="gmail.com")
    _party(books, "erp", "E2", name="Three", domain="gmail.com")  # everybody's domain
    _party(books, "crm", "C3", name="Group North", domain="group.example")
    _party(books, "crm", "C4", name="Group South", domain="group.example")
    _party(books, "erp", "E3", name="Group East", domain="group.example")  # two candidates
    _party(books, "crm", "C5", name="Same Name Ltd")
    _party(books, "erp", "E5", name="SAME NAME GmbH")  # a name alone
    _party(books, "crm", "C6", name="Six", tax_id="000000000")
    _party(books, "erp", "E6", name="Seven", tax_id="000000000")  # no tax id at all
    found = _links(books)
    assert [key for key, item in found.items() if item.decision == "auto"] == []
    assert {key for key, item in found.items() if item.decision == "suggested"} == {
        ("C3", "E3"),
        ("C4", "E3"),
        ("C5", "E5"),
    }


def test_products_are_linked_by_sku(books: Books) -> None:
    books.add("product", "P1", sku="pt-100 ", status="active")
    books.add("product", "X1", system="books", sku="PT-100", status="active")
    assert _links(books)["P1", "X1"].method == "sku"


def test_decisions_of_people_survive_every_run(store: Store) -> None:
    books = Books(store)
    books.add("order", "A", number="SO-1", status="confirmed")
    books.add("order", "B", number="SO-2", status="confirmed")
    books.add("invoice", "I", number="INV-1", status="issued", order_refs=["no:SO-1"])
    assert _links(books)["A", "I"].decision == "auto"
    ids = {key[2]: record_id for key, record_id in books.ids.items()}
    with store.transaction() as connection:
        links.decide(connection, "follows", ids["A"], ids["I"], "cut", "lin")
        links.decide(connection, "follows", ids["B"], ids["I"], "confirmed", "lin")
    for run in ("run-2", "run-3"):
        found = _links(books, run)
        assert (found["A", "I"].decision, found["A", "I"].decided_by) == ("cut", "lin")
        assert (found["B", "I"].decision, found["B", "I"].method) == ("confirmed", "person")
    with store.transaction() as connection:
        assert links.undecide(connection, "follows", ids["A"], ids["I"], "lin")
        assert audit.verify(connection).intact
    assert _links(books, "run-4")["A", "I"].decision == "auto"


def test_a_cut_candidate_leaves_the_other_one_certain(books: Books) -> None:
    books.add("order", "A", number="SO-1", status="confirmed")
    books.add("order", "B", number="SO-1", status="confirmed")
    books.add("invoice", "I", number="INV-1", status="issued", order_refs=["no:SO-1"])
    _links(books)
    ids = {key[2]: record_id for key, record_id in books.ids.items()}
    with books.store.transaction() as connection:
        links.decide(connection, "follows", ids["B"], ids["I"], "cut", "lin")
    found = _links(books, "run-2")
    assert (found["A", "I"].decision, found["B", "I"].decision) == ("auto", "cut")


def test_links_follow_the_data(store: Store) -> None:
    books = Books(store)
    books.add("order", "A", number="SO-1", status="confirmed")
    books.add("order", "B", number="SO-2", status="confirmed")
    books.add("invoice", "I", number="INV-1", status="issued", order_refs=["no:SO-1"])
    assert set(_links(books)) == {("A", "I")}
    books.add("invoice", "I", number="INV-1", status="issued", order_refs=["no:SO-2"])
    assert set(_links(books, "run-2")) == {("B", "I")}


def test_a_link_that_makes_no_sense_is_refused(books: Books) -> None:
    order = books.add("order", "A", number="SO-1", status="confirmed")
    quote = books.add("quote", "Q", number="Q-1", status="accepted")
    books.save()
    with books.store.transaction() as connection:
        with pytest.raises(LinkError, match="cannot be the same thing"):
            links.decide(connection, "same_as", order, quote, "confirmed", "lin")
        with pytest.raises(LinkError, match="two different records"):
            links.decide(connection, "follows", order, 4711, "cut", "lin")
