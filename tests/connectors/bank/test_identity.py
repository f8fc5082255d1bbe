"""Which transaction is which: statements delivered twice, statements that overlap, and transactions that look alike."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.connectors.bank.conftest import Vault, camt, mt940, ntry


def count(vault: Vault, *files: str) -> int:
    """How many transactions there are after these files came, one a pull."""
    for content in files:
        number = len(list(vault.folder.iterdir()))
        vault.put(f"{number:03}.sta", content)
        vault.pages()
    return len(vault.records)


def test_a_statement_that_is_delivered_twice_counts_once(vault: Vault) -> None:
    text = mt940("5.00", "5.00", "7.00 B-1")
    assert count(vault, text, text + "\r\n", text.replace("\r\n", "\n")) == 3


def test_two_equal_transactions_of_one_day_are_two(vault: Vault) -> None:
    assert count(vault, mt940("5.00", "5.00")) == 2
    assert sorted(source_id[-2:] == "-2" for source_id in vault.records) == [False, True]


def test_two_equal_transactions_with_one_reference_of_the_bank_are_two(vault: Vault) -> None:
    assert count(vault, mt940("5.00 B-1", "5.00 B-1")) == 2


def test_ids_hold_no_account_and_no_name(vault: Vault) -> None:
    count(vault, mt940("5.00 B-1|canary"))
    [source_id] = vault.records
    assert source_id.startswith("2026-01-05-")
    assert not {"1234", "canary", "B-1"} & set(source_id.split("-"))
    assert "6222020000001234" not in str(vault.cursor)


def test_a_day_that_is_split_over_statements_keeps_its_equal_transactions(vault: Vault) -> None:
    parts = [mt940("5.00", number=f"{n}/1", opening=f"{95 + 5 * n}.00") for n in (1, 2, 3)]
    assert count(vault, *parts) == 3
    assert count(vault, *(part + "\r\n" for part in parts)) == 3


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_they_may_come_in_any_order(vault: Vault, order: tuple[int, ...]) -> None:
    parts = [mt940("5.00", number=f"{n}/1", opening=f"{95 + 5 * n}.00") for n in (1, 2, 3)]
    assert count(vault, *(parts[n] for n in order)) == 3


def test_pages_of_one_statement_keep_their_equal_transactions(vault: Vault) -> None:
    first = mt940("5.00", number="7/1").replace(":62F:", ":62M:")
    second = mt940("5.00", number="7/2", opening="105.00").replace(":60F:", ":60M:")
    assert count(vault, first, second) == 2


def test_statements_without_numbers_that_follow_one_another_keep_their_equal_transactions(vault: Vault) -> None:
    assert count(vault, mt940("5.00", number="0"), mt940("5.00", number="0", opening="105.00")) == 2


@pytest.mark.parametrize("numbers", [(None, None, None), (1, 2, 3)])
def test_what_two_overlapping_statements_hold_counts_once(vault: Vault, numbers: tuple[int | None, ...]) -> None:
    def period(number: int | None, start: str, end: str, opening: str, closing: str, *days: str) -> str:
        entries = "".join(ntry("5.00", day=day) + ntry("5.00", day=day) for day in days)
        text = camt(entries, opening=opening, closing=closing, day=end, number=number, identification=start + end)
        return text.replace("<Acct>", f"<FrToDt><FrDtTm>{start}T00:00:00</FrDtTm></FrToDt><Acct>")

    days = ["2026-01-05", "2026-01-06", "2026-01-07"]
    first = period(numbers[0], "2026-01-01", "2026-01-06", "0.00", "20.00", *days[:2])
    second = period(numbers[1], "2026-01-05", "2026-01-07", "0.00", "30.00", *days)
    third = period(numbers[2], "2026-01-06", "2026-01-08", "10.00", "30.00", *days[1:])
    assert count(vault, first, second) == 6
    assert count(vault, third) == 6


def test_a_correction_of_the_same_statement_counts_once(vault: Vault) -> None:
    assert count(vault, mt940("5.00 |INV-7"), mt940("5.00 |INV-7, corrected text")) == 1
    [record] = vault.records.values()
    assert record["remittance"] == "INV-7, corrected text"


def test_accounts_and_currencies_are_kept_apart(vault: Vault) -> None:
    other = mt940("5.00", account="CN6222020000009999")
    assert count(vault, mt940("5.00"), other, mt940("5.00").replace("CNY", "USD")) == 3
