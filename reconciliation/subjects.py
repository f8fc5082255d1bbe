"""Every record in one shape: where it is from, what people call it, what it stands for in money."""

from __future__ import annotations

from mappings.model import TABLES
from reconciliation.frame import Frame

# What a record is called where it has no number, and the amount it stands for.
_NAMES = {"party": "name", "product": "name", "lead": "company_name", "opportunity": "name"}
_AMOUNTS = {
    "opportunity": "expected_amount",
    "quote": "net_amount",
    "order": "net_amount",
    "invoice": "gross_amount",
    "payment": "amount",
    "payout": "amount",
}
_NUMBERS = {"payment": "coalesce(nullif(trim(number), ''), nullif(trim(reference_text), ''))"}
_ENTITIES = (
    *("party", "product", "lead", "opportunity", "quote", "order", "delivery", "invoice", "payment"),
    *("payout", "service_case"),
)


def prepare(frame: Frame) -> None:
    """Make the view ``subjects``, and one of each entity such as ``party_subjects``; does nothing the second time."""
    if "subjects" in frame.stages:
        return
    frame.stages.add("subjects")
    parts = []
    for entity in _ENTITIES:
        number = _NUMBERS.get(entity, "nullif(trim(number), '')")
        name = f"nullif(trim({_NAMES[entity]}), '')" if entity in _NAMES else "NULL"
        shown = number if entity in ("lead", "payment") or name == "NULL" else f"coalesce({number}, {name})"
        label = f"coalesce({number}, {name}, source_id)"
        if entity in ("party", "opportunity", "product"):
            label = f"coalesce({name}, {number}, source_id)"
        amount = _AMOUNTS.get(entity, "NULL::BIGINT")
        frame.run(
            f"CREATE OR REPLACE VIEW {entity}_subjects AS "
            f"SELECT record_id, '{entity}' AS entity, system, source_id, {shown} AS number, {label} AS label, deleted, "
            f"status, {amount} AS amount, currency FROM {TABLES[entity]}"
        )
        parts.append(f"FROM {entity}_subjects")
    # A stream stands beside them, so that a finding can be about one: its id is that of no record.
    parts.append(
        "SELECT -stream_id, 'stream', system, stream, system || '.' || stream, system || '.' || stream, false, NULL, "
        "NULL::BIGINT, NULL FROM coverage"
    )
    frame.run("CREATE OR REPLACE VIEW subjects AS " + " UNION ALL ".join(parts))
