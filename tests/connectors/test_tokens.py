"""Shared tokens: fetched once, kept while good, renewed once however many are refused."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import TransientError
from connectors.tokens import Grant, LocalVault, SharedToken, TokenRefused, renewed_with, token_key

KEY = token_key("acme", "client", secret="s")


class Vendor:
    """Hands out numbered tokens; ``seconds`` is how long they live."""

    def __init__(self, seconds: float = 3600) -> None:
        self._numbers = itertools.count(1)
        self._seconds = seconds
        self.asked = 0

    def grant(self, _last: Grant | None) -> Grant:
        """The next token."""
        self.asked += 1
        return Grant.made(f"access-{next(self._numbers)}", self._seconds)


def shared(vendor: Vendor, vault: LocalVault | None = None) -> SharedToken:
    """A token of the vendor's."""
    kept = vault or LocalVault()
    return SharedToken(lambda: kept, lambda: KEY, vendor.grant)


def test_a_token_is_fetched_once_and_used_until_it_ends() -> None:
    vendor = Vendor()
    token = shared(vendor)

    assert [token.fresh().access_token for _ in range(3)] == ["access-1"] * 3
    assert vendor.asked == 1


def test_a_token_counts_as_ended_a_little_early_and_a_short_one_at_half_its_life() -> None:
    now = datetime.now(UTC)
    long, short, untold = Grant.made("a", 3600), Grant.made("b", 20), Grant.made("c", None)

    assert long.is_good(now + timedelta(seconds=3530))
    assert not long.is_good(now + timedelta(seconds=3545))
    assert not short.is_good(now + timedelta(seconds=11))
    assert not untold.is_good(now + timedelta(seconds=300))


def test_an_ended_token_is_replaced_before_it_is_used() -> None:
    vendor = Vendor(0)
    token = shared(vendor)

    assert [token.fresh().access_token for _ in range(2)] == ["access-1", "access-2"]


def test_threads_that_are_all_refused_one_token_renew_it_once() -> None:
    vendor = Vendor()
    token = shared(vendor)
    together, got = threading.Barrier(20), []

    def call() -> None:
        token.fresh()
        together.wait()
        got.append(token.refused().access_token)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == ["access-2"] * 20
    assert vendor.asked == 2


def test_connections_that_share_a_vault_share_the_token() -> None:
    vendor, vault = Vendor(), LocalVault()

    assert shared(vendor, vault).fresh() == shared(vendor, vault).fresh()
    assert vendor.asked == 1


def test_a_failure_is_not_kept() -> None:
    vendor = Vendor()
    failures = [TransientError("Down.")]

    def grant(last: Grant | None) -> Grant:
        if failures:
            raise failures.pop()
        return vendor.grant(last)

    vault = LocalVault()
    token = SharedToken(lambda: vault, lambda: KEY, grant)
    with pytest.raises(TransientError):
        token.fresh()
    assert token.fresh().access_token == "access-1"


def test_the_first_refresh_token_is_used_until_there_is_another_and_the_one_before_if_that_is_refused() -> None:
    used: list[str] = []

    def exchange(token: str) -> Grant:
        used.append(token)
        if token == "lost":
            raise TokenRefused("No.")
        return Grant("access", refresh_token=f"after {token}")

    first = renewed_with(None, "first", exchange)
    assert (first.refresh_token, first.previous_refresh_token) == ("after first", "first")
    second = renewed_with(first, "first", exchange)
    assert (second.refresh_token, second.previous_refresh_token) == ("after after first", "after first")
    third = renewed_with(replace(second, refresh_token="lost"), "first", exchange)
    assert third.refresh_token == "after after first"
    assert used == ["first", "after first", "lost", "after first"]


def test_a_vendor_that_does_not_rotate_keeps_its_refresh_token() -> None:
    last = Grant("old", refresh_token="same", previous_refresh_token="older")
    granted = renewed_with(last, "first", lambda _: Grant("new"))

    assert (granted.refresh_token, granted.previous_refresh_token) == ("same", "older")


def test_another_secret_or_address_makes_another_key_and_none_shows_the_secret() -> None:
    keys = [token_key("acme", where, secret=secret) for where in ("a", "b") for secret in ("canary-1", "canary-2")]

    assert len({key.name for key in keys}) == len(keys)
    assert all("canary" not in f"{key} {key.name}" and b"canary" not in key.lock for key in keys)
