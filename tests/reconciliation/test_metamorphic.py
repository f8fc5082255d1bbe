"""What must not change the result: order of arrival, several syncs, names of systems, strangers, language.

The demo company with its card processor and its bank is reconciled once as it is, and once each after such a change.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from reconciliation import report
from reconciliation.engine import reconcile
from sandbox.demo.config import contract
from sandbox.demo.verify import verify
from sandbox.world.build import build_world
from sandbox.world.records import World
from state.store import open_store
from tests.reconciliation import company
from tests.reconciliation.books import HOME, SYSTEMS, Books, at_our_rates, settings

pytestmark = pytest.mark.slow

ROLES = {**SYSTEMS, "shop": "payments", "bank": "bank"}
_OF_A_RUN = ("roll_forward", "locale")
"""Parts of a report that tell of its runs rather than of the records."""


class Call(NamedTuple):
    """A record that is to be put into the books."""

    entity: str
    source_id: str
    fields: dict[str, Any]


class Listed(Books):
    """Books that only remember what they are told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def add(self, entity: str, source_id: str, **fields: Any) -> int:
        self.calls.append(Call(entity, source_id, fields))
        return len(self.calls)

    def save(self) -> None:
        """There is nothing to save."""


class Bound:
    """Reconciles lists of records, each in a store of its own."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template = template
        self._folder = folder
        self._made = 0

    def __call__(
        self,
        *parts: Sequence[Call],
        named: Callable[[str], str] = lambda name: name,
        locale: str = "en",
    ) -> dict[str, Any]:
        """The report after the last of the parts, with a reconciliation after each."""
        self._made += 1
        path = self._folder / f"{self._made}.db"
        shutil.copy(self._template, path)
        systems = {named(name): {"connector": "none", "roles": [role]} for name, role in ROLES.items()}
        rules = {"checks": {"fee_unexpected": contract()}}
        chosen = settings(reconciliation=rules).model_dump(exclude={"systems", "path"}, exclude_none=True) | {
            "systems": systems
        }
        own = type(settings()).model_validate(chosen)
        with open_store(f"sqlite:///{path}") as store:
            books = Books(store, complete=False)
            for role in ROLES:
                for entity in {call.entity for part in parts for call in part if _home(call) == role}:
                    books.stream_id(named(role), entity)
            for number, part in enumerate(parts, 1):
                for entity, source_id, fields in part:
                    system = named(_home(Call(entity, source_id, fields)))
                    books.add(entity, source_id, **{**fields, "system": system})
                books.save()
                reconcile(store, own, f"run-{number}")
            return report.build(store, own, locale=locale)


def _home(call: Call) -> str:
    return str(call.fields.get("system") or HOME[call.entity])


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def calls(world: World) -> list[Call]:
    listed = Listed()
    company.fill(listed, world)
    company.fill_processor(listed, world)
    company.fill_bank(listed, world)
    return listed.calls


@pytest.fixture(scope="module")
def bound(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Bound:
    return Bound(sqlite_template, tmp_path_factory.mktemp("metamorphic"))


@pytest.fixture(scope="module")
def usual(bound: Bound, calls: list[Call]) -> dict[str, Any]:
    return bound(calls)


def said(made: dict[str, Any]) -> str:
    """A report as text, without what tells of its runs."""
    return json.dumps(
        {name: part for name, part in made.items() if name not in _OF_A_RUN}, indent=1, ensure_ascii=False
    )


def figures(made: dict[str, Any]) -> str:
    """What a report counts and sums, in no language."""
    words = ("title", "explanation", "action", "class_text", "kind_text")
    found = said(made)
    for word in words:
        found = re.sub(rf'"{word}": .*', "", found)
    return found


def test_it_is_about_something(usual: dict[str, Any], world: World) -> None:
    assert verify(usual["findings"], [at_our_rates(fault) for fault in world.faults]).exact
    assert {rule["rule"] for item in usual["cash"]["receipts"] for rule in item["applied"]} > {"exact_reference"}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_in_which_records_arrive_changes_nothing(
    bound: Bound, calls: list[Call], usual: dict[str, Any], seed: int
) -> None:
    shuffled = list(calls)
    Random(seed).shuffle(shuffled)
    assert said(bound(shuffled)) == said(usual)


def test_arriving_in_several_syncs_with_a_reconciliation_after_each_changes_nothing(
    bound: Bound, calls: list[Call], usual: dict[str, Any]
) -> None:
    shuffled = list(calls)
    Random(3).shuffle(shuffled)
    third = len(shuffled) // 3
    assert said(bound(shuffled[:third], shuffled[third : 2 * third], shuffled[2 * third :])) == said(usual)


def test_other_names_of_the_systems_change_nothing_but_the_names(
    bound: Bound, calls: list[Call], usual: dict[str, Any]
) -> None:
    made = said(bound(calls, named=lambda name: f"our-{name}"))
    renamed = re.sub(rf"\bour-({'|'.join(ROLES)})\b", r"\1", made)
    without_ids = [re.sub(r'"id": "[0-9a-f]{20}"', '"id": ""', text) for text in (renamed, said(usual))]
    assert _sorted(without_ids[0]) == _sorted(without_ids[1])


def _sorted(text: str) -> dict[str, Any]:
    """Findings in an order that does not follow their ids, which the names of systems are part of."""
    made: dict[str, Any] = json.loads(text)
    made["findings"].sort(key=lambda item: json.dumps(item, sort_keys=True))
    return made


def test_parties_that_have_nothing_to_do_with_it_change_nothing(
    bound: Bound, calls: list[Call], usual: dict[str, Any]
) -> None:
    strangers = [
        Call(
            "party",
            f"X{number}",
            {"system": system, "name": f"Zwilling {number} Oy", "tax_id": f"FI{11111111 + number}", "status": "active"},
        )
        for number in range(60)
        for system in ("crm", "erp", "books")
    ]
    assert said(bound([*strangers[:90], *calls, *strangers[90:]])) == said(usual)


def test_another_language_changes_no_figure(bound: Bound, calls: list[Call], usual: dict[str, Any]) -> None:
    made = bound(calls, locale="zh-CN")
    assert figures(made) == figures(usual)
    assert made["findings"][0]["explanation"] != usual["findings"][0]["explanation"]
