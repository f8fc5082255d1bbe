"""Who somebody from the provider is here: bound to what never changes, in the roles of the day, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from state import api_tokens, audit, clock, members
from state.api_tokens import Scope
from state.members import Role
from state.store import Store
from tests.web import company_sign_in
from tests.web.company_sign_in import Company, is_in
from tests.web.conftest import Browser
from tests.web.identity_provider import SECRET, Claims

pytestmark = pytest.mark.slow

ANNA: Claims = {"sub": "s-1", "preferred_username": "anna", "groups": ["accounting"]}


@pytest.fixture
def company(desk: Store, config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("LTC_TEST_OIDC", SECRET)
    with company_sign_in.opened(desk, config.parent) as found:
        found.provider.arrive(**ANNA)
        yield found


def refused(company: Company, said: str) -> Browser:
    """Somebody tries to sign in and is told why not."""
    somebody = company.browser()
    page = company.sign_in(somebody)
    assert (page.status_code, said in page.text) == (403, True)
    assert not is_in(somebody)
    return somebody


def told(desk: Store) -> list[tuple[str, str]]:
    """What the audit says, the newest first."""
    with desk.reading() as connection:
        return [(item.actor, item.action) for item in audit.entries(connection) if item.action.startswith("member")]


def test_whoever_is_called_otherwise_at_the_provider_stays_who_they_are(company: Company, desk: Store) -> None:
    company.sign_in(company.browser())
    company.provider.arrive(**ANNA | {"preferred_username": "anna.married"})
    again = company.browser()
    company.sign_in(again)
    assert re.search(r">\s*anna\s*<", again.get("/findings").text)
    with desk.reading() as connection:
        assert [item.name for item in members.listing(connection)] == ["anna"]


def test_a_name_that_is_given_to_somebody_else_leads_to_nobody_s_account(company: Company, desk: Store) -> None:
    company.sign_in(company.browser())
    company.provider.arrive(**ANNA | {"sub": "s-2", "groups": ["ltc-admins"]})
    refused(company, "Somebody else is called anna")
    with desk.reading() as connection:
        assert members.find(connection, "anna").roles == {Role.FINANCE, Role.APPROVER}
    assert told(desk)[0] == ("ltc", "member turned away")


def test_a_member_with_a_password_is_taken_over_by_nobody(
    company: Company, desk: Store, member: Callable[..., str]
) -> None:
    for name in ("anna", "root"):
        member(name, Role.ADMIN)
    for called in ("root", "ROOT", "ｒｏｏｔ"):
        company.provider.arrive(sub="s-9", preferred_username=called, groups=["ltc-admins"])
        refused(company, "Somebody else is called root")
    root = company.browser()
    assert root.sign_in("root").status_code == 303
    with desk.reading() as connection:
        assert members.find(connection, "root").provider is None


def test_an_admin_binds_a_member_to_whoever_was_turned_away_and_the_password_ends(
    company: Company, desk: Store, member: Callable[..., str]
) -> None:
    for name in ("anna", "root"):
        member(name, Role.ADMIN)
    before = company.browser()
    before.sign_in("anna")
    with desk.transaction() as connection:
        _, token = api_tokens.create(connection, "anna", "old", [Scope.READ], "test")
    refused(company, "Somebody else is called anna")
    root = company.browser()
    root.sign_in("root")
    page = root.get("/members/anna").text
    assert "s-1" in page
    assert root.post("/members/anna/bind", subject="s-7").status_code == 422
    assert root.post("/members/anna/bind", subject="s-1").status_code == 303
    assert not is_in(before)
    assert company.browser().sign_in("anna").status_code == 401
    with desk.reading() as connection:
        assert api_tokens.find(connection, token) is None
    anna = company.browser()
    assert company.sign_in(anna).status_code == 303
    assert "This is anna" not in root.get("/members/anna").text
    assert ("root", "member bound") in told(desk)
    assert root.post("/members/anna/unbind").status_code == 303
    assert not is_in(anna)
    refused(company, "Somebody else is called anna")


def test_roles_are_those_of_the_groups_at_each_sign_in(company: Company, desk: Store) -> None:
    anna = company.browser()
    company.sign_in(anna)
    company.provider.arrive(**ANNA | {"groups": ["it", "unknown", 7]})
    company.sign_in(company.browser())
    with desk.reading() as connection:
        assert members.find(connection, "anna").roles == {Role.OPERATOR}
        changed = next(item for item in audit.entries(connection) if item.action == "member changed")
    assert (changed.detail["roles before"], changed.detail["roles"]) == (["approver", "finance"], ["operator"])


@pytest.mark.parametrize("groups", [[], ["others"], None, "ltc", {"ltc-admin": {}}, 7])
def test_without_a_group_of_ours_nobody_gets_in(company: Company, desk: Store, groups: object) -> None:
    company.provider.arrive(**ANNA | {"groups": groups})
    refused(company, "has given you no role")
    with desk.reading() as connection:
        assert members.listing(connection) == []


def test_whoever_loses_all_groups_loses_sessions_and_roles(company: Company, desk: Store) -> None:
    anna = company.browser()
    company.sign_in(anna)
    with desk.transaction() as connection:
        _, token = api_tokens.create(connection, "anna", "old", [Scope.READ], "test")
    company.provider.arrive(**ANNA | {"groups": []})
    refused(company, "has given you no role")
    assert not is_in(anna)
    asked = company.browser().client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
    assert asked.status_code == 403


def test_tokens_rest_when_the_provider_has_not_vouched_for_their_member_for_a_month(
    company: Company, desk: Store
) -> None:
    company.sign_in(company.browser())
    with desk.transaction() as connection:
        _, token = api_tokens.create(connection, "anna", "nightly", [Scope.READ], "test")
    at = clock.now_us() * 1000

    def answers() -> bool:
        with desk.reading() as connection:
            return api_tokens.find(connection, token) is not None

    with clock.simulated(lambda: at + (members.UNSEEN_SECONDS - 60) * 1_000_000_000):
        assert answers()
    with clock.simulated(lambda: at + (members.UNSEEN_SECONDS + 60) * 1_000_000_000):
        assert not answers()
    assert answers()


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["it"]}}),
        ("https://acme.example/roles", {"https://acme.example/roles": "it"}),
        ("roles", {"roles": {"it": {"of": "acme"}}}),
    ],
)
def test_groups_are_taken_from_where_the_provider_puts_them(company: Company, claim: str, claims: Claims) -> None:
    company.write(role_claim=claim)
    company.provider.arrive(sub="s-1", preferred_username="anna", **claims)
    assert company.sign_in(company.browser()).status_code == 303


def test_what_the_id_token_leaves_out_is_asked_for_beside_it(company: Company) -> None:
    company.provider.arrive(sub="s-1", groups=None)
    company.provider.userinfo = {"sub": "s-1", "preferred_username": "anna", "groups": ["it"]}
    company.provider.tamper = lambda claims: {name: value for name, value in claims.items() if value is not None}
    assert company.sign_in(company.browser()).status_code == 303
    company.provider.userinfo = {**company.provider.userinfo, "sub": "s-2", "groups": ["ltc-admins"]}
    assert company.sign_in(company.browser()).status_code == 400


@pytest.mark.parametrize("name", ["", "  ", "<b>", "x" * 81, "LTC", 7, None])
def test_a_name_that_cannot_be_one_is_refused(company: Company, name: object) -> None:
    company.provider.arrive(**ANNA | {"preferred_username": name})
    somebody = company.browser()
    page = company.sign_in(somebody)
    assert (page.status_code in (400, 403), "did not give a name" in page.text) == (True, True)
    assert not is_in(somebody)


@pytest.mark.parametrize(
    ("claims", "gets_in"),
    [
        ({"email": "anna@ACME.com", "email_verified": True}, True),
        ({"email": "anna@acme.com", "email_verified": False}, False),
        ({"email": "anna@acme.com", "email_verified": "true"}, False),
        ({"email": "anna@acme.com.evil.example", "email_verified": True}, False),
        ({"email": "acme.com", "email_verified": True}, False),
        ({"email": "anna@evil.example@acme.com", "email_verified": True}, False),
        ({}, False),
    ],
)
def test_only_verified_addresses_of_named_domains_get_in(company: Company, claims: Claims, gets_in: bool) -> None:
    company.write(domains=["@Acme.com"])
    company.provider.arrive(**ANNA | claims)
    anna = company.browser()
    company.sign_in(anna)
    assert is_in(anna) is gets_in


def test_whoever_was_deactivated_stays_out_until_an_admin_lets_them_in(
    company: Company, desk: Store, member: Callable[..., str]
) -> None:
    anna, root = company.browser(), company.browser()
    company.sign_in(anna)
    root.sign_in(member("root", Role.ADMIN))
    assert root.post("/members/anna/deactivate").status_code == 303
    assert not is_in(anna)
    refused(company, "anna has no access here any more")
    assert root.post("/members/anna/readmit").status_code == 303
    assert company.sign_in(company.browser()).status_code == 303


def test_roles_that_the_provider_decides_are_changed_by_nobody_here(
    company: Company, desk: Store, member: Callable[..., str]
) -> None:
    company.sign_in(company.browser())
    root = company.browser()
    root.sign_in(member("root", Role.ADMIN))
    page = root.get("/members/anna").text
    assert "identity provider at each sign-in" in page
    assert "/members/anna/roles" not in page
    for address, sent in (("/members/anna/roles", {"role.admin": "1"}), ("/members/invite", {"name": "anna"})):
        answer = root.post(address, **sent)
        assert (answer.status_code, "which decides the roles" in answer.text) == (422, True)
    assert root.post("/members/anna/systems", scope="some", **{"system.erp": "1"}).status_code == 303
    company.sign_in(company.browser())
    with desk.reading() as connection:
        assert members.find(connection, "anna").systems == frozenset({"erp"})  # what admins say here outlives a sign-in


def test_somebody_who_takes_too_long_at_the_provider_begins_again(company: Company) -> None:
    anna = company.browser()
    back, at = company.go(anna), clock.now_us() * 1000
    with clock.simulated(lambda: at + 601 * 1_000_000_000):
        page = anna.get(back)
    assert (page.status_code, "Begin again" in page.text) == (400, True)
    assert not is_in(anna)
