"""A form says everything that is wrong with it at once, checks what saving checks, and forgets nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from console.sentences import plain
from state import schema
from state.members import Role
from state.store import Store
from tests.web.admin.sending import form
from tests.web.admin.test_settings_pages import MANIFEST, MAPPING, NEW, filled, upload
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

ADDRESS = "/settings/systems/new"
FILES = f"{ADDRESS}?connector=files"


@pytest.fixture
def admin(as_role: Callable[[Role], Browser]) -> Browser:
    somebody = as_role(Role.ADMIN)
    somebody.client.timeout = 60
    return somebody


def summary(page: str) -> dict[str, str]:
    """The mistakes at the top: where each leads, and what it says."""
    box = page.partition("autofocus")[2].partition("</div>")[0]
    found = re.findall(r'<li><a href="#([^"]+)">[^<]*</a>(?:: |：)(.*?)</li>', box, re.DOTALL)
    return {where: " ".join(html.unescape(said).split()) for where, said in found}


def test_five_mistakes_are_said_at_once_at_the_top_and_each_leads_to_its_field(admin: Browser) -> None:
    upload(admin, MANIFEST, mapping=MAPPING)
    wrong = {"name": "crm", "config.base_url": "htp:/shop example", "config.page_size": "-5", "cron": "every hour"}
    wrong |= {"config.timeout_seconds": "soon"}
    sent = filled(admin.get(NEW).text, **wrong)
    del sent["role.erp"]
    answer = admin.post(ADDRESS, do="preview", **sent)
    assert answer.status_code == 422
    said = summary(answer.text)
    assert set(said) == {
        *("name", "roles", "cron"),
        *("config.base_url", "config.page_size", "config.timeout_seconds"),
    }
    assert said["config.page_size"] == "Write a number above 0."
    assert said["config.timeout_seconds"] == "This must be a number, such as 100 or 0.5."
    for anchor in said:
        assert f'id="{anchor}"' in answer.text


def test_a_part_that_cannot_be_read_is_no_second_mistake_of_the_whole(admin: Browser) -> None:
    sent = form(admin.get(FILES).text, ADDRESS)
    sent |= {"config.streams.0": "order", "config.streams.0.pattern": "a\tb", "config.streams.0.entity": "order"}
    sent |= {"config.streams.0.key": "id", "config.folder": "in", "config.limits.files": "many", "role.erp": "on"}
    said = summary(admin.post(ADDRESS, do="check", **sent).text)
    assert set(said) == {"config.folder", "config.streams.0.pattern", "config.limits.files"}


def test_a_pattern_that_no_file_fits_is_no_good_news(admin: Browser, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    sent = form(admin.get(FILES).text, ADDRESS) | {"config.folder": str(tmp_path / "exports"), "role.erp": "on"}
    sent |= {"config.streams.0": "order", "config.streams.0.pattern": "*.csv", "config.streams.0.key": "id"}
    sent["config.streams.0.entity"] = "order"
    page = admin.post(ADDRESS, do="check", **sent).text
    assert re.search(r"⚠ <b>order</b>: no files in ", page)


def test_what_a_stream_becomes_is_chosen_from_names_in_the_language_of_the_page(admin: Browser) -> None:
    page = admin.get(FILES).text
    assert '<option value="party">Customer (party)</option>' in page
    admin.post("/language", locale="zh-CN", next="/settings")
    page = admin.get(FILES).text
    assert '<option value="order">订单 (order)</option>' in page
    assert '<b>记录类型</b> <code class="quiet">entity</code>' in page
    sent = form(page, ADDRESS) | {"config.folder": "/srv/in", "config.streams.0": "order", "role.erp": "on"}
    sent |= {"config.streams.0.pattern": "*.csv", "config.streams.0.key": "id", "config.streams.0.entity": "orders"}
    answer = admin.post(ADDRESS, do="check", **sent)
    assert answer.status_code == 422
    assert summary(answer.text) == {"config.streams.0.entity": "请从给出的选项中选择。"}
    assert '<option value="orders" selected>orders</option>' in answer.text


def test_the_check_refuses_a_kind_of_record_that_saving_would_refuse(admin: Browser, config: Path) -> None:
    upload(admin, MANIFEST.replace("{entity: payment,", "{entity: refunds,"))
    for do in ("check", "preview"):
        answer = admin.post(ADDRESS, do=do, **filled(admin.get(NEW).text))
        assert answer.status_code == 422
        assert "there is no entity <code>refunds</code>. Known: party, contact" in html.unescape(answer.text)
    assert "acme" not in config.read_text()


def test_a_wrong_word_is_quoted_as_it_was_typed() -> None:
    assert plain("there is no entity `customer`.", "zh-CN") == "没有记录类型 `customer`。"
    assert plain("`quote` is not known here.", "zh-CN") == "此处没有 `quote` 这一项。"


def test_a_stream_that_was_added_since_is_read_as_well_and_one_that_was_left_out_stays_out(
    admin: Browser, config: Path
) -> None:
    sent = form(admin.get(FILES).text, ADDRESS) | {"config.folder": str(config.parent), "role.erp": "on"}
    for number, name in enumerate(("order", "refund")):
        at = f"config.streams.{number}"
        sent |= {at: name, f"{at}.pattern": f"{name}.csv", f"{at}.entity": "order", f"{at}.key": "id"}
    page = admin.post(ADDRESS, do="check", **sent).text
    sent = form(page, ADDRESS)
    del sent["stream.refund"]
    sent |= {"config.streams.2": "customer", "config.streams.2.pattern": "c.csv", "config.streams.2.entity": "party"}
    page = admin.post(ADDRESS, do="check", **sent).text  # its key is missing
    assert set(summary(page)) == {"config.streams.2.key"}
    sent = form(page, ADDRESS) | {"config.streams.2.key": "id"}
    page = admin.post(ADDRESS, do="check", **sent).text
    assert 'name="stream.customer" checked' in page
    assert 'name="stream.order" checked' in page
    assert 'name="stream.refund" checked' not in page


def test_schedules_say_that_nothing_runs_them_until_something_was_seen_to(
    admin: Browser, config: Path, desk: Store
) -> None:
    config.write_text(config.read_text().replace("  crm:\n", "  crm:\n    schedule: {cron: 0 3 * * *}\n", 1))
    for address in ("/settings/schedule", "/systems"):
        assert "no run by a schedule has been seen yet" in admin.get(address).text
    assert "daily at 03:00" in admin.get("/settings/schedule").text
    with desk.transaction() as connection:
        connection.execute(schema.scheduled.insert(), [{"system": "", "started_at": 1_760_000_000_000_000}])
    for address in ("/settings/schedule", "/systems"):
        page = admin.get(address).text
        assert "no run by a schedule" not in page
        assert "The last run by a schedule began on 2025-10-09" in page


def test_another_language_keeps_what_is_typed(admin: Browser, desk: Store) -> None:
    upload(admin, MANIFEST, mapping=MAPPING)
    page = admin.get(NEW).text
    assert 'form="system" name="do" value="language:zh-CN"' in page
    answer = admin.post(ADDRESS, do="language:zh-CN", **filled(page, **{"config.shop": "berlin", "name": "crm"}))
    assert answer.status_code == 200
    assert "连接设置" in answer.text
    assert form(answer.text, ADDRESS)["config.shop"] == "berlin"
    assert "连接设置" in admin.get(NEW).text
    typed = {"every.crm": "interval", "interval.crm": "25"}
    assert 'value="25"' in admin.post("/settings/schedule", do="language:en", **typed).text
    answer = admin.post("/settings/ownership", do="language:zh-CN", **{"policy.lead.status": "ask"})
    assert '<option value="ask" selected>由人决定</option>' in answer.text
    assert admin.post("/settings/ownership", do="language:klingon").status_code == 200


def test_a_role_that_is_given_a_second_time_is_warned_of_with_names(admin: Browser, config: Path) -> None:
    upload(admin, MANIFEST, mapping=MAPPING)
    page = admin.get(NEW).text
    assert "ERP <span class" in page.replace("\n", " ")
    assert "– already: erp" in page
    assert 'name="role.erp"> ERP' in page, "what another system has is not given to a second one unasked"
    assert "A plain list of orders has the role ERP, beside an ERP, too" in page, "before anything is checked"
    assert "an order or invoice that is in both counts twice" in page
    offered = admin.get("/settings/systems/new?connector=xero").text
    assert re.findall(r'name="role\.(\w+)" checked', offered) == ["payments"], "which no system has yet"
    looked = html.unescape(admin.post(ADDRESS, do="preview", **filled(page)).text)
    assert "ERP: erp has this role already. With shop as a second one neither goes before the other" in looked
    assert "Opportunity Order" in looked.partition("Fields that are written back")[2].partition("</div>")[0]
    sent = filled(page, **{"role.service": "on"})
    del sent["role.erp"]
    assert "as a second one" not in admin.post(ADDRESS, do="preview", **sent).text
    erp = form(admin.get("/settings/systems/erp").text, "/settings/systems/erp")
    assert "as a second one" not in admin.post("/settings/systems/erp", do="preview", **erp).text


def test_a_change_of_ownership_says_what_it_means(admin: Browser) -> None:
    sent = {"owner.opportunity.order_number": "crm", "policy.lead.status": "ask"}
    page = " ".join(html.unescape(admin.post("/settings/ownership", do="preview", **sent).text).split())
    means = page.partition("What this means")[2].partition("</ul>")[0]
    assert "From now on CRM is right, no longer ERP." in means
    assert "This field is not written back any more." in means
    assert "a person decides (until now: the owner's value is written again)." in means
    assert "left out of the plan until somebody decides" in means
    assert '<a href="/plans">Write-backs</a>' in means
    admin.post("/language", locale="zh-CN", next="/")
    page = " ".join(html.unescape(admin.post("/settings/ownership", do="preview", **sent).text).split())
    means = re.sub("<.+?>", "", page.partition("这意味着什么")[2].partition("</ul>")[0])
    assert "线索的状态：有人在目标系统中改动它之后，今后的做法是“由人决定”（此前为“以归属系统的值覆盖”）。" in means
    assert "该字段不列入回写计划，直到有人在“回写计划”页面作出决定" in means


def test_ownership_marks_roles_that_switch_writing_off_and_names_the_system_that_is_written(admin: Browser) -> None:
    rows = admin.get("/settings/ownership").text.split("<tr>")
    row = next(item for item in rows if 'name="owner.opportunity.order_number"' in item)
    assert 'value="crm">CRM (not written back any more)</option>' in row
    assert 'value="erp">ERP</option>' in row
    assert row.rstrip().endswith("<td>crm</td></tr>")
    none = admin.post("/settings/ownership", do="preview", **{"owner.opportunity.order_number": "crm"}).text.split(
        "<tr>"
    )
    row = next(item for item in none if 'name="owner.opportunity.order_number"' in item)
    assert row.rstrip().endswith("<td>not written back</td></tr>")


def test_undoing_minds_only_its_own_lines_and_names_the_change_in_the_way(admin: Browser, config: Path) -> None:
    before = config.read_text()
    order = list(re.findall(r"^  (\w+):\n    connector", before, re.M))
    for name in order[1:3]:  # one after the other in the file
        page = admin.get(f"/settings/systems/{name}/remove").text
        sent = form(page, f"/settings/systems/{name}/remove") | {"sure": name}
        removed = admin.post(f"/settings/systems/{name}/remove", do="save", **sent)
        done = admin.get(removed.headers["location"]).text.partition('role="status"')[2].partition("</div>")[0]
        number = admin.get("/settings/history").text.partition('<th scope="row"><a href="/settings/history/')[2][0]
        assert f'<a href="/settings/history/{number}#undo">' in done, "what was just done can be taken back from there"
    assert admin.post("/settings/history/1/undo").status_code == 303
    after = config.read_text()
    assert f"  {order[1]}:\n" in after
    assert f"  {order[2]}:\n" not in after
    again = admin.post("/settings/history/1/undo")
    assert again.status_code == 422
    assert 'href="/settings/history/3"' in again.text
    listed = admin.get("/settings/history").text
    assert "<code>+ crm:</code>" in listed
    assert 'href="/settings/history/2#undo"' in listed
    assert 'href="/settings/history/1#undo"' not in listed, "it was taken back"
    assert "Taken back:" in listed
    assert '<section id="undo">' not in again.text
    assert admin.post("/settings/history/3/undo").status_code == 303
    stands_again = admin.get("/settings/history").text
    assert 'href="/settings/history/1#undo"' in stands_again
    assert 'href="/settings/history/3#undo"' not in stands_again


def test_the_sample_is_a_manifest_and_every_key_is_told(admin: Browser, config: Path) -> None:
    page = admin.get(ADDRESS).text
    for key in ("paging", "incremental", "depends_on", "webhook"):
        assert f"<code>{key}</code>" in page
    sample = admin.get("/settings/connectors/sample")
    assert sample.headers["content-disposition"] == 'attachment; filename="acme.yaml"'
    assert upload(admin, sample.text).headers["location"].startswith(ADDRESS)


def test_the_page_that_removes_a_system_says_what_becomes_of_its_findings(admin: Browser) -> None:
    assert "counts these as cleared although nothing was put right" in admin.get("/settings/systems/crm/remove").text
