"""Members on both databases: invited, signed in, gone."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from state import members
from state.members import MemberError, Role
from state.store import Store


def test_a_member_is_invited_signs_in_and_leaves(store: Store) -> None:
    with store.transaction() as connection:
        token = members.invite(connection, "Wang.Min", [Role.FINANCE, Role.APPROVER], "test")
        assert members.password_of(connection, "wang.min") == (None, None)
        found = members.accept(connection, token, "a hash")
        assert found is not None
        assert members.accept(connection, token, "another") is None
        member, kept = members.password_of(connection, "WANG.MIN")
        assert member is not None
        assert member.roles == {Role.FINANCE, Role.APPROVER}
        assert kept == "a hash"
        session = members.sign_in(connection, "wang.min")
    with store.reading() as connection:
        opened, to_note = members.session(connection, session)
        assert opened is not None
        assert (opened.member.name, to_note) == ("wang.min", False)
        assert members.session(connection, "x") == (None, False)
    with store.transaction() as connection:
        members.deactivate(connection, "wang.min", "test")
        assert members.session(connection, session) == (None, False)
        assert connection.execute(text("SELECT count(*) FROM web_session")).scalar() == 0


@pytest.mark.parametrize("name", ["", " ", "a b", "<b>", "x" * 81, "-dash", "a\nb"])
def test_what_is_no_name_is_refused(store: Store, name: str) -> None:
    with store.transaction() as connection, pytest.raises(MemberError, match="cannot be a member's name"):
        members.invite(connection, name, [Role.VIEWER], "test")
