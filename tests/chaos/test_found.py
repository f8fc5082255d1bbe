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


def test_a_value_is_kept_that_an_unanswered_write_may_have_replaced_before_a_person_wrote_again(stage: Stage) -> None:
    world = {
        "topology": "pair",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": False,
        "versions": "none",
        "traits": {"crm": {}, "erp": {}},
    }
    steps = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c3",
                    {
                        "number": "SO-4",
                        "state": "open",
                        "amount": "325.33",
                        "payment": "part_paid",
                        "billing": "81.82",
                        "name": "Deal 3",
                    },
                    30,
                ]
            ],
        ],
        [
            "people",
            [
                ["edit", "crm", "deal", "c3", {"delivery": "by hand 7"}, 90],
                [
                    "edit",
                    "erp",
                    "order",
                    "e8",
                    {
                        "number": "SO-4",
                        "state": "open",
                        "amount": "4566.59",
                        "delivery": "partly_delivered",
                        "payment": "part_paid",
                        "billing": "17.17",
                    },
                    0,
                ],
            ],
        ],
        ["wait", 4000],
        ["run", "sync", [[54, "write reset"]]],
        ["people", [["edit", "crm", "deal", "c3", {"delivery": None}, 0]]],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_a_write_in_doubt_that_nobody_wants_any_more_is_settled_without_any_news(stage: Stage) -> None:
    world = {
        "topology": "chain",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": True,
        "versions": "none",
        "traits": {"crm": {"rewrite": "case"}, "erp": {}, "books": {}},
    }
    steps = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c1",
                    {"number": "SO-2", "state": "won", "amount": "5003.26", "billing": "24.06", "name": "Deal 1"},
                    0,
                ],
                [
                    "edit",
                    "crm",
                    "deal",
                    "c2",
                    {"number": "SO-2", "state": "won", "amount": "1777.14", "billing": "93.53", "name": "Deal 2"},
                    0,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e6",
                    {
                        "number": "SO-2",
                        "state": "void",
                        "amount": "7766.37",
                        "delivery": "returned",
                        "billing": "48.86",
                    },
                    0.5,
                ],
            ],
        ],
        ["wait", 900],
        ["backup"],
        ["run", "sync", []],
        ["restore"],
        ["wait", 4000],
        ["run", "sync", [[1, "write lost"]]],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_a_write_in_doubt_is_settled_though_its_owner_was_deleted_and_nothing_else_happens(stage: Stage) -> None:
    world = {
        "topology": "number",
        "policy": "newest_wins",
        "page": 50,
        "tombstones": True,
        "versions": "none",
        "traits": {"crm": {"granularity": 60000000}, "erp": {"granularity": 60000000}},
    }
    steps = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c3",
                    {
                        "number": "SO-5",
                        "state": "won",
                        "amount": "760.75",
                        "delivery": "delivered",
                        "payment": "part_paid",
                        "name": "Deal 3",
                    },
                    0,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e5",
                    {
                        "number": "SO-2",
                        "state": "done",
                        "amount": "7332.39",
                        "delivery": "delivered",
                        "payment": "part_paid",
                        "billing": "52.45",
                    },
                    0.5,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e6",
                    {
                        "number": "SO-5",
                        "state": "done",
                        "amount": "6382.06",
                        "delivery": "returned",
                        "payment": "all paid",
                        "billing": "26.37",
                    },
                    0,
                ],
            ],
        ],
        ["run", "sync", [[4, "write kill"]]],
        ["people", [["merge", "erp", "order", "e6", "e5", 30]]],
        ["wait", 200],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "push", "world": world, "steps": steps})


def test_a_value_is_kept_that_a_killed_worker_may_have_replaced_while_another_looked(stage: Stage) -> None:
    world = {
        "topology": "cycle",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": True,
        "versions": "stamp",
        "traits": {"crm": {}, "erp": {}},
    }
    steps = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c3",
                    {
                        "number": "SO-3",
                        "state": "won",
                        "amount": "6611.21",
                        "payment": "all paid",
                        "billing": "76.02",
                        "name": "Deal 3",
                    },
                    0,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e4",
                    {
                        "number": "SO-3",
                        "state": "done",
                        "amount": "5276.93",
                        "delivery": "partly_delivered",
                        "payment": "not_paid",
                    },
                    90,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e5",
                    {
                        "number": "SO-3",
                        "state": "open",
                        "amount": "8818.27",
                        "delivery": "returned",
                        "payment": "all paid",
                    },
                    90,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e6",
                    {
                        "number": "SO-3",
                        "state": "void",
                        "amount": "8667.53",
                        "delivery": "delivered",
                        "payment": "part_paid",
                    },
                    90,
                ],
            ],
        ],
        ["people", [["edit", "erp", "order", "e6", {"billing": "by hand 8"}, 0.5]]],
        ["wait", 900],
        ["run", "pull", []],
        [
            "both",
            "push",
            [[82, "kill"]],
            "sync",
            [[26, "people", [["edit", "erp", "order", "e6", {"billing": ""}, 0]]]],
            "same",
        ],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_a_write_that_was_undone_within_the_same_minute_is_not_repeated(stage: Stage) -> None:
    world = {
        "topology": "number",
        "policy": "ask",
        "page": 50,
        "tombstones": False,
        "versions": "stamp",
        "traits": {"crm": {"granularity": 60000000, "undoes": True}, "erp": {"granularity": 60000000}},
    }
    steps = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c3",
                    {
                        "number": "SO-1",
                        "state": "won",
                        "amount": "6688.77",
                        "delivery": "partly_delivered",
                        "payment": "all paid",
                        "name": "Deal 3",
                    },
                    0,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e5",
                    {
                        "number": "SO-1",
                        "state": "void",
                        "amount": "5728.32",
                        "delivery": "partly_delivered",
                        "payment": "all paid",
                        "billing": "43.40",
                    },
                    0.5,
                ],
            ],
        ],
        ["both", "sync", [], "sync", [[62, "write timeout"]], "other"],
        ["run", "push", []],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_a_write_in_doubt_stays_that_after_a_conflict_with_a_reading_that_lagged(stage: Stage) -> None:
    world = {
        "topology": "number",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": True,
        "versions": "revision",
        "traits": {"crm": {"lag": 1000000, "undoes": True}, "erp": {}},
    }
    steps = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c2",
                    {
                        "number": "SO-1",
                        "state": "open",
                        "amount": "9510.26",
                        "delivery": "partly_delivered",
                        "payment": "not_paid",
                        "name": "Deal 2",
                    },
                    0,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e5",
                    {
                        "number": "SO-1",
                        "state": "open",
                        "amount": "8278.63",
                        "delivery": "returned",
                        "payment": "not_paid",
                        "billing": "55.88",
                    },
                    4,
                ],
            ],
        ],
        ["wait", 200],
        ["run", "sync", [[8, "write timeout"]]],
        ["run", "push", []],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_a_value_is_kept_that_an_unanswered_write_may_have_replaced_in_a_record_deleted_since(stage: Stage) -> None:
    world = {
        "topology": "pair",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": True,
        "versions": "stamp",
        "traits": {"crm": {}, "erp": {}},
    }
    steps = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c3",
                    {
                        "number": "SO-3",
                        "state": "open",
                        "amount": "9195.64",
                        "payment": "part_paid",
                        "billing": "11.08",
                        "name": "Deal 3",
                    },
                    0,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e6",
                    {
                        "number": "SO-3",
                        "state": "done",
                        "amount": "4197.62",
                        "delivery": "not_delivered",
                        "payment": "all paid",
                        "billing": "99.01",
                    },
                    0,
                ],
            ],
        ],
        ["people", [["edit", "crm", "deal", "c3", {"delivery": "by hand 7"}, 0]]],
        ["wait", 4],
        ["wait", 4],
        ["run", "sync", [[74, "write timeout"]]],
        ["people", [["delete", "crm", "deal", "c3", 0]]],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "push", "world": world, "steps": steps})


