"""What a delivery costs by the prices of its order, and what of it has been invoiced already; nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sync.naturals import Refused, rounded, share, times

_PRICE = ("unit_price", "discount_rate", "tax_rate", "unit")
_EXACT_PRICE = Decimal("0.000001")

Line = dict[str, Any]


def priced(delivered: Sequence[Line], ordered: Sequence[Line], currency: str | None, order: str) -> list[Line]:
    """The lines of an invoice for delivered lines: quantities of the delivery, prices of the order.

    Lines go by product code, failing that by product. Raises ``Refused`` where the order does not give one price.
    """
    found: list[Line] = []
    for key, quantity in _quantities(delivered).items():
        of_order = [line for line in ordered if _key(line) == key]
        whole = sum((line.get("quantity", Decimal(0)) for line in of_order), Decimal(0))
        if not of_order:
            raise Refused(f"{key} was delivered and is not on order {order}. Correct the order or the delivery.")
        if quantity > whole:
            raise Refused(
                f"{quantity} of {key} were delivered, {whole} are on order {order}. Correct the order or the delivery."
            )
        if quantity == whole:
            found += [_whole(line, key) for line in of_order]
        else:
            found.append(_part(of_order, quantity, whole, currency, key, order))
    if not found:
        raise Refused("The delivery has no lines with a quantity. Enter what was delivered.")
    return [{**line, "line_no": number} for number, line in enumerate(found, 1)]


def _key(line: Mapping[str, Any]) -> str:
    return str(line.get("sku") or line.get("product_ref") or "")


def _quantities(lines: Sequence[Line]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in lines:
        quantity = line.get("quantity") or Decimal(0)
        if quantity < 0:
            raise Refused("The delivery has a line with a negative quantity. Book a return by itself.")
        if quantity and not _key(line):
            raise Refused("The delivery has a line without a product, so it has no price. Enter the product.")
        if quantity:
            found[_key(line)] = found.get(_key(line), Decimal(0)) + quantity
    return found


def _whole(line: Line, key: str) -> Line:
    """An order line as it stands."""
    kept = {name: value for name, value in line.items() if name not in ("line_no", "source_line_id")}
    return {**kept, "unit_price": _unit_price(line, line["quantity"], key)}


def _part(
    of_order: Sequence[Line], quantity: Decimal, whole: Decimal, currency: str | None, key: str, order: str
) -> Line:
    first = of_order[0]
    if any(line.get(name) != first.get(name) for line in of_order for name in _PRICE):
        raise Refused(f"{key} is on order {order} at several prices and was delivered in part. Invoice it by hand.")
    made = _whole(first, key) | {"quantity": quantity}
    nets = [line["net_amount"] for line in of_order if "net_amount" in line]
    if "unit_price" in first:
        off = Decimal(1) - first.get("discount_rate", Decimal(0))
        made["net_amount"] = rounded(times(quantity, first["unit_price"], off), currency)
    elif len(nets) == len(of_order):
        made["net_amount"] = share(sum(nets, Decimal(0)), quantity, whole, currency)
    made.pop("tax_amount", None)
    return made


def _unit_price(line: Line, quantity: Decimal, key: str) -> Decimal:
    if "unit_price" in line:
        return Decimal(line["unit_price"])
    if "net_amount" not in line:
        raise Refused(f"The order gives no price for {key}. Enter it in the order.")
    price = Decimal(line["net_amount"]) / quantity
    if times(price.quantize(_EXACT_PRICE), quantity) != line["net_amount"]:
        raise Refused(f"The price of one {key} cannot be told from the order's line exactly. Enter it in the order.")
    return price.quantize(_EXACT_PRICE).normalize()


def worth(lines: Sequence[Line]) -> Decimal:
    """Their net amounts together."""
    return sum((line.get("net_amount", Decimal(0)) for line in lines), Decimal(0))


class Delivered(NamedTuple):
    """A delivery of an order: when, and its net worth at the order's prices."""

    record_id: int
    day: str
    net: Decimal


class Billed(NamedTuple):
    """An invoice of an order that we did not make: issued when, over how much (net)."""

    day: str
    net: Decimal


def covers(bills: Sequence[Billed], order_net: Decimal) -> bool:
    """Whether people's invoices are over the whole order, so that no delivery of it is left to invoice."""
    billed = sum((bill.net for bill in bills), Decimal(0))
    return bool(billed) and billed >= order_net


def is_billed(one: Delivered, others: Sequence[Delivered], bills: Sequence[Billed], order: str) -> bool:
    """Whether a delivery is invoiced already. ``others``: those of the same order that we have not invoiced either.

    People's invoices do not say which delivery they are for: they are if they cover everything, they are not if they
    are older and cover exactly what was delivered before. Raises ``Refused`` for anything between.
    """
    billed = sum((bill.net for bill in bills), Decimal(0))
    if not bills or not billed:
        return False
    before = sum((item.net for item in others if (item.day, item.record_id) < (one.day, one.record_id)), Decimal(0))
    everything = one.net + sum((item.net for item in others), Decimal(0))
    if billed >= everything:
        return True
    if billed == before and all(bill.day < one.day for bill in bills):
        return False
    raise Refused(
        f"Order {order} was invoiced by hand in part ({billed} of {everything} delivered): it cannot be told whether "
        "this delivery was. Invoice it by hand, or discard this."
    )
