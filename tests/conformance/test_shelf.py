"""Grades are what the command wrote: the tables of the pages say what grades.json says, and nothing by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import catalogue, shelf
from conformance.catalogue import Check
from conformance.grades import grade
from conformance.runner import Result, Status
from conformance.worlds import has_world
from connectors import registry
from console.i18n import LOCALES


@pytest.mark.parametrize("page", shelf.PAGES, ids=lambda page: str(page.relative_to(shelf.ROOT)))
def test_a_page_shows_the_grades_as_they_were_produced(page: Path) -> None:
    assert shelf.shown_in(page) == shelf.table(shelf.read())


def test_the_page_of_the_kit_lists_every_check() -> None:
    assert shelf.checks_shown() == shelf.listed()


def test_a_grade_that_is_kept_is_of_all_checks_there_are() -> None:
    names = {check.name for check in catalogue.checks()}
    for name, kept in shelf.read().items():
        assert kept["applicable"] + len(kept["not_applicable"]) == len(names), name
        assert set(kept["failed"]) | set(kept["not_applicable"]) <= names, name


def test_what_a_connector_fails_stands_on_its_page() -> None:
    for name, kept in shelf.read().items():
        if kept["failed"]:
            page = (shelf.CHECKS.parent / f"{name}.md").read_text(encoding="utf-8")
            told = page.partition("## What it fails in the conformance kit")[2]
            assert [check for check in kept["failed"] if f"`{check}`" not in told] == [], name


def test_every_connector_that_is_built_in_has_a_stand_in() -> None:
    built_in = [name for name in registry.names() if registry.is_built_in(name)]
    assert [name for name in built_in if not has_world(name)] == []


def test_the_shelf_names_the_areas_of_which_nothing_applies() -> None:
    webhooks = {check.name for check in catalogue.checks() if check.area == "webhooks"}
    kept = {"grade": "A", "passed": 9, "applicable": 9, "failed": [], "grave": [], "not_applicable": sorted(webhooks)}
    assert shelf.empty_areas(kept) == ["webhooks"]
    assert shelf.table({"acme": kept}).splitlines()[-1] == "| `acme` | A | 9 of 9 | – | webhooks |"
    kept["not_applicable"] = sorted(webhooks)[1:]
    assert shelf.table({"acme": kept}).splitlines()[-1] == "| `acme` | A | 9 of 9 | – | – |"


def test_there_are_at_least_forty_checks_and_each_says_in_two_languages_what_it_proves() -> None:
    checks = catalogue.checks()
    assert len(checks) >= 40
    assert {check.area for check in checks} == set(catalogue.AREAS)
    for check in checks:
        assert set(check.title) == set(LOCALES)
        assert all(check.title.values())


def _results(good: int, bad: int, grave: bool) -> list[Result]:
    def made(status: Status, name: str) -> Result:
        check = Check(name, "reading", {}, lambda _lab: None, grave=grave and status is not Status.PASSED)
        return Result(check, status, {}, 0.0)

    absent = made(Status.NOT_APPLICABLE, "absent")
    return [made(Status.PASSED, "good")] * good + [made(Status.FAILED, "bad")] * bad + [absent] * 50


@pytest.mark.parametrize(
    ("good", "bad", "grave", "letter"),
    [
        (100, 0, False, "A"),
        (95, 5, False, "A"),
        (94, 6, False, "B"),
        (99, 1, True, "C"),
        (84, 16, False, "C"),
        (69, 31, False, "D"),
        (0, 0, False, "D"),
    ],
)
def test_a_grade_counts_what_applies_and_falls_with_a_grave_failure(
    good: int, bad: int, grave: bool, letter: str
) -> None:
    assert grade(_results(good, bad, grave)).letter == letter


def test_a_check_on_which_the_kit_broke_proves_nothing() -> None:
    check = Check("odd", "reading", {}, lambda _lab: None)
    assert grade([Result(check, Status.BROKEN, {}, 0.0)]).letter == "D"
