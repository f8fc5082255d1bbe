"""Links to orders by the API, with which customers follow them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from state import audit
from state.members import Role
from state.store import Store
from tests.web.api.conftest import Program
from tests.web.api.test_answers import refused
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow


def test_a_program_shares_an_order_and_ends_it(program: Program, browser: Callable[..., Browser], desk: Store) -> None:
    api = program(Role.FINANCE)
    [chain] = api.get("/chains", text="SO-1").json()["items"]
    order = next(record["id"] for record in chain["records"] if record["entity"] == "order")
    made = api.post(f"/orders/{order}/share", days=10).json()
    assert (made["number"], made["links"], made["days"]) == ("SO-1", 1, 10)
    assert made["link"].startswith(str(api.client.base_url))
    path = urlsplit(made["link"]).path
    assert "SO-1" in browser().get(path).text
    assert api.get(f"/orders/{order}/share").json()["links"] == 1
    assert api.post(f"/orders/{order}/share/end").json()["links"] == 0
    assert browser().get(path).status_code == 404
    with desk.reading() as connection:
        said = [entry.action for entry in audit.entries(connection, actor="p.finance")]
    assert said[:2] == ["order no longer shared", "order shared"]


def test_only_orders_are_shared_and_not_for_ever(program: Program) -> None:
    api = program(Role.FINANCE)
    [chain] = api.get("/chains", text="SO-1").json()["items"]
    quote = next(record["id"] for record in chain["records"] if record["entity"] == "quote")
    refused(api.post(f"/orders/{quote}/share", days=30), 404)
    refused(api.post(f"/orders/{quote}/share", days=366), 422)
    refused(api.get("/orders/999999/share"), 404)
