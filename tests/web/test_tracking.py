"""A customer follows one order by a link, and sees nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from console.i18n import texts
from console.order_words import how_far, told
from state import clock, shares
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_signing_in import HOUR, Clock


@pytest.fixture
def order(desk: Store) -> int:
    with desk.reading() as connection:
        return int(connection.execute(text("SELECT record_id FROM orders WHERE number = 'SO-1'")).scalar_one())


def test_a_customer_sees_how_far_the_order_is_and_nothing_else(
    order: int, as_role: Callable[[Role], Browser], browser: Callable[..., Browser]
) -> None:
    anna = as_role(Role.FINANCE)
    assert f'href="/orders/{order}/share"' in anna.get("/trace?text=SO-1").text
    page = anna.post(f"/orders/{order}/share", days="10").text
    link = re.findall(r'href="[^"]*(/track/[^"]+)"', page)[0]
    assert "Links that are good now: 1." in page
    seen = browser().get(link)
    assert seen.status_code == 200
    for shown in ("Order SO-1", "in progress", "2026-09-02", "2026-12-01", "not delivered"):
        assert shown in seen.text
    for hidden in ("1,000", "1000.00", "ACME", "Q-1", "INV-1", "Rossi", "erp", "a.finance"):
        assert hidden not in seen.text
    assert 'name="robots" content="noindex"' in seen.text


def test_the_customer_is_met_in_the_language_of_the_browser_and_without_our_name(
    order: int, as_role: Callable[[Role], Browser], browser: Callable[..., Browser]
) -> None:
    page = as_role(Role.FINANCE).post(f"/orders/{order}/share", days="10").text
    link = re.findall(r'href="[^"]*(/track/[^"]+)"', page)[0]
    assert re.search(rf'data-copy="http://[^"]+{link}"[^>]* hidden>Copy the link', page)
    for asked, lang in (("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("de, en-GB;q=0.5, zh;q=0.1", "en"), ("de;q=x, *", "en")):
        seen = browser(accept_language=asked).get(link).text
        assert f'<html lang="{lang}">' in seen
        assert "LTC Sync" not in seen


def test_the_customer_sees_the_name_of_the_company_once_ltc_yaml_says_it(
    order: int, config: Path, desk: Store, browser: Callable[..., Browser]
) -> None:
    with desk.transaction() as connection:
        token = shares.share(connection, order, "test", 9)
    customer = browser()
    before = customer.get(f"/track/{token}").text
    config.write_text(config.read_text() + "company: Huayi <Instruments>\n")
    after = customer.get(f"/track/{token}").text
    assert "Huayi" not in before
    named = "<p>Huayi &lt;Instruments&gt;</p>"
    assert (after.count("Huayi"), named in after) == (1, True)
    assert after.replace(named, "").split() == before.split(), "and nothing else"
    assert "Huayi" not in customer.get("/track/of-nothing").text


@pytest.mark.parametrize(("lang", "said"), [("en", "in progress"), ("zh-CN", "执行中")])
def test_the_trace_and_the_customers_page_use_the_same_words_for_an_order(
    lang: str,
    said: str,
    order: int,
    as_role: Callable[[Role], Browser],
    browser: Callable[..., Browser],
    desk: Store,
) -> None:
    with desk.transaction() as connection:
        token = shares.share(connection, order, "test", 9)
    seen = browser(accept_language=lang).get(f"/track/{token}").text
    figure = re.search(r'class="figure">([^<]+)<', seen)
    assert figure is not None
    assert figure.group(1) == said
    anna = as_role(Role.FINANCE)
    anna.post("/language", locale=lang, next="/")
    found = re.search(r'<div class="record asked">.*?</div>', anna.get("/trace?text=SO-1").text, re.DOTALL)
    assert found is not None
    words = texts(lang)
    assert words("joined.pair", name=words("trace.how_far"), value=said) in found.group()
    for state in re.findall(r"<dd>([^<]*[^-0-9<][^<]*)</dd>", seen):
        assert state in found.group(), "each state of the order is called the same"


@pytest.mark.parametrize(
    ("delivery", "payment", "status", "shown"),
    [
        ("delivered", "paid", "in_progress", "completed"),
        ("delivered", "overpaid", "in_progress", "completed"),
        ("delivered", "partly_paid", "in_progress", "delivered"),
        ("delivered", "unpaid", "completed", "delivered"),
        ("partly_delivered", "paid", "in_progress", "partly delivered"),
        ("not_delivered", "paid", "in_progress", "in progress"),
        ("delivered", "paid", "cancelled", "cancelled"),
    ],
)
def test_an_order_is_complete_once_it_is_delivered_invoiced_and_paid(
    delivery: str, payment: str, status: str, shown: str
) -> None:
    states = {"delivery_state": delivery, "billing_state": "invoiced", "payment_state": payment}
    assert how_far(status, states, "en") == shown


def test_a_link_ends_by_itself_or_when_somebody_ends_it(
    order: int, as_role: Callable[[Role], Browser], browser: Callable[..., Browser], desk: Store
) -> None:
    time = Clock()
    with clock.simulated(time):
        with desk.transaction() as connection:
            short, long = (shares.share(connection, order, "test", days) for days in (1, 9))
        time.pass_by(25 * HOUR)
        assert browser().get(f"/track/{short}").status_code == 404
        assert browser().get(f"/track/{long}").status_code == 200
        as_role(Role.FINANCE).post(f"/orders/{order}/share/end")
        ended = browser().get(f"/track/{long}")
        assert (ended.status_code, "This link has ended" in ended.text) == (404, True)
        assert "LTC Sync" not in ended.text
        assert [link for link in re.findall(r'<a [^>]*href="([^"]+)"', ended.text) if link != "#content"] == []


def test_only_orders_are_shared_and_links_cannot_be_guessed(
    order: int, as_role: Callable[[Role], Browser], browser: Callable[..., Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    with desk.reading() as connection:
        invoice = connection.execute(text("SELECT record_id FROM invoices WHERE number = 'INV-1'")).scalar_one()
    assert anna.post(f"/orders/{invoice}/share").status_code == 404
    assert anna.post("/orders/424242/share").status_code == 404
    for token in ("x", str(order), "%2e%2e"):
        assert browser().get(f"/track/{token}").status_code == 404
    anna.post(f"/orders/{order}/share")
    with desk.reading() as connection:
        kept = [str(row) for row in connection.execute(text("SELECT * FROM order_share"))]
    assert len(kept) == 1
    assert re.search("[0-9a-f]{64}", kept[0])


def test_the_page_of_links_shows_until_when_each_is_good_and_all_orders_that_are_shared(
    order: int, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    with desk.transaction() as connection:
        shares.share(connection, order, "li.wei", 3)
    page = anna.get(f"/orders/{order}/share").text.partition("All orders that are shared now")[2]
    assert '<button class="second">End all links to order SO-1</button>' in anna.get(f"/orders/{order}/share").text
    assert f'<th scope="row" class="day"><a href="/orders/{order}/share">SO-1</a></th><td>li.wei</td>' in page
    assert page.count(">End this link<") == 1, "the button alone is called so, and not its column"
    assert re.search(r'<td class="day">20\d\d-\d\d-\d\d \d\d:\d\d</td>', page)
    anna.post(f"/orders/{order}/share/end")
    assert "works any more." in anna.get(f"/orders/{order}/share").text
    assert "All orders that are shared now" not in anna.get(f"/orders/{order}/share").text


def test_one_link_of_several_is_ended_and_the_others_go_on(
    order: int, as_role: Callable[[Role], Browser], browser: Callable[..., Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    with desk.transaction() as connection:
        first, second = (shares.share(connection, order, "li.wei", days) for days in (3, 5))
    rows = anna.get(f"/orders/{order}/share").text.partition("All orders that are shared now")[2]
    links = re.findall(rf'action="/orders/{order}/share/end".*?name="link" value="([0-9a-f]+)"', rows)
    assert (len(links), first in rows, second in rows) == (2, False, False)
    anna.post(f"/orders/{order}/share/end", link=links[0])
    assert [browser().get(f"/track/{token}").status_code for token in (first, second)] == [404, 200]
    page = anna.get(f"/orders/{order}/share").text
    assert "That link to SO-1 does not work any more; others to it do." in page


def test_a_customer_is_told_as_of_when_it_is_and_not_that_nothing_is_paid_before_there_is_an_invoice(
    order: int, browser: Callable[..., Browser], desk: Store
) -> None:
    with desk.transaction() as connection:
        token = shares.share(connection, order, "test")
    seen = browser().get(f"/track/{token}").text
    assert re.search(r"As of 20\d\d-\d\d-\d\d \d\d:\d\d \(Asia/Shanghai\)", seen)
    shown = told({"billing_state": "invoiced", "payment_state": "unpaid"})
    assert shown == [("billing_state", "invoiced"), ("payment_state", "unpaid")]
    assert told({"payment_state": "overpaid"}) == [("payment_state", "paid")]
    shown = told({"billing_state": "not_invoiced", "payment_state": "unpaid"})
    assert shown == [("billing_state", "not_invoiced")]