def test_a_lost_answer_is_settled_although_an_edit_before_it_was_still_hidden(stage: Stage) -> None:
    world: dict[str, Any] = {
        "topology": "number",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": False,
        "versions": "revision",
        "traits": {"crm": {"conditional": False}, "erp": {}},
    }
    steps: list[Any] = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c1",
                    {
                        "number": "SO-2",
                        "state": "open",
                        "amount": "1608.87",
                        "delivery": "delivered",
                        "payment": "not_paid",
                        "name": "Deal 1",
                    },
                    30,
                ]
            ],
        ],
        [
            "people",
            [
                [
                    "edit",
                    "erp",
                    "order",
                    "e7",
                    {
                        "number": "SO-2",
                        "state": "void",
                        "amount": "6497.37",
                        "delivery": "delivered",
                        "payment": "not_paid",
                        "billing": "69.06",
                    },
                    0.5,
                ],
                ["edit", "crm", "deal", "c1", {"state": "lost"}, 90],
            ],
        ],
        ["wait", 30],
        ["run", "sync", [[54, "write timeout"]]],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "push", "world": world, "steps": steps})


def test_saving_a_value_again_by_hand_does_not_make_it_a_persons_value(stage: Stage) -> None:
    world: dict[str, Any] = {
        "topology": "chain",
        "policy": "ask",
        "page": 2,
        "tombstones": False,
        "versions": "revision",
        "traits": {"crm": {}, "erp": {}, "books": {"rewrite": "round"}},
    }
    steps: list[Any] = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c2",
                    {"number": "SO-5", "state": "won", "amount": "5099.53", "billing": "40.61", "name": "Deal 2"},
                    30,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e5",
                    {
                        "number": "SO-5",
                        "state": "void",
                        "amount": "8639.89",
                        "delivery": "delivered",
                        "billing": "42.59",
                    },
                    30,
                ],
                ["edit", "books", "invoice", "b7", {"number": "SO-5", "state": "sent", "amount": "8059.93"}, 90],
            ],
        ],
        ["people", [["edit", "erp", "order", "e5", {"payment": "by hand 10"}, 4]]],
        ["wait", 900],
        [
            "people",
            [
                [
                    "edit",
                    "erp",
                    "order",
                    "e11",
                    {
                        "number": "SO-5",
                        "state": "open",
                        "amount": "1701.01",
                        "delivery": "partly_delivered",
                        "billing": "16.33",
                    },
                    0,
                ]
            ],
        ],
        ["run", "sync", []],
        ["wait", 30],
        ["run", "sync", []],
        ["people", [["revert", "crm", "deal", "c2", 0]]],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_a_second_backup_takes_the_place_of_the_first(stage: Stage) -> None:
    world: dict[str, Any] = {
        "topology": "pair",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": False,
        "versions": "revision",
        "traits": {"crm": {}, "erp": {}},
    }
    steps: list[Any] = [
        [
            "people",
            [
                [
                    "edit",
                    "crm",
                    "deal",
                    "c2",
                    {
                        "number": "SO-2",
                        "state": "won",
                        "amount": "9705.95",
                        "payment": "not_paid",
                        "billing": "2.87",
                        "name": "Deal 2",
                    },
                    0,
                ],
                [
                    "edit",
                    "erp",
                    "order",
                    "e5",
                    {
                        "number": "SO-2",
                        "state": "void",
                        "amount": "88.81",
                        "delivery": "delivered",
                        "payment": "part_paid",
                        "billing": "57.81",
                    },
                    90,
                ],
            ],
        ],
        ["backup"],
        ["people", [["edit", "crm", "deal", "c2", {"delivery": "by hand 7"}, 0]]],
        ["wait", 200],
        ["run", "sync", []],
        ["backup"],
        ["restore"],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_a_request_under_way_while_the_store_is_restored_is_not_sent_again(stage: Stage) -> None:
    world: dict[str, Any] = {
        "topology": "create",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": True,
        "versions": "stamp",
        "traits": {"web": {}, "sales": {}},
        "creates": "plain",
    }
    steps: list[Any] = [
        [
            "people",
            [
                [
                    "edit",
                    "web",
                    "entry",
                    "w8",
                    {
                        "number": "SO-1",
                        "state": "spam",
                        "amount": "489.36",
                        "name": "Deal 8",
                        "received": "2026-09-20T10:00:00Z",
                    },
                    0,
                ]
            ],
        ],
        ["wait", 900],
        ["backup"],
        ["run", "sync", [[81, "write late"]]],
        ["restore"],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "create", "world": world, "steps": steps})


