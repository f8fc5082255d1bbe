"""Failures of the API, and what goes with every call."""

from __future__ import annotations

import pytest

from connectors.errors import AuthError, ContractError, TransientError
from sandbox.stripe import StripeServer
from tests.connectors.stripe.conftest import (
    Connect,
    pull,
)


def test_a_page_that_breaks_off_is_asked_for_again(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(1_000)
    stripe.faults.break_off("GET /v1/charges")
    stripe.faults.answer("GET /v1/charges", 429, {"error": {"type": "invalid_request_error", "code": "rate_limit"}})
    stripe.faults.answer("GET /v1/charges", 503)

    found, _ = pull(connect(stripe), stripe)

    assert len(found) == 1
    assert stripe.faults.armed == 0


def test_a_list_that_never_goes_on_stops_the_stream(bulk: StripeServer, connect: Connect) -> None:
    page = {"object": "list", "has_more": True, "data": [{"id": "ch_1", "created": 1}]}
    bulk.faults.answer("GET /v1/charges", 200, page, times=50)

    with pytest.raises(ContractError):
        pull(connect(bulk), bulk)

    assert bulk.faults.armed == 48


def test_a_failure_that_stripe_says_not_to_repeat_is_not_repeated(stripe: StripeServer, connect: Connect) -> None:
    stripe.faults.answer("GET /v1/charges", 500, headers={"stripe-should-retry": "false"}, times=5)

    with pytest.raises(TransientError):
        pull(connect(stripe), stripe)

    assert stripe.faults.armed == 4


def test_a_wrong_key_stops_the_system_and_is_not_shown(stripe: StripeServer, connect: Connect) -> None:
    with pytest.raises(AuthError) as caught:
        pull(connect(stripe, api_key="sk_test_somebody_elses"), stripe)

    assert "somebody" not in str(caught.value)
    assert len(stripe.requests()) == 1


def test_a_connected_account_and_the_version_go_with_every_call(stripe: StripeServer, connect: Connect) -> None:
    stripe.access.accounts.add("acct_1Other")
    pull(connect(stripe, account="acct_1Other"), stripe)

    sent = {(request.headers["stripe-account"], request.headers["stripe-version"]) for request in stripe.requests()}
    assert sent == {("acct_1Other", "2023-08-16")}
