"""A backup holds one consistent state, goes from one database to the other and back, and is refused if damaged."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from sqlalchemy import text

from mappings.engine import StreamMapping
from state import audit, backup, bulk, restore, runs, schema
from state.backup import BackupError
from state.store import Store, open_store
from tests.state.conftest import Orders, order

TOLD: list[tuple[str, int]] = []


@pytest.fixture(autouse=True)
def _told() -> None:
    TOLD.clear()


def tell(table: str, rows: int) -> None:
    TOLD.append((table, rows))


def save(store: Store, path: Path) -> backup.Backup:
    return backup.write(store, path, tell)


def put_back(store: Store, path: Path, replace: bool = False) -> restore.Restored:
    return restore.restore(store, path, "Li Na", replace=replace, checked=tell, told=tell)


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as it is, but for leases, counters and what a restore adds to the audit."""
    found = {}
    with store.reading() as connection:
        for table in schema.metadata.sorted_tables:
            if table not in (schema.lease, schema.counter):
                here = [tuple(row) for row in connection.execute(table.select())]
                found[table.name] = sorted(here, key=repr)
    found["audit"] = [row for row in found["audit"] if row[3] != "store restored from a backup"]
    return found


def value(store: Store, sql: str) -> Any:
    with store.reading() as connection:
        return connection.execute(text(sql)).scalar()


@pytest.fixture
def fill(mapper: StreamMapping) -> Callable[[Store], Orders]:
    """Fills a store with records, versions, refusals, decisions and whatever is awkward to keep."""

    def filled(store: Store) -> Orders:
        orders = Orders(store, mapper)
        orders.land(*(order(str(n), version=1, number="制表\t\\N'\"😀\n") for n in range(30)))
        orders.land(order("1", version=2, net="-1.05"), order("订单\\", state="weird"), deleted_ids=["2"])
        with store.transaction() as connection:
            for number in range(1500):
                audit.append(connection, "王敏", "noted", {"n": number, "text": "" if number % 2 else "é\u0301"})
            names = ("id", "system", "name", "entity")
            bulk.insert(connection, schema.stream, names, [(2**31 - 2, "", "", "")])
            values = [("a", 0, "Li", None, 0, -(2**63)), ("b", 1, "", 2**63 - 1, 2**31 - 1, 2**63 - 1)]
            for key, n, name, digits, place, record in values:
                columns = ("finding_id", "n", "record_id", "system", "entity", "source_id", "number")
                kept = (key, n or place, record, name, "x", "", None if digits is None else str(digits))
                bulk.insert(connection, schema.finding_record, columns, [kept])
            every_byte = bytes(range(256))
            held = [(2**40, 1, b"", every_byte, None, 0, "r", 0, None), (2**40, 2, every_byte, b"", -1, 2, "r", 1, 2)]
            bulk.insert(connection, schema.landing, [column.name for column in schema.landing.columns], held)
        return orders

    return filled


@pytest.fixture
def stores(sqlite_template: Path, tmp_path: Path, pg_server: Callable[[], str]) -> Iterator[Callable[[str], Store]]:
    """Makes empty stores of either kind, as many as wanted."""
    made: list[Store] = []

    def empty(kind: str) -> Store:
        path = tmp_path / f"{len(made)}.db"
        if kind == "sqlite":
            path.write_bytes(sqlite_template.read_bytes())
        made.append(open_store(f"sqlite:///{path}" if kind == "sqlite" else pg_server()))
        return made[-1]

    yield empty
    for store in made:
        store.close()


@pytest.mark.parametrize("first", ["sqlite", "postgresql"])
def test_a_store_goes_to_the_other_database_and_back_unchanged(
    first: str, stores: Callable[[str], Store], fill: Callable[[Store], Orders], tmp_path: Path
) -> None:
    start = stores(first)
    fill(start)
    before = rows(start)
    there = stores("postgresql" if first == "sqlite" else "sqlite")
    made = save(start, tmp_path / "there.zst")
    assert put_back(there, tmp_path / "there.zst").replaced is False
    assert rows(there) == before
    back = stores(first)
    save(there, tmp_path / "back.zst")
    done = put_back(back, tmp_path / "back.zst")
    assert rows(back) == before
    assert done.audit.intact
    assert done.audit.rows == 1502
    assert made.manifest.tables["audit"].rows == 1500
    assert ("audit", 1500) in TOLD
    of_the_store = {"lease", "token", "budget", "call_count"}
    assert made.manifest.tables.keys() == {table.name for table in schema.metadata.sorted_tables} - of_the_store


