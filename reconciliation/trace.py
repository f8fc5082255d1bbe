"""The whole chain of a record: everything that led to it and followed from it, across the systems."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mappings.model import ENTITIES, LINES, TABLES, Kind, columns
from reconciliation import money, report, states
from reconciliation.frame import LINKS
from reconciliation.order_states import inputs
from reconciliation.rules import Rules
from reconciliation.standing import Standing, standing
from state import chains, findings, order_states, pruned
from state.clock import from_us
from state.links import Link
from state.store import Store

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.chains import Identity, Named

_STAGES = ("party", "lead", "opportunity", "quote", "order", "delivery", "invoice", "payment", "payout", "service_case")
_AMOUNTS = ("expected_amount", "gross_amount", "net_amount", "amount", "open_amount", "unapplied_amount")
_MAX_RECORDS = 1000
_MAX_OF_PARTY = 50


@dataclass(frozen=True, slots=True)
class ChainRecord:
    """One record of a chain; amounts as decimal text by field, days and instants as ISO text by field."""

    record_id: int
    system: str
    entity: str
    source_id: str
    number: str | None
    name: str | None
    party: str | None
    party_id: int | None
    """The record of the customer whose name ``party`` is."""
    kind: str | None
    status: str | None
    source_status: str | None
    deleted: bool
    currency: str | None
    amounts: dict[str, str]
    dates: dict[str, str]
    states: dict[str, str]
    """Of an order, computed from the chain: delivery_state, billing_state, payment_state."""
    shown: dict[str, str]
    """The written-back fields as the source shows them."""
    url: str | None
    pruned_versions: int
    """Earlier versions of it that retention has removed."""


@dataclass(frozen=True, slots=True)
class ChainLink:
    """Why two records of a chain belong together."""

    kind: str
    left_id: int
    right_id: int
    method: str
    score: int
    evidence: dict[str, Any]
    decision: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Records in the order of lead to cash, the links between them, and what stands open about them."""

    records: tuple[ChainRecord, ...]
    links: tuple[ChainLink, ...]
    findings: tuple[dict[str, Any], ...]
    found: tuple[int, ...]
    """Ids of the records that were asked for."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able data."""
        return asdict(self)


def trace(store: Store, settings: Settings, needle: str) -> list[Chain]:
    """The chains of every record with this number, source id, name, e-mail or payment reference; empty if none.

    A customer's chains are those of its documents. Raises ``StoreError``.
    """
    with store.reading() as connection:
        return traced(connection, settings, needle)


def traced(connection: Connection, settings: Settings, needle: str) -> list[Chain]:
    """As ``trace``, of what this connection sees."""
    rules = Rules.of(settings)
    asked = set(chains.find(connection, needle.strip()))
    groups, known = _groups(connection, sorted(asked))
    rows = chains.rows_of(connection, known.values())
    parties = chains.parties(connection, _parties(rows))
    outstanding = findings.of_records(connection, sorted(known))
    gone = pruned.older_versions(connection, sorted(rows))
    computed = _states(connection, rules, known, rows, [link for _, links in groups for link in links])
    result = []
    for group, links in groups:
        records = sorted((_record(rows[id], parties, computed, gone) for id in group if id in rows), key=_order)
        about = [item for item in outstanding if any(record.record_id in group for record in item.records)]
        shown = tuple(
            {
                "id": item.id,
                "check": item.check_id,
                "severity": item.severity,
                "status": item.status,
                "amount": money.text(item.amount, item.currency),
                "currency": item.currency,
                **report.explain(item, rules.locale, rules.own_words()),
            }
            for item in about
        )
        between = tuple(_link(link) for link in links if link.left_id in rows and link.right_id in rows)
        result.append(Chain(tuple(records), between, shown, tuple(sorted(asked & set(group)))))
    return result


def warm_up(settings: Settings) -> None:
    """Make ready what traces compute in, half a second's work that the first ones would wait for."""
    rules = Rules.of(settings)
    _database(rules).warm_up(rules)


def _database(rules: Rules) -> Standing:
    return standing(rules, states.prepare, "order_states")


_Group = tuple[set[int], list[Link]]
"""Connected records, and the links between them."""


def _groups(connection: Connection, start: Sequence[int]) -> tuple[list[_Group], dict[int, Identity]]:
    """Connected records, each group once, and the addresses of all; of customers those of their documents, too."""
    groups: list[_Group] = []
    _walk(connection, start, groups)
    known = chains.identities(connection, sorted(_all(groups)))
    parties = [item for item in start if item in known and known[item].entity == "party"]
    documents: list[int] = []
    for group in [group for group, _ in groups if not group.isdisjoint(parties)]:
        for other in (known[item] for item in sorted(group) if item in known):
            documents += chains.documents_of(connection, other.system, other.source_id, _MAX_OF_PARTY)
    if _walk(connection, documents, groups):
        known |= chains.identities(connection, sorted(_all(groups) - known.keys()))
    return groups, known


