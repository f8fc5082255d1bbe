"""``ltc cash`` and ``ltc reconcile --what-if``: what a person sees and decides, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.console import deal, receipts
from tests.console.company import data, ltc

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("cash"), receipts.fill)


@pytest.fixture
def config(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LTC_ACTOR", "wang.min")
    shutil.copy(filled, tmp_path / "ltc.db")
    return deal.config(tmp_path, "sqlite:///ltc.db")


def done(config: Path, *arguments: str) -> Result:
    result = ltc(config, *arguments)
    assert result.exit_code == 0, result.output
    return result


def receipt(config: Path, number: str) -> Any:
    return data(ltc(config, "cash", "show", f"books:{number}", "--json"))


def test_unapplied_cash_is_listed_with_what_it_is_and_what_to_do(config: Path) -> None:
    shown = done(config, "cash", "list").stdout
    assert "Overpayment" in shown
    assert "Unknown payer" in shown
    assert "Find out who paid." in shown
    chinese = done(config, "--lang", "zh-CN", "cash", "list").stdout
    assert "多付款" in chinese
    assert "请查明付款人。" in chinese
    listed = data(ltc(config, "cash", "list", "--class", "overpayment", "--json"))
    assert [(item["record"]["number"], item["left"]) for item in listed] == [("P1", "100.00")]


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_a_receipt_is_shown_with_why_it_settles_what(config: Path, lang: str) -> None:
    shown = done(config, "--lang", lang, "cash", "show", "books:P1").stdout
    assert "INV-20260001" in shown
    assert "1,000.00" in shown
    assert ("More than what it names." if lang == "en" else "超过所述单据金额。") in shown


def test_a_suggestion_is_confirmed_and_holds(config: Path) -> None:
    before = receipt(config, "P3")
    assert before["applied"] == []
    assert {option["applied"][0]["record"]["number"] for option in before["suggestions"]} == {
        "INV-20260002",
        "INV-20260003",
    }
    second = before["suggestions"][1]["applied"][0]["record"]["number"]
    done(config, "cash", "confirm", "books:P3", "--rank", "2", "--reason", "told by phone")
    done(config, "reconcile")
    after = receipt(config, "P3")
    assert [(entry["record"]["number"], entry["decision"]) for entry in after["applied"]] == [(second, "pinned")]
    done(config, "cash", "undo", "books:P3")
    done(config, "reconcile")
    assert receipt(config, "P3") == before


def test_what_a_receipt_settles_is_said_by_hand(config: Path) -> None:
    done(config, "cash", "pin", "books:P1", "INV-20260002=400", "INV-20260003", "--difference", "fee=-5")
    done(config, "reconcile")
    after = receipt(config, "P1")
    assert {
        (entry["record"]["number"], entry["amount"]) for entry in after["applied"] if entry["rule"] == "person"
    } == {
        ("INV-20260002", "400.00"),
        ("INV-20260003", "500.00"),
    }
    assert [(entry["kind"], entry["amount"]) for entry in after["differences"]] == [("fee", "-5.00")]
    (rest,) = [entry for entry in after["applied"] if entry["rule"] != "person"]
    assert (rest["record"]["number"], rest["amount"]) == ("INV-20260001", "205.00"), "the rest goes by the rules"


def test_what_is_left_of_a_receipt_stays_in_the_list_and_is_taken_beside_what_was_decided(config: Path) -> None:
    said = done(config, "cash", "pin", "books:P2", "INV-20260002=23.45").stdout
    assert "CNY 100.00 of it is left, and stays in `ltc cash list`." in said
    for _ in range(2):
        listed = {item["record"]["number"]: item for item in data(ltc(config, "cash", "list", "--json"))}
        assert (listed["P2"]["left"], listed["P2"]["class"]) == ("100.00", "left_by_decision")
        assert "Left over by a decision: Say what the rest settles" in done(config, "cash", "show", "books:P2").stdout
        done(config, "reconcile")
    said = done(config, "cash", "pin", "books:P2", "INV-20260002=23.45", "INV-20260003=100").stdout
    assert "is left" not in said
    assert "P2" not in {item["record"]["number"] for item in data(ltc(config, "cash", "list", "--json"))}


def test_all_that_is_decided_of_a_receipt_is_taken_back_before_another_suggestion_is_taken(config: Path) -> None:
    done(config, "cash", "confirm", "books:P3", "--rank", "1")
    refused = ltc(config, "cash", "confirm", "books:P3", "--rank", "2")
    assert (refused.exit_code, "All of it is decided" in refused.output) == (2, True)


def test_what_a_receipt_does_not_settle_is_cut(config: Path) -> None:
    done(config, "cash", "cut", "books:P1", "INV-20260001", "--reason", "was for a deposit")
    done(config, "reconcile")
    assert receipt(config, "P1")["applied"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("pin", "books:P1", "INV-20260002=600"),
            "INV-20260002: CNY 600.00 cannot be applied where CNY 500.00 is open",
        ),
        (("pin", "books:P1", "INV-20260001", "INV-20260002"), "CNY 1,500.00, and CNY 1,100.00 came in"),
        (("pin", "books:P1", "INV-20260001=1.234"), "more decimals than CNY"),
        (("pin", "books:P1", "INV-20260001=much"), "is no amount"),
        (("pin", "books:P1", "P2"), "is no invoice or credit note that is open"),
        (("pin", "books:P1", "INV-20260001", "--difference", "gift=1"), "is no difference"),
        (("confirm", "books:P3", "--rank", "5"), "There are 2 suggestions"),
        (("confirm", "books:P2"), "Nothing is suggested"),
        (("cut", "books:P1", "INV-20260001", "--reason", " "), "with a reason"),
        (("show", "INV-20260001"), "is no money that is left to apply"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(config: Path, arguments: tuple[str, ...], said: str) -> None:
    result = ltc(config, "cash", *arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())


def test_other_rules_are_tried_before_they_hold(config: Path, tmp_path: Path) -> None:
    strict = tmp_path / "rules.yaml"
    strict.write_text("rules: [exact_reference]\n", encoding="utf-8")
    changed = data(ltc(config, "reconcile", "--what-if", str(strict), "--json"))
    assert [item["before"]["record"]["number"] for item in changed] == ["P1"]
    assert (changed[0]["before"]["left"], changed[0]["after"]["left"]) == ("100.00", "1100.00")
    shown = done(config, "reconcile", "--what-if", str(strict)).stdout
    assert "Receipts that would be matched otherwise: 1 of 3. Nothing was changed." in shown
    assert receipt(config, "P1")["left"] == "100.00"


def test_a_file_of_rules_with_a_mistake_is_told_with_its_line(config: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "rules.yaml"
    wrong.write_text("rules:\n  - exact_reference\n  - {name: rounding, days: 3}\n", encoding="utf-8")
    result = ltc(config, "reconcile", "--what-if", str(wrong))
    assert result.exit_code == 2
    assert "rules.yaml:3" in result.output
    assert "a rule of the kind rounding has no `days`" in result.output