def test_work_goes_on_with_new_numbers_in_a_restored_store(
    store: Store, stores: Callable[[str], Store], mapper: StreamMapping, tmp_path: Path
) -> None:
    source = stores("sqlite")
    Orders(source, mapper).land(*(order(str(n)) for n in range(5)))
    with source.transaction() as connection:
        audit.append(connection, "Li Na", "noted", {})
    save(source, tmp_path / "b.zst")
    put_back(store, tmp_path / "b.zst")
    orders = Orders(store, mapper)
    orders.land(*(order(str(n)) for n in range(4, 9)))
    assert value(store, "SELECT count(DISTINCT id) FROM record") == 9
    with store.transaction() as connection:
        connection.execute(schema.stream.insert().values(system="a", name="b", entity="c"))
        assert audit.append(connection, "Li Na", "noted", {}) == 3
        assert audit.verify(connection).intact
    assert value(store, "SELECT max(id) FROM stream") == 2


def test_a_backup_taken_while_others_write_holds_one_moment(
    store: Store, stores: Callable[[str], Store], fill: Callable[[Store], Orders], tmp_path: Path
) -> None:
    orders = fill(store)
    before = rows(store)
    seen: set[str] = set()

    def write_meanwhile(table: str, _count: int) -> None:
        if table not in seen:
            seen.add(table)
            orders.land(
                order(f"new {table}"), order("1", version=10 + len(seen)), deleted_ids=[str(3 + len(seen) % 20)]
            )

    backup.write(store, tmp_path / "b.zst", write_meanwhile)
    assert rows(store) != before
    copy = stores("sqlite")
    put_back(copy, tmp_path / "b.zst")
    assert rows(copy) == before


def test_what_is_not_committed_is_not_in_it(store: Store, stores: Callable[[str], Store], tmp_path: Path) -> None:
    with store.transaction() as connection:
        audit.append(connection, "Li Na", "committed", {})
    with store.transaction() as connection:
        audit.append(connection, "Li Na", "under way", {})
        made = save(store, tmp_path / "b.zst")
    assert made.manifest.tables["audit"].rows == 1


@pytest.fixture
def made(stores: Callable[[str], Store], fill: Callable[[Store], Orders], tmp_path: Path) -> Path:
    """A backup file of another store."""
    source = stores("sqlite")
    fill(source)
    return save(source, tmp_path / "made.zst").path


def test_any_tool_that_knows_zstandard_unpacks_it_and_only_its_owner_may_read_it(made: Path) -> None:
    inside = zstandard.ZstdDecompressor().stream_reader(made.read_bytes()).read()
    assert b"ltc backup" in inside[:64]
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert list(made.parent.glob("*.part")) == []


def test_a_file_cut_short_anywhere_is_refused_and_the_store_is_untouched(
    made: Path, store: Store, fill: Callable[[Store], Orders]
) -> None:
    fill(store)
    before, whole, dice = rows(store), made.read_bytes(), random.Random(7)
    for length in (0, 1, 40, len(whole) - 1, len(whole) - 48, *(dice.randrange(len(whole)) for _ in range(20))):
        made.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="is not a whole backup"):
            put_back(store, made, replace=True)
    assert rows(store) == before


def test_a_single_changed_bit_anywhere_is_refused(made: Path, sqlite_store: Store) -> None:
    before, whole, dice = rows(sqlite_store), made.read_bytes(), random.Random(8)
    for place in (0, len(whole) - 1, len(whole) - 40, *(dice.randrange(len(whole)) for _ in range(40))):
        made.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << dice.randrange(8)]) + whole[place + 1 :])
        with pytest.raises(BackupError, match="Nothing was changed"):
            put_back(sqlite_store, made, replace=True)
    made.write_bytes(whole + b"\0")
    with pytest.raises(BackupError):
        put_back(sqlite_store, made, replace=True)
    assert rows(sqlite_store) == before


