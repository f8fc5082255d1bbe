"""The life of a token: it does what its member may and its scopes let, until it ends, and is not guessed meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text as sql

from console.web.api.application import PATH
from state import api_tokens, clock, members
from state.api_tokens import Scope
from state.members import Role
from state.store import Store
from tests.web.api.conftest import Program, Token
from tests.web.conftest import Browser

_MINUTE = 60 * 10**9


def test_me_tells_who_calls_and_with_what(program: Program) -> None:
    found = program(Role.FINANCE, scopes=(Scope.DECIDE, Scope.OPERATE)).get("/me").json()
    assert (found["name"], found["roles"]) == ("p.finance", ["finance"])
    assert found["rights"] == ["read", "decide", "audit"]
    assert (found["token"]["name"], found["token"]["scopes"]) == ("test", ["decide", "operate", "read"])


def test_me_of_a_session_has_no_token(as_role: Callable[[Role], Browser]) -> None:
    found = as_role(Role.APPROVER).get(f"{PATH}/me").json()
    assert (found["token"], found["rights"]) == (None, ["read", "decide", "approve", "audit"])


def test_what_a_token_may_follows_the_roles_at_once(program: Program, desk: Store) -> None:
    api = program(Role.OPERATOR)
    assert api.get("/me").json()["rights"] == ["read", "operate", "audit"]
    with desk.transaction() as connection:
        members.set_roles(connection, "p.operator", [Role.VIEWER], "test")
    assert api.get("/me").json()["rights"] == ["read"]
    refused = api.post("/runs", kind="pull")
    assert refused.status_code == 403
    assert "do not include the right `operate`" in refused.json()["detail"]


def test_a_token_without_the_scope_is_told_which_it_needs(program: Program) -> None:
    refused = program(Role.ADMIN, scopes=()).post("/runs", kind="pull")
    assert refused.status_code == 403
    assert "does not have the scope `operate`" in refused.json()["detail"]


def test_the_tokens_of_who_is_deactivated_die(program: Program, desk: Store, member: Callable[..., str]) -> None:
    api = program(Role.FINANCE)
    assert api.get("/me").status_code == 200
    with desk.transaction() as connection:
        members.deactivate(connection, "p.finance", "test")
    assert api.get("/me").status_code == 401
    member("p.finance", Role.FINANCE)
    assert api.get("/me").status_code == 401


def test_a_token_that_has_ended_or_was_revoked_is_none(program: Program, desk: Store) -> None:
    api = program(Role.FINANCE)
    now = clock.now_us() * 1000
    with clock.simulated(lambda: now + 25 * 60 * _MINUTE):
        refused = api.get("/me")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert api.get("/me").status_code == 200
    with desk.transaction() as connection:
        [made] = api_tokens.listing(connection)
        api_tokens.revoke(connection, made.id, "test")
    assert api.get("/me").status_code == 401


def test_use_is_noted_now_and_then(program: Program, desk: Store) -> None:
    def noted() -> int | None:
        with desk.reading() as connection:
            return api_tokens.listing(connection)[0].seen_at

    api, began = program(Role.VIEWER), clock.now_us() * 1000
    assert noted() is None
    api.get("/me")
    first = noted()
    assert first is not None
    with clock.simulated(lambda: began + 4 * _MINUTE):
        api.get("/me")
        assert noted() == first
    with clock.simulated(lambda: began + 6 * _MINUTE):
        api.get("/me")
        assert (noted() or 0) > first


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_written_as_one_likes(program: Program, token: Token, scheme: str) -> None:
    text = token(Role.VIEWER)
    client = program(text="").client
    assert client.get(f"{PATH}/me", headers={"authorization": f"{scheme} {text}"}).status_code == 200


def test_another_scheme_before_us_leaves_the_session_alone(as_role: Callable[[Role], Browser]) -> None:
    client = as_role(Role.VIEWER).client
    assert client.get(f"{PATH}/me", headers={"authorization": "Basic eDp5"}).status_code == 200


def test_a_wrong_token_is_not_helped_by_a_session(as_role: Callable[[Role], Browser]) -> None:
    client = as_role(Role.VIEWER).client
    assert client.get(f"{PATH}/me", headers={"authorization": "Bearer ltc_wrong"}).status_code == 401


def test_an_address_that_sends_wrong_tokens_is_told_to_stop_and_others_are_not(program: Program, token: Token) -> None:
    text, wrong = token(Role.VIEWER), program(text="ltc_" + "0" * 46)
    assert [wrong.get("/me").status_code for _ in range(21)] == [401] * 20 + [429]
    refused = wrong.get("/me")
    assert refused.headers["retry-after"] == "300"
    assert refused.json()["remedy"]
    assert program(text=text).get("/me").status_code == 200  # a colleague behind the same proxy


def test_a_token_is_in_no_page_no_error_and_no_row(program: Program, token: Token, desk: Store) -> None:
    text = token(Role.ADMIN)
    api = program(text=text)
    said = "".join(api.get(path).text for path in ("/me", "/nothing", "/findings", "/runs"))
    with desk.reading() as connection:
        for table in ("api_token", "audit", "run"):
            said += str(connection.execute(sql(f"SELECT * FROM {table}")).all())
    assert text not in said
    assert text[4:44] not in said
