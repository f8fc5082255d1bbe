"""The way to a customer's page from its name, as the tables of what is owed have it."""

from __future__ import annotations

from collections.abc import Callable

from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_customers import filled, record

__all__ = ["filled"]


def test_the_name_of_a_customer_leads_to_its_page_and_anything_else_to_the_trace(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    viewer = as_role(Role.VIEWER)
    for name in ("Acme SRL", "C-117"):
        leads = viewer.get(f"/customers?text={name}").headers["location"]
        assert leads in {f"/customers/{record(desk, one)}" for one in ("117", "A1", "c-1")}, name
        assert "ACME S.r.l." in viewer.get(leads).text
    for other in ("SO-1", "Nobody of this name"):
        assert viewer.get(f"/customers?text={other}").headers["location"].startswith("/trace?text="), other


def test_two_customers_of_one_name_are_both_shown_by_the_trace(as_role: Callable[[Role], Browser], desk: Store) -> None:
    with desk.transaction() as connection:
        connection.exec_driver_sql("UPDATE parties SET name = 'ACME S.r.l.' WHERE source_id = 'A2'")
    leads = as_role(Role.VIEWER).get("/customers?text=ACME S.r.l.").headers["location"]
    assert leads.startswith("/trace?text=ACME")


def test_what_is_owed_leads_to_the_customer_and_what_is_overdue_has_a_list_that_a_tile_leads_to(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)
    tiles = viewer.get("/").text.partition('class="cards"')[2].partition("</section>")[0]
    assert "Owed by customers" in tiles
    assert "of it is overdue, before credits" in tiles
    assert '<a href="/figures?owed=overdue">Only what is overdue</a>' in tiles
    assert "/customers?text=Acme" in viewer.get("/figures").text
    late = viewer.get("/figures?owed=overdue").text
    assert "INV-1" in late
    assert "CN-1" not in late
    viewer.post("/language", locale="zh-CN")
    assert "仅看逾期" in viewer.get("/").text