def test_news_is_seen_although_another_run_that_was_under_way_turned_out_to_have_none(stage: Stage) -> None:
    world: dict[str, Any] = {
        "topology": "pair",
        "policy": "owner_wins",
        "page": 50,
        "tombstones": True,
        "versions": "stamp",
        "traits": {"crm": {}, "erp": {}},
    }
    steps: list[Any] = [
        [
            "people",
            [
                [
                    "edit",
                    "erp",
                    "order",
                    "e4",
                    {
                        "number": "SO-3",
                        "state": "void",
                        "amount": "7568.03",
                        "delivery": "not_delivered",
                        "payment": "not_paid",
                        "billing": "51.89",
                    },
                    0.5,
                ]
            ],
        ],
        [
            "both",
            "sync",
            [
                [39, "hang", 2400, [["delete", "erp", "order", "e5", 0]]],
                [
                    59,
                    "hang",
                    400,
                    [
                        [
                            "edit",
                            "crm",
                            "deal",
                            "c7",
                            {
                                "number": "SO-3",
                                "state": "lost",
                                "amount": "1865.19",
                                "payment": "not_paid",
                                "billing": "80.83",
                                "name": "Deal 7",
                            },
                            90,
                        ]
                    ],
                ],
            ],
            "sync",
            [],
            "other",
        ],
    ]
    replay(stage, {"profile": "crowd", "world": world, "steps": steps})


