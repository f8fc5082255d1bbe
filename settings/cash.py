"""What ltc.yaml may say about cash application: the rules in their order, each with what it may be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from settings.currencies import Currency

Kind = Literal[
    "reference",
    "account",
    "rounding",
    "discount",
    "fee",
    "withholding_tax",
    "withheld",
    "surcharge",
    "credit_note",
    "some_of_named",
    "reversal",
    "currency",
    "instalment",
    "ending",
    "namesake",
    "party_amount",
    "period",
    "partial",
    "overpayment",
    "balance",
    "subset_sum",
    "on_account",
]
ANY = "*"

_WIRE_FEES = {
    ANY: "35",
    **dict.fromkeys(("CNY", "HKD", "DKK", "NOK", "SEK"), "300"),
    **dict.fromkeys(("CZK", "TWD", "THB", "TRY", "MXN", "ZAR"), "1000"),
    **dict.fromkeys(("INR", "RUB"), "3000"),
    "JPY": "6000",
    "HUF": "15000",
    "KRW": "50000",
    "IDR": "600000",
    "VND": "900000",
}
"""What banks keep of a transfer abroad at most, by the order of magnitude; ours."""

_WITHHELD = {
    "rates": ["0.01", "0.02", "0.03", "0.05", "0.06", "0.075", "0.10", "0.15", "0.20"],
    "taxes": ["0", "0.06", "0.07", "0.09", "0.10", "0.13", "0.19", "0.20"],
    "tolerance": {ANY: "0.02"},
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "reference": {"reading": "exact"},
    "account": {"payments": 2},
    "rounding": {"tolerance": {ANY: "1"}, "share": "0.005"},
    "discount": {"grace_days": 3, "tolerance": {ANY: "0.02"}},
    "fee": {"most": _WIRE_FEES, "share": "0.15", "payments": 3},
    "withholding_tax": {**_WITHHELD, "payments": 2},
    "withheld": {**_WITHHELD, "payments": 3, "doubt": 0.001},
    "surcharge": {"share": "0.10", "payments": 2},
    "credit_note": {"chance": 0.001, "largest": 3},
    "some_of_named": {"chance": 0.001, "largest": 6},
    "reversal": {"days": 400},
    "currency": {"share": "0.01"},
    "instalment": {"share": "0.10"},
    "ending": {"chance": 0.00001},
    "namesake": {},
    "party_amount": {"doubt": 0.001},
    "period": {"chance": 0.00001, "largest": 6},
    "partial": {},
    "overpayment": {"share": "1"},
    "balance": {"chance": 0.00001},
    "subset_sum": {"chance": 0.00001, "largest": 6},
    "on_account": {"payments": 3},
}
"""What each kind of rule may be told, with what it goes by if it is not told."""

SHIPPED: tuple[dict[str, Any], ...] = (
    {"name": "exact_reference", "kind": "reference", "reading": "exact"},
    {"name": "cleaned_reference", "kind": "reference", "reading": "cleaned"},
    {"name": "payer_account", "kind": "account"},
    {"name": "early_payment_discount", "kind": "discount"},
    {"name": "rounding", "kind": "rounding"},
    {"name": "withholding_tax", "kind": "withholding_tax"},
    {"name": "some_of_an_order", "kind": "some_of_named"},
    {"name": "named_and_others", "kind": "credit_note"},
    {"name": "fee_or_short_payment", "kind": "fee"},
    {"name": "damaged_reference", "kind": "reference", "reading": "damaged"},
    {"name": "last_digits_and_amount", "kind": "ending"},
    {"name": "instalments", "kind": "instalment"},
    {"name": "surcharge", "kind": "surcharge"},
    {"name": "foreign_currency", "kind": "currency"},
    {"name": "reversal", "kind": "reversal"},
    {"name": "named_period", "kind": "period"},
    {"name": "name_and_amount", "kind": "namesake"},
    {"name": "party_amount_date", "kind": "party_amount"},
    {"name": "withheld_amount", "kind": "withheld"},
    {"name": "partial_payment", "kind": "partial"},
    {"name": "overpayment", "kind": "overpayment"},
    {"name": "whole_balance", "kind": "balance"},
    {"name": "sum_of_items", "kind": "subset_sum"},
    {"name": "on_account", "kind": "on_account"},
)
"""The rules in the order in which they are applied if ltc.yaml has none."""

_BY_NAME = {rule["name"]: rule for rule in SHIPPED}

Limit = dict[Currency | Literal["*"], Annotated[Decimal, Field(ge=0)]]
"""Major units per currency; ``"*"`` is for those that are not named."""


class CashRule(BaseModel):
    """One rule. A shipped one needs only its name; ``decision: suggest`` lets it propose instead of match.

    ``tolerance`` and ``most`` limit what is left over, never the whole amount; ``share`` is a fraction of the amount
    of the documents.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Kind
    enabled: bool = True
    decision: Literal["auto", "suggest"] = "auto"
    reading: Literal["exact", "cleaned", "damaged"] | None = None
    tolerance: Limit | None = None
    most: Limit | None = None
    share: Decimal | None = Field(None, ge=0, le=1)
    days: int | None = Field(None, ge=0)
    grace_days: int | None = Field(None, ge=0)
    payments: int | None = Field(None, ge=1)
    rates: list[Annotated[Decimal, Field(gt=0, lt=1)]] | None = None
    taxes: list[Annotated[Decimal, Field(ge=0, lt=1)]] | None = None
    chance: float | None = Field(None, ge=0, lt=1)
    doubt: float | None = Field(None, ge=0, lt=1)
    largest: int | None = Field(None, ge=1, le=12)

    @model_validator(mode="before")
    @classmethod
    def _shipped(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"name": given}
        if isinstance(given, Mapping) and "kind" not in given:
            known = _BY_NAME.get(str(given.get("name")))
            if known is None and "name" in given:
                raise ValueError(
                    f"no rule {given['name']!r} is shipped, so it needs a `kind`; shipped: {', '.join(_BY_NAME)}"
                )
            given = {**(known or {}), **given}
        return given

    @model_validator(mode="after")
    def _fitting(self) -> CashRule:
        known = PARAMETERS[self.kind]
        told = self.model_fields_set - {"name", "kind", "enabled", "decision"}
        unknown = sorted(told - known.keys())
        if unknown:
            can = f"it may be told {', '.join(known)}" if known else "there is nothing it may be told"
            raise ValueError(f"a rule of the kind {self.kind} has no `{unknown[0]}`; {can}")
        filled = {name: value for name, value in known.items() if getattr(self, name) is None}
        for name, value in filled.items():
            self.__dict__[name] = _parsed(name, value)
        return self


