"""What ``ltc check`` says, and the settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors import waiting
from connectors.contract import Change, CheckLine, Outcome
from connectors.stripe.config import StripeConfig
from sandbox.stripe import StripeServer
from tests.connectors.stripe.conftest import EVERY_STREAM, Connect

READING = (
    *("rak_event_read", "rak_customer_read", "rak_charge_read", "rak_invoice_read", "rak_credit_note_read"),
    *("rak_dispute_read", "rak_payout_read", "rak_balance_transaction_read"),
)


def lines(server: StripeServer, connect: Connect, *rights: str) -> dict[str, CheckLine]:
    server.access.keys["rk_test_some"] = frozenset(rights)
    return {line.stream: line for line in connect(server, api_key="rk_test_some").check()}


def test_a_secret_key_may_do_everything_and_nothing_is_changed_by_asking(
    stripe: StripeServer, connect: Connect
) -> None:
    found = {line.stream: line for line in connect(stripe).check()}

    assert list(found) == ["events", *EVERY_STREAM]
    assert all(line.ok and line.can_read for line in found.values())
    assert {name for name, line in found.items() if line.can_write} == {*EVERY_STREAM} - {"credit_note"}
    assert "test mode" in found["events"].detail
    assert stripe.account.all("event") == []


def test_a_key_that_may_only_read_is_told_so_with_the_permission_to_add(stripe: StripeServer, connect: Connect) -> None:
    found = lines(stripe, connect, *READING)

    assert all(line.ok and line.can_read for line in found.values())
    assert found["payment"].can_write is False
    assert "rak_charge_write" in found["payment"].remedy


@pytest.mark.parametrize(
    ("right", "stream"),
    [
        ("rak_event_read", "events"),
        ("rak_customer_read", "customer"),
        ("rak_charge_read", "payment"),
        ("rak_balance_transaction_read", "payout"),
    ],
)
def test_a_missing_permission_is_named(stripe: StripeServer, connect: Connect, right: str, stream: str) -> None:
    found = lines(stripe, connect, *(item for item in READING if item != right))

    assert (found[stream].ok, found[stream].can_read) == (False, False)
    assert right in found[stream].remedy
    assert found["invoice"].can_read


def test_a_wrong_key_is_said_once_and_the_rest_is_not_tried(stripe: StripeServer, connect: Connect) -> None:
    found = list(connect(stripe, api_key="sk_test_wrong").check())

    assert not any(line.ok for line in found)
    assert "key" in found[0].detail
    assert len(stripe.requests()) == 1


def test_an_account_that_the_key_does_not_know_is_named(stripe: StripeServer, connect: Connect) -> None:
    found = list(connect(stripe, account="acct_other").check())

    assert "account" in found[0].remedy


def test_a_server_that_is_down_is_said(stripe: StripeServer, connect: Connect) -> None:
    found = list(connect(stripe, base_url="http://127.0.0.1:1").check())

    assert "cannot be reached" in found[0].detail


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://api.stripe.com"},
        {"stripe_version": "latest"},
        {"metadata": ["a[b]"]},
        {"metadata": ["x" * 41]},
        {"concurrency": 0},
        {"api_keys": "x"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StripeConfig.model_validate({"api_key": "sk_test_x", **wrong})


def test_the_limits_leave_half_to_others() -> None:
    assert StripeConfig(api_key="rk_live_x").reads == 50
    assert StripeConfig(api_key="rk_test_x").writes == 12
    assert StripeConfig(api_key="rk_live_x", reads_per_second=20).reads == 20
    assert "rk_live_x" not in repr(StripeConfig(api_key="rk_live_x"))


def test_reads_and_writes_stay_within_their_limits(bulk: StripeServer, connect: Connect) -> None:
    made = [bulk.account.charge(100)["id"] for _ in range(40)]
    bulk.access.limits |= {"read": 8, "write": 4}
    bulk.access.ticks = lambda: waiting.now_us() / 1_000_000
    connector = connect(bulk, reads_per_second=7, writes_per_second=3)

    read = [record for batch in connector.fetch("payment", made) for record in batch]
    changes = [Change(key, {"metadata.order_number": "SO-00001"}, {}, f"k-{key[-3:]}") for key in made]
    written = list(connector.push("payment", changes))

    assert len(read) == len(written) == 40
    assert {result.outcome for result in written} == {Outcome.APPLIED}
    assert connector.stats.retries == 0


def test_calls_over_the_limit_wait_and_are_made_all_the_same(bulk: StripeServer, connect: Connect) -> None:
    made = [bulk.account.charge(100)["id"] for _ in range(40)]
    bulk.access.limits["read"] = 8
    bulk.access.ticks = lambda: waiting.now_us() / 1_000_000
    connector = connect(bulk)

    read = [record for batch in connector.fetch("payment", made) for record in batch]

    assert len(read) == 40
    assert connector.stats.retries > 0
