"""The demo company's account at the stand-in: as Stripe's document has it, pulled whole, and kept in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.stripe import StripeServer, loader
from sandbox.world.build import build_world
from sandbox.world.records import World
from tests.connectors.stripe.conftest import Connect, pull

_STREAMS = ("customer", "payment", "refund", "dispute", "payout")


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


def test_it_follows_stripes_document_and_is_pulled_whole(stripe: StripeServer, world: World, connect: Connect) -> None:
    loader.fill(stripe.account, world)
    connector, shop = connect(stripe), world.processor
    found = {stream: pull(connector, stripe, stream=stream)[0] for stream in _STREAMS}
    paying = {charge.contact_key for charge in shop.charges if charge.contact_key}
    counts = [len(items) for items in (paying, shop.charges, shop.refunds, shop.disputes, shop.payouts)]
    assert [len(found[stream]) for stream in _STREAMS] == counts
    payouts = {record.source_id: json.loads(record.body) for record in found["payout"]}
    wrong = {fault.numbers[0] for fault in world.faults if fault.check == "payout_does_not_add_up"}
    assert {key for key, item in payouts.items() if item["ltc_composition"]["net"] != item["amount"]} == wrong


def test_what_is_kept_in_a_file_is_shown_again_and_goes_on(
    stripe: StripeServer, world: World, connect: Connect, tmp_path: Path
) -> None:
    loader.fill(stripe.account, world)
    connector = connect(stripe)
    before = {stream: pull(connector, stripe, stream=stream)[0] for stream in _STREAMS}
    stripe.save(tmp_path / "stripe.json")
    stripe.clear()
    stripe.load(tmp_path / "stripe.json")
    assert {stream: pull(connector, stripe, stream=stream)[0] for stream in _STREAMS} == before
    stripe.account.refund(world.processor.charges[-1].id, 100)
    assert len(pull(connector, stripe, stream="refund")[0]) == len(before["refund"]) + 1
