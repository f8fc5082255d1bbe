"""Tokens of programs on both databases: made, used, ended; and where members are signed in."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from state import api_tokens, audit, clock, members, signed_in
from state.api_tokens import PATTERN, Scope
from state.members import MemberError, Role
from state.store import Store

_DAY = 86_400 * 10**9


@pytest.fixture(autouse=True)
def anna(store: Store) -> None:
    with store.transaction() as connection:
        members.accept(connection, members.invite(connection, "anna", [Role.FINANCE], "test"), "a hash")


def test_a_token_is_found_until_it_is_revoked(store: Store) -> None:
    with store.transaction() as connection:
        made, said = api_tokens.create(connection, "Anna", "  nightly \n export", [Scope.DECIDE], "test")
    assert PATTERN.fullmatch(said)
    assert (made.name, sorted(made.scopes)) == ("nightly export", ["decide", "read"])
    with store.reading() as connection:
        found = api_tokens.find(connection, said)
        assert found is not None
        assert (found[0], found[1].name, found[2]) == (made, "anna", True)
        assert api_tokens.listing(connection, "anna") == [made]
        assert api_tokens.listing(connection, "bert") == []
    with store.transaction() as connection:
        api_tokens.seen(connection, made.id)
        with pytest.raises(MemberError, match="There is no token"):
            api_tokens.revoke(connection, made.id, "bert", "bert")
    with store.reading() as connection:
        again = api_tokens.find(connection, said)
        assert again is not None
        assert not again[2]
    with store.transaction() as connection:
        assert api_tokens.revoke(connection, made.id, "anna", "anna").name == made.name
    with store.reading() as connection:
        assert api_tokens.find(connection, said) is None
        actions = [entry.action for entry in audit.entries(connection)]
    assert actions[:2] == ["api token revoked", "api token created"]


def test_of_a_token_only_a_digest_is_kept(store: Store) -> None:
    with store.transaction() as connection:
        _, said = api_tokens.create(connection, "anna", "x", [], "test")
        queries = [text(f"SELECT * FROM {name}") for name in ("api_token", "audit")]
        kept = [str(row) for query in queries for row in connection.execute(query)]
    assert len(kept) > 1
    assert said not in "".join(kept)
    assert said[4:44] not in "".join(kept)


def test_a_token_ends_by_itself_and_is_no_longer_listed_some_weeks_later(store: Store) -> None:
    with store.transaction() as connection:
        made, said = api_tokens.create(connection, "anna", "x", [], "test", days=2)
        began = made.created_at * 1000
        with clock.simulated(lambda: began + 2 * _DAY - 10**6):
            assert api_tokens.find(connection, said) is not None
        with clock.simulated(lambda: began + 2 * _DAY):
            assert api_tokens.find(connection, said) is None
            assert [token.has_ended for token in api_tokens.listing(connection)] == [True]
        with clock.simulated(lambda: began + 33 * _DAY):
            assert api_tokens.listing(connection) == []


def test_the_tokens_of_who_has_left_end_and_stay_ended(store: Store) -> None:
    with store.transaction() as connection:
        members.accept(connection, members.invite(connection, "bert", [Role.ADMIN], "test"), "a hash")
        _, said = api_tokens.create(connection, "anna", "x", [], "test")
        members.deactivate(connection, "anna", "test")
        assert api_tokens.find(connection, said) is None
        with pytest.raises(MemberError, match="has no access"):
            api_tokens.create(connection, "anna", "y", [], "test")
        members.invite(connection, "anna", [Role.FINANCE], "test")
        assert api_tokens.find(connection, said) is None


@pytest.mark.parametrize(
    "wrong", ["", "ltc_", "ltc_" + "0" * 46, "x" * 50, "ltc_" + "é" * 46, "ltc_" + "0" * 40 + "000000\n"]
)
def test_what_is_no_token_is_none(store: Store, wrong: str) -> None:
    with store.reading() as connection:
        assert not api_tokens.is_well_formed(wrong)
        assert api_tokens.find(connection, wrong) is None


def test_a_mistyped_token_is_told_from_a_real_one_without_asking(store: Store) -> None:
    with store.transaction() as connection:
        _, said = api_tokens.create(connection, "anna", "x", [], "test")
    assert api_tokens.is_well_formed(said)
    assert not api_tokens.is_well_formed(said[:10] + ("a" if said[10] != "a" else "b") + said[11:])


@pytest.mark.parametrize(("name", "days"), [("", 1), (" ", 1), ("x" * 81, 1), ("a\x00b", 1), ("x", 0), ("x", 367)])
def test_a_token_needs_a_name_and_an_end(store: Store, name: str, days: int) -> None:
    with store.transaction() as connection, pytest.raises(MemberError):
        api_tokens.create(connection, "anna", name, [], "test", days)


def test_a_member_has_a_bounded_number_of_tokens(store: Store) -> None:
    with store.transaction() as connection:
        for number in range(api_tokens.MOST):
            api_tokens.create(connection, "anna", f"token {number}", [], "test")
        with pytest.raises(MemberError, match="already"):
            api_tokens.create(connection, "anna", "one more", [], "test")


def test_a_member_ends_their_own_sessions_and_nobody_elses(store: Store) -> None:
    with store.transaction() as connection:
        members.accept(connection, members.invite(connection, "bert", [Role.ADMIN], "test"), "a hash")
        first, second, third = (members.sign_in(connection, "anna") for _ in range(3))
        other = signed_in.id_of(members.sign_in(connection, "bert"))
        assert len(signed_in.listing(connection, "anna")) == 3
        for wrong in (other, "", "%", "_" * 16, signed_in.id_of(first)[:8]):
            assert not signed_in.end(connection, "anna", wrong)
        assert signed_in.end(connection, "anna", signed_in.id_of(second))
        assert members.session(connection, second) == (None, False)
        assert signed_in.end_others(connection, "anna", signed_in.id_of(first)) == 1
        assert members.session(connection, third) == (None, False)
        assert [item.id for item in signed_in.listing(connection, "anna")] == [signed_in.id_of(first)]
        assert [item.id for item in signed_in.listing(connection, "bert")] == [other]


def test_another_password_ends_all_sessions(store: Store) -> None:
    with store.transaction() as connection:
        token = members.sign_in(connection, "anna")
        signed_in.change_password(connection, "anna", "another hash")
        assert members.session(connection, token) == (None, False)
        assert members.password_of(connection, "anna")[1] == "another hash"
