"""An admin takes care of members in a real browser, and somebody signs in at the company's provider on another site."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from console.web import passwords
from state import members
from state.members import Role
from state.store import Store
from tests.browser.conftest import PHONE, WIDE, Somebody
from tests.web import company_sign_in
from tests.web.company_sign_in import Company
from tests.web.conftest import PASSWORD, config, desk, filled  # noqa: F401
from tests.web.identity_provider import SECRET

pytestmark = pytest.mark.browser


@pytest.fixture
def company(desk: Store, config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("LTC_TEST_OIDC", SECRET)
    with company_sign_in.opened(desk, config.parent) as found:
        found.provider.issuer = found.provider.issuer.replace("127.0.0.1", "localhost")  # another site for a browser
        found.write()
        yield found


@pytest.fixture
def root(desk: Store) -> str:
    with desk.transaction() as connection:
        token = members.invite(connection, "root", [Role.ADMIN], "test")
        members.accept(connection, token, passwords.hashed(PASSWORD))
    return "root"


def test_somebody_comes_in_by_the_provider_and_an_admin_limits_them(
    chromium: Browser, company: Company, root: str, desk: Store
) -> None:
    company.provider.arrive(sub="s-1", preferred_username="zhao.lei", groups=["it"])
    zhao = chromium.new_context(base_url=company.address, viewport=WIDE).new_page()
    zhao.goto("/members")  # not theirs: they see that once they are in
    zhao.get_by_role("link", name="Sign in with Acme").click()
    zhao.wait_for_url(re.compile("/members$"))
    expect(zhao.get_by_role("heading", level=1)).to_contain_text("not")

    admin = chromium.new_context(base_url=company.address, viewport=WIDE).new_page()
    admin.goto("/members")
    admin.get_by_label("Name", exact=True).fill(root)
    admin.get_by_label("Password").fill(PASSWORD)
    admin.keyboard.press("Enter")
    admin.get_by_role("link", name="zhao.lei").click()
    admin.get_by_label("only these:").check()
    admin.get_by_label("erp", exact=True).check()
    admin.get_by_role("button", name="Keep these systems").click()
    expect(admin.locator("dl.facts")).to_contain_text("erp")
    with desk.reading() as connection:
        assert members.find(connection, "zhao.lei").systems == frozenset({"erp"})

    zhao.get_by_role("button", name="Sign out").click()
    expect(zhao.get_by_role("link", name="Sign out at Acme")).to_have_attribute("href", re.compile("/logout"))
    for page in (zhao, admin):
        page.context.close()


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_finds_nothing_on_the_pages_of_members(
    chromium: Browser, company: Company, root: str, desk: Store, look: str
) -> None:
    with desk.transaction() as connection:
        members.invite(connection, "li.na", [Role.OPERATOR], "test", ["erp"])
    context = chromium.new_context(
        base_url=company.address,
        viewport=PHONE if look == "phone" else WIDE,
        color_scheme="dark" if look == "dark" else "light",
    )
    admin = Somebody(context.new_page())
    wrong = []
    admin.page.goto("/sign-in?next=/members")
    wrong += admin.complaints()
    admin.page.get_by_label("Name", exact=True).fill(root)
    admin.page.get_by_label("Password").fill(PASSWORD)
    admin.page.keyboard.press("Enter")
    admin.reads("Invite somebody")
    for address in ("/members", "/members/li.na", "/members/root", "/signed-out"):
        admin.page.goto(address)
        wrong += [f"{address}: {complaint}" for complaint in admin.complaints()]
        if look == "phone":
            admin.page.set_viewport_size({"width": 360, "height": 800})
            needed = admin.page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{address}: {needed} pixels wide"] if needed > 360 else []
    context.close()
    assert wrong == []
