"""The worked example of cash application comes out of the engine, that of payouts out of the demo company's records.

The rules shown are those shipped.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import yaml

from sandbox.world.build import build_world
from settings.cash import PARAMETERS, SHIPPED, CashSettings
from tests.reconciliation.cash.world import World

_PAGE = (Path(__file__).parents[2] / "docs" / "reconciliation.md").read_text(encoding="utf-8")
_CASH = _PAGE[_PAGE.index("Cash application") :]


def _money(minor: int) -> str:
    return f"{Decimal(minor) / 100:,.2f}".replace("-", "−")


def test_the_example_is_what_the_engine_makes_of_it() -> None:
    world = World()
    names = {
        world.item("INV-1001", 10_000, discount="0.02", until=10): "INV-1001",
        world.item("INV-1002", "2450.75"): "INV-1002",
        world.item("INV-1003", 980): "INV-1003",
        world.item("CN-0007", "-350.25"): "CN-0007",
    }
    table = _CASH[_CASH.index("<!-- example -->") :].splitlines()[3:7]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    for day, amount, text, *_ in shown:
        world.receipt(amount.replace(",", ""), text, day=int(day.split()[0]) - 1)
    outcome = world.apply()
    for place, (_, _, _, settles, difference, left, rule) in enumerate(shown):
        receipt = 1001 + place
        applied = "; ".join(f"{names[item]}: {_money(amount)}" for item, amount in outcome.settled(receipt).items())
        assert applied == settles
        said = [f"{kind} {_money(amount)}" for kind, amount in outcome.differences(receipt).items()]
        assert "; ".join(said) == difference
        assert _money((outcome.left(receipt) or (0, ""))[0]) == left
        assert (f"`{outcome.rule(receipt)}`" if outcome.settled(receipt) else "") == rule
    assert outcome.left(1004) == (96_800, "duplicate?")
    came, settled = sum(row[6] for row in world.receipts), sum(outcome.settled().values())
    differences, left = sum(row[3] for row in outcome.difference_rows), sum(row[1] for row in outcome.residue_rows)
    sentence = f"Together {_money(came)} came in; {_money(settled)} of items net of"
    assert sentence in _CASH
    assert f"{_money(differences)} are differences, {_money(left)} are left" in _CASH


def test_the_year_of_payouts_is_the_demo_companys_and_adds_up() -> None:
    world = build_world()
    inside = [item for item in world.processor.movements if item.currency == "USD" and item.payout_id]
    payouts = [item for item in world.processor.payouts if item.currency == "USD"]
    lines = [item for item in world.bank_lines if item.currency == "USD" and item.text.startswith("STRIPE")]
    amounts = {fault.check: fault.amount or Decimal(0) for fault in world.faults if fault.currency == "USD"}

    def moved(*categories: str) -> Decimal:
        return sum((item.amount for item in inside if item.category in categories), Decimal(0))

    paid_out = sum((item.amount for item in payouts), Decimal(0))
    late = sum((item.amount for item in payouts if item.arrives_on > world.as_of.date()), Decimal(0))
    arrived = sum((-item.amount if item.outgoing else item.amount for item in lines), Decimal(0))
    refunds, disputes = -moved("refund"), -moved("dispute", "dispute_reversal")
    fees, unexplained = sum((item.fee for item in inside), Decimal(0)), amounts["payout_does_not_add_up"]
    kept = amounts["payout_bank_amount"]
    table = _PAGE[_PAGE.index("<!-- the year's payouts -->") :].splitlines()[3:12]
    shown = [Decimal(line.strip("|").split("|")[1].strip().replace(",", "")) for line in table]
    assert shown == [moved("charge"), refunds, disputes, fees, unexplained, paid_out, late, kept, arrived]
    assert shown[0] - sum(shown[1:5]) == shown[5]
    assert shown[5] - sum(shown[6:8]) == shown[8]
    assert f"One more charge of {amounts['payment_not_paid_out']:,} is in no payout" in _PAGE


def test_every_shipped_rule_is_in_the_table_in_its_order_with_its_parameters() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", _CASH, re.MULTILINE)
    assert [name for name, _ in rows] == [rule["name"] for rule in SHIPPED]
    for (_, told), rule in zip(rows, SHIPPED, strict=True):
        known = {name for name in PARAMETERS[rule["kind"]] if name != "reading"}
        assert set(re.findall(r"`(\w+)`", told)) == known


def test_the_settings_shown_are_read() -> None:
    text = re.search(r"```yaml\n(reconciliation:\n  cash:.*?)```", _CASH, re.DOTALL)
    assert text
    settings = CashSettings.model_validate(yaml.safe_load(text.group(1))["reconciliation"]["cash"])
    assert [rule.name for rule in settings.rules][-1] == "large_sums"
