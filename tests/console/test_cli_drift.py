"""``ltc drift``: what a person sees of fields that changed, and what accepting them does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from console.i18n import texts
from console.summary import show
from flows.artifacts import summary
from state import quarantine
from state.shapes import Drift, Kind, Status
from state.store import open_store
from sync.outcome import StreamOutcome
from sync.result import SyncResult, as_dict
from tests.console.company import data, ltc
from tests.sync.conftest import MAPPING, Shop, Toy, page
from tests.sync.test_drift import MANY, changed, plain


@pytest.fixture
def config(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store in which the net amount has vanished from the shop's orders, and a field has come."""
    from mappings.engine import load

    monkeypatch.setenv("LTC_ACTOR", "wang.min")
    (tmp_path / "toy.yaml").write_text(MAPPING)
    shutil.copy(sqlite_template, tmp_path / "ltc.db")
    with open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as store:
        fill(Shop(store, load(tmp_path / "toy.yaml")))
    path = tmp_path / "ltc.yaml"
    path.write_text(
        "version: 1\nstore: sqlite:///ltc.db\nsystems:\n"
        "  shop: {connector: xero, roles: [erp], mapping: toy.yaml, drift: {order: quarantine}}\n"
    )
    return path


def fill(shop: Shop) -> None:
    shop.pull(Toy(page(*(plain(number) for number in MANY))))
    shop.pull(Toy(page(*changed(MANY, "net"))))


def test_what_changed_is_listed_with_what_depends_on_it_and_what_to_do(config: Path) -> None:
    output = ltc(config, "drift").stdout
    net = next(line for line in output.splitlines() if " net " in line)
    assert "gone (was text)" in net
    assert "net_amount" in net
    assert "OPEN" in net
    assert "ltc drift accept" in output
    found = data(ltc(config, "drift", "list", "--system", "shop", "--stream", "order", "--json"))
    assert [(item["path"], item["kind"], item["status"], item["fields"]) for item in found] == [
        ("net", "vanished", "open", ["net_amount"]),
        ("note", "new", "noted", []),
    ]


def test_it_is_listed_in_chinese(config: Path) -> None:
    assert "消失（原为 text）" in ltc(config, "--lang", "zh-CN", "drift").stdout


def test_status_tells_of_what_holds_records_back(config: Path) -> None:
    assert "1 field of the systems has changed" in ltc(config, "status").stdout
    assert data(ltc(config, "status", "--json"))["drift"] == 1
    ltc(config, "drift", "accept", "shop", "order")
    assert "have changed" not in ltc(config, "status").stdout


def test_accepting_frees_the_records_and_is_in_the_audit(config: Path) -> None:
    result = ltc(config, "drift", "accept", "shop", "order", "net", "--reason", "No longer shown")
    assert result.exit_code == 0, result.output
    assert "60" in result.stdout
    assert [item["path"] for item in data(ltc(config, "drift", "list", "--json"))] == ["note"]
    (accepted,) = [item for item in data(ltc(config, "drift", "list", "--all", "--json")) if item["path"] == "net"]
    assert (accepted["decided_by"], accepted["reason"]) == ("wang.min", "No longer shown")
    assert "wang.min (No longer shown)" in ltc(config, "drift", "list", "--all").stdout
    assert "drift accepted" in ltc(config, "audit", "list").stdout
    assert ltc(config, "replay", "--system", "shop").exit_code == 0
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as store, store.reading() as connection:
        assert quarantine.count(connection) == 0


@pytest.mark.parametrize("field", ["nothing", "lines[].sku"])
def test_there_must_be_something_to_accept(config: Path, field: str) -> None:
    result = ltc(config, "drift", "accept", "shop", "order", field)
    assert result.exit_code == 2
    assert f"shop.order {field}" in result.stderr
    assert ltc(config, "drift", "accept", "shop", "invoice").exit_code == 2


def test_a_policy_nobody_knows_is_told_with_its_line(config: Path) -> None:
    config.write_text(config.read_text().replace("quarantine}", "ignore}"))
    result = ltc(config, "status")
    assert result.exit_code == 2
    assert "ltc.yaml:4" in result.stderr
    assert "drift" in result.stderr


def test_a_run_names_the_fields_that_changed(capsys: pytest.CaptureFixture[str]) -> None:
    found = Drift("a|b", Kind.NEW, "text", status=Status.NOTED)
    outcome = StreamOutcome("crm", "lead", "pull", "done", {"pulled": 1}, drift=[found])
    result = SyncResult("r1", "pull", "local", "done", [outcome])
    show(result, None, "en")
    assert "1 field is new, gone or of another type: crm.lead a|b." in capsys.readouterr().out
    assert r"| crm | lead | a\|b | new | noted |" in summary(result)
    (stream,) = json.loads(json.dumps(as_dict(result)))["streams"]
    assert stream["drift"] == [
        {"path": "a|b", "kind": "new", "type": "text", "before": None, "fields": [], "status": "noted"}
    ]
    assert texts("zh-CN")("summary.drift", count=1, fields="x")
