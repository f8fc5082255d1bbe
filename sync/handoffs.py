"""The three hand-offs: which records a rule wants to exist downstream, and what they are made of.

A lead without a counterpart becomes a lead; a won opportunity with an approved quote, without an order, becomes an
order with the quote's lines; a delivery that nobody has invoiced becomes an invoice at the prices of its order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
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
from state.origins import Origin, Since
from state.surroundings import SURE, Linked, Place, Surroundings
from sync import naturals, pricing
from sync.counterparts import Counterparts
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
_TELLING = ("email", "phone")
_AROUND = {
    "lead": ("same_as", ("lead",), 2),
    "order": ("follows", ("quote", "order"), 2),
    "invoice": ("follows", ("order", "delivery", "invoice"), 3),
}
"""What is read around origins at once: kind of link, entities, steps."""
_NO_BILL = ("credit_note", "proforma", "debit_note")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """A record to be made, in canonical terms, and the document that says so beside the origin."""

    row: Row
    lines: tuple[Row, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class _Billing:
    """An order, people's invoices of it in the target, and the deliveries that have one of ours."""

    header: Row
    bills: list[pricing.Billed]
    made_of: set[int]

    @property
    def whole(self) -> bool:
        """Whether all of the order is invoiced."""
        return pricing.covers(self.bills, self.header.get("net_amount", Decimal("Infinity")))


def wanted(connection: Connection, settings: Settings, rule: CreationRule, mapping: StreamMapping) -> Iterator[Wanted]:
    """Every record that a rule wants; ``mapping`` is the target stream's. Those that cannot be made say why."""
    day = datetime.combine(rule.since, time(), settings.business_day_zone)
    since = Since(to_us(day), rule.since.isoformat())
    entity = rule.hand_off.origin
    condition = predicate.parse(entity, rule.when) if rule.when is not None else None
    handed = _HandOff(connection, rule, mapping)
    origin = (rule.from_system, rule.from_stream, entity)
    for chunk in origins.ready(connection, rule.rule, origin, rule.to_system, since):
        items = [item for item in chunk if condition is None or condition.holds(item.row)]
        handed.look_around(items)
        for item in items:
            found = handed.one(item, language(settings.locale))
            if found is not None:
                yield found


