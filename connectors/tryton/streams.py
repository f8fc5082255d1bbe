"""The streams: which model each one is, what is read of it, and which other rows belong to a record.

A dotted field is nested into the answer, so that one call brings complete records. Tryton moves a record's stamp only
when the record itself is written, so each stream names the rows whose change makes its record new as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.contract import Deletes, StreamSpec
from connectors.tryton.records import KEY, PAYMENT_NOTE

Domain = list[Any]

_EVER = ["active", "in", [True, False]]
"""Archived rows as well."""
_OWN = ("create_date", "last_modified_at")


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream's model, fields and belongings."""

    spec: StreamSpec
    model: str
    fields: tuple[str, ...]
    parts: tuple[str, ...] = ()
    """Relations whose rows are parts of the record (and cannot be archived)."""
    archivable_parts: tuple[str, ...] = ()
    """The same for relations whose rows can be archived."""
    archivable: bool = False

    @property
    def context(self) -> dict[str, Any]:
        """Shows archived records too, and with them their archived parts, which ``records`` leaves out."""
        return {"active_test": False} if self.archivable else {}

    def changed(self, since: object, until: object) -> Domain:
        """Records stamped in ``[since, until)`` themselves or in one of their parts; ``since`` ``None``: from ever."""
        own: Domain = [["last_modified_at", "<", until]]
        if since is None:
            return own
        span: Domain = [["last_modified_at", ">=", since], *own]
        either: Domain = ["OR", span]
        either += [[part, "where", span] for part in self.parts]
        either += [[part, "where", [*span, _EVER]] for part in self.archivable_parts]
        return [either]


PARTY = Stream(
    StreamSpec("party", "party", cursor_field="last_modified_at", deletes=Deletes.SWEEP),
    model="party.party",
    fields=(
        "name",
        "code",
        "active",
        "tax_identifier.code",
        "identifiers.code",
        "identifiers.active",
        "contact_mechanisms.type",
        "contact_mechanisms.value",
        "contact_mechanisms.active",
        "addresses.street",
        "addresses.postal_code",
        "addresses.city",
        "addresses.country.code",
        "addresses.active",
        *_OWN,
    ),
    archivable_parts=("addresses", "contact_mechanisms", "identifiers"),
    archivable=True,
)
PRODUCT = Stream(
    StreamSpec("product", "product", cursor_field="last_modified_at", deletes=Deletes.SWEEP),
    model="product.product",
    fields=("code", "name", "active", "type", "list_price_used", "default_uom.symbol", "template.active", *_OWN),
    parts=("list_prices", "template.list_prices"),
    archivable_parts=("template",),
    archivable=True,
)
ORDER = Stream(
    StreamSpec(
        "order",
        "order",
        cursor_field="last_modified_at",
        deletes=Deletes.SWEEP,
        writable=(PAYMENT_NOTE,),
        depends_on=("party", "product"),
        creatable=KEY,
    ),
    model="sale.sale",
    fields=(
        "number",
        "reference",
        "state",
        "shipment_state",
        "party",
        "currency.code",
        "sale_date",
        "shipping_date",
        "untaxed_amount",
        "tax_amount",
        "total_amount",
        "comment",
        "line_lines.sequence",
        "line_lines.product",
        "line_lines.product.code",
        "line_lines.description",
        "line_lines.quantity",
        "line_lines.unit.symbol",
        "line_lines.unit_price",
        "line_lines.amount",
        "line_lines.taxes.rate",
        *_OWN,
        "_timestamp",
    ),
    parts=("lines",),
)
DELIVERY = Stream(
    StreamSpec(
        "delivery", "delivery", cursor_field="last_modified_at", deletes=Deletes.SWEEP, depends_on=("party", "order")
    ),
    model="stock.shipment.out",
    fields=(
        "number",
        "reference",
        "state",
        "customer",
        "planned_date",
        "effective_date",
        "outgoing_moves.product",
        "outgoing_moves.product.code",
        "outgoing_moves.quantity",
        "outgoing_moves.unit.symbol",
        "outgoing_moves.sale.number",
        *_OWN,
    ),
    parts=("moves",),
)
STREAMS = {stream.spec.name: stream for stream in (PARTY, PRODUCT, ORDER, DELIVERY)}
