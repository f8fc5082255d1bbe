"""Write the demo's ltc.yaml, its mapping of Stripe and its secrets, as a user would for systems of their own."""

from __future__ import annotations

import re
from typing import Any

import yaml

from sandbox.demo.place import Place
from sandbox.world.build import AS_OF
from sandbox.world.cards import FIXED, RATE
from sandbox.world.deals import exponent
from sandbox.world.rates import RATES

_SECRETS = {
    "forms": ("api_key",),
    "crm": ("client_secret",),
    "erp": ("password",),
    "books": ("client_secret",),
    "shop": ("api_key",),
}
_SYSTEMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    # The stand-ins have no other users, so the vendors' limits need not slow the demo down.
    "forms": ("jiandaoyun", "marketing", {}),
    "crm": ("salesforce", "crm", {}),
    "erp": ("tryton", "erp", {"calls_per_second": 200}),
    "books": ("xero", "accounting", {"calls_per_minute": 6000}),
    "shop": ("stripe", "payments", {"reads_per_second": 1000}),
    "bank": ("bank", "bank", {}),
}
_READ_ONLY = ("shop", "bank")
_MORE: dict[str, dict[str, Any]] = {
    # Xero writes the invoices, not Stripe.
    "shop": {
        "mapping": "mappings/our-stripe.yaml",
        "streams": ["customer", "payment", "refund", "dispute", "payout"],
    }
}
_HEAD = """\
# The demo's settings: five systems on loopback, and statements of the bank. Written by `ltc demo`; edit it as you like.
"""
_MAPPING = """\
# The invoices are Xero's: with each card payment our shop tells Stripe the invoice's number.
version: 1
extends: stripe
streams:
  payment:
    fields:
      invoice_ref: {path: metadata.invoice_number, ref: no}
  # Refunds and disputes have no number; people look them up by their ids.
  refund:
    fields:
      number: '@source_id'
      invoice_ref: {path: charge.metadata.invoice_number, ref: no}
  dispute:
    fields:
      number: '@source_id'
      invoice_ref: {path: charge.metadata.invoice_number, ref: no}
"""


def renew(place: Place, endpoints: dict[str, dict[str, Any]]) -> None:
    """Put the addresses of the running systems into the settings that are there, which people may have changed.

    Without settings they are written. Raises ``RuntimeError`` if what is there is no YAML.
    """
    if not place.settings.exists():
        write(place, endpoints)
        return
    text = place.settings.read_text("utf-8")
    try:
        known = yaml.safe_load(text)["systems"]
    except (yaml.YAMLError, KeyError, TypeError):
        raise RuntimeError(f"{place.settings} cannot be read, so it does not get the systems' addresses.") from None
    moved: dict[str, str] = {}
    for name in _SYSTEMS:
        before = (known.get(name) or {}).get("config") or {}
        for key, value in _kept_secret(place, name, endpoints[name]).items():
            if isinstance(value, str) and value.startswith("http") and str(before.get(key)).startswith("http"):
                moved[before[key]] = value
    if moved:  # all at once: one system may have got the address that another one had
        old = re.compile("|".join(map(re.escape, sorted(moved, key=len, reverse=True))))
        place.settings.write_text(old.sub(lambda found: moved[found[0]], text), encoding="utf-8")


def _kept_secret(place: Place, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """The values of a system with its secrets in files, and where they are in their place."""
    place.secrets.mkdir(parents=True, exist_ok=True)
    place.secrets.chmod(0o700)
    values = dict(values)
    for key in _SECRETS.get(name, ()):
        file = place.secrets / f"{name}-{key}"
        file.write_text(values[key])
        file.chmod(0o600)
        values[key] = f"${{file:secrets/{file.name}}}"
    return values


def write(place: Place, endpoints: dict[str, dict[str, Any]]) -> None:
    """Write settings, mapping and secrets for the running systems; the secrets stay in files of their own."""
    systems = {}
    for name, (connector, role, extra) in _SYSTEMS.items():
        values = _kept_secret(place, name, {**endpoints[name], **extra})
        systems[name] = {
            "connector": connector,
            "roles": [role],
            "config": values,
            **_MORE.get(name, {}),
            "schedule": {"cron": "*/15 * * * *"},
            "push": "off" if name in _READ_ONLY else "plan",
        }
    document = {
        "version": 1,
        "store": "sqlite:///ltc.db",
        "company": "华仪测控 Huayi Instruments",
        "locale": "en",
        "timezone": "Asia/Shanghai",
        "base_currency": "CNY",
        "as_of": AS_OF.isoformat().replace("+00:00", "Z"),
        "systems": systems,
        "ownership": {
            "lead.status": "crm",
            "order.status": "erp",
            "invoice.status": "accounting",
            "opportunity.delivery_state": {"owner": "erp", "policy": "ask"},
        },
        "reconciliation": {
            "tolerance": {"absolute": {"CNY": "0.05", "USD": "0.01", "EUR": "0.01", "JPY": "1"}, "relative": "0"},
            "rates": {currency: str(rate) for currency, rate in RATES.items()},
            "checks": {"fee_unexpected": contract()},
        },
    }
    place.mappings.mkdir(exist_ok=True)
    (place.mappings / "our-stripe.yaml").write_text(_MAPPING, encoding="utf-8")
    place.settings.write_text(_HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def contract() -> dict[str, dict[str, int]]:
    """What card payments cost, as the check of fees takes it: basis points, and minor units of each currency."""
    fixed = {currency: int(amount / exponent(currency)) for currency, amount in FIXED.items()}
    return {"basis_points": {"card": int(RATE * 10_000)}, "fixed": fixed}
