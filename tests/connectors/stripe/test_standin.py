"""The stand-in follows Stripe's published document and rules, and works with Stripe's own library for Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import stripe as sdk

from sandbox.stripe import StripeServer
from tests.connectors.published import START, Clock, Exchange
from tests.connectors.stripe.conftest import EVERY_STREAM, Connect, busy_account, pull
from tests.connectors.stripe.openapi_check import OpenApiCheck

VERSION = "2023-08-16"


def library(server: StripeServer, key: str, session: requests.Session) -> sdk.StripeClient:
    """Stripe's library with a key."""
    http = sdk.RequestsClient(session=session)
    return sdk.StripeClient(key, base_addresses={"api": server.base_url}, http_client=http, max_network_retries=0)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Connections of the library."""
    with requests.Session() as made:
        made.trust_env = False
        yield made


@pytest.fixture
def client(stripe: StripeServer, session: requests.Session) -> sdk.StripeClient:
    """Stripe's library, pointed at the stand-in."""
    return library(stripe, stripe.api_key, session)


@pytest.fixture
def raw(stripe: StripeServer) -> Iterator[httpx.Client]:
    """Somebody's own program."""
    with httpx.Client(
        base_url=stripe.base_url, headers={"Authorization": f"Bearer {stripe.api_key}"}, trust_env=False
    ) as made:
        yield made


@pytest.mark.shared
def test_every_kind_of_call_is_as_stripes_document_says(
    shared_dir: Path, stripe: StripeServer, openapi: OpenApiCheck, raw: httpx.Client, connect: Connect
) -> None:
    openapi.checked.clear()
    busy_account(stripe)
    for stream in EVERY_STREAM:
        pull(connect(stripe), stripe, stream=stream)
    for path in (
        "customers",
        "invoices",
        "credit_notes",
        "charges",
        "refunds",
        "disputes",
        "payouts",
        "events",
        "balance_transactions",
    ):
        listed = raw.get(f"/v1/{path}", params={"limit": "2"}).json()
        assert raw.get(f"/v1/{path}/{listed['data'][0]['id']}").status_code == 200
    assert raw.get("/v1/charges", params={"created[gte]": "1"}).status_code == 200
    charge = stripe.account.charge(1_000)["id"]
    assert raw.post("/v1/refunds", data={"charge": charge, "amount": "5", "metadata[a]": "b"}).status_code == 200
    assert raw.post(f"/v1/charges/{charge}", data={"metadata[order]": "1"}).status_code == 200
    assert raw.get("/v1/charges/ch_nobody").status_code == 404
    assert raw.get("/v1/charges", params={"limit": "500"}).status_code == 400

    assert len(openapi.checked) >= 40
    assert openapi.problems == []


@pytest.mark.shared
def test_the_check_notices_what_stripes_document_does_not_allow(shared_dir: Path, openapi: OpenApiCheck) -> None:
    wrong = {"object": "list", "has_more": False, "url": "/v1/charges", "data": [{"id": "ch_1", "amount": "5"}]}

    query, content = "limit=abc&created=5&nonsense=1", json.dumps(wrong).encode()
    openapi.check(Exchange("GET", "/v1/charges", query, {}, b"", 200, "application/json", content))

    found, openapi.problems[:] = list(openapi.problems), []
    assert any("limit is not of type integer" in problem for problem in found)
    assert any("nonsense is no parameter" in problem for problem in found)
    assert any("'5' is not of type 'integer'" in problem for problem in found)


@pytest.mark.shared
def test_objects_have_the_fields_of_stripes_own_samples(shared_dir: Path, stripe: StripeServer) -> None:
    """Of the samples of August 2026, those fields that the objects of 2023 have, too, are of the same type."""
    samples = json.loads((shared_dir / "openapi" / "stripe" / "fixtures3.json").read_bytes())["resources"]
    busy_account(stripe)
    for kind in ("charge", "refund", "balance_transaction", "payout", "dispute"):
        shown = stripe.api.renderer.show(stripe.account.all(kind)[0])
        newer = {
            "application_fee",
            "application_fee_amount",
            "destination_details",
            "customer",
            "customer_account",
            "payment_method",
            "trace_id",
            "payout_method",
            "payment_method_details",
            "enhanced_eligibility_types",
            "balance_type",
            "refunds",
            "source",
        }
        assert set(samples[kind]) - set(shown) <= newer
        for name, value in samples[kind].items():
            if value is not None and shown.get(name) is not None:
                assert type(shown[name]) is type(value), f"{kind}.{name}"


