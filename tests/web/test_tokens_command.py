"""``ltc tokens``: made, listed and revoked on the command line."""

from __future__ import annotations

from pathlib import Path

from state import api_tokens
from state.store import Store
from tests.console.company import data, ltc


def test_a_token_is_made_shown_once_listed_and_revoked(config: Path, desk: Store) -> None:
    assert "no token" in ltc(config, "tokens", "list").output
    ltc(config, "members", "invite", "wang.min", "--role", "finance")
    made = data(ltc(config, "tokens", "create", "Wang.Min", "--name", "export", "--scope", "decide", "--json"))
    assert (made["member"], made["scopes"], made["seen_at"]) == ("wang.min", ["decide", "read"], None)
    with desk.reading() as connection:
        found = api_tokens.find(connection, made["token"])
    assert found is not None
    listed = ltc(config, "tokens", "list").output
    assert made["token"] not in listed
    assert "wang.min" in listed
    assert data(ltc(config, "tokens", "list", "--member", "WANG.MIN", "--json"))[0]["id"] == made["id"]
    assert "export" in ltc(config, "tokens", "revoke", made["id"]).output
    assert data(ltc(config, "tokens", "list", "--json")) == []


def test_what_cannot_be_is_said_in_a_sentence(config: Path) -> None:
    assert ltc(config, "tokens", "create", "nobody", "--name", "x").exit_code == 2
    ltc(config, "members", "invite", "wang.min", "--role", "finance")
    assert "needs a name" in ltc(config, "tokens", "create", "wang.min", "--name", " ").output
    assert ltc(config, "tokens", "create", "wang.min", "--name", "x", "--days", "367").exit_code == 2
    assert "There is no token" in ltc(config, "tokens", "revoke", "0" * 12).output
