"""The entries of a CAMT.053 statement: single ones, and batches, of which the parts are the transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain
from xml.etree.ElementTree import Element

from connectors.bank.camtxml import children, path, text, texts
from connectors.bank.statement import Money, Party, Statement, Transaction, decimal, joined, plain, told

_BOOKED = "BOOK"
_NOT_BOOKED = frozenset({"PDNG", "INFO", "FUTR"})
_REFERENCES = {
    "message_id": "MsgId",
    "payment_information_id": "PmtInfId",
    "instruction_id": "InstrId",
    "transaction_id": "TxId",
    "uetr": "UETR",
    "clearing_reference": "ClrSysRef",
}


def transactions_of(entry: Element, statement: Statement) -> tuple[Decimal, list[Transaction]]:
    """What an entry adds to the balance, and its transactions; nothing of one that is not booked.

    Raises ``ValueError`` with what is wrong about the entry.
    """
    amount = path(entry, "Amt")
    if amount is None:
        raise ValueError("amount is missing")
    try:
        value = decimal(amount.text or "")
    except ValueError:
        raise ValueError("amount is none") from None
    mark = text(entry, "CdtDbtInd")
    if mark not in ("CRDT", "DBIT"):
        raise ValueError("sign (CdtDbtInd) is missing")
    state = text(entry, "Sts/Cd") or text(entry, "Sts/Prtry") or text(entry, "Sts")
    if state in _NOT_BOOKED:
        return Decimal(0), []
    if state != _BOOKED:
        raise ValueError("status (Sts) is not known")
    total = value if mark == "CRDT" else -value
    made = _Entry(entry, statement, amount.get("Ccy") or statement.currency)
    parts = [item for group in children(entry, "NtryDtls") for item in children(group, "TxDtls")]
    split = made.split(parts, total) if len(parts) > 1 else None
    if split is None:
        split = [made.transaction(total, parts[0] if len(parts) == 1 else None, parts)]
    return total, split


class _Entry:
    def __init__(self, entry: Element, statement: Statement, currency: str) -> None:
        self._entry = entry
        self._statement = statement
        self._currency = currency
        self._reversal = text(entry, "RvslInd") in ("true", "1")
        self._booked_on = _day(entry, "BookgDt") or _day(entry, "ValDt") or statement.closed_on
        if not self._booked_on:
            raise ValueError("booking date is missing")

    def split(self, parts: list[Element], total: Decimal) -> list[Transaction] | None:
        """The parts of a batch, if they have amounts in the account's currency that make up the whole."""
        amounts = [self._amount_of(part, total) for part in parts]
        found = [amount for amount in amounts if amount is not None]
        if len(found) < len(parts) or sum(found) != total:
            return None
        return [self.transaction(amount, part, []) for amount, part in zip(found, parts, strict=True)]

    def _amount_of(self, part: Element, total: Decimal) -> Decimal | None:
        """What a part adds to the balance; parts without a sign have that of the whole."""
        amount = path(part, "Amt")
        if amount is None:
            amount = path(part, "AmtDtls/TxAmt/Amt")
        if amount is None or amount.get("Ccy", self._currency) != self._currency:
            return None
        try:
            value = decimal(amount.text or "")
        except ValueError:
            return None
        mark = text(part, "CdtDbtInd")
        return -value if (mark == "DBIT" if mark else total < 0) else value

    def transaction(self, signed: Decimal, part: Element | None, unsplit: list[Element]) -> Transaction:
        """One transaction; ``unsplit`` are parts whose texts are gathered because they have no amounts of their own."""
        entry, is_in = self._entry, signed >= 0
        sources = [part] if part is not None else unsplit
        lines = [line for source in sources for line in texts(source, "RmtInf/Ustrd")]
        structured = [ref for source in sources for ref in texts(source, "RmtInf/Strd/CdtrRefInf/Ref")]
        structured += [ref for source in sources for ref in texts(source, "RmtInf/Strd/CdtrRefInf/CdtrRef")]
        documents = [ref for source in sources for ref in texts(source, "RmtInf/Strd/RfrdDocInf/Nb")]
        documents += [ref for source in sources for ref in texts(source, "RmtInf/Strd/RfrdDocInf/RfrdDocNb")]
        extra = [line for source in sources for line in texts(source, "RmtInf/Strd/AddtlRmtInf")]
        note = text(part, "AddtlTxInf") or text(entry, "AddtlNtryInf")
        remittance = joined([*lines, *structured, *documents, *extra])
        # In a reversal the parties are those of the transaction that is reversed.
        debtor = is_in is not self._reversal
        rate = text(part, "AmtDtls/InstdAmt/CcyXchg/XchgRate") or text(part, "AmtDtls/TxAmt/CcyXchg/XchgRate")
        return Transaction(
            account=self._statement.account,
            currency=self._currency,
            amount=plain(signed),
            direction="in" if is_in else "out",
            reversal=self._reversal,
            booked_on=self._booked_on,
            value_on=_day(entry, "ValDt"),
            reference=told(text(part, "Refs/AcctSvcrRef")) or told(text(entry, "AcctSvcrRef")),
            end_to_end_id=told(text(part, "Refs/EndToEndId")),
            customer_reference=told(text(part, "Refs/ChqNb")) or told(text(entry, "NtryRef")),
            mandate_id=told(text(part, "Refs/MndtId")),
            other_references={
                name: found for name, tag in _REFERENCES.items() if (found := told(text(part, f"Refs/{tag}")))
            },
            counterparty=_party(part, "Dbtr" if debtor else "Cdtr"),
            ultimate_counterparty=_name(part, "UltmtDbtr" if debtor else "UltmtCdtr"),
            remittance=remittance,
            remittance_lines=lines + extra,
            structured_references=structured,
            documents=documents,
            has_remittance=bool(remittance),
            code=_code(entry, part),
            charges=list(chain(_charges(entry), _charges(part))),
            instructed=_instructed(part) or _instructed(entry),
            exchange_rate=rate,
            return_reason=text(part, "RtrInf/Rsn/Cd")
            or text(part, "RtrInf/Rsn/Prtry")
            or text(part, "RtrInf/AddtlInf"),
            note=note,
            part_of_batch=part is not None and len(list(_parts(entry))) > 1,
        )


