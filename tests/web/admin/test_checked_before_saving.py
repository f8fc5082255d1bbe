"""A connection that does not work is not saved unnoticed: it is checked first, and a failed check asks for a tick."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from httpx import Response

from connectors.contract import CheckLine
from console import checking
from console.checking import Checked
from console.web.admin import drafts
from state.members import Role
from tests.web.admin.sending import form
from tests.web.admin.test_settings_pages import MANIFEST, MAPPING, NEW, filled, upload
from tests.web.conftest import Browser

REASON = "The account may not read orders."
ADDRESS = "/settings/systems/new"


class Answers:
    """What the check says, and how often it was asked."""

    def __init__(self) -> None:
        self.works, self.asked = False, 0
        self.streams: tuple[str, ...] = ("order",)

    def __call__(
        self, _settings: object, name: str, _services: object, _store: object, _into: object = None
    ) -> Checked:
        self.asked += 1
        said = "5 orders can be read." if self.works else REASON
        return Checked(name, "acme", streams=[CheckLine(stream, self.works, said) for stream in self.streams])


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Answers:
    found = Answers()
    monkeypatch.setattr(checking, "system", found)
    return found


@pytest.fixture
def admin(as_role: Callable[[Role], Browser], check: Answers) -> Browser:
    somebody = as_role(Role.ADMIN)
    upload(somebody, MANIFEST, mapping=MAPPING)
    return somebody


def looked_at(admin: Browser, **sent: str) -> str:
    return admin.post(ADDRESS, do="preview", **filled(admin.get(NEW).text, **sent)).text


WHY = "the shop opens in May"


def saved(admin: Browser, page: str, **sent: str) -> Response:
    return admin.post(ADDRESS, do="save", **filled(page, **sent))


def test_saving_checks_what_nobody_has_checked_and_tells_which_check_failed_and_why(
    admin: Browser, config: Path, check: Answers
) -> None:
    before = config.read_text()
    page = looked_at(admin)
    assert "Saving checks the connection first, which takes 30 seconds at most." in page
    assert 'name="although"' not in page
    assert check.asked == 0
    told = saved(admin, page)
    assert (told.status_code, check.asked) == (422, 1)
    assert f"✗ <b>order</b>: {REASON}" in told.text.replace('<span lang="en">', "").replace("</span>", "")
    assert "Save although the check failed" in told.text
    assert 'name="although" checked' not in told.text
    assert config.read_text() == before


def test_what_failed_is_saved_with_a_tick_which_the_history_notes(admin: Browser, config: Path, check: Answers) -> None:
    told = saved(admin, looked_at(admin))
    answer = saved(admin, told.text, although="on", why=WHY)
    assert answer.status_code == 303
    assert check.asked == 1
    assert "It was saved although the check failed." in admin.get(answer.headers["location"]).text
    assert "  shop:\n" in config.read_text()
    assert "the shop opens in May (saved although the check failed)" in admin.get("/settings/history").text


def test_what_failed_is_not_saved_without_a_reason_that_is_asked_for_beside_the_tick(
    admin: Browser, config: Path, check: Answers
) -> None:
    before = config.read_text()
    told = saved(admin, looked_at(admin))
    box = told.text.partition("<legend>The check failed<")[2].partition("</fieldset>")[0]
    assert ('name="although"' in box, 'name="why"' in box) == (True, True)
    assert told.text.count('name="why"') == 1
    refused = saved(admin, told.text, although="on", why=" ")
    assert refused.status_code == 422
    assert "Not saved: say why it is to be saved although the check failed" in refused.text
    assert 'name="although" checked' in refused.text
    assert config.read_text() == before
    assert saved(admin, refused.text, although="on", why=WHY).status_code == 303


def test_a_tick_counts_for_a_check_that_was_seen_alone(admin: Browser, config: Path, check: Answers) -> None:
    before = config.read_text()
    assert saved(admin, looked_at(admin), although="on").status_code == 422
    edited = looked_at(admin, **{"config.shop": "paris"})
    assert 'name="although"' not in edited
    assert saved(admin, edited, although="on", **{"config.shop": "paris"}).status_code == 422
    assert check.asked == len(("berlin", "paris"))
    assert config.read_text() == before


def test_what_works_is_saved_at_once_and_says_that_it_was_checked(admin: Browser, config: Path, check: Answers) -> None:
    check.works = True
    answer = saved(admin, looked_at(admin))
    assert (answer.status_code, check.asked) == (303, 1)
    assert "The check found that it works." in admin.get(answer.headers["location"]).text
    assert "saved although" not in admin.get("/settings/history").text


def test_what_was_checked_by_the_button_is_not_checked_again(admin: Browser, check: Answers) -> None:
    check.works = True
    admin.post(ADDRESS, do="check", **filled(admin.get(NEW).text))
    assert saved(admin, looked_at(admin)).status_code == 303
    assert check.asked == 1


def test_what_failed_by_the_button_is_told_again_beside_the_tick(admin: Browser, check: Answers) -> None:
    admin.post(ADDRESS, do="check", **filled(admin.get(NEW).text))
    page = looked_at(admin)
    assert REASON in page
    assert 'name="although"' in page
    check.works = True
    assert saved(admin, page).status_code == 303, "it was put right meanwhile"


def test_a_check_that_is_not_begun_because_of_others_is_no_check_that_passed(
    admin: Browser, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "checked", lambda *_: None)
    before = config.read_text()
    told = saved(admin, looked_at(admin))
    assert told.status_code == 422
    assert "Two other checks are being carried out just now, so this one was not begun" in told.text
    assert config.read_text() == before
    assert saved(admin, told.text, although="on", why=WHY).status_code == 303


@pytest.fixture
def shop(admin: Browser, check: Answers) -> str:
    """The address of the form of a system that there is, which does not work any more."""
    check.works = True
    assert saved(admin, looked_at(admin)).status_code == 303
    check.works, check.asked = False, 0
    return "/settings/systems/shop"


def test_what_changes_nothing_about_the_connection_needs_no_check(
    admin: Browser, config: Path, check: Answers, shop: str
) -> None:
    sent = form(admin.get(shop).text, shop) | {"every": "interval", "interval": "45", "unit": "m"}
    sent |= {"role.accounting": "on", "push": "off"}
    page = admin.post(shop, do="preview", **sent).text
    assert "Saving checks the connection first" not in page
    answer = admin.post(shop, do="save", **form(page, shop))
    assert answer.status_code == 303
    assert "checked" not in answer.headers["location"]
    assert "interval: 45m" in config.read_text()
    assert check.asked == 0


@pytest.mark.parametrize("change", [{"config.shop": "paris"}, {"config.token": "OTHER"}, {"stream.refund": ""}])
def test_a_changed_connection_of_a_system_that_there_is_is_checked(
    admin: Browser, config: Path, check: Answers, shop: str, change: dict[str, str]
) -> None:
    before = config.read_text()
    sent = form(admin.get(shop).text, shop) | change
    page = admin.post(shop, do="preview", **{name: value for name, value in sent.items() if value or name == "seen"})
    answer = admin.post(shop, do="save", **form(page.text, shop))
    assert (answer.status_code, check.asked) == (422, 1)
    assert config.read_text() == before
    assert admin.post(shop, do="save", although="on", **form(answer.text, shop) | {"why": WHY}).status_code == 303
    assert config.read_text() != before


def test_the_tick_is_chinese_for_who_reads_chinese(admin: Browser) -> None:
    admin.post("/language", locale="zh-CN", next="/settings")
    page = looked_at(admin)
    assert "保存前会先检查连接，最多 30 秒。" in page
    assert "检查未通过，仍要保存" in html.unescape(saved(admin, page).text)


def test_what_is_not_saved_says_so_once_at_the_top_in_focus_and_the_same_of_several_streams_in_one_line(
    admin: Browser, check: Answers
) -> None:
    check.streams = ("order", "customer", "invoice")
    answer = saved(admin, looked_at(admin))
    assert answer.status_code == 422
    main = answer.text[answer.text.index("<main") :]
    alerts = re.findall(r'<p class="problem" role="alert"[^>]*>([^<]+)', main)
    assert [said.partition(".")[0] for said in alerts] == ["Not saved: the check failed"]
    assert re.search(r'role="alert" tabindex="-1" autofocus>Not saved', main)
    assert main.index("Not saved") < main.index("<form")
    assert main.count(REASON) == 1
    assert "<b>order, customer, invoice</b>" in main
    assert "Not saved" not in looked_at(admin)


def test_systems_show_a_failed_check_of_what_was_saved_all_the_same_until_one_passes(
    admin: Browser, check: Answers
) -> None:
    assert saved(admin, saved(admin, looked_at(admin)).text, although="on", why=WHY).status_code == 303
    assert "The last check of what is saved failed (" in admin.get("/systems").text
    assert "The last check of what is saved failed (" in admin.get("/settings").text
    check.works = True
    address = "/settings/systems/shop"
    edit = admin.post(address, do="preview", **filled(admin.get(address).text, **{"config.shop": "paris"})).text
    assert admin.post(address, do="save", **filled(edit, **{"config.shop": "paris"})).status_code == 303
    assert "The last check of" not in admin.get("/systems").text


def test_a_failed_check_is_forgotten_once_a_check_of_what_is_saved_passes_or_the_change_is_taken_back(
    admin: Browser, check: Answers, shop: str
) -> None:
    def failing() -> bool:
        return "The last check of what is saved failed" in admin.get("/systems").text

    def break_it(name: str) -> None:
        check.works = False
        sent = form(admin.get(shop).text, shop) | {"config.shop": name}
        page = admin.post(shop, do="preview", **sent).text
        refused = admin.post(shop, do="save", **form(page, shop))
        assert admin.post(shop, do="save", although="on", **form(refused.text, shop) | {"why": WHY}).status_code == 303
        assert failing()

    break_it("paris")
    check.works = True
    assert admin.post(shop, do="check", **form(admin.get(shop).text, shop)).status_code == 200
    assert not failing()
    break_it("rome")
    last = re.search(r'href="/settings/history/(\d+)"', admin.get("/settings/history").text)
    assert last is not None
    assert admin.post(f"/settings/history/{last[1]}/undo").status_code == 303
    assert not failing()


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        ((), "No answer came within 0 seconds, not even the first one."),
        (("order",), "The check was given up after 0 seconds. Still waited for: delivery."),
    ],
)
def test_a_check_that_hangs_says_what_is_known_and_of_nobody_else(
    admin: Browser, monkeypatch: pytest.MonkeyPatch, heard: tuple[str, ...], told: str
) -> None:
    go_on, begun = Event(), Event()

    def hangs(_settings: object, name: str, _services: object, _store: object, into: Checked) -> Checked:
        into.waited_for = ("order", "delivery")
        into.streams += [CheckLine(stream, True, "Can be read.") for stream in heard]
        begun.set()
        go_on.wait(20)
        return into

    monkeypatch.setattr(checking, "system", hangs)
    monkeypatch.setattr(drafts, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(Thread, "join", lambda *_: begun.wait(20))
    try:
        page = admin.post(ADDRESS, do="check", **filled(admin.get(NEW).text)).text
    finally:
        go_on.set()
    assert html.unescape(told) in html.unescape(page)
    assert "other checks" not in page
    assert ("<b>order</b>" in page) is bool(heard)


def test_what_works_with_a_warning_says_so_at_the_top(admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    line = CheckLine("order", True, "no files in /srv/in", "Files must match orders-*.csv.")
    monkeypatch.setattr(checking, "system", lambda _settings, name, *_: Checked(name, "acme", streams=[line]))
    page = admin.post(ADDRESS, do="check", **filled(admin.get(NEW).text)).text
    assert "⚠ This works, but look at what is marked ⚠ below." in page
    monkeypatch.setattr(checking, "system", lambda _settings, name, *_: Checked(name, "acme", streams=[]))
    assert "✓ This works." in admin.post(ADDRESS, do="check", **filled(admin.get(NEW).text, label="x")).text
