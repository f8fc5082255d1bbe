"""``prune`` as a person uses it, what a sync prunes by itself, and how others say that something was pruned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from connectors import retry
from settings.model import Settings
from state import clock, retention
from state.pruned import DAY_US
from state.retention import Policy
from state.store import open_store
from sync import upkeep
from sync.job import run_sync
from tests.console.company import data, ltc
from tests.jobs.conftest import crm, erp, settings, systems, toys
from tests.jobs.toy import ToySystem

pytestmark = pytest.mark.slow

__all__ = ["crm", "erp", "settings", "systems", "toys"]

SHORT = {"landing": {"versions": 1, "days": 1}, "runs": 1, "writes": 30, "findings": 1, "tie_outs": 1}


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


@pytest.fixture
def config(settings: Settings) -> Path:
    retain(settings.path, automatic=False, **SHORT)
    return settings.path


def retain(config: Path, **given: Any) -> None:
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "retention": given}))


@pytest.fixture
def day() -> Iterator[list[int]]:
    """How many days have passed; a test may change it."""
    passed, ticks = [0], count()

    def read() -> int:
        return (1_700_000_000_000_000 + passed[0] * DAY_US + next(ticks)) * 1000

    with clock.simulated(read):
        yield passed


@pytest.fixture
def aged(config: Path, erp: ToySystem, day: list[int]) -> Path:
    """A store with three versions of an order, two of them forty days old."""
    for state in ("delivered", "returned", "delivered"):
        erp.edit("order", "o1", {"delivery": state, "note": state})
        ltc(config, "sync")
    day[0] = 40
    return config


def versions(config: Path) -> int:
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as store, store.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM landing")).scalar_one())


def test_prune_says_what_it_removes_and_a_dry_run_what_it_would(aged: Path) -> None:
    before = versions(aged)
    would = data(ltc(aged, "prune", "--dry-run", "--json"))
    assert would["removed"]["landing"] >= 2
    assert versions(aged) == before
    shown = ltc(aged, "--lang", "zh-CN", "prune", "--dry-run").stdout
    assert "将清除" in shown
    assert "记录的旧版本" in shown
    done = data(ltc(aged, "prune", "--json"))
    assert done["removed"] == would["removed"]
    assert versions(aged) == before - would["removed"]["landing"]
    assert ltc(aged, "prune").stdout == "Nothing has outlived its retention.\n"
    assert "store pruned" in ltc(aged, "audit", "list").stdout


def test_trace_says_that_earlier_versions_were_removed(aged: Path) -> None:
    assert "removed by retention" not in ltc(aged, "trace", "SO-1").stdout
    ltc(aged, "prune")
    assert "2 earlier versions of it were removed by retention" in ltc(aged, "trace", "SO-1").stdout
    (chain,) = data(ltc(aged, "trace", "SO-1", "--json"))
    assert 2 in [record["pruned_versions"] for record in chain["records"]]


def test_space_is_given_back_on_request(config: Path, erp: ToySystem, day: list[int]) -> None:
    def fill(round_: int) -> None:
        for number in range(1, 8):
            noise = Random(number * 100 + round_).randbytes(80_000).hex()
            erp.edit("order", f"o{number}", {"note": noise})
        ltc(config, "sync")

    for round_ in range(4):
        fill(round_)
    day[0] = 40
    database = config.parent / "ltc.db"
    said = ltc(config, "prune").stdout
    assert "MB inside the database file are free" in said
    before = database.stat().st_size
    fill(9)
    assert database.stat().st_size == before
    assert data(ltc(config, "prune", "--compact", "--json"))["free_bytes"] == 0
    assert database.stat().st_size < before * 2 / 3
    assert ltc(config, "prune", "--dry-run", "--compact").exit_code == 2


def test_a_sync_prunes_by_itself_once_a_day(settings: Settings, erp: ToySystem, day: list[int]) -> None:
    retain(settings.path, automatic=True, **SHORT)

    def change_and_sync(state: str) -> int:
        erp.edit("order", "o1", {"delivery": state})
        assert ltc(settings.path, "sync").exit_code == 0
        return versions(settings.path)

    change_and_sync("delivered")
    full = change_and_sync("returned")
    day[0] = 3
    pruned = change_and_sync("delivered")
    assert pruned < full + 2
    for number in range(2, 5):
        erp.edit("order", f"o{number}", {"delivery": "returned"})
    day[0] = 3
    assert change_and_sync("returned") > pruned
    day[0] = 8
    assert change_and_sync("delivered") <= pruned + 1


def test_months_of_syncing_leave_tables_of_the_same_size(
    settings: Settings, erp: ToySystem, day: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_LAST_RUNS", 20)
    retain(settings.path, landing={"versions": 2, "days": 5}, runs=5, writes=30, findings=5, tie_outs=5)
    chosen = settings.model_copy(update={"retention": load_retention(settings.path)})
    sizes = []
    with open_store(settings.store) as store:
        for number in range(120):
            day[0] = number
            erp.edit("order", f"o{number % 7 + 1}", {"delivery": ("delivered", "returned")[number // 7 % 2]})
            assert run_sync(store, chosen).status == "done"
            if number in (95, 119):
                sizes.append(rows(store))
    assert sizes[0].keys() == sizes[1].keys()
    grown = {name: (sizes[0][name], sizes[1][name]) for name in sizes[0] if sizes[1][name] > sizes[0][name] + 8}
    assert grown.keys() <= {"audit"}


def load_retention(path: Path) -> Any:
    from settings.load import load

    return load(path).retention


def rows(store: Any) -> dict[str, int]:
    from state.schema import metadata

    with store.reading() as connection:
        return {
            name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one())
            for name in metadata.tables
        }


def test_retention_without_a_word_in_ltc_yaml_is_on_and_generous(settings: Settings) -> None:
    assert settings.retention.automatic
    assert upkeep.policy(settings) == Policy()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"landing": {"versions": 0}}, "landing: {versions: 10, days: 400}"),
        ({"runs": "soon"}, "must be a whole number"),
        ({"write": 400}, "Did you mean `writes`?"),
    ],
)
def test_a_mistake_in_retention_is_told_with_its_line(config: Path, given: Any, said: str) -> None:
    retain(config, **given)
    result = ltc(config, "prune")
    assert result.exit_code == 2
    assert "ltc.yaml:" in result.stderr
    assert said in result.stderr


def test_words_for_every_kind_that_is_counted() -> None:
    from console.i18n import LOCALES, texts
    from state.retention import Counts

    for locale in LOCALES:
        words = texts(locale).words
        assert [kind for kind in Counts().by_kind() if f"prune.kind.{kind}" not in words] == []
    assert json.dumps(Counts().by_kind())
