"""``ltc backfill``: what a window costs, and that reading it anew finds what was missed and changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from sandbox.jiandaoyun import JiandaoyunServer
from state import audit
from state.store import open_store
from tests.console.company import data, forms, ltc, system, write

SINCE = "2026-10-01T08:05:00+08:00"


@pytest.fixture
def server() -> Iterator[JiandaoyunServer]:
    with forms(12) as opened:
        yield opened


@pytest.fixture
def config(server: JiandaoyunServer, tmp_path: Path) -> Path:
    path = write(tmp_path, {"forms": system(server, page_size=5)}, store=f"sqlite:///{tmp_path / 'ltc.db'}")
    assert ltc(path, "pull").exit_code in (0, 3)
    return path


def test_the_cost_is_shown_and_nothing_is_read(config: Path, server: JiandaoyunServer) -> None:
    server.forget()
    (shown,) = data(ltc(config, "backfill", "forms.lead", "--since", SINCE, "--json"))["streams"]
    assert (shown["held"], shown["since"], shown["undated"]) == (
        12,
        7,
        1,
    )  # one is in quarantine: its time is not known
    assert shown["calls"] >= 1
    assert "--apply" in ltc(config, "backfill", "forms", "--since", SINCE).stdout
    assert server.requests() == []


def test_the_calls_of_a_form_are_those_of_reading_all_of_it(config: Path, server: JiandaoyunServer) -> None:
    told = ltc(config, "backfill", "forms.lead", "--since", SINCE)
    assert "Of lead everything that is there is read, whatever the day" in told.stdout
    (shown,) = data(ltc(config, "backfill", "forms.lead", "--since", SINCE, "--json"))["streams"]
    (part,) = data(ltc(config, "backfill", "forms.lead", "--since", SINCE, "--apply", "--json"))["streams"]
    assert shown["whole"]
    assert shown["calls"] == part["counts"]["calls"] > 1, "fewer records than are read were changed since then"


def test_the_window_is_read_anew_and_records_that_are_held_change_nothing(config: Path) -> None:
    done = data(ltc(config, "backfill", "forms.lead", "--since", SINCE, "--apply", "--json"))
    (part,) = done["streams"]
    assert (done["kind"], part["status"]) == ("pull", "done")
    assert part["counts"]["pulled"] >= 7
    assert part["counts"]["unchanged"] == part["counts"]["pulled"]
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as store, store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM landing")).scalar_one() == 12
        (said,) = [item.detail for item in audit.entries(connection) if item.action == "backfill started"]
    assert (said["system"], said["streams"]) == ("forms", ["lead"])


def test_what_was_lost_behind_the_cursor_is_found(config: Path) -> None:
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as store, store.transaction() as connection:
        lost = "(SELECT id FROM record ORDER BY id DESC LIMIT 1)"
        for table, key in (("leads", "record_id"), ("landing", "record_id"), ("record", "id")):
            connection.execute(
                text(
                    f"DELETE FROM {table} WHERE {key} = {lost}"
                    if key == "id"
                    else f"DELETE FROM {table} WHERE {key} IN {lost}"
                )
            )
    assert data(ltc(config, "pull", "--json"))["streams"][0]["counts"]["new"] == 0
    found = data(ltc(config, "backfill", "forms.lead", "--since", SINCE, "--apply", "--json"))
    assert found["streams"][0]["counts"]["new"] == 1


@pytest.mark.parametrize("name", ["crm", "forms.nothing"])
def test_only_what_there_is_can_be_read_anew(config: Path, name: str) -> None:
    assert ltc(config, "backfill", name, "--since", SINCE).exit_code == 2


def test_what_is_paused_is_read_anew_only_on_demand(config: Path) -> None:
    ltc(config, "pause", "forms.lead", "--reason", "release")
    asked = ("backfill", "forms", "--since", SINCE, "--apply")
    assert ltc(config, *asked).exit_code == 2
    assert ltc(config, *asked, "--paused").exit_code == 0
