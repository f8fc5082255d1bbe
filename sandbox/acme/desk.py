"""What Acme keeps: orders with a version each, changed by its own people and by whoever calls its API."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

_BEGIN_MS = 1_790_000_000_000  # September 2026
_CUSTOMERS = ("Nordwind GmbH", "Huaxin Trading", "Blue Harbor Ltd", "Société Lumière")
_GOODS = (("VALVE-10", "Ball valve DN10", "84.50"), ("PUMP-2", "Feed pump", "1290.00"), ("SEAL-7", "Seal kit", "12.30"))
STATES = ("NEW", "CONFIRMED", "SHIPPED", "CLOSED", "CANCELLED")
WRITABLE = ("pay_state", "remark")


@dataclass
class Order:
    """One order, as the API shows it."""

    order_id: int
    order_no: str
    customer: str
    contact_email: str
    state: str
    currency: str
    total: str
    ordered_on: str
    pay_state: str
    remark: str
    rev: int
    modified_ms: int
    positions: list[dict[str, Any]]


class Refused(Exception):
    """The API does not do it; ``code`` and ``text`` say why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Acme:
    """The order desk. Safe to use from several threads."""

    def __init__(self, orders: int = 0, seed: int = 7) -> None:
        self.orders: dict[int, Order] = {}
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        for number in range(orders):
            self.add(at=_BEGIN_MS + number * 3_600_000)

    def add(self, at: int | None = None, **fields: Any) -> Order:
        """A new order. ``at``: milliseconds since 1970, now without."""
        with self._lock:
            number = 1001 + len(self.orders)
            sku, text, price = self._random.choice(_GOODS)
            quantity = self._random.randint(1, 9)
            cents = quantity * int(price.replace(".", ""))
            moment = _now_ms() if at is None else at
            values: dict[str, Any] = {
                "order_id": number,
                "order_no": f"A-{number}",
                "customer": self._random.choice(_CUSTOMERS),
                "contact_email": f"buyer{number}@example.com",
                "state": self._random.choice(STATES[1:4]),
                "currency": "EUR",
                "total": f"{cents // 100}.{cents % 100:02d}",
                "ordered_on": time.strftime("%Y-%m-%d", time.gmtime(moment / 1000)),
                "pay_state": "OPEN",
                "remark": "",
                "rev": 1,
                "modified_ms": moment,
                "positions": [{"sku": sku, "text": text, "pieces": quantity, "piece_price": price}],
            }
            made = Order(**{**values, **fields})
            self.orders[number] = made
            return made

    def edit(self, order_id: int, at: int | None = None, **fields: Any) -> None:
        """One of Acme's people changes an order."""
        with self._lock:
            self._change(self.orders[order_id], fields, at)

    def listed(self, begin: int, end: int, sheet: int, rows: int) -> tuple[list[dict[str, Any]], int]:
        """A sheet (from 0) of what was changed in ``[begin, end)``, and how many sheets are left after it."""
        with self._lock:
            found = [order for order in self.orders.values() if begin <= order.modified_ms < end]
            found.sort(key=lambda order: order.order_id)
            shown = found[sheet * rows : (sheet + 1) * rows]
            return [asdict(order) for order in shown], max(0, -(-len(found) // rows) - sheet - 1)

    def shown(self, order_id: int) -> dict[str, Any]:
        """One order. Raises ``Refused``."""
        with self._lock:
            return asdict(self._known(order_id))

    def write(self, order_id: int, rev: int, values: dict[str, Any]) -> dict[str, Any]:
        """Change an order if nobody was faster. Raises ``Refused``."""
        with self._lock:
            order = self._known(order_id)
            if rev != order.rev:
                raise Refused("STALE", "Somebody changed the order meanwhile.")
            if set(values) - set(WRITABLE):
                raise Refused("INVALID", "That field cannot be written.")
            if len(str(values.get("remark", ""))) > 200:
                raise Refused("INVALID", "A remark has at most 200 signs.")
            self._change(order, values, None)
            return asdict(order)

    def _known(self, order_id: int) -> Order:
        if order_id not in self.orders:
            raise Refused("NOT_FOUND", "There is no such order.")
        return self.orders[order_id]

    def _change(self, order: Order, values: dict[str, Any], at: int | None) -> None:
        for name, value in values.items():
            setattr(order, name, value)
        order.rev += 1
        order.modified_ms = max(_now_ms() if at is None else at, order.modified_ms + 1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
