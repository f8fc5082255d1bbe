"""What systems should show of what others know: which field of which record, its new value, and why.

A field is written only where the role that the rule takes it from owns it (``ownership``), only where the source shows
something else, never for deleted records, and never where it is not certain which record says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from mappings.model import TABLES
from reconciliation import shown, subjects, words
from reconciliation.frame import Frame, load
from reconciliation.parts import parts
from reconciliation.rules import Rules
from state import agreed, chains, frames
from state.store import Store

if TYPE_CHECKING:
    from settings.model import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field that should show another value, in canonical terms."""

    system: str
    stream: str
    record_id: int
    source_id: str
    number: str | None
    entity: str
    field: str
    old: Any
    new: Any
    reasons: dict[str, str]
    """Why, in English (``en``) and Chinese (``zh``)."""
    reason: str
    """Why, in the installation's language."""
    because: tuple[dict[str, Any], ...]
    """The records that say so: system, entity, source_id, number."""


class Rule(NamedTuple):
    """One field that is written. ``query`` gives record_id, old, new, because (record ids)."""

    entity: str
    field: str
    owner: str
    """Role that must own the field, which it does unless the settings say otherwise."""
    query: str
    reason: tuple[str, str]


_LEADS = """
    SELECT f.record_id, any_value(f.status) AS status, any_value(f.conversion_note) AS note,
        any_value(c.record_id) AS crm_id, any_value(c.status) AS crm_status
    FROM twins t JOIN leads f ON f.record_id = t.record_id JOIN leads c ON c.record_id = t.twin_id
    WHERE t.entity = 'lead' AND f.marketing AND NOT f.crm AND NOT f.deleted AND c.crm AND NOT c.deleted
    GROUP BY f.record_id HAVING count(*) = 1
"""
_CONVERTED = f"""
    SELECT l.record_id, l.note, l.crm_id, any_value(o.record_id) AS opportunity_id,
        '已转化 → 商机 ' || any_value(label(o.number, o.name, o.source_id)) AS new_note
    FROM ({_LEADS}) l JOIN lead_opportunity lo ON lo.lead_id = l.crm_id
    JOIN opportunities o ON o.record_id = lo.opportunity_id
    WHERE l.crm_status = 'converted' AND NOT o.deleted
    GROUP BY l.record_id, l.note, l.crm_id HAVING count(*) = 1
"""
_BILLS = """
    SELECT i.record_id, i.delivery_numbers, i.sent_to_customer, i.issue_date, oi.order_id
    FROM invoices i JOIN order_invoice oi ON oi.invoice_id = i.record_id
    JOIN orders o ON o.record_id = oi.order_id
    WHERE i.accounting AND NOT i.deleted AND i.kind IS DISTINCT FROM 'credit_note'
      AND i.status IN ('issued', 'partly_paid', 'disputed', 'paid') AND o.erp AND NOT o.deleted
"""


def _shown(entity: str, field: str, owner: str, reason: tuple[str, str]) -> Rule:
    table = {"opportunity": "opportunities", "quote": "quotes"}[entity]
    query = f"""
        SELECT s.{entity}_id AS record_id, r.{field} AS old, s.want_{field} AS new, s.order_ids AS because
        FROM {entity}_shown s JOIN {table} r ON r.record_id = s.{entity}_id
    """
    return Rule(entity, field, owner, query, reason)


_ORDER_NUMBER = ("The ERP has order {because} for it.", "ERP 中对应的订单为 {because}。")
_DELIVERY = ("Order {because} is {state} in the ERP.", "ERP 中订单 {because} {state}。")
_BILLING = ("Order {because} is {state} in accounting.", "财务系统中订单 {because} {state}。")
_PAYMENT = ("Order {because} is {state} in accounting.", "财务系统中订单 {because} {state}。")

