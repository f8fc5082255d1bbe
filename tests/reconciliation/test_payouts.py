"""Payouts: what they are made of, whether they arrived, what of the processor's money is where, and what it cost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reconciliation import report, words
from reconciliation.checks import get
from reconciliation.engine import reconcile
from state import cash, links
from state.store import Store, open_store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import Deal, ago
from tests.reconciliation.vault import Vault, firm, line

pytestmark = pytest.mark.slow

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report-schema.json").read_text())


@pytest.fixture
def vault(sqlite_store: Store) -> Vault:
    return Vault(sqlite_store)


# -- at the bank


def test_a_trace_id_links_a_payout_with_its_line_whatever_else_the_line_says(vault: Vault) -> None:
    vault.payout("po_1", 97, bank_reference="091000012345678", on=ago(40))
    vault.payment("vault", "V", "95.50", text="ACH CREDIT 091000012345678", on=ago(3))
    found = vault.links()["V", "po_1"]
    assert (found.kind, found.left_entity, found.method, found.decision) == (
        *("follows", "payout"),
        *("payout_reference", "auto"),
    )


def test_of_two_lines_with_the_trace_id_the_one_of_the_right_amount_is_meant(vault: Vault) -> None:
    vault.payout("po_1", 97, bank_reference="TRN-2026-0815")
    vault.payment("vault", "V1", 97, text="TRN-2026-0815")
    vault.payment("vault", "V2", 20, text="TRN-2026-0815 correction")
    assert vault.decisions() == {("V1", "po_1"): "auto"}


def test_what_is_on_every_payout_identifies_none(vault: Vault) -> None:
    for number in (1, 2):
        vault.payout(f"po_{number}", 97, bank_reference="ACME2026")
    vault.payment("vault", "V", 20, text="ACME2026")
    assert vault.decisions() == {}


@pytest.mark.parametrize(
    ("shown", "descriptor"),
    [
        ({"text": "STRIPE TECHNOLOGY EUROPE"}, "STRIPE"),
        ({"payer_name": "Stripe Payments"}, "STRIPE"),
        ({"text": "AP 0815 cactus pay"}, "Cactus payout"),
    ],
)
def test_the_processors_words_with_amount_and_day_are_enough(
    vault: Vault, shown: dict[str, Any], descriptor: str
) -> None:
    vault.payout("po_1", 97, descriptor=descriptor, on=ago(5))
    vault.payment("vault", "V", 97, on=ago(3), **shown)
    found = vault.links()["V", "po_1"]
    assert (found.method, found.decision) == ("payout_text", "auto")


@pytest.mark.parametrize("other", [{"amount": "97.01"}, {"currency": "USD"}, {"on": ago(14)}, {"direction": "out"}])
def test_the_processors_words_need_amount_currency_direction_and_day(vault: Vault, other: dict[str, Any]) -> None:
    vault.payout("po_1", 97, on=ago(3))
    vault.payment("vault", "V", **{"amount": 97, "text": "STRIPE", **other})
    assert vault.decisions() == {}


def test_amount_and_day_of_a_payout_are_only_suggested(vault: Vault) -> None:
    vault.payout("po_1", 97, on=ago(3))
    vault.payment("vault", "V", 97, text="Transfer", on=ago(3))
    assert vault.links()["V", "po_1"].decision == "suggested"
    assert vault.money() == {"V": (9700, 9700)}


def test_equal_payouts_of_a_week_are_told_apart_by_their_days_or_not_at_all(vault: Vault) -> None:
    for number in range(3):
        vault.payout(f"po_{number}", 97, on=ago(3 + number))
        vault.payment("vault", f"V{number}", 97, text="STRIPE", on=ago(3 + number))
    assert vault.decisions() == {(f"V{number}", f"po_{number}"): "auto" for number in range(3)}
    vault.payment("vault", "V0", 97, text="STRIPE", on=ago(2))
    assert "auto" not in vault.decisions(run="run-2").values()


def test_people_say_which_line_a_payout_is(store: Store) -> None:
    vault = Vault(store)
    payout = vault.payout("po_1", 97, line("adjustment", 97))
    bank = vault.payment("vault", "V", 90, text="Transfer")
    vault.links()
    with store.transaction() as connection:
        links.decide(connection, "follows", payout, bank, "confirmed", "lin")
    assert vault.money() == {}
    assert vault.tie_outs()["payout_bank"]["unmatched_right"] == {"count": 1, "amount": 9000}


# -- the tie-outs


def _year(vault: Vault) -> None:
    """A charge with its refund and a dispute that was won, paid out; a fee; one on its way; one that was forgotten."""
    vault.payment("shop", "ch_1", 100, fee_amount=3, on=ago(30))
    vault.payment("shop", "re_1", 40, direction="out", kind="refund", on=ago(29))
    vault.payment("shop", "ch_2", 70, fee_amount="2.30", on=ago(30))
    vault.payment("shop", "dp_2", 70, direction="out", kind="chargeback", status="cancelled", on=ago(28))
    vault.payment("shop", "ch_3", 55, on=ago(2))
    vault.payment("shop", "ch_4", 66, on=ago(20))
    vault.payment("shop", "ch_5", 12, status="failed", on=ago(30))
    vault.payout(
        *("po_1", "51.20"),
        line("charge", 100, 3, "ch_1"),
        line("refund", -40, 0, "re_1"),
        line("charge", 70, "2.30", "ch_2"),
        line("dispute", -70, 5, "dp_2"),
        line("fee", -2),
        line("fee", "0.50"),
        line("adjustment", 3),
        on=ago(25),
    )
    vault.payout("po_2", 70, line("dispute_reversal", 70, 0, "dp_2"), on=ago(4))
    vault.payment("vault", "V1", "51.20", text="STRIPE", on=ago(24))
    vault.payment("vault", "V2", 1000, text="Miete", on=ago(1))


def test_the_processors_payments_against_the_lines_of_its_payouts(store: Store) -> None:
    vault = Vault(store)
    _year(vault)
    item = vault.tie_outs()["payment_payout"]
    # ch_1, re_1 and ch_2 agree; ch_4 is old and nowhere; ch_3 is on its way, ch_5 failed, dp_2 was won.
    assert item["matched"] == {"count": 3, "left_amount": 13000, "right_amount": 13000}
    assert item["unmatched_left"] == {"count": 1, "amount": 6600}
    assert item["excluded_left"] == {"count": 3, "amount": 5500 + 1200 - 7000}
    # The right side is what the payouts come to.
    assert item["right"]["amount"] == 5120 + 7000
    assert item["unmatched_right"] == {"count": 0, "amount": 0}
    assert item["excluded_right"]["amount"] == -300 - 230 - 500 - 200 + 50 + 300


def test_payouts_against_the_banks_lines(store: Store) -> None:
    vault = Vault(store)
    _year(vault)
    item = vault.tie_outs()["payout_bank"]
    assert item["matched"] == {"count": 1, "left_amount": 5120, "right_amount": 5120}
    assert item["unmatched_left"] == {"count": 1, "amount": 7000}
    assert item["excluded_right"] == {"count": 1, "amount": 100000}
    assert item["right"]["amount"] == 5120 + 100000


def test_what_is_on_its_way_is_excluded_until_it_is_late(vault: Vault) -> None:
    vault.payment("shop", "ch_1", 100, on=ago(9))
    vault.payout("po_1", 50, line("adjustment", 50), on=ago(2))
    found = vault.tie_outs()
    assert found["payment_payout"]["excluded_left"] == {"count": 1, "amount": 10000}
    assert found["payout_bank"]["excluded_left"] == {"count": 1, "amount": 5000}
    checks = {"payment_not_paid_out": {"days": 9}, "payout_not_in_bank": {"days": 2}}
    found = vault.tie_outs(reconciliation={"checks": checks})
    assert found["payment_payout"]["unmatched_left"] == {"count": 1, "amount": 10000}
    assert found["payout_bank"]["unmatched_left"] == {"count": 1, "amount": 5000}


def test_a_line_of_another_amount_than_its_payment_is_open_on_both_sides(vault: Vault) -> None:
    vault.payment("shop", "ch_1", 100)
    vault.payout("po_1", 90, line("charge", 90, 0, "ch_1"))
    item = vault.tie_outs()["payment_payout"]
    assert (item["unmatched_left"]["amount"], item["unmatched_right"]["amount"]) == (10000, 9000)


def test_a_line_of_a_payment_that_nobody_knows_is_open(vault: Vault) -> None:
    vault.payout("po_1", 90, line("charge", 90, 0, "ch_unknown"))
    assert vault.tie_outs()["payment_payout"]["unmatched_right"] == {"count": 1, "amount": 9000}


def test_what_the_lines_do_not_explain_is_open_and_a_payout_without_lines_is_excluded(vault: Vault) -> None:
    vault.payment("shop", "ch_1", 100)
    vault.payout("po_1", 110, line("charge", 100, 0, "ch_1"))
    vault.payout("po_2", 500)
    item = vault.tie_outs()["payment_payout"]
    assert item["unmatched_right"] == {"count": 1, "amount": 1000}
    assert item["excluded_right"] == {"count": 1, "amount": 50000}


def test_what_is_paid_out_in_another_currency_is_excluded_on_both_sides(vault: Vault) -> None:
    vault.payment("shop", "ch_1", 100, currency="USD")
    vault.payout("po_1", 90, line("charge", 90, 0, "ch_1"))
    item = vault.tie_outs()["payment_payout"]
    assert item["excluded_right"] == {"count": 1, "amount": 9000}
    assert item["unmatched_right"]["count"] == 0
    assert vault.tie_outs("USD")["payment_payout"]["excluded_left"] == {"count": 1, "amount": 10000}


def _draw(vault: Vault, data: st.DataObject) -> None:
    """Any payments, payouts and statements whatever, with what names what at random."""
    amounts, days = st.integers(-50, 500), st.integers(0, 40)
    currency = st.sampled_from(["EUR", "EUR", "JPY", None])
    words = st.lists(st.sampled_from(["STRIPE", "INV-2026-1", "INV-2026-2", "TRN-2026-9", "ch_00000001"]), max_size=2)

    def drawn(*statuses: str) -> dict[str, Any]:
        fields = {"currency": data.draw(currency), "on": ago(data.draw(days))}
        return {**fields, "status": data.draw(st.sampled_from(statuses)), "deleted": data.draw(days) > 37}

    for system in ("books", "shop", "vault"):
        for number in range(data.draw(st.integers(0, 5))):
            direction = data.draw(st.sampled_from(["in", "in", "out", None]))
            kind = data.draw(st.sampled_from(["payment", "refund", "chargeback"]))
            vault.payment(
                *(system, f"ch_0000000{number}", data.draw(amounts)),
                text=" ".join(data.draw(words)),
                **{"direction": direction, "kind": kind, **drawn("received", "received", "pending", "failed")},
            )
    kinds = st.sampled_from(["charge", "refund", "dispute", "dispute_reversal", "fee", "transfer", "adjustment", None])
    for number in range(data.draw(st.integers(0, 4))):
        lines = [
            {
                "kind": data.draw(kinds),
                "amount": data.draw(amounts),
                "fee_amount": data.draw(amounts) // 50,
                "payment_ref": data.draw(st.sampled_from([None, *(f"id:ch_0000000{n}" for n in range(6))])),
            }
            for _ in range(data.draw(st.integers(0, 4)))
        ]
        reference = data.draw(st.sampled_from([None, "TRN-2026-9"]))
        fields = drawn("paid", "in_transit", "failed", "cancelled")
        vault.payout(f"po_{number}", data.draw(amounts), *lines, bank_reference=reference, **fields)


@hypothesis_settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_payments_payouts_and_statements_hold_every_figure_foots(
    data: st.DataObject, sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "random.db"
    shutil.copy(sqlite_template, path)
    with open_store(f"sqlite:///{path}") as store:
        vault = Vault(store)
        vault.invoice("INV-2026-1")
        vault.invoice("INV-2026-2")
        _draw(vault, data)
        vault.tie_outs()  # its own sums, those by period, and those of both sides apart
        vault.reconcile()
    path.unlink()


def test_at_the_end_of_a_period_what_is_on_its_way_is_open_and_settled_in_the_next(vault: Vault) -> None:
    vault.payment("shop", "ch_1", 100, on=ago(31))  # 30 September
    vault.payout("po_1", 97, line("charge", 100, 3, "ch_1"), on=ago(29))
    vault.payment("vault", "V1", 97, text="STRIPE", on=ago(28))
    vault.payment("shop", "ch_2", 50, on=ago(1))
    periods = vault.periods()
    september, october = periods["2026-09", "payment_payout"], periods["2026-10", "payment_payout"]
    assert september["to_date"]["unmatched_left"] == {"count": 1, "amount": 10000}
    assert october["movement"]["across"]["right_count"] == 1
    assert october["to_date"]["unmatched_left"] == {"count": 1, "amount": 5000}
    assert periods["2026-10", "payout_bank"]["to_date"]["matched"]["count"] == 1


def test_there_are_no_such_tie_outs_without_a_processor_that_pays_out(books: Books) -> None:
    Deal(1).write(books)
    books.save()
    names = {item["name"] for item in reconcile(books.store, settings(), "run-1").tie_outs}
    assert "invoice_payment" in names
    assert not names & {"payment_payout", "payout_bank"}


def test_the_report_shows_both_and_follows_its_schema(vault: Vault) -> None:
    _year(vault)
    vault.reconcile()
    built = report.build(vault.books.store, firm())
    jsonschema.validate(built, SCHEMA)
    shown = {item["name"]: (item["left"]["role"], item["right"]["role"]) for item in built["tie_outs"]}
    assert shown["payment_payout"] == ("payments", "payments")
    assert shown["payout_bank"] == ("payments", "bank")


# -- checks


def _ids(vault: Vault, check: str, **changes: Any) -> list[str]:
    return sorted(item.records[0].source_id for item in vault.findings(**changes).get(check, ()))


def test_a_payout_whose_lines_come_to_another_amount_is_found_and_explained(store: Store) -> None:
    vault = Vault(store)
    vault.payout(
        *("po_1", "60.28"),
        line("charge", 100, 3),
        line("refund", -10),
        line("dispute", -10),
        line("dispute_reversal", 5),
        line("fee", -2),
        line("fee", "0.55"),
        line("transfer", -3),
    )
    vault.payout("po_2", 97, line("charge", 100, 3))
    vault.payout("po_3", 40)  # nobody knows what is in it
    (finding,) = vault.findings()["payout_does_not_add_up"]
    assert (finding.records[0].source_id, finding.amount, finding.severity) == ("po_1", 1727, "error")
    said = report.explain(finding, "en")["explanation"]
    assert "is EUR 60.28, but its parts come to EUR 77.55" in said
    assert "charges EUR 100.00, fees EUR 4.45, refunds EUR 10.00, disputes EUR 5.00, other EUR -3.00" in said
    assert "手续费 EUR 4.45" in report.explain(finding, "zh-CN")["explanation"]


def test_a_fee_that_was_given_back_adds_to_the_payout(vault: Vault) -> None:
    vault.payout("po_1", "98.50", line("charge", 100, 3), line("fee", "1.50"))
    assert _ids(vault, "payout_does_not_add_up") == []


def test_a_payout_that_the_statements_should_show_and_do_not_is_found(vault: Vault) -> None:
    vault.payout("po_late", 97, line("adjustment", 97), on=ago(3))
    vault.payout("po_fresh", 98, line("adjustment", 98), on=ago(2))
    vault.payout("po_failed", 99, line("adjustment", 99), on=ago(9), status="failed")
    vault.payout("po_debit", -5, line("adjustment", -5), on=ago(9))
    vault.payout("po_before", 96, line("adjustment", 96), on=ago(20))
    vault.payout("po_there", 95, line("adjustment", 95), on=ago(9))
    vault.payout("po_dollars", 94, line("adjustment", 94), on=ago(9), currency="USD")
    vault.payment("vault", "V0", 1, on=ago(10))
    vault.payment("vault", "V1", 95, text="STRIPE", on=ago(8))
    vault.payment("vault", "V2", 1, on=ago(1))
    assert _ids(vault, "payout_not_in_bank") == ["po_late"]


def test_a_line_of_another_amount_than_its_payout_is_found(vault: Vault) -> None:
    vault.payout("po_1", 97, line("adjustment", 97), bank_reference="TRN-2026-0815")
    vault.payout("po_2", 80, line("adjustment", 80), bank_reference="TRN-2026-0816")
    vault.payout("po_3", 70, line("adjustment", 70), bank_reference="TRN-2026-0817")
    vault.payment("vault", "V1", 97, text="TRN-2026-0815")
    vault.payment("vault", "V2", "79.50", text="TRN-2026-0816")
    vault.payment("vault", "V3", 75, text="TRN-2026-0817", currency="USD")
    found = vault.findings()["payout_bank_amount"]
    by_id = {item.records[0].source_id: item for item in found}
    assert {name: item.amount for name, item in by_id.items()} == {"po_2": 50, "po_3": 7000}
    assert "the bank shows USD 75.00" in report.explain(by_id["po_3"], "en")["explanation"]
    assert [record.source_id for record in by_id["po_2"].records] == ["po_2", "V2"]


def test_a_payment_that_no_payout_holds_is_found_once_it_is_late(vault: Vault) -> None:
    vault.payment("shop", "ch_late", 100, on=ago(10))
    vault.payment("shop", "ch_fresh", 100, on=ago(9))
    vault.payment("shop", "re_late", 100, on=ago(10), direction="out", kind="refund")
    vault.payment("shop", "ch_paid", 100, on=ago(10))
    vault.payout("po_1", 100, line("charge", 100, 0, "ch_paid"))
    assert _ids(vault, "payment_not_paid_out") == ["ch_late"]


def test_where_a_later_payout_does_not_tell_what_is_in_it_nothing_is_missing(vault: Vault) -> None:
    vault.payment("shop", "ch_before", 100, on=ago(20))
    vault.payment("shop", "ch_after", 100, on=ago(12))
    vault.payout("po_1", 500, on=ago(15))
    assert _ids(vault, "payment_not_paid_out") == ["ch_after"]


def test_a_booked_payment_that_no_statement_shows_is_found(vault: Vault) -> None:
    vault.payment("books", "B_late", 10, on=ago(5))
    vault.payment("books", "B_fresh", 11, on=ago(4))
    vault.payment("books", "B_before", 12, on=ago(30))
    vault.payment("books", "B_there", 13, end_to_end_id="E2E-77", on=ago(6))
    vault.payment("books", "B_shop", 14, external_ref="ext:ch_1", on=ago(6))
    vault.payment("books", "B_dollars", 15, currency="USD", on=ago(6))
    vault.payment("shop", "ch_1", 14, on=ago(6), method="card")
    vault.payment("vault", "V0", 1, on=ago(10))
    vault.payment("vault", "V1", 13, end_to_end_id="E2E-77", on=ago(6))
    vault.payment("vault", "V2", 1, on=ago(1))
    assert _ids(vault, "payment_not_in_bank") == ["B_late"]
    vault.payment("books", "B_late", 10, on=ago(5), method="cash")
    assert _ids(vault, "payment_not_in_bank", run="run-2") == []


def test_money_at_the_bank_that_nobody_knows_is_found_once(vault: Vault) -> None:
    vault.invoice("INV-7")
    vault.payment("vault", "V_unknown", 10, on=ago(5))
    vault.payment("vault", "V_fresh", 11, on=ago(4))
    vault.payment("vault", "V_named", 100, invoice_ref="no:INV-7", on=ago(6))
    vault.payment("vault", "V_known", 13, end_to_end_id="E2E-77", on=ago(6))
    vault.payment("books", "B", 13, end_to_end_id="E2E-77", on=ago(6), unapplied_amount=0)
    vault.payment("vault", "V_out", 14, direction="out", kind="refund", on=ago(6))
    assert _ids(vault, "bank_line_unexplained") == ["V_unknown"]
    assert "V_unknown" not in _ids(vault, "payment_without_invoice", run="run-2")


def test_money_that_a_person_has_matched_is_not_unknown_but_not_booked_yet(vault: Vault) -> None:
    first, second = vault.invoice("INV-7"), vault.invoice("INV-8")
    line_id = vault.payment("vault", "V", 150, on=ago(6))
    assert _ids(vault, "bank_line_unexplained") == ["V"]
    with vault.books.store.transaction() as connection:
        rows = [(first, 10_000, 10_000), (second, 5_000, 5_000)]
        cash.pin(connection, line_id, rows, [], "lin", "told by phone")
    found = vault.findings(run="run-2")
    assert "bank_line_unexplained" not in found
    (told,) = found["receipt_matched_not_booked"]
    sentence = get("receipt_matched_not_booked").sentence["en"]  # type: ignore[union-attr]
    assert words.say(sentence, told.params, told.currency, "en") == (
        f"Of EUR 150.00 that came in on {ago(6)} (V), EUR 150.00 are matched by lin (INV-7, INV-8); "
        "accounting has not booked it yet."
    )
    with vault.books.store.transaction() as connection:
        cash.pin(connection, line_id, [], [(None, "to_refund", 15_000)], "lin", "paid twice")
    (told,) = vault.findings(run="run-3")["receipt_matched_not_booked"]
    assert "(to be refunded)" in words.say(sentence, told.params, told.currency, "en")
    with vault.books.store.transaction() as connection:
        cash.undo(connection, line_id, "lin")
    found = vault.findings(run="run-4")
    assert ("receipt_matched_not_booked" in found, "bank_line_unexplained" in found) == (False, True)


@pytest.mark.parametrize(
    ("system", "check"), [("vault", "bank_line_unexplained"), ("books", "payment_without_invoice")]
)
def test_what_a_person_left_of_money_stays_a_finding_beside_what_is_matched(
    vault: Vault, system: str, check: str
) -> None:
    invoice = vault.invoice("INV-7")
    payment = vault.payment(system, "P", 150, on=ago(6))
    assert vault.findings()[check][0].amount == 15_000
    with vault.books.store.transaction() as connection:
        cash.pin(connection, payment, [(invoice, 4_000, 4_000)], [(None, "fee", 500)], "lin", "told by phone")
    found = vault.findings(run="run-2")
    (matched,), (left,) = found["receipt_matched_not_booked"], found[check]
    assert (matched.amount, left.amount) == (4_500, 10_500), "together what came in, nothing twice"
    sentence = get("receipt_matched_not_booked").sentence["en"]  # type: ignore[union-attr]
    said = words.say(sentence, matched.params, matched.currency, "en")
    assert "Of EUR 150.00 that came in" in said
    assert "EUR 45.00 are matched by lin" in said
    assert "EUR 105.00" in report.explain(left, "en")["explanation"]
    with vault.books.store.transaction() as connection:
        cash.pin(connection, payment, [], [(None, "deposit", 15_000)], "lin", "all of it")
    assert check not in vault.findings(run="run-3")


def _fees(vault: Vault, count: int = 100) -> None:
    """Card payments at 2.9 % and 0.30, a bank debit at a flat 0.35."""
    for number in range(count):
        amount = 1000 + 137 * number  # cents
        fee = (amount * 29 + 500) // 1000 + 30
        vault.payment("shop", f"ch_{number}", f"{amount / 100:.2f}", method="card", fee_amount=f"{fee / 100:.2f}")
        vault.payment("shop", f"dd_{number}", f"{amount / 100:.2f}", method="bank_transfer", fee_amount="0.35")


def test_a_fee_far_from_what_the_method_usually_costs_is_found(vault: Vault) -> None:
    _fees(vault)
    vault.payment("shop", "ch_50", "78.50", method="card", fee_amount="6.40")
    vault.payment("shop", "ch_60", "92.20", method="card", fee_amount="2.10")  # by a third less: conservative
    vault.payment("shop", "dd_70", "105.90", method="bank_transfer", fee_amount="3.10")
    found = {item.records[0].source_id: item for item in vault.findings()["fee_unexpected"]}
    assert set(found) == {"ch_50", "dd_70"}
    said = report.explain(found["ch_50"], "en")["explanation"]
    assert "(card) cost EUR 6.40; EUR 2.58 would be usual" in said


def test_what_several_payments_cost_is_usual_and_few_payments_say_nothing(vault: Vault) -> None:
    _fees(vault)
    for number in (10, 20, 30):  # foreign cards
        vault.payment("shop", f"ch_{number}", 50, method="card", fee_amount="5.00")
    assert _ids(vault, "fee_unexpected") == []
    assert _ids(vault, "fee_unexpected", run="run-2", reconciliation={"checks": {"fee_unexpected": {"rare": 3}}}) != []


def test_a_contract_says_what_a_method_costs(vault: Vault) -> None:
    vault.payment("shop", "ch_1", 100, method="card", fee_amount="3.20")
    vault.payment("shop", "ch_2", 100, method="card", fee_amount="3.79")
    vault.payment("shop", "dd_1", 100, method="bank_transfer", fee_amount="3.79")
    terms = {"basis_points": {"card": 290}, "fixed": {"EUR": 30}, "percent": 10, "at_least": 5}
    assert _ids(vault, "fee_unexpected", reconciliation={"checks": {"fee_unexpected": terms}}) == ["ch_2"]
