"""Two toy systems, a CRM that should show what the ERP knows, and a reconciliation of one rule."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import yaml
from sqlalchemy import text

from connectors import registry
from settings.load import load
from settings.model import Settings
from state import agreed
from state.store import Store

MAPPINGS = {
    "crm": """
version: 1
connector: toy
streams:
  deal:
    entity: opportunity
    fields: {name: name, order_number: order, currency: {const: CNY}, delivery_state: delivery}
    status: {path: stage, values: {open: open, won: won}}
    write: {delivery_state: delivery}
""",
    "erp": """
version: 1
connector: toy
streams:
  order:
    entity: order
    fields: {number: number, currency: {const: CNY}, delivery_state: delivery}
    status: {path: state, values: {open: confirmed}}
    required: [number]
""",
}


@dataclass(frozen=True)
class Wanted:
    system: str
    stream: str
    record_id: int
    source_id: str
    number: str | None
    entity: str
    field: str
    old: Any
    new: Any
    reason: str
    because: Any = None


WISHES = text(
    "SELECT o.record_id, o.source_id, o.delivery_state AS shown, e.delivery_state AS known, e.number, "
    "e.source_id AS order_id "
    "FROM opportunities o JOIN orders e ON e.number = o.order_number AND e.deleted = 0 "
    "WHERE o.deleted = 0 AND coalesce(o.delivery_state, '') <> coalesce(e.delivery_state, '') ORDER BY o.record_id"
)


def wanted(store: Store, settings: Any) -> list[Wanted]:
    with store.reading() as connection:
        rows = connection.execute(WISHES).all()
    return [
        Wanted(
            *("crm", "deal", row.record_id, row.source_id, None, "opportunity", "delivery_state"),
            *(row.shown, row.known, f"order {row.number} in erp says so", because(row)),
        )
        for row in rows
    ]


def because(row: Any) -> tuple[dict[str, Any], ...]:
    """The order that says so."""
    return ({"system": "erp", "entity": "order", "source_id": row.order_id, "number": row.number},)


AGREED = text(
    "SELECT o.record_id, 'delivery_state', o.delivery_state FROM opportunities o "
    "JOIN orders e ON e.number = o.order_number AND e.deleted = 0 "
    "WHERE o.deleted = 0 AND o.delivery_state = e.delivery_state"
)


def reconcile(store: Store, settings: Any, run_id: str, as_of: datetime) -> Any:
    reconcile.calls += 1  # type: ignore[attr-defined]
    with store.transaction() as connection:
        agreed.write(connection, [tuple(row) for row in connection.execute(AGREED)])
    with store.reading() as connection:
        counts = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in ("orders", "opportunities")
        }
    return SimpleNamespace(as_dict=lambda: counts)


reconcile.calls = 0  # type: ignore[attr-defined]


def build(store: Store, settings: Any) -> dict[str, Any]:
    """A report with one finding for each order."""
    with store.reading() as connection:
        numbers = connection.execute(text("SELECT number FROM orders ORDER BY number")).scalars().all()
    return {"findings": [_finding(number) for number in numbers]}


def _finding(number: str) -> dict[str, Any]:
    return {
        "check": "delivery_late",
        "stage": "order",
        "department": "logistics",
        "severity": "warning",
        "status": "open",
        "amount": "10.00",
        "currency": "CNY",
        "base_amount": "10.00",
        "records": [{"system": "erp", "entity": "order", "source_id": number, "number": number}],
        "explanation": f"{number} is late.",
        "action": "Deliver it.",
    }


def install() -> None:
    """Let the jobs find the toy connector and the one-rule reconciliation."""
    registry._BUILT_IN["toy"] = "tests.jobs.toy:Toy"
    for name, members in (
        ("reconciliation.writebacks", {"wanted": wanted}),
        ("reconciliation.engine", {"reconcile": reconcile}),
        ("reconciliation.report", {"build": build}),
    ):
        module = ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module


def settings_for(folder: Path, urls: dict[str, str], **pushes: str) -> Settings:
    """Write ltc.yaml and the mappings to ``folder``; the systems listen at ``urls``."""
    streams = {"crm": (["deal"], ["opportunity"]), "erp": (["order"], ["order"])}
    systems = {}
    for name, url in urls.items():
        (folder / f"{name}.yaml").write_text(MAPPINGS[name])
        systems[name] = {
            "connector": "toy",
            "roles": [name],
            "config": {"url": url, "streams": streams[name][0], "entities": streams[name][1]},
            "mapping": f"{name}.yaml",
            "push": pushes.get(name, "auto"),
        }
    top: dict[str, Any] = {"version": 1, "timezone": "Asia/Shanghai", "as_of": "2026-10-31T10:00:00Z"}
    top |= {"systems": systems, "writing": {"first_run": "write"}}
    (folder / "ltc.yaml").write_text(yaml.safe_dump(top))
    return load(folder / "ltc.yaml")


def deals(number: int = 7) -> dict[str, list[dict[str, Any]]]:
    """What the CRM holds: won deals that do not show their deliveries yet."""
    made = [{"id": f"d{n}", "name": f"Deal {n}", "stage": "won", "order": f"SO-{n}"} for n in range(1, number + 1)]
    return {"deal": made}


def orders(number: int = 7) -> dict[str, list[dict[str, Any]]]:
    """What the ERP holds: delivered orders."""
    states = {"state": "open", "delivery": "delivered"}
    return {"order": [{"id": f"o{n}", "number": f"SO-{n}", **states} for n in range(1, number + 1)]}
