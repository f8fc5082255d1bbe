"""What transactions mean in the canonical model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.bank.statement import Party, Transaction, as_json
from mappings.engine import load
from mappings.model import ENTITIES, LINES, columns

MAPPING = load("bank")


def mapped(**fields: Any) -> dict[str, Any]:
    """The canonical row of a transaction by column, with what is empty left out; empty if it is skipped."""
    usual: dict[str, Any] = {
        "account": "A",
        "currency": "CNY",
        "amount": "1234.50",
        "direction": "in",
        "reversal": False,
        "booked_on": "2026-01-05",
        "value_on": "2026-01-06",
        "reference": "B-1",
        "counterparty": Party("上海测试贸易有限公司"),
    }
    usual |= fields
    usual["has_remittance"] = bool(usual.get("remittance"))
    found = MAPPING.stream("transaction").map("bank", "T-1", as_json(Transaction(**usual)))
    if found.skipped:
        return {}
    names = [column.name for column in columns(ENTITIES["payment"])]
    line_names = [column.name for column in columns(LINES["payment"].model)]
    lines = [
        {name: value for name, value in zip(line_names, line, strict=True) if value is not None} for line in found.lines
    ]
    row = {name: value for name, value in zip(names, found.row, strict=True) if value is not None}
    return {**row, "lines": lines}


def test_money_that_comes_in_is_a_payment() -> None:
    assert mapped(remittance="货款 SO-00012 SO-00013") == {
        "system": "bank",
        "source_id": "T-1",
        "number": "B-1",
        "status": "received",
        "source_status": "received",
        "currency": "CNY",
        "kind": "payment",
        "direction": "in",
        "method": "bank_transfer",
        "amount": 123450,
        "received_on": "2026-01-05",
        "reference_text": "货款 SO-00012 SO-00013",
        "payer_name": "上海测试贸易有限公司",
        "order_refs": "no:SO-00012\nno:SO-00013",
        "lines": [],
    }


def test_the_payers_own_id_is_kept() -> None:
    assert mapped(end_to_end_id="E2E-2026-77")["end_to_end_id"] == "E2E-2026-77"


def test_a_single_invoice_in_the_text_is_the_one_that_is_paid() -> None:
    found = mapped(remittance="Payment of INV-2026-007 thanks")
    assert found["invoice_ref"] == "no:INV-2026-007"
    assert found["lines"] == [{"line_no": 1, "invoice_ref": "no:INV-2026-007", "amount": 123450}]


def test_of_two_invoices_none_is_chosen() -> None:
    found = mapped(remittance="INV-7 and INV-8")
    assert ("invoice_ref" in found, found["lines"]) == (False, [])


@pytest.mark.parametrize(
    ("direction", "reversal", "kind"),
    [("in", False, "payment"), ("in", True, "payment"), ("out", False, "refund"), ("out", True, "chargeback")],
)
def test_what_names_a_document_counts_in_both_directions(direction: str, reversal: bool, kind: str) -> None:
    found = mapped(direction=direction, reversal=reversal, remittance="for INV-7")
    assert (found["kind"], found["direction"]) == (kind, direction)


@pytest.mark.parametrize(
    ("direction", "reversal", "kept"),
    [("in", False, True), ("in", True, False), ("out", False, False), ("out", True, False)],
)
@pytest.mark.parametrize("remittance", [None, "Gehalt Januar"])
def test_what_names_none_counts_only_if_it_comes_in(
    direction: str, reversal: bool, kept: bool, remittance: str | None
) -> None:
    assert bool(mapped(direction=direction, reversal=reversal, remittance=remittance)) == kept


def test_the_record_is_json_that_shows_every_field() -> None:
    made = json.loads(as_json(Transaction("A", "CNY", "1", "in", False, "2026-01-05", None, None)))
    assert made["counterparty"] == {"name": None, "account": None, "bank": None}
    assert made["remittance"] is None
