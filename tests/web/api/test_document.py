"""The OpenAPI document and docs/api.md: whole, up to date, and as the answers really are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from console import api_reference
from console.web.api.application import PATH, document
from console.web.api.report_models import Report
from state.members import Role
from tests.console import sample_report
from tests.web.api.conftest import Program
from tests.web.conftest import Browser

ROOT = Path(__file__).parents[3]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_page_of_operations_is_up_to_date() -> None:
    assert api_reference.PAGE.read_text(encoding="utf-8") == api_reference.page(), "run `make docs`"


def test_everybody_may_read_the_document(browser: Callable[..., Browser]) -> None:
    answer = browser().get(f"{PATH}/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(document()))
    assert answer.json()["servers"] == [{"url": PATH}]


def test_every_operation_says_what_it_does_and_what_it_answers() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)
    for name, operation in operations():
        assert operation["description"].endswith("."), name
        for status, answer in operation["responses"].items():
            for schema in [part["schema"] for part in answer["content"].values()]:
                assert "$ref" in schema or schema["format"] == "binary", (name, status)
        problems = {status for status in operation["responses"] if status >= "4"}
        assert problems >= {"400", "401", "403", "422", "429", "500", "503"}
        assert ("{" in name) is ("404" in problems), name


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        ({"ids": [1]}, True),
        ({"ids": [1], "system": None, "stream": None}, True),
        ({"system": "crm"}, True),
        ({"system": "crm", "stream": "deal", "ids": None}, True),
        ({}, False),
        ({"ids": None}, False),
        ({"system": ""}, False),
        ({"stream": "deal"}, False),
        ({"ids": [1], "system": "crm"}, False),
        ({"ids": [1], "stream": "deal"}, False),
    ],
)
def test_what_may_be_chosen_together_stands_in_the_document(
    program: Program, body: dict[str, Any], allowed: bool
) -> None:
    parts = {"$ref": "#/components/schemas/SomePutBack", "components": document()["components"]}
    assert Draft202012Validator(parts).is_valid(body) is allowed
    assert program(Role.OPERATOR).post("/quarantine/put-back", **body).status_code == (200 if allowed else 422)


def test_nothing_in_the_document_is_of_this_company(browser: Callable[..., Browser]) -> None:
    text = browser().get(f"{PATH}/openapi.json").text
    assert not [name for name in ("jiandaoyun", "ACME", "Asia/Shanghai") if name in text]


def test_the_report_is_as_its_model_says() -> None:
    sample = sample_report.report()
    assert json.loads(Report(**sample).model_dump_json(by_alias=True, exclude_unset=True)) == json.loads(
        json.dumps(sample)
    )
    published = json.loads((ROOT / "docs" / "report-schema.json").read_text(encoding="utf-8"))
    fields = {field.alias or name for name, field in Report.model_fields.items()}
    only_if_said = {"pruned_before", "company"}
    assert fields == set(published["properties"]) - only_if_said


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_the_report_is_given_in_the_language_that_is_asked_for(program: Program, lang: str) -> None:
    found = program(Role.VIEWER).get("/report", lang=lang).json()
    assert (found["schema"], found["locale"]) == ("ltc-report/1", lang)
    assert Report(**found).findings
