"""The river on the overview: a period is chosen without a script, and what leaks leads to its findings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest

from console import needed
from console.i18n import texts
from console.tied import Document
from console.web import leaks, rivers
from console.web.overview import Latest
from console.web.present import Present
from reconciliation import behind
from settings.model import Settings
from state import figures
from state.members import Role
from state.schema import figure
from state.store import Store
from tests.console import deal
from tests.web.conftest import Browser


def cells(page: str, row: str) -> list[str]:
    """What stands in a row of the hand-offs, without what was before."""
    found = re.search(rf'<th scope="row">{row}</th>(.*?)</tr>', page, re.DOTALL)
    assert found is not None, row
    said = re.sub(r'<span class="quiet">.*?</span>', "", found[1])
    return [re.sub(r"(?:<[^>]+>|\s)+", " ", cell).strip() for cell in re.findall(r"<td.*?</td>", said, re.DOTALL)]


def test_a_month_is_chosen_by_a_form_and_shows_what_came_went_on_and_is_open(
    as_role: Callable[[Role], Browser],
) -> None:
    page = as_role(Role.VIEWER).get("/?period=2026-09").text
    assert '<option value="2026-09" selected>2026-09</option>' in page
    assert re.search(r'<a href="/\?period=2026-08#river" rel="prev">', page)
    assert cells(page, "Accepted quote → order") == ["1 1,000.00", "1 1,000.00", "–", "0 0.00", "0 0.00", "0"]
    assert cells(page, "Order → invoice")[:2] == ["1 1,000.00", "1 1,200.00"]
    assert cells(page, "Invoice → payment \\(with tax\\)") == [
        *("1 1,200.00", "1 1,200.00", "0 0.00", "1 50.00", "0 0.00"),
        "1 open",
    ]
    assert '<a href="/findings?stage=collection">1 open</a>' in page
    assert "own date" in page


def test_quarters_years_and_everything_can_be_asked_for_in_both_languages(as_role: Callable[[Role], Browser]) -> None:
    viewer = as_role(Role.VIEWER)
    for period in ("2026-Q3", "2026", "all"):
        assert cells(viewer.get(f"/?period={period}").text, "Invoice → payment \\(with tax\\)")[:2] == [
            *("2 1,250.00", "1 1,200.00")
        ]
    assert "before:" not in viewer.get("/?period=all").text
    viewer.post("/language", locale="zh-CN")
    page = viewer.get("/?period=2026-Q3").text
    assert "从线索到回款" in page
    assert cells(page, "订单 → 开票")[:1] == ["1 1,000.00"]


def test_without_a_choice_the_newest_month_with_anything_is_shown(as_role: Callable[[Role], Browser]) -> None:
    page = as_role(Role.VIEWER).get("/").text
    assert re.findall(r'<option value="(20[^"]+)" selected>', page) == ["2026-09"]
    assert 'rel="next">2026-10 →' in page


@pytest.mark.parametrize("period", ["2025-01", "2026-11", "2026-Q9", "9999", "x", "2026-09%00", "1" * 5000])
def test_a_period_in_which_there_is_nothing_is_not_there(as_role: Callable[[Role], Browser], period: str) -> None:
    assert as_role(Role.VIEWER).get(f"/?period={period}").status_code == 404


def test_a_figure_stands_beside_the_one_before(desk: Store, given: Settings) -> None:
    found = Latest(desk, Present(given)).of("en")
    chosen = found.river.find("2026-09")
    assert chosen is not None
    tab = rivers.shown(found.river, chosen, found.report, found.sums, texts("en"), found.asides)["tabs"][0]
    invoices = dict(tab.stages)["Invoices"]
    assert (invoices.count, invoices.amount, invoices.change) == ("1", "1,200.00", "more than ten times as much")
    assert invoices.before == "before: 1 · 50.00"


def test_each_period_is_drawn_once(desk: Store, given: Settings) -> None:
    latest = Latest(desk, Present(given))
    drawn: list[str] = []

    def draw(name: str) -> Callable[[], str]:
        return lambda: drawn.append(name) or name  # type: ignore[func-returns-value]

    for name in ("2026-09", "2026-08", "2026-09", "rest", "rest"):
        assert latest.drawn(latest.of("en"), name, draw(name)) == name  # type: ignore[arg-type]
    assert drawn == ["2026-09", "2026-08", "rest"]


def test_what_is_open_or_lost_leads_to_its_records_and_from_there_to_the_chain(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/?period=2026-09").text
    said = 'aria-label="Quote → accepted, Went on: 1">1</a>'
    found = re.search(rf'<a href="(/river\?handoff=quote_accepted&amp;fate=on&amp;[^"]+)" {said}', page)
    assert found is not None
    listed = viewer.get(unescape(found[1])).text
    assert "Quote → accepted: Went on" in listed
    row = re.search(r'<tr><th scope="row"><a href="(/trace\?text=Q-1)">Q-1</a></th>(.*?)</tr>', listed, re.DOTALL)
    assert row is not None
    assert re.findall(r"<td[^>]*>(.*?)</td>", row[2]) == ["crm", "", "accepted", "2026-09-01", "1,000.00"]
    assert "SO-1" in viewer.get(row[1]).text
    lead = viewer.get("/river?handoff=lead_opportunity&fate=on&period=all&currency=CNY").text
    assert "ACME S.r.l." in lead
    assert deal.EMAIL not in lead


@pytest.mark.parametrize(
    "asked",
    [
        *("", "handoff=quote_order&fate=open&period=2026-09&currency=CNY"),
        "handoff=order_delivery&fate=open&period=2026-09&currency=CNY",
        "handoff=quote_accepted&fate=x&period=2026-09&currency=CNY",
        "handoff=quote_accepted&fate=open&period=2026&currency=%00",
    ],
)
def test_what_has_no_records_behind_it_is_not_there(as_role: Callable[[Role], Browser], asked: str) -> None:
    assert as_role(Role.VIEWER).get(f"/river?{asked}").status_code == 404


def test_it_is_said_what_the_choice_governs_and_whether_that_period_is_closed(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/?period=2026-09").text
    assert "is that of this section alone; everything else on this page is of 2026-10." in page
    assert "<b>2026-09 is not closed: its figures may still change.</b>" in page
    assert "No month of 2026-Q3 is closed" in viewer.get("/?period=2026-Q3").text
    assert "may still change.</b>" not in viewer.get("/?period=all").text


@pytest.mark.parametrize(
    ("period", "closes", "said"),
    [
        ("2026-09", [("2026-09", "closed")], "2026-09 is closed and waits for approval."),
        ("2026-09", [("2026-09", "approved")], "2026-09 is closed and approved."),
        ("2026-09", [("2026-09", "reopened")], "2026-09 is not closed: its figures may still change."),
        ("2026-Q3", [("2026-08", "approved"), ("2026-10", "closed")], "Of 2026-Q3 are closed: 2026-08; the rest"),
    ],
)
def test_the_state_of_the_period_is_that_of_its_closes(
    desk: Store, given: Settings, period: str, closes: list[tuple[str, str]], said: str
) -> None:
    found = Latest(desk, Present(given)).of("en")
    chosen = found.river.find(period)
    assert chosen is not None
    report = {**found.report, "periods": [{"period": name, "status": status} for name, status in closes]}
    shown = rivers.shown(found.river, chosen, report, found.sums, texts("en"), found.asides)
    assert shown["state"].startswith(said)


def test_what_does_not_agree_leads_to_its_documents_and_what_of_it_is_not_due_yet(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)
    address = "/tie-outs?name=invoice_payment&amp;side=left&amp;currency=CNY&amp;part=unmatched"
    for page in (viewer.get("/?period=2026-09").text, viewer.get("/").text):
        assert page.count(f'href="{address}"') >= 2  # of the river and of the tie-outs
    listed = viewer.get(unescape(address)).text
    assert "1 in all, 50.00" in listed
    assert '<a href="/trace?text=INV-2">INV-2</a>' in listed
    assert "nothing" in listed
    assert "Not due yet: invoices before their due date" in listed
    why = re.search(r'<td data-label="Why"><a href="(/findings/[^"]+)">([^<]+)</a>', listed)
    assert why is not None
    assert "INV-2" in viewer.get(why.group(1)).text
    # An order of which nothing was delivered is not late before its day.
    orders = viewer.get("/tie-outs?name=order_delivery&side=left&currency=CNY&part=unmatched").text
    assert "of these 1 are not due yet, 1,000.00" in orders
    assert "2026-12-01<br>" in orders
    assert "of these 1 not due yet" in viewer.get("/").text
    viewer.post("/language", locale="zh-CN")
    assert "其中 1 项未到期" in viewer.get("/").text


def test_the_river_says_of_what_is_open_what_is_not_due_yet_with_its_money(as_role: Callable[[Role], Browser]) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/?period=all").text
    row = re.search(r'<th scope="row">Ordered goods → delivery</th>(.*?)</tr>', page, re.DOTALL)
    assert row is not None
    assert "of these 1 are not due yet, 1,000.00" in row[1]
    other = re.search(r'<th scope="row">Accepted quote → order</th>(.*?)</tr>', page, re.DOTALL)
    assert other is not None
    assert "not due" not in other[1]
    viewer.post("/language", locale="zh-CN")
    assert "其中 1 项未到期，1,000.00" in viewer.get("/?period=all").text


@pytest.mark.parametrize("period", ["2026-08", "2026-07"])
def test_what_stood_otherwise_at_the_end_of_a_period_leads_nowhere(
    as_role: Callable[[Role], Browser], period: str
) -> None:
    page = as_role(Role.VIEWER).get(f"/?period={period}")
    if page.status_code == 200:
        river = page.text[page.text.index('id="river"') : page.text.index('id="tie_outs"')]
        assert "name=order_delivery&amp;side=left" not in river


@pytest.mark.parametrize(
    "asked",
    [
        *("", "name=x&side=left&currency=CNY&part=unmatched", "name=quote_order&side=up&currency=CNY&part=unmatched"),
        "name=quote_order&side=left&currency=%00&part=unmatched",
        "name=quote_order&side=left&currency=CNY&part=all",
    ],
)
def test_a_part_that_no_tie_out_has_is_not_there(as_role: Callable[[Role], Browser], asked: str) -> None:
    assert as_role(Role.VIEWER).get(f"/tie-outs?{asked}").status_code == 404


def test_a_part_without_documents_says_so(as_role: Callable[[Role], Browser]) -> None:
    page = as_role(Role.VIEWER).get("/tie-outs?name=quote_order&side=left&currency=USD&part=excluded")
    assert (page.status_code, "There are none any more" in page.text) == (200, True)


def test_an_amount_that_stands_in_for_the_one_that_is_compared_is_said_with_its_stream(
    as_role: Callable[[Role], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = as_role(Role.VIEWER)
    address = "/tie-outs?name=order_invoice&side=left&currency=CNY&part=unmatched"
    assert "counted here in its place" not in viewer.get(address).text
    found = [needed.StandIn("files.order", "net_amount", "gross_amount")]
    monkeypatch.setattr(needed, "stand_ins", lambda _, name: found if name == "order_invoice" else [])
    said = "files.order has no amount without tax (its mapping fills only the one with tax), which is counted here in"
    assert f"{said} its place." in viewer.get(address).text


def test_what_is_on_the_other_side_in_another_currency_is_said_with_its_amount(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    viewer = as_role(Role.VIEWER)
    address = "/tie-outs?name=invoice_payment&side=left&currency=CNY&part=unmatched"
    assert 'data-label="On the other side">nothing<' in viewer.get(address).text
    key = behind.key("invoice_payment", "left", "CNY", behind.UNMATCHED)
    with desk.transaction() as connection:
        kept = figures.some(connection, behind.KIND, [key])[key]
        kept["documents"][0]["elsewhere"] = [{"currency": "EUR", "amount": 6990000}]
        row = {"kind": behind.KIND, "key": key, "at": 1, "run_id": "x", "value": json.dumps(kept)}
        connection.execute(figure.insert(), [row])
    assert 'data-label="On the other side">in another currency: 69,900.00 EUR<' in viewer.get(address).text
    viewer.post("/language", locale="zh-CN")
    assert "为其他币种：69,900.00 EUR" in viewer.get(address).text


def test_from_the_chosen_period_there_is_a_way_to_the_figures_of_just_that_period(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)

    def river(period: str) -> str:
        return viewer.get(f"/?period={period}").text.partition('id="river"')[2].partition('class="tabs"')[0]

    page = river("2026-09")
    assert "All figures of 2026-09, as the report of that month:" in page
    assert 'href="/figures"' not in page, "those are of another month"
    address = re.search(r'href="(/report/json\?period=[^"]+)"', page)
    assert address is not None
    assert viewer.get(address[1]).json()["period"] == "2026-09"
    assert '<a href="/figures">All figures of 2026-10 as a page</a>' in river("2026-10")
    assert '<a href="/?period=2026-08#river">2026-08</a>, <a href="/?period=2026-09#river">2026-09</a>' in river(
        "2026-Q3"
    )
    assert "All figures" not in river("all")
    whole = viewer.get("/?period=2026-09").text
    assert '<h2><a href="/figures">All figures of 2026-10 as a page</a></h2>' in whole
    viewer.post("/language", locale="zh-CN")
    assert "2026-09 的全部数据（该月报告）：" in river("2026-09")


@pytest.mark.parametrize(
    ("asked", "title", "chinese"),
    [
        ("order_invoice&side=left&part=unmatched", "Orders without a matching invoice", "没有匹配发票的订单"),
        ("order_invoice&side=right&part=unmatched", "Invoices without a matching order", "没有匹配订单的发票"),
        ("order_delivery&side=left&part=excluded", "Excluded orders of goods", "排除的产品订单"),
    ],
)
def test_documents_behind_a_tie_out_are_called_what_they_are(
    as_role: Callable[[Role], Browser], asked: str, title: str, chinese: str
) -> None:
    viewer, address = as_role(Role.VIEWER), f"/tie-outs?name={asked}&currency=CNY"
    assert f"<h1>{title}</h1>" in viewer.get(address).text
    page = viewer.get("/").text
    assert '<th scope="col" class="number">Unmatched invoices</th>' in page
    assert re.search(r"\d+ agree; do not: orders \d+, invoices \d+", page)
    viewer.post("/language", locale="zh-CN")
    assert f"<h1>{chinese}</h1>" in viewer.get(address).text


@pytest.mark.parametrize(
    ("part", "waits", "opposite", "said"),
    [
        (behind.EXCLUDED, True, None, "excluded"),
        (behind.UNMATCHED, True, None, "waits"),
        (behind.UNMATCHED, False, None, "alone"),
        (behind.UNMATCHED, False, 100, "differs"),
    ],
)
def test_a_document_about_which_nothing_was_found_says_why_it_is_there(
    part: str, waits: bool, opposite: int | None, said: str
) -> None:
    item = Document(1, "erp", "order", "o1", "SO-1", None, None, None, None, 100, opposite, (), None, waits)
    assert leaks._unexplained(item, part) == said


def test_it_is_said_column_by_column_which_time_it_looks_at(as_role: Callable[[Role], Browser]) -> None:
    viewer = as_role(Role.VIEWER)

    def told() -> list[str]:
        page = viewer.get("/?period=2026-09").text.partition('id="river"')[2].partition('class="tabs"')[0]
        return re.findall(r"<li>(.*?)[:：]", page)

    assert told() == ["Came, went on", "Open, not linked or different", "Of leads, opportunities and quotes"]
    viewer.post("/language", locale="zh-CN")
    assert told() == ["进入、转出", "未清、未关联或不一致", "线索、商机和报价"]


def test_choosing_a_period_leads_back_to_its_section(as_role: Callable[[Role], Browser]) -> None:
    page = as_role(Role.VIEWER).get("/?period=2026-09").text
    assert '<form method="get" action="/#river"' in page
    assert '<section id="river">' in page


def test_the_overview_begins_with_the_way_to_each_of_its_sections(as_role: Callable[[Role], Browser]) -> None:
    page = as_role(Role.VIEWER).get("/").text
    within = re.search(r'<nav class="within"[^>]*>(.*?)</nav>', page, re.DOTALL)
    assert within is not None
    found = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', within[1])
    assert [name for _, name in found][:3] == ["The largest findings", "Lead to cash", "Where money is lost"]
    assert {"tie_outs", "by_stage", "ageing"} <= {id for id, _ in found}
    places = [page.index(f' id="{id}"') for id, _ in found]
    assert places == sorted(places)
    assert within.start() < places[0]
