"""Money that several systems have seen: what proves it, what does not, and that it counts once."""

from __future__ import annotations

from typing import Any

import pytest

from reconciliation.trace import trace
from state import links
from state.store import Store
from tests.reconciliation.deals import ago
from tests.reconciliation.vault import Vault, firm, line

pytestmark = pytest.mark.slow


@pytest.fixture
def vault(sqlite_store: Store) -> Vault:
    return Vault(sqlite_store)


def test_an_end_to_end_id_makes_two_payments_one(vault: Vault) -> None:
    vault.payment("books", "B", end_to_end_id="E2E-2026-77", on=ago(30))
    vault.payment("vault", "V", end_to_end_id="e2e-2026-77 ", on=ago(3))
    found = vault.links()["B", "V"]
    assert (found.kind, found.method, found.decision) == ("same_as", "end_to_end_id", "auto")


def test_the_id_of_one_in_the_text_of_the_other_is_enough_however_late_it_was_entered(vault: Vault) -> None:
    vault.payment("shop", "ch_3NqX81LkdIwHu7ix", on=ago(60))
    vault.payment("books", "B", text="Card payment ch_3NqX81LkdIwHu7ix", on=ago(20))
    found = vault.links()["B", "ch_3NqX81LkdIwHu7ix"]
    assert (found.method, found.decision) == ("reference", "auto")


def test_an_id_that_looks_like_an_account_is_one_all_the_same(vault: Vault) -> None:
    vault.payment("shop", "ch_12ABCDEFGHIJKLMNO")
    vault.payment("books", "B", text="ch_12ABCDEFGHIJKLMNO", on=ago(20))
    assert vault.decisions() == {("B", "ch_12ABCDEFGHIJKLMNO"): "auto"}


def test_a_key_that_a_source_keeps_of_another_is_a_link(vault: Vault) -> None:
    vault.payment("shop", "ch_1", on=ago(60))
    vault.payment("books", "B", amount=97, external_ref="ext:ch_1")
    assert vault.links()["B", "ch_1"].decision == "auto"


@pytest.mark.parametrize(
    ("in_books", "at_bank"),
    [
        ("Payment INV-2026-0042", "SVWZ+INV-2026-0042 thanks"),
        ("付款 INV-2026-0042", "货款INV-2026-0042上海"),
        ("ref 4711-0815", "47110815"),
    ],
)
def test_a_reference_in_both_texts_with_amount_and_day_is_enough(vault: Vault, in_books: str, at_bank: str) -> None:
    vault.payment("books", "B", text=in_books, on=ago(10))
    vault.payment("vault", "V", text=at_bank, on=ago(4))
    found = vault.links()["B", "V"]
    assert (found.method, found.decision) == ("reference_text", "auto")


def test_an_invoice_that_the_books_name_and_the_banks_text_shows_is_a_reference(vault: Vault) -> None:
    vault.invoice("INV-7")
    vault.payment("books", "B", invoice_ref="id:INV-7")
    vault.payment("vault", "V", text="Rechnung INV-7")
    assert vault.links()["B", "V"].method == "reference_text"


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "100.01"},
        {"currency": "USD"},
        {"on": ago(13)},
        {"direction": "out"},
    ],
)
def test_a_reference_in_the_texts_needs_amount_currency_direction_and_day(vault: Vault, other: dict[str, Any]) -> None:
    vault.payment("books", "B", text="INV-2026-0042")
    vault.payment("vault", "V", text="INV-2026-0042", **other)
    assert ("B", "V") not in vault.links()


def test_how_many_days_apart_is_a_setting(vault: Vault) -> None:
    vault.payment("books", "B", text="INV-2026-0042", on=ago(13))
    vault.payment("vault", "V", text="INV-2026-0042")
    assert vault.decisions(reconciliation={"same_payment_days": 8}) == {("B", "V"): "auto"}
    assert vault.decisions(run="run-2") == {}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "Zahlung vom 26.10.2026",
        "2026-10-26",
        "EUR 100.00",
        "amount 1234567.00",
        "EUR 1234567 in all",
        "DE89370400440532013000",
        "thank you 42",
    ],
)
def test_amount_currency_and_day_alone_are_only_suggested(vault: Vault, text: str | None) -> None:
    vault.payment("books", "B", amount=1234567, text=text)
    vault.payment("vault", "V", amount=1234567, text=text)
    found = vault.links()["B", "V"]
    assert (found.method, found.decision) == ("amount_and_day", "suggested")


