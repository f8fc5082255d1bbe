"""The three hand-offs: which records a rule wants to exist downstream, and what they are made of.

A lead without a counterpart becomes a lead; a won opportunity with an approved quote, without an order, becomes an
order with the quote's lines; a delivery that nobody has invoiced becomes an invoice at the prices of its order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mappings import predicate
from mappings.creation import PARTY, PRODUCT
from mappings.errors import MappingError
from reconciliation.words import language
from state import origins
from state.chains import Identity
from state.clock import to_us
from state.creations import Wanted
from state.origins import SURE, Origin, Place, Since
from sync import counterparts, naturals, pricing
from sync.naturals import Refused

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from mappings.engine import StreamMapping
    from settings.creation import CreationRule
    from settings.model import Settings

_REASONS = {
    "lead": {"en": "The lead {name} is not in {target} yet.", "zh": "线索 {name} 在 {target} 中尚不存在。"},
    "order": {
        "en": "The opportunity {name} is won, its quote {because} approved, and there is no order.",
        "zh": "商机 {name} 已赢单，报价单 {because} 已审批，但尚无订单。",
    },
    "invoice": {
        "en": "The delivery {name} of order {because} has no invoice.",
        "zh": "订单 {because} 的发货单 {name} 尚未开票。",
    },
}
_LEAD_FIELDS = ("contact_name", "company_name", "email", "phone", "country", "campaign", "source", "received_at")
_QUOTE_FIELDS = ("net_amount", "tax_amount", "gross_amount", "currency")
_ACCEPTED = ("accepted", "ordered")
_DEAD_QUOTE = ("rejected", "expired", "superseded", "cancelled")
_NO_BILL = ("credit_note", "proforma", "debit_note")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """A record to be made, in canonical terms, and the document that says so beside the origin."""

    row: Row
    lines: tuple[Row, ...] = ()
    because: str = ""


def wanted(connection: Connection, settings: Settings, rule: CreationRule, mapping: StreamMapping) -> Iterator[Wanted]:
    """Every record that a rule wants; ``mapping`` is the target stream's. Those that cannot be made say why."""
    day = datetime.combine(rule.since, time(), settings.business_day_zone)
    since = Since(to_us(day), rule.since.isoformat())
    entity = rule.hand_off.origin
    condition = predicate.parse(entity, rule.when) if rule.when is not None else None
    handed = _HandOff(connection, rule, mapping)
    origin = (rule.from_system, rule.from_stream, entity)
    for item in origins.ready(connection, rule.rule, origin, rule.to_system, since):
        if condition is not None and not condition.holds(item.row):
            continue
        found = handed.one(item, language(settings.locale))
        if found is not None:
            yield found


