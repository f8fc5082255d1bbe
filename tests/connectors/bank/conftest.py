"""A folder to put statements into, and statements of each format, made up for the tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.config import BankConfig
from connectors.bank.connector import Bank
from connectors.contract import CheckLine, Cursor, Page, RejectedRecord, Window
from connectors.waiting import no_waiting, now_us

OLD = 1_767_225_600.0
ACCOUNT = "CN6222020000001234"


class Vault:
    """A folder of statements, and what was pulled so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cursor: Cursor | None = None
        self.clock = OLD
        self.records: dict[str, dict[str, Any]] = {}
        """All records pulled so far by id, as a store would hold them."""

    def put(self, name: str, content: str | bytes, encoding: str = "utf-8") -> None:
        """Write a file, younger than those before."""
        path = self.folder / name
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        self.clock += 1
        os.utime(path, (self.clock, self.clock))

    def bank(self, **settings: Any) -> Bank:
        return Bank(BankConfig.model_validate({"folder": str(self.folder), **settings}))

    def pages(self, **settings: Any) -> list[Page]:
        until = datetime.fromtimestamp(now_us() / 1e6, UTC) - timedelta(seconds=5)
        pages = list(self.bank(**settings).pull("transaction", self.cursor, Window(until)))
        self.cursor = json.loads(json.dumps(pages[-1].cursor))
        for page in pages:
            self.records.update({item.source_id: json.loads(item.body) for item in page.records})
        return pages

    def pull(self, **settings: Any) -> list[dict[str, Any]]:
        """The records of a pull; nothing may be rejected."""
        pages = self.pages(**settings)
        assert refusals(pages) == []
        return [json.loads(item.body) for page in pages for item in page.records]

    def check(self, **settings: Any) -> CheckLine:
        [line] = self.bank(**settings).check()
        return line


def rejects(pages: list[Page]) -> list[RejectedRecord]:
    return [item for page in pages for item in page.rejected]


def refusals(pages: list[Page]) -> list[str]:
    return [item.reason for item in rejects(pages)]


def moot(pages: list[Page]) -> list[str]:
    return [item for page in pages for item in page.deleted_ids]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    folder = tmp_path / "statements"
    folder.mkdir()
    return Vault(folder)


@pytest.fixture(autouse=True)
def time_goes_by() -> Iterator[None]:
    with no_waiting():
        yield


def mt940(
    *lines: str,
    number: str = "1/1",
    opening: str = "100.00",
    closing: str | None = None,
    day: str = "260105",
    account: str = ACCOUNT,
) -> str:
    """A statement of one day; a line is ``amount details``, signed, its closing balance is right unless given."""
    total = Decimal(opening)
    body = []
    for line in lines:
        amount, _, rest = line.partition(" ")
        reference, _, details = rest.partition("|")
        value = Decimal(amount)
        total += value
        mark = "C" if value >= 0 else "D"
        body.append(f":61:{day}{day[2:]}{mark}{_comma(abs(value))}NTRFNONREF{f'//{reference}' if reference else ''}")
        if details:
            body.append(f":86:{details}")
    end = Decimal(closing) if closing is not None else total
    head = [":20:STARTUMS", f":25:{account}", f":28C:{number}", f":60F:{_balance(Decimal(opening), day)}"]
    return "\r\n".join([*head, *body, f":62F:{_balance(end, day)}", "-", ""])


def _balance(value: Decimal, day: str) -> str:
    return f"{'C' if value >= 0 else 'D'}{day}CNY{_comma(abs(value))}"


def _comma(value: Decimal) -> str:
    text = f"{value:f}"
    return text.replace(".", ",") if "." in text else f"{text},"


def camt(
    *entries: str,
    version: str = "08",
    opening: str = "100.00",
    closing: str = "100.00",
    day: str = "2026-01-05",
    identification: str = "S-1",
    number: int | None = 1,
    currency: str = "EUR",
) -> str:
    """A statement of one day."""

    def balance(kind: str, amount: str) -> str:
        mark = "DBIT" if amount.startswith("-") else "CRDT"
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount.lstrip('-')}</Amt>"
            f"<CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    sequence = f"<ElctrncSeqNb>{number}</ElctrncSeqNb>" if number is not None else ""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}'><BkToCstmrStmt>"
        f"<GrpHdr><MsgId>M</MsgId><CreDtTm>{day}T20:00:00Z</CreDtTm></GrpHdr><Stmt><Id>{identification}"
        f"</Id>{sequence}<CreDtTm>{day}T20:00:00Z</CreDtTm><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id>"
        f"<Ccy>{currency}</Ccy></Acct>{balance('OPBD', opening)}{balance('CLBD', closing)}{''.join(entries)}</Stmt>"
        "</BkToCstmrStmt></Document>"
    )


def ntry(
    amount: str,
    mark: str = "CRDT",
    *,
    details: str = "",
    extra: str = "",
    reference: str = "",
    day: str = "2026-01-05",
    state: str = "<Sts><Cd>BOOK</Cd></Sts>",
    currency: str = "EUR",
) -> str:
    """An entry; ``extra`` comes before the status."""
    servicer = f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else ""
    return (
        f"<Ntry><Amt Ccy='{currency}'>{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{extra}{state}<BookgDt><Dt>{day}</Dt>"
        f"</BookgDt><ValDt><Dt>{day}</Dt></ValDt>{servicer}<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
        "<SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"{f'<NtryDtls>{details}</NtryDtls>' if details else ''}</Ntry>"
    )


def ofx(*transactions: str, xml: bool = False, header: str = "ENCODING:USASCII\r\nCHARSET:1252") -> str:
    """A statement; a transaction is ``amount fitid name``."""

    def leaf(name: str, value: str) -> str:
        return f"<{name}>{value}</{name}>" if xml else f"<{name}>{value}\r\n"

    entries = ""
    for item in transactions:
        amount, fitid, name = item.split(" ", 2)
        entries += (
            f"<STMTTRN>{leaf('TRNTYPE', 'CREDIT')}{leaf('DTPOSTED', '20260105120000.000[+8:CST]')}"
            f"{leaf('TRNAMT', amount)}{leaf('FITID', fitid)}{leaf('NAME', name)}"
            f"{leaf('MEMO', 'INV-7 &amp; co')}</STMTTRN>"
        )
    first = (
        '<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="211"?>'
        if xml
        else f"OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\n{header}\r\n\r\n"
    )
    return (
        f"{first}<OFX><BANKMSGSRSV1><STMTTRNRS>{leaf('TRNUID', '1')}<STATUS>{leaf('CODE', '0')}"
        f"{leaf('SEVERITY', 'INFO')}</STATUS><STMTRS>{leaf('CURDEF', 'CNY')}<BANKACCTFROM>{leaf('BANKID', '102')}"
        f"{leaf('ACCTID', '6222020000001234')}{leaf('ACCTTYPE', 'CHECKING')}</BANKACCTFROM><BANKTRANLIST>"
        f"{leaf('DTSTART', '20260101')}{leaf('DTEND', '20260131')}{entries}</BANKTRANLIST><LEDGERBAL>"
        f"{leaf('BALAMT', '500.00')}{leaf('DTASOF', '20260131')}</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )
