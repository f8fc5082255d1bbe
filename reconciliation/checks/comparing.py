"""Documents compared line by line: products, quantities, units, prices, discounts and taxes, as SQL."""

from __future__ import annotations


def products(side: str, items: str, document: str, sign: str = "1") -> str:
    """One row for each group and product of a side: what it comes to, and unit and tax where all its lines tell.

    ``side`` has ``group_id`` and ``document``, the id by which ``items`` is joined; ``sign`` is -1 for what takes away.
    """
    return f"""
        SELECT group_id, key, sum({sign} * quantity) AS quantity, sum({sign} * value)::BIGINT AS value,
            min(price::DECIMAL(24,6)) FILTER ({sign} > 0) AS low, max(price::DECIMAL(24,6)) FILTER ({sign} > 0) AS high,
            min(unit_price::DECIMAL(24,6)) FILTER ({sign} > 0) AS list_low,
            max(unit_price::DECIMAL(24,6)) FILTER ({sign} > 0) AS list_high,
            max(coalesce(discount_rate, 0)) FILTER ({sign} > 0) AS discount,
            CASE WHEN count(unit) = count(*) AND min(unit) = max(unit) THEN min(unit) END AS unit,
            CASE WHEN count(tax) = count(*) THEN sum({sign} * tax) END::BIGINT AS tax, count(*) AS lines
        FROM {side} JOIN {items} USING ({document}) WHERE key IS NOT NULL GROUP BY group_id, key"""


def difference(first: str, second: str, currency: str, prefix: str = "") -> str:
    """What differs between the products ``a`` and ``b`` of a full join: a struct for ``words``, NULL if they agree.

    ``first`` and ``second`` name the two values in the struct. Rounding may move a tax by one minor unit a line.
    """

    def struct(what: str, one: str | None, other: str | None) -> str:
        values = ", ".join(f"{name} := {value or 'NULL::VARCHAR'}" for name, value in ((first, one), (second, other)))
        return f"struct_pack(what := '{prefix}{what}', sku := key, {values})"

    percent = "plain({0}.discount * 100)"
    tax = f"money_text({{0}}.tax, {currency})"
    return f"""CASE
        WHEN a.key IS NULL THEN {struct("added", None, "plain(b.quantity)")}
        WHEN b.key IS NULL THEN {struct("missing", "plain(a.quantity)", None)}
        WHEN a.quantity <> b.quantity THEN {struct("quantity", "plain(a.quantity)", "plain(b.quantity)")}
        WHEN a.unit <> b.unit THEN {struct("unit", "a.unit", "b.unit")}
        WHEN (a.low <> b.low OR a.high <> b.high) AND NOT agree(a.value, b.value, {currency}) THEN
            CASE WHEN a.list_low = b.list_low AND a.list_high = b.list_high AND a.discount <> b.discount
                THEN {struct("discount", percent.format("a"), percent.format("b"))}
                ELSE {struct("price", "plain(a.low)", "plain(b.low)")} END
        WHEN abs(a.tax - b.tax) > tolerance(greatest(abs(a.tax), abs(b.tax)), {currency}) + a.lines + b.lines
             AND agree(a.value, b.value, {currency}) THEN {struct("tax", tax.format("a"), tax.format("b"))}
        END"""


def lines_differ(entity: str, which: str, since: str) -> str:
    """The query of a check: documents whose net amount is not the sum of their lines, beyond one minor unit a line.

    Documents with a line of unknown value are left out.
    """
    return f"""
        WITH summed AS (
            SELECT {entity}_id, sum(value)::BIGINT AS total, count(*) AS lines FROM {entity}_items
            GROUP BY ALL HAVING count(value) = count(*)
        )
        SELECT [record_id] AS keys, [record_id] AS records, abs(net_amount - total) AS amount, currency,
            {since} AS since, struct_pack("{entity}" := label(number, NULL, source_id), total_money := net_amount,
                lines_money := total) AS params
        FROM {entity}s d JOIN summed s ON s.{entity}_id = d.record_id
        WHERE {which} AND abs(net_amount - total) > tolerance(net_amount, currency) + lines
        """


OTHER_CUSTOMER = """a.cluster <> b.cluster
    AND EXISTS (FROM cluster_systems x JOIN parties y ON y.system = x.system
                WHERE x.cluster = a.cluster AND y.record_id = b.party_id)
    AND EXISTS (FROM cluster_systems x JOIN parties y ON y.system = x.system
                WHERE x.cluster = b.cluster AND y.record_id = a.party_id)"""
"""The customers ``a`` and ``b`` (rows of ``party_of``) are two, and each is known in the other's system."""
