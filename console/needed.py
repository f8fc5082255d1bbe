"""Which canonical fields checks and tie-outs need of each kind of record, and what it means that they are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from console import mappings_kept

if TYPE_CHECKING:
    from mappings.engine import StreamMapping
    from settings.model import Settings

STATUS, LINES = "status", "lines"
"""Parts of a mapping that are no fields."""
_NET, _GROSS = "net_amount", "gross_amount"
_CORRECTS, _DUE = "corrects_ref", "due_date"
_DOCUMENT = ((STATUS,), (_NET,), ("party_ref",))
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "party": (("name",),),
    "product": (("sku",),),
    "lead": ((STATUS,), ("received_at",), ("email", "phone", "company_name")),
    "opportunity": ((STATUS,), ("expected_amount",), ("party_ref",)),
    "quote": (*_DOCUMENT, ("opportunity_ref",), ("issue_date",)),
    "order": (*_DOCUMENT, ("quote_ref", "opportunity_ref"), ("order_date",), ("promised_delivery_date",), (LINES,)),
    "delivery": ((STATUS,), ("order_refs",), ("delivered_on",), (LINES,)),
    "invoice": (*_DOCUMENT, (_GROSS,), ("order_refs",), ("issue_date",), ("due_date",)),
    "payment": ((STATUS,), ("amount",), ("received_on",), ("party_ref", "payer_name")),
    "payout": ((STATUS,), ("amount",), ("arrival_date",)),
    "service_case": ((STATUS,), ("party_ref",), ("opened_at",)),
}
"""Of each kind of record, what is needed; of several in one place, one is enough."""
_SIDES: dict[str, tuple[tuple[str, str], ...]] = {
    "quote_order": (("crm", "quote"), ("erp", "order")),
    "order_delivery": (("erp", "order"),),
    "order_invoice": (("erp", "order"), ("accounting", "invoice")),
    "invoice_payment": (("accounting", "invoice"),),
}
"""Tie-outs that compare amounts of documents: role and kind of record of each side."""
_STRICT = "quote_order"
"""It takes no other amount in place of the one that it compares."""


class Need(NamedTuple):
    """Something that is needed and that nothing fills."""

    fields: tuple[str, ...]
    """One of them would do."""
    means: str
    """The key of the words for what follows from it (``needed.means``)."""


class StandIn(NamedTuple):
    """A stream whose documents count with another amount than the one that is compared."""

    stream: str
    wanted: str
    counted: str
    """Empty: nothing, so that they count with 0."""


def missing(mapping: StreamMapping) -> list[Need]:
    """What checks and tie-outs need of such records and this mapping does not fill."""
    filled = _filled(mapping)
    if _CORRECTS in filled:  # what gives money back is never due
        filled.add(_DUE)
    return [
        Need(fields, _means(mapping.entity, fields[0], filled))
        for fields in _NEEDED.get(mapping.entity, ())
        if not filled.intersection(fields)
    ]


def stand_ins(settings: Settings, tie_out: str) -> list[StandIn]:
    """The streams behind a tie-out that have no amount of the kind that it compares, and another one in its place."""
    wanted, other = (_GROSS, _NET) if tie_out == "invoice_payment" else (_NET, _GROSS)
    counted = "" if tie_out == _STRICT else other
    found = []
    for role, entity in _SIDES.get(tie_out, ()):
        for system in settings.systems_with(role):
            try:
                mapping = mappings_kept.mapping_for(settings, system)
            except Exception:  # noqa: S112 - what is wrong with it is said where mappings are shown
                continue
            chosen = settings.systems[system].streams or list(mapping.streams)
            for name, stream in mapping.streams.items():
                filled = _filled(stream)
                if name in chosen and stream.entity == entity and wanted not in filled and other in filled:
                    found.append(StandIn(f"{system}.{name}", wanted, counted))
    return found


def _filled(mapping: StreamMapping) -> set[str]:
    definition = mapping.definition
    parts = {STATUS: definition.status, LINES: definition.lines}
    return {*definition.fields, *(name for name, part in parts.items() if part)}


def _means(entity: str, field: str, filled: set[str]) -> str:
    """An amount for which another one stands in means something else than one for which there is none."""
    other = {_NET: _GROSS, _GROSS: _NET}.get(field)
    if other not in filled or entity == "quote":
        return field
    return f"{field}_of_order" if entity == "order" else f"{field}_stands_in"
