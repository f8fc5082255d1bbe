"""The information for the account owner (`:86:`) of an MT940 line, in the three ways that banks write it.

``166?00GUTSCHRIFT?20EREF+…?32MUELLER``: subfields by number, which the package mt-940 takes apart.
``/EREF/…/NAME/…/REMI/…``: code words between slashes. Anything else is free text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from connectors.bank.statement import told

_CODES = (
    "EREF|KREF|PREF|MARF|MREF|CREF|CRED|CSID|TRTP|IBAN|BIC|NAME|REMI|RTRN|ISDT|TRCD|PURP|ULTC|ULTD|ULTB|BENM|ORDP|SVCL"
    "|CNTP|ADDR|CITY|BUSP|SWOC|SWOD|ACCW|INIT|TYPE|OCMT|CHGS|EXCH|NRTX|SUBM|OPRP|EXTX"
)
_SLASHED = re.compile(rf"/({_CODES})/")
_WIDTH = 65
"""A line of this length goes on in the next one, in the middle of a word if need be."""


@dataclass(slots=True)
class Details:
    """What the details of a line say."""

    name: str | None = None
    account: str | None = None
    bank: str | None = None
    end_to_end_id: str | None = None
    customer_reference: str | None = None
    mandate_id: str | None = None
    remittance: str | None = None
    return_reason: str | None = None
    note: str | None = None
    lines: list[str] = field(default_factory=list)


def parsed(data: dict[str, Any]) -> Details:
    """The details of one line, from what mt-940 made of it."""
    written = str(data.get("written_details") or "")
    lines = [line.strip() for line in written.split("\n") if line.strip()]
    if "transaction_details" not in data or data.get("purpose") is not None:
        return _numbered(data, lines)
    joined = _joined(lines)
    if joined.startswith("/") and _SLASHED.search(joined):
        return _slashed(joined, lines)
    return Details(remittance=joined or None, lines=lines)


def _numbered(data: dict[str, Any], lines: list[str]) -> Details:
    name = _plain(data.get("applicant_name"))
    additional = _plain(data.get("additional_purpose"))
    return Details(
        name=name,
        account=_plain(data.get("applicant_iban")),
        bank=_plain(data.get("applicant_bin")),
        end_to_end_id=told(data.get("end_to_end_reference")),
        customer_reference=told(data.get("customer_reference")),
        mandate_id=told(data.get("additional_position_reference")),
        remittance=" ".join(filter(None, (_plain(data.get("purpose")), additional))) or None,
        return_reason=_plain(data.get("return_debit_notes")),
        note=_plain(data.get("posting_text")),
        lines=lines,
    )


def _slashed(text: str, lines: list[str]) -> Details:
    parts = _SLASHED.split(text)
    found: dict[str, str] = {}
    for code, value in zip(parts[1::2], parts[2::2], strict=True):
        found.setdefault(code, value.strip("/ "))
    # `/REMI/USTD//…` and `/REMI/STRD/CUR/…`: unstructured and structured text.
    remittance = re.sub(r"^(?:USTD|STRD(?:/CUR)?)/+", "", found.get("REMI", ""))
    return Details(
        name=found.get("NAME") or None,
        account=found.get("IBAN") or None,
        bank=found.get("BIC") or None,
        end_to_end_id=told(found.get("EREF")),
        customer_reference=told(found.get("KREF")),
        mandate_id=told(found.get("MARF") or found.get("MREF")),
        remittance=remittance or None,
        return_reason=found.get("RTRN") or None,
        note=None if remittance else text,
        lines=lines,
    )


def _joined(lines: list[str]) -> str:
    text = ""
    for line in lines:
        text += line if len(line) >= _WIDTH else f"{line} "
    return text.strip()


def _plain(value: Any) -> str | None:
    return " ".join(str(value).split()) or None if value else None