def _parts(entry: Element) -> Iterator[Element]:
    for group in children(entry, "NtryDtls"):
        yield from children(group, "TxDtls")


def _day(entry: Element, name: str) -> str | None:
    found = text(entry, f"{name}/Dt") or text(entry, f"{name}/DtTm")
    return found[:10] if found else None


def _name(part: Element | None, role: str) -> str | None:
    return text(part, f"RltdPties/{role}/Nm") or text(part, f"RltdPties/{role}/Pty/Nm")


def _either(source: Element | None, way: str, names: Sequence[str]) -> str | None:
    """The first of these below ``way`` that says something."""
    return next((found for name in names if (found := text(source, f"{way}/{name}"))), None)


def _party(part: Element | None, role: str) -> Party:
    return Party(
        _name(part, role),
        _either(part, f"RltdPties/{role}Acct/Id", ("IBAN", "Othr/Id", "PrtryAcct/Id")),
        _either(part, f"RltdAgts/{role}Agt/FinInstnId", ("BICFI", "BIC", "ClrSysMmbId/MmbId", "Nm")),
    )


def _code(entry: Element, part: Element | None) -> str | None:
    for source in (part, entry):
        names = ("Domn/Cd", "Domn/Fmly/Cd", "Domn/Fmly/SubFmlyCd")
        domain = "/".join(found for name in names if (found := text(source, f"BkTxCd/{name}")))
        found = domain or text(source, "BkTxCd/Prtry/Cd")
        if found:
            return found
    return None


def _charges(source: Element | None) -> Iterator[Money]:
    """Charges of either shape: amounts of their own (to version 3), or records of them (from version 4)."""
    for group in children(source, "Chrgs"):
        for item in (*([group] if path(group, "Amt") is not None else []), *children(group, "Rcrd")):
            amount = path(item, "Amt")
            if amount is not None and amount.text:
                mark = text(item, "CdtDbtInd")
                direction = {"CRDT": "in", "DBIT": "out"}.get(mark or "")
                yield Money(amount.text.strip(), amount.get("Ccy"), direction)


def _instructed(source: Element | None) -> Money | None:
    amount = path(source, "AmtDtls/InstdAmt/Amt")
    return Money(amount.text.strip(), amount.get("Ccy")) if amount is not None and amount.text else None
