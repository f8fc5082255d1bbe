"""Who gets in: one-time links, passwords, rests after wrong ones, sessions that end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from state import clock, members
from state.members import MemberError, Role
from state.store import Store
from tests.web.conftest import PASSWORD, Browser

HOUR = 3600


class Clock:
    """The present instant of the product, which a test moves."""

    def __init__(self) -> None:
        self.ns = clock.now_us() * 1000

    def __call__(self) -> int:
        self.ns += 1000
        return self.ns

    def pass_by(self, seconds: float) -> None:
        self.ns += int(seconds * 1_000_000_000)


@pytest.fixture
def time() -> Clock:
    return Clock()


def link(store: Store, name: str, *roles: Role) -> str:
    with store.transaction() as connection:
        return f"/welcome/{members.invite(connection, name, roles, 'test')}"


def test_a_link_sets_a_password_once_and_signs_in(desk: Store, browser: Callable[..., Browser]) -> None:
    address, anna = link(desk, "Anna", Role.FINANCE), browser()
    assert "anna" in anna.get(address).text
    answer = anna.client.post(address, data={"password": PASSWORD, "again": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert anna.get("/findings").status_code == 200
    assert browser().get(address).status_code == 404
    assert browser().sign_in("ANNA").status_code == 303


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "at least 12"),
        ("x" * 201, "x" * 201, "at most 200"),
        ("aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa", "too easy"),
        (PASSWORD, PASSWORD + "!", "not the same"),
    ],
)
def test_an_unfit_password_is_refused_with_the_reason(
    desk: Store, browser: Callable[..., Browser], password: str, again: str, said: str
) -> None:
    address = link(desk, "anna", Role.FINANCE)
    answer = browser().client.post(address, data={"password": password, "again": again})
    assert answer.status_code == 422
    assert said in answer.text
    assert browser().get(address).status_code == 200


def test_a_link_is_good_for_a_day_and_until_the_next_one(
    desk: Store, browser: Callable[..., Browser], time: Clock
) -> None:
    with clock.simulated(time):
        first = link(desk, "anna", Role.FINANCE)
        second = link(desk, "anna")
        assert browser().get(first).status_code == 404
        assert browser().get(second).status_code == 200
        time.pass_by(25 * HOUR)
        assert browser().get(second).status_code == 404


def test_nobody_learns_which_names_there_are(browser: Callable[..., Browser], member: Callable[..., str]) -> None:
    member("anna", Role.FINANCE)
    known, unknown = browser().sign_in("anna", "wrong password"), browser().sign_in("berta", "wrong password")
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace("anna", "berta") == unknown.text


def test_after_wrong_passwords_even_the_right_one_has_to_wait(
    browser: Callable[..., Browser], member: Callable[..., str], time: Clock, desk: Store
) -> None:
    with clock.simulated(time):
        member("anna", Role.FINANCE)
        for _ in range(members.FREE_FAILURES):
            assert browser().sign_in("anna", "wrong password").status_code == 401
        assert browser().sign_in("anna").status_code == 401
        time.pass_by(31)
        assert browser().sign_in("anna").status_code == 303
        assert browser().sign_in("anna").status_code == 303
    with desk.reading() as connection:
        actions = connection.execute(text("SELECT action FROM audit WHERE action LIKE 'member %'")).scalars().all()
    assert actions.count("member locked out") == 1
    assert actions.count("member signed in") == 2


def test_whoever_tries_many_names_from_one_address_is_slowed_down(browser: Callable[..., Browser]) -> None:
    answers = [browser().sign_in(f"name{number}", "wrong password").status_code for number in range(21)]
    assert answers == [401] * 20 + [429]


def test_signing_in_leads_on_but_never_to_another_site(
    browser: Callable[..., Browser], member: Callable[..., str]
) -> None:
    member("anna", Role.FINANCE)
    asked = browser().get("/findings?stage=order")
    assert asked.headers["location"] == "/sign-in?next=%2Ffindings%3Fstage%3Dorder"
    for wanted, leads in (
        ("/findings?stage=order", "/findings?stage=order"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
    ):
        assert browser().sign_in("anna", next=wanted).headers["location"] == leads


def test_a_session_ends_when_it_rests_too_long_and_after_a_day_in_any_case(
    browser: Callable[..., Browser], member: Callable[..., str], time: Clock
) -> None:
    with clock.simulated(time):
        member("anna", Role.FINANCE)
        idle, busy = browser(), browser()
        idle.sign_in("anna")
        busy.sign_in("anna")
        for _ in range(3):
            time.pass_by(7 * HOUR)
            assert busy.get("/findings").status_code == 200
        assert idle.get("/findings").status_code == 303
        time.pass_by(4 * HOUR)
        assert busy.get("/findings").status_code == 303


def test_signing_out_ends_the_session_for_whoever_has_its_cookie(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    stolen = dict(anna.client.cookies)
    assert anna.post("/sign-out").status_code == 303
    anna.client.cookies.update(stolen)
    assert anna.get("/findings").status_code == 303


def test_a_new_password_ends_the_sessions_that_there_were(desk: Store, as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    answer = anna.client.post(
        link(desk, f"a.{Role.FINANCE}"),
        data={"password": PASSWORD[::-1], "again": PASSWORD[::-1], "csrf": _csrf(anna)},
    )
    assert answer.status_code == 303
    with desk.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM web_session")).scalar() == 1


def _csrf(browser: Browser) -> str:
    return browser.get("/findings").text.partition('name="csrf" value="')[2].partition('"')[0]


def test_whoever_is_deactivated_is_out_at_once(desk: Store, as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    with desk.transaction() as connection:
        members.deactivate(connection, f"a.{Role.FINANCE}", "test")
    assert anna.get("/findings").status_code == 303
    assert anna.sign_in(f"a.{Role.FINANCE}").status_code == 401


def test_the_last_admin_stays(desk: Store, member: Callable[..., str]) -> None:
    member("anna", Role.ADMIN)
    with desk.transaction() as connection, pytest.raises(MemberError, match="only admin"):
        members.deactivate(connection, "anna", "test")
    with desk.transaction() as connection, pytest.raises(MemberError, match="only admin"):
        members.set_roles(connection, "anna", [Role.VIEWER], "test")
    member("berta", Role.ADMIN)
    with desk.transaction() as connection:
        assert members.set_roles(connection, "anna", [Role.VIEWER], "test").roles == {Role.VIEWER}


def test_the_database_holds_nothing_to_sign_in_with(desk: Store, as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    address = link(desk, "berta", Role.VIEWER)
    secrets = [PASSWORD, anna.client.cookies["ltc"], address.rpartition("/")[2]]
    with desk.reading() as connection:
        rows = [
            str(row)
            for table in ("member", "invitation", "web_session", "audit")
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]
    assert len(rows) > 4
    assert [secret for secret in secrets if secret in "\n".join(rows)] == []


def test_the_language_of_a_member_stays(as_role: Callable[[Role], Browser], browser: Callable[..., Browser]) -> None:
    anna = as_role(Role.FINANCE)
    assert anna.post("/language", locale="zh-CN", next="/findings").headers["location"] == "/findings"
    assert '<html lang="zh-CN">' in anna.get("/findings").text
    elsewhere = browser()
    elsewhere.sign_in(f"a.{Role.FINANCE}")
    assert "未解决" in elsewhere.get("/findings").text


def test_the_workbench_goes_on_in_the_language_of_the_welcome_page(
    desk: Store, browser: Callable[..., Browser]
) -> None:
    address, anna = link(desk, "anna", Role.VIEWER), browser(accept_language="zh-CN,zh;q=0.9")
    assert '<html lang="zh-CN">' in anna.get(address).text
    anna.client.post(address, data={"password": PASSWORD, "again": PASSWORD})
    assert '<html lang="zh-CN">' in anna.get("/findings").text
    with desk.transaction() as connection:
        members.set_locale(connection, "anna", "en")
    again = link(desk, "anna", Role.VIEWER)
    anna.client.post(again, data={"password": PASSWORD, "again": PASSWORD})
    assert '<html lang="en">' in anna.get("/findings").text, "what they have chosen stays"


def test_signing_in_is_no_reason_to_reconcile_again(desk: Store, as_role: Callable[[Role], Browser]) -> None:
    from state import news

    with desk.reading() as connection:
        mark = news.take(connection, "x")
    as_role(Role.FINANCE)
    with desk.reading() as connection:
        assert news.is_current(connection, mark, "x")
