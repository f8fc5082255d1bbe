"""``ltc metrics``: the store's metrics without a server, printed or put into a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.console import deal
from tests.console.company import ltc


@pytest.fixture
def config(sqlite_template: Path, tmp_path: Path) -> Path:
    deal.filled(sqlite_template, tmp_path)
    return tmp_path / "ltc.yaml"


def names(text: str) -> dict[str, float]:
    """The sum of the samples of each name."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_it_prints_what_the_store_holds_and_nothing_of_its_own_process(config: Path) -> None:
    done = ltc(config, "metrics")
    assert done.exit_code == 0, done.output
    found = names(done.stdout)
    assert found["ltc_store_up"] == 1
    assert found["ltc_findings_open"] > 0
    assert found["ltc_audit_intact"] == 1
    assert not [name for name in found if name.startswith(("process_", "python_", "ltc_http_"))]


def test_the_audit_is_left_out_where_that_is_asked_for(config: Path) -> None:
    assert "ltc_audit" not in ltc(config, "metrics", "--no-audit").stdout


def test_a_file_is_replaced_at_once_and_can_be_read_by_others(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    (folder / "ltc.prom").write_text("old")
    done = ltc(config, "metrics", "--output", str(folder / "ltc.prom"))
    assert (done.exit_code, done.output) == (0, "")
    assert names((folder / "ltc.prom").read_text())["ltc_store_up"] == 1
    assert [path.name for path in folder.iterdir()] == ["ltc.prom"]
    assert (folder / "ltc.prom").stat().st_mode & 0o777 == 0o644


def test_a_store_that_is_not_there_is_told_to_prometheus_too(config: Path, tmp_path: Path) -> None:
    (tmp_path / "ltc.db").unlink()
    done = ltc(config, "metrics")
    assert done.exit_code == 1
    assert names(done.stdout) == {"ltc_store_up": 0}
    assert "There is no database" in done.stderr
