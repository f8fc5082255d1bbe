"""Whether the records of one customer say the same, field by field, however each system writes it.

Tax ids, addresses and terms are compared as the checks of customers compare them (``checks/party.py``, in SQL): a
difference that is marked is one that a check would tell of. Other fields are compared as linking writes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from reconciliation.linking import identifiers, names

_NOT_WRITTEN = re.compile(r"[^\w]|_")
_COUNTRY_IN_FRONT = re.compile(r"^[A-Z]{2}(?=[0-9])")
_WWW = re.compile(r"^(https?://)?(www\.)?|[/:].*$")
_SHORTEST_TAX_ID = 6

Row = Mapping[str, Any]


def differing(rows: Sequence[Row]) -> frozenset[str]:
    """The fields in which two of these records of one customer differ; a record without a value differs from none.

    Ids, numbers and dates are each system's own, cities and streets are written in too many ways: none of them is
    compared. Records that were merged into another are no longer anybody's.
    """
    living = [row for row in rows if not row.get("deleted") and row.get("status") != "merged"]
    found = set()
    for one, other in combinations(living, 2):
        found |= {name for name, key in _KEYS.items() if _differ(key(one), key(other))}
        found |= {"postal_code"} if _other_postal_code(one, other) else set()
    return frozenset(found)


WRITTEN = ("email", "phone")
"""What records of any kind may have and is compared however it is written."""


def written(row: Row, name: str) -> object:
    """An e-mail address or a phone of a record of any kind as it is compared; nothing if there is none."""
    return _KEYS[name](row)


def _differ(one: object, other: object) -> bool:
    return one not in (None, "") and other not in (None, "") and one != other


def _compact(text: str) -> str:
    """What is left of a number without spaces, punctuation, case and width."""
    return _NOT_WRITTEN.sub("", unicodedata.normalize("NFKC", text)).upper()


def _tax_id(row: Row) -> str | None:
    compact = _compact(row.get("tax_id") or "")
    if len(compact) < _SHORTEST_TAX_ID or len(set(compact)) == 1:
        return None
    return _COUNTRY_IN_FRONT.sub("", compact)


def _country(row: Row) -> str:
    return str(row.get("country") or "").upper()


def _other_postal_code(one: Row, other: Row) -> bool:
    """Codes are compared within one country only."""
    same = _country(one) and _country(one) == _country(other)
    return bool(same) and _differ(_compact(one.get("postal_code") or ""), _compact(other.get("postal_code") or ""))


def _name(row: Row) -> tuple[tuple[str, ...], tuple[str, ...], str] | None:
    """What tells a name from others, its trade and its branch: not its legal form, nor where it is."""
    text = row.get("legal_name") or row.get("name")
    if not text:
        return None
    taken = names.company(text)
    return taken.words, taken.trades, taken.branch


def _phone(row: Row) -> str | None:
    found = identifiers.phone(row["phone"], row.get("country")) if row.get("phone") else None
    return found and found.national


def _domain(row: Row) -> str:
    return _WWW.sub("", str(row.get("domain") or "").strip().lower())


def _credit(row: Row) -> tuple[int, str] | None:
    limit = row.get("credit_limit")
    return None if limit is None else (limit, row.get("currency") or "")


_KEYS: dict[str, Callable[[Row], object]] = {
    "name": _name,
    "tax_id": _tax_id,
    "email": lambda row: str(row.get("email") or "").strip().lower(),
    "phone": _phone,
    "domain": _domain,
    "country": _country,
    "payment_terms_days": lambda row: row.get("payment_terms_days"),
    "credit_limit": _credit,
    "currency": lambda row: row.get("currency"),
    "status": lambda row: row.get("status"),
}
