"""Write the demo's ltc.yaml and its secrets, as a user would for systems of their own."""

from __future__ import annotations

from typing import Any

import yaml

from sandbox.demo.place import Place
from sandbox.world.build import AS_OF

_SECRETS = {
    "forms": ("api_key",),
    "crm": ("client_secret",),
    "erp": ("password",),
    "books": ("client_secret",),
}
_SYSTEMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    # The stand-ins have no other users, so the vendors' limits need not slow the demo down.
    "forms": ("jiandaoyun", "marketing", {}),
    "crm": ("salesforce", "crm", {}),
    "erp": ("tryton", "erp", {"calls_per_second": 200}),
    "books": ("xero", "accounting", {"calls_per_minute": 6000}),
    "bank": ("bank", "bank", {}),
}
_HEAD = """\
# The demo's settings: four systems on loopback, and statements of the bank. Written by `ltc demo`; edit it as you like.
"""


def write(place: Place, endpoints: dict[str, dict[str, Any]]) -> None:
    """Write settings and secrets for the running systems; the secrets stay in files of their own."""
    place.secrets.mkdir(parents=True, exist_ok=True)
    place.secrets.chmod(0o700)
    systems = {}
    for name, (connector, role, extra) in _SYSTEMS.items():
        values = {**endpoints[name], **extra}
        for key in _SECRETS.get(name, ()):
            file = place.secrets / f"{name}-{key}"
            file.write_text(values[key])
            file.chmod(0o600)
            values[key] = f"${{file:secrets/{file.name}}}"
        systems[name] = {
            "connector": connector,
            "roles": [role],
            "config": values,
            "schedule": {"cron": "*/15 * * * *"},
            "push": "off" if name == "bank" else "plan",
        }
    document = {
        "version": 1,
        "store": "sqlite:///ltc.db",
        "locale": "en",
        "timezone": "Asia/Shanghai",
        "base_currency": "CNY",
        "as_of": AS_OF.isoformat().replace("+00:00", "Z"),
        "systems": systems,
        "ownership": {"lead.status": "crm", "order.status": "erp", "invoice.status": "accounting"},
        "reconciliation": {
            "tolerance": {"absolute": {"CNY": "0.05", "USD": "0.01", "EUR": "0.01", "JPY": "1"}, "relative": "0"},
            "rates": {"USD": "7.15", "EUR": "8.05", "JPY": "0.0475"},
        },
    }
    place.settings.write_text(_HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
