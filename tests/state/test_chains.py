"""Walking the links of a record: how far, through what, and through what not."""

from __future__ import annotations

from collections.abc import Iterable

from state import bulk, chains, schema
from state.store import Store

RECORD = ("id", "stream_id", "source_id", "hash", "version", "seq", "state")
LINK = (
    "kind",
    "left_id",
    "right_id",
    "left_entity",
    "right_entity",
    "method",
    "score",
    "evidence",
    "decision",
    "run_id",
)


def linked(store: Store, *pairs: tuple[int, int], decision: str = "auto", right: str = "invoice") -> None:
    """Links between records of these numbers, which are made where they are missing."""
    with store.transaction() as connection:
        known = set(connection.execute(schema.record.select()).scalars())
        fresh = sorted({number for pair in pairs for number in pair} - known)
        bulk.insert(connection, schema.record, RECORD, [(it, 1, str(it), b"0" * 16, None, 1, 0) for it in fresh])
        rows = [("follows", *pair, "order", right, "number", 1000, "{}", decision, "r") for pair in pairs]
        bulk.insert(connection, schema.link, LINK, rows)


def reached(store: Store, start: int, limit: int = 1000) -> tuple[set[int], Iterable[tuple[int, int]]]:
    with store.reading() as connection:
        found, links = chains.walk(connection, start, limit)
    return found, [(item.left_id, item.right_id) for item in links]


def test_a_walk_goes_both_ways_and_around_circles_and_passes_over_links_that_were_cut(store: Store) -> None:
    linked(store, (1, 2), (2, 3), (3, 1), (3, 4), (5, 4), (8, 9))
    linked(store, (4, 7), decision="cut")
    every = [(1, 2), (2, 3), (3, 1), (3, 4), (5, 4)]

    for start in (1, 3, 5):
        assert reached(store, start) == ({1, 2, 3, 4, 5}, sorted(every))
    assert reached(store, 7) == ({7}, [])


def test_what_else_is_in_a_payout_belongs_to_the_chain_only_if_the_payout_is_asked_for(store: Store) -> None:
    linked(store, (1, 2), (10, 11))
    linked(store, (2, 50), (11, 50), right="payout")
    linked(store, (50, 60), right="bank_line")

    assert reached(store, 1) == ({1, 2, 50, 60}, [(1, 2), (2, 50), (50, 60)])
    assert reached(store, 50) == ({1, 2, 10, 11, 50, 60}, [(1, 2), (2, 50), (10, 11), (11, 50), (50, 60)])


def test_a_walk_ends_at_about_the_limit(store: Store) -> None:
    linked(store, *((number, number + 1) for number in range(1, 300)))

    found, links = reached(store, 1, 20)

    assert 20 <= len(found) <= 22
    assert all(number in found for link in links for number in link)
