"""Tokens in the store: one refresh for all, nothing lost when a refresher hangs or dies, nothing readable."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.tokens import Grant, TokenRefused, token_key
from state import backup, restore
from state.rekey import rekey
from state.sealing import MARK, Key, Keys, KeyUnusable
from state.store import Store, open_store
from state.tokens import StoreVault
from tests.state.token_endpoint import FIRST, Endpoint, key, race, renew

ONE, TWO = (Key.parse(base64.b64encode(bytes(range(start, start + 32))).decode()) for start in (0, 100))


@contextmanager
def running(endpoint: Endpoint) -> Iterator[str]:
    """The endpoint's address while it runs."""
    with endpoint.server as server:
        yield server.base_url


@pytest.fixture
def url_of(store: Store) -> str:
    """The address of the store, for other processes."""
    return store.engine.url.render_as_string(hide_password=False)


@contextmanager
def process(what: str, url: str, store: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that works on the store."""
    command = [sys.executable, "-m", "tests.state.token_endpoint", what, url, store, *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def line(started: subprocess.Popen[str]) -> str:
    """The next line that a process prints."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


def go(started: subprocess.Popen[str]) -> None:
    """Let a process go on."""
    assert started.stdin is not None
    started.stdin.write("\n")
    started.stdin.flush()


def ended(grant: Grant) -> Grant:
    """The grant when its time is over."""
    return replace(grant, expires_at=datetime.now(UTC) - timedelta(seconds=1))


def test_fifty_threads_and_two_processes_refresh_once(store: Store, url_of: str) -> None:
    endpoint = Endpoint(latency=0.3)
    with running(endpoint) as url, process("race", url, url_of, "25") as one, process("race", url, url_of, "25") as two:
        assert line(one) == line(two) == "ready"
        go(one)
        go(two)
        ours = race(StoreVault(store), url, 50)
        theirs = [json.loads(line(one)), json.loads(line(two))]

    assert endpoint.grants == [FIRST]
    assert endpoint.refused == []
    assert [sorted(ours), *theirs] == [["canary-access-1"]] * 3


def test_a_token_that_ended_is_refreshed_with_the_newest_refresh_token(store: Store) -> None:
    endpoint = Endpoint()
    with running(endpoint) as url:
        vault = StoreVault(store)
        first = vault.refresh(key(), None, lambda last: ended(renew(url, last)))
        second = StoreVault(store).refresh(key(), first, lambda last: renew(url, last))

    assert endpoint.grants == [FIRST, "canary-refresh-1"]
    assert second.fence > first.fence
    assert vault.current(key()) == second


def test_whoever_was_refused_a_token_that_another_has_replaced_gets_the_new_one_without_asking(store: Store) -> None:
    endpoint = Endpoint()
    with running(endpoint) as url:
        stale = StoreVault(store).refresh(key(), None, lambda last: renew(url, last))
        fresh = StoreVault(store).refresh(key(), stale, lambda last: renew(url, last))
        late = StoreVault(store).refresh(key(), stale, lambda last: renew(url, last))

    assert late == fresh
    assert len(endpoint.grants) == 2


def test_a_refresher_that_hangs_is_succeeded_and_its_late_answer_overwrites_nothing(store: Store) -> None:
    asked, answer = threading.Event(), threading.Event()
    late: list[Grant] = []

    def hang(_last: Grant | None) -> Grant:
        asked.set()
        answer.wait()
        return Grant("late", refresh_token="late")

    slow = StoreVault(store, lease_seconds=0.3)
    hanging = threading.Thread(target=lambda: late.append(slow.refresh(key(), None, hang)))
    hanging.start()
    asked.wait()
    taken = StoreVault(store).refresh(key(), None, lambda _: Grant("successor", refresh_token="next"))
    answer.set()
    hanging.join()

    assert taken.access_token == "successor"
    assert StoreVault(store).current(key()) == taken
    assert late == [taken], "the one that hung uses what its successor got"


def test_when_a_refresher_is_killed_another_takes_over_at_once(store: Store, url_of: str) -> None:
    endpoint = Endpoint()
    with running(endpoint) as url:
        with process("hang", url, url_of) as doomed:
            assert line(doomed) == "asking"
            doomed.kill()
            doomed.wait()
        got = StoreVault(store).refresh(key(), None, lambda last: renew(url, last))

    assert got.access_token == "canary-access-1"
    assert endpoint.grants == [FIRST]


@pytest.mark.parametrize("grace", [60.0, 0.0])
def test_what_died_between_the_vendors_answer_and_the_store_is_asked_for_again_with_the_old_token(
    store: Store, url_of: str, grace: float
) -> None:
    endpoint = Endpoint(grace=grace)
    with running(endpoint) as url:
        with process("stop", url, url_of) as doomed:
            assert line(doomed) == "answered"
            doomed.kill()
            doomed.wait()
        vault = StoreVault(store)
        if grace:
            assert vault.refresh(key(), None, lambda last: renew(url, last)).access_token == "canary-access-2"
            assert endpoint.grants == [FIRST, FIRST]
        else:
            with pytest.raises(TokenRefused):
                vault.refresh(key(), None, lambda last: renew(url, last))


def test_a_rotated_refresh_token_is_in_the_store_before_the_access_token_is_used(store: Store, url_of: str) -> None:
    endpoint = Endpoint()
    with running(endpoint) as url:
        used = StoreVault(store).refresh(key(), None, lambda last: renew(url, last))
        with open_store(url_of) as other:
            kept = StoreVault(other).current(key())

    assert kept == used
    assert kept is not None
    assert (kept.refresh_token, kept.previous_refresh_token) == ("canary-refresh-1", FIRST)


def test_a_refusal_is_asked_for_once_however_many_threads_wait(store: Store) -> None:
    endpoint = Endpoint(latency=0.2)
    vault, refusals, together = StoreVault(store), [], threading.Barrier(20)
    with running(endpoint) as url:

        def ask() -> None:
            together.wait()
            try:
                vault.refresh(key(), None, lambda _: renew(url, Grant("x", refresh_token="unknown")))
            except TokenRefused as error:
                refusals.append(error)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(refusals) == 20
    assert endpoint.refused == ["unknown"]


def _stored(store: Store) -> bytes:
    with store.reading() as connection:
        return bytes(connection.execute(text("SELECT sealed FROM token")).scalar_one())


@pytest.mark.parametrize("keys", [Keys(), Keys(ONE)], ids=["plain", "encrypted"])
def test_no_token_is_readable_in_the_database_nor_opens_without_the_secret_it_was_got_for(
    sqlite_url: str, keys: Keys
) -> None:
    with open_store(sqlite_url, keys=keys) as store:
        StoreVault(store).refresh(key(), None, lambda _: Grant("canary-access", refresh_token="canary-refresh"))
        assert StoreVault(store).current(token_key("stand-in", "client", secret="another")) is None
        same_name = replace(key(), lock=os.urandom(32))
        assert StoreVault(store).current(same_name) is None
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    for file in path.parent.glob(f"{path.name}*"):
        assert b"canary" not in file.read_bytes()


def test_a_worker_whose_key_was_replaced_does_not_take_a_token_for_none(store: Store, url_of: str) -> None:
    with open_store(url_of, keys=Keys(ONE)) as stale:
        StoreVault(stale).refresh(key(), None, lambda _: Grant("a", refresh_token="only one"))
        with open_store(url_of, keys=Keys(TWO, [ONE])) as opened:
            rekey(opened, "me", lambda _: None)

        with pytest.raises(KeyUnusable, match=TWO.id):
            StoreVault(stale).current(key())


def test_a_new_key_of_the_store_reseals_the_tokens(store: Store, url_of: str) -> None:
    with open_store(url_of, keys=Keys(ONE)) as sealed:
        granted = StoreVault(sealed).refresh(key(), None, lambda _: Grant("a", refresh_token="r"))
        assert _stored(sealed).startswith(ONE.head)
    for keys, head in ((Keys(TWO, [ONE]), TWO.head), (Keys(None, [TWO]), b"\0")):
        with open_store(url_of, keys=keys) as opened:
            done = rekey(opened, "me", lambda _: None)
            assert done.retired
            assert _stored(opened).startswith(head)
            assert StoreVault(opened).current(key()) == granted


def test_a_restore_brings_back_no_older_token_and_a_backup_holds_none(store: Store, tmp_path: Path) -> None:
    vault, quiet = StoreVault(store), lambda *_: None
    old = vault.refresh(key(), None, lambda _: Grant("old", refresh_token="canary-old"))
    saved = backup.write(store, tmp_path / "there.zst", quiet)
    new = vault.refresh(key(), old, lambda _: Grant("new", refresh_token="new"))

    restore.restore(store, saved.path, "me", replace=True, checked=quiet, told=quiet)

    assert vault.current(key()) == new
    assert "token" not in saved.manifest.tables


@pytest.mark.parametrize("begins", [b"\0", MARK, b"\x28"], ids=["as a plain one", "as a sealed one", "as neither"])
def test_a_row_that_was_changed_outside_counts_as_none(store: Store, begins: bytes) -> None:
    vault = StoreVault(store)
    vault.refresh(key(), None, lambda _: Grant("a", refresh_token="r"))
    with store.transaction() as connection:
        connection.execute(text("UPDATE token SET sealed = :junk"), {"junk": begins + os.urandom(80)})

    assert vault.current(key()) is None


def test_neither_grants_nor_keys_show_what_they_hold() -> None:
    shown: Callable[[object], str] = repr
    grant = Grant("canary", None, "canary", "canary", "read", {"instance": "canary"})
    assert "canary" not in shown(grant) + shown(token_key("x", "client", secret="canary"))
