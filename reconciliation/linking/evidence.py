"""What speaks for two parties being one, field by field, as SQL over ``profile`` and ``name_pair``."""

from __future__ import annotations

from collections.abc import Sequence

from reconciliation.frame import Frame, quoted
from reconciliation.linking.weights import Field, Pattern

FIELDS = (
    Field(
        "name",
        {
            "same": 0.42,
            "short": 0.22,
            "near": 0.10,
            "translated": 0.08,
            "part": 0.08,
            "acronym": 0.01,
            "sibling": 0.02,
            "other": 0.07,
        },
    ),
    Field("legal", {"same": 0.92, "differs": 0.08}),
    Field("address", {"street": 0.35, "postal": 0.23, "city": 0.30, "differs": 0.12}),
    Field("phone", {"same": 0.62, "switchboard": 0.08, "differs": 0.30}),
    Field("mail", {"email": 0.35, "host": 0.45, "differs": 0.20}),
    Field("tax", {"same": 0.90, "slip": 0.06, "differs": 0.04}, learned=False),
    Field("country", {"same": 0.97, "differs": 0.03}),
)
"""The fields and how true pairs are expected to compare in them: our own figures, see docs/reconciliation.md."""

_LEVELS = {
    "name": "n.level",
    "legal": "CASE WHEN a.legal = b.legal THEN 'same' WHEN a.legal <> b.legal THEN 'differs' END",
    "address": """CASE
        WHEN a.street = b.street AND coalesce(a.city = b.city, true) AND coalesce(a.postal = b.postal, true)
            THEN 'street'
        WHEN a.postal = b.postal THEN 'postal' WHEN a.city = b.city THEN 'city'
        WHEN a.city <> b.city OR a.postal <> b.postal THEN 'differs' END""",
    "phone": """CASE WHEN coalesce(a.phone_country <> b.phone_country, false) THEN 'differs'
        WHEN a.phone = b.phone THEN 'same' WHEN a.switchboard = b.switchboard THEN 'switchboard'
        WHEN a.phone <> b.phone THEN 'differs' END""",
    "mail": """CASE WHEN a.email = b.email THEN 'email' WHEN a.host = b.host THEN 'host'
        WHEN a.email <> b.email OR a.host <> b.host THEN 'differs' END""",
    "tax": """CASE WHEN a.tax = b.tax AND coalesce(a.scheme = b.scheme, true) THEN 'same'
        WHEN damerau_levenshtein(a.tax, b.tax) = 1 THEN 'slip'
        WHEN a.tax <> b.tax THEN 'differs' END""",
    "country": "CASE WHEN a.country = b.country THEN 'same' WHEN a.country <> b.country THEN 'differs' END",
}
_BITS = {
    ("legal", "same"): "a.legal_bits",
    ("address", "street"): "a.street_bits",
    ("address", "postal"): "a.postal_bits",
    ("address", "city"): "a.city_bits",
    ("phone", "same"): "a.phone_bits",
    ("phone", "switchboard"): "a.switchboard_bits",
    ("mail", "email"): "a.email_bits",
    ("mail", "host"): "a.host_bits",
    ("tax", "same"): "a.tax_bits",
    ("tax", "slip"): "12",
    ("country", "same"): "a.country_bits",
}
"""What the shared value says; a field and level that is not here says nothing beyond its level."""
_SIBLING = 8.0
"""Bits against, beyond what is learned: names of one group differ by such words, names of one company do not."""
_SHARE_WITH_COUNTERPART = 0.5
"""Of the smaller system's parties, this share is expected to be in the other system too."""
_BESIDE_NAME = {
    "address": {"street": 1, "postal": 1, "city": 1, "differs": -1},
    "phone": {"same": 1, "switchboard": 1, "differs": -1},
    "mail": {"email": 2, "host": 1, "differs": -1},
    "tax": {"same": 2, "slip": 2, "differs": -9},
    "legal": {"differs": -9},
}
"""How many witnesses a field is, for or against: companies of a group share a name, a host, a house, but rarely all."""
_WITNESSES = {"same": 1, "short": 2, "near": 1, "translated": 2, "part": 2, "acronym": 2}
"""How many more witnesses must be for than against a sure pair, by how alike the names are; others are never sure."""


