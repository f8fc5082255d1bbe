"""What every request has to pass, and every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from httpx import Client

from console.web.app import workbench
from settings.model import Settings
from state.members import Role
from state.store import Store
from tests.web.conftest import PASSWORD, Browser, served


@pytest.mark.parametrize("address", ["/sign-in", "/nothing-here", "/healthz", "/assets/report.css", "/findings"])
def test_every_answer_tells_the_browser_to_run_nothing_of_others(browser: Callable[..., Browser], address: str) -> None:
    headers = browser().get(address).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8787", "[", "a@127.0.0.1"])
def test_a_name_that_was_made_to_point_here_is_refused(browser: Callable[..., Browser], host: str) -> None:
    assert browser(host=host).get("/sign-in").status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"])
def test_the_names_of_this_machine_are_known(browser: Callable[..., Browser], host: str) -> None:
    assert browser(host=host).get("/sign-in").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}]
)
def test_a_form_that_another_site_sends_is_refused(
    browser: Callable[..., Browser], member: Callable[..., str], headers: dict[str, str]
) -> None:
    member("anna", Role.FINANCE)
    assert browser(**headers).sign_in("anna").status_code == 400


def test_a_form_without_the_mark_of_its_session_changes_nothing(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    id = anna.get("/findings").text.partition('href="/findings/')[2].partition('"')[0]
    for mark in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "é"}):
        assert anna.client.post(f"/findings/{id}/comment", data={"text": "forged", **mark}).status_code == 400
    assert "forged" not in anna.get(f"/findings/{id}").text


@pytest.mark.parametrize("body", [b"x" * 70_000, b"\xff\xfe", b"no form", b"&".join(b"a=b" for _ in range(1_100))])
def test_what_is_no_form_of_ours_is_refused(browser: Callable[..., Browser], body: bytes) -> None:
    answer = browser().client.post("/sign-in", content=body)
    assert answer.status_code == 400


def test_over_tls_the_cookie_is_bound_to_the_host(desk: Store, given: Settings, member: Callable[..., str]) -> None:
    member("anna", Role.FINANCE)
    app = workbench(desk, given, secure=True, hosts=("ltc.example.com",))
    known = {"host": "ltc.example.com", "origin": "https://ltc.example.com"}  # as a proxy that speaks TLS passes it on
    with served(app) as address, Client(base_url=address, headers=known) as client:
        answer = client.post("/sign-in", data={"name": "anna", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert client.get("/findings", headers={"cookie": cookie.partition(";")[0]}).status_code == 200
    assert cookie.startswith("__Host-ltc=")
    for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_what_a_proxy_took_in_the_clear_is_sent_to_tls_and_nothing_secret_is_taken_so(
    desk: Store, given: Settings
) -> None:
    app = workbench(desk, given, secure=True, proxied=True, hosts=("ltc.example.com",))
    clear = {"host": "ltc.example.com", "origin": "http://ltc.example.com", "x-forwarded-proto": "http"}
    with served(app) as address, Client(base_url=address, headers=clear) as client:
        page = client.get("/findings?text=a%26b")
        assert (page.status_code, page.headers["location"]) == (308, "https://ltc.example.com/findings?text=a%26b")
        assert client.post("/sign-in", data={"name": "anna", "password": PASSWORD}).status_code == 400
        assert client.get("/api/v1/findings", headers={"authorization": "Bearer x"}).status_code == 400
        assert client.get("/healthz").status_code == 200
        assert client.get("/sign-in", headers={"x-forwarded-proto": "https"}).status_code == 200


def test_a_store_that_cannot_be_read_is_said_in_words(desk: Store, given: Settings, config: Path) -> None:
    with served(workbench(desk, given)) as address, Client(base_url=address) as client:
        assert client.get("/readyz").text == "ok\n"
        desk.close()
        for path in config.parent.glob("ltc.db*"):
            path.unlink()
        (config.parent / "ltc.db").write_bytes(b"no database" * 1000)
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "is not a database of ours" in answer.text
    assert "retry-after" in answer.headers
