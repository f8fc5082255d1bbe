"""Signing in through a company's identity provider: who gets in, and every forgery that does not."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from state import audit, members
from state.members import Role
from state.store import Store
from tests.web import company_sign_in
from tests.web.company_sign_in import Company, is_in
from tests.web.identity_provider import CLIENT, SECRET, Claims, IdentityProvider, key

pytestmark = pytest.mark.slow

ANNA: Claims = {"sub": "248289761001", "preferred_username": "Anna", "groups": ["accounting", "everybody"]}


@pytest.fixture
def company(desk: Store, config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("LTC_TEST_OIDC", SECRET)
    with company_sign_in.opened(desk, config.parent) as found:
        found.provider.arrive(**ANNA)
        yield found


def test_whoever_the_provider_vouches_for_is_let_in_with_the_roles_of_their_groups(
    company: Company, desk: Store
) -> None:
    anna = company.browser()
    assert "Sign in with Acme" in anna.get("/sign-in").text
    answer = company.sign_in(anna, "/findings?stage=order")
    assert (answer.status_code, answer.headers["location"]) == (303, "/findings?stage=order")
    assert all("HttpOnly" in kept and "SameSite=lax" in kept for kept in answer.headers.get_list("set-cookie"))
    assert is_in(anna)
    with desk.reading() as connection:
        found = members.find(connection, "anna")
        entries = audit.entries(connection, actor="anna")
    assert found.roles == {Role.FINANCE, Role.APPROVER}
    assert (found.provider, found.has_password) == (company.provider.issuer, False)
    assert entries[0].detail["roles"] == ["approver", "finance"]
    assert entries[0].detail["provider"] == company.provider.issuer


def test_nothing_secret_leaves_the_server_for_the_browser(company: Company) -> None:
    anna = company.browser()
    begun = anna.get("/sign-in/provider")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    kept = anna.client.cookies["ltc-provider"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    for secret in (SECRET, kept):
        assert secret not in begun.headers["location"]
    assert "HttpOnly" in begun.headers["set-cookie"]


def test_two_windows_of_one_browser_sign_in_beside_each_other(company: Company) -> None:
    anna = company.browser()
    first, second = company.go(anna, "/trace"), company.go(anna, "/cash")
    assert anna.get(second).headers["location"] == "/cash"
    assert first.split("state=")[1] != second.split("state=")[1]


@pytest.mark.parametrize(
    "onwards", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_to_another_site(company: Company, onwards: str) -> None:
    assert company.sign_in(company.browser(), onwards).headers["location"] == "/"


def test_a_way_back_that_nobody_was_sent_on_leads_nowhere(company: Company) -> None:
    anna = company.browser()
    back = company.go(anna)
    forged = back.partition("state=")[0] + "state=" + "x" * 43
    for address in (forged, "/sign-in/provider/back", "/sign-in/provider/back?state=&code=x", back + "x" * 5000):
        answer = anna.get(address)
        assert (answer.status_code, "Begin again" in answer.text) == (400, True)
    assert "token" not in company.provider.calls
    assert not is_in(anna)


def test_nobody_is_signed_in_as_somebody_else_by_a_link(company: Company) -> None:
    mallory, victim = company.browser(), company.browser()
    prepared = company.go(mallory)
    company.go(victim)
    assert victim.get(prepared).status_code == 400
    assert not is_in(victim)
    assert mallory.get(prepared).status_code == 303  # it was not used up by that


def test_a_way_back_is_good_once(company: Company) -> None:
    anna = company.browser()
    back, kept = company.go(anna), dict(anna.client.cookies)
    assert anna.get(back).status_code == 303
    again = company.browser()
    again.client.cookies.update(kept)
    assert again.get(back).status_code == 400
    assert company.provider.calls.count("token") == 1
    assert not is_in(again)


def test_a_code_that_was_stolen_is_of_no_use_in_another_visit(company: Company) -> None:
    anna, mallory = company.browser(), company.browser()
    stolen = parse_qs(urlsplit(company.go(anna)).query)["code"][0]
    own = parse_qs(urlsplit(company.go(mallory)).query)["state"][0]
    answer = mallory.client.get("/sign-in/provider/back", params={"code": stolen, "state": own})
    assert (answer.status_code, "Begin again" in answer.text) == (400, True)
    assert not is_in(mallory)


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def _unsigned(_provider: IdentityProvider, claims: Claims) -> str:
    return f"{_encoded(json.dumps({'alg': 'none'}).encode())}.{_encoded(json.dumps(claims).encode())}."


def _by_secret(secret: Callable[[IdentityProvider], bytes]) -> Callable[[IdentityProvider, Claims], str]:
    """By hand: the library refuses to take a public key for a secret."""

    def sign(provider: IdentityProvider, claims: Claims) -> str:
        header = {"alg": "HS256", "kid": provider.keys[-1].kid}
        said = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{said}.{_encoded(hmac.digest(secret(provider), said.encode(), 'sha256'))}"

    return sign


def _by_stranger(provider: IdentityProvider, claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": provider.keys[-1].kid}, claims, key(9))


FORGERIES: dict[str, dict[str, Any]] = {
    "wrong nonce": {"tamper": lambda claims: claims | {"nonce": "x" * 43}},
    "no nonce": {"tamper": lambda claims: {name: value for name, value in claims.items() if name != "nonce"}},
    "expired": {"tamper": lambda claims: claims | {"exp": claims["iat"] - 61}},
    "no end": {"tamper": lambda claims: {name: value for name, value in claims.items() if name != "exp"}},
    "from the future": {"tamper": lambda claims: claims | {"iat": claims["iat"] + 120}},
    "not good yet": {"tamper": lambda claims: claims | {"nbf": claims["iat"] + 120}},
    "another issuer": {"tamper": lambda claims: claims | {"iss": "https://evil.example"}},
    "for another client": {"tamper": lambda claims: claims | {"aud": "other"}},
    "for another client, issued to us": {"tamper": lambda claims: claims | {"aud": ["other"], "azp": CLIENT}},
    "for several, issued to none": {"tamper": lambda claims: claims | {"aud": [CLIENT, "other"]}},
    "issued to another client": {"tamper": lambda claims: claims | {"azp": "other"}},
    "of nobody": {"tamper": lambda claims: claims | {"sub": ""}},
    "of a number": {"tamper": lambda claims: claims | {"sub": 7}},
    "of an endless name": {"tamper": lambda claims: claims | {"sub": "x" * 256}},
    "of another access token": {"tamper": lambda claims: claims | {"at_hash": "x" * 22}},
    "not signed": {"sign": _unsigned},
    "signed by the public key as a secret": {
        "sign": _by_secret(lambda provider: provider.keys[-1].as_pem(private=False))
    },
    "signed by our secret": {"sign": _by_secret(lambda _provider: SECRET.encode() * 2)},
    "signed by a stranger": {"sign": _by_stranger},
    "no token": {"sign": lambda _provider, _claims: "a.b.c"},
    "nested without end": {
        "sign": lambda _provider, _claims: base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.x"
    },
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_id_token_that_is_not_whole_signs_nobody_in(
    company: Company, desk: Store, caplog: pytest.LogCaptureFixture, forgery: str
) -> None:
    for name, value in FORGERIES[forgery].items():
        setattr(company.provider, name, value)
    anna = company.browser()
    with caplog.at_level(logging.WARNING, "ltc.sign_in"):
        answer = company.sign_in(anna)
    assert (answer.status_code, "nobody was signed in" in answer.text) == (400, True)
    assert not is_in(anna)
    assert len(caplog.messages) == 1
    assert SECRET not in caplog.text
    with desk.reading() as connection:
        assert members.listing(connection) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims | {"exp": claims["iat"] - 30},
        lambda claims: claims | {"aud": [CLIENT, "other"], "azp": CLIENT},
        lambda claims: claims | {"iat": claims["iat"] + 30},
    ],
)
def test_clocks_that_differ_a_little_and_further_audiences_of_a_token_for_us_are_no_forgery(
    company: Company, change: Callable[[Claims], Claims]
) -> None:
    company.provider.tamper = change
    assert company.sign_in(company.browser()).status_code == 303


def test_a_provider_changes_its_keys(company: Company) -> None:
    assert company.sign_in(company.browser()).status_code == 303
    company.provider.keys = [key(1), key(2)]
    assert company.sign_in(company.browser()).status_code == 303
    company.provider.keys = [key(2)]
    assert company.sign_in(company.browser()).status_code == 303
    assert company.provider.calls.count("jwks") == 2


def test_a_symmetric_key_and_one_for_encryption_in_the_public_document_sign_nothing(company: Company) -> None:
    def published(provider: IdentityProvider) -> Any:
        keys = [item.as_dict(private=False) for item in provider.keys]
        secret = {"kty": "oct", "kid": keys[0]["kid"], "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}
        return {"keys": [secret, {"kty": "new"}, {"kty": "RSA"}, {**keys[0], "use": "enc"}]}

    company.provider.published = published
    assert company.sign_in(company.browser()).status_code == 502


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (JSONResponse({"error": "invalid_grant"}, 400), 400, "Begin again"),
        (JSONResponse({"error": "invalid_client"}, 401), 502, "not set up right"),
        (PlainTextResponse("<b>boom</b>", 500), 503, "does not answer"),
        (PlainTextResponse("<b>hello</b>"), 502, "not set up right"),
        (JSONResponse({"access_token": "x"}), 502, "not set up right"),
        (RedirectResponse("https://evil.example/", 307), 502, "not set up right"),
        (PlainTextResponse("x" * 2_000_000), 502, "not set up right"),
    ],
)
def test_what_the_provider_refuses_or_gets_wrong_is_told_in_a_sentence(
    company: Company, answer: Response, status: int, said: str
) -> None:
    company.provider.token_answer = answer
    anna = company.browser()
    page = company.sign_in(anna)
    assert (page.status_code, said in page.text, "<b>" in page.text) == (status, True, False)
    assert not is_in(anna)


def test_whoever_declines_is_told_so_and_errors_are_not_repeated_to_them(company: Company) -> None:
    anna = company.browser()
    for error, said in (("access_denied", "you declined"), ("<b>call 555</b>", "cannot be relied on")):
        state = parse_qs(urlsplit(company.go(anna)).query)["state"][0]
        sent = {"state": state, "error": error, "error_description": "call 555"}
        page = anna.client.get("/sign-in/provider/back", params=sent)
        assert (page.status_code, said in page.text, "555" in page.text) == (400, True, False)


def test_an_answer_that_says_it_is_from_another_issuer_is_not_taken(company: Company) -> None:
    company.provider.document = {"authorization_response_iss_parameter_supported": True}
    anna = company.browser()
    assert anna.get(company.go(anna)).status_code == 400
    assert anna.get(company.go(anna) + "&iss=https://evil.example").status_code == 400
    assert "token" not in company.provider.calls
    assert anna.get(company.go(anna) + f"&iss={company.provider.issuer}").status_code == 303


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"issuer": "http://127.0.0.1/"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "https://169.254.169.254/latest"},
        {"jwks_uri": "https://10.0.0.7/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"end_session_endpoint": "data:text/html,x"},
        {"token_endpoint": None},
    ],
)
def test_a_hostile_document_leads_nobody_anywhere(company: Company, document: dict[str, Any]) -> None:
    company.provider.document = document
    answer = company.browser().get("/sign-in/provider")
    assert (answer.status_code, "not set up right" in answer.text) == (502, True)
    assert "Tell an admin: <code>ltc members provider</code> says what is wrong." in answer.text
    assert "location" not in answer.headers
    assert company.provider.calls == ["document"]


def test_while_the_provider_is_down_admins_get_in_with_their_passwords(
    company: Company, member: Callable[..., str]
) -> None:
    company.provider.down = True
    page = company.browser().get("/sign-in/provider")
    assert (page.status_code, "does not answer" in page.text, 'name="password"' in page.text) == (503, True, True)
    assert company.browser().get("/sign-in/provider").status_code == 503
    assert company.provider.calls == ["document"]  # nobody else waits for it
    admin = company.browser()
    assert admin.sign_in(member("root", Role.ADMIN)).status_code == 303


def test_a_provider_that_was_known_is_not_asked_each_time(company: Company) -> None:
    for _ in range(3):
        assert company.sign_in(company.browser()).status_code == 303
    assert (company.provider.calls.count("document"), company.provider.calls.count("jwks")) == (1, 1)


def test_where_passwords_are_switched_off_none_counts(
    company: Company, member: Callable[..., str], desk: Store
) -> None:
    root = company.browser()
    root.sign_in(member("root", Role.ADMIN))
    with desk.transaction() as connection:
        link = members.invite(connection, "late", [Role.ADMIN], "test")
    assert is_in(root)
    company.write(only=True)
    assert not is_in(root)
    assert 'name="password"' not in root.get("/sign-in").text
    assert root.sign_in("root").status_code == 403
    assert root.get(f"/welcome/{link}").status_code == 404
    assert company.sign_in(company.browser()).status_code == 303


def test_sessions_end_with_the_provider_that_vouched_for_them(company: Company) -> None:
    anna = company.browser()
    company.sign_in(anna)
    assert is_in(anna)
    company.write(issuer="https://other.example")
    assert not is_in(anna)


def test_signing_out_leads_on_to_the_sign_out_of_the_provider(company: Company, member: Callable[..., str]) -> None:
    anna, root = company.browser(), company.browser()
    company.sign_in(anna)
    answer = anna.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")
    page = anna.get("/signed-out").text
    assert f'href="{company.provider.issuer}/logout?client_id=ltc&amp;post_logout_redirect_uri=' in page
    assert not is_in(anna)
    root.sign_in(member("root", Role.ADMIN))
    assert root.post("/sign-out").headers["location"] == "/sign-in"


def test_without_a_provider_its_pages_are_not_there(browser: Callable[..., Any]) -> None:
    assert browser().get("/sign-in/provider").status_code == 404
    assert browser().get("/sign-in/provider/back?state=x&code=y").status_code == 404
    assert "provider" not in browser().get("/sign-in").text
