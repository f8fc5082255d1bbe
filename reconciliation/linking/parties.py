"""The same customer in several systems: by reference, tax id, then softer keys where they are unique on both sides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reconciliation import spread
from reconciliation.frame import Frame
from reconciliation.linking import candidates, identifiers
from reconciliation.linking.references import Hop, resolve

_BATCH = 50_000
_Form = Callable[[str, str | None], tuple[str, str] | None]
_COMMON = 20
"""A tax id that more parties of one system share is not one."""

_SOFT = (("email", 900), ("domain", 800), ("phone", 780), ("name_city", 700))
"""Keys and their scores. A name is weak evidence: it links only together with the place, alone it is a suggestion."""


def parties(frame: Frame) -> None:
    """Link parties across systems by what they share exactly; makes ``party_keys``."""
    resolve(frame, Hop("party", "external_ref", "party", "same_as"))
    _forms(frame, "tax_form", "tax_id", identifiers.tax_id, ("tax_id", "tax_scheme"))
    _forms(frame, "phone_form", "phone", identifiers.phone, ("phone", "phone_country"))
    frame.run(
        """
        CREATE OR REPLACE TABLE party_keys AS
        SELECT p.record_id, p.system, p.deleted, t.tax_id, nullif(t.tax_scheme, '') AS tax_scheme,
            key_email(p.email) AS email, key_domain(p.domain) AS domain, h.phone,
            nullif(h.phone_country, '') AS phone_country, key_name(coalesce(p.legal_name, p.name)) AS name,
            key_name(coalesce(p.legal_name, p.name)) || '|' || nullif(tokens(lower(narrow(p.city))), '') AS name_city
        FROM parties p
        LEFT JOIN tax_form t ON t.given = p.tax_id AND t.country = coalesce(p.country, '')
        LEFT JOIN phone_form h ON h.given = p.phone AND h.country = coalesce(p.country, '')
        """
    )
    _by_tax_id(frame)
    for key, score in _SOFT:
        _by_soft_key(frame, key, score, "auto")
    _by_soft_key(frame, "name", 500, "suggested")


def _forms(
    frame: Frame,
    table: str,
    field: str,
    form: _Form,
    names: tuple[str, str],
) -> None:
    """Make ``table`` of all values of a field as given, with their country, and what ``form`` makes of them."""
    import pyarrow as pa  # a run without news imports none of it

    given = frame.rows(f"SELECT DISTINCT {field}, coalesce(country, '') FROM parties WHERE {field} <> ''")
    parts = (given[start : start + _BATCH] for start in range(0, len(given), _BATCH))
    found = [row for rows in spread.over(partial(_formed, form), parts) for row in rows]
    columns = list(zip(*found, strict=True)) or [()] * 4
    data = pa.table(
        [pa.array(column, pa.string()) for column in columns], names=["given", "country", names[0], names[1]]
    )
    frame.take(table, data, "SELECT * FROM incoming")


def _formed(form: _Form, given: list[tuple[str, str]]) -> list[tuple[str, str, str, str]]:
    return [(value, country, *formed) for value, country in given if (formed := form(value, country or None))]


def _by_tax_id(frame: Frame) -> None:
    """Equal numbers link for sure if their check digits are right, if they are alone, or if the names agree too."""
    candidates.same_as(
        frame,
        "party",
        f"""
        WITH keyed AS (
            SELECT *, count(*) OVER (PARTITION BY system, tax_id) AS n FROM party_keys WHERE tax_id IS NOT NULL
            QUALIFY count(*) OVER (PARTITION BY system, tax_id) <= {_COMMON}
        )
        SELECT a.record_id AS a_id, b.record_id AS b_id, 'tax_id' AS method,
            CASE WHEN a.name = b.name THEN 1000 ELSE 990 END AS score,
            to_json({{'tax_id': a.tax_id, 'same_name': coalesce(a.name = b.name, false),
                      'checked': coalesce(a.tax_scheme, b.tax_scheme) IS NOT NULL}})::VARCHAR AS evidence,
            CASE WHEN coalesce(a.tax_scheme, b.tax_scheme) IS NOT NULL OR a.name = b.name OR a.n * b.n = 1
                THEN 'auto' ELSE 'suggested' END AS decision
        FROM keyed a JOIN keyed b ON a.tax_id = b.tax_id AND a.record_id < b.record_id AND a.system <> b.system
            AND coalesce(a.tax_scheme = b.tax_scheme, true)
        """,
    )


def _by_soft_key(frame: Frame, key: str, score: int, sure: str) -> None:
    """Link what is alone with its key on both sides, has no counterpart there yet and no other tax id.

    Telephone numbers are compared by their national part; two countries that are both known must be the same.
    """
    same_country = "AND coalesce(a.phone_country = b.phone_country, true)" if key == "phone" else ""
    candidates.same_as(
        frame,
        "party",
        f"""
        WITH keyed AS (
            SELECT record_id, system, {key} AS key, tax_id, name, phone_country,
                count(*) OVER (PARTITION BY system, {key}) AS n
            FROM party_keys WHERE NOT deleted AND {key} IS NOT NULL
        ),
        linked AS ({candidates.linked_systems("party")}),
        pairs AS (
            SELECT a.record_id AS a_id, b.record_id AS b_id, a.key, a.n * b.n AS n, a.name = b.name AS same_name
            FROM keyed a JOIN keyed b ON a.key = b.key AND a.record_id < b.record_id AND a.system <> b.system
            ANTI JOIN linked la ON la.record_id = a.record_id AND la.other_system = b.system
            ANTI JOIN linked lb ON lb.record_id = b.record_id AND lb.other_system = a.system
            WHERE a.n * b.n <= {candidates.MOST_SUGGESTIONS} {same_country}
              AND (a.tax_id IS NULL OR b.tax_id IS NULL OR a.tax_id = b.tax_id)
        )
        SELECT a_id, b_id, '{key}' AS method, {score} // n AS score,
            to_json({{'{key}': key, 'same_name': coalesce(same_name, false), 'candidates': n}})::VARCHAR AS evidence,
            CASE WHEN n = 1 THEN '{sure}' ELSE 'suggested' END AS decision
        FROM pairs
        """,
    )
