"""The documents behind a part of a tie-out, as the last reconciliation left them: for the page and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciliation import behind
from state import chains, tieouts
from state import figures as stored

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_DUE = ("due_date", "promised_delivery_date", "arrival_date", "valid_until")
_ISSUED = ("issue_date", "order_date", "delivered_on", "shipped_on", "received_on")
"""The days of documents, the first that there is of each."""


@dataclass(frozen=True, slots=True)
class Document:
    """One of them; amounts in minor units of the tie-out's currency."""

    record_id: int
    system: str
    entity: str
    source_id: str
    number: str | None
    customer: str | None
    status: str | None
    issued_on: str | None
    due_on: str | None
    amount: int
    opposite: int | None
    """What the other side has of its position; ``None``: nothing."""
    elsewhere: tuple[tuple[str, int], ...]
    """Where that is nothing, what it has of it in other currencies: each with its minor units."""
    difference: int | None
    """What is missing there of the whole position; ``None`` where it is not compared."""
    waits: bool
    """Whether its day is still to come."""


@dataclass(frozen=True, slots=True)
class Part:
    """What stands behind a figure: the largest documents, and what all of them come to."""

    documents: tuple[Document, ...]
    count: int
    """Of all documents, those included that are not here."""
    positions: int
    amount: int
    not_due: int
    """Positions that wait for a day to come, and their amount."""
    not_due_amount: int
    missing: int | None
    """What the other side lacks of the other positions; ``None`` where nothing is compared, or nobody has said."""


def part(connection: Connection, name: str, side: str, currency: str, which: str) -> Part:
    """Of the tie-out ``name`` in one currency, the ``left`` or ``right`` side's ``which`` (``behind.PARTS``)."""
    key = behind.key(name, side, currency, which)
    kept = stored.some(connection, behind.KIND, [key]).get(key, {"documents": [], "count": 0})
    total = stored.some(connection, tieouts.KIND, [f"{name} {currency}"]).get(f"{name} {currency}")
    sums = total[f"{which}_{side}"] if total else {"count": 0, "amount": 0}
    not_due = kept.get("not_due") or {"count": 0, "amount": 0}
    documents, missing = _documents(connection, kept["documents"]), kept.get("missing")
    return Part(documents, kept["count"], sums["count"], sums["amount"], not_due["count"], not_due["amount"], missing)


def _documents(connection: Connection, kept: list[dict[str, Any]]) -> tuple[Document, ...]:
    found = chains.rows(connection, {item["record_id"] for item in kept})
    parties = chains.parties(connection, sorted({_party(row) for row in found.values()}))
    names = {ref: party.name for ref, party in parties.items()}
    return tuple(_document(row, item, names.get(_party(row))) for item in kept if (row := found.get(item["record_id"])))


def _party(row: dict[str, Any]) -> tuple[str, str]:
    return row["system"], (row.get("party_ref") or "").removeprefix("id:")


def _document(row: dict[str, Any], item: dict[str, Any], customer: str | None) -> Document:
    whole, opposite = item["whole"], item["opposite"]
    return Document(
        record_id=item["record_id"],
        system=row["system"],
        entity=row["entity"],
        source_id=row["source_id"],
        number=row.get("number"),
        customer=customer,
        status=row.get("status"),
        issued_on=next((row[name] for name in _ISSUED if row.get(name)), None),
        due_on=next((row[name] for name in _DUE if row.get(name)), None),
        amount=item["amount"],
        opposite=opposite,
        elsewhere=tuple((one["currency"], one["amount"]) for one in item.get("elsewhere", ())),
        difference=None if whole is None else whole - (opposite or 0),
        waits=bool(item["waits"]),
    )