def forged(whole: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The file with another inside, and a footer that fits it."""
    import hashlib

    inside = change(zstandard.ZstdDecompressor().stream_reader(whole).read())
    frame = zstandard.ZstdCompressor().compress(inside)
    return frame + whole[-48:-32] + hashlib.blake2b(frame, digest_size=32).digest()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda inside: inside.replace(b"noted", b"hided", 1), "disagrees with what it holds of audit"),
        (lambda inside: inside[:-1], "ends too early"),
        (lambda inside: inside[:9000], "ends too early"),
        (lambda _: b"", "ends too early"),
        (lambda inside: b"\xff\xff\xff\xff" + inside[4:], "not in our format"),
        (lambda inside: inside.replace(b"ltc backup", b"no backup!", 1), "not in our format"),
        (lambda inside: inside.replace("王敏".encode(), b"\xff" * 6, 1), "rows that audit cannot have"),
    ],
)
def test_rows_that_do_not_fit_the_manifest_are_refused_though_the_footer_fits(
    change: Callable[[bytes], bytes], told: str, made: Path, sqlite_store: Store
) -> None:
    before = rows(sqlite_store)
    made.write_bytes(forged(made.read_bytes(), change))
    with pytest.raises(BackupError, match=told):
        put_back(sqlite_store, made, replace=True)
    assert rows(sqlite_store) == before


def test_a_backup_of_another_schema_or_format_is_refused_with_the_version_that_reads_it(
    made: Path, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "HEAD", "0099")
    with pytest.raises(BackupError, match=r"schema 0001; this version of ltc is at schema 0099.*Restore it with ltc"):
        put_back(sqlite_store, made, replace=True)
    monkeypatch.setattr(backup, "FORMAT", 2)
    with pytest.raises(BackupError, match="format 1; this version of ltc reads format 2"):
        restore.check(made, tell)


def test_a_store_with_data_is_refused_unless_it_may_be_replaced(
    store: Store, made: Path, sqlite_store: Store, mapper: StreamMapping
) -> None:
    Orders(store, mapper).land(order("only here"))
    with store.transaction() as connection:
        audit.append(connection, "Li Na", "noted", {})
    with pytest.raises(restore.NotEmpty, match=r"holds data already: .*--replace"):
        put_back(store, made)
    assert value(store, "SELECT count(*) FROM orders WHERE source_id = 'only here'") == 1
    before = value(store, "SELECT hash FROM audit WHERE id = 1")
    assert put_back(store, made, replace=True).replaced
    assert value(store, "SELECT count(*) FROM orders WHERE source_id = 'only here'") == 0
    with store.reading() as connection:
        (last,) = audit.entries(connection, limit=1)
        assert audit.verify(connection).intact
    assert last.actor == "Li Na"
    assert last.detail["replaced_audit"] == {"rows": 1, "hash": bytes(before).hex()}


def test_a_failure_in_the_middle_leaves_the_old_store(
    store: Store, made: Path, fill: Callable[[Store], Orders], mapper: StreamMapping
) -> None:
    orders = Orders(store, mapper)
    orders.land(order("only here"))
    before = rows(store)

    def fail(table: str, _rows: int) -> None:
        if table == "run":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore.restore(store, made, "Li Na", replace=True, checked=tell, told=fail)
    assert rows(store) == before
    orders.land(order("next"))
    assert value(store, "SELECT count(*) FROM record") == 2


def test_a_kill_in_the_middle_leaves_the_old_store(store: Store, made: Path, mapper: StreamMapping) -> None:
    Orders(store, mapper).land(order("only here"))
    before = rows(store)
    url = store.engine.url.render_as_string(hide_password=False)
    store.close()  # no connection may be shared with the child
    child = os.fork()
    if child == 0:
        try:
            kill = lambda table, _: os.kill(os.getpid(), signal.SIGKILL) if table == "write_log" else None  # noqa: E731
            restore.restore(open_store(url), made, "Li Na", replace=True, checked=tell, told=kill)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert rows(store) == before


def test_a_backup_that_fails_leaves_no_file(sqlite_store: Store, tmp_path: Path) -> None:
    def fail(_table: str, _rows: int) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "there"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        backup.write(sqlite_store, folder / "b.zst", fail)
    assert list(folder.iterdir()) == []
    with pytest.raises(BackupError, match="cannot be written to"):
        save(sqlite_store, tmp_path / "nowhere" / "b.zst")


def test_a_backup_replaces_no_file(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "b.zst").write_text("precious")
    with pytest.raises(BackupError, match="already; a backup replaces none"):
        save(sqlite_store, tmp_path / "b.zst")
    assert (tmp_path / "b.zst").read_text() == "precious"


def test_a_store_in_use_is_not_replaced(store: Store, made: Path) -> None:
    with runs.lease(store, "the sync"), pytest.raises(runs.LeaseHeld, match="The store is in use: the sync"):
        put_back(store, made, replace=True)


def test_leases_are_not_restored_and_tokens_never_go_back(
    store: Store, stores: Callable[[str], Store], tmp_path: Path
) -> None:
    other = stores("sqlite")
    for _ in range(5):
        with runs.lease(other, "the sync"):
            pass
    with runs.lease(other, "the sync") as held:
        save(other, tmp_path / "high.zst")
        assert held.token == 6
    save(store, tmp_path / "low.zst")
    put_back(store, tmp_path / "high.zst")
    assert value(store, "SELECT count(*) FROM lease") == 0
    with runs.lease(store, "the sync") as after:
        assert after.token == 7
    put_back(store, tmp_path / "low.zst", replace=True)
    with runs.lease(store, "the sync") as last:
        assert last.token == 8


def test_a_worker_that_slept_through_a_restore_commits_nothing(store: Store, made: Path) -> None:
    with store.transaction() as connection:
        sleeper = runs.acquire(connection, "the sync", "elsewhere:1:/a", seconds=-1)
    put_back(store, made, replace=True)
    with pytest.raises(runs.LeaseHeld), store.fenced(sleeper).transaction():
        pass


def test_text_that_postgresql_cannot_hold_is_told_and_changes_nothing(
    sqlite_store: Store, stores: Callable[[str], Store], tmp_path: Path
) -> None:
    with sqlite_store.transaction() as connection:
        audit.append(connection, "a\0b", "noted", {})
    server = stores("postgresql")
    with pytest.raises(BackupError, match=r"cannot hold what .* holds of audit"):
        put_back(server, save(sqlite_store, tmp_path / "b.zst").path)
    assert rows(server)["audit"] == []


def test_memory_does_not_grow_with_the_rows(
    sqlite_store: Store, stores: Callable[[str], Store], tmp_path: Path
) -> None:
    def peak(work: Callable[[], object]) -> int:
        tracemalloc.start()
        work()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    names = [column.name for column in schema.landing.columns]

    def add(first: int, count: int) -> None:
        body = os.urandom(1000)
        many = [(n, 1, b"h" * 16, body, None, 0, "r", 0, None) for n in range(first, first + count)]
        with sqlite_store.transaction() as connection:
            bulk.insert(connection, schema.landing, names, many)

    most = []
    for turn, count in enumerate((2_000, 18_000)):
        add(turn * 100_000, count)
        path, target = tmp_path / f"{turn}.zst", stores("sqlite")
        most.append((peak(lambda: save(sqlite_store, path)), peak(lambda: put_back(target, path))))  # noqa: B023
    for few, many in zip(*most, strict=True):
        assert many < few * 1.5 < 20_000_000


def test_a_stream_counts_as_unread_until_a_pull_has_read_up_to_the_restore(
    store: Store, stores: Callable[[str], Store], mapper: StreamMapping, tmp_path: Path
) -> None:
    from state import cursors

    orders = Orders(store, mapper)

    def page(complete: bool, until: int | None = None) -> list[str]:
        with store.transaction() as connection:
            known: Any = {"covered_until": until, "run_id": "r", "fence": 99}
            cursors.write(connection, orders.stream.id, {}, complete=complete, **known)
            return restore.unread(connection, ["shop", "other"])

    assert page(complete=False) == []
    save(store, tmp_path / "b.zst")
    put_back(store, tmp_path / "b.zst", replace=True)
    with store.reading() as connection:
        assert restore.unread(connection, ["shop"]) == ["shop.order"]
        assert restore.unread(connection, ["other"]) == []
    with store.reading() as connection:
        restored = restore.restored_us(connection) or 0
    assert page(complete=False, until=restored + 1) == ["shop.order"]
    assert page(complete=True, until=restored - 5_000_000) == ["shop.order"]
    assert page(complete=True, until=restored + 1) == []
    assert json.loads(value(store, "SELECT detail FROM audit ORDER BY id DESC LIMIT 1"))["rows"] > 0
