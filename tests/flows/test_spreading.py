"""Parts of a reconciliation on a Dask cluster, through Prefect's task runner."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from flows import spreading
from reconciliation.engine import reconcile
from reconciliation.linking import name_pairs, parties
from settings.errors import SettingsError
from settings.parallel import Parallel
from state.store import open_store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.linking.crowds import spelled_otherwise

pytestmark = pytest.mark.slow


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few records, as they would be of many in a store of millions."""
    for module in (name_pairs, parties):
        monkeypatch.setattr(module, "_BATCH", 30)


def _reconciled(template: Path, at: Path, **parallel: Any) -> list[Any]:
    """Links and findings of the same customers in a store of its own."""
    shutil.copy(template, at)
    chosen = settings(reconciliation={"parallel": parallel})
    with open_store(f"sqlite:///{at}") as store:
        books = Books(store)
        spelled_otherwise(books, 90)
        books.save()
        with spreading.as_set(chosen.reconciliation.parallel):
            reconcile(store, chosen, "run-1")
        with store.reading() as connection:
            links = connection.exec_driver_sql(
                "SELECT kind, left_id, right_id, method, score, decision, evidence FROM link ORDER BY 1, 2, 3"
            )
            findings = connection.exec_driver_sql("SELECT id, amount, params FROM finding ORDER BY id")
            return [list(map(tuple, links)), list(map(tuple, findings))]


def test_a_dask_cluster_finds_what_one_process_finds(
    prefect_api: str, sqlite_template: Path, tmp_path: Path, many_parts: None
) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client

    on_dask = flow(name="reconciled-on-dask", persist_result=False, validate_parameters=False)(_reconciled)
    alone = _reconciled(sqlite_template, tmp_path / "alone.db")
    assert {"likeness", "tax_id", "phone"} <= {row[3] for row in alone[0]}
    assert on_dask(sqlite_template, tmp_path / "dask.db", runner="dask", workers=2) == alone
    with get_client(sync_client=True) as client:
        tasks = [run for run in client.read_task_runs() if run.name.startswith("part-")]
    assert len(tasks) > 3
    assert {run.state_name for run in tasks} == {"Completed"}


def test_dask_that_is_not_installed_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask.task_runners", None)
    asked = spreading.as_set(Parallel(runner="dask"))
    with pytest.raises(SettingsError, match=r"pip install 'ltc-sync\[dask\]'"), asked:
        pass