class _HandOff:
    """One rule at work."""

    def __init__(self, connection: Connection, rule: CreationRule, mapping: StreamMapping) -> None:
        self._around = Surroundings(connection)
        self._rule = rule
        self._mapping = mapping
        self._target = rule.to_system
        self._counterparts = Counterparts(self._around, rule.to_system)
        self._billings: dict[int, _Billing] = {}
        self._deliveries: dict[int, list[pricing.Delivered]] = {}
        self._make = {"lead": self._lead, "order": self._order, "invoice": self._invoice}[rule.rule]

    def look_around(self, items: Sequence[Origin]) -> None:
        """Read at once what judging these will need."""
        self._billings.clear()
        self._deliveries.clear()
        rule, around = self._rule.rule, self._around
        places = around.look((item.record_id for item in items), *_AROUND[rule])
        if rule == "lead":
            for field in _TELLING:
                around.read_values(self._target, "lead", field, (item.row.get(field) for item in items))
            return
        documents = self._of_quotes(places) if rule == "order" else self._of_orders(places)
        skus: set[str | None] = set()
        for entity, ids in documents.items():
            around.read_lines(entity, ids)
            skus |= {line.get("sku") for number in ids for line in around.lines(entity, number)}
        create = self._mapping.definition.create
        if create is not None and create.needs(PRODUCT):
            around.read_values(self._target, "product", "sku", skus)

    def _of_quotes(self, places: Sequence[Place]) -> dict[str, list[int]]:
        return {"quote": [place.record_id for place in places if place.entity == "quote"]}

    def _of_orders(self, places: Sequence[Place]) -> dict[str, list[int]]:
        """The orders of which something may be left to invoice, and their deliveries."""
        orders = []
        for place in places:
            if place.entity == "order":
                with suppress(Refused):
                    if not self._billing(place).whole:
                        orders.append(place.record_id)
        after = self._around.following(orders)
        return {"order": orders, "delivery": [item.record_id for item in after if item.entity == "delivery"]}

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
        twins = self._around.twins(origin.record_id)
        there = [place for place in self._around.places(twins) if place.system == self._target]
        if any(twins[place.record_id] in SURE for place in there):
            return None
        if there:
            raise Refused(
                f"It may be the lead {there[0].source_id} of {self._target}. `ltc links list --suggested` shows it: "
                "confirm or cut the link."
            )
        for field in _TELLING:
            self._refuse_namesake(field, row.get(field))
        known = {name: row[name] for name in _LEAD_FIELDS if name in row}
        return _Made({**known, "status": "new", "lead_ref": origin.row["source_id"]})

    def _refuse_namesake(self, field: str, value: str | None) -> None:
        """Somebody there shows the same address and is not linked: deleted, cut, or not reconciled yet."""
        if not value:
            return
        for place in self._around.with_value(self._target, "lead", field, value):
            gone = "" if place.alive else " that was deleted there"
            raise Refused(
                f"{self._target} has a lead{gone} with the same {field} ({place.source_id}). "
                "If it is another person, create the lead there by hand and discard this."
            )

    # -- an order

    def _order(self, origin: Origin) -> _Made | None:
        follow = self._around.following([origin.record_id])
        quotes = [item for item in follow if item.entity == "quote"]
        sure = [item.record_id for item in quotes if item.decision in SURE]
        later = [*follow, *self._around.following(sure)]
        if self._is_there(later, "order"):
            return None
        quote = self._quote([place for place in self._around.places(sure) if place.alive])
        if quote is None:
            return None
        doubtful = [item for item in later if item.entity == "order" and item.decision not in SURE]
        for place in self._around.places([item.record_id for item in doubtful]):
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
        before = self._around.followed([origin.record_id])
        orders = [item.record_id for item in before if item.entity == "order" and item.decision in SURE]
        if self._is_there(self._around.following([origin.record_id]), "invoice"):
            return None
        if len(orders) != 1:
            many = "several orders: invoice it by hand" if orders else "no order that is known: enter its number"
            raise Refused(f"The delivery names {many}.")
        (order,) = self._around.places(orders)
        billing = self._billing(order)
        if billing.whole:
            return None
        header, of_order = billing.header, self._lines("order", order)
        currency = header.get("currency")
        ours = self._delivered(order, of_order, billing.made_of)
        one = next((item for item in ours if item.record_id == origin.record_id), None)
        if one is None:
            return None
        others = [item for item in ours if item.record_id != origin.record_id]
        if pricing.is_billed(one, others, billing.bills, order.name):
            return None
        (delivery,) = self._around.places([origin.record_id])
        lines = pricing.priced(self._lines("delivery", delivery, currency), of_order, currency, order.name)
        row = {"status": "draft", "kind": "invoice", "currency": currency, "order_refs": order.name}
        row |= {"issue_date": one.day, "net_amount": pricing.worth(lines), "delivery_numbers": delivery.name}
        named = [(order.system, order.row.get("party_ref")), (delivery.system, delivery.row.get("party_ref"))]
        return self._with_ids(_Made(row, tuple(lines), order.name), named, order)

    def _billing(self, order: Place) -> _Billing:
        """What of an order was invoiced; raises ``Refused`` where links are not sure."""
        known = self._billings.get(order.record_id)
        if known is not None:
            return known
        after = self._around.following([order.record_id])
        invoices = [item for item in after if item.entity == "invoice"]
        if any(item.decision not in SURE for item in invoices):
            raise Refused(
                f"It is not sure which invoices belong to order {order.name}. Confirm or cut the links: `ltc links`."
            )
        known = _Billing(naturals.record("order", order.row), [], set())
        for place in self._around.places([item.record_id for item in invoices]):
            row = naturals.record("invoice", place.row)
            made = [item for item in self._around.followed([place.record_id]) if item.entity == "delivery"]
            known.made_of.update(item.record_id for item in made)
            stands = place.alive and row.get("status") != "void" and row.get("kind") not in _NO_BILL
            if place.system == self._target and stands and not made:
                known.bills.append(pricing.Billed(row.get("issue_date", ""), _net(row)))
        self._billings[order.record_id] = known
        return known

    def _delivered(self, order: Place, of_order: list[Row], made_of: set[int]) -> list[pricing.Delivered]:
        """What was delivered of an order and has no invoice of ours."""
        known = self._deliveries.get(order.record_id)
        if known is not None:
            return known
        after = self._around.following([order.record_id])
        ids = [item.record_id for item in after if item.entity == "delivery" and item.decision in SURE]
        found = []
        for place in self._around.places([number for number in ids if number not in made_of]):
            row = naturals.record("delivery", place.row)
            if not place.alive or row.get("status") != "delivered" or row.get("kind") == "return":
                continue
            currency = order.row.get("currency")
            lines = pricing.priced(self._lines("delivery", place, currency), of_order, currency, order.name)
            day = row.get("shipped_on") or row.get("delivered_on") or row.get("planned_date") or ""
            found.append(pricing.Delivered(place.record_id, day, pricing.worth(lines)))
        self._deliveries[order.record_id] = found
        return found

    # -- all

    def _is_there(self, linked: list[Linked], entity: str) -> bool:
        """Whether the target system has one of these records already, be it deleted."""
        ids = [item.record_id for item in linked if item.entity == entity and item.decision in SURE]
        return any(place.system == self._target for place in self._around.places(ids))

    def _lines(self, entity: str, place: Place, currency: str | None = None) -> list[Row]:
        rows = self._around.lines(entity, place.record_id)
        made = [naturals.line(entity, row, currency or place.row.get("currency")) for row in rows]
        return [{**line, "_ref": row.get("product_ref")} for line, row in zip(made, rows, strict=True)]

    def _with_ids(self, made: _Made, named: list[tuple[str, str | None]], document: Place) -> _Made:
        """With the target system's own ids of customer and products, where its mapping asks for them."""
        create = self._mapping.definition.create
        row, lines = dict(made.row), [dict(line) for line in made.lines]
        if create is not None and create.needs(PARTY):
            row[PARTY] = self._counterparts.customer(named)
        for line in lines:
            ref = line.pop("_ref", None)
            if create is not None and create.needs(PRODUCT):
                sku = line.get("sku")
                line[PRODUCT] = self._counterparts.product(document.system, ref, sku)
        return _Made(row, tuple(lines), made.because)


def _is_agreed(row: Mapping[str, Any]) -> bool:
    status, approval = row.get("status"), row.get("approval_state")
    if status in _DEAD_QUOTE or approval in ("pending", "rejected"):
        return False
    return status in ("approved", *_ACCEPTED) or approval == "approved"


def _net(invoice: Row) -> Decimal:
    amount = invoice.get("net_amount", invoice.get("gross_amount"))
    return Decimal(0) if amount is None else amount
