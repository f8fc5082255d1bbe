"""What is compared of each party: names in parts, place, phone, mail, tax id; and the keys by which pairs are found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from reconciliation.frame import Frame
from reconciliation.linking import addresses, names
from reconciliation.linking.alike import IMAGINED
from reconciliation.linking.names import Name
from reconciliation.linking.spelling import pinyin
from reconciliation.linking.vocabulary import vocabulary

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 50_000
_SHORTEST_WORD = 3
_SHORTEST_WITH_SLIPS = 3
_WORDS_OF_PERSON = 2
_CITIES = (("beijing",), ("shanghai",), ("tianjin",), ("chongqing",), ("hong kong",), ("macau",))
"""Provinces that are cities."""
_EXPECTED_BITS = {
    "street": 14,
    "postal": 9,
    "city": 5,
    "phone": 15,
    "switchboard": 11,
    "email": 16,
    "host": 14,
    "tax": 18,
}
_EXPECTED_BITS |= {"legal": 2, "country": 2}
"""What it says that two parties share a value of which nothing is known: one in 2 ** 14 has a certain street."""


class Names(NamedTuple):
    """The distinct names of the parties that take part, and how many parties have a word or ``#trade``."""

    forms: list[Name]
    frequency: Counter[str]


def make(frame: Frame) -> Names:
    """Make of the parties in ``taking_part`` the tables that are compared.

    ``profile``: one row a party, values with the bits that they say. ``named``: record_id, form (its place in
    ``Names.forms``). ``name_key``: record_id, key.
    """
    found = _Reader(frame)
    frame.take("read_party", found.batches(), "SELECT * FROM incoming")
    frame.run(
        """
        CREATE OR REPLACE TABLE named AS SELECT record_id, unnest(forms) AS form FROM read_party;
        CREATE OR REPLACE TABLE name_key AS SELECT DISTINCT record_id, unnest(keys) AS key FROM read_party;
        """
    )
    _profile(frame)
    return Names(found.forms, found.frequency)


