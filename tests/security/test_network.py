"""Where connectors may connect to, whatever names lead to, and how servers are verified."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import network, retry
from connectors.contract import CallStats
from connectors.errors import ConnectorError, ContractError
from connectors.http import HttpSession, authority_of
from connectors.jiandaoyun.config import JiandaoyunConfig
from connectors.network import AddressRefused, Network
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.transport import TimedSession, Transport
from connectors.tryton.config import TrytonConfig
from connectors.xero.config import XeroConfig
from sandbox.http import Server, Tls

METADATA = ("169.254.169.254", "[fe80::1]", "100.100.100.200", "168.63.129.16", "[fd00:ec2::254]", "[::ffff:a9fe:a9fe]")
PRIVATE = ("10.0.0.7", "172.16.3.4", "192.168.1.10", "100.64.0.1", "[fd12::7]", "[::ffff:10.0.0.7]", "[64:ff9b::a00:7]")
NEVER = ("0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255", "240.0.0.1", "[ff02::1]", "0", "[::ffff:0:0]")
DISGUISED = ("2130706433", "0x7f.0.0.1", "127.1", "0177.0.0.1")
PUBLIC = ("api.xero.com", "8.8.8.8", "[2606:4700::1111]")


@pytest.mark.parametrize("host", PUBLIC)
def test_public_hosts_over_tls_are_spoken_to(host: str) -> None:
    network.check(f"https://{host}/api", Network())


@pytest.mark.parametrize("host", [*METADATA, *PRIVATE, *NEVER])
def test_other_addresses_are_refused_unless_they_are_named(host: str) -> None:
    with pytest.raises(ValueError, match="address"):
        network.check(f"https://{host}/", Network())


@pytest.mark.parametrize("host", [*PRIVATE, *METADATA[:1]])
def test_a_named_address_is_spoken_to(host: str) -> None:
    network.check(f"https://{host}/", Network(private=(host,)))


@pytest.mark.parametrize("host", NEVER)
def test_what_is_no_servers_address_is_refused_though_it_is_named(host: str) -> None:
    with pytest.raises(ValueError, match="no address of a server"):
        network.check(f"https://{host}/", Network(private=(host,)))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "a.localhost", *DISGUISED])
def test_loopback_that_says_so_needs_neither_name_nor_tls(host: str) -> None:
    network.check(f"http://{host}:8000/", Network())


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/",
        "https://user:secret@api.example.com/",
        "file:///etc/passwd",
        "ftp://api.example.com",
        "//api.example.com",
        "api.example.com",
        "https://",
        "https://[",
        "https://api.example.com:port",
        "gopher://127.0.0.1:70/",
        "",
    ],
)
def test_addresses_without_tls_with_credentials_or_of_another_kind_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|is no address"):
        network.check(url, Network())


def test_a_host_without_tls_can_be_named_and_only_that_one() -> None:
    allowed = Network(plain_http=("erp.example.com",))
    network.check("http://erp.example.com:8000", allowed)
    network.check("http://ERP.Example.COM./", allowed)
    with pytest.raises(ValueError, match="must start with https"):
        network.check("http://other.example.com", allowed)


@pytest.mark.parametrize("entry", ["", "*", "10.0.0.0/8", "https://erp", "erp:8000", "a b"])
def test_a_list_of_hosts_takes_no_patterns(entry: str) -> None:
    with pytest.raises(ValidationError, match="is no host"):
        Network(private=(entry,))


CONFIGS: dict[str, tuple[type[Any], str, dict[str, Any]]] = {
    "jiandaoyun": (JiandaoyunConfig, "base_url", {"api_key": "k", "app_id": "a", "forms": {"lead": {"entry_id": "e"}}}),
    "salesforce": (SalesforceConfig, "instance_url", {"client_id": "c", "client_secret": "s"}),
    "salesforce login": (
        SalesforceConfig,
        "login_url",
        {"client_id": "c", "client_secret": "s", "instance_url": "https://a.my.salesforce.com"},
    ),
    "tryton": (TrytonConfig, "base_url", {"database": "d", "user": "u", "password": "p"}),
    "xero": (XeroConfig, "base_url", {"client_id": "c", "client_secret": "s"}),
    "xero token": (XeroConfig, "token_url", {"client_id": "c", "client_secret": "s"}),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_every_connector_refuses_addresses_that_nobody_named(name: str) -> None:
    model, field, rest = CONFIGS[name]
    for url in (
        "http://vendor.example",
        "https://169.254.169.254/",
        "https://10.1.2.3/",
        "https://u:p@vendor.example/",
    ):
        with pytest.raises(ValidationError) as caught:
            model(**{field: url}, **rest)
        assert "u:p" not in str(caught.value.errors(include_input=False, include_url=False))
    assert model(**{field: "https://10.1.2.3/"}, **rest, network={"private": ["10.1.2.3"]})
    assert "verify" not in " ".join(model.model_fields)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names lead to; each lookup takes the next answer, the last one stays."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        if host in known:
            answer = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
            return [entry for address in answer.split() for entry in real(address, *args, **options)]
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


async def _echo(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(_echo) as running, retry.no_waiting():
        yield running


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls.create(tmp_path_factory.mktemp("tls"), "erp.example.com", "a.my.salesforce.com")


@pytest.fixture
def secure(tls: Tls) -> Iterator[Server]:
    with Server(_echo, tls=tls) as running, retry.no_waiting():
        yield running


def session(url: str, **options: Any) -> contextlib.closing[HttpSession]:
    return contextlib.closing(HttpSession(url, stats=CallStats(), classify=lambda _: None, timeout=5, **options))


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "169.254.169.254", "10.0.0.7", "0.0.0.0", "8.8.8.8 127.0.0.1"])
def test_a_public_name_that_leads_elsewhere_is_not_connected_to(
    server: Server, names: dict[str, list[str]], leads_to: str
) -> None:
    names["erp.example.com"] = [leads_to]
    url = f"http://erp.example.com:{server.port}"
    with session(url, network=Network(plain_http=("erp.example.com",))) as opened:
        with pytest.raises(AddressRefused, match="leads to") as caught:
            opened.request("GET", "/")
        assert caught.value.kind == "configuration"
    assert server.requests() == []


def test_a_name_that_changes_after_it_was_checked_is_of_no_use(server: Server, names: dict[str, list[str]]) -> None:
    names["erp.example.com"] = ["127.0.0.1", "169.254.169.254"]
    looked_up = names["erp.example.com"]
    url = f"http://erp.example.com:{server.port}"
    allowed = Network(plain_http=("erp.example.com",), private=("erp.example.com",))
    with session(url, network=allowed) as opened:
        assert opened.request("GET", "/").content == b"{}"
    assert looked_up == ["169.254.169.254"], "it is looked up once, and connected to what was checked"


def test_a_named_private_host_may_not_become_the_metadata_service(names: dict[str, list[str]]) -> None:
    names["erp.example.com"] = ["169.254.169.254"]
    with pytest.raises(AddressRefused, match="metadata"):
        network.permitted("erp.example.com", 443, Network(private=("erp.example.com",)))


def test_a_name_with_several_addresses_is_reached_at_the_one_that_answers(
    server: Server, names: dict[str, list[str]]
) -> None:
    names["erp.example.com"] = ["127.0.0.2 127.0.0.1"]  # nobody listens at the first
    allowed = Network(plain_http=("erp.example.com",), private=("erp.example.com",))
    with session(f"http://erp.example.com:{server.port}", network=allowed) as opened:
        assert opened.request("GET", "/").content == b"{}"


def test_the_certificate_is_compared_with_the_name_and_not_with_the_address(
    secure: Server, tls: Tls, names: dict[str, list[str]]
) -> None:
    names["erp.example.com"] = names["other.example.com"] = ["127.0.0.1"]
    allowed = Network(private=("erp.example.com", "other.example.com"))
    trusted = authority_of(tls.ca_file)
    with session(f"https://erp.example.com:{secure.port}", network=allowed, verify=trusted) as opened:
        assert opened.request("GET", "/").content == b"{}"
    with (
        session(f"https://other.example.com:{secure.port}", network=allowed, verify=trusted) as opened,
        pytest.raises(ContractError, match="is not trusted"),
    ):
        opened.request("GET", "/")


def test_a_context_that_does_not_verify_is_refused(secure: Server) -> None:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    with pytest.raises(ValueError, match="always verified"):
        session(secure.base_url, verify=careless)
    careless.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="always verified"):
        session(secure.base_url, verify=careless)


def _salesforce(url: str, **options: Any) -> SalesforceConfig:
    return SalesforceConfig(instance_url=url, client_id="c", client_secret="s", **options)


def test_salesforce_is_connected_to_by_the_same_rules(secure: Server, tls: Tls, names: dict[str, list[str]]) -> None:
    names["a.my.salesforce.com"] = ["127.0.0.1"]
    url = f"https://a.my.salesforce.com:{secure.port}"
    with TimedSession(_salesforce(url, ca_bundle=tls.ca_file), lambda _: None) as opened, pytest.raises(AddressRefused):
        opened.get(url)
    allowed = _salesforce(url, ca_bundle=tls.ca_file, network={"private": ["a.my.salesforce.com"]})
    with TimedSession(allowed, lambda _: None) as opened:
        assert opened.get(url).content == b"{}"
    names["a.my.salesforce.com"] = ["169.254.169.254"]
    with TimedSession(allowed, lambda _: None) as opened, pytest.raises(AddressRefused):
        opened.get(url)


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "https://evilsalesforce.com", "http://127.0.0.1:1", "https://a.b@evil.example"],
)
def test_a_token_is_not_taken_to_another_host_because_the_login_says_so(tls: Tls, elsewhere: str) -> None:
    async def login(_scope: Any, _receive: Any, send: Any) -> None:
        body = b'{"access_token": "t", "instance_url": "%s"}' % elsewhere.encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    with Server(login, tls=tls) as running:
        config = _salesforce(running.base_url, ca_bundle=tls.ca_file)
        with (
            contextlib.closing(Transport(config, on_usage=lambda _: None, on_bytes=lambda _: None)) as opened,
            pytest.raises(AddressRefused, match="another host"),
        ):
            opened.login()


TRY = """
import sys
from connectors.contract import CallStats
from connectors.http import HttpSession
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.transport import Transport
try:
    if sys.argv[2] == "httpx":
        HttpSession(sys.argv[1], stats=CallStats(), classify=lambda _: None).request("GET", "/")
    else:
        config = SalesforceConfig(instance_url=sys.argv[1], client_id="c", client_secret="s")
        Transport(config, on_usage=print, on_bytes=print).login()
