"""Calls: sessions are renewed once, limits kept, every failure of the library becomes one of our errors."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import requests
import simple_salesforce.exceptions as library_failures
from pydantic import ValidationError
from requests import exceptions as request_failures

from connectors.contract import CallStats, Page, Window
from connectors.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    QuotaError,
    RecordError,
    TransientError,
)
from connectors.localbudget import LocalBudget
from connectors.salesforce.client import Client
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.connector import Salesforce
from connectors.salesforce.errors import Conflict, Gone, Refused, SessionExpired, from_answer
from connectors.services import Services
from connectors.tokens import LocalVault
from sandbox.salesforce import CLIENT_SECRET, SalesforceServer
from sandbox.salesforce.org import Org
from tests.connectors.salesforce.conftest import Make, add_account, error, until


def pull(connector: Any, server: SalesforceServer, window: Window | None = None) -> list[str]:
    pages = connector.pull("account", None, window or until(server))
    return [record.source_id for page in pages for record in page.records]


def collect(pages: list[Page], pulled: Iterable[Page]) -> None:
    """One by one, so that those before an error are kept."""
    pages += pulled


def test_a_session_that_ends_between_pages_is_renewed(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = {add_account(org, f"A{number}") for number in range(10)}
    read: list[str] = []
    for page in connect(page_size=3).pull("account", None, until(server)):
        read += [record.source_id for record in page.records]
        server.expire_tokens()
    assert sorted(read) == sorted(keys)
    assert len(server.requests("/oauth2/token")) == 4


def test_one_token_serves_all_streams(server: SalesforceServer, org: Org, connect: Make) -> None:
    connector = connect()
    for spec in connector.streams():
        list(connector.pull(spec.name, None, until(server)))
    assert len(server.requests("/oauth2/token")) == 1


@pytest.mark.parametrize(("field", "value"), [("client_secret", "wrong-secret"), ("client_id", "nobody")])
def test_refused_credentials_stop_the_system_with_the_remedy_and_without_the_secret(
    server: SalesforceServer, connect: Make, field: str, value: str
) -> None:
    with pytest.raises(AuthError) as caught:
        pull(connect(**{field: value}), server)
    assert "client_id and client_secret" in str(caught.value)
    assert value not in str(caught.value)
    assert CLIENT_SECRET not in str(caught.value)
    assert len(server.requests("/oauth2/token")) == 1


def test_a_busy_token_endpoint_is_tried_again(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_account(org)
    server.faults.answer("/oauth2/token", 503, b"busy", times=2)
    assert pull(connect(), server) == [key]


def test_a_login_page_instead_of_a_token_is_explained(server: SalesforceServer, connect: Make) -> None:
    server.faults.answer("/oauth2/token", 200, "<html>Log in</html>")
    with pytest.raises(ContractError, match="My Domain"):
        pull(connect(), server)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_server_is_tried_again(server: SalesforceServer, org: Org, connect: Make, status: int) -> None:
    key = add_account(org)
    server.faults.answer("/query", status, b"<html>", times=3)
    connector = connect()
    assert pull(connector, server) == [key]
    assert connector.stats.retries == 3


@pytest.mark.parametrize("fault", ["cut", "hang"])
def test_a_lost_answer_to_a_query_is_asked_for_again(
    server: SalesforceServer, org: Org, connect: Make, fault: str
) -> None:
    key = add_account(org)
    getattr(server.faults, fault)("/query", act=True)
    assert pull(connect(timeout_seconds=0.4), server) == [key]


def test_a_server_that_never_answers_does_not_hang_us(server: SalesforceServer, connect: Make) -> None:
    server.faults.hang("/query", times=50)
    with pytest.raises(TransientError, match="in time"):
        pull(connect(timeout_seconds=0.25), server)


def test_a_server_that_is_down_is_reported_as_not_reachable(own_server: SalesforceServer) -> None:
    own_server.stop()
    with Salesforce(SalesforceConfig(**own_server.config)) as connector, pytest.raises(TransientError) as caught:
        pull(connector, own_server)
    assert caught.value.sent is False
    assert "cannot be reached" in str(caught.value)


def test_an_unknown_authority_is_explained_and_not_tried_again(
    server: SalesforceServer, connect: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    connector = connect(ca_bundle=None)
    with pytest.raises(ContractError, match="ca_bundle"):
        pull(connector, server)
    assert connector.stats.retries == 0


def test_the_environment_does_not_override_the_configured_authority(
    server: SalesforceServer, org: Org, connect: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    key = add_account(org)
    assert pull(connect(), server) == [key]


def test_a_netrc_file_does_not_replace_our_token(
    server: SalesforceServer, org: Org, connect: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    key = add_account(org)
    assert pull(connect(), server) == [key]
    assert server.requests("/query")[0].headers["authorization"].startswith("Bearer ")


def test_calls_stop_before_the_reserve_of_the_daily_quota_is_touched(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    for number in range(40):
        add_account(org, f"A{number}")
    server.daily_limit = 20
    connector = connect(page_size=2, quota_reserve_percent=25)
    pages: list[Page] = []
    with pytest.raises(QuotaError, match=r"15 of 20.*25 %"):
        collect(pages, connector.pull("account", None, until(server)))
    assert server.used == 15
    assert connector.stats.quota_used == {"api-usage": "15/20"}
    server.daily_limit = 1000
    collect(pages, connect(page_size=2).pull("account", pages[-1].cursor, until(server)))
    read = [record.source_id for page in pages for record in page.records]
    assert len(read) == len(set(read)) == 40


def test_after_a_while_the_quota_is_looked_at_again(server: SalesforceServer) -> None:
    now = [1_800_000_000_000_000]
    services = Services(LocalVault, lambda: LocalBudget(clock=lambda: now[0]))
    client = Client(SalesforceConfig(**server.config), CallStats(), services=lambda: services)
    try:
        server.daily_limit = 1
        client.get("limits")
        with pytest.raises(QuotaError):
            client.get("limits")
        server.daily_limit = 100
        now[0] += 901_000_000
        assert client.get("limits").status == 200
        assert client.get("limits").status == 200
    finally:
        client.close()


def test_a_used_up_day_is_a_quota_error_and_too_many_at_once_is_tried_again(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_account(org)
    busy = error("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
    server.faults.answer("/query", 403, busy, times=2)
    assert pull(connect(), server) == [key]
    server.daily_limit = server.used
    with pytest.raises(QuotaError) as caught:
        pull(connect(), server)
    assert caught.value.reset_after == 3600


@pytest.mark.parametrize(
    ("status", "code", "wanted"),
    [
        (401, "INVALID_SESSION_ID", SessionExpired),
        (400, "UNABLE_TO_LOCK_ROW", TransientError),
        (503, "SERVER_UNAVAILABLE", TransientError),
        (400, "QUERY_TIMEOUT", TransientError),
        (400, "REQUEST_RUNNING_TOO_LONG", TransientError),
        (500, "UNKNOWN_EXCEPTION", TransientError),
        (502, "", TransientError),
        (504, "", TransientError),
        (403, "REQUEST_LIMIT_EXCEEDED", QuotaError),
        (412, "", Conflict),
        (400, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", Conflict),
        (409, "CONFLICT", Conflict),
        (404, "ENTITY_IS_DELETED", Gone),
        (404, "NOT_FOUND", Gone),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", Refused),
        (400, "REQUIRED_FIELD_MISSING", Refused),
        (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Refused),
        (400, "STRING_TOO_LONG", Refused),
        (400, "DUPLICATE_VALUE", Refused),
        (400, "DUPLICATES_DETECTED", Refused),
        (400, "INVALID_CROSS_REFERENCE_KEY", Refused),
        (400, "MALFORMED_ID", Refused),
        (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Refused),
        (400, "ENTITY_IS_LOCKED", Refused),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", Refused),
        (400, "INVALID_FIELD", Refused),
        (400, "INACTIVE_OWNER_OR_USER", Refused),
        (400, "A_CODE_NOBODY_KNOWS", Refused),
        (403, "API_DISABLED_FOR_ORG", AuthError),
        (302, "", ContractError),
        (404, "", ContractError),
    ],
)
def test_every_documented_error_code_has_its_class(status: int, code: str, wanted: type[ConnectorError]) -> None:
    content: Any = [{"message": "bad value: Erika Mustermann", "errorCode": code}] if code else "<html>Erika</html>"
    found = from_answer(status, content, "acme.my.salesforce.com")
    assert type(found) is wanted
    assert found.remedy or isinstance(found, RecordError)
    if code != "FIELD_CUSTOM_VALIDATION_EXCEPTION":
        assert "Erika" not in str(found)


def _failures(base: type[Exception] = Exception) -> list[Exception]:
    """One of every exception that requests and simple-salesforce define."""
    made: list[Exception] = []
    for kind in vars(request_failures).values():
        if inspect.isclass(kind) and issubclass(kind, requests.RequestException):
            made.append(kind("x", "y", 0) if issubclass(kind, request_failures.JSONDecodeError) else kind("x"))
    for kind in vars(library_failures).values():
        if not inspect.isclass(kind) or not issubclass(kind, Exception):
            continue
        if kind is library_failures.SalesforceAuthenticationFailed:
            made.append(kind("INVALID_LOGIN", "no"))
        elif issubclass(kind, library_failures.SalesforceError):
            made.append(kind("https://x", 400, "query", b"content"))
        else:
            made.append(kind("x"))
    return [failure for failure in made if isinstance(failure, base)]


@pytest.mark.parametrize("failure", _failures(), ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("safe", [True, False])
def test_no_error_of_the_library_or_of_requests_leaves_the_connector(
    server: SalesforceServer, monkeypatch: pytest.MonkeyPatch, failure: Exception, safe: bool
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise failure

    monkeypatch.setattr("simple_salesforce.api.Salesforce._call_salesforce", fail)
    client = Client(SalesforceConfig(**server.config), CallStats())
    with pytest.raises(ConnectorError):
        client.call("PATCH", "sobjects/Account/001", safe=safe)
    client.close()


@pytest.mark.parametrize("failure", _failures(requests.RequestException), ids=lambda failure: type(failure).__name__)
def test_no_error_of_a_token_request_leaves_the_connector_and_none_leaves_a_write_in_doubt(
    server: SalesforceServer, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise failure

    monkeypatch.setattr(requests.Session, "request", fail)
    client = Client(SalesforceConfig(**server.config), CallStats())
    with pytest.raises(ConnectorError) as caught:
        client.call("PATCH", "sobjects/Account/001", safe=False)
    assert not (isinstance(caught.value, TransientError) and caught.value.sent)
    client.close()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("instance_url", "http://acme.my.salesforce.com"),
        ("api_version", "v62"),
        ("page_size", 5000),
        ("quota_reserve_percent", 95),
        ("clientid", "typo"),
    ],
)
def test_a_wrong_setting_is_refused(setting: str, value: Any) -> None:
    good = {"instance_url": "https://acme.my.salesforce.com", "client_id": "id", "client_secret": "s"}
    with pytest.raises(ValidationError, match=setting):
        SalesforceConfig(**{**good, setting: value})