def test_the_library_walks_an_invoice_from_draft_to_money_in_the_bank(
    stripe: StripeServer, client: sdk.StripeClient
) -> None:
    v1 = client.v1
    customer = v1.customers.create({"name": "Wang", "email": "wang@example.com", "metadata": {"tier": "gold"}})
    draft = v1.invoices.create({"customer": customer.id, "currency": "usd"})
    opened = v1.invoices.finalize_invoice(draft.id)
    paid = v1.invoices.pay(draft.id)
    charge = v1.charges.list({"customer": customer.id, "expand": ["data.balance_transaction"]}).data[0]
    refund = v1.refunds.create({"charge": charge.id, "amount": 400})
    payout = stripe.account.pay_out()
    movements = v1.balance_transactions.list({"payout": payout["id"], "limit": 100}).data

    assert (draft.status, opened.status, paid.status, paid.amount_remaining) == ("draft", "open", "paid", 0)
    movement: Any = charge.balance_transaction
    assert (movement.amount, movement.fee, movement.net) == (10_000, 320, 9_680)
    assert {item.type for item in movements} == {"charge", "refund", "payout"}
    assert sum(item.net for item in movements if item.type != "payout") == payout["amount"] == 9_280
    assert v1.charges.retrieve(charge.id).amount_refunded == 400
    assert v1.refunds.retrieve(refund.id).status == "succeeded"


def test_the_library_pages_through_a_list_newest_first(stripe: StripeServer, client: sdk.StripeClient) -> None:
    made = [stripe.account.charge(100 + number)["id"] for number in range(25)]

    seen = [charge.id for charge in client.v1.charges.list({"limit": 10}).auto_paging_iter()]
    newer = client.v1.charges.list({"limit": 3, "ending_before": made[10]})

    assert seen == made[::-1]
    assert [charge.id for charge in newer.data] == [made[13], made[12], made[11]]
    assert newer.has_more


def test_the_library_gets_stripes_errors(
    stripe: StripeServer, client: sdk.StripeClient, session: requests.Session
) -> None:
    charge = stripe.account.charge(1_000)
    with pytest.raises(sdk.InvalidRequestError) as missing:
        client.v1.charges.retrieve("ch_nobody")
    with pytest.raises(sdk.InvalidRequestError, match="greater than unrefunded amount"):
        client.v1.refunds.create({"charge": charge["id"], "amount": 1_001})
    with pytest.raises(sdk.CardError) as declined:
        client.v1.charges.create({"amount": 500, "currency": "usd", "source": "pm_card_chargeDeclined"})
    with pytest.raises(sdk.AuthenticationError):
        library(stripe, "sk_test_wrong", session).v1.charges.list()
    stripe.access.keys["rk_test_x"] = frozenset()
    with pytest.raises(sdk.PermissionError, match="rak_charge_read"):
        library(stripe, "rk_test_x", session).v1.charges.list()
    stripe.access.limits["read"] = 0
    with pytest.raises(sdk.RateLimitError):
        client.v1.charges.list()

    assert (missing.value.code, missing.value.param) == ("resource_missing", "id")
    assert missing.value.request_id is not None
    assert declined.value.code == "card_declined"


def test_a_key_gives_the_same_answer_for_a_day(stripe: StripeServer, client: sdk.StripeClient, clock: Clock) -> None:
    options: sdk.RequestOptions = {"idempotency_key": "order-1"}
    first = client.v1.charges.create({"amount": 500, "currency": "usd"}, options)
    second = client.v1.charges.create({"amount": 500, "currency": "usd"}, options)
    with pytest.raises(sdk.IdempotencyError):
        client.v1.charges.create({"amount": 501, "currency": "usd"}, options)
    clock.pass_(hours=25)
    third = client.v1.charges.create({"amount": 500, "currency": "usd"}, options)

    assert (first.id == second.id, first.id == third.id) == (True, False)
    assert second.last_response is not None
    assert second.last_response.headers["idempotent-replayed"] == "true"