def _all(groups: Sequence[_Group]) -> set[int]:
    return {record_id for group, _ in groups for record_id in group}


def _walk(connection: Connection, start: Sequence[int], groups: list[_Group]) -> bool:
    """Add the groups of these records that are not there yet; says whether there were any."""
    before = len(groups)
    for record_id in start:
        if not any(record_id in group for group, _ in groups):
            groups.append(chains.walk(connection, record_id, _MAX_RECORDS))
    return len(groups) > before


def _parties(rows: dict[int, dict[str, Any]]) -> list[tuple[str, str]]:
    refs = ((row["system"], row.get("party_ref") or "") for row in rows.values())
    return sorted({(system, ref.removeprefix("id:")) for system, ref in refs if ref.startswith("id:")})


def _states(
    connection: Connection,
    rules: Rules,
    known: Collection[int],
    rows: dict[int, dict[str, Any]],
    links: list[Link],
) -> dict[int, dict[str, str]]:
    """The computed states of the orders: as the last reconciliation did, or now, by the same SQL as everywhere.

    ``known`` are the ids of all that links connect, ``rows`` what can be shown of them.
    """
    by_entity: dict[str, list[dict[str, Any]]] = {}
    for row in rows.values():
        by_entity.setdefault(row["entity"], []).append(row)
    if "order" not in by_entity:
        return {}
    if order_states.hold(connection, inputs(rules), known):
        return order_states.read(connection, [row["record_id"] for row in by_entity["order"]])
    database = _database(rules)
    held: dict[str, list[dict[str, Any]]] = {TABLES[entity]: some for entity, some in by_entity.items()}
    for entity in by_entity.keys() & LINES.keys():
        if (table := LINES[entity].table) in database.needed:
            held[table] = chains.lines(connection, entity, [row["record_id"] for row in by_entity[entity]])
    held[LINKS] = [asdict(link) for link in links if link.left_id in rows and link.right_id in rows]
    lines = [line for entity in by_entity.keys() & LINES.keys() for line in held.get(LINES[entity].table, ())]
    held[TABLES["product"]] = chains.products(
        connection, {line.get("product_ref") for line in lines}, {line.get("sku") for line in lines}
    )
    names = ("delivery_state", "billing_state", "payment_state")
    with database.frame(rules, held) as frame:
        computed = frame.rows(f"SELECT order_id, {', '.join(names)} FROM order_states ORDER BY order_id")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in computed}


def _record(
    row: dict[str, Any],
    parties: dict[tuple[str, str], Named],
    computed: dict[int, dict[str, str]],
    gone: dict[int, int],
) -> ChainRecord:
    kinds = {column.name: column.kind for column in columns(ENTITIES[row["entity"]])}
    currency = row.get("currency")
    dates = {
        name: value if kinds[name] is Kind.DAY else from_us(value).isoformat().replace("+00:00", "Z")
        for name, value in row.items()
        if value is not None and kinds.get(name) in (Kind.DAY, Kind.INSTANT)
    }
    amounts = {name: str(money.text(row[name], currency)) for name in _AMOUNTS if row.get(name) is not None}
    own = ("order_number", "delivery_state", "billing_state", "payment_state", "delivery_numbers", "conversion_note")
    party = parties.get((row["system"], (row.get("party_ref") or "").removeprefix("id:")))
    return ChainRecord(
        record_id=row["record_id"],
        system=row["system"],
        entity=row["entity"],
        source_id=row["source_id"],
        number=row.get("number"),
        name=row.get("name") or row.get("company_name") or row.get("reference_text"),
        party=party.name if party else None,
        party_id=party.record_id if party else None,
        kind=row.get("kind"),
        status=row.get("status"),
        source_status=row.get("source_status"),
        deleted=bool(row["deleted"]),
        currency=currency,
        amounts=amounts,
        dates=dates,
        states=computed.get(row["record_id"], {}),
        shown={name: str(row[name]) for name in own if row.get(name) is not None},
        url=row.get("url"),
        pruned_versions=gone.get(row["record_id"], 0),
    )


def _order(item: ChainRecord) -> tuple[Any, ...]:
    stage = _STAGES.index(item.entity) if item.entity in _STAGES else len(_STAGES)
    return (stage, min(item.dates.values(), default=""), item.number or "", item.record_id)


def _link(link: Link) -> ChainLink:
    evidence = json.loads(link.evidence)
    return ChainLink(link.kind, link.left_id, link.right_id, link.method, link.score, evidence, link.decision)
