"""Parties of different systems that are alike: names, places, phones and mail weighed against each other.

A pair is made sure only if its names agree, something else agrees too, all together make it as probable as the settings
ask, and nobody else comes near. Less is a suggestion to a person; much less is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciliation.frame import Frame, quoted
from reconciliation.linking import blocking, candidates, evidence, weights

METHOD = "likeness"
_HARD = ("reference", "number", "external_id", "tax_id", "person", "created")
"""Methods whose links are known to be right, or decided: they are not judged but learned from."""
_SOFT = ("email", "domain", "phone", "name_city")
_MOST_ANCHORS = 20_000
_MOST_LABELS = 2_000
_PAIRS_A_PARTY = 12
_LEAST_BUDGET = 200_000
_LARGEST_BLOCK = 2_500
_MARGIN = 6.0
"""Bits by which a sure pair must be ahead of the next one of either side: 64 to 1."""
_NEXT = 4.0
"""Bits by which a suggestion may be behind the best one of either side."""


def likeness(frame: Frame) -> None:
    """Add links between parties that are alike, and take back soft ones that everything else speaks against."""
    if not (frame.rules.by_likeness and _take_part(frame)):
        return
    from reconciliation.linking import chains, name_pairs, profiles  # bring what compares names, needed only here

    found = profiles.make(frame)
    _pairs(frame, profiles.CONTACT_KEYS)
    name_pairs.compare(frame, found, "alike_pair", "best_name")
    evidence.compare(frame, "SELECT a_id, b_id, label FROM alike_pair")
    _score(frame)
    _take_back(frame)
    _choose(frame)
    chains.judge(frame, found)
    frame.run("DROP TABLE named; DROP TABLE name_key; DROP TABLE read_party; DROP TABLE best_name; DROP TABLE compared")


def _take_part(frame: Frame) -> bool:
    """Make ``taking_part (record_id, asks)``: living parties without a known counterpart in some system, and anchors.

    Whether there is anything to ask: parties of at least two systems.
    """
    hard = ", ".join(map(quoted, _HARD))
    both = "kind = 'same_as' AND left_entity = 'party'"
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE hard AS
            SELECT left_id AS a_id, right_id AS b_id, CASE WHEN decision = 'confirmed' THEN 1 END AS decided
            FROM candidate WHERE {both} AND (decision = 'confirmed' OR decision = 'auto' AND method IN ({hard}));
        CREATE OR REPLACE TEMP TABLE asking AS
            WITH ends AS (SELECT a_id AS record_id, b_id AS other FROM hard UNION ALL SELECT b_id, a_id FROM hard),
            systems_of AS (
                SELECT e.record_id, count(DISTINCT p.system) AS n FROM ends e JOIN parties p ON p.record_id = e.other
                JOIN parties own ON own.record_id = e.record_id AND own.system <> p.system GROUP BY e.record_id
            )
            SELECT p.record_id, p.system FROM parties p LEFT JOIN systems_of s USING (record_id)
            WHERE NOT p.deleted
              AND coalesce(s.n, 0) < (SELECT count(DISTINCT system) - 1 FROM parties WHERE NOT deleted);
        """
    )
    if (frame.value("SELECT count(DISTINCT system) FROM asking") or 0) < 2:
        return False
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE known_pair AS
            WITH alive AS (SELECT record_id, system || chr(10) || source_id AS key FROM parties WHERE NOT deleted),
            judged AS (
                SELECT a_id, b_id, 1 AS label, decided IS NOT NULL AS decided FROM hard
                UNION ALL
                SELECT left_id, right_id, 0, true FROM cut WHERE kind = 'same_as'
            )
            SELECT j.*, md5(least(a.key, b.key) || chr(10) || greatest(a.key, b.key)) AS place
            FROM judged j JOIN alive a ON a.record_id = j.a_id JOIN alive b ON b.record_id = j.b_id
            QUALIFY row_number() OVER (PARTITION BY decided ORDER BY place) <= {_MOST_ANCHORS};
        CREATE OR REPLACE TABLE taking_part AS
            SELECT record_id FROM asking
            UNION SELECT a_id FROM known_pair UNION SELECT b_id FROM known_pair;
        """
    )
    return True


def _pairs(frame: Frame, contact_keys: Sequence[tuple[str, str]]) -> None:
    """Make ``alike_pair (a_id, b_id, label)``: pairs to judge, and known ones to learn from (1 the same, 0 two)."""
    contacts = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, {key} AS key, record_id, system AS side "
        "FROM profile SEMI JOIN asking USING (record_id)"
        for kind, key in contact_keys
    )
    names = (
        "SELECT 'name' AS kind, 'n' || k.key AS key, a.record_id, a.system AS side "
        "FROM name_key k JOIN asking a USING (record_id)"
    )
    asking = frame.value("SELECT count(*) FROM asking")
    blocking.pairs(
        frame,
        f"{names} UNION ALL {contacts}",
        budget=max(asking * _PAIRS_A_PARTY, _LEAST_BUDGET),
        largest=_LARGEST_BLOCK,
        name="blocked_pair",
    )
    soft = ", ".join(map(quoted, _SOFT))
    frame.run(
        f"""
        CREATE OR REPLACE TABLE alike_pair AS
        WITH judged AS (
            SELECT a_id, b_id FROM blocked_pair
            UNION
            SELECT left_id, right_id FROM candidate
            WHERE kind = 'same_as' AND left_entity = 'party' AND decision = 'auto' AND method IN ({soft})
        )
        SELECT a_id, b_id, NULL::INTEGER AS label FROM judged
        ANTI JOIN (SELECT a_id, b_id FROM hard UNION SELECT left_id, right_id FROM cut WHERE kind = 'same_as') k
            USING (a_id, b_id)
        UNION ALL SELECT a_id, b_id, label FROM known_pair;
        DROP TABLE blocked_pair;
        """
    )


def _score(frame: Frame) -> None:
    """Learn the weights and make ``scored``: the odds of each pair to judge, and what they are made of."""
    expected = weights.log_m({field.name: dict(field.levels) for field in evidence.FIELDS})
    learned = weights.log_m(weights.learn(evidence.FIELDS, evidence.patterns(frame, expected)))
    columns = ", ".join(evidence.weight(field.name, learned) for field in evidence.FIELDS)
    decided = frame.rows(
        f"""
        SELECT c.label, c.prior, {columns} FROM compared c JOIN known_pair k USING (a_id, b_id)
        WHERE k.decided ORDER BY k.place LIMIT {_MOST_LABELS}
        """
    )
    factors = weights.calibrate([row[2:] for row in decided], [row[0] for row in decided], [row[1] for row in decided])
    shown = ", ".join(
        f"{field.name} := CASE WHEN {field.name} IS NOT NULL THEN struct_pack("
        f"level := {field.name}, bits := round({evidence.weight(field.name, learned, factor)}, 1)) END"
        for field, factor in zip(evidence.FIELDS, factors or [1.0] * len(evidence.FIELDS), strict=False)
    )
    frame.run(
        f"""
        CREATE OR REPLACE TABLE scored AS
        SELECT a_id, b_id, a_system, b_system, odds, 1 / (1 + pow(2.0, -odds)) AS p, name,
            {evidence.can_be_sure()} AS can_be_sure,
            to_json(struct_pack(alike := struct_pack({shown}), expected := prior))::VARCHAR AS shown
        FROM (SELECT *, round({evidence.total(learned, factors)}, 2) AS odds FROM compared WHERE label IS NULL)
        """
    )


def _take_back(frame: Frame) -> None:
    """Judge what softer keys found: what is not as probable as a sure pair has to be is a suggestion, weak names go."""
    soft = ", ".join(map(quoted, _SOFT))
    frame.run(
        f"""
        CREATE OR REPLACE TABLE candidate AS
        WITH judged AS (
            SELECT c.*, s.p, least(round(1000 * s.p), 999)::INTEGER AS likely,
                left(c.evidence, -1) || ',' || substr(s.shown, 2) AS known,
                c.decision = 'auto' AND c.method IN ({soft})
                    AND (NOT coalesce(s.can_be_sure, true) OR s.p < {frame.rules.sure_from}) AS doubted
            FROM candidate c LEFT JOIN scored s ON c.kind = 'same_as' AND c.left_entity = 'party'
                AND c.left_id = s.a_id AND c.right_id = s.b_id
        )
        SELECT kind, left_id, right_id, left_entity, right_entity, method,
            CASE WHEN p IS NULL OR decision = 'auto' AND NOT doubted THEN score
                 WHEN decision = 'auto' THEN least(score, likely) ELSE likely END AS score,
            CASE WHEN p IS NULL OR decision = 'auto' AND NOT doubted THEN evidence ELSE known END AS evidence,
            CASE WHEN doubted THEN 'suggested' ELSE decision END AS decision
        FROM judged WHERE NOT coalesce(method = 'name' AND p < {frame.rules.suggested_from}, false)
        """
    )


def _choose(frame: Frame) -> None:
    """Add the sure pairs, then suggestions for what is still without a counterpart, and for who may be there twice."""
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE likely AS
            SELECT *, least(round(1000 * p), 999)::INTEGER AS score FROM scored WHERE p >= {frame.rules.suggested_from};
        CREATE OR REPLACE TEMP TABLE free AS {_without_counterpart()};
        CREATE OR REPLACE TEMP TABLE ranked AS
            WITH ends AS (
                SELECT a_id AS record_id, b_system AS system, a_id, b_id, odds FROM free
                UNION ALL SELECT b_id, a_system, a_id, b_id, odds FROM free
            ),
            placed AS (
                SELECT a_id, b_id, odds - max(odds) OVER one AS behind,
                    coalesce(odds - nth_value(odds, 2) OVER (one ORDER BY odds DESC
                        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), {_MARGIN}) AS ahead,
                    count(*) OVER (one ORDER BY odds DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS place
                FROM ends WINDOW one AS (PARTITION BY record_id, system)
            )
            SELECT a_id, b_id, min(behind) = 0 AND min(ahead) >= {_MARGIN} AS alone,
                max(place) <= {candidates.MOST_SUGGESTIONS} AS among_few,
                among_few AND min(behind) >= -{_NEXT} AS worth_asking
            FROM placed GROUP BY a_id, b_id
        """
    )
    found = f"SELECT a_id, b_id, '{METHOD}' AS method, score, shown AS evidence"
    sure = f"alone AND can_be_sure AND p >= {frame.rules.sure_from}"
    candidates.same_as(
        frame, "party", f"{found}, 'auto' AS decision FROM free JOIN ranked USING (a_id, b_id) WHERE {sure}"
    )
    _drop_answered(frame)
    candidates.same_as(
        frame,
        "party",
        f"""
        {found}, 'suggested' AS decision FROM ({_without_counterpart()}) JOIN ranked USING (a_id, b_id)
        WHERE worth_asking
        UNION ALL
        {found}, 'suggested' FROM (SELECT * FROM likely WHERE can_be_sure AND p >= {frame.rules.sure_from})
        LEFT JOIN ranked USING (a_id, b_id) WHERE among_few IS NULL OR among_few AND name = 'same'
        """,
    )


