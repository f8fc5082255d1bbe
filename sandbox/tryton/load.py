"""Let Tryton live the demo company's year: customers, orders, deliveries, each step by Tryton itself, in bulk calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from stdnum.util import get_cc_module

from connectors.tryton.note import write_note
from sandbox.tryton.client import Client, Ids
from sandbox.world.records import ErpDelivery, ErpOrder, ErpParty, Product, SalesLine, World

_BATCH = 100
_TAX_ID_KINDS = {"CN": "cn_vat", "US": "us_ein", "DE": "eu_vat", "FR": "eu_vat", "IT": "eu_vat", "JP": "jp_vat"}
_UNITS = {"piece": "Unit", "hour": "Hour"}

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(slots=True)
class _Names:
    """Tryton's ids of what orders refer to."""

    currencies: dict[str, int]
    units: dict[str, int]
    parties: dict[str, int]
    addresses: dict[str, int]
    products: dict[str, int]
    taxes: dict[Decimal, int]


def load(client: Client, world: World, say: Say) -> None:
    """Create the ERP's part of ``world`` in a configured, empty Tryton.

    Raises ``TrytonError`` for what Tryton refuses and ``RuntimeError`` if it numbers the orders differently.
    """
    units = {word: client.one("product.uom", [["name", "=", name]]) for word, name in _UNITS.items()}
    parties, addresses = _parties(client, world.erp_parties)
    say(f"{len(parties)} parties")
    names = _Names(
        currencies=_by(client, "currency.currency", "code"),
        units=units,
        parties=parties,
        addresses=addresses,
        products=_products(client, world.products, units),
        taxes=_taxes(client, {line.tax_rate for order in world.erp_orders for line in order.lines}),
    )
    _stock_up(client, world, names)
    say(f"{len(names.products)} products, on stock")
    sales = _sales(client, world.erp_orders, names)
    say(f"{len(sales)} orders entered")
    _advance(client, world.erp_orders, sales)
    say("orders quoted, confirmed and processed")
    _deliver(client, world.erp_orders, sales, say)
    _deliver_cancelled(client, world.erp_orders, names)


def _by(client: Client, model: str, field: str) -> dict[str, int]:
    return {row[field]: row["id"] for row in client.read(model, client.search(model, []), [field])}


def _batches(items: Sequence[T], size: int = _BATCH) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# Master data


def _parties(client: Client, parties: Sequence[ErpParty]) -> tuple[dict[str, int], dict[str, int]]:
    countries = _by(client, "country.country", "code")
    made: Ids = []
    for batch in _batches(parties):
        made += client.create("party.party", [_party(party, countries) for party in batch])
    rows = client.read("party.party", made, ["addresses"])
    keys = [party.key for party in parties]
    return dict(zip(keys, made, strict=True)), {key: row["addresses"][0] for key, row in zip(keys, rows, strict=True)}


def _party(party: ErpParty, countries: dict[str, int]) -> dict[str, Any]:
    contacts = [{"type": kind, "value": value} for kind, value in (("email", party.email), ("phone", party.phone))]
    address = {
        "street": party.street,
        "postal_code": party.postal_code,
        "city": party.city,
        "country": countries[party.country],
    }
    values: dict[str, Any] = {
        "name": party.name,
        "code": party.key,
        "addresses": [("create", [address])],
        "contact_mechanisms": [("create", [contact for contact in contacts if contact["value"]])],
    }
    if party.tax_id:
        values["identifiers"] = [("create", [_identifier(party)])]
    return values


def _identifier(party: ErpParty) -> dict[str, Any]:
    # Tryton refuses a typed number that fails its check digits; people then enter it without a type.
    kind = _TAX_ID_KINDS.get(party.country)
    module = get_cc_module(*kind.split("_", 1)) if kind else None
    return {"type": kind if module and module.is_valid(party.tax_id) else None, "code": party.tax_id}


def _products(client: Client, products: Sequence[Product], units: dict[str, int]) -> dict[str, int]:
    category = client.one("product.category", [["accounting", "=", True]])
    client.create(
        "product.template",
        [
            {
                "name": product.name,
                "type": "service" if product.service else "goods",
                "default_uom": units[product.unit],
                "sale_uom": units[product.unit],
                "salable": True,
                "list_price": product.list_price,
                "account_category": category,
                "products": [("create", [{"suffix_code": product.sku}])],
            }
            for product in products
        ],
    )
    return _by(client, "product.product", "code")


