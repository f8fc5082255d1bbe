"""Keep a stand-in's data in one JSON file, so that a stopped demo comes back as it was left."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.jiandaoyun.forms import Form

if TYPE_CHECKING:
    from sandbox.jiandaoyun.server import Tenant


class _Saved(msgspec.Struct):
    apps: dict[str, str]
    forms: list[dict[str, Any]]
    keys: dict[str, list[str] | None]
    transactions: dict[str, tuple[float, list[str]]]


def save(tenant: Tenant, path: Path) -> None:
    """Write a company's data; the file is replaced in one step."""
    saved = _Saved(
        apps=tenant.apps,
        forms=[msgspec.to_builtins(form, builtin_types=(Decimal,)) for form in tenant.forms.values()],
        keys={key: None if apps is None else sorted(apps) for key, apps in tenant.keys.items()},
        transactions=tenant.transactions,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(path.name + ".new")
    written.write_bytes(msgspec.json.Encoder(decimal_format="number").encode(saved))
    written.replace(path)


def load(tenant: Tenant, path: Path) -> None:
    """Replace a company's data by a saved one."""
    saved = msgspec.json.Decoder(_Saved, float_hook=Decimal).decode(path.read_bytes())
    forms = [msgspec.convert(form, Form) for form in saved.forms]
    tenant.apps = saved.apps
    tenant.forms = {(form.app_id, form.entry_id): form for form in forms}
    tenant.keys = {key: None if apps is None else set(apps) for key, apps in saved.keys.items()}
    tenant.transactions = saved.transactions
