"""Statements as a bank writes them: CAMT.053 (001.08), MT940 and OFX 1.x, each of one day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Entry:
    """Money that came in."""

    reference: str
    """The bank's own, of at most 16 letters and digits."""
    amount: Decimal
    """More than nothing."""
    text: str | None
    """For the payee."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One statement of an account."""

    account: str
    number: int
    day: date
    opening: Decimal
    entries: Sequence[Entry]

    @property
    def closing(self) -> Decimal:
        """What the account holds then."""
        return self.opening + sum((entry.amount for entry in self.entries), Decimal(0))


def camt(sheet: Sheet) -> bytes:
    """CAMT.053; the account is an IBAN."""
    entries = "\n".join(_camt_entry(sheet, entry) for entry in sheet.entries)
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt>"
        f"<GrpHdr><MsgId>M{sheet.number}</MsgId><CreDtTm>{sheet.day}T20:00:00Z</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S-{sheet.number}</Id><ElctrncSeqNb>{sheet.number}</ElctrncSeqNb><CreDtTm>{sheet.day}T20:00:00Z"
        f"</CreDtTm><Acct><Id><IBAN>{sheet.account}</IBAN></Id><Ccy>{CURRENCY}</Ccy></Acct>\n"
        f"{_camt_balance('OPBD', sheet.opening, sheet.day)}\n{_camt_balance('CLBD', sheet.closing, sheet.day)}\n"
        f"{entries}\n</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _camt_balance(kind: str, amount: Decimal, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='{CURRENCY}'>{amount:f}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _camt_entry(sheet: Sheet, entry: Entry) -> str:
    told = f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf>" if entry.text is not None else ""
    return (
        f"<Ntry><Amt Ccy='{CURRENCY}'>{entry.amount:f}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{sheet.day}</Dt></BookgDt><ValDt><Dt>{sheet.day}</Dt></ValDt><AcctSvcrRef>{entry.reference}"
        "</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><AcctSvcrRef>{entry.reference}</AcctSvcrRef></Refs>{told}</TxDtls></NtryDtls></Ntry>"
    )


def mt940(sheet: Sheet) -> bytes:
    """MT940 with free text in ``:86:``."""
    lines = [":20:STARTUMS", f":25:{sheet.account}", f":28C:{sheet.number}/1", f":60F:{_balance(sheet.opening, sheet)}"]
    for entry in sheet.entries:
        lines.append(f":61:{sheet.day:%y%m%d%m%d}C{_comma(entry.amount)}NTRFNONREF//{entry.reference}")
        lines += [f":86:{entry.text}"] if entry.text is not None else []
    return "\r\n".join([*lines, f":62F:{_balance(sheet.closing, sheet)}", "-", ""]).encode()


def _balance(amount: Decimal, sheet: Sheet) -> str:
    return f"C{sheet.day:%y%m%d}{CURRENCY}{_comma(amount)}"


def _comma(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.replace(".", ",") if "." in text else f"{text},"


def ofx(sheet: Sheet) -> bytes:
    """OFX 1.x; the account is the bank's number and its own, with a ``/`` between them."""
    bank, _, number = sheet.account.partition("/")
    entries = "".join(
        f"<STMTTRN>\r\n<TRNTYPE>CREDIT\r\n<DTPOSTED>{sheet.day:%Y%m%d}120000\r\n<TRNAMT>{entry.amount:f}\r\n"
        f"<FITID>{entry.reference}\r\n{_memo(entry.text)}</STMTTRN>\r\n"
        for entry in sheet.entries
    )
    return (
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:UTF-8\r\nCHARSET:NONE\r\n\r\n"
        "<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1\r\n<STATUS><CODE>0\r\n<SEVERITY>INFO\r\n</STATUS>\r\n<STMTRS>"
        f"<CURDEF>{CURRENCY}\r\n<BANKACCTFROM><BANKID>{bank}\r\n<ACCTID>{number}\r\n<ACCTTYPE>CHECKING\r\n"
        f"</BANKACCTFROM>\r\n<BANKTRANLIST><DTSTART>{sheet.day:%Y%m%d}\r\n<DTEND>{sheet.day:%Y%m%d}\r\n{entries}"
        f"</BANKTRANLIST>\r\n<LEDGERBAL><BALAMT>{sheet.closing:f}\r\n<DTASOF>{sheet.day:%Y%m%d}\r\n</LEDGERBAL>\r\n"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\r\n"
    ).encode()


def _memo(text: str | None) -> str:
    return "" if text is None else f"<MEMO>{escape(text)}\r\n"


FORMATS: dict[str, Callable[[Sheet], bytes]] = {"xml": camt, "sta": mt940, "ofx": ofx}
"""By the ending of the file."""
