"""The alert rules and the dashboard name only metrics and labels that there are, and the docs have all of them."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from httpx import get
from prometheus_client.parser import text_string_to_metric_families

from connectors import retry
from console.web.app import workbench
from settings.load import load
from settings.model import Settings
from state.store import Store, open_store
from sync import job
from tests.console import deal
from tests.jobs.conftest import crm, erp, settings, systems, toys  # noqa: F401 - fixtures
from tests.web.conftest import served

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "console" / "monitoring"
PAGE = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
PATIENCE = 120.0
OF_PROMETHEUS = {"le", "instance", "job"}
METRIC = re.compile(r"\b(?:ltc|process|python)_[a-z_]+\b")
LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"")
GROUPED = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


class Told:
    """The names of samples, and the labels of each family."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.labels: set[str] = set(OF_PROMETHEUS)
        self.families: set[str] = set()

    def add(self, text: str) -> None:
        for family in text_string_to_metric_families(text):
            name = family.name + ("_total" if family.type == "counter" else "")
            self.families.add(name)
            self.names |= {name, *(sample.name for sample in family.samples)}
            self.labels |= {label for sample in family.samples for label in sample.labels}


@pytest.fixture
def told(filled: Path, sqlite_store: Store, settings: Settings, tmp_path: Path) -> Told:
    """What is told of a company with findings and figures, and of one whose systems were pulled and written to."""
    found = Told()
    with retry.no_waiting():
        job.run_sync(sqlite_store, settings)
    folder = tmp_path / "deal"
    folder.mkdir()
    shutil.copy(filled, folder / "ltc.db")
    of_deal = load(deal.config(folder, "sqlite:///ltc.db"))
    with open_store(of_deal.store) as store:
        found.add(scraped(store, of_deal))
    found.add(scraped(sqlite_store, settings))
    return found


def scraped(store: Store, its: Settings) -> str:
    """The second scrape, after a request and what is read beside."""
    app = workbench(store, its)
    with served(app) as address:
        for path in ("/sign-in", "/metrics"):
            assert get(address + path, timeout=PATIENCE).status_code == 200
        app.state.metrics.store.settle(PATIENCE)
        return get(f"{address}/metrics", timeout=PATIENCE).text


def rules() -> list[dict[str, Any]]:
    content = yaml.safe_load((FOLDER / "ltc-alerts.yaml").read_text("utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    content = json.loads((FOLDER / "ltc-dashboard.json").read_text("utf-8"))
    return [panel for panel in content["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


def test_alerts_and_dashboard_name_only_metrics_and_labels_that_there_are(told: Told) -> None:
    wrong = []
    for expression in expressions():
        used = set(METRIC.findall(expression))
        assert used, expression
        grouped = {
            label.strip() for found in GROUPED.findall(expression) for label in found.split(",") if label.strip()
        }
        wrong += [(expression, name) for name in used - told.names]
        wrong += [(expression, label) for label in ({*LABEL.findall(expression)} | grouped) - told.labels]
    assert wrong == []


def test_the_docs_have_every_metric_and_no_other(told: Told) -> None:
    ours = {name for name in told.families if name.startswith("ltc_")}
    assert ours == set(re.findall(r"^\| `(ltc_[a-z_]+)` \|", PAGE, re.MULTILINE))


def test_every_alert_says_what_it_is_and_what_to_do_and_has_its_place_in_the_docs() -> None:
    names = [rule["alert"] for rule in rules()]
    assert sorted(names) == sorted(re.findall(r"^### (Ltc\w+)$", PAGE, re.MULTILINE))
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert {"summary", "description", "runbook"} == rule["annotations"].keys()
        assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{rule['alert'].lower()}"


def test_panels_have_places_of_their_own_and_a_title() -> None:
    taken: set[tuple[int, int]] = set()
    content = json.loads((FOLDER / "ltc-dashboard.json").read_text("utf-8"))
    for panel in content["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + n, place["y"] + m) for n in range(place["w"]) for m in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in content["panels"]}) == len(content["panels"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool, which comes with Prometheus, is not here")
def test_alerts_fire_when_they_should() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "ltc-alerts.test.yaml"], cwd=FOLDER, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