except Exception as error:
    print(type(error).__name__, error)
"""
OFF = {
    "PYTHONHTTPSVERIFY": "0",
    "SSL_VERIFY": "0",
    "CURL_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
    "SSL_CERT_FILE": "",
    "SSL_CERT_DIR": "",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "GIT_SSL_NO_VERIFY": "1",
}


@pytest.mark.parametrize("client", ["httpx", "requests"])
def test_no_variable_of_the_environment_turns_verification_off(secure: Server, client: str) -> None:
    env = {**os.environ, **OFF}
    command = [sys.executable, "-c", TRY, secure.base_url, client]
    said = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert "is not trusted" in said.stdout, said
    assert secure.requests() == []


def test_loopback_is_never_asked_through_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with session(server.base_url) as opened:
        assert opened.request("GET", "/").content == b"{}"


def test_other_hosts_are_asked_through_the_proxy_that_the_environment_names(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.base_url)
    monkeypatch.delenv("no_proxy", raising=False)
    with session("http://erp.example.com", network=Network(plain_http=("erp.example.com",))) as opened:
        assert opened.request("GET", "/x").content == b"{}"
    assert [request.headers["host"] for request in server.requests()] == ["erp.example.com"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "//evil.example/x", "file:///etc/passwd", "/y"],
)
def test_no_redirect_is_followed_and_no_credentials_are_sent_on(
    server: Server, secure: Server, tls: Tls, status: int, target: str
) -> None:
    for each in (server, secure):
        each.faults.answer("", status, "", headers={"location": target}, times=20)
    credentials = {"Authorization": "Bearer hush"}
    with session(server.base_url, authenticate=lambda: credentials) as opened, pytest.raises(ContractError) as caught:
        opened.request("POST", "/x", json={"password": "hush"})
    assert "hush" not in str(caught.value)
    assert [request.path for request in server.requests()] == ["/x"]
    config = _salesforce(secure.base_url, ca_bundle=tls.ca_file)
    with (
        contextlib.closing(Transport(config, on_usage=lambda _: None, on_bytes=lambda _: None)) as transport,
        pytest.raises(ConnectorError),
    ):
        transport.login()
    assert [request.path for request in secure.requests()] == ["/services/oauth2/token"]
