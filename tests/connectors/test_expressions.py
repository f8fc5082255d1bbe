"""Templates fill in what is known, leave out what is not, and cannot do anything else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.expressions import UNSET, ExpressionError, Template


def test_a_hole_alone_keeps_its_type_and_others_become_text() -> None:
    filled = Template({"a": "{n}", "b": "no. {n}", "c": "{flag}/{d}"}).fill(
        {"n": 7, "flag": True, "d": Decimal("1.10")}
    )
    assert filled == {"a": 7, "b": "no. 7", "c": "true/1.10"}


def test_what_is_not_known_is_left_out_with_the_entry_or_the_condition_that_holds_it() -> None:
    domain = [["changed", ">=", "{since}"], ["id", ">", "{last_id}"]]
    template = Template({"domain": domain, "page": "{page}", "x": {"y": "{since}"}})
    assert template.fill({"last_id": 3}) == {"domain": [["id", ">", 3]], "x": {}}
    assert Template("{since}").fill({}) is UNSET


def test_braces_inside_an_expression_and_doubled_ones_are_no_ends() -> None:
    template = Template("{merge(values, {v: record.v})}")
    assert template.fill({"values": {"a": 1}, "record": {"v": 2}}) == {"a": 1, "v": 2}
    assert Template("{{literal}} {a || '}'}").fill({"a": None}) == "{literal} }"


@pytest.mark.parametrize("value", ["../admin", "a/b", "?x=1", "#f", "%2e%2e", "ü 陈", "http://evil.example"])
def test_what_is_filled_into_a_path_stays_one_segment(value: str) -> None:
    path = Template("/orders/{id}/lines").path({"id": value})
    assert path.startswith("/orders/")
    assert path.endswith("/lines")
    assert path.count("/") == 3
    assert "?" not in path
    assert "#" not in path


@pytest.mark.parametrize("value", ["..", ".", "", None])
def test_a_path_cannot_be_left_through_a_value(value: str | None) -> None:
    with pytest.raises(ExpressionError):
        Template("/orders/{id}").path({"id": value})


@pytest.mark.parametrize(
    "text",
    ["{__import__('os')}", "{a.__class__}", "{open('/etc/passwd')}", "{a | eval(@)}", "{env('SECRET')}", "{lambda: 1}"],
)
def test_expressions_reach_nothing_but_their_variables(text: str) -> None:
    try:
        found = Template(text).fill({"a": "x"})
    except ExpressionError:
        return
    assert found is UNSET


def test_an_error_does_not_show_the_values() -> None:
    with pytest.raises(ExpressionError) as caught:
        Template("{lower(secret)}").fill({"secret": {"canary": 1}})
    assert "canary" not in str(caught.value)


def test_a_list_becomes_a_table_by_what_stands_in_its_items() -> None:
    answers = [{"ref": "email", "v": 1}, {"ref": "email", "v": 2}, {"v": 3}, {"ref": "name", "v": 4}]

    filled = Template("{key_by(answers, &ref)}").fill({"answers": answers})

    assert filled == {"email": {"ref": "email", "v": 1}, "name": {"ref": "name", "v": 4}}
    with pytest.raises(ExpressionError):
        Template("{key_by(answers, &ref)}").fill({"answers": "no list"})
