"""Pairs of which each side has one: the same money seen twice, a payout and the bank's line for it.

A pair is sure if neither has another possible partner on the other's side. Where several have, they are sure if the
days tell them apart: each of them, and of those that it competes with, has exactly one partner on its own day. All else
is suggested, and nothing is guessed.
"""

from __future__ import annotations

from typing import NamedTuple

from reconciliation.frame import Frame
from reconciliation.linking import candidates

COMMON = 20
"""A reference that more payments of one side show is none to any of them."""


class Pairs(NamedTuple):
    """What is paired. ``taken`` is a query of (record_id, side): who has a sure partner on which side already."""

    kind: str
    entities: tuple[str, str]
    taken: str


def pair(frame: Frame, pairs: Pairs, method: str, score: int, hits: str, *, sure: bool = True) -> None:
    """Add pairs. ``hits``: a_id, b_id, a_side, b_side, days (between them), equal (in amount), reference (or NULL).

    Those that are not equal in amount are suggested, and so are all without ``sure``.
    """
    ends = ("least(a_id, b_id)", "greatest(a_id, b_id)") if pairs.kind == "same_as" else ("a_id", "b_id")
    found = f"""
        WITH possible AS (
            SELECT a_id, b_id, a_side, b_side, min(days) AS days, bool_or(equal) AS equal, min(reference) AS reference
            FROM ({hits}) h {candidates.without_cut(frame, pairs.kind, *ends)}
            GROUP BY ALL
        ),
        free AS (
            SELECT p.* FROM possible p
            ANTI JOIN ({pairs.taken}) x ON x.record_id = p.a_id AND x.side = p.b_side
            ANTI JOIN ({pairs.taken}) y ON y.record_id = p.b_id AND y.side = p.a_side
        ),
        -- Another amount counts only where nothing has the right one.
        best AS (
            SELECT * FROM free QUALIFY equal OR NOT (bool_or(equal) OVER (PARTITION BY a_id, b_side)
                OR bool_or(equal) OVER (PARTITION BY b_id, a_side))
        ),
        counted AS (
            SELECT *, count(*) OVER (PARTITION BY a_id, b_side) AS of_a,
                count(*) OVER (PARTITION BY b_id, a_side) AS of_b,
                count(*) FILTER (WHERE days = 0) OVER (PARTITION BY a_id, b_side) AS day_of_a,
                count(*) FILTER (WHERE days = 0) OVER (PARTITION BY b_id, a_side) AS day_of_b FROM best
        ),
        compared AS (
            SELECT *, bool_and(day_of_a = 1 AND day_of_b = 1) OVER (PARTITION BY a_id, b_side)
                AND bool_and(day_of_a = 1 AND day_of_b = 1) OVER (PARTITION BY b_id, a_side) AND days = 0 AS by_day
            FROM counted
        )
        SELECT a_id, b_id, of_a * of_b AS n, to_json({{'value': reference, 'days': days,
                'candidates': greatest(of_a, of_b)}})::VARCHAR AS evidence,
            CASE WHEN {sure} AND equal AND (of_a * of_b = 1 OR by_day) THEN 'auto' ELSE 'suggested' END AS decision
        FROM compared
        QUALIFY decision = 'auto' OR NOT (bool_or(decision = 'auto') OVER (PARTITION BY a_id, b_side)
            OR bool_or(decision = 'auto') OVER (PARTITION BY b_id, a_side))
    """
    candidates.add(
        frame,
        pairs.kind,
        *pairs.entities,
        f"""
        SELECT {ends[0]} AS left_id, {ends[1]} AS right_id, '{method}' AS method,
            CASE WHEN decision = 'auto' THEN {score} ELSE {score} // n END AS score, evidence, decision
        FROM ({found}) WHERE decision = 'auto' OR n <= {candidates.MOST_SUGGESTIONS}
        """,
    )


def words(text: str) -> str:
    """SQL: the words of a text as a list, in capitals and without what stands between their parts; no decimals."""
    found = rf"regexp_extract_all(upper(narrow({text})), '[A-Z0-9]+(?:[-/._][A-Z0-9]+)*')"
    plain = rf"list_filter({found}, lambda w: NOT regexp_matches(w, '^[0-9]+[.][0-9]{{1,2}}$'))"
    return f"list_transform({plain}, lambda w: {bare('w')})"


def bare(text: str) -> str:
    """SQL: a number or id as ``words`` writes it."""
    return f"regexp_replace(upper(narrow({text})), '[-/._ ]', '', 'g')"


def is_reference(word: str) -> str:
    """SQL: whether a word tells one thing from others: it has a digit, some length, and is neither day nor account."""
    account = "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$"
    return f"({is_number(word)} AND NOT regexp_matches({word}, '{account}'))"


def is_number(word: str) -> str:
    """SQL: the same, of a word that is known to be no account."""
    day = "^(?:(?:19|20)[0-9]{2}(?:[01][0-9](?:[0-3][0-9])?)?|[0-3][0-9][01][0-9](?:19|20)[0-9]{2})$"
    return (
        f"(regexp_matches({word}, '[0-9]') AND length({word}) >= CASE WHEN regexp_matches({word}, '[A-Z]') THEN 4 "
        f"ELSE 6 END AND NOT regexp_matches({word}, '{day}'))"
    )
