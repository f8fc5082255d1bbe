"""What landing keeps is unreadable without its key, stays where it was put, and changes its key while others work."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from console.cli import cli
from mappings.compiler import Mapped
from mappings.engine import load
from sandbox.jiandaoyun import API_KEY, JiandaoyunServer
from state import backup, restore
from state.bodies import load_body
from state.failures import StoreError
from state.rekey import rekey
from state.sealing import MARK, OVERHEAD, PLAIN, Key, Keys, KeyUnusable
from state.store import open_store
from tests.console import company
from tests.state.conftest import MAPPING, Orders, order

QUIET: Any = lambda *_: None  # noqa: E731
ONE, TWO = Key(bytes(range(32))), Key(bytes(range(100, 132)))


def encoded(key: Key) -> str:
    return base64.b64encode(bytes(range(32)) if key is ONE else bytes(range(100, 132))).decode()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database at the newest schema, once of each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    return str(request.getfixturevalue("pg_server")())


@pytest.fixture(scope="module")
def server() -> Iterator[JiandaoyunServer]:
    with company.forms(leads=12) as running:
        yield running


def config(folder: Path, server: JiandaoyunServer, url: str, **encryption: Any) -> Path:
    top: dict[str, Any] = {"store": url, "encryption": encryption} if encryption else {"store": url}
    return company.write(folder, {"forms": company.system(server)}, **top)


def ltc(path: Path, *arguments: str, **keys: Key | str | None) -> Result:
    values = {name: encoded(key) if isinstance(key, Key) else key for name, key in keys.items()}
    env = {"TEST_JDY_KEY": API_KEY, "LTC_DEBUG": None, "LTC_ENGINE": None, "LTC_CONFIG": None, **values}
    return CliRunner().invoke(cli, ["--config", str(path), *arguments], env=env)


@pytest.fixture
def sync(tmp_path: Path, server: JiandaoyunServer, url: str) -> Callable[..., Result]:
    """Syncs the leads into the database; ``key`` and ``old`` as in ltc.yaml."""

    def run(*arguments: str, key: Key | None = None, old: Key | None = None) -> Result:
        named: dict[str, Any] = {"key": "${env:KEY}"} if key else {}
        if old is not None:
            named["old"] = ["${env:OLD}"]
        path = config(tmp_path, server, url, **named)
        return ltc(path, *(arguments or ("pull",)), KEY=key, OLD=old)

    return run


def stored(url: str) -> tuple[dict[tuple[int, int], bytes], list[bytes]]:
    """All bodies by record and version, and all hashes, as the database holds them."""
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT record_id, seq, body, hash FROM landing")).all()
        heads = connection.execute(text("SELECT hash FROM record")).scalars().all()
    engine.dispose()
    return {(row[0], row[1]): bytes(row[2]) for row in rows}, [bytes(row[3]) for row in rows] + [
        bytes(h) for h in heads
    ]


def bodies(url: str, keys: Keys) -> list[bytes]:
    """What the records say."""
    with open_store(url, keys=keys) as store, store.reading() as connection:
        ids = connection.execute(text("SELECT id FROM record ORDER BY id")).scalars().all()
        return [load_body(connection, record_id) for record_id in ids]


def test_nothing_of_a_record_is_readable_in_landing_and_all_of_it_with_the_key(sync: Any, url: str) -> None:
    result = sync(key=ONE)
    assert result.exit_code == 0, result.output
    kept, hashes = stored(url)
    assert len(kept) == 12
    assert all(body.startswith(ONE.head) and b"example.com" not in body for body in kept.values())
    assert all(value.startswith(ONE.head) and len(value) == 21 for value in hashes)
    assert all(b"example.com" in body for body in bodies(url, Keys(ONE)))


def test_a_sync_that_finds_nothing_new_writes_no_version(sync: Any, url: str) -> None:
    sync(key=ONE)
    before = stored(url)
    for arguments in (("pull",), ("pull", "--full")):
        assert sync(*arguments, key=ONE).exit_code == 0
    assert stored(url) == before


def test_without_encryption_bodies_are_as_they_always_were(sync: Any, url: str) -> None:
    sync()
    kept, hashes = stored(url)
    assert all(body.startswith(b"\x28\xb5\x2f\xfd") for body in kept.values())
    assert {len(value) for value in hashes} == {16}


def test_the_same_record_is_sealed_differently_each_time_and_opens_only_where_it_belongs() -> None:
    first, second = ONE.seal(1, 1, b"body"), ONE.seal(1, 1, b"body")
    assert first != second
    assert len(first) == len(b"body") + OVERHEAD
    assert ONE.open(1, 1, first) == ONE.open(1, 1, second) == b"body"
    for place in ((2, 1), (1, 2)):
        with pytest.raises(StoreError, match="was changed outside of ltc, or was moved"):
            ONE.open(*place, first)
    for damaged in (first[:-1], first[:9] + bytes([first[9] ^ 1]) + first[10:], first[:5], MARK):
        with pytest.raises(StoreError):
            ONE.open(1, 1, damaged)


def test_rows_that_were_swapped_are_noticed(sync: Any, url: str) -> None:
    sync(key=ONE)
    with open_store(url, keys=Keys(ONE)) as store:
        with store.transaction() as connection:
            body = connection.execute(text("SELECT body FROM landing WHERE record_id = 1")).scalar_one()
            connection.execute(text("UPDATE landing SET body = :body WHERE record_id = 2"), {"body": body})
        with store.reading() as connection, pytest.raises(StoreError, match="Version 1 of record 2"):
            load_body(connection, 2)


@pytest.mark.parametrize("given", ["", "short", "x" * 44, "AAAA" * 11, base64.b64encode(b"\0" * 32).decode(), "é" * 44])
def test_what_is_no_key_is_told_without_being_shown(given: str, tmp_path: Path, server: JiandaoyunServer) -> None:
    path = config(tmp_path, server, "sqlite:///ltc.db", key="${env:KEY}")
    result = ltc(path, "sync", KEY=given)
    assert result.exit_code == 2
    assert "32 random bytes in base64" in result.output
    assert not given or given not in result.output
    assert not (tmp_path / "ltc.db").exists()


def test_a_key_in_ltc_yaml_itself_is_refused_and_not_shown(tmp_path: Path, server: JiandaoyunServer) -> None:
    path = config(tmp_path, server, "sqlite:///ltc.db", key=encoded(ONE))
    result = ltc(path, "sync")
    assert result.exit_code == 2
    assert "does not stand in ltc.yaml" in result.output
    assert encoded(ONE) not in result.output


def test_a_missing_or_wrong_key_changes_nothing_and_says_what_to_do(sync: Any, url: str) -> None:
    sync(key=ONE)
    before = stored(url)
    for wrong in ({}, {"key": TWO}):
        for command in (("sync",), ("status",), ("rekey",)):
            result = sync(*command, **wrong)
            assert result.exit_code == 2, result.output
            assert f"key id {ONE.id}" in result.output
            assert "encryption" in result.output
    assert stored(url) == before
    result = sync(key=ONE)
    assert result.exit_code == 0, result.output


STEPS: dict[str, list[tuple[Key | None, Key | None]]] = {
    "turned on": [(None, None), (ONE, None)],
    "replaced": [(ONE, None), (TWO, ONE)],
    "turned off": [(ONE, None), (None, ONE)],
    "there and back": [(None, None), (ONE, None), (TWO, ONE), (None, TWO), (ONE, None)],
}


@pytest.mark.parametrize("way", STEPS)
def test_a_key_is_changed_and_every_record_stays_what_it_was(way: str, sync: Any, url: str) -> None:
    first, *steps = STEPS[way]
    sync(key=first[0])
    said = bodies(url, Keys(first[0]))
    for key, old in steps:
        assert sync(key=key, old=old).exit_code == 0, "a sync goes on before the store is rekeyed"
        result = sync("rekey", key=key, old=old)
        assert result.exit_code == 0, result.output
        kept, hashes = stored(url)
        head = key.head if key else b"\x28\xb5"
        assert all(body.startswith(head) for body in kept.values())
        assert all(value.startswith(key.head) if key else len(value) == 16 for value in hashes)
        assert bodies(url, Keys(key)) == said, "the old key is not needed any more"
        again = sync("rekey", key=key)
        assert "already" in again.output
        assert sync("pull", "--full", key=key).exit_code == 0
        assert len(stored(url)[0]) == 12, "nothing looks changed because its key has"
    assert sync("audit", "verify", key=steps[-1][0]).exit_code == 0


def test_encryption_is_taken_away_also_where_a_plain_hash_begins_like_a_sealed_one(url: str, tmp_path: Path) -> None:
    """One in 256 does: every store of some hundred records has one."""
    path = tmp_path / "shop.yaml"
    path.write_text(MAPPING)
    records = (order("1", note=number) for number in count())
    unlucky = next(item for item in records if blake2b(item.body, digest_size=16).digest().startswith(MARK))
    with open_store(url, keys=Keys(ONE)) as store:
        Orders(store, load(path).stream("order")).land(unlucky)

    with open_store(url, keys=Keys(None, [ONE])) as store:
        assert rekey(store, "test", QUIET).retired == [ONE.id]

    assert bodies(url, PLAIN) == [unlucky.body]
    with open_store(url, keys=Keys(TWO)) as store:
        assert rekey(store, "test", QUIET).versions == 1
    assert all(value.startswith(TWO.head) for value in stored(url)[1])


def test_a_rekey_that_was_stopped_goes_on_where_it_was(sync: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sync(key=ONE)
    said = bodies(url, Keys(ONE))
    monkeypatch.setattr("state.rekey._BATCH", 5)

    class Stopped(Exception):
        pass

    def stop(count: int) -> None:
        raise Stopped

    with open_store(url, keys=Keys(TWO, [ONE])) as store:
        with pytest.raises(Stopped):
            rekey(store, "test", stop)
        heads = [body[:5] for body in stored(url)[0].values()]
        assert (heads.count(TWO.head), heads.count(ONE.head)) == (5, 7)
        done = rekey(store, "test", lambda _: None)
    assert (done.versions, done.retired) == (7, [ONE.id])
    assert bodies(url, Keys(TWO)) == said


def test_a_worker_with_the_old_key_cannot_bring_it_back(sync: Any, url: str, server: JiandaoyunServer) -> None:
    from state import landing
    from tests.state.conftest import order

    sync(key=ONE)
    with open_store(url, keys=Keys(ONE)) as stale:
        with open_store(url, keys=Keys(TWO, [ONE])) as store:
            rekey(store, "test", lambda _: None)
        with stale.transaction() as connection:
            stream = landing.open_stream(connection, "forms", "lead", "lead")
            with pytest.raises(KeyUnusable, match="was replaced while"):
                landing.apply(connection, stream, cast("Any", NotAsked()), [order("new")], run_id="r")
    assert sync(key=TWO).exit_code == 0


class NotAsked:
    """A mapper that is not asked."""

    fingerprint = "never"

    def map(self, _system: str, _source_id: str, _body: bytes, /) -> Mapped:
        raise AssertionError


def test_what_others_write_under_the_old_key_meanwhile_is_found(sync: Any, url: str) -> None:
    sync(key=ONE)
    late: list[int] = []
    insert = text(
        "INSERT INTO landing (record_id, seq, hash, body, origin, run_id, first_seen_at) "
        "VALUES (1, 0, :hash, :body, 0, 'r', 1)"
    )

    with open_store(url, keys=Keys(ONE)) as other, open_store(url, keys=Keys(TWO, [ONE])) as store:

        def meanwhile(_count: int) -> None:
            if not late:
                late.append(1)
                with other.transaction() as connection:
                    row = {"body": ONE.seal(1, 0, b"late"), "hash": ONE.seal_hash(b"h" * 16)}
                    connection.execute(insert, row)

        done = rekey(store, "test", meanwhile)
    assert done.versions == 13
    assert all(body.startswith(TWO.head) for body in stored(url)[0].values())


def test_a_backup_stays_encrypted_and_is_restored_only_with_its_key(sync: Any, url: str, tmp_path: Path) -> None:
    import zstandard

    sync(key=ONE)
    path = tmp_path / "backup.zst"
    with open_store(url, keys=Keys(ONE)) as store:
        backup.write(store, path, lambda *_: None)
    inside = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    assert b"example.com" in inside, "canonical rows are not encrypted"
    assert inside.count(ONE.head) == 36
    other = f"sqlite:///{tmp_path / 'other.db'}"
    for keys in (PLAIN, Keys(TWO)):
        with open_store(other, keys=keys) as store, pytest.raises(KeyUnusable, match=ONE.id):
            restore.restore(store, path, actor="test", replace=False, checked=QUIET, told=QUIET)
        (tmp_path / "other.db").unlink()
    with open_store(other, keys=Keys(TWO, [ONE])) as store:
        restore.restore(store, path, actor="test", replace=False, checked=QUIET, told=QUIET)
        rekey(store, "test", lambda _: None)
    assert bodies(other, Keys(TWO)) == bodies(url, Keys(ONE))


def test_after_compacting_nothing_plain_is_left_in_the_files_of_landing(
    tmp_path: Path, sqlite_template: Path, server: JiandaoyunServer
) -> None:
    path = tmp_path / "ltc.db"
    shutil.copy(sqlite_template, path)
    ltc(config(tmp_path, server, f"sqlite:///{path}"), "sync")
    plain = [body[20:60] for body in stored(f"sqlite:///{path}")[0].values()]
    result = ltc(config(tmp_path, server, f"sqlite:///{path}", key="${env:KEY}"), "rekey", "--compact", KEY=ONE)
    assert result.exit_code == 0, result.output
    files = b"".join(file.read_bytes() for file in tmp_path.glob("ltc.db*"))
    assert not [part for part in plain if part in files]
