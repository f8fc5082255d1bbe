"""tap-jsonl, a tap of the Singer SDK from the package index, reading files of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors.contract import Cursor, Page, Window
from connectors.errors import ContractError
from connectors.singer.config import SingerConfig
from connectors.singer.connector import Singer
from mappings.engine import load
from state.store import Store
from sync.pull import pull_stream
from tests.connectors.singer.test_sync import MAPPING

pytestmark = pytest.mark.slow

_PACKAGES = ("tap-jsonl==0.3.1", "singer-sdk==0.53.7")
_SECONDS = 300


@pytest.fixture(scope="module")
def tap() -> Path:
    """tap-jsonl in an environment of its own, kept between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "ltc-sync-tests" / "-".join(package.replace("==", "-") for package in _PACKAGES)
    program = folder / "bin" / "tap-jsonl"
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        python = folder / "bin" / "python"
        beside = Path(__file__).parents[3] / ".uv" / "bin" / "uv"
        uv = shutil.which("uv") or (str(beside) if beside.exists() else None)
        make = [uv, "venv", "-q", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
        install = [uv, "pip", "install", "-q", "--python"] if uv else []
        with_pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*make, str(folder)])
        _run([*install, str(python), *_PACKAGES] if uv else [*with_pip, *_PACKAGES])
        (folder / "installed").touch()
    return program


def _run(command: list[str | None]) -> None:
    try:
        done = subprocess.run([part for part in command if part], capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the package index did not answer in time")
    if done.returncode != 0:
        pytest.skip("tap-jsonl cannot be installed from the package index")


def singer(tap: Path, folder: Path, **more: Any) -> Singer:
    stream = {"stream": "orders", "entity": "order", "deletes": "sweep", **more}
    return Singer(
        SingerConfig.model_validate(
            {
                "executable": str(tap),
                "config": {"path": f"{folder}/*.jsonl", "stream_name": "orders", "primary_keys": ["id"]},
                "streams": {"order": stream},
            }
        )
    )


def write(folder: Path, name: str, *numbers: int, at: float) -> None:
    """A file of orders with that time of change, in seconds since the epoch."""
    path = folder / f"{name}.jsonl"
    rows = [{"id": n, "number": f"SO-{n}", "state": "open", "net": f"{n}.10", "名": "é"} for n in numbers]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    os.utime(path, (at, at))


def pull(connector: Singer, cursor: Cursor | None = None) -> list[Page]:
    return list(connector.pull("order", cursor, Window(datetime.now(UTC))))


def test_it_is_discovered_checked_read_and_goes_on_from_its_state(tap: Path, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    write(folder, "a", *range(1200), at=1_767_225_600)
    connector = singer(tap, folder)
    [line] = connector.check()
    assert (line.ok, line.detail) == (True, "readable, by id")
    pages = pull(connector)
    records = [record for page in pages for record in page.records]
    assert [record.source_id for record in records] == [str(n) for n in range(1200)]
    assert {record.version for record in records} == {1_767_225_600_000_000}
    assert "é" in records[0].body.decode() or "\\u00e9" in records[0].body.decode()
    assert "bookmarks" in json.loads(pages[-1].cursor["state"])
    write(folder, "b", 1, 5000, at=1_767_312_000)
    assert {r.source_id for page in pull(connector, pages[-1].cursor) for r in page.records} >= {"1", "5000"}
    assert sorted(int(i) for batch in connector.ids("order") for i in batch) == sorted([*range(1200), 1, 5000])


def test_fields_can_be_chosen(tap: Path, tmp_path: Path) -> None:
    write(tmp_path, "a", 7, at=1_767_225_600)
    [page] = pull(singer(tap, tmp_path, fields=["number"]))
    assert set(json.loads(page.records[0].body)) == {"id", "number", "_sdc_last_modified"}


def test_its_complaint_about_its_settings_is_passed_on(tap: Path, tmp_path: Path) -> None:
    write(tmp_path, "a", 7, at=1_767_225_600)
    connector = singer(tap, tmp_path)
    broken = Singer(connector.config.model_copy(update={"config": {"stream_name": "orders"}}))
    with pytest.raises(ContractError, match=r"It said: 'path' is a required property / … validation failed") as caught:
        pull(broken)
    assert "Correct `config`" in caught.value.remedy


def test_it_syncs_into_a_store(tap: Path, tmp_path: Path, sqlite_store: Store) -> None:
    write(tmp_path, "a", *range(50), at=1_767_225_600)
    (tmp_path / "orders.yaml").write_text(MAPPING)
    mapping, connector = load(tmp_path / "orders.yaml"), singer(tap, tmp_path)
    [spec] = connector.streams()
    counts = [
        pull_stream(sqlite_store, connector, mapping, "shop", spec, run_id=str(number)).counts for number in range(2)
    ]
    assert [(count["new"], count["changed"], count["rejected"]) for count in counts] == [(50, 0, 0), (0, 0, 0)]
    with sqlite_store.reading() as connection:
        total = connection.execute(text("SELECT count(*), sum(net_amount) FROM orders")).one()
    assert tuple(total) == (50, sum(n * 100 + 10 for n in range(50)))
