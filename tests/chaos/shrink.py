"""Make a failing history small: take away what it does not need to fail, again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.chaos.history import History

Fails = Callable[[History], bool]


def shrink(history: History, fails: Fails, most: int = 400) -> History:
    """The smallest history found that still fails, after at most so many tries."""
    smallest = history
    tries = 0
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(smallest):
            tries += 1
            if tries > most:
                return smallest
            if fails(deepcopy(smaller)):
                smallest, progress = smaller, True
                break
    return smallest


def _smaller(history: History) -> Iterator[History]:
    steps = history["steps"]
    for half in (steps[: len(steps) // 2], steps[len(steps) // 2 :]):
        if half and len(steps) > 2:
            yield {**history, "steps": half}
    for place in range(len(steps)):
        yield {**history, "steps": [*steps[:place], *steps[place + 1 :]]}
    for place, step in enumerate(steps):
        for less in _less(step):
            yield {**history, "steps": [*steps[:place], less, *steps[place + 1 :]]}
    for system, traits in history["world"]["traits"].items():
        for name in traits:
            fewer = {key: value for key, value in traits.items() if key != name}
            world = {**history["world"], "traits": {**history["world"]["traits"], system: fewer}}
            yield {**history, "world": world}
    if history["world"]["page"] != 50:
        yield {**history, "world": {**history["world"], "page": 50}}


def _less(step: list[Any]) -> Iterator[list[Any]]:
    match step:
        case ["people", operations]:
            for place in range(len(operations)):
                yield ["people", [*operations[:place], *operations[place + 1 :]]]
        case ["run", job, faults]:
            for fewer in _fewer(faults):
                yield ["run", job, fewer]
        case ["both", job, faults, other, others, host]:
            yield ["run", job, faults]
            yield ["run", other, others]
            for fewer in _fewer(faults):
                yield ["both", job, fewer, other, others, host]
            for fewer in _fewer(others):
                yield ["both", job, faults, other, fewer, host]


def _fewer(faults: list[Any]) -> Iterator[list[Any]]:
    for place in range(len(faults)):
        yield [*faults[:place], *faults[place + 1 :]]


def as_test(history: History, name: str) -> str:
    """The history as a test that can be kept in ``test_found.py``."""
    lines = [f"def test_found_{name}(stage: Stage) -> None:", "    replay(", "        stage,", "        {"]
    lines += [f'            "profile": "{history["profile"]}",', f'            "world": {_python(history["world"])},']
    lines += ['            "steps": [', *(f"                {_python(step)}," for step in history["steps"])]
    return "\n".join([*lines, "            ],", "        },", "    )"])


def _python(value: Any) -> str:
    return (
        json.dumps(value, ensure_ascii=False).replace("true", "True").replace("false", "False").replace("null", "None")
    )
