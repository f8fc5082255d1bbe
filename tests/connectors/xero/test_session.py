"""Tokens, organisations, scopes and limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.contract import Outcome, Page
from connectors.errors import AuthError, ConnectorError, ContractError, QuotaError, TransientError
from connectors.services import in_process
from sandbox.xero import XeroServer
from tests.connectors.published import Clock
from tests.connectors.xero.conftest import Connect, add_invoice, answered, pull, push_one, window

READ_ONLY = [
    "accounting.contacts.read",
    "accounting.invoices.read",
    "accounting.payments.read",
    "accounting.settings.read",
]


def failure(connect: Connect, server: XeroServer, **settings: Any) -> ConnectorError:
    """The error that a pull ends with."""
    with pytest.raises(ConnectorError) as caught:
        pull(connect(server, **settings), server)
    return caught.value


def test_one_token_serves_many_calls(xero: XeroServer, connect: Connect) -> None:
    connector = connect(xero)
    for spec in connector.streams():
        pull(connector, xero, stream=spec.name)

    assert len(xero.requests("/connect/token")) == 1


def test_a_token_that_has_become_too_old_is_replaced_and_the_call_repeated(xero: XeroServer, connect: Connect) -> None:
    add_invoice(xero)
    connector = connect(xero)
    pull(connector, xero)
    xero.access.expire_tokens()
    xero.forget()

    records, _ = pull(connector, xero)

    assert len(records) == 1
    assert [request.status for request in xero.requests()] == [401, 200, 200]


def test_a_wrong_secret_is_an_auth_error_that_does_not_show_it(xero: XeroServer, connect: Connect) -> None:
    error = failure(connect, xero, client_secret="not-the-secret")

    assert isinstance(error, AuthError)
    assert "Copy them again" in error.remedy
    assert "not-the-secret" not in str(error)


def test_scopes_that_the_connection_does_not_have_are_an_auth_error(xero: XeroServer, connect: Connect) -> None:
    error = failure(connect, xero, scopes=["accounting.reports.read"])

    assert isinstance(error, AuthError)
    assert "scopes" in error.message


def test_a_missing_scope_stops_the_pull_without_asking_for_another_token(xero: XeroServer, connect: Connect) -> None:
    error = failure(connect, xero, scopes=["accounting.contacts.read"])

    assert isinstance(error, AuthError)
    assert "lacks a scope" in error.message
    assert len(xero.requests("/Invoices")) == 1


def test_another_organisations_id_is_an_auth_error(xero: XeroServer, connect: Connect) -> None:
    error = failure(connect, xero, tenant_id="11111111-1111-4111-8111-111111111111")

    assert isinstance(error, AuthError)
    assert "tenant_id" in error.remedy


def test_the_only_organisation_need_not_be_named(xero: XeroServer, connect: Connect) -> None:
    add_invoice(xero)

    records, _ = pull(connect(xero, tenant_id=None), xero)

    assert len(records) == 1
    assert len(answered(xero, "/connections")) == 1


def test_several_organisations_must_be_chosen_from(xero: XeroServer, connect: Connect) -> None:
    xero.faults.answer(
        "/connections", 200, [{"tenantId": "b", "tenantName": "Beta"}, {"tenantId": "a", "tenantName": "Alpha"}]
    )

    error = failure(connect, xero, tenant_id=None)

    assert "Set tenant_id to one of: a (Alpha), b (Beta)." in error.remedy


def test_an_answer_that_is_not_xeros_is_a_contract_error(xero: XeroServer, connect: Connect) -> None:
    xero.faults.answer("/connect/token", 200, "<html>Welcome to the hotel network</html>")

    assert isinstance(failure(connect, xero), ContractError)


def test_the_minute_limit_is_waited_out(xero: XeroServer, connect: Connect, clock: Clock) -> None:
    add_invoice(xero)
    xero.faults.answer("/Invoices", 429, headers={"X-Rate-Limit-Problem": "minute", "Retry-After": "40"})
    connector = connect(xero)

    records, _ = pull(connector, xero)

    assert len(records) == 1
    assert connector.stats.retries == 1


def test_a_minute_limit_that_does_not_end_is_transient_and_tells_the_wait(xero: XeroServer, connect: Connect) -> None:
    xero.access.limits.minute = 0
    xero.faults.answer("/Invoices", 429, headers={"X-Rate-Limit-Problem": "minute", "Retry-After": "40"}, times=9)

    error = failure(connect, xero)

    assert isinstance(error, TransientError)
    assert (error.retry_after, error.sent) == (40, False)


def test_the_day_limit_stops_the_pull_and_keeps_the_pages_already_read(bulk: XeroServer, connect: Connect) -> None:
    for number in range(5):
        add_invoice(bulk, f"INV-{number}")
    bulk.access.limits.day = 2
    connector = connect(bulk, page_size=2, daily_reserve=0, calls_per_day=2)
    pages: list[Page] = []

    with pytest.raises(QuotaError) as caught:
        pages.extend(connector.pull("invoice", None, window(bulk)))

    assert [len(page.records) for page in pages] == [2, 2]
    assert "2 of 2 calls of the day" in caught.value.message
    in_process.cache_clear()  # the next day
    bulk.access.limits.day = 5000
    rest, _ = pull(connect(bulk, page_size=2, daily_reserve=0), bulk, pages[-1].cursor)
    kept = [record for page in pages for record in page.records]
    assert len({record.source_id for record in [*kept, *rest]}) == 5


def test_a_day_limit_reached_by_others_is_a_quota_error_with_its_reset(xero: XeroServer, connect: Connect) -> None:
    xero.access.limits.day = 0

    error = failure(connect, xero)

    assert isinstance(error, QuotaError)
    assert error.reset_after == 6 * 3600
    assert len(xero.requests("/Invoices")) == 1


def test_a_reserve_of_the_day_is_left_to_people(xero: XeroServer, connect: Connect) -> None:
    xero.access.limits.day = 602
    connector = connect(xero, daily_reserve=500)
    pull(connector, xero)
    pull(connector, xero)

    with pytest.raises(QuotaError) as caught:
        pull(connector, xero)

    assert connector.stats.quota_used["calls_left_today"] == "600"
    assert "the last 500 are left to others, and some to write-backs" in caught.value.message


def test_a_write_uses_what_reads_have_left_of_the_day(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.access.limits.day = 602
    connector = connect(xero, daily_reserve=500)
    for _ in range(2):
        pull(connector, xero)
    with pytest.raises(QuotaError):
        pull(connector, xero)

    result = push_one(connector, invoice, {"SentToContact": True}, {"SentToContact": False})

    assert (result.outcome, invoice.sent) == (Outcome.APPLIED, True)


def test_an_authorised_app_starts_with_its_first_refresh_token_and_goes_on_with_the_next(
    xero: XeroServer, connect: Connect
) -> None:
    connector = connect(xero, refresh_token=xero.access.authorise())
    for _ in range(3):
        pull(connector, xero)
        xero.access.expire_tokens()

    used = [parse_qs(request.body.decode())["refresh_token"] for request in xero.requests("/connect/token")]
    assert len(used) == 3
    assert used[0] != used[1] != used[2]


def test_a_refresh_token_that_xero_does_not_take_is_an_auth_error_that_does_not_show_it(
    xero: XeroServer, connect: Connect
) -> None:
    error = failure(connect, xero, refresh_token="canary-refresh")

    assert isinstance(error, AuthError)
    assert "Authorise the app anew" in error.remedy
    assert "canary" not in str(error)


def test_check_tells_that_everything_works(xero: XeroServer, connect: Connect) -> None:
    lines = list(connect(xero).check())

    assert [line.stream for line in lines] == [
        "organisation",
        "contact",
        "invoice",
        "credit_note",
        "payment",
        "overpayment",
        "prepayment",
    ]
    assert all(line.ok for line in lines)
    assert [line.can_write for line in lines if line.stream == "invoice"] == [True]


def test_check_tells_which_scope_a_stream_lacks(xero: XeroServer, connect: Connect) -> None:
    lines = {line.stream: line for line in connect(xero, scopes=["accounting.invoices.read"]).check()}

    assert "accounting.settings.read" in lines["organisation"].remedy
    assert "accounting.contacts.read" in lines["contact"].remedy
    assert (lines["contact"].ok, lines["contact"].can_read) == (False, False)
    assert lines["invoice"].ok


def test_check_tells_how_to_allow_writing(xero: XeroServer, connect: Connect) -> None:
    lines = {line.stream: line for line in connect(xero, scopes=READ_ONLY).check()}

    assert (lines["invoice"].ok, lines["invoice"].can_write) == (True, False)
    assert "accounting.invoices" in lines["invoice"].remedy


def test_check_of_an_older_app_with_broad_scopes_works(xero: XeroServer, connect: Connect) -> None:
    scopes = ["accounting.contacts.read", "accounting.transactions", "accounting.settings.read"]

    assert all(line.ok for line in connect(xero, scopes=scopes).check())


def test_check_with_a_wrong_secret_gives_every_stream_the_remedy(xero: XeroServer, connect: Connect) -> None:
    lines = list(connect(xero, client_secret="wrong").check())

    assert not any(line.ok for line in lines)
    assert all("Copy them again" in line.remedy for line in lines)


def test_check_of_a_server_that_is_down_says_so(connect: Connect) -> None:
    with XeroServer() as server:
        connector = connect(server)

    lines = list(connector.check())

    assert not any(line.ok for line in lines)
    assert "cannot be reached" in lines[0].detail
