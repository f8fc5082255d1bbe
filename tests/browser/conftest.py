"""A real Chromium before the workbench of the demo company. ``PICTURES=1`` writes the pictures of the docs."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from console.web import passwords
from console.web.app import workbench
from state import members
from state.members import Role
from state.store import Store, open_store
from tests.reconciliation.books import settings
from tests.reconciliation.conftest import Company, company  # noqa: F401 - a fixture
from tests.web.conftest import PASSWORD, served

PICTURES = Path(__file__).parents[2] / "docs" / "images"
WIDE: ViewportSize = {"width": 1280, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium or Chrome, or the one that ``playwright install chromium`` brought."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("there is no Chromium here (`.venv/bin/playwright install chromium` brings one)")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def store(company: Company, tmp_path: Path) -> Iterator[Store]:  # noqa: F811
    """A copy of the demo company's store, for this test alone."""
    with (
        sqlite3.connect(str(company.store.engine.url.database)) as whole,
        sqlite3.connect(tmp_path / "ltc.db") as copy,
    ):
        whole.backup(copy)
    with open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as opened:
        yield opened


@dataclass
class Somebody:
    """A person before the browser."""

    page: Page

    def reads(self, text: str) -> None:
        """Wait until it can be read."""
        self.page.get_by_text(text, exact=False).first.wait_for()

    def complaints(self) -> list[str]:
        """What axe finds wrong for people who use a screen reader or the keyboard."""
        found = Axe().run(self.page).response["violations"]
        return [f"{item['id']}: {node['html'][:120]}" for item in found for node in item["nodes"]]

    def picture(self, name: str) -> None:
        """Keep what is seen now for the docs, if that was asked for."""
        if os.environ.get("PICTURES"):
            self.page.screenshot(path=PICTURES / f"workbench-{name}.png")


@pytest.fixture
def site(store: Store) -> Iterator[str]:
    """The address of the workbench."""
    with served(workbench(store, settings())) as address:
        yield address


@pytest.fixture
def somebody(chromium: Browser, store: Store, site: str) -> Iterator[Callable[..., Somebody]]:
    """Opens the browser of somebody new; with a role, of a member who is signed in."""
    contexts = []

    def open_one(role: Role | None = None, phone: bool = False, dark: bool = False, locale: str = "en") -> Somebody:
        context = chromium.new_context(
            base_url=site, viewport=PHONE if phone else WIDE, color_scheme="dark" if dark else "light", locale=locale
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        person = Somebody(context.new_page())
        if role is not None:
            name = f"{role}.{len(contexts)}"
            with store.transaction() as connection:
                members.accept(connection, members.invite(connection, name, [role], "test"), passwords.hashed(PASSWORD))
                members.set_locale(connection, name, locale)
            person.page.goto("/")
            person.page.locator("input[name=name]").fill(name)
            person.page.locator("input[name=password]").fill(PASSWORD)
            person.page.keyboard.press("Enter")
            person.page.wait_for_url(site + "/")
        return person

    yield open_one
    for context in contexts:
        context.close()