def test_between_processor_and_bank_amounts_suggest_nothing(vault: Vault) -> None:
    vault.payment("shop", "ch_1")
    vault.payment("vault", "V")
    assert vault.links() == {}


def test_what_could_be_two_is_suggested_and_never_guessed(vault: Vault) -> None:
    vault.payment("books", "B", text="INV-2026-0042", on=ago(5))
    vault.payment("vault", "V1", text="INV-2026-0042", on=ago(4))
    vault.payment("vault", "V2", text="INV-2026-0042", on=ago(3))
    assert vault.decisions() == {("B", "V1"): "suggested", ("B", "V2"): "suggested"}


def test_instalments_of_one_invoice_are_told_apart_by_their_days_or_not_at_all(vault: Vault) -> None:
    for number, days in ((1, 9), (2, 5)):
        vault.payment("books", f"B{number}", text="INV-2026-0042", on=ago(days))
        vault.payment("vault", f"V{number}", text="INV-2026-0042", on=ago(days))
    assert vault.decisions() == {("B1", "V1"): "auto", ("B2", "V2"): "auto"}
    vault.payment("vault", "V2", text="INV-2026-0042", on=ago(4))
    assert set(vault.decisions(run="run-2").values()) == {"suggested"}


def test_a_reference_that_everybody_writes_is_none(vault: Vault) -> None:
    for number in range(21):
        vault.payment("books", f"B{number}", amount=100 + number, text="contract C-4711")
    vault.payment("vault", "V", amount=100, text="contract C-4711")
    assert vault.links()["B0", "V"].decision == "suggested"


def test_a_line_goes_to_one_payment_only(vault: Vault) -> None:
    """The line that its id proves is not offered to another payment of the same amount."""
    vault.payment("books", "B1", end_to_end_id="E2E-77", text="INV-2026-0042")
    vault.payment("books", "B2", text="INV-2026-0042")
    vault.payment("vault", "V", end_to_end_id="E2E-77", text="INV-2026-0042")
    assert vault.decisions() == {("B1", "V"): "auto"}


def test_people_decide_last(store: Store) -> None:
    vault = Vault(store)
    books = vault.payment("books", "B", text="INV-2026-0042")
    one = vault.payment("vault", "V1", text="INV-2026-0042")
    two = vault.payment("vault", "V2", text="INV-2026-0042")
    vault.links()
    with store.transaction() as connection:
        links.decide(connection, "same_as", books, one, "cut", "lin", "another customer's")
    assert vault.decisions(run="run-2") == {("B", "V1"): "cut", ("B", "V2"): "auto"}
    with store.transaction() as connection:
        links.decide(connection, "same_as", books, two, "cut", "lin", "another's, too")
        links.decide(connection, "same_as", books, one, "confirmed", "lin")
    assert vault.decisions(run="run-3") == {("B", "V1"): "confirmed", ("B", "V2"): "cut"}


def test_the_result_does_not_depend_on_the_order_in_which_systems_were_read(sqlite_store: Store, vault: Vault) -> None:
    vault.payment("vault", "V", text="INV-2026-0042")
    vault.payment("shop", "ch_3NqX81LkdIwHu7ix", text="INV-2026-0042")
    vault.payment("books", "B", text="ch_3NqX81LkdIwHu7ix INV-2026-0042")
    assert set(vault.money()) == {"B"}


def test_a_payment_that_three_systems_have_seen_counts_once(store: Store) -> None:
    vault = Vault(store)
    vault.invoice("INV-7")
    lines = [{"invoice_ref": "id:INV-7", "amount": 100}]
    vault.payment("books", "B", invoice_ref="id:INV-7", unapplied_amount=0, lines=lines, text="ch_3NqX81LkdIwHu7ix")
    vault.payment("shop", "ch_3NqX81LkdIwHu7ix", text="INV-7")
    vault.payment("vault", "V", text="INV-7 ch_3NqX81LkdIwHu7ix")
    assert vault.money() == {"B": (10000, 0)}
    paid = vault.tie_outs()["invoice_payment"]
    assert paid["matched"] == {"count": 1, "left_amount": 10000, "right_amount": 10000}
    assert (paid["right"]["count"], paid["right"]["documents"]) == (1, 1)
    assert "payment_overpaid" not in vault.findings()


