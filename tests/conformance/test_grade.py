"""The grade on the shelf is what comes out today, shown on the fastest system."""

from __future__ import annotations

import pytest

from conformance import shelf
from conformance.grades import grade
from conformance.runner import Run
from conformance.worlds import world_of

pytestmark = pytest.mark.slow


def test_jiandaoyun_gets_the_grade_that_the_shelf_shows() -> None:
    with Run(world_of("jiandaoyun")) as run:
        results = list(run.results())
    assert shelf.as_dict(grade(results), results) == shelf.read()["jiandaoyun"]