def test_two_automations_that_undo_our_writes_in_turn_meet_the_brake_each(stage: Stage) -> None:
    undoing: dict[str, Any] = {"crm": {"undoes": True}, "erp": {"undoes": True}}
    world = _WORLD | {"topology": "cycle", "policy": "newest_wins", "versions": "none", "traits": undoing}
    deal = {"number": "SO-2", "state": "won", "amount": "7133.53", "payment": "part_paid", "billing": "70.10"}
    order = {"number": "SO-2", "state": "done", "amount": "1556.57", "delivery": "returned", "payment": "part_paid"}
    steps = [
        ["people", [["edit", "crm", "deal", "c7", deal, 0], ["edit", "erp", "order", "e8", order, 30]]],
        ["people", [["edit", "erp", "order", "e8", {"billing": "by hand 10"}, 0]]],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_news_of_a_stream_whose_end_could_not_be_noted_is_reconciled_and_written_back(stage: Stage) -> None:
    deals = [
        ["edit", "crm", "deal", name, {"number": number, "state": "won", "amount": "800.35", "payment": "all paid"}, 0]
        for name, number in (("c1", "SO-3"), ("c2", "SO-3"), ("c3", "SO-5"))
    ]
    steps = [
        ["people", [*deals, ["edit", "erp", "order", "e6", _ORDER | {"delivery": "not_delivered"}, 0]]],
        ["wait", 200],
        ["run", "sync", [[13, "no_database"]]],
        ["run", "sync", [[30, "no_database"]]],
    ]
    replay(stage, {"profile": "store", "world": _WORLD | {"page": 3, "versions": "stamp"}, "steps": steps})


def test_a_stream_that_seems_to_run_for_ever_hides_no_news(stage: Stage) -> None:
    world = _WORLD | {"tombstones": False, "versions": "none", "traits": {"crm": {"granularity": 60000000}, "erp": {}}}
    deal = ["edit", "crm", "deal", "c8", _DEAL | {"billing": "61.21", "name": "Deal 8"}, 0.5]
    order = ["edit", "erp", "order", "e9", _ORDER | {"state": "open", "billing": "87.32"}, 0]
    steps = [
        ["run", "sync", [[7, "people", [deal]]]],
        ["run", "sync", [[33, "people", [order]]]],
        ["wait", 4000],
        ["run", "sync", [[44, "no_database"]]],
    ]
    replay(stage, {"profile": "store", "world": world, "steps": steps})


_TOLD: dict[str, Any] = {"topology": "one", "policy": "owner_wins", "page": 50, "tombstones": True}
_TOLD |= {"versions": "revision"}
_LAGGING = {"lag": 900_000_000, "hooks": {"seed": 3, "lost": 0, "late": [600]}}
_NEW = {"number": "SO-4", "state": "done", "amount": "3691.67", "delivery": "not_delivered"}


def test_a_webhook_about_what_was_deleted_before_anybody_pulled_it_does_not_bring_it_in(stage: Stage) -> None:
    steps = [
        ["people", [["edit", "erp", "order", "e4", _NEW, 0], ["delete", "erp", "order", "e4", 0]]],
        ["wait", 130],
        ["run", "pull", []],
        ["wait", 480],
        ["run", "fetch", []],
    ]
    replay(stage, {"profile": "hooks", "world": {**_TOLD, "traits": {"erp": _LAGGING}}, "steps": steps})


def test_a_webhook_about_an_edit_before_a_deletion_does_not_bring_the_record_back(stage: Stage) -> None:
    steps = [
        ["people", [["edit", "erp", "order", "e2", _NEW, 0]]],
        ["wait", 4000],
        ["run", "pull", []],
        ["people", [["edit", "erp", "order", "e2", {"payment": "all paid"}, 0]]],
        ["wait", 30],
        ["people", [["delete", "erp", "order", "e2", 0]]],
        ["wait", 130],
        ["run", "pull", []],
        ["wait", 500],
        ["run", "fetch", []],
    ]
    replay(stage, {"profile": "hooks", "world": {**_TOLD, "traits": {"erp": _LAGGING}}, "steps": steps})


def test_a_list_that_shows_late_what_a_webhook_told_of_deletes_nothing(stage: Stage) -> None:
    world = {**_TOLD, "tombstones": False, "traits": {"erp": {"hooks": {"seed": 676, "lost": 0, "late": [0]}}}}
    steps = [["people", [["edit", "erp", "order", "e3", _NEW, 90]]], ["run", "fetch", []], ["run", "sweep", []]]
    replay(stage, {"profile": "hooks", "world": world, "steps": steps})


def test_a_planning_that_hung_does_not_replace_the_plan_that_another_made_of_newer_records(stage: Stage) -> None:
    world = {**_WORLD, "tombstones": False, "batch": 10, "traits": {"crm": {"halves": 1}, "erp": {}}}
    deals = [["edit", "crm", "deal", name, {**_DEAL, "name": name}, 0] for name in ("c1", "c2")]
    owner = ["edit", "erp", "order", "e6", _ORDER, 0]
    steps = [["people", [*deals, owner]], ["wait", 900], ["both", "push", [[9, "hang", 400, []]], "sync", [], "other"]]
    replay(stage, {"profile": "crowd", "world": world, "steps": steps})


def test_a_single_read_that_lags_behind_the_list_does_not_settle_a_write(stage: Stage) -> None:
    world = {**_WORLD, "tombstones": True, "traits": {"crm": {"lag": 900_000_000}, "erp": {}}}
    both = [["edit", "crm", "deal", "c1", _DEAL, 0], ["edit", "erp", "order", "e6", _ORDER, 0]]
    cleared = ["edit", "crm", "deal", "c1", {"delivery": None}, 4]
    steps = [
        ["people", both],
        ["wait", 4000],
        ["run", "sync", []],
        ["people", [cleared]],
        ["wait", 900],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "push", "world": world, "steps": steps})


def test_a_pull_right_after_a_restore_does_not_count_as_having_seen_what_was_written_right_before(stage: Stage) -> None:
    world = {**_WORLD, "versions": "none", "traits": {"crm": {"undoes": True}, "erp": {}}}
    steps = [
        _BOTH,
        ["wait", 900],
        ["run", "pull", []],
        ["backup"],
        ["run", "sync", []],
        ["restore"],
        ["run", "sync", []],
    ]
    replay(stage, {"profile": "mixed", "world": world, "steps": steps})