def can_be_sure() -> str:
    """SQL: whether enough besides the name speaks for a pair, however probable it is; NULL without names."""
    witnesses = " + ".join(
        f"CASE {field} {' '.join(f'WHEN {quoted(level)} THEN {value}' for level, value in levels.items())} ELSE 0 END"
        for field, levels in _BESIDE_NAME.items()
    )
    needed = " ".join(f"WHEN {quoted(level)} THEN {value}" for level, value in _WITNESSES.items())
    return f"{witnesses} >= CASE WHEN name IS NOT NULL THEN CASE name {needed} ELSE 99 END END"


def compare(frame: Frame, pairs: str) -> None:
    """Make ``compared`` of the pairs (a query of a_id, b_id, label): level and bits of each field, and the prior.

    Pairs that cannot be one are left out: a person and a company, two tax ids of one scheme whose check digits are
    right, or two of one length without check digits that are more than a slip apart.
    """
    levels = ",\n".join(f"{sql} AS {name}" for name, sql in _LEVELS.items())
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE size AS
            SELECT system, count(*) AS n FROM parties WHERE NOT deleted GROUP BY system;
        CREATE OR REPLACE TABLE compared AS
        WITH levelled AS (
            SELECT w.a_id, w.b_id, w.label, a.system AS a_system, b.system AS b_system,
                round(log2({_SHARE_WITH_COUNTERPART} / greatest(sa.n, sb.n)), 2) AS prior, n.bits AS name_value,
                struct_pack({", ".join(f"{name} := a.{name}" for name in _bits_columns())}) AS a,
                {levels}
            FROM ({pairs}) w JOIN profile a ON a.record_id = w.a_id JOIN profile b ON b.record_id = w.b_id
            LEFT JOIN best_name n ON n.a_id = w.a_id AND n.b_id = w.b_id
            JOIN size sa ON sa.system = a.system JOIN size sb ON sb.system = b.system
            WHERE coalesce(a.company = b.company, true)
              AND NOT coalesce(a.scheme = b.scheme AND a.tax <> b.tax, false)
              AND NOT coalesce(a.scheme IS NULL AND b.scheme IS NULL AND length(a.tax) = length(b.tax)
                               AND damerau_levenshtein(a.tax, b.tax) > 1, false)
        )
        SELECT * EXCLUDE (a, name_value),
            coalesce(name_value, 0) - CASE WHEN name = 'sibling' THEN {_SIBLING} ELSE 0 END AS name_bits,
            {", ".join(f"{_bits(field.name)} AS {field.name}_bits" for field in FIELDS[1:])}
        FROM levelled
        """
    )


def _bits_columns() -> list[str]:
    return sorted({sql.removeprefix("a.") for sql in _BITS.values() if sql.startswith("a.")})


def _bits(field: str) -> str:
    cases = " ".join(f"WHEN '{level}' THEN {sql}" for (name, level), sql in _BITS.items() if name == field)
    return f"CASE {field} {cases} ELSE 0 END"


def patterns(frame: Frame, weights: dict[str, dict[str, float]]) -> list[Pattern]:
    """The compared pairs by how they compare, with the share of true ones that ``weights`` (log2 of m) expect.

    Siblings share more than strangers do, so that nothing is to be learned from them as if they might be one.
    """
    levels = ", ".join(field.name for field in FIELDS)
    rows = frame.rows(
        f"""
        SELECT {levels}, coalesce(label, CASE WHEN name = 'sibling' THEN 0 END), count(*),
            sum(round(1000 / (1 + pow(2.0, -({total(weights)}))))::BIGINT)
        FROM compared GROUP BY ALL ORDER BY ALL
        """
    )
    size = len(FIELDS)
    return [Pattern(tuple(row[:size]), row[size + 1], row[size + 2] / 1000 / row[size + 1], row[size]) for row in rows]


def weight(field: str, weights: dict[str, dict[str, float]], factor: float = 1.0) -> str:
    """SQL of the weight of one field in bits; 0 where it is not on both sides."""
    cases = " ".join(f"WHEN {quoted(level)} THEN {value}" for level, value in weights[field].items())
    return f"CASE WHEN {field} IS NULL THEN 0 ELSE ({field}_bits + CASE {field} {cases} END) * {factor} END"


def total(weights: dict[str, dict[str, float]], factors: Sequence[float] = ()) -> str:
    """SQL of all that speaks for a pair, in bits: the logarithm of its odds."""
    given = [*factors] or [*[1.0] * len(FIELDS), 0.0]
    parts = [weight(field.name, weights, factor) for field, factor in zip(FIELDS, given, strict=False)]
    return " + ".join(["prior", *parts, str(given[-1])])
