"""The buttons of a sale order and of a lead, as methods that the API calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.odoo.database import Database
from sandbox.odoo.errors import user_error


def press(
    database: Database, model: str, method: str, ids: Sequence[int], given: Mapping[str, Any], context: Any
) -> Any:
    """Carry a button out; ``KeyError`` if the model has none of that name. Raises ``OdooError``."""
    button = _BUTTONS[model, method]
    results = [button(database, key, given, context) for key in ids]
    return results[0] if results else True


def _confirm(database: Database, key: int, _given: Mapping[str, Any], _context: Any) -> Any:
    if database.must("sale.order", key)["state"] not in ("draft", "sent"):
        raise user_error("Some orders are not in a state requiring confirmation.")
    database.set("sale.order", key, {"state": "sale", "invoice_status": "to invoice", "delivery_status": "pending"})
    return True


def _sent(database: Database, key: int, _given: Mapping[str, Any], _context: Any) -> Any:
    if database.must("sale.order", key)["state"] != "draft":
        raise user_error("Only draft orders can be marked as sent directly.")
    database.set("sale.order", key, {"state": "sent"})
    return None


def _draft(database: Database, key: int, _given: Mapping[str, Any], _context: Any) -> Any:
    # Orders in another state are passed over without a word.
    if database.must("sale.order", key)["state"] in ("cancel", "sent"):
        database.set("sale.order", key, {"state": "draft"})
    return True


def _cancel(database: Database, key: int, _given: Mapping[str, Any], context: Any) -> Any:
    order = database.must("sale.order", key)
    if order["locked"]:
        raise user_error("You cannot cancel a locked order. Please unlock it first.")
    if order["state"] != "draft" and not context.get("disable_cancel_warning"):
        return {"type": "ir.actions.act_window", "res_model": "sale.order.cancel", "view_mode": "form"}
    database.set("sale.order", key, {"state": "cancel", "invoice_status": "no"})
    return True


def _lost(database: Database, key: int, given: Mapping[str, Any], _context: Any) -> Any:
    database.set("crm.lead", key, {"active": False, "probability": 0.0, **given})
    return True


def _won(database: Database, key: int, _given: Mapping[str, Any], _context: Any) -> Any:
    won = next(row["id"] for row in database.tables["crm.stage"].values() if row["is_won"])
    database.set("crm.lead", key, {"active": True, "probability": 100.0, "stage_id": won})
    return True


_BUTTONS = {
    ("sale.order", "action_confirm"): _confirm,
    ("sale.order", "action_quotation_sent"): _sent,
    ("sale.order", "action_draft"): _draft,
    ("sale.order", "action_cancel"): _cancel,
    ("crm.lead", "action_set_lost"): _lost,
    ("crm.lead", "action_set_won"): _won,
}