def test_the_judge_knows_that_a_store_filled_today_has_not_seen_a_status_go_back(stage: Stage) -> None:
    world = {**_WORLD, "topology": "one", "traits": {"erp": {}}}
    order = {**_ORDER, "state": "done"}
    steps = [
        ["people", [["edit", "erp", "order", "e5", order, 0]]],
        ["wait", 900],
        ["run", "pull", []],
        ["people", [["edit", "erp", "order", "e5", {"state": "open"}, 0]]],
        ["wait", 900],
        ["run", "pull", []],
    ]
    history = {"profile": "pull", "world": world, "steps": steps}
    assert stage.play(history, reconciled=True).faults == []


def test_a_commit_that_shows_late_with_a_stamp_cut_to_the_minute_is_not_lost(stage: Stage) -> None:
    """The 55,971st history of a round: the simulated connectors overlapped by less than the two make together."""
    deal = {"number": "SO-4", "state": "won", "amount": "1882.83", "payment": "all paid", "name": "Deal 2"}
    traits = {"crm": {"granularity": 60_000_000, "skew": -90_000_000}, "erp": {}}
    world = {"topology": "pair", "policy": "owner_wins", "page": 50, "tombstones": False, "versions": "revision"}
    steps = [["people", [["edit", "crm", "deal", "c2", deal, 90]]], ["wait", 75], ["run", "pull", []]]
    replay(stage, {"profile": "hooks", "world": {**world, "traits": traits}, "steps": steps})


def test_a_value_is_kept_that_was_replaced_by_a_write_without_an_answer_before_the_record_was_deleted(
    stage: Stage,
) -> None:
    """The 88,890th history of a round: a pull does not show what was deleted, and nobody wanted the write any more."""
    world = {**_WORLD, "tombstones": False, "versions": "none"}
    deal = {"number": "SO-3", "state": "open", "amount": "3419.14", "payment": "part_paid", "name": "Deal 3"}
    order = {"number": "SO-3", "state": "open", "amount": "1208.27", "delivery": "partly_delivered"}
    other = {"number": "SO-3", "state": "void", "amount": "7758.98", "delivery": "returned"}
    by_hand = ["edit", "crm", "deal", "c3", {"delivery": "by hand 12"}, 30]
    deleted = ["delete", "crm", "deal", "c3", 0]
    steps = [
        ["people", [["edit", "crm", "deal", "c3", deal, 30], ["edit", "erp", "order", "e5", order, 30]]],
        ["wait", 900],
        ["both", "sync", [[1, "write hang", 400, [by_hand]]], "sync", [[19, "write timeout"]], "other"],
        ["people", [["edit", "erp", "order", "e14", other, 90]]],
        ["both", "pull", [[13, "answer hang", 2400, [deleted]]], "sync", [], "other"],
    ]
    replay(stage, {"profile": "crowd", "world": world, "steps": steps})


def test_our_own_write_into_the_owners_record_does_not_make_it_newer_than_what_a_person_wrote(stage: Stage) -> None:
    """Seed 9400084171, profile declared: a write of another field of the deal made all of it look newer than the order,
    and a cycle later what a person had written there was taken away."""
    world = {
        "topology": "cycle",
        "policy": "newest_wins",
        "page": 50,
        "tombstones": False,
        "versions": "revision",
        "traits": {"crm": {}, "erp": {"granularity": 60000000}},
        "declared": "keyed",
    }
    deal = {"number": "SO-3", "state": "lost", "amount": "2695.88", "payment": "not_paid", "billing": "76.38"}
    one = {"number": "SO-3", "state": "done", "amount": "9179.55", "delivery": "not_delivered", "payment": "all paid"}
    other = {"number": "SO-3", "state": "done", "amount": "4992.59", "delivery": "partly_delivered"}
    by_hand = ["edit", "erp", "order", "e5", {"billing": "by hand 11"}, 4]
    steps = [
        ["people", [["edit", "crm", "deal", "c2", deal, 0], ["edit", "erp", "order", "e4", one, 0]]],
        [
            "people",
            [["edit", "erp", "order", "e5", other, 0.5], ["edit", "crm", "deal", "c2", {"delivery": "by hand 9"}, 4]],
        ],
        ["run", "sync", [[22, "people", [by_hand]]]],
    ]
    replay(stage, {"profile": "declared", "world": world, "steps": steps})