class _Reader:
    """Reads the parties once, in batches, and keeps their distinct names."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.forms: list[Name] = []
        self._vague = vocabulary().vague
        self.frequency: Counter[str] = Counter()
        self._keys: list[tuple[list[str], list[str]]] = []
        self._places: dict[Name, int] = {}
        self._parsed: dict[tuple[str, bool], int] = {}
        self._both_scripts = bool(
            frame.value(
                r"SELECT bool_or(regexp_matches(name, '\p{Han}')) AND bool_or(NOT regexp_matches(name, '\p{Han}')) "
                "FROM parties SEMI JOIN taking_part USING (record_id)"
            )
        )

    def batches(self) -> pa.RecordBatchReader:
        """One row a party: record_id, forms, keys, city, street, company."""
        import pyarrow as pa  # a run without new parties does not need it

        schema = pa.schema(
            [
                ("record_id", pa.int64()),
                ("forms", pa.list_(pa.int64())),
                ("keys", pa.list_(pa.string())),
                ("city", pa.string()),
                ("street", pa.string()),
                ("company", pa.bool_()),
                ("legal", pa.string()),
            ]
        )

        def read() -> Iterator[pa.RecordBatch]:
            for start in range(0, len(rows), _BATCH):
                made = [self._row(*row) for row in rows[start : start + _BATCH]]
                columns = zip(*made, strict=True)
                arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

        rows = self._frame.rows(
            """
            SELECT p.record_id, p.name, p.legal_name, p.kind, p.city, p.address_line
            FROM parties p SEMI JOIN taking_part USING (record_id) ORDER BY p.record_id
            """
        )
        return pa.RecordBatchReader.from_batches(schema, read())

    def _row(
        self, record_id: int, name: str | None, legal: str | None, kind: str | None, city: str | None, line: str | None
    ) -> tuple[int, list[int], list[str], str | None, str | None, bool | None, str | None]:
        street = (addresses.street(line) if line else "") or None
        person = kind == "person"
        known = kind == "organisation"
        forms = list(
            dict.fromkeys(
                self._form(text, person or (not known and names.looks_like_person(text)))
                for text in (legal, name)
                if text and text.strip()
            )
        )
        named = [self.forms[form] for form in forms]
        place = (addresses.city(city) if city else "") or next(filter(None, map(_home, named)), None)
        found: dict[str, None] = {}
        words: set[str] = set()
        for form in forms:
            plain, placed = self._keys[form]
            found.update(dict.fromkeys(plain))
            if place:
                found.update((f"{key}|{place}", None) for key in placed)
            words.update(counted(self.forms[form]))
        self.frequency.update(words)
        company = True if kind == "organisation" or any(map(names.looks_like_company, named)) else None
        legal = next((form.legal for form in named if form.legal and form.legal not in self._vague), None)
        return record_id, forms, list(found), place, street, False if person else company, legal

    def _form(self, text: str, person: bool) -> int:
        known = self._parsed.get((text, person))
        if known is None:
            parsed = names.person(text) if person else names.company(text)
            known = self._places.setdefault(parsed, len(self.forms))
            if known == len(self.forms):
                self.forms.append(parsed)
                self._keys.append(keys(parsed, self._both_scripts))
            self._parsed[text, person] = known
        return known


def _home(name: Name) -> str | None:
    """The city that a name says its company is in."""
    return None if name.branch or (len(name.region) == 1 and name.region not in _CITIES) else "".join(name.region[-1:])


def counted(name: Name) -> list[str]:
    """What of a name is counted to tell how rare it is."""
    return [*name.words, *(f"#{trade}" for trade in name.trades)]


def keys(name: Name, both_scripts: bool) -> tuple[list[str], list[str]]:
    """The keys that likely counterparts of a name share: those that count anywhere, and those that count in one place.

    Beginning, end, and both together survive one slip of the pen; places keep what is common apart.
    """
    joined = name.joined
    if not joined:
        return [], []
    trades = ",".join(name.trades)
    if name.han:
        slips = [f"^{joined[:2]}", f"{joined[-2:]}$", f"{joined[0]}~{joined[-1]}"]
        slips = slips[: 3 if len(joined) >= _SHORTEST_WITH_SLIPS else 1] if not name.person else []
        plain = [joined, *slips]
        if name.trades:
            plain.append(f"{joined}#{trades}")
        if both_scripts:
            plain += [pinyin(joined), "".join(sorted((pinyin(joined[0]), pinyin(joined[1:]))))]
        return plain, [joined, *slips]
    words = [word for word in dict.fromkeys(name.words) if len(word) >= _SHORTEST_WORD] or [joined]
    plain = [*words, joined]
    if name.person or len(name.words) == _WORDS_OF_PERSON:
        plain.append("".join(sorted(name.words)))
    if len(words) > 1:
        plain.append("+".join(sorted(sorted(words, key=lambda word: (-len(word), word))[:2])))
    if len(name.initials) >= _SHORTEST_WORD:
        plain.append(name.initials)
    if len(joined) > _SHORTEST_WORD + 2:
        plain += [f"^{joined[:5]}", f"{joined[-5:]}$"]
    ends = [f"^{joined[:4]}", f"{joined[-4:]}$"]
    if trades:
        plain += [f"{end}#{trades}" for end in ends]
    return plain, [*words, *ends]


def _profile(frame: Frame) -> None:
    """Make ``profile``. Values are counted one field at a time: windows would sort all columns once for each field."""
    bits = ", ".join(
        f"CASE WHEN {field}_count.n IS NOT NULL THEN bits({field}_count.n, {expected}) END AS {field}_bits"
        for field, expected in _EXPECTED_BITS.items()
    )
    counts = " ".join(
        f"LEFT JOIN (SELECT {field}, count(*) AS n FROM shown GROUP BY {field}) {field}_count "
        f"ON {field}_count.{field} = shown.{field}"
        for field in _EXPECTED_BITS
    )
    frame.run(
        f"""
        CREATE OR REPLACE TEMP MACRO bits(n, expected) AS round(-log2(
            (greatest(n - 1, 0) + {IMAGINED} * pow(2.0, -expected))
            / ((SELECT count(*) FROM taking_part) + {IMAGINED})), 2);
        CREATE OR REPLACE TEMP TABLE shown AS
            SELECT p.record_id, p.system, r.company, r.legal, nullif(upper(p.country), '') AS country, r.city, r.street,
                nullif(compact(p.postal_code), '') AS postal,
                k.phone, k.phone_country, left(k.phone, length(k.phone) - 3) AS switchboard, k.email,
                coalesce(k.domain, key_domain(split_part(k.email, '@', 2))) AS host,
                k.tax_id AS tax, k.tax_scheme AS scheme
            FROM parties p JOIN taking_part USING (record_id)
            JOIN read_party r USING (record_id) JOIN party_keys k USING (record_id);
        CREATE OR REPLACE TABLE profile AS SELECT shown.*, {bits} FROM shown {counts};
        DROP TABLE shown
        """
    )


CONTACT_KEYS = (
    ("email", "'e' || email"),
    ("domain", "'h' || host"),
    ("phone", "'t' || phone"),
    ("address", "'s' || street || '|' || city"),
    ("address", "'z' || postal || '|' || street"),
    ("tax_id", "'x' || left(tax, length(tax) // 2)"),
    ("tax_id", "'y' || right(tax, length(tax) // 2)"),
)
"""Kinds and keys of ``profile`` that counterparts share whatever they are called; halves of tax ids survive a slip."""
