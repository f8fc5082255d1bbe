"""What is asked for in a way that its address does not take."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.web.app import workbench
from settings.model import Settings
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_access import ADDRESSED, TABLE


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/account/tokens", "/account"),
        ("/account/sessions/0123456789abcdef/end", "/account"),
        ("/quarantine/7/retry", "/quarantine/7"),
        ("/mappings/crm/deal/preview", "/mappings/crm/deal"),
        ("/members/invite", "/members"),
        ("/findings/views/none/first", "/findings/views"),
        ("/plans/7/apply", "/plans"),
        ("/sign-out", "/"),
    ],
)
def test_an_address_of_a_form_leads_to_the_page_that_has_it(
    as_role: Callable[[Role], Browser], asked: str, page: str
) -> None:
    answer = as_role(Role.ADMIN).get(f"{asked}?next=//elsewhere.example")
    assert (answer.status_code, answer.headers["location"]) == (303, page)


def test_every_address_that_only_takes_forms_has_a_page_above_it(desk: Store, given: Settings) -> None:
    forms = workbench(desk, given).state.forms
    pages = {path for method, path in TABLE if method == "GET"}
    for method, path in TABLE:
        found = forms.page_of(path.format(**ADDRESSED))
        assert bool(found) == (method == "POST" and path not in pages), path


def test_what_an_address_does_not_take_is_said_on_a_page_in_the_person_s_language(
    as_role: Callable[[Role], Browser],
) -> None:
    somebody = as_role(Role.VIEWER)
    somebody.post("/language", locale="zh-CN")
    for answer in (somebody.post("/trace"), somebody.client.delete("/account/tokens")):
        assert (answer.status_code, "此地址不支持该操作" in answer.text) == (405, True)
        assert answer.headers["allow"]


def test_a_program_is_told_so_as_a_program(browser: Callable[..., Browser]) -> None:
    answer = browser().client.delete("/api/v1/me")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
