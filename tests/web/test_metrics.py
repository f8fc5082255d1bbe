"""``/metrics``, ``/healthz`` and ``/readyz``: who may read them, what they tell, and what they keep to themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from httpx import Client, Response, get
from prometheus_client.parser import text_string_to_metric_families

from console.web.app import workbench
from settings import SecretMissing
from settings.load import load
from settings.model import Settings
from state.members import Role
from state.store import Store
from tests.console import deal
from tests.web.conftest import Browser, served

PATIENCE = 120.0
"""Seconds."""
TOKEN = "0123456789abcdef-of-prometheus"


def samples(answer: Response) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels."""
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(answer: Response, name: str, **labels: str) -> float | None:
    return samples(answer).get((name, frozenset(labels.items())))


@contextmanager
def workbench_with(desk: Store, given: Settings, token: str, *, proxied: bool = False) -> Iterator[Client]:
    given.workbench.metrics.token = token
    with (
        served(workbench(desk, given, proxied=proxied)) as address,
        Client(base_url=address, timeout=PATIENCE) as client,
    ):
        yield client


def test_a_scrape_tells_of_the_store_the_process_and_the_requests(browser: Callable[..., Browser]) -> None:
    somebody = browser()
    assert somebody.get("/sign-in").status_code == 200
    answer = somebody.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert value(answer, "ltc_store_up") == 1
    found = {name for name, _ in samples(answer)}
    assert {"ltc_build_info", "process_resident_memory_bytes", "ltc_findings_open", "ltc_store_size_bytes"} <= found
    labels = {"method": "GET", "route": "/sign-in", "status": "200"}
    assert value(answer, "ltc_http_request_duration_seconds_count", **labels) == 1


def test_openmetrics_is_spoken_where_it_is_asked_for(browser: Callable[..., Browser]) -> None:
    answer = browser(accept="application/openmetrics-text; version=1.0.0").get("/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_requests_are_counted_by_templates_however_many_addresses_are_asked_for(
    as_role: Callable[[Role], Browser],
) -> None:
    anna = as_role(Role.VIEWER)
    for n in range(20):
        anna.get(f"/findings/{n}")
        anna.get(f"/nothing-{n}")
        anna.client.request("PROPFIND", "/findings")
    routes = {dict(labels).get("route") for name, labels in samples(anna.get("/metrics")) if "_http_" in name}
    assert "/findings/{id}" in routes
    assert not {route for route in routes if route and ("nothing" in route or route[-1].isdigit())}
    methods = {dict(labels).get("method") for name, labels in samples(anna.get("/metrics")) if "_http_" in name}
    assert methods <= {None, "GET", "POST", "other"}


def test_a_request_that_fails_is_counted_as_one(desk: Store, given: Settings) -> None:
    app = workbench(desk, given)

    @app.get("/breaks/{what}")
    def breaks(what: str) -> None:
        raise ZeroDivisionError(what)

    with served(app) as address:
        assert get(f"{address}/breaks/here", timeout=PATIENCE).status_code == 500
        labels = {"method": "GET", "route": "/breaks/{what}", "status": "500"}
        assert (
            value(get(f"{address}/metrics", timeout=PATIENCE), "ltc_http_request_duration_seconds_count", **labels) == 1
        )


def test_without_a_token_metrics_are_for_this_machine_alone(
    browser: Callable[..., Browser], desk: Store, given: Settings
) -> None:
    assert browser().get("/metrics").status_code == 200
    for header in ("x_forwarded_for", "forwarded", "via", "x_real_ip"):
        assert browser(**{header: "203.0.113.9"}).get("/metrics").status_code == 403, header
    with served(workbench(desk, given, proxied=True)) as address, Client(base_url=address, timeout=PATIENCE) as client:
        refused = client.get("/metrics")
    assert refused.status_code == 403
    assert "workbench: {metrics: {token:" in refused.text


def test_a_name_that_was_made_to_point_here_gets_no_metrics(browser: Callable[..., Browser]) -> None:
    assert browser(host="evil.example").get("/metrics").status_code == 403


def test_with_a_token_only_who_sends_it_reads_metrics_from_wherever(
    desk: Store, given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPED_WITH", TOKEN)
    with workbench_with(desk, given, "${env:SCRAPED_WITH}", proxied=True) as client:
        for wrong in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN):
            refused = client.get("/metrics", headers={"authorization": wrong} if wrong else {})
            assert refused.status_code == 401, wrong
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert "ltc_" not in refused.text
        right = {"authorization": f"Bearer {TOKEN}", "host": "10.1.2.3:8787", "x-forwarded-for": "203.0.113.9"}
        assert value(client.get("/metrics", headers=right), "ltc_store_up") == 1


def test_the_token_may_stand_in_a_file_beside_ltc_yaml(desk: Store, config: Path) -> None:
    (config.parent / "token").write_text(f"{TOKEN}\n")
    named = deal.config(config.parent, "sqlite:///ltc.db", workbench={"metrics": {"token": "${file:token}"}})
    with served(workbench(desk, load(named))) as address, Client(base_url=address, timeout=PATIENCE) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_token_that_is_missing_or_short_is_refused_at_the_start(
    desk: Store, given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", "only-15-letters")
    for token, said in (("${env:SHORT}", "too short"), ("${env:NOWHERE_AT_ALL}", "is not set")):
        given.workbench.metrics.token = token
        with pytest.raises(SecretMissing, match=said) as refused:
            workbench(desk, given)
        assert "only-15" not in str(refused.value)


def test_metrics_hold_no_words_of_records_or_people(as_role: Callable[[Role], Browser]) -> None:
    text = as_role(Role.FINANCE).get("/metrics").text
    assert "ltc_findings_open_amount" in text
    for word in ("ACME", "Rossi", "maria", "Q-1", "INV-", "a.finance", "@"):
        assert word not in text


def test_metrics_of_a_store_that_cannot_be_read_say_so(desk: Store, given: Settings, config: Path) -> None:
    with served(workbench(desk, given)) as address, Client(base_url=address, timeout=PATIENCE) as client:
        spoil(desk, config)
        answer = client.get("/metrics")
    assert value(answer, "ltc_store_up") == 0
    assert value(answer, "process_open_fds") is not None
    assert "ltc_findings_open{" not in answer.text


def test_what_takes_long_is_read_beside_the_scrapes(desk: Store, given: Settings) -> None:
    app = workbench(desk, given)
    with served(app) as address, Client(base_url=address, timeout=PATIENCE) as client:
        assert value(client.get("/metrics"), "ltc_store_up") == 1
        app.state.metrics.store.settle(PATIENCE)
        answer = client.get("/metrics")
    assert value(answer, "ltc_audit_intact") == 1
    assert value(answer, "ltc_stream_records", system="crm", stream="quote_list", state="held") == 1


def test_scrapes_that_follow_each_other_read_the_store_once(desk: Store, given: Settings) -> None:
    with served(workbench(desk, given)) as address, Client(base_url=address, timeout=PATIENCE) as client:
        first = value(client.get("/metrics"), "ltc_collect_duration_seconds")
        assert value(client.get("/metrics"), "ltc_collect_duration_seconds") == first


def test_probes_ask_by_address_and_learn_nothing_else(desk: Store, given: Settings, config: Path) -> None:
    by_address = {"host": "10.244.1.17:8787"}
    with (
        served(workbench(desk, given)) as address,
        Client(base_url=address, headers=by_address, timeout=PATIENCE) as client,
    ):
        for path in ("/healthz", "/readyz"):
            assert (client.get(path).status_code, client.get(path).text) == (200, "ok\n")
        assert client.get("/sign-in").status_code == 400
        spoil(desk, config)
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.text == "The store is not a database of ours.\n"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "The store is at schema 9999"),
        ("DROP TABLE alembic_version", "The store holds no data of ours"),
    ],
)
def test_a_store_of_another_version_is_not_ready(desk: Store, given: Settings, statement: str, said: str) -> None:
    with served(workbench(desk, given)) as address, Client(base_url=address, timeout=PATIENCE) as client:
        assert client.get("/readyz").status_code == 200
        with desk.transaction() as connection:
            connection.exec_driver_sql(statement)
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.text.startswith(said)


def test_a_full_disk_is_not_ready(desk: Store, given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("state.readiness.LEAST_FREE", 2**62)
    with served(workbench(desk, given)) as address, Client(base_url=address, timeout=PATIENCE) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "disk of the store is full" in answer.text


def spoil(desk: Store, config: Path) -> None:
    desk.close()
    for path in config.parent.glob("ltc.db*"):
        path.unlink()
    (config.parent / "ltc.db").write_bytes(b"no database" * 1000)
