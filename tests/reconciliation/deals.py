"""One healthy deal from opportunity to payment, in pieces that a test can bend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from tests.reconciliation.books import Books, line

TODAY = date(2026, 10, 31)


def ago(days: int) -> date:
    """That many days before the business day."""
    return TODAY - timedelta(days=days)


Piece = dict[str, Any]


class Deal:
    """Documents by name; ``None`` or a missing one is left out. Every id and number ends in the deal's own number."""

    def __init__(self, number: int) -> None:
        self.n = number
        goods = [line("PUMP", 10, 100), line("VALVE", 4, 50)]
        party = f"id:P-{number}"
        money: Piece = {"net_amount": 1200, "gross_amount": 1356}
        self.documents: dict[str, list[Piece]] = {
            "party": [
                self._made("P", system=system, name=f"客户{number} Ltd", tax_id=f"9131000{number:08d}", status="active")
                for system in ("crm", "erp", "books")
            ],
            "opportunity": [
                self._made("OP", name=f"Deal {number}", status="won", expected_amount=1200, party_ref=party)
                | {"expected_close_date": ago(40)}
            ],
            "quote": [
                self._made("Q", number=f"Q-{number}", status="accepted", approval_state="approved", lines=goods)
                | {"opportunity_ref": f"id:OP-{number}", "issue_date": ago(45), **money}
            ],
            "order": [
                self._made("SO", number=f"SO-{number}", status="completed", quote_ref=f"no:Q-{number}", lines=goods)
                | {"order_date": ago(38), "promised_delivery_date": ago(20), "party_ref": party, **money}
            ],
            "delivery": [
                self._made("DN", number=f"DN-{number}", status="delivered", kind="outbound", delivered_on=ago(20))
                | {
                    "order_refs": [f"no:SO-{number}"],
                    "lines": [{"sku": "PUMP", "quantity": 10}, {"sku": "VALVE", "quantity": 4}],
                }
            ],
            "invoice": [
                self._made("INV", number=f"INV-{number}", kind="invoice", status="paid", party_ref=party, open_amount=0)
                | {"order_refs": [f"no:SO-{number}"], "issue_date": ago(18), "due_date": ago(3), **money}
            ],
            "payment": [self.money("PAY", 1356, f"id:INV-{number}")],
        }

    def _made(self, prefix: str, **fields: Any) -> Piece:
        return {"source_id": f"{prefix}-{self.n}", **fields}

    def money(self, prefix: str, amount: Any, invoice_ref: str | None, **fields: Any) -> Piece:
        """A payment that settles one invoice, or (without) nothing."""
        made = self._made(prefix, kind="payment", direction="in", status="received", amount=amount, received_on=ago(5))
        made |= {"party_ref": f"id:P-{self.n}", "order_refs": [f"no:SO-{self.n}"]}
        if invoice_ref:
            made |= {"invoice_ref": invoice_ref, "unapplied_amount": 0}
            made["lines"] = [{"invoice_ref": invoice_ref, "amount": amount}]
        else:
            made["unapplied_amount"] = amount
        return made | fields

    def set(self, entity: str, **fields: Any) -> Deal:
        """Change the first document of a kind."""
        self.documents[entity][0] |= fields
        return self

    def drop(self, *entities: str) -> Deal:
        """Leave out all documents of these kinds."""
        for entity in entities:
            self.documents[entity] = []
        return self

    def also(self, entity: str, prefix: str, **fields: Any) -> Deal:
        """A copy of the first document of a kind, with another id and these changes."""
        copy = {**self.documents[entity][0], "source_id": f"{prefix}-{self.n}", "number": f"{prefix}-{self.n}"}
        self.documents[entity].append(copy | fields)
        return self

    def put(self, entity: str, pieces: list[Piece]) -> Deal:
        """Take these documents of a kind instead of those there are."""
        self.documents[entity] = [dict(piece) for piece in pieces]
        return self

    def pay(self, prefix: str, amount: Any, invoice_ref: str | None = None, **fields: Any) -> Deal:
        """One more payment."""
        self.documents["payment"].append(self.money(prefix, amount, invoice_ref, **fields))
        return self

    def write(self, books: Books) -> None:
        """Put it into the books."""
        for entity, pieces in self.documents.items():
            for piece in pieces:
                fields = dict(piece)
                books.add(entity, fields.pop("source_id"), **fields)


Change = Callable[[Deal], Any]
