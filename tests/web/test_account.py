"""A member's own account: tokens, the password, sessions; and nobody else's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from html import unescape

import pytest

from console.web.api.application import PATH, operations
from state import api_tokens, members
from state.members import Role
from state.store import Store
from tests.web.conftest import PASSWORD, Browser
from tests.web.reading import english

MADE = re.compile(r"ltc_[0-9A-Za-z]{46}")


def make(somebody: Browser, **fields: str) -> str:
    """Make a token; the whole answer."""
    sent = {"name": "nightly export", "days": "30", "password": PASSWORD, **fields}
    return somebody.post("/account/tokens", **sent).text


def test_a_token_is_shown_once_and_lets_a_program_in(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser]
) -> None:
    anna = as_role(Role.FINANCE)
    [text] = set(MADE.findall(make(anna, decide="yes", operate="yes")))
    page = anna.get("/account").text
    assert text not in page
    assert "nightly export" in page
    assert "read, decide" in page  # what the role does not allow is not offered
    program = browser().client
    found = program.get(f"{PATH}/me", headers={"authorization": f"Bearer {text}"}).json()
    assert (found["name"], found["rights"]) == ("a.finance", ["read", "decide", "audit"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "wrong password"}, "not your password"),
        ({"password": ""}, "not your password"),
        ({"name": " "}, "Say what the token is for"),
        ({"name": "x" * 81}, "Say what the token is for"),
        ({"days": "0"}, "1 to 366 days"),
        ({"days": "367"}, "1 to 366 days"),
        ({"days": "²"}, "1 to 366 days"),
    ],
)
def test_a_token_needs_the_password_a_name_and_an_end(
    as_role: Callable[[Role], Browser], desk: Store, fields: dict[str, str], said: str
) -> None:
    answer = make(as_role(Role.VIEWER), **fields)
    assert said in answer
    assert not MADE.search(answer)
    with desk.reading() as connection:
        assert api_tokens.listing(connection) == []


def test_a_token_that_was_not_made_keeps_what_was_typed_but_the_password(as_role: Callable[[Role], Browser]) -> None:
    page = make(as_role(Role.FINANCE), name="nightly <b>", days="7", decide="yes", password="wrong password")
    for kept in ('name="name" value="nightly &lt;b&gt;"', 'name="days" value="7"', 'name="decide" value="yes" checked'):
        assert kept in page
    assert "wrong password" not in page


def test_the_line_beside_a_new_token_lists_findings(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser]
) -> None:
    page = make(as_role(Role.VIEWER))
    [token] = set(MADE.findall(page))
    assert f'data-copy="{token}"' in page
    assert page.index("Copy the token") < page.index("Copy the example")
    line = unescape(re.search(r"<code[^>]*>(curl [^<]+)</code>", page)[1])  # type: ignore[index]
    command, option, header, address = shlex.split(line.replace("$LTC_TOKEN", token))
    assert (command, option) == ("curl", "-H")
    name, _, value = header.partition(": ")
    found = browser().client.get(address, headers={name: value})
    assert (found.status_code, len(found.json()["items"]) > 0) == (200, True)


def test_what_programs_can_do_is_listed_with_an_example_and_the_address_of_the_document(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser]
) -> None:
    viewer = as_role(Role.VIEWER)
    assert 'href="/account/api"' in viewer.get("/account").text
    page = viewer.get("/account/api").text
    shown = re.findall(rf"<code[^>]*>(GET|POST|PUT|DELETE|PATCH) ({PATH}/[^<]+)</code>", page)
    assert sorted(shown) == sorted((method, f"{PATH}{route.path}") for route, method in operations())
    assert "only people who are signed in" in page  # what needs an approver
    assert "$LTC_TOKEN" in page
    reference = re.search(r'href="([^"]+openapi[^"]*)"', page)
    assert reference
    assert browser().client.get(reference[1]).status_code == 200
    refused = viewer.client.get(f"{PATH}/findings?size=0").json()
    assert f"{PATH}/openapi.json" in refused["remedy"]


def test_what_programs_can_do_is_told_in_the_language_of_the_page(as_role: Callable[[Role], Browser]) -> None:
    viewer = as_role(Role.VIEWER)
    viewer.post("/language", locale="zh-CN", next="/")
    page = viewer.get("/account/api").text
    main = page[page.index("<main") : page.index("</main>")]
    assert (english(main), 'lang="en"' in main) == ([], False)
    assert "<h2>死信</h2>" in main
    assert "从列表中永久丢弃。" in main
    assert "<code>running</code>" in main


def test_what_was_ended_is_said_once(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna = as_role(Role.FINANCE)
    make(anna)
    with desk.reading() as connection:
        [token] = api_tokens.listing(connection)
    anna.post(f"/account/tokens/{token.id}/revoke")
    said = "The token “nightly export” is good for nothing any more."
    assert [said in anna.get("/account").text for _ in range(2)] == [True, False]
    anna.post("/account/sessions/end")
    assert "You are signed out everywhere else." in anna.get("/account").text


def test_a_wrong_password_is_counted_as_at_the_sign_in(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.VIEWER)
    for _ in range(members.FREE_FAILURES):
        assert "not your password" in make(anna, password="wrong password")
    assert "has to rest for some minutes" in make(anna)  # the right one


def test_a_token_is_revoked_by_its_member_alone(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna, bert = as_role(Role.FINANCE), as_role(Role.ADMIN)
    make(anna)
    with desk.reading() as connection:
        [token] = api_tokens.listing(connection)
    assert bert.post(f"/account/tokens/{token.id}/revoke").status_code == 404
    assert "nightly export" not in bert.get("/account").text
    assert anna.post(f"/account/tokens/{token.id}/revoke").status_code == 303
    assert "Revoke nightly export" not in anna.get("/account").text


def test_another_password_ends_the_other_sessions_and_not_this_one(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser]
) -> None:
    anna, elsewhere = as_role(Role.FINANCE), browser()
    elsewhere.sign_in("a.finance")
    assert elsewhere.get("/account").status_code == 200
    other = "another horse battery"
    answer = anna.post("/account/password", password=PASSWORD, new=other, again=other)
    assert answer.status_code == 303
    assert "The password was changed" in anna.get(answer.headers["location"]).text
    assert elsewhere.get("/account").status_code == 303
    assert browser().sign_in("a.finance").status_code == 401
    assert browser().sign_in("a.finance", other).status_code == 303


@pytest.mark.parametrize(
    ("password", "new", "again", "said"),
    [
        ("wrong password", "another horse battery", "another horse battery", "not your password"),
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "another horse battery", "another horse", "not the same"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser], password: str, new: str, again: str, said: str
) -> None:
    anna = as_role(Role.FINANCE)
    assert said in anna.post("/account/password", password=password, new=new, again=again).text
    assert browser().sign_in("a.finance").status_code == 303


def test_sessions_are_listed_and_ended_by_their_member_alone(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser]
) -> None:
    anna, elsewhere, third, bert = as_role(Role.FINANCE), browser(), browser(), as_role(Role.ADMIN)
    elsewhere.sign_in("a.finance")
    third.sign_in("a.finance")
    page = anna.get("/account").text
    found = re.findall(r"/account/sessions/([0-9a-f]{16})/end", page)
    assert len(found) == 2
    assert page.count("this browser") == 1
    assert bert.post(f"/account/sessions/{found[0]}/end").status_code == 404
    assert anna.post(f"/account/sessions/{found[0]}/end").status_code == 303
    assert sorted(somebody.get("/account").status_code for somebody in (elsewhere, third)) == [200, 303]
    assert anna.post("/account/sessions/end").status_code == 303
    assert {somebody.get("/account").status_code for somebody in (elsewhere, third)} == {303}
    assert anna.get("/account").status_code == 200


def test_the_page_is_in_both_languages(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.ADMIN)
    assert "Tokens for programs" in anna.get("/account").text
    anna.post("/language", locale="zh-CN")
    page = anna.get("/account").text
    assert "程序令牌" in page
    said = '启动任务、批准或驳回待写入的内容、处理死信 <code class="quiet">operate</code>'
    assert said in page, "what a refusal calls it"


def test_each_operation_lists_its_parameters_with_type_and_meaning(as_role: Callable[[Role], Browser]) -> None:
    page = as_role(Role.VIEWER).get("/account/api").text
    row = page[page.index("GET /api/v1/audit</code>") :].partition("</tr>")[0]
    assert "<summary>7 parameters</summary>" in row
    assert re.search(
        r"<code>actor</code> <span[^>]*>query parameter, behind “\?”</span></dt><dd>.*Who did it</dd>", row
    )
