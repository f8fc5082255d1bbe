"""A clock that the settings stop is told where it governs figures, in the language of who reads it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from settings.model import Settings
from state import audit, findings, links, periods
from state.clock import from_us, now_us, simulated, to_us
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_findings_files import sent


def test_a_clock_that_stands_is_told_on_pages_whose_figures_it_governs(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser], given: Settings
) -> None:
    assert given.as_of is not None
    at = f"{given.as_of.astimezone(given.business_day_zone):%Y-%m-%d %H:%M}"
    vera = as_role(Role.VIEWER)
    for address in ("/", "/findings", "/periods", "/cash", "/trace"):
        assert f"The clock stands at {at} (as_of in the settings)" in vera.get(address).text
    for address in ("/systems", "/runs", "/monitoring", "/account"):
        assert "The clock stands" not in vera.get(address).text
    vera.post("/language", locale="zh-CN", next="/trace")
    assert f"当前时间固定为 {at}（ltc.yaml 中的 as_of）" in vera.get("/trace").text
    assert "clock stands" not in browser().get("/sign-in").text


def test_what_people_do_has_the_real_time_on_pages_and_that_of_the_clock_in_reports(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    assert given.as_of is not None
    stands, began = to_us(given.as_of), now_us()
    anna = as_role(Role.FINANCE)
    with desk.reading() as connection:
        found = findings.listing(connection)[0].id
        query = "SELECT kind, left_id, right_id FROM link WHERE decision = 'auto' AND left_entity = 'invoice' LIMIT 1"
        link = connection.execute(text(query)).one()
    anna.post(f"/findings/{found}/explain", reason="so")
    anna.post(f"/links/{link.kind}/{link.left_id}/{link.right_id}/cut", reason="Another deal")
    anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    with desk.reading() as connection:
        explained, close = findings.history(connection, found)[-1], periods.closes(connection)[0]
        cut = links.decided(connection, limit=1)[0]
        audited = audit.entries(connection, actor="a.finance", limit=3)
    assert (explained.event, explained.at, close.closed_at) == ("explained", stands, stands)
    assert cut.decided_at is not None
    assert [item.action for item in audited] == ["period closed", "link cut", "finding explained"]
    assert began <= min(cut.decided_at, *(item.at for item in audited))
    assert began <= min(explained.done_at, close.done_at("closed") or 0)
    assert "pages show when people did something by the real time" in anna.get("/periods").text


def test_the_history_files_and_closes_stand_in_the_order_in_which_people_made_them(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    anna, hours = as_role(Role.FINANCE), [1]

    def wall() -> int:
        return began * 1000 + hours[0] * 3_600_000_000_000

    began = now_us()
    with desk.reading() as connection:
        found = findings.listing(connection)[0].id
    with simulated(wall):
        anna.post(f"/findings/{found}/explain", reason="so")
        assert sent(anna, found) == 303
        anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
        hours[0] = 2
        anna.post(f"/findings/{found}/comment", text="Seen")
        anna.post("/periods/2026-09/reopen", reason="Invoices were missing")
        page, listed = anna.get(f"/findings/{found}").text, anna.get("/periods").text
        above = {address: anna.get(address).text for address in ("/", "/figures")}
    zone = given.business_day_zone
    first, then = (f"{from_us(began + n * 3_600_000_000).astimezone(zone):%Y-%m-%d %H:%M}" for n in (1, 2))
    times = re.findall(r"<time>(.*?)</time>", page.partition('class="history"')[2])
    assert times[-3:] == [first, first, then]
    assert f'<td class="day">{first}</td>' in page, "of the file"
    assert f"a.finance, {first}" in listed
    assert f"a.finance, {then}" in listed
    for text_ in above.values():
        assert f"a.finance, {first} {zone.key}" in text_
        assert f"a.finance, {then} {zone.key}" in text_


def test_nothing_is_told_of_a_clock_that_goes_on(
    as_role: Callable[[Role], Browser], given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vera = as_role(Role.VIEWER)
    monkeypatch.setattr(given, "as_of", None)
    assert "clock stands" not in vera.get("/trace").text
