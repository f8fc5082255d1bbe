"""Whatever the documents, both sides of every tie-out are matched + unmatched + excluded, to the cent."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reconciliation import behind, frame, tieouts
from reconciliation.linking import link
from reconciliation.rules import Rules
from reconciliation.tieouts import DoesNotFootError, Pair, foots
from state.store import open_store
from tests.reconciliation.books import Books, line, settings
from tests.reconciliation.deals import Deal

MONEY = st.integers(-500, 100_000)
CURRENCY = st.sampled_from(["CNY", "JPY", "KWD", None])
NUMBERS = st.lists(st.integers(0, 5), max_size=3, unique=True)


def _documents(data: st.DataObject, entity: str, statuses: list[str]) -> list[dict[str, Any]]:
    made = []
    for number in range(data.draw(st.integers(0, 6))):
        net = data.draw(MONEY)
        made.append(
            {
                "source_id": f"{entity}{number}",
                "status": data.draw(st.sampled_from(statuses)),
                "currency": data.draw(CURRENCY),
                "deleted": data.draw(st.sampled_from([False, False, False, True])),
                "net_amount": net,
                "gross_amount": net + data.draw(st.integers(0, 50)),
            }
        )
    return made


def _refs(data: st.DataObject, prefix: str) -> list[str]:
    return [f"no:{prefix}{number}" for number in data.draw(NUMBERS)]


def _lines(data: st.DataObject) -> list[dict[str, Any]]:
    sku, quantity = st.sampled_from(["A", "B", "SV", None]), st.integers(0, 9)
    return [
        line(data.draw(sku), data.draw(quantity), data.draw(st.integers(0, 99)))
        for _ in range(data.draw(quantity) // 3)
    ]


def _world(books: Books, data: st.DataObject) -> None:
    books.add("product", "SV", sku="SV", kind="service", status="active")
    for n, quote in enumerate(_documents(data, "quote", ["draft", "accepted", "ordered", "cancelled", "rejected"])):
        books.add("quote", quote.pop("source_id"), number=f"Q{n}", lines=_lines(data), **quote)
    for n, order in enumerate(
        _documents(data, "order", ["draft", "submitted", "in_progress", "completed", "cancelled"])
    ):
        ref = _refs(data, "Q")
        books.add(
            "order",
            order.pop("source_id"),
            number=f"S{n}",
            quote_ref=ref[0] if ref else None,
            lines=_lines(data),
            **order,
        )
    for n in range(data.draw(st.integers(0, 5))):
        books.add(
            "delivery",
            f"delivery{n}",
            status=data.draw(st.sampled_from(["planned", "delivered", "cancelled"])),
            kind=data.draw(st.sampled_from(["outbound", "outbound", "return"])),
            order_refs=_refs(data, "S"),
            lines=_lines_of_delivery(data),
        )
    statuses = ["draft", "issued", "partly_paid", "paid", "void", "reversed"]
    for n, invoice in enumerate(_documents(data, "invoice", statuses)):
        kind = data.draw(st.sampled_from(["invoice", "invoice", "credit_note", "proforma"]))
        ref = _refs(data, "I")
        corrects = ref[0] if ref and kind == "credit_note" else None
        source_id = invoice.pop("source_id")
        books.add(
            "invoice",
            source_id,
            number=f"I{n}",
            kind=kind,
            order_refs=_refs(data, "S"),
            corrects_ref=corrects,
            **invoice,
        )
    for n in range(data.draw(st.integers(0, 6))):
        books.add(
            "payment",
            f"payment{n}",
            status=data.draw(st.sampled_from(["received", "received", "failed"])),
            direction=data.draw(st.sampled_from(["in", "in", "out", None])),
            kind="payment",
            currency=data.draw(CURRENCY),
            amount=data.draw(MONEY),
            lines=[{"invoice_ref": ref, "amount": data.draw(MONEY)} for ref in _refs(data, "I")],
        )


def _lines_of_delivery(data: st.DataObject) -> list[dict[str, Any]]:
    return [{"sku": item["sku"], "quantity": item["quantity"]} for item in _lines(data)]


@hypothesis_settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_tie_out_of_random_documents_foots(data: st.DataObject, sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "random.db"
    shutil.copy(sqlite_template, path)
    with open_store(f"sqlite:///{path}") as store:
        books = Books(store)
        _world(books, data)
        books.save()
        with frame.load(store, Rules.of(settings()), links=False) as loaded:
            link(loaded, store, "run-1")
            figures = tieouts.tie_outs(loaded).all
    assert all(foots(item) for item in figures)
    for item in figures:
        assert abs(item["matched"]["left_amount"] - item["matched"]["right_amount"]) <= 5 * item["matched"]["count"]
    path.unlink()


def test_a_join_that_counts_a_document_twice_is_found_out(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    Deal(1).write(books)
    books.save()
    whole = tieouts.order_invoice()
    doubled = Pair(*whole[:3], f"{whole.left_parts} UNION ALL {whole.left_parts}", *whole[4:])
    monkeypatch.setattr(tieouts, "order_invoice", lambda: doubled)
    with frame.load(books.store, Rules.of(settings()), links=False) as loaded:
        link(loaded, books.store, "run-1")
        with pytest.raises(DoesNotFootError, match="order_invoice in CNY"):
            tieouts.tie_outs(loaded)


def _tied(books: Books) -> tieouts.TieOuts:
    books.save()
    with frame.load(books.store, Rules.of(settings()), links=False) as loaded:
        link(loaded, books.store, "run-1")
        return tieouts.tie_outs(loaded)


def _figures(books: Books) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["name"], item["currency"]): item for item in _tied(books).all}


def test_amounts_stand_where_a_controller_expects_them(books: Books) -> None:
    Deal(1).write(books)
    Deal(2).drop("payment").write(books)  # billed, not paid
    Deal(3).drop("invoice", "payment").write(books)  # not billed
    Deal(4).pay("ADV", 500, kind="advance").write(books)  # money without invoice
    draft = Deal(5).drop("payment").set("invoice", status="draft")
    draft.write(books)
    figures = _figures(books)
    billed = figures["order_invoice", "CNY"]
    assert billed["left"]["count"] == 5
    assert billed["matched"] == {"count": 3, "left_amount": 360000, "right_amount": 360000}
    assert billed["unmatched_left"] == {"count": 2, "amount": 240000}
    assert billed["excluded_right"] == {"count": 1, "amount": 120000}
    paid = figures["invoice_payment", "CNY"]
    assert paid["matched"] == {"count": 2, "left_amount": 271200, "right_amount": 271200}
    assert paid["unmatched_left"] == {"count": 1, "amount": 135600}
    assert paid["unmatched_right"] == {"count": 1, "amount": 50000}


def test_documents_that_belong_together_are_one_position(books: Books) -> None:
    deal = Deal(1).set("invoice", net_amount=700, gross_amount=791)
    deal.also("invoice", "INVB", net_amount=500, gross_amount=565).write(books)
    item = _figures(books)["order_invoice", "CNY"]
    assert item["matched"] == {"count": 1, "left_amount": 120000, "right_amount": 120000}
    assert (item["right"]["count"], item["right"]["documents"]) == (1, 2)


def test_services_are_excluded_from_deliveries(books: Books) -> None:
    books.add("product", "SV", sku="SV", kind="service", status="active")
    deal = Deal(1)
    deal.set("order", lines=[*deal.documents["order"][0]["lines"], line("SV", 1, 300)], net_amount=1500).write(books)
    item = _figures(books)["order_delivery", "CNY"]
    assert item["matched"] == {"count": 1, "left_amount": 120000, "right_amount": 120000}
    assert item["excluded_left"] == {"count": 1, "amount": 30000}


def test_the_documents_behind_what_does_not_agree_are_kept_with_what_is_not_due_yet(books: Books) -> None:
    Deal(1).write(books)
    Deal(2).drop("payment").set("invoice", due_date=date(2026, 11, 30)).write(books)
    Deal(3).drop("payment").write(books)
    Deal(4).set("invoice", net_amount=700, gross_amount=791).drop("payment").write(books)
    Deal(5).drop("payment").set("invoice", status="draft").write(books)
    found = _tied(books).behind
    open_invoices = found[behind.key("invoice_payment", "left", "CNY", behind.UNMATCHED)]
    assert [item["amount"] for item in open_invoices["documents"]] == [135600, 135600, 79100]
    assert [item["waits"] for item in open_invoices["documents"]] == [True, False, False]
    assert (open_invoices["count"], open_invoices["not_due"]) == (3, {"count": 1, "amount": 135600})
    left_out = found[behind.key("invoice_payment", "left", "CNY", behind.EXCLUDED)]
    assert [(item["amount"], item["opposite"]) for item in left_out["documents"]] == [(135600, None)]
    orders = found[behind.key("order_invoice", "left", "CNY", behind.UNMATCHED)]["documents"]
    assert {(item["whole"], item["opposite"]) for item in orders} == {(120000, 70000), (120000, None)}


def test_what_waits_for_its_day_is_not_due_until_the_end_of_the_month_before_it(books: Books) -> None:
    Deal(1).drop("payment").set("invoice", due_date=date(2026, 11, 30)).write(books)
    Deal(2).drop("payment").set("invoice", due_date=date(2026, 10, 20)).write(books)
    part = Deal(3).set("invoice", due_date=date(2026, 11, 30), issue_date=date(2026, 9, 5))
    part.set("payment", amount=100, received_on=date(2026, 10, 2), lines=[{"invoice_ref": "id:INV-3", "amount": 100}])
    part.write(books)
    Deal(4).set("invoice", due_date=date(2026, 11, 30), issue_date=date(2026, 9, 5)).write(books)
    found = _tied(books)
    [now] = [item for item in found.all if item["name"] == "invoice_payment"]
    assert now["not_due_left"] == {"count": 2, "amount": 2 * 135600}
    stood = {item["period"]: item["to_date"] for item in found.by_period if item["name"] == "invoice_payment"}
    # the one paid in part waits from its month on, the one that is paid in October waited until then
    assert stood["2026-09"]["not_due_left"] == {"count": 2, "amount": 2 * 135600}
    assert stood["2026-10"]["not_due_left"] == now["not_due_left"]
    assert stood["2026-09"]["not_due_right"] == {"count": 0, "amount": 0}
    assert stood["2026-10"]["not_due_right"] == now["not_due_right"] == {"count": 1, "amount": 10000}


def test_what_is_missing_of_what_is_due_counts_once_on_the_side_that_has_more(books: Books) -> None:
    Deal(1).write(books)
    Deal(2).set("invoice", net_amount=700, gross_amount=791).drop("payment").write(books)
    Deal(3).set("invoice", net_amount=1500, gross_amount=1695).drop("payment").write(books)
    Deal(4).drop("payment").set("invoice", due_date=date(2026, 11, 30)).write(books)
    found = _tied(books).behind
    orders, billed = (found[behind.key("order_invoice", side, "CNY", behind.UNMATCHED)] for side in ("left", "right"))
    assert (orders["missing"], billed["missing"]) == (50000, 30000)
    assert found[behind.key("invoice_payment", "left", "CNY", behind.UNMATCHED)]["missing"] == 79100 + 169500


def test_what_the_other_side_has_in_another_currency_stands_with_what_has_nothing_in_its_own(books: Books) -> None:
    Deal(1).set("invoice", currency="EUR", net_amount=699, gross_amount=790).drop("payment").write(books)
    Deal(2).drop("invoice", "payment").write(books)
    found = _tied(books).behind
    orders = found[behind.key("order_invoice", "left", "CNY", behind.UNMATCHED)]["documents"]
    assert [(item["opposite"], item.get("elsewhere")) for item in orders] == [
        (None, [{"currency": "EUR", "amount": 69900}]),
        (None, None),
    ]
    [invoice] = found[behind.key("order_invoice", "right", "EUR", behind.UNMATCHED)]["documents"]
    assert invoice["elsewhere"] == [{"currency": "CNY", "amount": 120000}]


def test_of_many_documents_the_largest_are_kept(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "_LARGEST", behind._LARGEST.replace(f"<= {behind.MOST}", "<= 2"))
    for n in range(5):
        books.add("invoice", f"i{n}", number=f"I{n}", kind="invoice", status="issued", gross_amount=100 + n)
    kept = _tied(books).behind[behind.key("invoice_payment", "left", "CNY", behind.UNMATCHED)]
    assert (kept["count"], [item["amount"] for item in kept["documents"]]) == (5, [10400, 10300])
