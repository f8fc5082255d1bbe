"""OFX statements, in SGML and in XML."""

from __future__ import annotations

import pytest

from tests.connectors.bank.conftest import Vault, ofx, refusals


@pytest.mark.parametrize("xml", [False, True])
def test_a_transaction_is_read_in_both_spellings(vault: Vault, xml: bool) -> None:
    vault.put("a.ofx", ofx("80.32 F-1 Acme", "-12,50 F-2 Rent", xml=xml))
    first, second = vault.pull()
    assert (first["account"], first["currency"], first["booked_on"]) == ("102/6222020000001234", "CNY", "2026-01-05")
    assert (first["amount"], first["direction"], first["reference"]) == ("80.32", "in", "F-1")
    assert (second["amount"], second["direction"]) == ("12.50", "out")
    assert first["remittance"] == "Acme INV-7 & co"
    assert first["code"] == "CREDIT"
    assert "closing with 500.00" in vault.check().detail


def test_chinese_is_read_whatever_the_header_says(vault: Vault) -> None:
    vault.put("a.ofx", ofx("80.32 F-1 上海测试贸易有限公司"), encoding="gb18030")
    vault.put("b.ofx", ofx("80.32 F-2 上海测试贸易有限公司"), encoding="utf-8")
    assert {item["counterparty"]["name"] for item in vault.pull()} == {"上海测试贸易有限公司"}


def test_a_western_encoding_is_read_as_the_header_says(vault: Vault) -> None:
    vault.put("a.ofx", ofx("80.32 F-1 Café Müller"), encoding="cp1252")
    assert vault.pull()[0]["counterparty"]["name"] == "Café Müller"


@pytest.mark.parametrize("name", ["怡芳", "裕茂"])
def test_chinese_that_cannot_be_told_for_sure_is_not_read_as_western(vault: Vault, name: str) -> None:
    vault.put("a.ofx", ofx(f"80.32 F-1 {name}"), encoding="gb18030")
    assert "`encoding`" in refusals(vault.pages())[0]
    assert vault.pull(encoding="gb18030")[0]["counterparty"]["name"] == name


def test_without_a_charset_nothing_is_guessed(vault: Vault) -> None:
    vault.put("a.ofx", ofx("80.32 F-1 Café", header="CHARSET:NONE"), encoding="cp1252")
    assert "name its `encoding`" in refusals(vault.pages())[0]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<FITID>F-1", "<X>F-1", "id (FITID) is missing"),
        ("<TRNAMT>80.32", "<TRNAMT>1,080.32", "amount (TRNAMT) is missing or none"),
        ("<DTPOSTED>2026", "<DTPOSTED>soon", "date (DTPOSTED) is missing or none"),
        ("<FITID>", "<CORRECTFITID>F-0\r\n<FITID>", "corrects an earlier one"),
        ("<FITID>", "<CURRENCY><CURRATE>7\r\n<CURSYM>USD\r\n</CURRENCY><FITID>", "another currency"),
    ],
)
def test_a_transaction_that_is_not_understood_refuses_its_statement(
    vault: Vault, old: str, new: str, reason: str
) -> None:
    vault.put("a.ofx", ofx("80.32 F-1 Acme").replace(old, new))
    assert reason in refusals(vault.pages())[0]
    assert vault.records == {}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<CODE>0", "<CODE>2000", "an error of the bank (code 2000)"),
        ("</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>", "", "is cut off"),
        ("<OFX>", "<!DOCTYPE x><OFX>", "document type"),
        ("STMTRS>", "INVSTMTRS>", "holds no statement of a bank account"),
    ],
)
def test_what_is_no_statement_is_refused(vault: Vault, old: str, new: str, reason: str) -> None:
    vault.put("a.ofx", ofx("80.32 F-1 Acme").replace(old, new))
    assert reason in refusals(vault.pages())[0]


def test_the_same_id_twice_stays_one_and_different_ids_of_one_day_stay_two(vault: Vault) -> None:
    vault.put("a.ofx", ofx("80.32 F-1 Acme", "80.32 F-2 Acme"))
    vault.put("b.ofx", ofx("80.32 F-2 Acme", "80.32 F-3 Acme"))
    vault.pages()
    assert sorted(item["reference"] for item in vault.records.values()) == ["F-1", "F-2", "F-3"]
