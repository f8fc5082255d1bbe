"""The HTML report: one file that needs nothing else, in which nothing from a source system can act."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from console.i18n import texts
from console.report import cards, figures, html
from tests.console import sample_report
from tests.console.sample_report import HOSTILE


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


@pytest.fixture
def text() -> str:
    return html.render(sample_report.report(), "en")


def test_the_month_comes_first_with_what_began_by_its_end_and_money_in_each_currency() -> None:
    billed_and_paid, before_tax = "invoice_payment", "order_invoice"
    moved = [
        *((billed_and_paid, "left", currency, sum_) for currency, sum_ in (("CNY", "1000.00"), ("EUR", "20.00"))),
        *((billed_and_paid, *rest) for rest in (("left", "USD", "0.00"), ("right", "CNY", "400.00"))),
        (before_tax, "right", "CNY", "884.96"),
    ]
    zero = dict.fromkeys(("opening", "adjustments", "closing", "open_before", "settled", "open_now"), "0.00")
    rows = [
        {"tie_out": tie_out, "side": side, "currency": currency, "period": "2026-09", "documents": amount}
        for tie_out, side, currency, amount in moved
    ]
    closed = {**sample_report.report()["periods"][0], "closed_at": "2026-10-10T02:00:00Z"}
    tied = sample_report.report()["period_tie_outs"][0]
    back = {"left_amount": "0.00", "right_amount": "75.00"}
    tied = {**tied, "name": billed_and_paid, "currency": "CNY", "movement": {**tied["movement"], "back": back}}
    shown = sample_report.report(
        period_tie_outs=[tied],
        period="2026-09",
        movements=[{**zero, **row} for row in rows],
        sign_off=closed,
        as_of="2026-10-12T02:00:00Z",
    )

    billed, net, received, owed, _, began = cards.of_month(shown, texts("en"))

    assert (billed["figure"], billed["note"]) == ("1,000.00", "in CNY; and EUR 20.00, USD 0.00"), "as the page says it"
    assert (net["title"], net["figure"]) == ("Billed in the month, before tax", "884.96")
    assert (received["figure"], received["note"]) == ("400.00", "in CNY · paid back: CNY 75.00")
    assert received["title"] == "Received in the month, less paid back"
    assert owed["note"].startswith(f"on {shown['receivables']['as_at']}")
    # The close was ten days after the month's end: of ages 5, 91, 40 and 0 days, two began by then.
    assert (began["figure"], began["note"]) == ("2", "by 2026-09-30, not cleared yet; errors: 1; began later: 2")
    page = html.render(shown, "en")
    assert page.index("Billed in the month") < page.index("Open findings")


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    page = Page(text)
    loading = {"src", "srcset", "data", "action", "formaction", "poster", "background"}
    assert [tag for tag, attributes in page.tags if loading & attributes.keys()] == []
    assert "link" not in {tag for tag, _ in page.tags}
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text


def test_what_a_source_calls_its_records_is_text_and_never_markup(text: str) -> None:
    page = Page(text)
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(" in text
    assert len(page.scripts) == 1
    assert "alert" not in page.scripts[0]


def test_records_link_to_their_system_but_only_to_web_addresses(text: str) -> None:
    links = [attributes["href"] or "" for tag, attributes in Page(text).tags if tag == "a"]
    outside = {link for link in links if not link.startswith("#")}
    owed = {f"https://books.example/{number}" for number in ("I1", "I2", "P1")}
    assert outside == {"https://erp.example/sale/7?a=1&b=2", "https://books.example/7"} | owed


def test_what_customers_owe_begins_with_the_most_money_and_ends_with_the_sum_of_each_currency() -> None:
    report = sample_report.report()
    owed = report["receivables"]
    (first, other), (invoice, payment, _) = owed["customers"], owed["items"]
    owed["customers"] = [
        {**first, "system": "bank", "customer": None, "customer_number": "", "total": "-9.00"},
        *({**first, "total": "10.00"}, other, {**first, "customer": "Largest", "customer_number": "C3"}),
    ]
    owed["items"].append({**payment, "system": "bank", "customer": None, "customer_number": ""})
    sections = {item["id"]: item for item in html.period_sections(report, texts("en"), html.Ways("/trace"))}
    table = sections["receivables_ageing"]
    assert [row[1]["text"] for row in table["rows"]][::2] == ["Largest", UNALLOCATED]
    assert [row[3]["text"] for row in table["rows"]] == ["99.90", "10.00", "-9.00", "500"]
    sums = [[cell["text"] for cell in row] for row in table["sums"]]
    assert [(row[1], row[2], row[3]) for row in sums] == [("Total", "CNY", "99.90"), ("Total", "JPY", "500")]
    assert table["rows"][0][1]["trace"] == "/trace?text=Largest"
    assert table["rows"][2][1]["trace"] == ""
    documents = sections["receivables"]["rows"]
    assert [row[9]["text"] for row in documents] == ["100.10", "-0.20", "-0.20", "500"]
    assert (documents[0][3]["trace"], documents[0][3]["url"]) == ("/trace?text=I1", "https://books.example/I1")
    owed["items"].append({**invoice, "system": "bank", "customer": None, "customer_number": ""})
    again = {item["id"]: item for item in html.period_sections(report, texts("en"))}["receivables_ageing"]
    assert [(cell["text"], cell["trace"]) for cell in (row[1] for row in again["rows"])][2] == ("No customer given", "")


UNALLOCATED = "Receipts of no customer (matched here, not booked: 0.00; loose: 0.20)"


def test_receipts_of_no_customer_and_credits_say_how_much_is_matched_and_only_not_booked() -> None:
    report = sample_report.report()
    owed = report["receivables"]
    found = next(item for item in owed["items"] if item["kind"] == "payment")
    nobody = {"system": "bank", "customer": None, "customer_number": ""}
    owed["customers"].append({**owed["customers"][0], **nobody})
    loose = {**found["record"], "source_id": "loose"}
    owed["items"] = [{**found, **nobody}, {**found, **nobody, "record": loose, "amount": "-0.07"}]
    receipt = report["cash"]["receipts"][0]
    report["cash"]["receipts"] = [{**receipt, "record": found["record"], "amount": "0.20", "left": "0.00"}]
    sections = {item["id"]: item for item in html.period_sections(report, texts("en"))}
    said = [row[1]["text"] for row in sections["receivables_ageing"]["rows"]]
    assert "Receipts of no customer (matched here, not booked: 0.20; loose: 0.07)" in said
    documents = {row[9]["text"]: row[1]["text"] for row in sections["receivables"]["rows"]}
    assert documents["-0.20"] == "Receipt of no customer; matched here, not booked"
    assert documents["-0.07"] == "Receipt of no customer; loose"
    by_age = sections[html.OWED]
    heads = [head for head, _ in by_age["heads"]]
    places = [heads.index(f"Of credits: {name}") for name in ("receipts matched here, not booked", "loose receipts")]
    shown = {row[0]["text"]: [row[place]["text"] for place in places] for row in by_age["rows"]}
    assert shown == {"CNY": ["-0.20", "-0.07"], "JPY": ["0", "0"]}
    assert heads.index("Credits") == places[0] - 1


def test_customers_come_in_the_order_of_their_money_in_the_base_currency_where_there_are_rates() -> None:
    report = sample_report.report()
    first, other = report["receivables"]["customers"]
    report["receivables"]["customers"] = [first, {**other, "total": "5000", "currency": "JPY"}]
    report["receivables"]["customers"].append({**first, "currency": "KWD", "total": "1.000"})
    [cny, jpy, kwd] = (item["currency"] for item in report["receivables"]["customers"])
    rates = {"JPY": Decimal("0.05")}
    sections = {item["id"]: item for item in html.period_sections(report, texts("en"), rates=rates)}
    table = sections["receivables_ageing"]
    assert table["title"] == "Receivables by customer"
    assert table["heads"][2:5] == [("Currency", False), ("All of it", True), ("All of it in CNY", True)]
    assert [(row[2]["text"], row[4]["text"]) for row in table["rows"]] == [
        (jpy, "250.00"),
        (cny, "99.90"),
        (kwd, "–"),
    ]
    assert [row[0]["text"] for row in table["rows"]] == ["1", "2", "3"]
    without = {item["id"]: item for item in html.period_sections(report, texts("en"))}["receivables_ageing"]
    assert [row[2]["text"] for row in without["rows"]] == [cny, jpy, kwd]


def test_what_is_matched_with_receipts_but_not_booked_stands_beside_what_a_customer_owes() -> None:
    report = sample_report.report()
    owed = next(item for item in report["receivables"]["items"] if item["kind"] == "invoice")
    entry = next(item for item in report["cash"]["receipts"] if item["applied"])["applied"][0]
    entry |= {"record": owed["record"], "amount": "60.00", "currency": owed["currency"]}
    table = {item["id"]: item for item in html.period_sections(report, texts("en"))}["receivables_ageing"]
    place = [head for head, _ in table["heads"]].index("Matched, not booked")
    shown = {row[2]["text"]: row[place]["text"] for row in table["rows"]}
    assert shown == {"CNY": "60.00", "JPY": "0"}
    assert [row[place]["text"] for row in table["sums"]] == ["60.00", "0"]


def test_what_is_overdue_stands_alone_with_the_longest_first_and_leads_to_its_customer() -> None:
    report = sample_report.report()
    owed = report["receivables"]["items"]
    invoice = next(item for item in owed if item["kind"] == "invoice")
    late = [{**invoice, "overdue_days": days, "customer": f"C{days}"} for days in (3, 90, 40)]
    report["receivables"]["items"] = [{**invoice, "overdue_days": 0}, *late]
    found = html.overdue(report, texts("en"), html.Ways("/trace", customer="/customers"))
    assert found is not None
    assert [(row[0]["text"], row[1]["text"], row[6]["text"]) for row in found["rows"]] == [
        ("1", "C90", "90"),
        ("2", "C40", "40"),
        ("3", "C3", "3"),
    ]
    assert found["rows"][0][1]["trace"] == "/customers?text=C90"
    report["receivables"]["items"] = [{**invoice, "overdue_days": 0}]
    assert html.overdue(report, texts("en")) is None


def test_money_that_settles_nothing_in_its_source_is_shown_with_what_it_settles_and_what_to_do(text: str) -> None:
    section = text[text.index('<section id="cash_totals">') : text.index('<section id="findings">')]
    assert "bank fee: -0.10" in section
    assert "perhaps INV-8 500 (Something of just this amount is open)" in section
    assert "Choose among the suggestions." in section
    assert 'href="#cash_totals">Cash application</a>' in text
    assert "cash_totals" not in html.render(sample_report.empty(), "en")


def test_every_chart_says_in_words_what_it_shows(text: str) -> None:
    charts = [attributes for tag, attributes in Page(text).tags if tag == "svg"]
    assert len(charts) > 10
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert 'aria-label="CNY: 1 agree; do not: orders 1, invoices 0"' in text


def test_tie_outs_that_agree_entirely_are_one_line_to_open_and_the_others_are_open() -> None:
    report = sample_report.report()
    text = html.render(report, "en")
    folded, opened = text.count('<details class="tie-out">'), text.count('<details class="tie-out" open>')
    nothing = {"count": 0, "amount": "0"}
    for item in report["tie_outs"]:
        item |= {"unmatched_left": nothing, "unmatched_right": nothing}
    assert opened > 0
    assert html.render(report, "en").count('<details class="tie-out">') == folded + opened


def test_who_has_to_act_begins_with_the_sum_of_each_department() -> None:
    report = sample_report.report()
    found = html.overview(report, figures.tally(report["findings"]), texts("en"))["departments"]
    assert sum(group["count"] for group in found) == len(report["findings"])
    for group in found:
        assert group["count"] == sum(row["count"] for row in group["rows"])
        assert group["base"] == sum(row["base"] for row in group["rows"])
    assert len({group["key"] for group in found}) == len(found)


def test_tables_name_their_rows_and_columns(text: str) -> None:
    heads = [attributes for tag, attributes in Page(text).tags if tag == "th"]
    assert all(head.get("scope") in ("col", "row", "rowgroup") for head in heads)


def test_money_is_shown_with_the_decimals_of_its_currency(text: str) -> None:
    assert re.search(r"1,200 <span[^>]*>JPY", text)
    assert re.search(r"1\.234 <span[^>]*>KWD", text)
    assert "57.00 CNY" in text


def test_findings_can_be_filtered_by_what_is_there(text: str) -> None:
    page = Page(text)
    selects = [attributes["name"] for tag, attributes in page.tags if tag == "select"]
    assert selects == ["stage", "department", "severity"]
    assert '<option value="collection">Collection</option>' in text
    assert '<option value="quote">' not in text
    rows = [attributes for tag, attributes in page.tags if tag == "tr" and "data-stage" in attributes]
    assert len(rows) == 4


def test_it_suits_dark_screens_and_paper(text: str) -> None:
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_it_speaks_chinese_throughout() -> None:
    text = html.render(sample_report.report(), "zh-CN")
    assert '<html lang="zh-CN">' in text
    assert "线索到回款对账报告" in text
    for english in ("Findings", "Tie-outs", "Every stage", "Severity", "Ageing"):
        assert english not in text


def test_a_waiver_shows_who_approved_it_and_until_when() -> None:
    waived = sample_report.finding(
        *("f9", "invoice_overdue", "collection", "finance", "warning", ("1.00", "CNY", "1.00"), 3),
    )
    waived.update(status="waived", reason="agreed", approver="wang", waived_until="2026-12-31")
    text = html.render(sample_report.report(findings=[waived]), "en")
    assert re.search(r"waived · .*Reason: agreed · Approved by: wang · Waived until: 2026-12-31", text)


def test_a_company_without_findings_is_told_so() -> None:
    empty = sample_report.report(
        findings=[], tie_outs=[], roll_forward={"opening": 0, "new": 0, "cleared": 0, "closing": 0}
    )
    text = html.render(empty, "en")
    assert "Nothing is open" in text
    assert "Nothing has been reconciled yet" in text


def test_a_very_long_list_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_FINDINGS", 3)
    text = html.render(sample_report.report(), "en")
    assert "The first 3 of 4 findings are shown" in text
    assert text.count("data-stage=") == 3


def test_findings_that_began_after_the_month_come_last_and_are_marked_so() -> None:
    report = sample_report.report()
    finding = report["findings"][0]
    titles = ("young", "old", "older")
    ages = (3, 31, 60)
    report["findings"] = [
        {**finding, "id": title, "title": title, "severity": severity, "age_days": age}
        for title, severity, age in zip(titles, ("error", "warning", "error"), ages, strict=True)
    ]
    report["period"] = "2026-09"  # of a report of 2026-10-31
    page = html.render(report, "en")
    listed = page[page.index('<section id="findings">') :]
    assert re.findall(r"<td><b>(\w+)</b>( <span class=\"pill info\">began after the month</span>)?", listed) == [
        ("older", ""),
        ("old", ""),
        ("young", ' <span class="pill info">began after the month</span>'),
    ]
    assert "1 finding began after 2026-09-30: it comes last, and is marked so." in listed
    report["period"] = "2026-10"
    now = html.render(report, "en")
    assert "began after" not in now
    assert "发生在本月之后" in html.render({**report, "period": "2026-09"}, "zh-CN")
