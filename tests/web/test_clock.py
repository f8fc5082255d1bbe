"""A clock that the settings stop is told on every page, in the language of who reads it, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from settings.model import Settings
from state.members import Role
from tests.web.conftest import Browser


def test_a_clock_that_stands_is_told_on_every_page(
    as_role: Callable[[Role], Browser], browser: Callable[..., Browser], given: Settings
) -> None:
    assert given.as_of is not None
    at = f"{given.as_of.astimezone(given.business_day_zone):%Y-%m-%d %H:%M}"
    vera = as_role(Role.VIEWER)
    for address in ("/", "/findings", "/periods", "/account", "/trace"):
        assert f"The clock stands at {at}, as the settings say" in vera.get(address).text
    vera.post("/language", locale="zh-CN", next="/trace")
    assert f"按设置（as_of），时钟停在 {at}" in vera.get("/trace").text
    assert "clock stands" not in browser().get("/sign-in").text


def test_nothing_is_told_of_a_clock_that_goes_on(
    as_role: Callable[[Role], Browser], given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vera = as_role(Role.VIEWER)
    monkeypatch.setattr(given, "as_of", None)
    assert "clock stands" not in vera.get("/trace").text
