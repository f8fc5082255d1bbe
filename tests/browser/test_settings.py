"""An admin adds a system that nobody has seen, without having read anything, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import settings
from console.web.app import workbench
from state.members import Role
from state.store import Store, open_store
from tests.browser.conftest import Somebody
from tests.console import deal
from tests.web.admin.test_new_systems import shop  # noqa: F401 - a fixture
from tests.web.admin.test_settings_pages import MANIFEST
from tests.web.conftest import served

pytestmark = pytest.mark.browser

PAGES = (
    "/settings",
    "/settings/systems/new",
    "/settings/systems/books",
    "/settings/systems/books/remove",
    "/settings/ownership",
    "/settings/schedule",
    "/settings/periods",
    "/settings/history",
    "/members",
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return deal.config(tmp_path, f"sqlite:///{tmp_path / 'ltc.db'}")


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as opened:
        yield opened


@pytest.fixture
def site(config: Path, store: Store) -> Iterator[str]:
    with served(workbench(store, settings.load(config))) as address:
        yield address


def test_a_system_that_nobody_has_seen_is_added(
    somebody: Callable[..., Somebody],
    config: Path,
    shop: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "t0ken-of-the-shop")
    (tmp_path / "acme.yaml").write_text(MANIFEST.replace("https://acme.example", shop))
    anna = somebody(Role.ADMIN)
    page = anna.page
    page.set_default_timeout(120_000)
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Add a system").click()
    page.get_by_label("Manifest (YAML)").set_input_files(tmp_path / "acme.yaml")
    page.get_by_role("button", name="Bring it").click()
    anna.reads("The server has ACME_TOKEN.")
    page.get_by_role("button", name="Check").click()
    anna.reads("This is needed.")
    page.get_by_label("shop", exact=False).first.fill("berlin")
    page.get_by_role("button", name="Check").click()
    anna.reads("This works.")
    assert anna.complaints() == []
    page.get_by_label("How often").select_option("interval")
    page.get_by_label("Every", exact=True).fill("30")
    page.get_by_role("button", name="Show what will be different").click()
    anna.reads("These lines of ltc.yaml change")
    assert anna.complaints() == []
    anna.picture("settings-difference-en")
    page.get_by_role("button", name="Save").click()
    anna.reads("The system was added.")
    assert "    schedule: {interval: 30m}\n" in config.read_text()
    page.get_by_role("link", name="History of the settings").click()
    page.get_by_role("link", name="3", exact=True).click()
    anna.reads("Take it back")
    assert anna.complaints() == []
    page.get_by_role("button", name="Take it back").click()
    anna.reads("Change 3 taken back")
    assert "acme" not in config.read_text()


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_the_pages_are_for_everybody(somebody: Callable[..., Somebody], look: str) -> None:
    anna = somebody(Role.ADMIN, phone=look == "phone", dark=look == "dark", locale="zh-CN")
    anna.page.set_default_timeout(120_000)
    for address in PAGES:
        anna.page.goto(address)
        assert anna.complaints() == []
        assert anna.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
