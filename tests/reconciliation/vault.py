"""A firm whose money three systems see: its books, a processor (``shop``) and a bank (``vault``)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reconciliation import facts, frame, tieouts
from reconciliation.engine import ReconcileResult, reconcile
from reconciliation.frame import Frame
from reconciliation.linking import link
from reconciliation.rules import Rules
from settings.model import Settings
from state import findings, links
from state.findings import Finding
from state.links import Link
from state.store import Store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import ago

MONEY = {"books": "accounting", "shop": "payments", "vault": "bank"}


def firm(**changes: Any) -> Settings:
    """The settings of the usual four systems, with the two more."""
    systems = {name: {"connector": "none", "roles": [role]} for name, role in MONEY.items()}
    return settings(systems=systems, **changes)


class Vault:
    """Payments and payouts by short words; all in EUR, five days ago, a hundred of it, if nothing else is said."""

    def __init__(self, store: Store) -> None:
        self.books = Books(store)
        for system, entities in (("shop", ("payment", "payout")), ("vault", ("payment",))):
            for entity in entities:
                self.books.stream_id(system, entity)

    def payment(self, system: str, key: str, amount: Any = 100, **fields: Any) -> int:
        """Money in; ``on`` is its day, ``text`` what comes with it."""
        usual = {
            "status": "received",
            "direction": "in",
            "kind": "payment",
            "currency": "EUR",
            "received_on": fields.pop("on", ago(5)),
            "reference_text": fields.pop("text", None),
        }
        return self.books.add("payment", key, system=system, **{**usual, "amount": amount, **fields})

    def payout(self, key: str, amount: Any, *lines: Mapping[str, Any], **fields: Any) -> int:
        """A payout that arrived three days ago, if nothing else is said."""
        usual = {"status": "paid", "currency": "EUR", "arrival_date": fields.pop("on", ago(3)), "descriptor": "STRIPE"}
        made = [dict(line) for line in lines]
        return self.books.add("payout", key, system="shop", lines=made, **{**usual, "amount": amount, **fields})

    def invoice(self, number: str, gross: Any = 100, **fields: Any) -> int:
        """An invoice in the books that is due in the future."""
        usual = {"status": "issued", "kind": "invoice", "currency": "EUR", "due_date": ago(-30), "issue_date": ago(20)}
        amounts = {"gross_amount": gross, "net_amount": gross}
        return self.books.add("invoice", number, number=number, **{**usual, **amounts, **fields})

    def links(self, run: str = "run-1", **changes: Any) -> dict[tuple[str, str], Link]:
        """What linking finds, by the source ids of the ends in alphabetical order."""
        self.books.save()
        with frame.load(self.books.store, Rules.of(firm(**changes)), links=False) as loaded:
            link(loaded, self.books.store, run)
        names = {record_id: key[2] for key, record_id in self.books.ids.items()}
        with self.books.store.reading() as connection:
            found = links.listing(connection, limit=1000)
        return {tuple(sorted((names[item.left_id], names[item.right_id]))): item for item in found}  # type: ignore[misc]

    def decisions(self, run: str = "run-1", **changes: Any) -> dict[tuple[str, str], str]:
        """The decision about each pair."""
        return {ends: item.decision for ends, item in self.links(run, **changes).items()}

    def prepared(self, loaded: Frame) -> Frame:
        """A frame with links and everything that checks look at."""
        self.books.save()
        link(loaded, self.books.store, "run-1")
        facts.prepare(loaded)
        return loaded

    def money(self) -> dict[str, tuple[int, int]]:
        """What counts as received, and what of it is not applied, in cents, by source id."""
        self.books.save()
        with frame.load(self.books.store, Rules.of(firm()), links=False) as loaded:
            self.prepared(loaded)
            rows = loaded.rows(
                "SELECT p.source_id, m.amount, m.unapplied FROM money m JOIN payments p ON p.record_id = m.payment_id"
            )
        return {name: (amount, unapplied) for name, amount, unapplied in rows}

    def tie_outs(self, currency: str = "EUR", **changes: Any) -> dict[str, dict[str, Any]]:
        """Tie-outs in a currency by name; each foots."""
        self.books.save()
        with frame.load(self.books.store, Rules.of(firm(**changes)), links=False) as loaded:
            self.prepared(loaded)
            found = tieouts.tie_outs(loaded)
        assert all(tieouts.foots(item) for item in found.all)
        return {item["name"]: item for item in found.all if item["currency"] == currency}

    def periods(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Tie-outs in EUR by period and name."""
        self.books.save()
        with frame.load(self.books.store, Rules.of(firm()), links=False) as loaded:
            self.prepared(loaded)
            found = tieouts.tie_outs(loaded).by_period
        return {(item["period"], item["name"]): item for item in found if item["currency"] == "EUR"}

    def reconcile(self, run: str = "run-1", **changes: Any) -> ReconcileResult:
        """All of it, kept."""
        self.books.save()
        return reconcile(self.books.store, firm(**changes), run)

    def findings(self, run: str = "run-1", **changes: Any) -> dict[str, list[Finding]]:
        """Findings by check that are not resolved."""
        self.reconcile(run, **changes)
        found: dict[str, list[Finding]] = {}
        with self.books.store.reading() as connection:
            for finding in findings.listing(connection):
                found.setdefault(finding.check_id, []).append(finding)
        return found


def line(kind: str, amount: Any, fee: Any = 0, of: str | None = None) -> dict[str, Any]:
    """A line of a payout."""
    net = Decimal(str(amount)) - Decimal(str(fee))
    ref = {"payment_ref": f"id:{of}"} if of else {}
    return {"kind": kind, "amount": amount, "fee_amount": fee, "net_amount": net, **ref}
