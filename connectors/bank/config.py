"""What an administrator sets for bank statements in ltc.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.files.config import Encoding, FileLimits, Pattern, SourceConfig


class BankLimits(FileLimits):
    """As for other files, but a statement is checked as a whole, so a file is held in memory."""

    file_mb: float = Field(64, gt=0, le=1024, description="The largest file")


class BankConfig(SourceConfig):
    """A folder of bank statements."""

    patterns: tuple[Pattern, ...] = Field(("*",), min_length=1, description="Which files: *.xml, *.sta, *.ofx")
    encoding: Encoding = Field("auto", description="Of MT940 and OFX: auto (UTF-8 or GB18030), or its name")
    balances: Literal["required", "optional"] = Field(
        "required",
        description="Whether a CAMT or MT940 statement without opening and closing balance, which nobody can check, "
        "is refused; a statement that has them is always checked",
    )
    limits: BankLimits = BankLimits()