def test_what_was_declined_and_what_failed_is_kept_and_what_was_not_begun_is_not(
    stripe: StripeServer, raw: httpx.Client
) -> None:
    def post(key: str, **form: str) -> httpx.Response:
        return raw.post("/v1/charges", data={"currency": "usd", **form}, headers={"Idempotency-Key": key})

    declined = {"amount": "500", "source": "pm_card_chargeDeclined"}
    assert [post("a", **declined).status_code, post("a", **declined).headers["idempotent-replayed"]] == [402, "true"]
    stripe.api.fail(act=True)
    failed, again = post("b", amount="700"), post("b", amount="700")
    assert (failed.status_code, again.status_code, again.headers["idempotent-replayed"]) == (500, 500, "true")
    assert post("c", amount="x").status_code == 400
    assert post("c", amount="900").status_code == 200
    stripe.api.busy_keys.add("d")
    assert post("d", amount="900").json()["error"]["code"] == "idempotency_key_in_use"
    stripe.api.busy_keys.clear()
    assert post("d", amount="900").status_code == 200

    charged = [charge["amount"] for charge in stripe.account.all("charge") if charge["status"] == "succeeded"]
    assert sorted(charged) == [700, 900, 900]


def test_events_are_kept_for_thirty_days(stripe: StripeServer, client: sdk.StripeClient, clock: Clock) -> None:
    old = stripe.account.charge(100)
    clock.pass_(days=20)
    new = stripe.account.charge(200)
    both = client.v1.events.list({"type": "charge.*"})
    clock.pass_(days=11)
    left = client.v1.events.list({"types": ["charge.succeeded"]})

    assert [event.data.object["id"] for event in both.data] == [new["id"], old["id"]]
    assert [event.data.object["id"] for event in left.data] == [new["id"]]
    with pytest.raises(sdk.InvalidRequestError):
        client.v1.events.retrieve(both.data[1].id)


def test_an_event_shows_the_object_as_it_was(stripe: StripeServer, client: sdk.StripeClient, clock: Clock) -> None:
    charge = stripe.account.charge(100)
    stripe.account.refund(charge["id"], 60)

    first = client.v1.events.list({"type": "charge.succeeded"}).data[0]

    assert first.data.object["amount_refunded"] == 0
    assert first.created == int(START.timestamp())


def test_what_is_in_a_payout_by_hand_cannot_be_asked(stripe: StripeServer, client: sdk.StripeClient) -> None:
    payout = client.v1.payouts.create({"amount": 100, "currency": "usd"})

    assert payout.reconciliation_status == "not_applicable"
    with pytest.raises(sdk.InvalidRequestError, match="automatic"):
        client.v1.balance_transactions.list({"payout": payout.id})


def test_a_dispute_takes_money_and_gives_it_back_if_it_is_won(stripe: StripeServer, client: sdk.StripeClient) -> None:
    dispute = stripe.account.dispute(stripe.account.charge(5_000)["id"])
    taken = client.v1.disputes.retrieve(dispute["id"])
    stripe.account.close_dispute(dispute["id"], won=True)
    given = client.v1.disputes.retrieve(dispute["id"])

    assert [item.net for item in taken.balance_transactions] == [-6_500]
    assert [item.net for item in given.balance_transactions] == [-6_500, 5_000]
    assert [event.type for event in client.v1.events.list({"type": "charge.dispute.*"}).data] == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.created",
    ]


def test_metadata_is_merged_key_by_key(stripe: StripeServer, client: sdk.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Wang", "metadata": {"a": "1", "b": "2"}})
    client.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    merged = stripe.account.get("customer", customer.id)["metadata"]
    client.v1.customers.update(customer.id, {"metadata": ""})

    assert merged == {"a": "1", "c": "3"}
    assert stripe.account.get("customer", customer.id)["metadata"] == {}


def test_a_deleted_customer_is_still_shown_as_deleted(stripe: StripeServer, client: sdk.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Wang"})
    client.v1.customers.delete(customer.id)

    assert client.v1.customers.retrieve(customer.id).deleted is True
    assert client.v1.customers.list().data == []


def test_the_library_verifies_what_the_stand_in_signs(stripe: StripeServer) -> None:
    stripe.account.charge(100)
    endpoint = stripe.endpoint("http://127.0.0.1:1/", "whsec_old", "whsec_new")
    body, headers = endpoint.request(stripe.account.all("event")[0])
    header = headers["stripe-signature"]

    assert sdk.Webhook.construct_event(body, header, "whsec_new", tolerance=10**9).type == "charge.succeeded"
    with pytest.raises(sdk.SignatureVerificationError):
        sdk.Webhook.construct_event(body, header, "whsec_other", tolerance=10**9)
