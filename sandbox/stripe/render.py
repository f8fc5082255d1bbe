"""Objects as the API shows them: what is expanded, a document's first lines, addresses signed anew each time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sandbox.stripe.errors import invalid
from sandbox.stripe.store import PREFIXES, Json, Store, visible

SHOWN_LINES = 10
"""Lines of an invoice that are shown with it."""

_EXPANDABLE: dict[str, dict[str, str]] = {
    "charge": {"balance_transaction": "balance_transaction", "customer": "customer", "invoice": "invoice"},
    "refund": {"balance_transaction": "balance_transaction", "charge": "charge"},
    "dispute": {"charge": "charge"},
    "payout": {"balance_transaction": "balance_transaction", "failure_balance_transaction": "balance_transaction"},
    "invoice": {"customer": "customer", "charge": "charge"},
    "credit_note": {"invoice": "invoice", "customer": "customer"},
    "balance_transaction": {"source": ""},
}
_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}
_SIGNED = ("receipt_url", "hosted_invoice_url", "invoice_pdf", "pdf")


class Renderer:
    """Shows a store's objects."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seals = 0

    def show(self, item: Json, expand: Iterable[str] = ()) -> Json:
        """One object; ``expand`` holds dotted paths. Raises ``StripeError`` for one that cannot be expanded."""
        if item.get("deleted"):
            return {"id": item["id"], "object": item["object"], "deleted": True}
        kind, shown = item["object"], visible(item)
        if kind == "invoice":
            shown["lines"] = self.lines(item, SHOWN_LINES)
        elif kind == "dispute":
            shown["balance_transactions"] = [
                self.show(self._store.get("balance_transaction", key)) for key in item["balance_transactions"]
            ]
        elif kind == "charge" and item["paid"]:
            shown["receipt_url"] = "https://pay.stripe.com/receipts/payment/ltc"
        for name in _SIGNED:
            if shown.get(name):
                self._seals += 1
                shown[name] = f"{shown[name]}?s=ap&at={self._seals}"
        wanted: dict[str, list[str]] = {}
        for path in expand:
            first, _, rest = path.partition(".")
            wanted.setdefault(first, []).extend([rest] if rest else [])
        for name, inner in wanted.items():
            self._expand(kind, shown, name, inner)
        return shown

    def _expand(self, kind: str, shown: Json, name: str, inner: list[str]) -> None:
        if name not in _EXPANDABLE.get(kind, {}):
            raise invalid(f"This property cannot be expanded ({name}).", "expand")
        key = shown.get(name)
        if isinstance(key, str):
            target = _EXPANDABLE[kind][name] or _KINDS[key.partition("_")[0]]
            shown[name] = self.show(self._store.get(target, key), inner)

    def lines(self, invoice: Json, limit: int, after: str | None = None) -> Json:
        """An invoice's lines as a list."""
        keys: list[str] = invoice["_lines"]
        start = keys.index(after) + 1 if after in keys else 0
        part = keys[start : start + limit]
        return {
            "object": "list",
            "data": [visible(self._store.get("line_item", key)) for key in part],
            "has_more": start + limit < len(keys),
            "url": f"/v1/invoices/{invoice['id']}/lines",
        }


def encode(value: Any) -> bytes:
    """Indented, as Stripe writes its answers."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
