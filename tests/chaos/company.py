"""The simulated company: what its systems hold, what should agree between them, and the light reconciliation.

The reconciliation of the product takes a third of a second however little there is; thousands of histories a minute
cannot afford it. These few statements stand in for it: they link by number, note what both sides agree on, and wish
for what the owner shows. ``judge`` proves that the store holds what the sources hold, of which the real reconciliation
is a function; a sample of the histories runs the real one as well.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import text

from connectors import registry
from settings.load import load
from settings.model import Settings
from state import agreed
from state.store import Store
from tests.chaos.declared import manifest
from tests.chaos.machine import PORTS

STREAMS = {"crm": "deal", "erp": "order", "books": "invoice", "web": "entry", "sales": "prospect"}
ENTITIES = {"deal": "opportunity", "order": "order", "invoice": "invoice", "entry": "lead", "prospect": "lead"}
TABLES = {"deal": "opportunities", "order": "orders", "invoice": "invoices", "entry": "leads", "prospect": "leads"}
AMOUNTS = {"deal": "expected_amount", "order": "gross_amount", "invoice": "gross_amount"}
FIELDS = {
    "deal": {"delivery": "delivery_state", "payment": "payment_state", "billing": "billing_state", "name": "name"},
    "order": {"delivery": "delivery_state", "payment": "payment_state", "billing": "billing_state"},
    "invoice": {},
    "entry": {"name": "contact_name"},
    "prospect": {"name": "contact_name"},
}
STATUSES = {
    "deal": {"open": "open", "won": "won", "lost": "lost"},
    "order": {"open": "confirmed", "done": "completed", "void": "cancelled"},
    "invoice": {"draft": "draft", "sent": "issued", "paid": "paid"},
    "entry": {"new": "new", "hot": "working", "spam": "disqualified"},
    "prospect": {"new": "new", "hot": "working", "spam": "disqualified"},
}

_MAPPINGS = {
    "crm": """
version: 1
connector: sim
streams:
  deal:
    entity: opportunity
    fields:
      name: name
      number: number
      order_number: number
      currency: {const: CNY}
      expected_amount: amount
      delivery_state: delivery
      payment_state: payment
      billing_state: billing
    status: {path: state, values: {open: open, won: won, lost: lost}}
    write: {delivery_state: delivery, payment_state: payment, billing_state: billing}
""",
    "erp": """
version: 1
connector: sim
streams:
  order:
    entity: order
    fields:
      number: number
      currency: {const: CNY}
      gross_amount: amount
      delivery_state: delivery
      payment_state: payment
      billing_state: billing
    status: {path: state, values: {open: confirmed, done: completed, void: cancelled}}
    write: {payment_state: payment, billing_state: billing}
""",
    "books": """
version: 1
connector: sim
streams:
  invoice:
    entity: invoice
    fields: {number: number, currency: {const: CNY}, gross_amount: amount}
    status: {path: state, values: {draft: draft, sent: issued, paid: paid}}
""",
    "web": """
version: 1
connector: sim
streams:
  entry:
    entity: lead
    fields: {number: number, contact_name: name, received_at: received}
    status: {path: state, values: {new: new, hot: working, spam: disqualified}}
""",
    "sales": """
version: 1
connector: sim
streams:
  prospect:
    entity: lead
    fields: {number: number, contact_name: name}
    status: {path: state, values: {new: new, hot: working, spam: disqualified}}
    create:
      key: ltc_key
      fields: {name: contact_name, state: {value: new}, ref: lead_ref}
""",
}


class Rule(NamedTuple):
    """The target's field shows what the owner's field (or status) shows, for records of one number."""

    target: str
    owner: str
    field: str
    """Canonical field of the target."""
    shows: str
    """Canonical field of the owner."""


RULES: dict[str, list[Rule]] = {
    "one": [],
    "create": [],
    "pair": [Rule("deal", "order", "delivery_state", "delivery_state")],
    "number": [Rule("deal", "order", "billing_state", "billing_state")],
    "chain": [
        Rule("deal", "order", "delivery_state", "delivery_state"),
        Rule("deal", "order", "payment_state", "payment_state"),
        Rule("order", "invoice", "payment_state", "status"),
    ],
    "cycle": [
        Rule("deal", "order", "delivery_state", "delivery_state"),
        Rule("order", "deal", "billing_state", "status"),
    ],
}
_ROLES = {"books": "accounting", "web": "marketing", "sales": "crm"}
SOURCE_FIELD = {"delivery_state": "delivery", "payment_state": "payment", "billing_state": "billing"}


@dataclass(frozen=True)
class Wanted:
    """One wish, as the reconciliation makes them."""

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


_rules: list[Rule] = []

sql = cache(text)
"""A statement, made once: every history asks the same ones."""


def system_of(stream: str) -> str:
    """The system that holds a stream."""
    return next(system for system, name in STREAMS.items() if name == stream)


def _joined(rule: Rule) -> str:
    """Targets with the owner's record of the same number; of several owners the one with the lowest id counts."""
    target, owner = TABLES[rule.target], TABLES[rule.owner]
    return (
        f"FROM {target} t JOIN {owner} o ON o.number = t.number AND o.deleted = 0 WHERE t.deleted = 0 "
        f"AND o.source_id = (SELECT min(x.source_id) FROM {owner} x WHERE x.number = t.number AND x.deleted = 0)"
    )