def _parsed(name: str, value: Any) -> Any:
    if name in ("tolerance", "most"):
        return {code: Decimal(amount) for code, amount in value.items()}
    if name in ("rates", "taxes"):
        return [Decimal(rate) for rate in value]
    return Decimal(value) if name == "share" else value


def shipped() -> list[CashRule]:
    """The rules that hold if ltc.yaml has none."""
    return [CashRule.model_validate(rule) for rule in SHIPPED]


class PaysFor(BaseModel):
    """Who pays for whom: each by number with us or registered name; a payer also by the name that banks show."""

    model_config = ConfigDict(extra="forbid")

    payer: Annotated[str, Field(min_length=1)]
    customer: Annotated[str, Field(min_length=1)]
    why: Literal["parent", "factor", "personal_account", "decided"] = "decided"


class CashSettings(BaseModel):
    """``rules`` are all there are, in the order in which they are applied; without it those that are shipped.

    ``rates`` are units of the base currency for one of another, by day; none is fetched.
    """

    model_config = ConfigDict(extra="forbid")

    enabled: bool = True
    rules: list[CashRule] = Field(default_factory=shipped)
    related: list[PaysFor] = Field(default_factory=list)
    rates: dict[Currency, dict[date, Annotated[Decimal, Field(gt=0)]]] = Field(default_factory=dict)

    @field_validator("rules")
    @classmethod
    def _once(cls, given: list[CashRule]) -> list[CashRule]:
        names = [rule.name for rule in given]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"the rule {twice!r} is there twice")
        return given
