"""MT940 statements: marks, references, details in three ways, Chinese, and lines that are not understood."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from connectors.bank import mt940
from tests.connectors.bank.conftest import Vault, refusals
from tests.connectors.bank.conftest import mt940 as statement


def test_a_line_becomes_a_transaction(vault: Vault) -> None:
    vault.put("a.sta", statement("50.50 B-1|INV-7 SO-12"))
    assert vault.pull() == [
        {
            "account": "CN6222020000001234",
            "currency": "CNY",
            "amount": "50.50",
            "direction": "in",
            "reversal": False,
            "booked_on": "2026-01-05",
            "value_on": "2026-01-05",
            "reference": "B-1",
            "end_to_end_id": None,
            "customer_reference": None,
            "mandate_id": None,
            "other_references": {},
            "counterparty": {"name": None, "account": None, "bank": None},
            "ultimate_counterparty": None,
            "remittance": "INV-7 SO-12",
            "remittance_lines": ["INV-7 SO-12"],
            "structured_references": [],
            "documents": [],
            "has_remittance": True,
            "code": "NTRF",
            "charges": [],
            "instructed": None,
            "exchange_rate": None,
            "return_reason": None,
            "note": None,
            "part_of_batch": False,
        }
    ]


@pytest.mark.parametrize(
    ("mark", "direction", "reversal", "closing"),
    [("C", "in", False, "C260105CNY110,"), ("D", "out", False, "C260105CNY90,"), ("RC", "out", True, "C260105CNY90,"),
     ("RD", "in", True, "C260105CNY110,"), ("CN", "in", False, "C260105CNY110,")],
)  # fmt: skip
def test_a_reversal_moves_money_the_other_way(
    vault: Vault, mark: str, direction: str, reversal: bool, closing: str
) -> None:
    vault.put(
        "a.sta",
        f":20:X\n:25:A/1\n:28C:1\n:60F:C260105CNY100,\n:61:2601050105{mark}10,NTRFNONREF//B\n:62F:{closing}\n-\n",
    )
    [found] = vault.pull()
    assert (found["direction"], found["reversal"], found["amount"]) == (direction, reversal, "10")


def test_chinese_texts_in_gb18030_are_read(vault: Vault) -> None:
    details = "?20货款 INV-7?21订单 SO-12?31622202?32上海测试贸易有限公司"
    vault.put("a.sta", statement(f"50.50 B-1|166?00转账{details}"), encoding="gb18030")
    [found] = vault.pull()
    assert found["counterparty"] == {"name": "上海测试贸易有限公司", "account": "622202", "bank": None}
    assert found["remittance"] == "货款 INV-7订单 SO-12"
    assert found["note"] == "转账"
    assert "1 MT940/gb18030" in vault.check().detail


def test_numbered_details_tell_references_and_parties(vault: Vault) -> None:
    details = (
        "166?00GUTSCHRIFT?20EREF+E2E-77?21KREF+K-5?22MREF+M-9?23SVWZ+Rechnung INV-7?24 vom Januar"
        "?30BYLADEM1001?31DE12500105170648489890?32Muster?33mann GmbH?34999"
    )
    vault.put("a.sta", statement(f"50.50 |{details}"))
    [found] = vault.pull()
    assert (found["end_to_end_id"], found["customer_reference"], found["mandate_id"]) == ("E2E-77", "K-5", "M-9")
    assert found["counterparty"] == {
        "name": "Mustermann GmbH",
        "account": "DE12500105170648489890",
        "bank": "BYLADEM1001",
    }
    assert "INV-7" in found["remittance"]
    assert found["return_reason"] == "999"


def test_slashed_details_tell_references_and_parties(vault: Vault) -> None:
    vault.put(
        "a.sta", statement("50.50 |/EREF/E2E-77/ORDP//NAME/J. Example BV/REMI/USTD//Invoice INV-7/ISDT/2026-01-05")
    )
    [found] = vault.pull()
    assert (found["end_to_end_id"], found["counterparty"]["name"]) == ("E2E-77", "J. Example BV")
    assert found["remittance"] == "Invoice INV-7"


def test_a_text_cut_at_the_width_of_a_line_is_joined(vault: Vault) -> None:
    first = "Payment for the goods of November, as agreed on the phone, for IN"
    assert len(first) == 65
    vault.put("a.sta", statement(f"50.50 |{first}\r\nV-7, thanks"))
    assert vault.pull()[0]["remittance"].endswith("for INV-7, thanks")


def test_a_note_after_the_closing_balance_is_not_the_last_transactions(vault: Vault) -> None:
    vault.put("a.sta", statement("50.50 |INV-7").replace("-\r\n", ":86:Your new conditions INV-99\r\n-\r\n"))
    assert vault.pull()[0]["remittance"] == "INV-7"


def test_swift_envelopes_and_several_statements_in_one_file_are_read(vault: Vault) -> None:
    envelope = "{1:F01BANKCNBJAXXX0000000000}{2:I940CUSTCNBJXXXXN}{4:\r\n"
    both = [statement("1.00 A", number=f"{n}/1", opening=f"{99 + n}.00") for n in (1, 2)]
    vault.put("a.sta", "".join(f"{envelope}{text.replace('-' + chr(13), '-}' + chr(13))}" for text in both))
    assert len(vault.pull()) == 2


def test_a_line_that_is_not_understood_refuses_its_statement_and_no_other(vault: Vault) -> None:
    broken = statement("1.00 A", number="2/1", opening="101.00").replace(":61:", ":61:nonsense ")
    vault.put("a.sta", statement("1.00 A") + broken + statement("1.00 B", number="3/1", opening="102.00"))
    pages = vault.pages()
    assert len(vault.records) == 2
    assert "Statement 2/1 of account …1234 cannot be read" in refusals(pages)[0]
    assert "statements between them (2) are missing" in refusals(pages)[1]


def test_people_are_not_named_in_the_log(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        vault.put("a.sta", statement("1.00 A|canary Mustermann").replace(":61:", ":61:canary "))
        vault.pages()
    assert "canary" not in caplog.text


def test_a_file_whose_text_is_the_name_of_a_file_does_not_read_that_file(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "other.sta").write_text(statement("1.00 A"))
    vault.put("a.sta", str(tmp_path / "other.sta"))
    assert "is no bank statement" in refusals(vault.pages())[0]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("betterplace_sepa_mt9401.sta", [7, 2, 5, 3, 5, 1, 4, 4, 8, 3, 6, 6, 6, 3, 1, 5, 5, 2, 1, 3, 4, 7, 3, 1, 1, 1]),
        ("cmxl_mt940.sta", [11, 2, 3]),
        ("jejik_rabobank-iban.sta", [2, 2]),
        ("citi_mt940.txt", [5]),
        ("mBank_mt940.sta", [3]),
        ("sberbank_171011_01234945.sta", [3]),
        ("self-provided_multiline.sta", [1]),
    ],
)
def test_published_statements_are_read_and_foot(vault: Vault, shared_dir: Path, name: str, counts: list[int]) -> None:
    text = (shared_dir / "data" / "mt940" / name).read_text()
    assert [len(item.transactions) for item in mt940.statements(text)] == counts
    vault.put(name, text)
    assert not [reason for reason in refusals(vault.pages()) if "does not foot" in reason]


@pytest.mark.shared
def test_long_references_of_some_banks_are_read(shared_dir: Path) -> None:
    text = (shared_dir / "data" / "mt940" / "ASNB_mt940.txt").read_text()
    found = [item for statement in mt940.statements(text) for item in statement.transactions]
    assert len(found) == 8
    assert not [item for statement in mt940.statements(text) for item in statement.flaws]


@pytest.mark.shared
def test_a_published_statement_with_a_transaction_left_out_does_not_foot(vault: Vault, shared_dir: Path) -> None:
    text = (shared_dir / "data" / "mt940" / "cmxl_mt940.sta").read_text()
    vault.put("a.sta", text.replace(":61:131017D6800,NCHK16703074\n", ""))
    assert "does not foot" in refusals(vault.pages())[0]
