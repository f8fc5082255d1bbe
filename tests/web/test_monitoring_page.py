"""What those who run the workbench fetch for their monitoring, and who is said to may read the metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
import yaml
from httpx import Client

from console.web.app import workbench
from settings.load import load
from settings.model import Settings
from state.members import Role
from state.store import Store
from tests.console import deal
from tests.web.conftest import Browser, served

TOKEN = "0123456789abcdef0123456789abcdef"


def opened(client: Client, member: Callable[..., str]) -> Browser:
    """The browser of an operator at another workbench."""
    client.headers["origin"] = str(client.base_url).rstrip("/")
    somebody = Browser(client)
    assert somebody.sign_in(member("olaf", Role.OPERATOR)).status_code == 303
    return somebody


def test_operators_are_told_how_to_back_up_and_what_is_not_in_a_backup(as_role: Callable[[Role], Browser]) -> None:
    olaf = as_role(Role.OPERATOR)
    page = olaf.get("/monitoring").text
    assert " restore /backups/ltc-monday.zst --check" in page
    assert "Not in the file: ltc.yaml, mappings, checks of your own, secrets and keys." in page


def test_operators_are_led_to_the_files_of_the_monitoring_and_get_them(as_role: Callable[[Role], Browser]) -> None:
    olaf = as_role(Role.OPERATOR)
    assert 'href="/monitoring"' in olaf.get("/systems").text
    page = olaf.get("/monitoring").text
    names = re.findall(r'href="/monitoring/([^"]+)"', page)
    assert names == ["ltc-alerts.yaml", "ltc-alerts.test.yaml", "ltc-dashboard.json", "ltc-scrape.yaml"]
    alerts, cases, dashboard, scrape = (olaf.get(f"/monitoring/{name}") for name in names)
    assert all("attachment" in item.headers["content-disposition"] for item in (alerts, cases, dashboard, scrape))
    assert yaml.safe_load(cases.text)["rule_files"] == ["ltc-alerts.yaml"]
    assert json.loads(dashboard.text)["panels"]
    assert unescape(re.findall(r"<pre[^>]*>(scrape_configs[^<]+)</pre>", page)[0]) == scrape.text
    assert olaf.get("/monitoring/README.md").status_code == 404


def test_each_alert_leads_to_what_to_do_about_it_on_the_page(as_role: Callable[[Role], Browser]) -> None:
    olaf = as_role(Role.OPERATOR)
    page = olaf.get("/monitoring").text
    groups = yaml.safe_load(olaf.get("/monitoring/ltc-alerts.yaml").text)["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 20
    for rule in rules:
        address, _, place = rule["annotations"]["runbook"].partition("#")
        assert re.fullmatch(r"https?://[^/]+/monitoring", address)
        assert f'<dt id="{place}"><code>{rule["alert"]}</code></dt><dd>' in page


def test_who_does_not_run_the_workbench_is_not_led_there(as_role: Callable[[Role], Browser]) -> None:
    assert "/monitoring" not in as_role(Role.FINANCE).get("/systems").text


def test_without_a_token_it_is_said_that_this_machine_reads_and_how_to_close_it(
    as_role: Callable[[Role], Browser],
) -> None:
    olaf = as_role(Role.OPERATOR)
    page = olaf.get("/monitoring").text
    assert "Everybody and every program on the machine" in page
    assert "LTC_METRICS_TOKEN" in page
    assert 'href="/metrics"' in page
    assert "authorization" not in yaml.safe_load(olaf.get("/monitoring/ltc-scrape.yaml").text)["scrape_configs"][0]
    olaf.client.headers["x-forwarded-for"] = "192.0.2.7"
    assert 'href="/metrics"' not in olaf.get("/monitoring").text


def test_behind_a_proxy_without_a_token_it_is_said_that_nobody_reads(
    desk: Store, given: Settings, member: Callable[..., str]
) -> None:
    with served(workbench(desk, given, proxied=True)) as address, Client(base_url=address, timeout=60) as client:
        assert "Nobody: the workbench is behind a proxy" in opened(client, member).get("/monitoring").text


def test_with_a_token_prometheus_is_told_to_send_it(
    desk: Store, config: Path, member: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPED_WITH", TOKEN)
    wanted = {"metrics": {"token": "${env:SCRAPED_WITH}"}}
    named = load(deal.config(config.parent, "sqlite:///ltc.db", workbench=wanted))
    with served(workbench(desk, named)) as address, Client(base_url=address, timeout=60) as client:
        page = opened(client, member).get("/monitoring").text
        assert "Whoever sends the token" in page
        assert TOKEN not in page
        [job] = yaml.safe_load(client.get("/monitoring/ltc-scrape.yaml").text)["scrape_configs"]
    assert job["authorization"]["type"] == "Bearer"
    assert f"{job['scheme']}://{job['static_configs'][0]['targets'][0]}" == address
