"""What each system should show of what others know."""

from __future__ import annotations

from typing import Any

from reconciliation.writebacks import Wanted, wanted
from state.store import Store
from tests.reconciliation.books import Books, linked, settings
from tests.reconciliation.deals import Deal, ago


def _wishes(books: Books, **changes: Any) -> dict[tuple[str, str], Wanted]:
    linked(books)
    return {(wish.source_id, wish.field): wish for wish in wanted(books.store, settings(**changes))}


def test_the_crm_learns_what_became_of_the_deal(store: Store) -> None:
    books = Books(store)
    Deal(1).write(books)
    found = _wishes(books)
    shown = {key: (wish.old, wish.new) for key, wish in found.items()}
    assert shown == {
        ("OP-1", "order_number"): (None, "SO-1"),
        ("OP-1", "delivery_state"): (None, "delivered"),
        ("OP-1", "billing_state"): (None, "invoiced"),
        ("OP-1", "payment_state"): (None, "paid"),
        ("Q-1", "order_number"): (None, "SO-1"),
        ("Q-1", "delivery_state"): (None, "delivered"),
        ("Q-1", "payment_state"): (None, "paid"),
        ("SO-1", "payment_state"): (None, "paid"),
        ("INV-1", "delivery_numbers"): (None, "DN-1"),
    }
    wish = found["OP-1", "payment_state"]
    assert (wish.system, wish.stream, wish.entity, wish.number) == ("crm", "opportunity_list", "opportunity", None)
    assert wish.reasons["en"] == wish.reason == "Order SO-1 is paid in accounting."
    assert wish.reasons["zh"] == "财务系统中订单 SO-1 已付清。"
    assert wish.because == ({"system": "erp", "entity": "order", "source_id": "SO-1", "number": "SO-1"},)


def test_what_is_shown_already_is_not_wanted(books: Books) -> None:
    states = {"order_number": "SO-1", "delivery_state": "delivered", "payment_state": "paid"}
    deal = Deal(1).set("opportunity", billing_state="invoiced", **states).set("quote", **states)
    deal.set("order", payment_state="paid").set("invoice", delivery_numbers="DN-1").write(books)
    assert _wishes(books) == {}


def test_states_follow_the_documents(books: Books) -> None:
    Deal(1).drop("delivery", "invoice", "payment").set("order", status="in_progress").write(books)
    Deal(2).set("delivery", lines=[{"sku": "PUMP", "quantity": 4}]).set(
        "invoice", net_amount=400, gross_amount=452
    ).set("payment", amount=452, lines=[{"invoice_ref": "id:INV-2", "amount": 452}]).write(books)
    Deal(3).pay("OVR", 100, kind="overpayment").write(books)
    Deal(4).also("invoice", "INVB", status="issued", open_amount=1356).write(books)
    refunded = Deal(5).set("invoice", status="paid")
    refunded.also("invoice", "CN", kind="credit_note", corrects_ref="no:INV-5", status="paid")
    refunded.pay("REF", 1356, "id:CN-5", kind="refund", direction="out").write(books)
    found = _wishes(books)

    def states(number: int) -> tuple[str, ...]:
        names = ("delivery_state", "billing_state", "payment_state")
        return tuple(found[f"OP-{number}", name].new for name in names)

    assert states(1) == ("not_delivered", "not_invoiced", "unpaid")
    assert states(2) == ("partly_delivered", "partly_invoiced", "partly_paid")
    assert states(3) == ("delivered", "invoiced", "overpaid")
    assert states(4) == ("delivered", "over_invoiced", "partly_paid")
    assert states(5)[2] == "refunded"


def test_several_orders_of_one_opportunity_are_shown_together(books: Books) -> None:
    deal = Deal(1)
    deal.also("quote", "QB").also("order", "SOB", quote_ref="no:QB-1", status="in_progress").write(books)
    found = _wishes(books)
    assert found["OP-1", "order_number"].new == "SO-1, SOB-1"
    assert found["OP-1", "delivery_state"].new == "partly_delivered"
    assert found["QB-1", "delivery_state"].new == "not_delivered"


def test_marketing_learns_status_and_result_of_its_leads(books: Books) -> None:
    Deal(1).write(books)
    books.add("lead", "F-1", system="forms", number="L-1", status="working", company_name="A", email="a@a.example")
    books.add("lead", "C-1", status="converted", lead_ref="no:L-1", opportunity_ref="id:OP-1")
    books.add("lead", "F-2", system="forms", number="L-2", status="new", company_name="B", email="b@b.example")
    books.add("lead", "C-2", status="disqualified", lead_ref="no:L-2")
    found = _wishes(books)
    assert (found["F-1", "status"].new, found["F-2", "status"].new) == ("converted", "disqualified")
    assert found["F-1", "conversion_note"].new == "已转化 → 商机 Deal 1"
    assert found["F-1", "status"].reasons["zh"] == "CRM 中线索 C-1 的状态为“已转化”。"
    assert ("F-2", "conversion_note") not in found


def test_nothing_is_written_by_ambiguous_links_or_to_deleted_records(books: Books) -> None:
    books.add("lead", "F-1", system="forms", number="L-1", status="new", company_name="A", email="a@a.example")
    books.add("lead", "C-1", status="working", lead_ref="no:L-1")
    books.add("lead", "C-2", status="converted", lead_ref="no:L-1")
    books.add("lead", "F-2", system="forms", number="L-2", status="new", deleted=True)
    books.add("lead", "C-3", status="working", lead_ref="no:L-2")
    Deal(1).set("opportunity", deleted=True).set("quote", deleted=True).write(books)
    books.add("order", "SO-X", number="SO-1", status="confirmed", net_amount=1)  # a second order of that number
    found = _wishes(books)
    assert {key[0] for key in found} == {"SO-1", "SO-X"}


def test_only_accepted_quotes_and_running_orders_count(books: Books) -> None:
    Deal(1).set("quote", status="draft").write(books)
    Deal(2).set("order", status="submitted").write(books)
    Deal(3).set("order", status="cancelled").write(books)
    found = _wishes(books)
    assert {key[0] for key in found} == {"OP-1", "SO-1", "INV-1", "INV-2", "INV-3"}


def test_an_invoice_mailed_from_the_crm_is_marked_as_sent(books: Books) -> None:
    Deal(1).set("opportunity", invoice_sent_on=ago(17)).set("invoice", sent_to_customer=False).write(books)
    Deal(2).set("opportunity", invoice_sent_on=ago(19)).set("invoice", sent_to_customer=False).write(books)
    found = _wishes(books)
    assert found["INV-1", "sent_to_customer"].new is True
    assert ("INV-2", "sent_to_customer") not in found  # mailed before this invoice was issued


def test_delivery_numbers_are_sorted_as_numbers(books: Books) -> None:
    deal = Deal(1).set("delivery", number="10")
    deal.also("delivery", "DNB", number="9").also("delivery", "DNC", number="8", status="planned").write(books)
    assert _wishes(books)["INV-1", "delivery_numbers"].new == "9, 10"


def test_a_field_that_somebody_else_owns_is_left_alone(books: Books) -> None:
    Deal(1).write(books)
    books.add("lead", "F-1", system="forms", number="L-1", status="new", company_name="A", email="a@a.example")
    books.add("lead", "C-1", status="working", lead_ref="no:L-1")
    found = _wishes(books, ownership={"lead.status": "marketing", "order.payment_state": "erp"})
    assert ("F-1", "status") not in found
    assert ("SO-1", "payment_state") not in found
    assert ("OP-1", "payment_state") in found
