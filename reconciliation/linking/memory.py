"""Finding the same parties again costs seconds to minutes; where nothing has changed that it reads, it is remembered.

The same parties, decisions, settings and code give the same links, so that equal digests of these, and of the links in
the store, are enough. The price of a run without new parties is one digest of them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from reconciliation.frame import Frame

NAME = "parties"
_LIBRARIES = ("duckdb", "opencc", "phonenumbers", "pypinyin", "python-stdnum", "rapidfuzz")
_READ = (
    *(
        "record_id",
        "system",
        "source_id",
        "number",
        "deleted",
        "name",
        "legal_name",
        "tax_id",
        "kind",
        "email",
        "phone",
    ),
    *("domain", "country", "city", "postal_code", "address_line", "external_ref"),
)
"""The columns of parties that linking reads."""
_OF_PARTIES = "kind = 'same_as' AND left_entity = 'party'"
_SIGNATURE = "kind || '|' || method || '|' || CAST(score AS TEXT) || '|' || decision || '|' || evidence"
_STORED = """
    SELECT left_id, right_id, signature FROM stored_links s SEMI JOIN parties p ON p.record_id = s.left_id
    WHERE starts_with(signature, 'same_as|')
"""


def inputs(frame: Frame) -> str:
    """The digest of what the linkers of parties read."""
    rules = frame.rules
    parts = [
        str(_sums(frame, f"SELECT {_texts(_READ)} AS text FROM parties")),
        str(
            _sums(
                frame,
                f"SELECT concat_ws('|', left_id, right_id, decision) AS text FROM decided_links WHERE {_OF_PARTIES}",
            )
        ),
        f"{rules.by_likeness} {rules.sure_from} {rules.suggested_from}",
        _code(),
    ]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def stored(frame: Frame) -> str:
    """The digest of the links of parties that the store holds."""
    return _of_links(frame, _STORED)


def results(frame: Frame) -> str:
    """The digest of the links of parties that were found."""
    found = f"SELECT left_id, right_id, {_SIGNATURE} AS signature FROM candidate"
    return _of_links(frame, f"{found} WHERE {_OF_PARTIES} AND decision <> 'confirmed'")


def recall(frame: Frame) -> None:
    """Take the links of parties from the store instead of finding them."""
    frame.run(
        f"""
        INSERT INTO candidate
        SELECT 'same_as', left_id, right_id, 'party', 'party', part[2], part[3]::INTEGER,
            substr(signature, length(part[1]) + length(part[2]) + length(part[3]) + length(part[4]) + 5), part[4]
        FROM (SELECT left_id, right_id, signature, string_split(signature, '|')[1:4] AS part FROM ({_STORED}))
        """
    )


def _of_links(frame: Frame, query: str) -> str:
    return str(_sums(frame, f"SELECT concat_ws('|', left_id, right_id, signature) AS text FROM ({query})"))


def _sums(frame: Frame, query: str) -> tuple[int, ...]:
    """Number of rows and sums of their hashes: the same in whatever order they come."""
    hashed = f"SELECT md5_number_lower(text)::HUGEINT AS a, md5_number_upper(text)::HUGEINT AS b FROM ({query})"
    ((count, low, high),) = frame.rows(f"SELECT count(*), coalesce(sum(a), 0), coalesce(sum(b), 0) FROM ({hashed})")
    return int(count), int(low), int(high)


def _texts(columns: tuple[str, ...]) -> str:
    """One text of all columns; a missing value is not an empty one."""
    return " || ".join(f"coalesce(chr(30) || {column}::VARCHAR, chr(31))" for column in columns)


@cache
def _code() -> str:
    """What finds links: our files, by content, and the versions of the libraries."""
    here = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted([*here.glob("*.py"), *here.glob("vocabulary/*")]):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()
