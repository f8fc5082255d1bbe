"""The form of a system says in which zone times are meant that name none, and changes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from state.members import Role
from tests.web.admin.sending import form, save
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

PAGE = "/settings/systems/crm"
CONFIG = {
    "config.instance_url": "https://acme.example",
    "config.client_id": "c",
    "config.client_secret.in": "env",
    "config.client_secret": "NOWHERE",
}


@pytest.fixture
def admin(as_role: Callable[[Role], Browser]) -> Browser:
    somebody = as_role(Role.ADMIN)
    somebody.client.timeout = 60
    return somebody


def zone(config: Path) -> str | None:
    found: str | None = yaml.safe_load(config.read_text())["systems"]["crm"].get("timezone")
    return found


def test_the_form_of_a_system_says_the_companys_zone_and_keeps_another(admin: Browser, config: Path) -> None:
    company = yaml.safe_load(config.read_text())["timezone"]
    page = admin.get(PAGE).text
    assert f"Left empty, it is that of the company, {company}." in page
    sent = form(page, PAGE)
    assert sent["timezone"] == ""
    wrong = admin.post(PAGE, do="preview", **sent | {"timezone": "Mars/Olympus"}).text
    assert "This is no IANA time zone" in wrong
    assert zone(config) is None
    looked = admin.post(PAGE, do="preview", **sent | CONFIG | {"timezone": "Europe/Berlin"}).text
    assert save(admin, PAGE, **form(looked, PAGE)).status_code == 303
    assert zone(config) == "Europe/Berlin"
    looked = admin.post(PAGE, do="preview", **form(admin.get(PAGE).text, PAGE) | {"timezone": ""}).text
    assert save(admin, PAGE, **form(looked, PAGE)).status_code == 303
    assert zone(config) is None
