"""The kit sees what is wrong with a connector: each mistake is met by the check that is there for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance import catalogue
from conformance.runner import Run, Status
from tests.conformance.shop import Shop, ShopWorld, world_with

pytestmark = pytest.mark.slow

MISTAKES: dict[str, tuple[str, ...]] = {
    "greater instead of greater or equal": ("times-at-the-cursor",),
    "no overlap": ("late-commit",),
    "moves the cursor before it delivers": ("killed-after-every-page",),
    "a short page is the last": ("capped-pages",),
    "takes its own now for the end": ("after-the-window",),
    "leaps": ("since-after-the-cursor",),
    "reads all before it delivers": ("bounded-memory",),
    "parses floats": ("exact-decimals", "bytes-as-sent"),
    "tells of no deletions": ("deletions-are-told",),
    "half a sweep": ("sweep-breaks-off",),
    "takes what it cannot read for nothing": ("login-page", "truncated-json", "nothing-in-a-success"),
    "takes an error for an empty list": ("error-inside-a-success",),
    "follows redirects": ("redirected-elsewhere",),
    "shows its token": ("secrets-stay-secret",),
    "does not know wrong credentials": ("wrong-credentials",),
    "does not know a used-up quota": ("quota-used-up",),
    "does not wait as long as it is told": ("throttled-for-seconds",),
    "repeats without end": ("down-for-long",),
    "sends what is shown": ("nothing-to-write",),
    "does not compare": ("field-changed-since", "undone-by-somebody"),
    "writes unconditionally": ("changed-at-the-last-moment", "answer-lost"),
    "writes any field": ("read-only-field",),
    "writes the whole record": ("record-changed-since",),
    "calls done what was sent": ("write-never-arrives",),
    "shows another version": ("own-write-is-no-news",),
    "repeats creations blindly": ("created-without-an-answer",),
    "does not look before it creates": ("not-made-again",),
    "believes everybody": ("forged", "altered-body"),
    "does not look at the time": ("replayed",),
    "gives no delivery an id": ("delivered-twice",),
    "takes any event for a change": ("unknown-event",),
}


@pytest.fixture(scope="module")
def runs() -> Iterator[Run]:
    """One stand-in for all; the connector is exchanged under it."""
    with Run(_Changing) as run:
        yield run


class _Changing(ShopWorld):
    wrong = ""

    def kind(self) -> type[Shop]:
        return type("WrongShop", (Shop,), {"wrong": _Changing.wrong})


@pytest.mark.parametrize(
    ("wrong", "name"), [(wrong, name) for wrong, names in MISTAKES.items() for name in names], ids=str
)
def test_a_mistake_is_found_by_the_check_that_is_there_for_it(
    runs: Run, monkeypatch: pytest.MonkeyPatch, wrong: str, name: str
) -> None:
    (check,) = catalogue.chosen((name,))
    monkeypatch.setattr(_Changing, "wrong", wrong)
    found = runs.result(check)
    assert found.status is Status.FAILED, found.why
    # The same check on the same connector without the mistake.
    monkeypatch.setattr(_Changing, "wrong", "a sweep" if wrong == "half a sweep" else "")
    assert runs.result(check).status is Status.PASSED


def test_a_connector_without_mistakes_passes_all_that_applies_and_gets_an_a() -> None:
    from conformance.grades import grade

    with Run(world_with("")) as run:
        results = list(run.results([check for check in catalogue.checks() if not check.once]))
    assert [(item.check.name, item.why) for item in results if item.status in ("failed", "broken")] == []
    assert grade(results).letter == "A"
    assert sum(item.status is Status.PASSED for item in results) >= 75