def test_what_the_bank_alone_says_about_the_invoice_is_heard(vault: Vault) -> None:
    """The books do not say what a payment is for; the bank's text does."""
    vault.invoice("INV-7")
    vault.payment("books", "B", end_to_end_id="E2E-77")
    lines = [{"invoice_ref": "no:INV-7", "amount": 100}]
    vault.payment("vault", "V", end_to_end_id="E2E-77", invoice_ref="no:INV-7", lines=lines)
    assert vault.money() == {"B": (10000, 0)}
    assert vault.tie_outs()["invoice_payment"]["matched"]["count"] == 1


def test_books_that_say_a_payment_is_not_applied_are_believed(vault: Vault) -> None:
    vault.invoice("INV-7", open_amount=100)
    vault.payment("books", "B", end_to_end_id="E2E-77", unapplied_amount=100)
    lines = [{"invoice_ref": "no:INV-7", "amount": 100}]
    vault.payment("vault", "V", end_to_end_id="E2E-77", invoice_ref="no:INV-7", lines=lines)
    assert vault.money() == {"B": (10000, 10000)}
    assert vault.tie_outs()["invoice_payment"]["matched"]["count"] == 0
    assert [item.records[0].source_id for item in vault.findings()["payment_without_invoice"]] == ["B"]


@pytest.mark.parametrize("gone", [{"status": "reversed"}, {"deleted": True}])
def test_where_the_books_took_it_back_the_next_one_stands_for_it(vault: Vault, gone: dict[str, Any]) -> None:
    vault.payment("books", "B", external_ref="ext:V", **gone)
    vault.payment("vault", "V")
    assert vault.money() == {"V": (10000, 10000)}


def test_a_banks_line_for_a_payout_is_no_payment_of_a_customer(vault: Vault) -> None:
    vault.payment("shop", "ch_1", 100)
    vault.payout("po_1", 97, line("charge", 100, 3, "ch_1"))
    vault.payment("vault", "V", 97, text="STRIPE PAYOUT", on=ago(3))
    assert set(vault.money()) == {"ch_1"}
    right = vault.tie_outs()["invoice_payment"]["right"]
    assert (right["count"], right["amount"]) == (1, 10000)


def test_a_trace_goes_as_far_as_the_payout_and_its_line_and_no_other_customer(store: Store) -> None:
    vault = Vault(store)
    vault.invoice("INV-7")
    vault.invoice("INV-8")
    vault.payment("shop", "ch_1", 100, invoice_ref="no:INV-7")
    vault.payment("shop", "ch_2", 100, invoice_ref="no:INV-8")
    vault.payout("po_1", 194, line("charge", 100, 3, "ch_1"), line("charge", 100, 3, "ch_2"))
    vault.payment("vault", "V", 194, text="STRIPE", on=ago(3))
    vault.reconcile()
    whole = ["INV-7", "ch_1", "V", "po_1"]
    (chain,) = trace(store, firm(), "INV-7")
    assert [record.source_id for record in chain.records] == whole
    (chain,) = trace(store, firm(), "po_1")
    assert {record.source_id for record in chain.records} == {*whole, "INV-8", "ch_2"}


def test_a_line_that_looks_like_a_payout_counts_as_no_receipt_but_is_not_lost(vault: Vault) -> None:
    vault.payout("po_1", 50, line("adjustment", 50))
    vault.payment("vault", "V", 97, text="STRIPE", on=ago(6))
    vault.payment("vault", "W", 98, payer_name="Stripes Clothing Ltd", on=ago(6))
    assert set(vault.money()) == {"W"}
    assert {item.records[0].source_id for item in vault.findings()["bank_line_unexplained"]} == {"V", "W"}


def test_a_customer_whose_name_looks_like_a_processors_counts_if_it_names_an_invoice(vault: Vault) -> None:
    vault.invoice("INV-7")
    vault.payout("po_1", 50, line("adjustment", 50))
    vault.payment("vault", "V", 100, text="INV-7", payer_name="STRIPE", invoice_ref="no:INV-7")
    assert set(vault.money()) == {"V"}