def wanted(store: Store, settings: Any) -> list[Wanted]:
    """What the rules of this history want written."""
    found = []
    with store.reading() as connection:
        for rule in _rules:
            query = (
                f"SELECT t.record_id, t.source_id, t.number, t.{rule.field} AS shown, o.{rule.shows} AS known, "
                f"o.source_id AS owner {_joined(rule)} AND o.{rule.shows} IS NOT NULL "
                f"AND (t.{rule.field} IS NULL OR t.{rule.field} <> o.{rule.shows}) ORDER BY t.record_id"
            )
            for row in connection.execute(sql(query)):
                named = (system_of(rule.target), rule.target, row.record_id, row.source_id, row.number)
                because = {"system": system_of(rule.owner), "entity": ENTITIES[rule.owner], "source_id": row.owner}
                values = (ENTITIES[rule.target], rule.field, row.shown, row.known, f"{rule.owner} says so")
                found.append(Wanted(*named, *values, ({**because, "number": row.number},)))
    return found


_LINKED = """
INSERT INTO link (kind, left_id, right_id, left_entity, right_entity, method, score, evidence, decision, run_id)
SELECT 'same_as', min(a.record_id, b.record_id), max(a.record_id, b.record_id), 'lead', 'lead', 'number', 1000, '{}',
       'auto', :run
FROM leads a JOIN leads b ON b.number = a.number AND a.system = 'web' AND b.system = 'sales'
WHERE a.deleted = 0 AND b.deleted = 0
ON CONFLICT DO NOTHING
"""


def reconcile(store: Store, settings: Any, run_id: str, as_of: datetime) -> Any:
    """Note what both sides agree on."""
    with store.transaction() as connection:
        for rule in _rules:
            query = f"SELECT t.record_id, '{rule.field}', t.{rule.field} {_joined(rule)} "
            query += f"AND t.{rule.field} = o.{rule.shows}"
            agreed.write(connection, [tuple(row) for row in connection.execute(sql(query))])
        connection.execute(sql("DELETE FROM link WHERE method = 'number'"))
        connection.execute(sql(_LINKED), {"run": run_id})
    return SimpleNamespace(as_dict=dict)


@contextmanager
def installed() -> Iterator[None]:
    """Let the jobs find the simulated connector and the light reconciliation."""
    saved = {name: sys.modules.get(name) for name in ("reconciliation.writebacks", "reconciliation.engine")}
    for name, members in (
        ("reconciliation.writebacks", {"wanted": wanted}),
        ("reconciliation.engine", {"reconcile": reconcile}),
    ):
        module = ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module
    registry._BUILT_IN["sim"] = "tests.chaos.connector:Sim"
    try:
        yield
    finally:
        del registry._BUILT_IN["sim"]
        for name, found in saved.items():
            if found is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = found


def use(topology: str) -> None:
    """Let the rules of one topology hold from now on."""
    _rules[:] = RULES[topology]


def systems_of(topology: str) -> list[str]:
    """The systems that a topology connects."""
    if topology == "create":
        return ["web", "sales"]
    if not RULES[topology]:
        return ["erp"]
    streams = {name for rule in RULES[topology] for name in (rule.target, rule.owner)}
    return [system for system, stream in STREAMS.items() if stream in streams]


@cache
def settings_for(
    folder: Path,
    topology: str,
    policy: str,
    page: int,
    tombstones: bool,
    versions: str,
    creates: str,
    batch: int,
    lags: bool,
    declared: str,
) -> Settings:
    """ltc.yaml of such a company."""
    place = folder / f"{topology}-{policy}-{page}-{tombstones:d}-{versions}-{creates}-{batch}-{lags:d}-{declared}"
    place.mkdir()
    systems = {}
    targets = {system_of(rule.target) for rule in RULES[topology]} | ({"sales"} if topology == "create" else set())
    for name in systems_of(topology):
        (place / f"{name}.yaml").write_text(_MAPPINGS[name])
        stream = STREAMS[name]
        traits = {"creates": creates, "batch": batch, "lags": lags}
        config = {"url": f"http://localhost:{PORTS[name]}", "page": page, "streams": {stream: ENTITIES[stream]}}
        config |= {"tombstones": tombstones, "versions": versions, **traits}
        if declared:
            text = manifest(
                stream,
                ENTITIES[stream],
                tombstones=tombstones,
                versions=versions,
                creates=creates,
                keyed=declared == "keyed",
            )
            (place / f"{name}-manifest.yaml").write_text(text)
            config = {"base_url": config["url"], "page_size": page}
        systems[name] = {
            "connector": f"{name}-manifest.yaml" if declared else "sim",
            "roles": [_ROLES.get(name, name)],
            "config": config,
            "mapping": f"{name}.yaml",
            "push": "auto" if name in targets else "off",
        }
    owners = {
        f"{ENTITIES[rule.target]}.{rule.field}": {
            "owner": _ROLES.get(system_of(rule.owner), system_of(rule.owner)),
            "policy": policy,
        }
        for rule in RULES[topology]
    }
    top: dict[str, Any] = {"version": 1, "timezone": "Asia/Shanghai", "systems": systems, "ownership": owners}
    top |= {"as_of": "2026-10-31T10:00:00Z", "writing": {"first_run": "write"}, "retention": {"automatic": False}}
    if topology == "create":
        rule = {"rule": "lead", "from": "web.entry", "to": "sales.prospect", "since": "2026-01-01", "limit": 1000}
        top["creation"] = [rule]
    (place / "ltc.yaml").write_text(json.dumps(top))
    return load(place / "ltc.yaml")
