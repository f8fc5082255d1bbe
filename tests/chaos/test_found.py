"""Histories in which the simulator once found something wrong, as small as it could make them."""

from __future__ import annotations

from typing import Any

from tests.chaos.history import History
from tests.chaos.play import Stage


def replay(stage: Stage, history: History) -> None:
    """Play a history; nothing may be wrong at its end."""
    assert stage.play(history).faults == []


_WORLD: dict[str, Any] = {"topology": "pair", "policy": "owner_wins", "page": 50, "tombstones": True}
_WORLD |= {"versions": "revision", "traits": {"crm": {}, "erp": {}}}
_DEAL = {"number": "SO-5", "state": "open", "amount": "991.34", "payment": "not_paid", "name": "Deal 1"}
_ORDER = {"number": "SO-5", "state": "void", "amount": "5883.26", "delivery": "returned", "payment": "part_paid"}
_BOTH = ["people", [["edit", "crm", "deal", "c1", _DEAL, 0], ["edit", "erp", "order", "e5", _ORDER, 0]]]


def test_a_value_replaced_by_a_write_whose_answer_was_lost_is_kept_when_a_push_settles_it(stage: Stage) -> None:
    steps = [
        _BOTH,
        ["people", [["edit", "crm", "deal", "c1", {"delivery": "by hand 10"}, 0.5]]],
        ["wait", 900],
        ["run", "sync", [[14, "write timeout"]]],
        ["run", "push", []],
    ]
    replay(stage, {"profile": "crowd", "world": _WORLD, "steps": steps})


def test_a_write_whose_answer_was_lost_and_that_a_person_undid_is_not_repeated(stage: Stage) -> None:
    steps = [
        _BOTH,
        ["wait", 4000],
        ["run", "sync", [[41, "write timeout"]]],
        ["people", [["edit", "crm", "deal", "c1", {"delivery": None}, 0]]],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "crowd", "world": _WORLD, "steps": steps})


def test_a_value_replaced_by_a_write_that_was_rewritten_and_not_answered_is_kept(stage: Stage) -> None:
    world = {**_WORLD, "topology": "number", "versions": "none", "traits": {"crm": {"rewrite": "round"}, "erp": {}}}
    order = {"number": "SO-5", "state": "void", "amount": "7828.18", "billing": "59.12"}
    steps = [
        ["people", [["edit", "crm", "deal", "c1", _DEAL, 4], ["edit", "erp", "order", "e5", order, 0]]],
        ["people", [["edit", "crm", "deal", "c1", {"billing": "by hand 8"}, 90]]],
        ["wait", 200],
        ["run", "sync", [[43, "write gateway"]]],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})