RULES: tuple[Rule, ...] = (
    Rule(
        "lead",
        "status",
        "crm",
        f"SELECT record_id, status AS old, crm_status AS new, [crm_id] AS because FROM ({_LEADS})",
        ("Lead {because} is {lead_status} in the CRM.", "CRM 中线索 {because} 的状态为“{lead_status}”。"),
    ),
    Rule(
        "lead",
        "conversion_note",
        "crm",
        f"SELECT record_id, note AS old, new_note AS new, [crm_id, opportunity_id] AS because FROM ({_CONVERTED})",
        ("The lead was converted in the CRM: {because}.", "该线索已在 CRM 中转化：{because}。"),
    ),
    _shown("opportunity", "order_number", "erp", _ORDER_NUMBER),
    _shown("opportunity", "delivery_state", "erp", _DELIVERY),
    _shown("opportunity", "billing_state", "accounting", _BILLING),
    _shown("opportunity", "payment_state", "accounting", _PAYMENT),
    _shown("quote", "order_number", "erp", _ORDER_NUMBER),
    _shown("quote", "delivery_state", "erp", _DELIVERY),
    _shown("quote", "payment_state", "accounting", _PAYMENT),
    Rule(
        "order",
        "payment_state",
        "accounting",
        """
        SELECT s.order_id AS record_id, o.payment_state AS old, s.want_payment_state AS new,
            coalesce(b.ids, [s.order_id]) AS because
        FROM order_shown s JOIN orders o ON o.record_id = s.order_id
        LEFT JOIN (SELECT order_id, list(invoice_id ORDER BY invoice_id) AS ids
                   FROM order_bill JOIN owed USING (invoice_id) GROUP BY ALL) b ON b.order_id = s.order_id
        """,
        ("Accounting shows it as {state}: {because}.", "财务系统中的状态为“{state}”：{because}。"),
    ),
    Rule(
        "invoice",
        "delivery_numbers",
        "erp",
        f"""
        SELECT record_id, any_value(delivery_numbers) AS old,
            array_to_string(list(DISTINCT number ORDER BY length(number), number), ', ') AS new,
            list(DISTINCT delivery_id ORDER BY delivery_id) AS because
        FROM (SELECT b.*, d.number, d.record_id AS delivery_id FROM ({_BILLS}) b
              JOIN order_delivery od USING (order_id) JOIN deliveries d ON d.record_id = od.delivery_id
              WHERE NOT d.deleted AND d.status = 'delivered' AND d.number IS NOT NULL
                AND d.kind IS DISTINCT FROM 'return')
        GROUP BY record_id
        """,
        ("Delivered with {because}.", "对应发货单：{because}。"),
    ),
    Rule(
        "invoice",
        "sent_to_customer",
        "crm",
        f"""
        SELECT b.record_id, any_value(b.sent_to_customer) AS old, true AS new,
            list(DISTINCT p.record_id ORDER BY p.record_id) AS because
        FROM ({_BILLS}) b JOIN opportunity_order oo USING (order_id) JOIN opportunities p
            ON p.record_id = oo.opportunity_id
        WHERE p.crm AND NOT p.deleted AND p.invoice_sent_on >= b.issue_date GROUP BY b.record_id
        """,
        ("Sales e-mailed it to the customer: {because}.", "销售已将发票邮件发送给客户：{because}。"),
    ),
)


def wanted(store: Store, settings: Settings, frame: Frame | None = None) -> list[Wanted]:
    """Every field that should show another value, by system, stream and record; empty if all systems agree.

    ``frame``: one that has been linked already; else the stored links are used. Raises ``StoreError``.
    """
    rules = Rules.of(settings)
    with _linked(store, rules, frame) as linked:
        shown.prepare(linked)
        subjects.prepare(linked)
        found = [item for rule in RULES if _applies(rule, rules) for item in _of_rule(linked, rule)]
    doubtful = [item.record_id for item in found if not item.stream]
    if doubtful:
        with store.reading() as connection:
            addresses = chains.identities(connection, doubtful)
        found = [item if item.stream else replace(item, stream=addresses[item.record_id].stream) for item in found]
    return sorted(found, key=lambda item: (item.system, item.stream, item.record_id, item.field))


