"""A currency as ltc.yaml may name it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from mappings.currencies import EXPONENTS


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        meant = " (the code of the renminbi is CNY)" if code.upper() == "RMB" else ""
        raise ValueError(f"{code!r} is no currency code of ISO 4217{meant}")
    return code


Currency = Annotated[str, AfterValidator(_known_currency)]