def _drop_answered(frame: Frame) -> None:
    """Suggestions for what has got its counterpart meanwhile go."""
    soft = ", ".join(map(quoted, (*_SOFT, "name")))
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE counterpart AS {candidates.linked_systems("party")};
        CREATE OR REPLACE TEMP TABLE answered AS
            SELECT c.left_id, c.right_id FROM candidate c
            JOIN parties a ON a.record_id = c.left_id JOIN parties b ON b.record_id = c.right_id
            WHERE c.kind = 'same_as' AND c.left_entity = 'party' AND c.decision = 'suggested' AND c.method IN ({soft})
              AND (EXISTS (FROM counterpart k WHERE k.record_id = c.left_id AND k.other_system = b.system)
                OR EXISTS (FROM counterpart k WHERE k.record_id = c.right_id AND k.other_system = a.system));
        DELETE FROM candidate USING answered a WHERE candidate.kind = 'same_as' AND candidate.left_entity = 'party'
            AND candidate.decision = 'suggested' AND candidate.left_id = a.left_id AND candidate.right_id = a.right_id
        """
    )


def _without_counterpart() -> str:
    """Likely pairs of which neither has a sure counterpart in the other's system."""
    return f"""
        SELECT l.* FROM likely l
        ANTI JOIN ({candidates.linked_systems("party")}) la ON la.record_id = l.a_id AND la.other_system = l.b_system
        ANTI JOIN ({candidates.linked_systems("party")}) lb ON lb.record_id = l.b_id AND lb.other_system = l.a_system
    """