def note_agreement(store: Store, frame: Frame) -> int:
    """Keep the values on which owner and target agree now, where they are not the ones kept; returns how many.

    They are the base that a later difference is compared with: who changed what since. ``frame`` must be linked.
    """
    shown.prepare(frame)
    with store.reading() as connection:
        known = frames.reader(connection, "SELECT record_id, field, value FROM agreed")
        frame.take("agreed", known, "SELECT record_id, field, json_extract_string(value, '$') AS plain FROM incoming")
    agreeing = _agreeing(frame)
    first = next(agreeing, None)
    if first is None:
        return 0
    written = 0
    with store.transaction() as connection:
        for part in chain([first], agreeing):
            agreed.write(connection, part)
            written += len(part)
    return written


def _agreeing(frame: Frame) -> Iterator[list[tuple[int, str, Any]]]:
    """Records, fields and values that agree and were not noted so, in parts that fit into memory however many."""
    for rule in RULES:
        if not _applies(rule, frame.rules):
            continue
        for rows in parts(
            frame,
            f"""
            SELECT w.record_id, w.old FROM ({rule.query}) w
            LEFT JOIN agreed a ON a.record_id = w.record_id AND a.field = '{rule.field}'
            WHERE w.new IS NOT NULL AND w.old IS NOT DISTINCT FROM w.new AND a.plain IS DISTINCT FROM w.old::VARCHAR
            """,
            "record_id",
        ):
            yield [(record_id, rule.field, value) for record_id, value in rows]


@contextmanager
def _linked(store: Store, rules: Rules, frame: Frame | None) -> Iterator[Frame]:
    if frame is not None:
        yield frame
        return
    with load(store, rules) as loaded:
        yield loaded


def _applies(rule: Rule, rules: Rules) -> bool:
    return rules.ownership.get(f"{rule.entity}.{rule.field}", rule.owner) == rule.owner


def _of_rule(frame: Frame, rule: Rule) -> list[Wanted]:
    """What a rule wants changed. ``stream`` stays empty where the system has several of that entity."""
    lang = words.language(frame.rules.locale)
    rows = frame.rows(
        f"""
        WITH wish AS (
            SELECT record_id, old, new, because FROM ({rule.query})
            WHERE new IS NOT NULL AND new::VARCHAR <> '' AND old IS DISTINCT FROM new
        ),
        reasons AS (
            SELECT w.record_id, list(struct_pack(system := s.system, entity := s.entity, source_id := s.source_id,
                number := s.number) ORDER BY s.entity, s.system, s.source_id) AS refs
            FROM (SELECT record_id, unnest(because) AS other_id FROM wish) w
            JOIN subjects s ON s.record_id = w.other_id GROUP BY ALL
        ),
        only_stream AS (
            SELECT system, min(stream) AS stream FROM coverage WHERE entity = '{rule.entity}'
            GROUP BY system HAVING count(*) = 1
        )
        SELECT r.system, coalesce(o.stream, ''), w.record_id, r.source_id, r.number, w.old, w.new, b.refs
        FROM wish w JOIN {TABLES[rule.entity]} r USING (record_id) JOIN reasons b USING (record_id)
        LEFT JOIN only_stream o ON o.system = r.system ORDER BY w.record_id
        """
    )
    return [_wanted(rule, row, lang) for row in rows]


def _wanted(rule: Rule, row: tuple[Any, ...], lang: str) -> Wanted:
    system, stream, record_id, source_id, number, old, new, because = row
    named = ", ".join(str(ref["number"] or ref["source_id"]) for ref in because)
    reasons = {
        code: words.say(
            template, {"because": named, "state": words.state(str(new), code), "lead_status": new}, None, code
        )
        for code, template in zip(words.LANGUAGES, rule.reason, strict=True)
    }
    return Wanted(
        system=system,
        stream=stream,
        record_id=record_id,
        source_id=source_id,
        number=number,
        entity=rule.entity,
        field=rule.field,
        old=old,
        new=new,
        reasons=reasons,
        reason=reasons[lang],
        because=tuple(because),
    )