def _taxes(client: Client, rates: set[Decimal]) -> dict[Decimal, int]:
    account = client.one("account.account", [["type.payable", "=", True], ["closed", "!=", True]])
    wanted = sorted(rate for rate in rates if rate)
    labels = [f"VAT {(rate * 100).normalize():f}%" for rate in wanted]
    made = client.create(
        "account.tax",
        [
            {
                "name": label,
                "description": label,
                "type": "percentage",
                "rate": rate,
                "invoice_account": account,
                "credit_note_account": account,
            }
            for rate, label in zip(wanted, labels, strict=True)
        ],
    )
    return dict(zip(wanted, made, strict=True))


def _stock_up(client: Client, world: World, names: _Names) -> None:
    lost_and_found = client.one("stock.location", [["type", "=", "lost_found"]])
    warehouse = client.one("stock.location", [["type", "=", "warehouse"]])
    storage = client.read("stock.location", [warehouse], ["storage_location"])[0]["storage_location"]
    sold: dict[str, Decimal] = {}
    for order in world.erp_orders:
        for line in order.lines:
            sold[line.sku] = sold.get(line.sku, Decimal(0)) + line.quantity
    goods = [product for product in world.products if not product.service and product.sku in sold]
    opening = min((order.order_date for order in world.erp_orders), default=world.as_of.date())
    moves = client.create(
        "stock.move",
        [
            {
                "product": names.products[product.sku],
                "unit": names.units[product.unit],
                "quantity": float(sold[product.sku] * 2),
                "from_location": lost_and_found,
                "to_location": storage,
                "effective_date": opening,
                "currency": None,
            }
            for product in goods
        ],
    )
    client.press("stock.move", "do", moves)


# Orders


def _sales(client: Client, orders: Sequence[ErpOrder], names: _Names) -> list[int]:
    made: Ids = []
    for batch in _batches(orders):
        made += client.create("sale.sale", [_sale(order, names) for order in batch])
    return made


def _sale(order: ErpOrder, names: _Names) -> dict[str, Any]:
    address = names.addresses[order.party_key]
    return {
        "party": names.parties[order.party_key],
        "invoice_address": address,
        "shipment_address": address,
        "currency": names.currencies[order.currency],
        "reference": order.quote_number or None,
        "quotation_date": order.order_date,
        "sale_date": order.order_date,
        "shipping_date": max(order.promised_date, order.order_date),
        "invoice_method": "manual",
        "shipment_method": "order",
        "comment": write_note(None, order.payment_note) or None,
        "lines": [("create", [_line(number, line, names) for number, line in enumerate(order.lines, 1)])],
    }


def _line(number: int, line: SalesLine, names: _Names) -> dict[str, Any]:
    tax = names.taxes.get(line.tax_rate)
    return {
        "sequence": number,
        "product": names.products[line.sku],
        "description": line.description,
        "quantity": float(line.quantity),
        "unit": names.units[line.unit],
        "unit_price": line.unit_price,
        "taxes": [("add", [tax])] if tax else [],
    }


def _advance(client: Client, orders: Sequence[ErpOrder], sales: Ids) -> None:
    """Quote in the order of the list, so that Tryton's sequence gives the numbers of the world; then go on by state."""
    numbered = [(order, sale) for order, sale in zip(orders, sales, strict=True) if order.state != "draft"]
    for batch in _batches([sale for _, sale in numbered]):
        client.press("sale.sale", "quote", list(batch))
    shown = client.read("sale.sale", [sale for _, sale in numbered], ["number"])
    for (order, _), row in zip(numbered, shown, strict=True):
        if order.number != row["number"]:
            raise RuntimeError(f"Tryton numbered order {order.number} {row['number']}")
    for button, state in (("confirm", "processing"), ("cancel", "cancelled")):
        for batch in _batches([sale for order, sale in numbered if order.state == state]):
            client.press("sale.sale", button, list(batch))
    # A failed background task does not show in the answer of `confirm`.
    left = client.search("sale.sale", [["state", "=", "confirmed"]])
    if left:
        raise RuntimeError(f"{len(left)} orders were confirmed but not processed: see ir.error")


# Deliveries


def _deliver(client: Client, orders: Sequence[ErpOrder], sales: Ids, say: Say) -> None:
    """Ship in rounds: the first delivery of every order, then the second from what Tryton still plans, and so on."""
    live = [(order, sale) for order, sale in zip(orders, sales, strict=True) if order.state == "processing"]
    for number in range(max((len(order.deliveries) for order, _ in live), default=0)):
        due = [(order, sale) for order, sale in live if len(order.deliveries) > number]
        shipped = 0
        for batch in _batches([(order.deliveries[number], order, sale) for order, sale in due]):
            shipped += _ship(client, batch)
        say(f"delivery {number + 1}: {shipped} shipments done")
    _plan_open(client, {sale: order.promised_date for order, sale in live})


