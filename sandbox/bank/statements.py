"""Statements as a bank writes them: CAMT.053 (001.08), MT940 and OFX 1.x; the latter two of money in, on one day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Entry:
    """Money that came in, or went out."""

    reference: str
    """The bank's own, of at most 16 letters and digits."""
    amount: Decimal
    """More than nothing."""
    text: str | None
    """For the payee."""
    outgoing: bool = False
    party: str = ""
    """The other side, by name."""
    day: date | None = None
    """Booked on; ``None``: the statement's."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One statement of an account."""

    account: str
    number: int
    day: date
    opening: Decimal
    entries: Sequence[Entry]
    currency: str = CURRENCY

    @property
    def closing(self) -> Decimal:
        """What the account holds then."""
        moved = (-entry.amount if entry.outgoing else entry.amount for entry in self.entries)
        return self.opening + sum(moved, Decimal(0))


def camt(sheet: Sheet) -> bytes:
    """CAMT.053; the account is an IBAN, or a number of the bank's own."""
    is_iban = sheet.account[:2].isalpha()
    account = f"<IBAN>{sheet.account}</IBAN>" if is_iban else f"<Othr><Id>{sheet.account}</Id></Othr>"
    entries = "\n".join(_camt_entry(sheet, entry) for entry in sheet.entries)
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt>"
        f"<GrpHdr><MsgId>M{sheet.number}</MsgId><CreDtTm>{sheet.day}T20:00:00Z</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S-{sheet.number}</Id><ElctrncSeqNb>{sheet.number}</ElctrncSeqNb><CreDtTm>{sheet.day}T20:00:00Z"
        f"</CreDtTm><Acct><Id>{account}</Id><Ccy>{sheet.currency}</Ccy></Acct>\n"
        f"{_camt_balance('OPBD', sheet.opening, sheet)}\n{_camt_balance('CLBD', sheet.closing, sheet)}\n"
        f"{entries}\n</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _camt_balance(kind: str, amount: Decimal, sheet: Sheet) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='{sheet.currency}'>{amount:f}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{sheet.day}</Dt></Dt></Bal>"
    )


def _camt_entry(sheet: Sheet, entry: Entry) -> str:
    day, family = entry.day or sheet.day, "ICDT" if entry.outgoing else "RCDT"
    side = "Cdtr" if entry.outgoing else "Dbtr"
    told = f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf>" if entry.text is not None else ""
    named = f"<{side}><Pty><Nm>{escape(entry.party)}</Nm></Pty></{side}>"
    parties = f"<RltdPties>{named}</RltdPties>" if entry.party else ""
    return (
        f"<Ntry><Amt Ccy='{sheet.currency}'>{entry.amount:f}</Amt><CdtDbtInd>{'DBIT' if entry.outgoing else 'CRDT'}"
        f"</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{entry.reference}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd>"
        "<SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls>"
        f"<Refs><AcctSvcrRef>{entry.reference}</AcctSvcrRef></Refs>{parties}{told}</TxDtls></NtryDtls></Ntry>"
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
