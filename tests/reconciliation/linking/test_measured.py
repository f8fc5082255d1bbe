"""What linking finds, measured: generated companies with known truth, and labelled sets beside the checkout."""

from __future__ import annotations

import pytest

from bench.parties import febrl, measure, namepairs, ours, splinked, world

pytestmark = [pytest.mark.shared, pytest.mark.usefixtures("shared_dir")]


def test_generated_companies_are_found_and_hardly_any_link_is_wrong() -> None:
    rows = world.build(3_000, 7)
    truth = ours.truth(rows)
    with ours.frame(rows) as frame:
        found = ours.link(frame)
    shown = found.sure | {pair for pair, score in found.suggested.items() if score >= 500}
    assert measure.score(found.sure, truth).precision >= 0.995
    assert measure.score(found.sure, truth).recall >= 0.80
    assert measure.score(shown, truth).f1 >= 0.97


@pytest.mark.parametrize("name", febrl.SETS)
def test_persons_with_known_duplicates_are_found_no_worse_than_by_splink(name: str) -> None:
    people = febrl.read(name)
    own, at_99 = measure.best(febrl.ours(people), people.truth)
    other, other_at_99 = measure.best(splinked.febrl(people), people.truth)
    assert own.f1 >= other.f1
    assert at_99 >= other_at_99


@pytest.mark.parametrize("name", ["companies", "products"])
def test_labelled_pairs_of_names_are_told_no_worse_than_by_splink(name: str) -> None:
    pairs, truth = namepairs.read(name)
    own, at_99 = measure.best(namepairs.ours(pairs), truth)
    other, other_at_99 = measure.best(namepairs.splinked(pairs), truth)
    assert own.f1 >= other.f1
    assert at_99 >= other_at_99
