"""Weights: learned from the pairs at hand, held by what is known, moved by people's decisions."""

from __future__ import annotations

from random import Random

from reconciliation.linking.weights import Field, Pattern, calibrate, learn

FIELDS = (Field("name", {"same": 0.7, "other": 0.3}), Field("phone", {"same": 0.6, "differs": 0.4}))


def _patterns(factor: int) -> list[Pattern]:
    """True pairs nearly always share the name and seldom the phone; the others share neither."""
    return [
        Pattern(("same", "same"), 30 * factor, 0.99, None),
        Pattern(("same", "differs"), 65 * factor, 0.9, None),
        Pattern(("other", "same"), 2 * factor, 0.4, None),
        Pattern(("other", "differs"), 900 * factor, 0.01, None),
        Pattern(("same", None), 40 * factor, 0.95, None),
    ]


def test_many_pairs_decide_by_themselves_and_few_change_little() -> None:
    many, few = learn(FIELDS, _patterns(100)), learn(FIELDS, [item._replace(pairs=1) for item in _patterns(1)])
    assert many["name"]["same"] > 0.95
    assert many["phone"]["same"] < 0.45
    assert abs(few["name"]["same"] - 0.7) < 0.02
    assert abs(few["phone"]["same"] - 0.6) < 0.02


def test_what_is_learned_does_not_depend_on_the_order_of_the_pairs() -> None:
    patterns = _patterns(7)
    shuffled = Random(3).sample(patterns, len(patterns))
    assert learn(FIELDS, patterns) == learn(FIELDS, shuffled)


def test_known_pairs_are_believed() -> None:
    known = [*_patterns(10), Pattern(("other", "same"), 500, 0.01, 1)]
    assert learn(FIELDS, known)["name"]["other"] > 0.2 > learn(FIELDS, _patterns(10))["name"]["other"]


def test_decisions_of_people_move_factors_and_none_move_nothing() -> None:
    assert calibrate([], [], []) == []
    rows = [[10.0, 8.0], [10.0, -2.0]] * 20
    cut_where_phones_agree = calibrate(rows, [0, 1] * 20, [-9.0] * 40)
    name, phone, _ = cut_where_phones_agree
    assert phone < 0.8 < name
    one = calibrate([[10.0, 8.0]], [0], [-9.0])
    assert all(0.9 < factor <= 1.1 for factor in one[:2])
