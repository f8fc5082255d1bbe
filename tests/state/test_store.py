"""Opening, migrating and sharing the database."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from state import migrations, store
from state.schema import metadata
from state.store import Store, StoreError, open_store


def test_migrations_lead_to_exactly_the_schema(store: Store) -> None:
    with store.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    assert differences == []


def test_the_known_head_is_the_newest_revision() -> None:
    script = ScriptDirectory(str(migrations.FOLDER))
    assert script.get_current_head() == migrations.HEAD


def test_a_new_database_is_created_and_found_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with open_store(url) as opened, opened.transaction() as connection:
        connection.execute(text("INSERT INTO stream (system, name, entity) VALUES ('crm', 'lead', 'lead')"))
    with open_store(url) as again, again.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM stream")).scalar() == 1


def test_two_processes_may_create_the_same_database_at_once(tmp_path: Path) -> None:
    code = f"from state.store import open_store; open_store('sqlite:///{tmp_path / 'race.db'}').close()"
    racers = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    outcomes = [(racer.communicate()[1], racer.returncode) for racer in racers]
    assert [code for _, code in outcomes] == [0, 0, 0, 0], outcomes


def test_opening_a_current_database_does_not_import_alembic(sqlite_url: str) -> None:
    look = "import sys; sys.exit('alembic' in sys.modules)"
    code = f"from state.store import open_store; open_store({sqlite_url!r}); {look}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail_half_way() -> None:
        with store.transaction() as connection:
            connection.execute(text("INSERT INTO stream (id, system, name, entity) VALUES (1, 'crm', 'lead', 'lead')"))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail_half_way()
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM stream")).scalar() == 0


def test_a_reader_sees_one_state_while_another_writes(store: Store) -> None:
    count = text("SELECT count(*) FROM stream")
    with store.reading() as reader:
        before = reader.execute(count).scalar()
        with store.transaction() as writer:
            writer.execute(text("INSERT INTO stream (id, system, name, entity) VALUES (1, 'crm', 'lead', 'lead')"))
        assert reader.execute(count).scalar() == before
    with store.reading() as reader:
        assert reader.execute(count).scalar() == 1


def test_what_a_reader_writes_is_not_kept(store: Store) -> None:
    with contextlib.suppress(StoreError), store.reading() as reader:
        reader.execute(text("INSERT INTO stream (id, system, name, entity) VALUES (1, 'crm', 'lead', 'lead')"))
    with store.reading() as reader:
        assert reader.execute(text("SELECT count(*) FROM stream")).scalar() == 0


def test_statements_that_readers_repeat_stay_prepared_on_a_server(pg_server: Callable[[], str]) -> None:
    prepared = 0
    with open_store(pg_server()) as opened:
        for _ in range(20):
            with opened.reading() as reader:
                reader.execute(text("SELECT count(*) FROM stream"))
                prepared = reader.exec_driver_sql(
                    "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%FROM stream%%'"
                ).scalar_one()
    assert prepared >= 1


def test_a_locked_database_says_so_and_what_to_do(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_BUSY_SECONDS", 0.05)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_store(sqlite_url) as opened, pytest.raises(StoreError) as caught, opened.transaction():
        pass
    other.close()
    assert "locked by another process" in caught.value.message
    assert "run the same command again" in caught.value.remedy


def test_a_database_server_that_keeps_a_row_locked_says_so(
    pg_server: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_BUSY_SECONDS", 0.05)
    lock = text("LOCK TABLE run")
    with open_store(pg_server()) as opened, opened.transaction() as first:
        first.execute(lock)
        with pytest.raises(StoreError, match="locked by another process"), opened.transaction() as second:
            second.execute(lock)


def test_a_full_disk_says_so(sqlite_store: Store) -> None:
    def fill_it() -> None:
        with sqlite_store.transaction() as connection:
            connection.execute(text("PRAGMA max_page_count = 1"))
            rows = [{"name": str(number), "long": "x" * 5000} for number in range(200)]
            connection.execute(text("INSERT INTO stream (system, name, entity) VALUES ('crm', :name, :long)"), rows)

    with pytest.raises(StoreError, match="disk is full"):
        fill_it()


def test_a_schema_newer_than_the_code_is_refused(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    url = store.engine.url.render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="newer version of ltc"):
        open_store(url)


def test_an_unreachable_server_says_what_to_check() -> None:
    with pytest.raises(StoreError) as caught:
        open_store("postgresql+psycopg://ltc:geheim@127.0.0.1:1/ltc")
    assert "cannot be reached" in caught.value.message
    assert "geheim" not in str(caught.value)


def test_a_missing_database_is_reported_when_it_must_exist(tmp_path: Path, postgres: object) -> None:
    with pytest.raises(StoreError, match="no database"):
        open_store(f"sqlite:///{tmp_path / 'none.db'}", create=False)


def test_an_empty_server_database_is_reported_when_it_must_exist(pg_server: Callable[[], str]) -> None:
    url = pg_server()
    with open_store(url) as opened, opened.transaction() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(StoreError, match="no data of ours"):
        open_store(url, create=False)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("nonsense", "not one we know"),
        ("mysql://host/db", "not one we know|cannot be kept"),
        ("sqlite://", "must be a file"),
        ("sqlite:////no/such/folder/ltc.db", "does not exist"),
    ],
)
def test_a_wrong_address_is_explained(url: str, part: str) -> None:
    with pytest.raises(StoreError, match=part) as caught:
        open_store(url)
    assert caught.value.remedy


def test_a_file_that_is_no_database_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database\n" * 100)
    with pytest.raises(StoreError, match="not a database of ours"):
        open_store(f"sqlite:///{path}")
