"""Statements that do not come out, and statements that are missing."""

from __future__ import annotations

import pytest

from tests.connectors.bank.conftest import Vault, camt, moot, mt940, ntry, refusals, rejects


def test_a_statement_that_does_not_foot_is_refused_as_a_whole_and_others_are_read(vault: Vault) -> None:
    vault.put("a.sta", mt940("5.00", "7.00", closing="112.01") + mt940("1.00", account="CN1111"))
    pages = vault.pages()
    assert [item["account"] for item in vault.records.values()] == ["CN1111"]
    assert refusals(pages) == [
        "Statement 1/1 of 2026-01-05 of account …1234 does not foot: 100.00 CNY at its opening and entries of 12.00 "
        "make 112.00, but it closes with 112.01 (difference 0.01)."
    ]


def test_the_right_statement_takes_the_wrong_one_out_of_quarantine(vault: Vault) -> None:
    vault.put("a.sta", mt940("5.00", closing="110.00"))
    [refused] = rejects(vault.pages())
    vault.put("b.sta", mt940("5.00"))
    pages = vault.pages()
    assert refused.source_id in moot(pages)
    assert len(vault.records) == 1


def test_an_entry_in_another_currency_refuses_the_statement(vault: Vault) -> None:
    vault.put("a.xml", camt(ntry("8.00", currency="USD"), closing="108.00"))
    assert refusals(vault.pages()) == ["Statement 1 of 2026-01-05 of account …2051 is in EUR but holds entries in USD."]


def test_a_balance_in_another_currency_refuses_the_statement(vault: Vault) -> None:
    vault.put("a.xml", camt(ntry("8.00"), closing="108.00").replace("<Amt Ccy='EUR'>108.00", "<Amt Ccy='SEK'>108.00"))
    assert "is in EUR, but has a balance in SEK" in refusals(vault.pages())[0]


def test_a_statement_without_balances_is_read_only_if_that_is_allowed(vault: Vault) -> None:
    text = camt(ntry("8.00"))
    text = text[: text.index("<Bal>")] + text[text.rindex("</Bal>") + 6 :]
    vault.put("a.xml", text)
    assert "has no opening balance, so it cannot be checked" in refusals(vault.pages())[0]
    pages = vault.pages(balances="optional")
    assert (refusals(pages), len(vault.records)) == ([], 1)


def test_a_statement_that_foots_is_still_checked_where_balances_are_optional(vault: Vault) -> None:
    vault.put("a.sta", mt940("5.00", closing="110.00"))
    assert "does not foot" in refusals(vault.pages(balances="optional"))[0]


def day(number: int, opening: int, amount: str = "5.00") -> str:
    return mt940(amount, number=f"{number}/1", opening=f"{opening}.00", day=f"2601{4 + number:02}")


def test_a_missing_statement_is_told_and_taken_back_when_it_comes(vault: Vault) -> None:
    vault.put("1.sta", day(1, 100))
    vault.put("3.sta", day(3, 110))
    pages = vault.pages()
    assert len(vault.records) == 2
    [gap] = rejects(pages)
    assert gap.reason == (
        "The statement 3 (2026-01-07) of account …1234 opens with 110 CNY, but the one before it, 1 (2026-01-05), "
        "closed with 105: statements between them (2) are missing."
    )
    assert "2) are missing" in vault.check().detail
    assert not vault.check().ok
    vault.put("2.sta", day(2, 105))
    pages = vault.pages()
    assert (refusals(pages), gap.source_id in moot(pages)) == ([], True)
    assert vault.check().ok


def test_a_gap_is_told_once(vault: Vault) -> None:
    vault.put("1.sta", day(1, 100))
    vault.put("3.sta", day(3, 110))
    vault.pages()
    vault.put("4.sta", day(4, 115))
    assert refusals(vault.pages()) == []


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_statements_in_any_order_leave_no_gap(vault: Vault, order: tuple[int, ...]) -> None:
    told: set[str] = set()
    for number in order:
        vault.put(f"{number}.sta", day(number, 95 + 5 * number))
        pages = vault.pages()
        told |= {item.source_id for item in rejects(pages)}
        told -= set(moot(pages))
    assert told == set()


def test_statements_that_were_read_and_moved_away_are_remembered(vault: Vault) -> None:
    vault.put("1.sta", day(1, 100))
    vault.pages()
    (vault.folder / "1.sta").unlink()
    vault.put("2.sta", day(2, 105))
    assert refusals(vault.pages()) == []


def test_check_tells_of_each_account_what_there_is(vault: Vault) -> None:
    vault.put("1.sta", day(1, 100))
    vault.put("2.sta", day(2, 105, "-5.00"))
    vault.put("3.xml", camt(ntry("8.00"), closing="108.00"))
    line = vault.check()
    assert line.ok
    assert line.detail == (
        "3 files (2 MT940/utf-8, 1 CAMT.053/XML). Account …1234 in CNY: 2 statements, 2026-01-05 to 2026-01-06, "
        "2 transactions, closing with 100.00. Account …2051 in EUR: 1 statements, 2026-01-05 to 2026-01-05, "
        "1 transactions, closing with 108.00."
    )


def test_check_names_files_that_cannot_be_read(vault: Vault) -> None:
    vault.put("1.sta", day(1, 100))
    vault.put("2.sta", "")
    vault.put("3.sta", "hello")
    line = vault.check()
    assert not line.ok
    assert "2.sta: is empty; 3.sta: is no bank statement" in line.detail


def test_an_empty_folder_is_no_failure(vault: Vault) -> None:
    assert vault.check().ok
    assert vault.pull() == []
