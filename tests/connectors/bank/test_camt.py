"""CAMT.053 statements: versions, batches, reversals, charges, other currencies, and hostile XML."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.bank import camt as reader
from connectors.files.spool import Refused
from tests.connectors.bank.conftest import Vault, camt, ntry, refusals

PART = (
    "<TxDtls><Refs><AcctSvcrRef>{ref}</AcctSvcrRef><EndToEndId>{e2e}</EndToEndId></Refs><Amt Ccy='EUR'>{amount}</Amt>"
    "<CdtDbtInd>{mark}</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>{name}</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>FR76</IBAN></Id>"
    "</DbtrAcct></RltdPties><RltdAgts><DbtrAgt><FinInstnId><BICFI>AGRIFRPP</BICFI></FinInstnId></DbtrAgt></RltdAgts>"
    "<RmtInf><Ustrd>{text}</Ustrd><Strd><RfrdDocInf><Nb>INV-9</Nb></RfrdDocInf><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf>"
    "</Strd></RmtInf></TxDtls>"
)


def part(amount: str, *, ref: str = "P", e2e: str = "E", mark: str = "CRDT", name: str = "A", text: str = "t") -> str:
    return PART.format(amount=amount, ref=ref, e2e=e2e, mark=mark, name=name, text=text)


def test_an_entry_becomes_a_transaction(vault: Vault) -> None:
    vault.put(
        "a.xml", camt(ntry("8.85", details=part("8.85", e2e="E2E-7", text="INV-7"), reference="B"), closing="108.85")
    )
    [found] = vault.pull()
    assert (found["account"], found["amount"], found["direction"]) == ("DE02120300000000202051", "8.85", "in")
    assert (found["reference"], found["end_to_end_id"]) == ("P", "E2E-7")
    assert found["counterparty"] == {"name": "A", "account": "FR76", "bank": "AGRIFRPP"}
    assert found["remittance"] == "INV-7 RF18 INV-9"
    assert (found["structured_references"], found["documents"]) == (["RF18"], ["INV-9"])
    assert (found["code"], found["part_of_batch"]) == ("PMNT/RCDT/ESCT", False)


@pytest.mark.parametrize("version", [f"{n:02}" for n in range(1, 14)])
def test_every_version_is_read(vault: Vault, version: str) -> None:
    state = "<Sts>BOOK</Sts>" if version < "07" else "<Sts><Cd>BOOK</Cd></Sts>"
    vault.put("a.xml", camt(ntry("8.85", state=state), version=version, closing="108.85"))
    assert len(vault.pull()) == 1


def test_a_batch_becomes_its_parts(vault: Vault) -> None:
    parts = part("3.00", ref="P1", name="张三", text="INV-1") + part("4.00", ref="P2", name="李四", text="INV-2")
    vault.put("a.xml", camt(ntry("7.00", details=parts), closing="107.00"))
    found = vault.pull()
    assert [(item["amount"], item["counterparty"]["name"], item["reference"]) for item in found] == [
        ("3.00", "张三", "P1"),
        ("4.00", "李四", "P2"),
    ]
    assert all(item["part_of_batch"] for item in found)


def test_parts_with_the_other_sign_count_against_the_rest(vault: Vault) -> None:
    parts = part("9.00", ref="P1") + part("2.00", ref="P2", mark="DBIT")
    vault.put("a.xml", camt(ntry("7.00", details=parts), closing="107.00"))
    assert [(item["amount"], item["direction"]) for item in vault.pull()] == [("9.00", "in"), ("2.00", "out")]


@pytest.mark.parametrize("second", ["5.00", "4.00' x='"])
def test_a_batch_whose_parts_do_not_make_the_whole_stays_whole(vault: Vault, second: str) -> None:
    parts = part("3.00", ref="P1", text="INV-1") + part(second, ref="P2", text="INV-2")
    parts = parts.replace("<Amt Ccy='EUR'>4.00' x='</Amt>", "<Amt Ccy='USD'>4.00</Amt>")
    vault.put("a.xml", camt(ntry("7.00", details=parts, reference="B"), closing="107.00"))
    [found] = vault.pull()
    assert (found["amount"], found["reference"], found["part_of_batch"]) == ("7.00", "B", False)
    assert "INV-1" in found["remittance"]
    assert "INV-2" in found["remittance"]


def test_older_versions_have_a_parts_amount_elsewhere(vault: Vault) -> None:
    parts = "".join(
        f"<TxDtls><AmtDtls><TxAmt><Amt Ccy='EUR'>{amount}</Amt></TxAmt></AmtDtls></TxDtls>"
        for amount in ("3.00", "4.00")
    )
    vault.put("a.xml", camt(ntry("7.00", "DBIT", details=parts), version="02", closing="93.00"))
    assert [(item["amount"], item["direction"]) for item in vault.pull()] == [("3.00", "out"), ("4.00", "out")]


def test_a_reversal_names_the_party_of_what_is_reversed(vault: Vault) -> None:
    returned = part("8.00", mark="DBIT", name="Payer").replace(
        "</TxDtls>", "<RtrInf><Rsn><Cd>MD06</Cd></Rsn></RtrInf></TxDtls>"
    )
    vault.put("a.xml", camt(ntry("8.00", "DBIT", details=returned, extra="<RvslInd>true</RvslInd>"), closing="92.00"))
    [found] = vault.pull()
    assert (found["direction"], found["reversal"], found["return_reason"]) == ("out", True, "MD06")
    assert found["counterparty"]["name"] == "Payer"


def test_charges_and_instructed_amounts_are_kept(vault: Vault) -> None:
    details = (
        "<TxDtls><AmtDtls><InstdAmt><Amt Ccy='USD'>10.00</Amt></InstdAmt><TxAmt><Amt Ccy='EUR'>8.00</Amt><CcyXchg>"
        "<SrcCcy>USD</SrcCcy><XchgRate>0.9</XchgRate></CcyXchg></TxAmt></AmtDtls><Chrgs><Rcrd><Amt Ccy='EUR'>1.00</Amt>"
        "<CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs></TxDtls>"
    )
    vault.put("a.xml", camt(ntry("8.00", details=details), closing="108.00"))
    [found] = vault.pull()
    assert found["instructed"] == {"amount": "10.00", "currency": "USD", "direction": None}
    assert found["exchange_rate"] == "0.9"
    assert found["charges"] == [{"amount": "1.00", "currency": "EUR", "direction": "out"}]


def test_entries_that_are_not_booked_do_not_count(vault: Vault) -> None:
    pending = ntry("5.00", state="<Sts><Cd>PDNG</Cd></Sts>") + ntry("6.00", state="<Sts>INFO</Sts>")
    vault.put("a.xml", camt(ntry("8.00"), pending, closing="108.00"))
    assert [item["amount"] for item in vault.pull()] == ["8.00"]


def test_an_entry_that_is_not_understood_refuses_its_statement(vault: Vault) -> None:
    vault.put("a.xml", camt(ntry("8.00", state="<Sts>MAYB</Sts>")))
    assert refusals(vault.pages()) == [
        "Statement 1 of 2026-01-05 of account …2051 has an entry (1) whose status (Sts) is not known."
    ]


def test_an_overdrawn_account_foots(vault: Vault) -> None:
    vault.put("a.xml", camt(ntry("8.00", "DBIT"), opening="-10.00", closing="-18.00"))
    assert len(vault.pull()) == 1


def test_a_chinese_encoding_is_read_as_it_says(vault: Vault) -> None:
    text = camt(ntry("8.00", details=part("8.00", name="上海测试贸易有限公司")), closing="108.00")
    vault.put("a.xml", text.replace("'UTF-8'", "'GBK'"), encoding="gb18030")
    assert vault.pull()[0]["counterparty"]["name"] == "上海测试贸易有限公司"
    vault.put("b.xml", text.replace("'UTF-8'", "'GBK'").encode("gb18030").replace(b"INV-9", b"\xff\xff"))
    assert "does not fit" in refusals(vault.pages())[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<!DOCTYPE x [<!ENTITY a 'b'>]>", "document type or entities"),
        ("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>", "document type or entities"),
        ("<x>" * 5000, "nested deeper"),
        ("<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.054.001.08'/>", "is camt.054.001.08, no statement"),
        ("<html/>", "is XML of another kind, no statement"),
        ("<Document", "is no complete XML"),
    ],
)
def test_xml_that_is_no_statement_is_refused(vault: Vault, content: str, reason: str) -> None:
    vault.put("a.xml", content)
    assert reason in refusals(vault.pages())[0]


def test_an_entity_within_a_statement_is_refused(vault: Vault) -> None:
    declaration = "?><!DOCTYPE Document [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"
    vault.put("a.xml", camt(ntry("8.00", reference="&a;"), closing="108.00").replace("?>", declaration, 1))
    assert "document type or entities" in refusals(vault.pages())[0]
    assert vault.records == {}


def test_of_a_file_cut_off_in_the_middle_nothing_is_taken(vault: Vault) -> None:
    whole = camt(ntry("8.00"), closing="108.00")
    second = whole[whole.index("<Stmt>") : whole.index("</BkToCstmrStmt>")]
    vault.put("a.xml", whole.replace("</BkToCstmrStmt>", second[:400]))
    assert "is no complete XML" in refusals(vault.pages())[0]
    assert vault.records == {}


@pytest.mark.shared
@pytest.mark.parametrize("version", ["v2.minimal", "v3", "v4", "v8", "v2.five.decimals", "v2.with-party-ids"])
def test_published_statements_are_read(shared_dir: Path, version: str) -> None:
    with (shared_dir / "data" / "camt" / f"camt053.{version}.xml").open("rb") as file:
        [statement] = reader.statements(file)
    [found] = statement.transactions
    assert (found.amount.rstrip("0"), found.direction, found.booked_on) == ("8.85", "in", "2014-12-31")
    assert found.remittance is not None


@pytest.mark.shared
def test_several_published_statements_in_one_file_foot(vault: Vault, shared_dir: Path) -> None:
    vault.put("a.xml", (shared_dir / "data" / "camt" / "camt053.v2.multi.statement.xml").read_bytes())
    assert sorted(item["amount"] for item in vault.pull()) == ["7.00", "8.85"]


@pytest.mark.shared
def test_published_reports_that_are_no_statements_are_refused(shared_dir: Path) -> None:
    for name in ("camt052.v8", "camt054.v8"):
        with (
            (shared_dir / "data" / "camt" / f"{name}.xml").open("rb") as file,
            pytest.raises(Refused, match="no statement"),
        ):
            list(reader.statements(file))