class _HandOff:
    """One rule at work."""

    def __init__(self, connection: Connection, rule: CreationRule, mapping: StreamMapping) -> None:
        self._connection = connection
        self._rule = rule
        self._mapping = mapping
        self._target = rule.to_system
        self._make = {"lead": self._lead, "order": self._order, "invoice": self._invoice}[rule.rule]

    def one(self, origin: Origin, lang: str) -> Wanted | None:
        """What is wanted of one origin; ``None`` if there is no need."""
        rule, row = self._rule, origin.row
        name = str(row.get("number") or row.get("name") or row["source_id"])
        identity = Identity(
            origin.record_id, rule.from_system, rule.from_stream, rule.hand_off.origin, row["source_id"]
        )
        place = (
            rule.rule,
            rule.to_system,
            rule.to_stream,
            rule.hand_off.target,
            identity,
            row.get("number"),
            origin.seq,
        )
        made = _Made({})
        try:
            found = self._make(origin)
            if found is None:
                return None
            made = found
            values = self._mapping.made(made.row, made.lines)
        except Refused as error:
            return Wanted(*place, self._reason(lang, name, made), None, str(error))
        except MappingError as error:
            said = f"{error}. Add the word to `create` in the mapping of {self._target}."
            return Wanted(*place, self._reason(lang, name, made), None, said)
        return Wanted(*place, self._reason(lang, name, made), values)

    def _reason(self, lang: str, name: str, made: _Made) -> str:
        return _REASONS[self._rule.rule][lang].format(name=name, target=self._target, because=made.because)

    # -- a lead

    def _lead(self, origin: Origin) -> _Made | None:
        row = naturals.record("lead", origin.row)
        twins = origins.twins(self._connection, origin.record_id)
        there = [place for place in origins.places(self._connection, twins) if place.system == self._target]
        if any(twins[place.record_id] in SURE for place in there):
            return None
        if there:
            raise Refused(
                f"It may be the lead {there[0].source_id} of {self._target}. `ltc links list --suggested` shows it: "
                "confirm or cut the link."
            )
        for field in ("email", "phone"):
            self._refuse_namesake(field, row.get(field))
        known = {name: row[name] for name in _LEAD_FIELDS if name in row}
        return _Made({**known, "status": "new", "lead_ref": origin.row["source_id"]})

    def _refuse_namesake(self, field: str, value: str | None) -> None:
        """Somebody there shows the same address and is not linked: deleted, cut, or not reconciled yet."""
        if not value:
            return
        for place in origins.with_value(self._connection, self._target, "lead", field, value):
            gone = "" if place.alive else " that was deleted there"
            raise Refused(
                f"{self._target} has a lead{gone} with the same {field} ({place.source_id}). "
                "If it is another person, create the lead there by hand and discard this."
            )

    # -- an order

    def _order(self, origin: Origin) -> _Made | None:
        follow = origins.following(self._connection, [origin.record_id])
        quotes = [item for item in follow if item.entity == "quote"]
        sure = [item.record_id for item in quotes if item.decision in SURE]
        later = [*follow, *origins.following(self._connection, sure)]
        if self._is_there(later, "order"):
            return None
        quote = self._quote([place for place in origins.places(self._connection, sure) if place.alive])
        if quote is None:
            return None
        doubtful = [item for item in later if item.entity == "order" and item.decision not in SURE]
        for place in origins.places(self._connection, [item.record_id for item in doubtful]):
            if place.system == self._target:
                raise Refused(
                    f"It may have the order {place.name} of {self._target}. Confirm or cut the link: `ltc links`."
                )
        header = naturals.record("quote", quote.row)
        row = {name: header[name] for name in _QUOTE_FIELDS if name in header}
        row |= {"status": "draft", "opportunity_ref": origin.row["source_id"]}
        row["quote_ref"] = quote.name
        row |= {"order_date": header["issue_date"]} if "issue_date" in header else {}
        named = [(quote.system, quote.row.get("party_ref")), (origin.row["system"], origin.row.get("party_ref"))]
        lines = self._lines("quote", quote)
        if not lines:
            raise Refused(f"The quote {quote.name} has no lines. Enter what was sold.")
        return self._with_ids(_Made(row, tuple(lines), quote.name), named, quote)

    def _quote(self, places: list[Place]) -> Place | None:
        """The quote that was agreed on; raises ``Refused`` if there are several."""
        agreed = [place for place in places if _is_agreed(place.row)]
        accepted = [place for place in agreed if place.row["status"] in _ACCEPTED]
        chosen = accepted or agreed
        if len(chosen) > 1:
            several = ", ".join(place.name for place in chosen)
            raise Refused(f"It has several approved quotes: {several}. Mark one as accepted, or reject the others.")
        return chosen[0] if chosen else None

    # -- an invoice

    def _invoice(self, origin: Origin) -> _Made | None:
        if origin.row.get("kind") == "return":
            return None
        before = origins.followed(self._connection, [origin.record_id])
        orders = [item.record_id for item in before if item.entity == "order" and item.decision in SURE]
        if self._is_there(origins.following(self._connection, [origin.record_id]), "invoice"):
            return None
        if len(orders) != 1:
            many = "several orders: invoice it by hand" if orders else "no order that is known: enter its number"
            raise Refused(f"The delivery names {many}.")
        (order,) = origins.places(self._connection, orders)
        header = naturals.record("order", order.row)
        currency = header.get("currency")
        of_order = self._lines("order", order)
        bills, made_of = self._bills(order)
        ours = self._delivered(order, of_order, made_of)
        one = next((item for item in ours if item.record_id == origin.record_id), None)
        if one is None:
            return None
        others = [item for item in ours if item.record_id != origin.record_id]
        if pricing.is_billed(one, others, bills, header.get("net_amount", Decimal("Infinity")), order.name):
            return None
        (delivery,) = origins.places(self._connection, [origin.record_id])
        lines = pricing.priced(self._lines("delivery", delivery, currency), of_order, currency, order.name)
        row = {"status": "draft", "kind": "invoice", "currency": currency, "order_refs": order.name}
        row |= {"issue_date": one.day, "net_amount": pricing.worth(lines), "delivery_numbers": delivery.name}
        named = [(order.system, order.row.get("party_ref")), (delivery.system, delivery.row.get("party_ref"))]
        return self._with_ids(_Made(row, tuple(lines), order.name), named, order)

    def _bills(self, order: Place) -> tuple[list[pricing.Billed], set[int]]:
        """The order's invoices in the target that people made, and the deliveries that have one of ours."""
        invoices = [item for item in origins.following(self._connection, [order.record_id]) if item.entity == "invoice"]
        if any(item.decision not in SURE for item in invoices):
            raise Refused(
                f"It is not sure which invoices belong to order {order.name}. Confirm or cut the links: `ltc links`."
            )
        found, made_of = [], set()
        for place in origins.places(self._connection, [item.record_id for item in invoices]):
            row = naturals.record("invoice", place.row)
            made = [item for item in origins.followed(self._connection, [place.record_id]) if item.entity == "delivery"]
            made_of |= {item.record_id for item in made}
            stands = place.alive and row.get("status") != "void" and row.get("kind") not in _NO_BILL
            if place.system == self._target and stands and not made:
                found.append(pricing.Billed(row.get("issue_date", ""), _net(row)))
        return found, made_of

    def _delivered(self, order: Place, of_order: list[Row], made_of: set[int]) -> list[pricing.Delivered]:
        """What was delivered of an order and has no invoice of ours."""
        after = origins.following(self._connection, [order.record_id])
        ids = [item.record_id for item in after if item.entity == "delivery" and item.decision in SURE]
        found = []
        for place in origins.places(self._connection, [number for number in ids if number not in made_of]):
            row = naturals.record("delivery", place.row)
            if not place.alive or row.get("status") != "delivered" or row.get("kind") == "return":
                continue
            currency = order.row.get("currency")
            lines = pricing.priced(self._lines("delivery", place, currency), of_order, currency, order.name)
            day = row.get("shipped_on") or row.get("delivered_on") or row.get("planned_date") or ""
            found.append(pricing.Delivered(place.record_id, day, pricing.worth(lines)))
        return found

    # -- all

    def _is_there(self, linked: list[origins.Linked], entity: str) -> bool:
        """Whether the target system has one of these records already, be it deleted."""
        ids = [item.record_id for item in linked if item.entity == entity and item.decision in SURE]
        return any(place.system == self._target for place in origins.places(self._connection, ids))

    def _lines(self, entity: str, place: Place, currency: str | None = None) -> list[Row]:
        rows = origins.lines(self._connection, entity, place.record_id)
        made = [naturals.line(entity, row, currency or place.row.get("currency")) for row in rows]
        return [{**line, "_ref": row.get("product_ref")} for line, row in zip(made, rows, strict=True)]

    def _with_ids(self, made: _Made, named: list[tuple[str, str | None]], document: Place) -> _Made:
        """With the target system's own ids of customer and products, where its mapping asks for them."""
        create = self._mapping.definition.create
        row, lines = dict(made.row), [dict(line) for line in made.lines]
        if create is not None and create.needs(PARTY):
            row[PARTY] = counterparts.customer(self._connection, self._target, named)
        for line in lines:
            ref = line.pop("_ref", None)
            if create is not None and create.needs(PRODUCT):
                sku = line.get("sku")
                line[PRODUCT] = counterparts.product(self._connection, self._target, document.system, ref, sku)
        return _Made(row, tuple(lines), made.because)


def _is_agreed(row: Mapping[str, Any]) -> bool:
    status, approval = row.get("status"), row.get("approval_state")
    if status in _DEAD_QUOTE or approval in ("pending", "rejected"):
        return False
    return status in ("approved", *_ACCEPTED) or approval == "approved"


def _net(invoice: Row) -> Decimal:
    amount = invoice.get("net_amount", invoice.get("gross_amount"))
    return Decimal(0) if amount is None else amount
