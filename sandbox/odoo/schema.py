"""The models of Odoo 19 that the stand-in knows, with the fields that matter to lead to cash.

A field is its kind: ``char``, ``int``, ``float``, ``bool``, ``date``, ``datetime``, ``m2o:MODEL``, ``m2m:MODEL``, or
``o2m:MODEL:INVERSE``. Every model has ``id``, ``display_name``, ``create_date`` and ``write_date`` besides.
"""

from __future__ import annotations

from typing import Any

MODELS: dict[str, dict[str, str]] = {
    "res.country": {"code": "char", "name": "char"},
    "res.currency": {"name": "char"},
    "uom.uom": {"name": "char"},
    "crm.stage": {"name": "char", "sequence": "int", "is_won": "bool"},
    "utm.campaign": {"name": "char"},
    "utm.source": {"name": "char"},
    "res.partner": {
        "active": "bool",
        "name": "char",
        "ref": "char",
        "vat": "char",
        "email": "char",
        "phone": "char",
        "website": "char",
        "street": "char",
        "city": "char",
        "zip": "char",
        "country_id": "m2o:res.country",
        "is_company": "bool",
        "currency_id": "m2o:res.currency",
        "credit_limit": "float",
        "show_credit_limit": "bool",
        "property_payment_term_id": "m2o:account.payment.term",
        "parent_id": "m2o:res.partner",
        "commercial_partner_id": "m2o:res.partner",
    },
    "account.payment.term": {"name": "char", "line_ids": "o2m:account.payment.term.line:payment_id"},
    "account.payment.term.line": {"payment_id": "m2o:account.payment.term", "delay_type": "char", "nb_days": "int"},
    "product.product": {
        "active": "bool",
        "default_code": "char",
        "name": "char",
        "type": "char",
        "lst_price": "float",
        "uom_id": "m2o:uom.uom",
    },
    "crm.lead": {
        "active": "bool",
        "type": "char",
        "name": "char",
        "contact_name": "char",
        "partner_name": "char",
        "email_from": "char",
        "phone": "char",
        "referred": "char",
        "country_id": "m2o:res.country",
        "partner_id": "m2o:res.partner",
        "campaign_id": "m2o:utm.campaign",
        "source_id": "m2o:utm.source",
        "stage_id": "m2o:crm.stage",
        "user_id": "int",
        "probability": "float",
        "expected_revenue": "float",
        "company_currency": "m2o:res.currency",
        "date_deadline": "date",
        "date_closed": "datetime",
        "date_conversion": "datetime",
        "lost_reason_id": "int",
    },
    "sale.order": {
        "name": "char",
        "state": "char",
        "locked": "bool",
        "partner_id": "m2o:res.partner",
        "currency_id": "m2o:res.currency",
        "opportunity_id": "m2o:crm.lead",
        "client_order_ref": "char",
        "origin": "char",
        "date_order": "datetime",
        "validity_date": "date",
        "commitment_date": "datetime",
        "invoice_status": "char",
        "delivery_status": "char",
        "amount_untaxed": "float",
        "amount_tax": "float",
        "amount_total": "float",
        "order_line": "o2m:sale.order.line:order_id",
    },
    "sale.order.line": {
        "order_id": "m2o:sale.order",
        "product_id": "m2o:product.product",
        "name": "char",
        "display_type": "char",
        "product_uom_qty": "float",
        "product_uom_id": "m2o:uom.uom",
        "price_unit": "float",
        "discount": "float",
        "price_subtotal": "float",
        "price_tax": "float",
    },
    "stock.picking": {
        "name": "char",
        "state": "char",
        "partner_id": "m2o:res.partner",
        "picking_type_code": "char",
        "sale_id": "m2o:sale.order",
        "origin": "char",
        "scheduled_date": "datetime",
        "date_done": "datetime",
        "move_ids": "o2m:stock.move:picking_id",
    },
    "stock.move": {
        "picking_id": "m2o:stock.picking",
        "product_id": "m2o:product.product",
        "quantity": "float",
        "product_uom": "m2o:uom.uom",
    },
    "account.move": {
        "name": "char",
        "state": "char",
        "payment_state": "char",
        "move_type": "char",
        "commercial_partner_id": "m2o:res.partner",
        "currency_id": "m2o:res.currency",
        "invoice_origin": "char",
        "invoice_date": "date",
        "invoice_date_due": "date",
        "is_move_sent": "bool",
        "reversed_entry_id": "m2o:account.move",
        "amount_untaxed": "float",
        "amount_tax": "float",
        "amount_total": "float",
        "amount_residual": "float",
        "invoice_line_ids": "o2m:account.move.line:move_id",
    },
    "account.move.line": {
        "move_id": "m2o:account.move",
        "product_id": "m2o:product.product",
        "name": "char",
        "display_type": "char",
        "quantity": "float",
        "product_uom_id": "m2o:uom.uom",
        "price_unit": "float",
        "discount": "float",
        "price_subtotal": "float",
    },
    "account.payment": {
        "name": "char",
        "state": "char",
        "payment_type": "char",
        "partner_type": "char",
        "partner_id": "m2o:res.partner",
        "currency_id": "m2o:res.currency",
        "amount": "float",
        "date": "date",
        "memo": "char",
        "reconciled_invoice_ids": "m2m:account.move",
        "reconciled_invoices_count": "int",
    },
}
_EVERY = {"id": "int", "display_name": "char", "create_date": "datetime", "write_date": "datetime"}

DEFAULTS: dict[str, dict[str, Any]] = {
    "res.partner": {"active": True, "is_company": True},
    "product.product": {"active": True, "type": "consu"},
    "crm.lead": {"active": True, "type": "lead", "probability": 10.0, "expected_revenue": 0.0},
    "sale.order": {"state": "draft", "locked": False, "invoice_status": "no"},
    "stock.picking": {"state": "draft", "picking_type_code": "outgoing"},
    "account.move": {"state": "draft", "payment_state": "not_paid", "move_type": "out_invoice", "is_move_sent": False},
    "account.payment": {"state": "draft", "payment_type": "inbound", "partner_type": "customer"},
}


def kind_of(model: str, field: str) -> str | None:
    """The kind of a field, ``None`` for one that the model does not have."""
    return _EVERY.get(field) or MODELS[model].get(field)


def other_model(kind: str) -> str | None:
    """The model that a relation leads to."""
    return kind.split(":")[1] if ":" in kind else None


def is_many(kind: str) -> bool:
    """Whether a relation leads to several records."""
    return kind.startswith(("o2m", "m2m"))
