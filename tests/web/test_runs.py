"""Runs in the workbench: live progress and log, stopping, where Prefect shows them."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest

from connectors import retry, waiting
from connectors.retry import RetryPolicy
from console import prefect_ui, ran
from console.i18n import texts
from settings.model import Settings
from state import audit, clock, findings, pauses, queries, retention, runs, schema
from state.clock import now_us, to_us
from state.members import Role
from state.queries import Phase
from state.store import Store
from sync import job
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import Toy, ToySystem
from tests.web.conftest import Browser
from tests.web.toy_company import Opens, crm, erp, finished, olaf, plain, settings, systems, toys  # noqa: F401

FLOW_RUN = "0d3b8a52-6f0c-4a1e-9a64-0e3a1c1b2f77"


class Held:
    """Lets a system answer only once a test says so."""

    def __init__(self, system: ToySystem) -> None:
        self.asked, self.go_on = Event(), Event()
        system.watch = self._wait

    def _wait(self) -> None:
        self.asked.set()
        self.go_on.wait(20)


def _held(olaf: Opens, settings: Settings, crm: ToySystem) -> tuple[Browser, Held]:
    """An operator, and the CRM that answers once the test has looked at everything."""
    settings.systems["crm"].config["timeout_seconds"] = 60
    return olaf(Role.OPERATOR), Held(crm)


def page_of_the_run(browser: Browser) -> tuple[str, str]:
    """Its id, and its page."""
    id = re.findall(r'href="/runs/([^"]+)"', browser.get("/runs").text)[0]
    return id, browser.get(f"/runs/{id}").text


def test_one_run_at_a_time_is_started_here_for_a_system(olaf: Opens, sqlite_store: Store) -> None:
    browser = olaf(Role.OPERATOR)
    with sqlite_store.transaction():  # the run has to wait
        assert browser.post("/runs", kind="sync").status_code == 303
        refused = browser.post("/runs", kind="pull")
    assert refused.status_code == 409
    assert "is running already" in refused.text


def refreshed(page: str) -> set[str]:
    """The ids of the parts of a page that it fetches anew while a run is at work; none when it does not."""
    asked = re.search(r'hx-trigger="every[^>]*hx-select="#(\w+)" hx-select-oob="([^"]*)"', page)
    return {asked[1], *re.findall(r"#(\w+)", asked[2])} if asked else set()


def disabled(page: str) -> set[str]:
    """The kinds of runs whose buttons are off."""
    return set(re.findall(r'name="kind" value="(\w+)" disabled', page))


def test_beside_a_run_at_work_only_what_cannot_start_is_off_and_says_why(
    olaf: Opens, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    browser, held = _held(olaf, settings, crm)
    try:
        at_work = browser.post("/runs", kind="pull", system="crm").headers["location"]
        assert held.asked.wait(20)
        page = browser.get("/systems/crm").text
        assert disabled(page) == {"sync", "pull", "sweep"}
        assert "Pull is at work (crm). Nothing else that works on these systems can start" in page
        assert f'href="{at_work}">See the run' in page
        assert disabled(browser.get("/systems/erp").text) == set()
        everywhere = browser.get("/systems").text
        assert disabled(everywhere) == set()
        assert refreshed(everywhere) == {"live", "failing", "start", "waits"}, (
            "tables, what fails, and the box with its buttons"
        )
        assert everywhere.index('id="start"') < everywhere.index("Pull is at work") < everywhere.index('id="live"')
        assert refreshed(page) == {"live", "waits"}
        assert page.index('id="live"') < page.index("Pull is at work")
        assert '<option value="" disabled>' in everywhere
        assert "<option disabled>crm" in everywhere
        assert "<option>erp" in everywhere
        refused = browser.post("/runs", kind="sweep", system="crm")
        assert refused.status_code == 409
        assert f'href="{at_work}"' in refused.text
        beside = browser.post("/runs", kind="pull", system="erp").headers["location"]
        assert beside not in (at_work, "/runs")
        assert browser.post("/runs", kind="reconcile").status_code == 303
    finally:
        held.go_on.set()
        crm.watch = None
    finished(browser)
    assert refreshed(browser.get("/systems").text) == set()
    for address in (at_work, beside):
        assert re.search(r"pull: done", plain(browser.get(address).text))


def test_a_sync_beside_another_reads_at_once_and_does_the_rest_when_that_has_ended(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser, held = _held(olaf, settings, crm)
    try:
        at_work = browser.post("/runs", kind="sync", system="crm").headers["location"]
        assert held.asked.wait(20)
        page = browser.get("/systems/erp").text
        assert disabled(page) == set()
        assert "a sync of other systems reads at once and does the rest afterwards" in page
        assert disabled(browser.get("/systems").text) == {"reconcile"}
        assert browser.post("/runs", kind="reconcile").status_code == 409
        second = browser.post("/runs", kind="sync", system="erp").headers["location"]
        page = until(browser, second, "order pull: done")
        assert "The rest of the sync waits for the reconciliation of another run (Sync " in plain(page)
        assert f'href="{at_work}">See the run' in page
        assert "Kind Sync, first part: Pull" in plain(page), "it was “Sync now” that was pressed"
        assert "Sync, first part: Pull" in browser.get("/runs").text
        assert "Stop it" in page
        assert 'hx-trigger="every' in page
        assert "pulled 7" in page
        assert disabled(browser.get("/systems/erp").text) == {"sync", "pull", "sweep"}
        limited = olaf(Role.OPERATOR, "erp").get(second).text
        assert "waits until another reconciliation has ended" in limited
        assert "crm" not in limited
    finally:
        held.go_on.set()
        crm.watch = None
    page = until(browser, second, "The rest of the sync was done by another run")
    (rest,) = re.findall(r'another run, once it was its turn to reconcile\. <a href="([^"]+)"', page)
    page = until(browser, rest, "econciled: n")  # what the other took up is kept
    assert "It is the second part of a sync" in page
    with sqlite_store.transaction() as connection:
        connection.execute(schema.run.update().where(schema.run.c.id == rest[6:]).values(status="interrupted"))
    page = plain(browser.get(second).text)
    assert "The rest of the sync was begun by another run, which did not do it" in page
    assert "was done by another run" not in page


def test_the_page_of_a_run_asks_each_second_at_first_and_more_slowly_later(olaf: Opens, sqlite_store: Store) -> None:
    browser = olaf(Role.VIEWER)
    with runs.running(sqlite_store, "pull") as run:
        began = now_us()
        assert 'hx-trigger="every 1s"' in browser.get(f"/runs/{run.id}").text
        for seconds, asks in ((9, 1), (11, 3)):
            with clock.simulated(lambda: (began + seconds * 1_000_000) * 1000):  # noqa: B023 - it is over before the next
                assert f'hx-trigger="every {asks}s"' in browser.get(f"/runs/{run.id}").text
    assert "hx-trigger" not in browser.get(f"/runs/{run.id}").text


def test_a_sync_that_waits_for_its_turn_can_be_stopped(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    browser = olaf(Role.OPERATOR)
    with runs.running(sqlite_store, "close", asked=runs.Asked("anna", "by_hand")):
        address = browser.post("/runs", kind="sync", system="erp").headers["location"]
        page = plain(until(browser, address, "order pull: done"))
        assert "waits for the reconciliation of another run (Close " in page
        assert "What it read is kept." in plain(until(browser, address, "What it read is kept."))
        assert browser.post(f"{address}/stop").status_code == 303
        page = until(browser, address, "The rest of the sync did not begin")
    assert 'hx-trigger="every' not in page
    with sqlite_store.reading() as connection:
        kinds = [item.kind for item in queries.recent_runs(connection)]
    assert sorted(kinds) == ["close", "pull"]


def test_a_sync_beside_a_run_that_soon_ends_reads_the_system_once(
    olaf: Opens, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.web.work._PATIENCE_SECONDS", 60.0)
    browser = olaf(Role.OPERATOR)
    with runs.running(sqlite_store, "close", asked=runs.Asked("anna", "by_hand")):
        assert browser.post("/runs", kind="sync", system="erp").headers["location"] == "/runs"
    finished(browser)
    with sqlite_store.reading() as connection:
        kinds = [item.kind for item in queries.recent_runs(connection)]
    assert sorted(kinds) == ["close", "sync"]


def test_a_sync_that_waits_for_its_turn_and_still_reads_does_not_say_that_it_has_read(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser, held = _held(olaf, settings, crm)
    try:
        with runs.running(sqlite_store, "close", asked=runs.Asked("anna", "by_hand")):
            address = browser.post("/runs", kind="sync", system="crm").headers["location"]
            assert held.asked.wait(20)
            page = plain(browser.get(address).text)
            assert "It reads first. The rest of the sync waits" in page
            assert "is kept" not in page
    finally:
        held.go_on.set()
        crm.watch = None
    finished(browser)


def until(browser: Browser, address: str, said: str) -> str:
    """The page, once it says so."""
    for _ in range(600):
        page = browser.get(address).text
        if said in plain(page):
            return page
    raise AssertionError(f"{address} does not say: {said}")


def test_who_is_limited_is_told_of_a_run_in_the_way_without_the_systems_of_others(
    olaf: Opens, sqlite_store: Store, crm: ToySystem
) -> None:
    browser, limited = olaf(Role.OPERATOR), olaf(Role.OPERATOR, "erp")
    held = Held(crm)
    try:
        browser.post("/runs", kind="sync", system="crm")
        assert held.asked.wait(20)
        page = limited.get("/systems/erp").text
        assert "Sync is at work. Until it has ended" in page
        assert "crm" not in page
    finally:
        held.go_on.set()
        crm.watch = None


def test_a_run_of_another_process_is_in_the_way_as_one_of_ours(olaf: Opens, sqlite_store: Store) -> None:
    with runs.running(sqlite_store, "sweep", asked=runs.Asked("anna", "by_hand", ("erp",))) as run:
        page = olaf(Role.OPERATOR).get("/systems/erp").text
        assert disabled(page) == {"sync", "pull", "sweep"}
        assert f'href="/runs/{run.id}">See the run' in page


@pytest.mark.parametrize("fields", [{"kind": "forget"}, {"kind": "push"}, {"kind": "pull", "system": "nobody"}, {}])
def test_nothing_else_is_started(olaf: Opens, fields: dict[str, str]) -> None:
    assert olaf(Role.OPERATOR).post("/runs", **fields).status_code == 400


def test_a_run_at_work_is_shown_as_it_goes_on_and_stops_after_the_page(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser, viewer = olaf(Role.OPERATOR), olaf(Role.VIEWER)
    held = Held(crm)
    browser.post("/runs", kind="pull", system="crm")
    assert held.asked.wait(20)
    id, page = page_of_the_run(browser)
    assert 'http-equiv="refresh"' in page
    assert 'id="live" hx-get' in page
    assert "crm.deal pull began" in page
    assert "Stop it" not in viewer.get(f"/runs/{id}").text
    assert viewer.post(f"/runs/{id}/stop").status_code == 403
    assert browser.post(f"/runs/{id}/stop").status_code == 303
    page = plain(browser.get(f"/runs/{id}").text)
    assert "It stops once the records that it is reading now are kept" in page
    assert re.search(r"Where it waits for an answer \(crm\), it stops when .* after [\d.]+ s at the latest", page)
    held.go_on.set()
    page = finished(browser)
    assert "crm.deal: pulled 3, new 3 so far" in plain(page)
    assert "crm.deal pull: STOPPED, pulled 3" in plain(page)
    assert re.search(r"operator stopped it at [-\d]+ [:\d]+\. What was read until then is kept; the next", plain(page))
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "run stopped"]
    assert (said.actor, said.detail) == ("operator", {"run": id, "kind": "pull", "systems": ["crm"]})
    crm.watch = None
    done = job.run_pull(sqlite_store, settings, systems=["crm"])
    assert done.outcomes[0].counts["new"] == 4  # what was left of seven


def test_a_run_says_what_it_waits_for_and_that_it_reconciles(
    olaf: Opens, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.systems["crm"].config["timeout_seconds"] = 60
    monkeypatch.setattr("connectors.contract.Connector.patience", RetryPolicy(total_seconds=150))
    monkeypatch.setattr("console.web.runs._SILENT_US", 0)
    browser, seen = olaf(Role.OPERATOR), []
    held = Held(crm)

    def reconciles(*_: object) -> dict[str, int]:
        seen.append(plain(page_of_the_run(browser)[1]))
        return {}

    monkeypatch.setattr("sync.session.Session._reconcile", reconciles)
    try:
        browser.post("/runs", kind="sync", system="crm")
        assert held.asked.wait(20)
        page = plain(page_of_the_run(browser)[1])
        waits = r"It waits for an answer; a call that gets none is tried up to 3 times and given up after 182 s"
        assert re.search(rf"crm\.deal: nothing came for \d+ s\. {waits} at the latest\.", page)
    finally:
        held.go_on.set()
        crm.watch = None
    assert "been reconciling" not in finished(browser)
    assert re.search(r"It has read, and has been reconciling for \d+ s\.", seen[0])


def test_what_waits_in_a_run_knows_that_it_was_stopped_on_the_page(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, stopped = Event(), Event()
    pull = Toy.pull

    def waiting_pull(self: Toy, *given: Any) -> Any:
        waits.set()
        assert stopped.wait(20)
        assert waiting.is_asked_to_stop()
        yield from pull(self, *given)

    monkeypatch.setattr(Toy, "pull", waiting_pull)
    browser = olaf(Role.OPERATOR)
    browser.post("/runs", kind="pull", system="crm")
    assert waits.wait(20)
    id, _ = page_of_the_run(browser)
    browser.post(f"/runs/{id}/stop")
    stopped.set()
    assert "crm.deal pull: STOPPED" in plain(finished(browser))


def test_a_run_of_another_process_is_shown_and_cannot_be_stopped_here(olaf: Opens, sqlite_store: Store) -> None:
    browser = olaf(Role.OPERATOR)
    with runs.running(sqlite_store, "pull") as run:
        with sqlite_store.transaction() as connection:
            runs.start_stream(connection, run.id, "crm", "deal", "pull")
        page = browser.get(f"/runs/{run.id}").text
        assert "crm.deal pull began" in page
        assert "Another process started it" in page
        refused = browser.post(f"/runs/{run.id}/stop")
        assert (refused.status_code, "not at work here" in refused.text) == (409, True)
        assert browser.post("/runs/nothing/stop").status_code == 404


def test_a_plan_that_is_refused_says_why_on_the_page_of_its_run(
    olaf: Opens, sqlite_store: Store, settings: Settings, erp: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    browser = olaf(Role.OPERATOR)
    address = re.findall(r'action="(/plans/[^"]+/apply)"', browser.get("/plans").text)[0]
    erp.edit("order", "o1", {"delivery": "returned"})
    job.run_pull(sqlite_store, settings)
    browser.post(address, all="yes")
    assert "is out of date; the plan is now" in finished(browser)


def test_who_is_limited_sees_of_a_run_only_the_part_of_their_systems(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    both = job.run_pull(sqlite_store, settings).run_id
    other = job.run_pull(sqlite_store, settings, systems=["crm"], full=True).run_id
    browser = olaf(Role.OPERATOR, "erp")
    page = browser.get(f"/runs/{both}").text
    assert "order" in page
    assert "crm" not in page
    assert other not in browser.get("/runs").text
    assert browser.get(f"/runs/{other}").status_code == 404
    assert browser.post(f"/runs/{both}/stop").status_code == 404


def test_a_run_leads_to_its_flow_run(
    olaf: Opens, sqlite_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    with runs.belonging_to(FLOW_RUN):
        theirs = job.run_pull(sqlite_store, settings, systems=["erp"], engine="prefect").run_id
    ours = job.run_pull(sqlite_store, settings, systems=["erp"]).run_id
    browser = olaf(Role.VIEWER)
    assert f'href="http://127.0.0.1:4200/runs/flow-run/{FLOW_RUN}"' in browser.get(f"/runs/{theirs}").text
    assert "Prefect" not in plain(browser.get(f"/runs/{ours}").text)
    monkeypatch.delenv("PREFECT_API_URL")
    told = unescape(plain(browser.get(f"/runs/{theirs}").text))
    assert f"Prefect's flow run {FLOW_RUN}. Its page is linked here once" in told


@pytest.mark.parametrize(
    ("ui", "api", "base"),
    [
        ("https://flows.example.com/", "http://127.0.0.1:4200/api", "https://flows.example.com"),
        ("", "http://127.0.0.1:4200/api/", "http://127.0.0.1:4200"),
        ("", "https://api.prefect.cloud/api/accounts/1", None),
        ("javascript:alert(1)", "", None),
        ("", "", None),
    ],
)
def test_prefect_s_pages_are_where_its_settings_say(
    monkeypatch: pytest.MonkeyPatch, ui: str, api: str, base: str | None
) -> None:
    monkeypatch.setenv("PREFECT_UI_URL", ui)
    monkeypatch.setenv("PREFECT_API_URL", api)
    assert prefect_ui.address(FLOW_RUN) == (None if base is None else f"{base}/runs/flow-run/{FLOW_RUN}")
    assert prefect_ui.address("x") is None


def test_a_run_says_who_started_it_why_and_for_what(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    job.run_pull(sqlite_store, settings, systems=["erp"], actor="anna")
    job.run_pull(sqlite_store, settings, systems=["crm"], unattended=True)
    page = plain(olaf(Role.VIEWER).get("/runs").text)
    assert re.search(r"Pull done \S+ \S+ anna started by hand erp", page)
    assert re.search(r"Pull done \S+ \S+ LTC Sync by the schedule crm", page)


def test_the_log_has_a_line_for_each_phase_with_counts_and_the_page_that_shows_more(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.edit("deal", "d1", {"stage": "frozen"})
    id = job.run_sync(sqlite_store, settings, push="apply").run_id
    page = olaf(Role.VIEWER).get(f"/runs/{id}").text
    log = plain(page.partition("<h2>Log, the newest first</h2>")[2])
    assert "Reconciled: no finding is new, came back or was resolved · all open findings" in log
    assert re.search(r"crm: planned what is to be written: to be written \d+ · see", log)
    assert re.search(r"crm.deal write-back: done, .*applied \d+", log)
    assert "crm: not understood: quarantined 1 · see" in log
    assert log.rindex("Reconciled") > log.rindex("lanned") > log.rindex("crm.deal write-back")  # the newest first
    assert '<a href="/plans">see</a>' in page
    limited = plain(olaf(Role.OPERATOR, "erp").get(f"/runs/{id}").text)
    assert "Reconciled" in limited
    assert "crm" not in limited


def test_a_reconciliation_that_found_nothing_new_says_so_with_how_many_findings_are_open(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    anew, kept = (job.run_reconcile(desk, given).run_id for _ in range(2))
    with desk.reading() as connection:
        count = sum(row[4] for row in findings.totals(connection))
    assert count > 1
    browser = as_role(Role.VIEWER)
    page = browser.get(f"/runs/{kept}").text
    assert f"Reconciled: nothing has changed since the last time, {count} findings open · all open findings" in plain(
        page
    )
    assert "Reconciled: new findings" not in page
    assert "nothing has changed since" not in browser.get(f"/runs/{anew}").text
    browser.post("/language", locale="zh-CN", next="/runs")
    assert f"已对账：自上次对账以来没有变化，未解决问题 {count} 个" in plain(browser.get(f"/runs/{kept}").text)


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 findings open"), (1, "1 finding open"), (1200, "1,200 findings open")]
)
def test_open_findings_are_counted_in_words(count: int, told: str) -> None:
    line = ran.log([], [Phase("kept", "", 0, 1, {"open": count})], [], texts("en"), UTC)
    assert line == [("00:00:00", f"Reconciled: nothing has changed since the last time, {told}", "/findings")]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"opened": 0, "reopened": 0, "cleared": 0}, "Reconciled: no finding is new, came back or was resolved"),
        ({"opened": 2}, "Reconciled: new findings 2, findings that came back 0, findings cleared 0"),
    ],
)
def test_a_reconciliation_is_told_in_one_form_of_words(counts: dict[str, int], told: str) -> None:
    line = ran.log([], [Phase("reconcile", "", 0, 1, counts)], [], texts("en"), UTC)
    assert line[0][1].replace("opened", "new findings") == told


def test_the_log_says_first_why_streams_failed_and_does_not_call_failed_what_was_not_tried(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.systems["crm"].config.update(streams=["deal", "lead"], entities=["opportunity", "lead"])
    crm.streams |= {"lead": {}}
    more = "  lead: {entity: lead, fields: {email: email}}\n"
    (Path(settings.path).parent / "crm.yaml").write_text(MAPPINGS["crm"] + more)
    crm.server.faults.answer(".", 401, times=100)
    with retry.no_waiting():
        id = job.run_pull(sqlite_store, settings).run_id
    browser = olaf(Role.VIEWER)
    page = browser.get(f"/runs/{id}").text
    log = re.findall(r"<li><time>.*?</time> (.*?)</li>", page.partition("<h2>Log")[2])
    assert re.match(r"crm\.(deal|lead) pull: FAILED.* – .*refused our credentials", plain(log[0]))
    assert sum("FAILED" in line for line in log) == 1
    [untried] = [line for line in log if re.fullmatch(r"crm\.(deal|lead) pull: not tried", plain(line))]
    assert not any(plain(line) == plain(untried).replace(": not tried", " began") for line in log)
    assert sum(plain(line).endswith(" pull began") and plain(line).startswith("crm.") for line in log) == 1
    assert '<td class="late" data-label="State">not tried' in page
    assert "FAILED, 0" not in plain(page)


def test_the_list_says_why_a_run_failed_to_who_may_see_it_and_what_was_skipped(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser, limited = olaf(Role.VIEWER), olaf(Role.VIEWER, "erp")
    crm.server.faults.answer(".", 401, times=100)
    with retry.no_waiting():
        job.run_pull(sqlite_store, settings)
    assert re.search(r"crm\.deal pull: \S+ refused our credentials", plain(browser.get("/runs").text))
    assert "credentials" not in limited.get("/runs").text
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", pauses.WHOLE, "olaf", "release")
    job.run_pull(sqlite_store, settings)
    page = plain(browser.get("/runs").text)
    assert "crm (skipped: paused), erp" in page
    assert "skipped" not in plain(limited.get("/runs").text)


def test_the_outcomes_that_can_be_chosen_are_written_alike(olaf: Opens) -> None:
    page = olaf(Role.VIEWER).get("/runs").text
    chosen = re.findall(r"<option[^>]*>(.*?)</option>", page.partition('name="outcome"')[2].partition("</select>")[0])
    assert chosen == ["all", "did not end well", "running", "done", "done in part", "failed", "stopped"]
    assert "Write-back or planning" in page


def test_a_run_that_was_cut_off_says_that_nobody_stopped_it(olaf: Opens, sqlite_store: Store) -> None:
    with runs.running(sqlite_store, "pull") as run:
        run.finish("interrupted")
    page = plain(olaf(Role.VIEWER).get(f"/runs/{run.id}").text)
    assert "It was cut off: its process ended, or lost the store. What was read until then is kept" in page


def test_a_run_that_only_planned_is_called_so(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_pull(sqlite_store, settings)
    job.run_reconcile(sqlite_store, settings)
    planned = job.run_push(sqlite_store, settings, push="plan").run_id
    written = job.run_push(sqlite_store, settings, push="apply").run_id
    page = plain(olaf(Role.VIEWER).get("/runs").text)
    assert f"{planned[-8:]} Planning done" in page
    assert f"{written[-8:]} Write-back done" in page


def test_a_planning_is_called_so_while_it_is_at_work(
    olaf: Opens, sqlite_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.run_pull(sqlite_store, settings)
    browser, seen = olaf(Role.OPERATOR), []

    def looks(*_: object) -> None:
        seen.append([plain(browser.get(page).text) for page in ("/runs", "/systems")])

    monkeypatch.setattr("sync.session.Session.plan", looks)
    job.run_push(sqlite_store, settings, push="plan", unattended=True)
    ((runs_told, systems_told),) = seen
    assert re.search(r" [0-9a-f]{8} Planning running", runs_told)
    assert "Planning is at work (crm, erp)." in systems_told


@pytest.mark.parametrize(
    ("refused", "how", "count"), [(1, "DONE IN PART", "1 record was"), (7, "FAILED", "7 records were")]
)
def test_a_write_back_of_which_records_were_refused_is_not_done_and_leads_to_dead_letters(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, refused: int, how: str, count: str
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    for number in range(1, refused + 1):
        crm.server.faults.answer(f"PATCH /deal/d{number}", 422)
    run = job.run_push(sqlite_store, settings, push="apply").run_id
    browser = olaf(Role.VIEWER)
    assert f"{run[-8:]} Write-back {how}" in plain(browser.get("/runs").text)
    page = browser.get(f"/runs/{run}").text
    assert f"refused {refused}" in page
    assert "quarantined" not in page
    assert re.search(rf"crm deal write-back {how} [\d.]+ ", plain(page))
    assert f"crm.deal write-back: {how}, " in plain(page)
    assert f"{count} refused." in page
    assert 'href="/dead-letters"' in page


def test_a_write_that_is_refused_while_a_run_is_at_work_is_not_called_quarantined(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.systems["crm"].push = "plan"
    job.run_sync(sqlite_store, settings)
    crm.server.faults.answer("PATCH /deal/", 422, times=100)
    browser = olaf(Role.OPERATOR)
    (id,) = re.findall(r'action="/plans/([0-9a-f]+)/apply"', browser.get("/plans").text)
    browser.post(f"/plans/{id}/apply", all="yes")
    page = plain(finished(browser))
    assert re.search(r"crm\.deal: refused \d so far", page)
    assert "quarantined" not in page


def test_the_list_has_short_ids_whole_ones_as_titles_and_marks_what_failed(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer("/deal", 401, times=10)
    failed = job.run_pull(sqlite_store, settings, systems=["crm"]).run_id
    done = job.run_pull(sqlite_store, settings, systems=["erp"]).run_id
    browser = olaf(Role.VIEWER)
    page = browser.get("/runs").text
    assert "Planning works out what is to be written, Write-back writes it." in page
    assert "The last run failed at it, at " in plain(browser.get("/systems/crm").text)
    for run, how in ((failed, "late"), (done, "")):
        row = re.search(rf'<tr><td[^>]*><a href="/runs/{run}" title="{run}">{run[-8:]}</a>.*?</tr>', page)
        assert row
        assert f'<td class="{how}" data-label="State">' in row[0]
        assert '<td class="day" data-label="Started">' in row[0]
    assert '<td class="late" data-label="State">FAILED' in browser.get(f"/runs/{failed}").text


def test_a_write_back_with_a_conflict_is_done_in_part(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    crm.edit("deal", "d3", {"delivery": "partly_delivered"})
    run = job.run_push(sqlite_store, settings, push="apply").run_id
    assert f"{run[-8:]} Write-back DONE IN PART" in plain(olaf(Role.VIEWER).get("/runs").text)


def test_a_run_says_while_it_is_at_work_what_it_leaves_out(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", pauses.WHOLE, "anna", "release")
    asked = runs.Asked(because="schedule", systems=("crm", "erp"))
    with runs.running(sqlite_store, "pull", asked=asked) as run:
        page = plain(olaf(Role.VIEWER).get(f"/runs/{run.id}").text)
    assert "crm (skipped: paused), erp" in page
    assert "skipped: crm is paused by anna (release)" in page


def test_a_run_that_reads_says_that_the_last_seconds_are_left_to_the_next(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    said = "What was changed in the last seconds before it began is read by the next run"
    browser = olaf(Role.VIEWER)
    assert said in browser.get(f"/runs/{job.run_pull(sqlite_store, settings).run_id}").text
    assert said not in browser.get(f"/runs/{job.run_reconcile(sqlite_store, settings).run_id}").text


def test_a_run_says_what_it_left_out_and_who_paused_it(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", "deal", "anna", "release")
    id = job.run_pull(sqlite_store, settings).run_id
    assert "skipped: crm.deal is paused by anna (release)" in olaf(Role.VIEWER).get(f"/runs/{id}").text
    assert "anna" not in olaf(Role.OPERATOR, "erp").get(f"/runs/{id}").text


def test_a_run_that_reads_anew_says_from_which_day_on(olaf: Opens) -> None:
    browser = olaf(Role.OPERATOR)
    browser.post("/systems/crm/backfill", stream="deal", since="2026-10-01")
    assert "Pull (from 2026-10-01 on)" in finished(browser)


def test_what_was_quarantined_is_told_as_a_part_of_what_was_pulled(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.edit("deal", "d1", {"stage": "frozen"})
    id = job.run_pull(sqlite_store, settings, systems=["crm"]).run_id
    assert "pulled 7, new 7, of these quarantined 1" in olaf(Role.VIEWER).get(f"/runs/{id}").text


def test_a_search_for_deletions_tells_its_result_be_it_nothing(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_pull(sqlite_store, settings)
    id = job.run_sweep(sqlite_store, settings, systems=["crm"]).run_id
    browser = olaf(Role.VIEWER)
    assert browser.get(f"/runs/{id}").text.count("listed 7, deleted 0") == 3  # the whole, the stream, the log


def listed(page: str) -> set[str]:
    """The ids of the runs that a page lists."""
    return set(re.findall(r'<a href="/runs/([^"?]+)"', page))


@pytest.fixture
def some_runs(sqlite_store: Store, settings: Settings) -> dict[str, str]:
    """Runs of several kinds, by name."""
    found = {
        "anna's pull of crm": job.run_pull(sqlite_store, settings, systems=["crm"], actor="anna").run_id,
        "scheduled pull of erp": job.run_pull(sqlite_store, settings, systems=["erp"], unattended=True).run_id,
        "ben's search in both": job.run_sweep(sqlite_store, settings, actor="ben").run_id,
    }
    with runs.running(sqlite_store, "reconcile", asked=runs.Asked("anna", "by_hand")) as run:
        run.finish("failed")
    return {**found, "failed reconciliation": run.id}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("system=crm", {"anna's pull of crm", "ben's search in both"}),
        ("kind=pull", {"anna's pull of crm", "scheduled pull of erp"}),
        ("outcome=failed", {"failed reconciliation"}),
        ("outcome=trouble", {"failed reconciliation"}),
        ("by=anna", {"anna's pull of crm", "failed reconciliation"}),
        ("by=LTC+Sync", {"scheduled pull of erp"}),
        ("by=anna&kind=pull", {"anna's pull of crm"}),
        ("day=2000-01-01", set()),
    ],
)
def test_runs_are_found_by_system_kind_outcome_person_and_day(
    olaf: Opens, some_runs: dict[str, str], asked: str, names: set[str]
) -> None:
    page = olaf(Role.VIEWER).get(f"/runs?{asked}")
    assert page.status_code == 200
    assert listed(page.text) == {some_runs[name] for name in names}
    assert ("No run fits" in page.text) == (not names)


def test_runs_of_a_day_are_those_of_the_day_where_the_business_is(
    olaf: Opens, sqlite_store: Store, some_runs: dict[str, str]
) -> None:
    last_minute = to_us(datetime(2026, 10, 3, 15, 59, tzinfo=UTC))  # 23:59 in Shanghai
    with sqlite_store.transaction() as connection:
        for id, at in ((some_runs["anna's pull of crm"], last_minute), (some_runs["ben's search in both"], 1)):
            connection.execute(schema.run.update().where(schema.run.c.id == id).values(started_at=at))
        later = {"started_at": last_minute + 60_000_000}
        connection.execute(
            schema.run.update().where(schema.run.c.id == some_runs["scheduled pull of erp"]).values(later)
        )
    browser = olaf(Role.VIEWER)
    assert listed(browser.get("/runs?day=2026-10-03").text) == {some_runs["anna's pull of crm"]}
    wrong = browser.get("/runs?day=soon")
    assert (wrong.status_code, "That is no day" in wrong.text) == (422, True)


def test_runs_go_on_over_pages_that_keep_the_filter(olaf: Opens, sqlite_store: Store) -> None:
    for number in range(51):
        with runs.running(sqlite_store, "pull", asked=runs.Asked(f"p{number % 51}", "by_hand", ("crm",))) as run:
            run.finish("done")
    browser = olaf(Role.OPERATOR)
    page = browser.get("/runs?system=crm").text
    assert ("Runs: 51" in page, "Page 1 of 2" in page, len(listed(page))) == (True, True, 50)
    (following,) = re.findall(r'rel="next" href="([^"]+)"', page)
    assert "system=crm" in following
    assert len(listed(browser.get(unescape(following)).text)) == 1


def test_who_is_limited_finds_only_their_runs_and_those_who_started_them(
    olaf: Opens, some_runs: dict[str, str]
) -> None:
    browser = olaf(Role.OPERATOR, "erp")
    assert listed(browser.get("/runs?kind=pull").text) == {some_runs["scheduled pull of erp"]}
    page = browser.get("/runs?system=erp").text
    assert listed(page) == {some_runs["scheduled pull of erp"], some_runs["ben's search in both"]}
    assert "crm" not in page
    assert "anna" not in page
    assert "anna" in browser.get("/runs").text  # the reconciliation is everybody's
    assert listed(browser.get("/runs?system=crm").text) == set()


def test_runs_that_are_removed_leave_nothing_of_their_systems(sqlite_store: Store, some_runs: dict[str, str]) -> None:
    with sqlite_store.transaction() as connection:
        connection.execute(schema.run.update().values(started_at=1))
        connection.execute(schema.stream_run.update().values(started_at=1))
        connection.execute(schema.stream_run.delete())
    with patch.object(retention, "_LAST_RUNS", 0):
        retention.prune(sqlite_store, retention.Policy(runs_days=1))
    with sqlite_store.reading() as connection:
        left = set(connection.exec_driver_sql("SELECT id FROM run").scalars())
        assert some_runs["ben's search in both"] not in left
        assert set(connection.exec_driver_sql("SELECT run_id FROM run_system").scalars()) <= left
