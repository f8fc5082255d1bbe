"""The prepared demo database: whole, and still there after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.tryton import server
from sandbox.world.build import build_world

pytestmark = pytest.mark.slow


def test_the_demo_holds_the_world_and_outlives_a_restart(tmp_path: Path) -> None:
    world = build_world()
    with server.start(tmp_path / "erp") as tryton, tryton.client() as people:
        shown = people.read("sale.sale", people.search("sale.sale", []), ["number", "state", "reference"])
        assert [(row["number"], row["reference"] or "") for row in shown] == [
            (order.number, order.quote_number) for order in world.erp_orders
        ]
        assert [row["state"] for row in shown] == [order.state for order in world.erp_orders]
        done = people.search("stock.shipment.out", [["state", "=", "done"]])
        assert len(done) == sum(
            delivery.shipped_on is not None for order in world.erp_orders for delivery in order.deliveries
        )
        people.write("sale.sale", [shown[0]["id"]], {"comment": "kept"})
    with server.start(tmp_path / "erp") as tryton, tryton.client(tryton.user, tryton.password) as people:
        assert people.read("sale.sale", [shown[0]["id"]], ["comment"])[0]["comment"] == "kept"
