"""Four toy systems from form to invoice, and the rules by which one makes records in the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from settings.load import load
from settings.model import Settings

_PARTY = """
  party:
    entity: party
    fields: {name: name, email: email, tax_id: tax}
    status: {const: active}
"""
MAPPINGS = {
    "forms": """
version: 1
connector: toy
streams:
  form:
    entity: lead
    fields: {contact_name: name, company_name: company, email: email, phone: phone, received_at: at}
    status: {path: state, values: {fresh: new, won: converted}}
    personal: [contact_name, email, phone]
""",
    "crm": """
version: 1
connector: toy
streams:
  lead:
    entity: lead
    fields: {contact_name: name, company_name: company, email: email, phone: phone, received_at: at}
    status: {path: state, values: {Open: new, Converted: converted}}
    personal: [contact_name, email, phone]
    create:
      key: key
      fields:
        name: {first: [contact_name, company_name]}
        company: {field: company_name, default: "(none)"}
        email: email
        state: status
        channel: {value: form}
"""
    + _PARTY
    + """
  deal:
    entity: opportunity
    fields: {name: name, currency: {const: CNY}, party_ref: {path: party, ref: id}, source_created_at: at}
    status: {path: state, values: {open: open, won: won, lost: lost}}
  quote:
    entity: quote
    fields:
      number: number
      currency: {const: CNY}
      opportunity_ref: {path: deal, ref: id}
      party_ref: {path: party, ref: id}
      issue_date: day
      net_amount: net
    status: {path: state, values: {draft: draft, approved: approved, accepted: accepted, rejected: rejected}}
    lines: {path: lines, fields: {sku: sku, quantity: qty, unit_price: price, net_amount: net, description: text}}
""",
    "erp": """
version: 1
connector: toy
streams:"""
    + _PARTY
    + """
  order:
    entity: order
    fields:
      number: number
      currency: {path: currency, default: CNY}
      quote_ref: {path: quote, ref: "no"}
      party_ref: {path: party, ref: id}
      net_amount: net
    status: {path: state, values: {draft: draft, confirmed: confirmed}}
    lines: {path: lines, fields: {sku: sku, quantity: qty, unit_price: price, net_amount: net}}
    create:
      key: key
      fields: {party: {party: customer}, quote: quote_ref, state: status, day: order_date, net: net_amount}
      lines: {into: lines, fields: {sku: sku, qty: quantity, price: unit_price, net: net_amount, text: description}}
  delivery:
    entity: delivery
    fields: {number: number, order_refs: {path: order, ref: "no"}, party_ref: {path: party, ref: id}, shipped_on: day}
    status: {path: state, values: {planned: planned, done: delivered}}
    lines: {path: lines, fields: {sku: sku, quantity: qty}}
""",
    "books": """
version: 1
connector: toy
streams:"""
    + _PARTY
    + """
  invoice:
    entity: invoice
    fields:
      number: number
      kind: {const: invoice}
      currency: {path: currency, default: CNY}
      order_refs: {path: order, ref: "no"}
      party_ref: {path: party, ref: id}
      issue_date: day
      net_amount: net
    status: {path: state, values: {draft: draft, issued: issued, void: void}}
    lines: {path: lines, fields: {sku: sku, quantity: qty, unit_price: price, net_amount: net}}
    create:
      key: key
      fields:
        party: {party: customer}
        order: order_refs
        delivery: delivery_numbers
        state: status
        day: issue_date
        net: net_amount
        currency: currency
      lines: {into: lines, fields: {sku: sku, qty: quantity, price: unit_price, net: net_amount}}
""",
}
ENTITIES = {
    "forms": {"form": "lead"},
    "crm": {"lead": "lead", "party": "party", "deal": "opportunity", "quote": "quote"},
    "erp": {"party": "party", "order": "order", "delivery": "delivery"},
    "books": {"party": "party", "invoice": "invoice"},
}
ROLES = {"forms": "marketing", "crm": "crm", "erp": "erp", "books": "accounting"}
CREATABLE = ["lead", "order", "invoice"]
LEAD = {"rule": "lead", "from": "forms.form", "to": "crm.lead", "since": "2026-01-01"}
ORDER = {"rule": "order", "from": "crm.deal", "to": "erp.order", "since": "2026-01-01"}
INVOICE = {"rule": "invoice", "from": "erp.delivery", "to": "books.invoice", "since": "2026-01-01"}


def settings_for(
    folder: Path, urls: dict[str, str], *rules: dict[str, Any], push: str = "auto", store: str = "", **more: Any
) -> Settings:
    """Write ltc.yaml and the mappings to ``folder``; the systems listen at ``urls``."""
    systems = {}
    for name, url in urls.items():
        (folder / f"{name}.yaml").write_text(MAPPINGS[name])
        streams = {"streams": list(ENTITIES[name]), "entities": list(ENTITIES[name].values())}
        systems[name] = {
            "connector": "toy",
            "roles": [ROLES[name]],
            "config": {"url": url, **streams, "creatable": CREATABLE, **more.get("config", {})},
            "mapping": f"{name}.yaml",
            "push": push,
        }
    top: dict[str, Any] = {"version": 1, "timezone": "Asia/Shanghai", "as_of": "2026-10-31T10:00:00Z"}
    top |= {"systems": systems, "writing": {"first_run": more.get("first_run", "write")}}
    top |= {"creation": list(rules)} if rules else {}
    top |= {"store": store} if store else {}
    (folder / "ltc.yaml").write_text(yaml.safe_dump(top))
    return load(folder / "ltc.yaml")


def forms(number: int = 3) -> list[dict[str, Any]]:
    """Fresh form leads."""
    names = ["Li Na", "Wang Wei", "Anna Weber", "Zhao Min", "Tom Roe"]
    return [
        {"id": f"f{n}", "name": names[(n - 1) % 5], "company": f"Firm {n}", "email": f"lead{n}@firm{n}.cn"}
        | {"state": "fresh", "at": f"2026-10-{n:02}T08:00:00Z"}
        for n in range(1, number + 1)
    ]