def _ship(client: Client, batch: Sequence[tuple[ErpDelivery, ErpOrder, int]]) -> int:
    going = [(delivery, order, sale) for delivery, order, sale in batch if delivery.shipped_on]
    rows = client.read("sale.sale", [sale for _, _, sale in going], ["shipments", "lines"])
    moves = _moves(client, [number for row in rows for number in row["shipments"]])
    shipments: list[tuple[int, dict[str, Any]]] = []
    quantities: list[tuple[int, dict[str, Any]]] = []
    for (delivery, order, _), row in zip(going, rows, strict=True):
        shipment = next(number for number in row["shipments"] if moves[number])
        dates = {"planned_date": order.promised_date, "effective_date": delivery.shipped_on}
        shipments.append((shipment, dates))
        for move in moves[shipment]:
            index = row["lines"].index(int(move["origin"].partition(",")[2]))
            quantity = float(delivery.quantities.get(index, Decimal(0)))
            if quantity != move["quantity"]:
                quantities.append((move["id"], {"quantity": quantity}))
    client.write_each("stock.move", quantities)
    _replan(client, shipments)
    _hand_over(client, [number for number, _ in shipments])
    return len(shipments)


def _replan(client: Client, shipments: Sequence[tuple[int, dict[str, Any]]]) -> None:
    # The planned date is open to people only while a shipment is a draft.
    numbers = [number for number, _ in shipments]
    client.press("stock.shipment.out", "draft", numbers)
    client.write_each("stock.shipment.out", shipments)
    client.press("stock.shipment.out", "wait", numbers)


def _moves(client: Client, shipments: Ids) -> dict[int, list[dict[str, Any]]]:
    """The moves that still wait, by shipment (an empty list for a shipment that is done)."""
    rows = client.read("stock.shipment.out", shipments, ["state", "outgoing_moves"])
    waiting = {row["id"]: row["outgoing_moves"] if row["state"] == "waiting" else [] for row in rows}
    ids = [number for moves in waiting.values() for number in moves]
    known = {row["id"]: row for row in client.read("stock.move", ids, ["quantity", "origin"])}
    return {shipment: [known[number] for number in moves] for shipment, moves in waiting.items()}


def _hand_over(client: Client, shipments: Ids) -> None:
    for button in ("assign_try", "pack", "do"):
        client.press("stock.shipment.out", button, shipments)


def _plan_open(client: Client, promised: dict[int, date]) -> None:
    """Tryton plans for its own today; the company promised another day."""
    rows = client.read("sale.sale", list(promised), ["shipments"])
    of = {shipment: promised[row["id"]] for row in rows for shipment in row["shipments"]}
    waiting = client.search("stock.shipment.out", [["state", "=", "waiting"], ["id", "in", list(of)]])
    _replan(client, [(number, {"planned_date": of[number]}) for number in waiting])


def _deliver_cancelled(client: Client, orders: Sequence[ErpOrder], names: _Names) -> None:
    """Orders that were cancelled and shipped all the same.

    Tryton lets nobody cancel an order in process, so this is how it comes about: the quotation was cancelled, and the
    warehouse made a shipment by hand that carries the order's number as its reference.
    """
    wanted = [
        (order, delivery)
        for order in orders
        if order.cancelled_after_delivery
        for delivery in order.deliveries
        if delivery.shipped_on
    ]
    if not wanted:
        return
    warehouse = client.one("stock.location", [["type", "=", "warehouse"]])
    storage = client.read("stock.location", [warehouse], ["storage_location"])[0]["storage_location"]
    customer = client.one("stock.location", [["type", "=", "customer"]])

    def move(order: ErpOrder, index: int, quantity: Decimal) -> dict[str, Any]:
        line = order.lines[index]
        return {
            "product": names.products[line.sku],
            "unit": names.units[line.unit],
            "quantity": float(quantity),
            "from_location": storage,
            "to_location": customer,
            "unit_price": line.unit_price,
            "currency": names.currencies[order.currency],
        }

    made = client.create(
        "stock.shipment.out",
        [
            {
                "customer": names.parties[order.party_key],
                "delivery_address": names.addresses[order.party_key],
                "reference": order.number,
                "warehouse": warehouse,
                "warehouse_storage": storage,
                "warehouse_output": storage,
                "planned_date": order.promised_date,
                "effective_date": delivery.shipped_on,
                "moves": [("create", [move(order, *item) for item in sorted(delivery.quantities.items())])],
            }
            for order, delivery in wanted
        ],
    )
    client.press("stock.shipment.out", "wait", made)
    _hand_over(client, made)
