"""The workbench over the toy company, for tests of the pages for IT."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import yaml
from httpx import Client

from connectors import retry
from console.web.app import workbench
from settings.model import Schedule, Settings
from state import members, outbox
from state.changes import Plan
from state.members import Role
from state.store import Store
from sync import job
from tests.jobs.conftest import crm, erp, settings, systems, toys
from tests.web.conftest import Browser, served

__all__ = [
    "SECONDS",
    "crm",
    "erp",
    "finished",
    "olaf",
    "plain",
    "plan",
    "save_schedules",
    "settings",
    "systems",
    "toys",
]

SECONDS = 30
Opens = Callable[..., Browser]


@pytest.fixture
def olaf(sqlite_store: Store, settings: Settings, kept_password: str) -> Iterator[Opens]:
    """Opens the browser of somebody with a role, who may be limited to some systems."""
    app = workbench(sqlite_store, settings)
    with served(app) as address, ExitStack() as opened, retry.no_waiting():

        def signed_in(role: Role, *only: str) -> Browser:
            name = f"{role}.{'.'.join(only)}" if only else role
            with sqlite_store.transaction() as connection:
                token = members.invite(connection, name, [role], "test", only or None)
                members.accept(connection, token, kept_password)
            browser = Browser(
                opened.enter_context(Client(base_url=address, headers={"origin": address}, timeout=SECONDS))
            )
            assert browser.sign_in(name).status_code == 303
            return browser

        yield signed_in
        app.state.worker.wait(SECONDS)


@pytest.fixture
def plan(sqlite_store: Store, settings: Settings) -> Plan:
    """What is to be written to the toy CRM, planned and not carried out."""
    job.run_sync(sqlite_store, settings, push="plan")
    with sqlite_store.reading() as connection:
        (found,) = outbox.open_plans(connection)
    return found


def finished(browser: Browser) -> str:
    """The page of the newest run, once it has ended."""
    for _ in range(600):
        page = browser.get("/runs").text
        if 'http-equiv="refresh"' not in page:
            return browser.get("/runs/" + re.findall(r'href="/runs/([^"]+)"', page)[0]).text
    raise AssertionError("the run does not end")


def save_schedules(settings: Settings, at: float, **schedules: dict[str, Any]) -> None:
    """Save the schedules of systems in ltc.yaml as if that had been done at a time (seconds)."""
    top = yaml.safe_load(settings.path.read_text())
    for name, schedule in schedules.items():
        top["systems"][name]["schedule"] = schedule
        settings.systems[name].schedule = Schedule(**schedule)
    settings.path.write_text(yaml.safe_dump(top))
    os.utime(settings.path, (at, at))


def plain(page: str) -> str:
    """The text of a page without tags, spaces made one."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
