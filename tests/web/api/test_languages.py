"""Refusals of the API are told in the language that a request asks for; codes and fields stay the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import sentences
from console.i18n import texts
from console.sentences import said
from console.web.api import application, callers
from console.web.problems import Refusal, problem
from state import members
from state.api_tokens import Scope
from state.findings import FindingError
from state.members import Role
from state.store import Store
from tests.web.api.conftest import Program

API = Path(application.__file__).parent


def _sentences(file: Path) -> Iterator[str]:
    """What a room of the API gives to ``Refusal`` and ``problem``, holes filled with a word."""
    for call in ast.walk(ast.parse(file.read_text())):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("Refusal", "problem", "ValueError"):
            for part in call.args:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value
                elif isinstance(part, ast.JoinedStr) and not isinstance(part.values[0], ast.FormattedValue):
                    filled = (item.value if isinstance(item, ast.Constant) else "x1" for item in part.values)
                    yield "".join(map(str, filled))


@pytest.mark.parametrize("file", sorted(API.glob("*.py")), ids=lambda path: path.name)
def test_every_sentence_of_a_refusal_is_there_in_chinese(file: Path) -> None:
    missing = [text for text in _sentences(file) if not all(part.known for part in said(text, "zh-CN"))]
    assert missing == []


def test_a_decision_that_cannot_be_taken_is_worded_for_the_reader() -> None:
    error = FindingError("Say why.", "`ltc findings explain`", "explain_reason")
    refusal = Refusal.of(error)
    assert refusal.told("en") == "Say why."
    assert refusal.told("zh-CN") == texts("zh-CN")("refused.explain_reason")
    assert Refusal.of(error, "GET it.").remedy == "GET it."


def test_a_title_of_every_status_has_words() -> None:
    for status in application._SAID:
        told = problem(int(status), "x", locale="zh-CN").body
        assert texts("zh-CN")(f"api.title.{status}") in bytes(told).decode()


@pytest.mark.slow
def test_a_request_that_asks_for_chinese_is_refused_in_chinese_with_the_same_codes_and_fields(program: Program) -> None:
    api = program(Role.VIEWER)

    def refused(wanted: str, path: str, **query: str) -> dict[str, object]:
        api.client.headers["accept-language"] = wanted
        answer = api.get(path, **query)
        found: dict[str, object] = answer.json()
        assert answer.headers["content-language"] == ("zh-CN" if wanted.startswith("zh") else "en")
        assert "Accept-Language" in answer.headers["vary"]
        return found

    missing: tuple[str, dict[str, str]] = ("/findings/0123456789abcdef01234567", {})
    for path, query in (missing, ("/nowhere", {}), ("/findings", {"page": "none"}), ("/audit", {})):
        chinese, english, other = (refused(wanted, path, **query) for wanted in ("zh-Hans,en;q=0.5", "en", "fr"))
        assert english == other
        assert chinese.keys() == english.keys()
        assert chinese["status"] == english["status"]
        assert [part for part in ("title", "detail", "remedy") if chinese[part] == english[part]] == []
    assert refused("zh-CN", "/nowhere")["detail"] == "没有这个地址。"


@pytest.mark.slow
def test_a_member_is_answered_in_their_language_errors_as_well_unless_the_call_asks_for_another(
    program: Program, desk: Store
) -> None:
    api = program(Role.VIEWER, scopes=(Scope.READ,))
    with desk.transaction() as connection:
        members.set_locale(connection, "p.viewer", "zh-CN")

    def details(**query: str) -> list[str]:
        wrong = api.get("/findings", size=999, **query).json()
        missing = api.get("/nowhere", **query).json()
        forbidden = api.client.post("/api/v1/runs", json={"kind": "sync"}, params=query).json()
        return [wrong["detail"], wrong["errors"][0]["what"], missing["detail"], forbidden["title"]]

    chinese = ["请求不符合接口文档。", "必须小于或等于 200", "没有这个地址。", "没有权限"]
    english = ["The request is not as the document says.", "Input should be less than or equal to 200"]
    assert details() == chinese
    assert api.get("/me").json()["language"] == "zh-CN"
    assert details(lang="en") == [*english, "There is no such address.", "Forbidden"]
    api.client.headers["accept-language"] = "en-GB,zh;q=0.5"
    assert details() == [*english, "There is no such address.", "Forbidden"]
    assert api.get("/me").json()["language"] == "en"
    assert details(lang="zh-CN") == chinese
    del api.client.headers["accept-language"]
    api.client.headers["authorization"] = "Bearer ltc_none"
    assert api.get("/me").json()["title"] == "Unauthorized"


def test_a_refusal_names_the_page_of_tokens_as_the_menu_does() -> None:
    for locale in ("en", "zh-CN"):
        words, told = texts(locale), sentences.plain(callers._SIGN_IN, locale)
        assert words("account.tokens") in told
    assert f"“{words('account.short')}”" in told
    assert words("account.title") == words("account.short")
