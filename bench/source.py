"""A source over loopback HTTP that costs next to nothing: records made once, pages cut from memory.

    python -m bench.source --kind orders --records 100000 [--pace 1]

prints its port. ``--pace`` is how many seconds each page takes, as a vendor's limit on calls makes it.
``GET /records?updated_since&cursor&limit`` pages through everything changed since then (inclusive);
``POST /touch?share=0.01`` changes that share of the records. Its clock, which its answers tell, stands a minute after
the newest change.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_START = datetime(2026, 1, 1, tzinfo=UTC)
_CITIES = ("Shanghai", "Beijing", "Shenzhen", "Hamburg", "Lyon", "Austin", "Osaka", "Leeds")


def _instant(number: int) -> str:
    return (_START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def order(number: int, updated: str) -> bytes:
    """A generic order of about 1 KB with three lines, money as text, ISO times."""
    price = number % 900 + 10
    lines = [
        {
            "line_id": f"L{number}-{place}",
            "sku": f"SKU-{(number * 7 + place) % 5000:05d}",
            "description": f"Part {place} for order {number}",
            "quantity": place + 1,
            "unit_price": f"{price}.{number % 100:02d}",
            "amount": f"{(price * 100 + number % 100) * (place + 1) // 100}.{(number % 100) * (place + 1) % 100:02d}",
        }
        for place in range(3)
    ]
    return json.dumps(
        {
            "id": f"ord_{number:08d}",
            "number": f"SO-{number:08d}",
            "status": ("open", "paid", "shipped", "closed")[number % 4],
            "created_at": _instant(number),
            "updated_at": updated,
            "currency": ("CNY", "USD", "EUR")[number % 3],
            "total": f"{price * 6}.{number % 100:02d}",
            "net": f"{price * 5}.{number % 100:02d}",
            "tax": f"{price}.00",
            "po_number": f"PO-{number % 99991}",
            "note": f"Please deliver to gate {number % 40} between 8 and 16 o'clock and call the warehouse before.",
            "warehouse": f"WH-{number % 12:03d}",
            "payment_terms": "net_30",
            "channel": ("web", "sales", "partner")[number % 3],
            "tags": ["priority" if number % 10 == 0 else "standard", "2026"],
            "promised_on": _instant(number + 86400 * 14)[:10],
            "customer": {
                "id": f"cus_{number % 20000:06d}",
                "name": f"Customer {number % 20000} GmbH",
                "email": f"buyer{number % 20000}@example.com",
                "address": {
                    "street": f"{number % 300} Main Street",
                    "city": _CITIES[number % 8],
                    "zip": f"{number % 99999:05d}",
                },
            },
            "lines": lines,
        },
        separators=(",", ":"),
    ).encode()


def invoice(number: int, updated: str) -> bytes:
    """An invoice as Xero writes it: numbers as JSON numbers, Microsoft dates, two lines."""
    price = number % 900 + 10
    cents = number % 100
    millis = int((_START + timedelta(seconds=number)).timestamp() * 1000)
    lines = [
        {
            "LineItemID": f"{number:08x}-0000-4000-8000-{place:012x}",
            "ItemCode": f"SKU-{(number * 7 + place) % 5000:05d}",
            "Description": f"Part {place} of order SO-{number:08d}",
            "UnitAmount": price + cents / 100,
            "TaxType": "OUTPUT2",
            "TaxAmount": 1.3,
            "LineAmount": price + cents / 100,
            "AccountCode": "200",
            "Quantity": 1.0,
        }
        for place in range(2)
    ]
    changed = int(datetime.fromisoformat(updated).timestamp() * 1000)
    return json.dumps(
        {
            "Type": "ACCREC",
            "InvoiceID": f"{number:08x}-1111-4111-8111-111111111111",
            "InvoiceNumber": f"INV-{number:08d}",
            "Reference": f"SO-{number:08d}",
            "Payments": [],
            "AmountDue": round(2 * (price + cents / 100) + 2.6, 2),
            "AmountPaid": 0.0,
            "AmountCredited": 0.0,
            "SentToContact": True,
            "CurrencyRate": 1.0,
            "HasErrors": False,
            "Contact": {"ContactID": f"{number % 20000:08x}-2222-4222-8222-222222222222", "Name": f"Customer {number}"},
            "DateString": f"{_instant(number)[:10]}T00:00:00",
            "Date": f"/Date({millis}+0000)/",
            "DueDateString": f"{_instant(number + 2592000)[:10]}T00:00:00",
            "DueDate": f"/Date({millis + 2592000000}+0000)/",
            "Status": "AUTHORISED",
            "LineAmountTypes": "Exclusive",
            "LineItems": lines,
            "SubTotal": round(2 * (price + cents / 100), 2),
            "TotalTax": 2.6,
            "Total": round(2 * (price + cents / 100) + 2.6, 2),
            "UpdatedDateUTC": f"/Date({changed}+0000)/",
            "CurrencyCode": ("CNY", "USD", "EUR")[number % 3],
        },
        separators=(",", ":"),
    ).encode()


KINDS: dict[str, Callable[[int, str], bytes]] = {"orders": order, "invoices": invoice}


class Source:
    """The records in the order of their last change."""

    def __init__(self, kind: str, count: int) -> None:
        self._make = KINDS[kind]
        self._count = count
        self._updated = [_instant(number) for number in range(count)]
        self._bodies = [self._make(number, self._updated[number]) for number in range(count)]
        self._round = 0

    def touch(self, share: float) -> int:
        """Change a share of the records."""
        self._round += 1
        step = max(1, round(1 / share))
        places = range(self._round, self._count, step)
        for place in places:
            updated = _instant(self._count + self._round * 1_000_000 + place)
            self._updated.append(updated)
            self._bodies.append(self._make(place, updated))
        for place in reversed(places):
            del self._updated[place], self._bodies[place]
        return len(places)

    @property
    def clock(self) -> float:
        """Seconds since 1970: a minute after the newest change, so that a window that ends by it has them all."""
        return datetime.fromisoformat(self._updated[-1]).timestamp() + 60

    def page(self, since: str, cursor: str, limit: int) -> bytes:
        """A page as JSON; ``next`` is null on the last one."""
        start = int(cursor[1:]) if cursor else (bisect_left(self._updated, since) if since else 0)
        end = min(start + limit, len(self._bodies))
        following = f'"c{end}"' if end < len(self._bodies) else "null"
        return b'{"data":[' + b",".join(self._bodies[start:end]) + b'],"next":' + following.encode() + b"}"


def serve(source: Source, pace: float = 0.0) -> None:
    """Serve until killed, a page every ``pace`` seconds; the port is the first line on standard output."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20

        def do_GET(self) -> None:
            query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            time.sleep(pace)
            page = source.page(query.get("updated_since", ""), query.get("cursor", ""), int(query.get("limit", "1000")))
            self._answer(page)

        def do_POST(self) -> None:
            share = float(parse_qs(urlsplit(self.path).query)["share"][0])
            self._answer(str(source.touch(share)).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(source.clock if timestamp is None else timestamp, usegmt=True)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=KINDS, default="orders")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--pace", type=float, default=0.0)
    chosen = parser.parse_args()
    serve(Source(chosen.kind, chosen.records), chosen.pace)
