"""What finance, IT and admins do in a real browser, with pictures; nothing that axe complains of; no scripts needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Request, expect

from state import findings, members
from state.members import Role
from state.store import Store
from tests.browser.conftest import Somebody
from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/findings",
    "/findings?group=customer",
    "/findings/bulk?what=all",
    "/findings/views",
    "/trace?text=SO-00342",
    "/cash",
    "/cash/decided",
    "/cash/matched",
    "/links",
    "/links/held?text=INV-00342",
    "/quarantine",
    "/periods",
    "/systems",
    "/runs",
    "/plans",
    "/dead-letters",
    "/nothing-here",
)


def test_finance_finds_what_is_wrong_and_has_somebody_take_care_of_it(
    somebody: Callable[..., Somebody], store: Store
) -> None:
    anna = somebody(Role.FINANCE)
    anna.reads("Lead to cash")
    anna.picture("overview-en")
    anna.page.get_by_role("link", name="Billing").first.click()
    anna.reads("findings")
    anna.page.locator("table.findings a b").first.click()
    anna.reads("What the systems say")
    anna.picture("finding-en")
    anna.page.get_by_label("Who takes care of it").fill("wang.min")
    anna.page.get_by_label("somebody without access to LTC Sync").check()
    anna.page.get_by_role("button", name="Assign", exact=True).click()
    anna.reads("Assigned to wang.min.")
    anna.reads("assigned")
    id = anna.page.url.rpartition("/")[2].partition("?")[0]
    with store.reading() as connection:
        found = findings.find(connection, id)
    assert (found.status, found.assignee) == ("assigned", "wang.min")
    anna.page.locator(".sides thead a").first.click()
    anna.reads("what you searched for")


def test_finance_keeps_a_view_and_decides_on_all_that_it_shows(
    somebody: Callable[..., Somebody], store: Store, tmp_path: Path
) -> None:
    anna = somebody(Role.FINANCE)
    anna.page.get_by_role("link", name="Findings", exact=True).click()
    anna.page.locator('select[name="group"]').select_option("check")
    anna.page.get_by_role("button", name="Show").click()
    anna.page.locator("table.groups a").first.click()
    anna.page.get_by_text("Save this view").click()
    anna.page.get_by_label("Name of the view").fill("To look at")
    anna.page.get_by_role("button", name="Save", exact=True).click()
    expect(anna.page.get_by_role("link", name="To look at")).to_have_attribute("aria-current", "true")
    anna.page.locator("table.findings input[type=checkbox]").first.check()
    anna.page.get_by_role("button", name="Decide on the chosen ones").click()
    anna.reads("Decide on these 1")
    anna.picture("findings-bulk-en")
    anna.page.get_by_label("Comment").fill("Asked the branch")
    anna.page.get_by_role("button", name="Add").click()
    anna.reads("Findings decided on: 1")
    anna.page.locator("table.findings a b").first.click()
    letter = tmp_path / "letter.txt"
    letter.write_text("Confirmed by the branch", encoding="utf-8")
    anna.page.get_by_label("A file of at most").set_input_files(letter)
    anna.page.get_by_role("button", name="Attach").click()
    with anna.page.expect_download() as saved:
        anna.page.get_by_role("link", name="letter.txt").click()
    assert saved.value.path().read_text(encoding="utf-8") == "Confirmed by the branch"


def test_a_trace_is_found_by_typing_a_number(somebody: Callable[..., Somebody]) -> None:
    anna = somebody(Role.VIEWER)
    anna.page.get_by_role("link", name="Trace").click()
    field = anna.page.get_by_label("Number or a part of it, amount, id, customer or reference")
    expect(field).to_be_focused()
    anna.page.keyboard.type("SO-00342")
    anna.page.keyboard.press("Enter")
    anna.reads("Order SO-00342")
    anna.picture("trace-en")
    somebody_else = somebody(Role.VIEWER)
    somebody_else.page.goto(anna.page.url)
    somebody_else.reads("Order SO-00342")


def test_it_sees_how_fresh_everything_is(somebody: Callable[..., Somebody]) -> None:
    olaf = somebody(Role.OPERATOR)
    olaf.page.get_by_role("link", name="Systems").click()
    olaf.reads("Streams")
    olaf.page.get_by_role("link", name="Runs", exact=True).click()
    olaf.reads("Runs")


def test_an_admin_sets_a_password_and_changes_the_language(somebody: Callable[..., Somebody], store: Store) -> None:
    with store.transaction() as connection:
        token = members.invite(connection, "li.na", [Role.ADMIN], "test")
    li = somebody()
    li.page.goto(f"/welcome/{token}")
    for label in ("New password", "The same again"):
        li.page.get_by_label(label).fill(PASSWORD)
    li.page.get_by_role("button", name="Keep it").click()
    li.reads("Lead to cash")
    li.page.get_by_role("button", name="简体中文").click()
    li.reads("总览")
    li.page.get_by_role("link", name="问题", exact=True).click()
    li.reads("共")
    li.picture("findings-zh")
    li.page.get_by_role("button", name="退出").click()
    li.page.wait_for_url(re.compile("/sign-in"))


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_finds_nothing_on_any_page(somebody: Callable[..., Somebody], store: Store, look: str) -> None:
    anna = somebody(Role.ADMIN, phone=look == "phone", dark=look == "dark")
    with store.reading() as connection:
        one = findings.listing(connection)[0].id
    found = []
    for address in (*PAGES, f"/findings/{one}"):
        anna.page.goto(address)
        found += [f"{address}: {complaint}" for complaint in anna.complaints()]
    stranger = somebody(phone=look == "phone", dark=look == "dark")
    for address in ("/sign-in", "/welcome/x"):
        stranger.page.goto(address)
        found += [f"{address}: {complaint}" for complaint in stranger.complaints()]
    assert found == []


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_no_page_is_wider_than_the_screen(somebody: Callable[..., Somebody], store: Store, width: int) -> None:
    anna = somebody(Role.ADMIN)
    anna.page.set_viewport_size({"width": width, "height": 800})
    with store.reading() as connection:
        one = findings.listing(connection)[0].id
    wider = []
    for address in (*PAGES, f"/findings/{one}"):
        anna.page.goto(address)
        needed = anna.page.evaluate("document.documentElement.scrollWidth")
        wider += [(address, needed)] if needed > width else []
    assert wider == []


def _is_refused(request: Request) -> bool:
    """Whether it failed by itself; what is still on its way when one goes on to the next page is broken off."""
    return request.failure != "net::ERR_ABORTED"


def test_the_browser_refuses_nothing_and_loads_nothing_from_elsewhere(somebody: Callable[..., Somebody]) -> None:
    anna = somebody(Role.ADMIN)
    said: list[str] = []
    anna.page.on("console", lambda message: said.append(message.text))
    anna.page.on("requestfailed", lambda request: said.append(request.url) if _is_refused(request) else None)
    hosts = set()
    anna.page.on("request", lambda request: hosts.add(re.sub(r"^(https?://[^/]+).*", r"\1", request.url)))
    for address in PAGES[:-1]:
        anna.page.goto(address)
    assert said == []
    assert len(hosts) == 1
