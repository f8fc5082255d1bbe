"""Tie-outs by period: the documents of each month by their business day, and where everything stood at its end.

What a position comes to at the end of a period is judged by the documents up to that day alone. A payment of October
for an invoice of September leaves September open and closes the position in October, where it counts as ``across``.
Documents without a business day count as earlier than every period.

After an ``add`` for each tie-out and ``together`` the frame has ``period_parts``: tie_out, side, position, document_id,
currency, amount, period (``YYYY-MM``; empty without a day) of all that counts, and ``period_stood``: tie_out,
position, currency, period, result, valid from this period until the position's next row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mappings.model import TABLES
from reconciliation import behind
from reconciliation.frame import Frame
from state.tieouts import TieOut

SIDES = ("left", "right")

_DAYS = {
    "quotes": "issue_date",
    "orders": "order_date",
    "deliveries": "coalesce(delivered_on, shipped_on)",
    "invoices": "issue_date",
    "payments": "received_on",
    "payouts": "arrival_date",
}
"""Table → the day by which its documents belong to a period."""

_STATES = ("matched", "unmatched", "offset")
_WHAT = ("count", "amount")


class PeriodsDoNotAddUp(Exception):
    """The periods together are not the whole: no figures are made of that."""


def add(frame: Frame, name: str, agreement: str, entities: tuple[str, str]) -> None:
    """Split one tie-out: its parts are in ``left_part`` and ``right_part``, ``agreement`` compares ``l`` and ``r``.

    ``entities`` are those of the documents on each side.
    """
    sums = ", ".join(
        f"coalesce(sum(amount) FILTER (WHERE side = '{side}'), 0)::BIGINT AS {side}_moved, "
        f"count(*) FILTER (WHERE side = '{side}') > 0 AS {side}_moves"
        for side in SIDES
    )
    running = ", ".join(
        f"bool_or({side}_moves) OVER w AS has_{side}, (sum({side}_moved) OVER w)::BIGINT AS {side}_sum"
        for side in SIDES
    )
    frame.run(
        f"""
        CREATE OR REPLACE TABLE dated_{name} AS
            {" UNION ALL ".join(_dated(side, entity) for side, entity in zip(SIDES, entities, strict=True))};
        CREATE OR REPLACE TEMP VIEW dated AS FROM dated_{name};
        CREATE OR REPLACE TABLE stood_{name} AS
        WITH moved AS (SELECT position, currency, period, {sums} FROM dated WHERE NOT excluded GROUP BY ALL),
        sums AS (SELECT *, {running}, row_number() OVER w > 1 AS earlier FROM moved
            WINDOW w AS (PARTITION BY position, currency ORDER BY period ROWS UNBOUNDED PRECEDING)),
        compared AS (SELECT *, struct_pack(amount := left_sum) AS l, struct_pack(amount := right_sum) AS r FROM sums)
        SELECT * EXCLUDE (l, r), CASE WHEN has_left AND has_right AND {agreement} THEN 'matched'
            WHEN NOT has_right AND left_sum = 0 THEN 'offset'
            WHEN NOT has_left AND right_sum = 0 THEN 'offset' ELSE 'unmatched' END AS result FROM compared;
        CREATE OR REPLACE TEMP VIEW stood AS FROM stood_{name};
        """
    )


def together(frame: Frame, names: Sequence[str]) -> None:
    """Make ``period_parts`` and ``period_stood`` of these tie-outs; only closes look into them, so they are views."""
    parts = " UNION ALL ".join(
        f"SELECT '{name}' AS tie_out, side, position, document_id, currency, sum(amount)::BIGINT AS amount, period "
        f"FROM dated_{name} WHERE NOT excluded GROUP BY ALL"
        for name in names
    )
    stood = " UNION ALL ".join(
        f"SELECT '{name}' AS tie_out, position, currency, period, result FROM stood_{name}" for name in names
    )
    frame.run(f"CREATE OR REPLACE VIEW period_parts AS {parts}; CREATE OR REPLACE VIEW period_stood AS {stood}")


def _dated(side: str, entity: str) -> str:
    table = TABLES[entity]
    return (
        f"SELECT '{side}' AS side, p.position, p.document_id, p.currency, p.amount, p.excluded, "
        f"coalesce(d.period, '') AS period FROM {side}_part p "
        f"LEFT JOIN (SELECT record_id, strftime({_DAYS[table]}, '%Y-%m') AS period FROM {table}) d "
        "ON d.record_id = p.document_id"
    )


def figures(frame: Frame, name: str, sides: dict[str, tuple[str, str]]) -> list[TieOut]:
    """The split tie-out by period and currency, amounts in minor units.

    ``movement`` is the period's own documents, in it ``back`` what was taken off the sums of the sides: credit notes,
    money paid back; ``to_date`` everything until its end. Only for periods in which
    something stands; ``sides`` are role and entity. Raises ``PeriodsDoNotAddUp``.
    """
    moved = _by_key(frame, _MOVED)
    changed = _by_key(frame, _CHANGED)
    back = _by_key(frame, _BACK)
    left_out = {side: _by_key(frame, _excluded(side)) for side in SIDES}
    waiting = _waiting(frame, name)
    _check(frame, name)
    keys = {*moved, *changed, *left_out["left"], *left_out["right"]}
    periods = sorted({period for _, period in keys} | {frame.rules.period})
    found = []
    for currency in sorted({currency for currency, _ in keys}):
        sums: dict[str, int] = {}
        waits = waiting.get(currency, [])
        for period in periods:
            key = (currency, period)
            parts = {**moved.get(key, {}), **_excluded_parts(left_out, key, "moved")}
            _foot(name, key, parts)
            for column, value in {**changed.get(key, {}), **_excluded_parts(left_out, key, "new")}.items():
                sums[column] = sums.get(column, 0) + value
            while waits and waits[0][0] <= period:
                for column, value in waits.pop(0)[1].items():
                    sums[column] = sums.get(column, 0) + value
            if any(sums.values()) or any(parts.values()):
                head = {"name": name, "currency": currency, "period": period}
                item = {**head, **{side: dict(zip(("role", "entity"), sides[side], strict=True)) for side in SIDES}}
                moved_back = {f"{side}_amount": back.get(key, {}).get(side, 0) for side in SIDES}
                movement = {**_movement(parts), "back": moved_back}
                found.append({**item, "movement": movement, "to_date": _to_date(sums)})
    return found


_MOVED = f"""
    SELECT currency, period, {
    ", ".join(
        f"count(*) FILTER (WHERE {side}_moves{condition}) AS {state}_{side}_count, "
        f"coalesce(sum({side}_moved) FILTER (WHERE {side}_moves{condition}), 0)::BIGINT AS {state}_{side}_amount"
        for side in SIDES
        for state, condition in (
            ("all", ""),
            *((state, f" AND result = '{state}'") for state in _STATES),
            ("across", " AND result = 'matched' AND earlier"),
        )
    )
} FROM stood GROUP BY ALL ORDER BY ALL"""

_VALUES = {
    f"{state}_{side}_{what}": f"CASE WHEN result = '{state}' AND has_{side} THEN {value} ELSE 0 END"
    for state in _STATES
    for side in SIDES
    for what, value in (("count", "1"), ("amount", f"{side}_sum"))
}
_CHANGED = f"""
    SELECT currency, period, {", ".join(f"sum({name} - {name}_before)::BIGINT AS {name}" for name in _VALUES)}
    FROM (SELECT *, {
    ", ".join(
        f"coalesce(lag({name}) OVER (PARTITION BY position, currency ORDER BY period), 0) AS {name}_before"
        for name in _VALUES
    )
} FROM (SELECT *, {", ".join(f"{value} AS {name}" for name, value in _VALUES.items())} FROM stood))
    GROUP BY ALL ORDER BY ALL"""


_BACK = f"""
    SELECT currency, period, {
    ", ".join(f"coalesce(-sum(amount) FILTER (WHERE side = '{side}'), 0)::BIGINT AS {side}" for side in SIDES)
} FROM dated WHERE NOT excluded AND amount < 0 GROUP BY ALL"""


def _excluded(side: str) -> str:
    """Positions with something excluded: in the period, and those that had nothing excluded before it."""
    return f"""
        SELECT currency, period, count(*) AS moved_count, sum(amount)::BIGINT AS moved_amount,
            count(*) FILTER (WHERE first = period) AS new_count, sum(amount)::BIGINT AS new_amount
        FROM (SELECT *, min(period) OVER (PARTITION BY position, currency) AS first
            FROM (SELECT position, currency, period, sum(amount) AS amount FROM dated
                WHERE excluded AND side = '{side}' GROUP BY ALL))
        GROUP BY ALL ORDER BY ALL"""


def _waiting(frame: Frame, name: str) -> dict[str, list[tuple[str, dict[str, int]]]]:
    """By currency and in order of periods, how what is unmatched and not due yet changed: a position waits from the
    period on in which it came to be so, until its day or until something came of it."""
    if name not in behind.DUE:
        return {}
    table, due = behind.DUE[name]
    current = frame.rules.period
    # A period that is not over ends today; all others on their last day. "2026-10+" sorts right after "2026-10".
    month = (
        f"CASE WHEN due > DATE '{frame.rules.today}' AND strftime(due, '%Y-%m') = '{current}' "
        f"THEN '{current}+' ELSE strftime(due, '%Y-%m') END"
    )
    found: dict[str, list[tuple[str, dict[str, int]]]] = {}
    for row in frame.dicts(_WAITING.format(table=table, due=due, month=month)):
        found.setdefault(row.pop("currency"), []).append((row.pop("since"), row))
    return found


_WAITING = f"""
    WITH days AS (SELECT position, currency, period, min(coalesce({{month}}, '')) AS until
        FROM dated LEFT JOIN (SELECT record_id, {{due}} AS due FROM {{table}}) ON record_id = document_id
        WHERE side = 'left' AND NOT excluded GROUP BY ALL),
    ended AS (SELECT *, lead(period) OVER (PARTITION BY position, currency ORDER BY period) AS next FROM stood),
    waiting AS (SELECT s.position, s.currency, s.period,
            least(min(until), coalesce(any_value(next), '9999-99')) AS until,
            any_value(has_right) AS has_right, any_value(left_sum) AS left_sum, any_value(right_sum) AS right_sum
        FROM ended s JOIN days d ON d.position = s.position AND d.currency = s.currency AND d.period <= s.period
        WHERE result = 'unmatched' AND has_left AND left_sum > coalesce(right_sum, 0) GROUP BY ALL)
    SELECT currency, since, {
    ", ".join(
        f"coalesce(sum(sign * {value}) FILTER (WHERE {condition}), 0)::BIGINT AS not_due_{side}_{what}"
        for side, condition in (("left", "true"), ("right", "has_right"))
        for what, value in (("count", "1"), ("amount", f"{side}_sum"))
    )
}
    FROM (SELECT *, period AS since, 1 AS sign FROM waiting WHERE until > period
        UNION ALL SELECT *, until AS since, -1 AS sign FROM waiting WHERE until > period)
    GROUP BY ALL ORDER BY ALL"""


def _by_key(frame: Frame, sql: str) -> dict[tuple[str, str], dict[str, int]]:
    return {(row.pop("currency"), row.pop("period")): row for row in frame.dicts(sql)}


def _excluded_parts(
    left_out: dict[str, dict[tuple[str, str], dict[str, int]]], key: tuple[str, str], which: str
) -> dict[str, int]:
    return {
        f"excluded_{side}_{what}": left_out[side].get(key, {}).get(f"{which}_{what}", 0)
        for side in SIDES
        for what in ("count", "amount")
    }


def _foot(name: str, key: tuple[str, str], parts: dict[str, int]) -> None:
    """What counts in a period is what agrees, is open or cancels itself out."""
    for side in SIDES:
        for what in _WHAT:
            whole = sum(parts.get(f"{state}_{side}_{what}", 0) for state in _STATES)
            if whole != parts.get(f"all_{side}_{what}", 0):
                raise PeriodsDoNotAddUp(f"The tie-out {name} in {key[0]} does not add up in {key[1] or 'no period'}.")


def _movement(parts: dict[str, int]) -> dict[str, Any]:
    found = dict(_sides(parts))
    for state in ("matched", "across"):
        found[state] = {f"{side}_{what}": parts.get(f"{state}_{side}_{what}", 0) for side in SIDES for what in _WHAT}
    return found


def _to_date(sums: dict[str, int]) -> dict[str, Any]:
    found = dict(_sides(sums))
    amounts = {f"{side}_amount": sums.get(f"matched_{side}_amount", 0) for side in SIDES}
    found["matched"] = {"count": sums.get("matched_left_count", 0), **amounts}
    for side in SIDES:
        found[f"not_due_{side}"] = {what: sums.get(f"not_due_{side}_{what}", 0) for what in _WHAT}
    return found


def _sides(parts: dict[str, int]) -> Iterator[tuple[str, dict[str, int]]]:
    """Each side, what of it is open, and what takes no part: excluded, or cancelling itself out."""
    for side in SIDES:
        open_part = {what: parts.get(f"unmatched_{side}_{what}", 0) for what in _WHAT}
        out = {what: parts.get(f"excluded_{side}_{what}", 0) + parts.get(f"offset_{side}_{what}", 0) for what in _WHAT}
        whole = {what: parts.get(f"matched_{side}_{what}", 0) + open_part[what] + out[what] for what in _WHAT}
        yield side, whole
        yield f"unmatched_{side}", open_part
        yield f"excluded_{side}", out


def _check(frame: Frame, name: str) -> None:
    """The periods' documents are all documents, and what stands after the last period is what stands now."""
    for side in SIDES:
        whole = f"SELECT currency, sum(amount) AS amount FROM {side}_part GROUP BY ALL"
        dated = f"SELECT currency, sum(amount) AS amount FROM dated WHERE side = '{side}' GROUP BY ALL"
        if frame.rows(f"({whole} EXCEPT {dated}) UNION ALL ({dated} EXCEPT {whole})"):
            raise PeriodsDoNotAddUp(f"The periods of the tie-out {name} do not add up on the {side} side.")
    now = "SELECT currency, result, count(*), sum(left_amount), sum(right_amount) FROM tied GROUP BY ALL"
    last = (
        "SELECT currency, result, count(*), sum(left_sum), sum(right_sum) FROM (FROM stood QUALIFY "
        "row_number() OVER (PARTITION BY position, currency ORDER BY period DESC) = 1) GROUP BY ALL"
    )
    if frame.rows(f"({now} EXCEPT {last}) UNION ALL ({last} EXCEPT {now})"):
        raise PeriodsDoNotAddUp(f"The tie-out {name} does not come to the same by its periods.")
