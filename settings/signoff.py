"""What ltc.yaml may say about findings and their sign-off: what is material, who owns it until when, who may sign."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from settings.currencies import Currency

Department = Literal["marketing", "sales", "sales_operations", "logistics", "finance", "customer_service", "it"]
Severity = Literal["error", "warning", "info"]
_Amount = Annotated[Decimal, Field(ge=0)]


def _due_days() -> dict[Severity, int]:
    return {"error": 7, "warning": 30, "info": 90}


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Materiality(_Settings):
    """Findings below it are counted and shown as immaterial; major units.

    ``currencies`` goes before ``base``, which is compared with the amount in the base currency.
    """

    base: _Amount | None = None
    currencies: dict[Currency, _Amount] = Field(default_factory=dict)


class Findings(_Settings):
    """Who takes care of findings that nobody was assigned to, and within how many days by severity."""

    owners: dict[Department, str] = Field(default_factory=dict)
    due_days: dict[Severity, Annotated[int, Field(ge=0)]] = Field(default_factory=_due_days)


class Periods(_Settings):
    """Who may close and approve a period; nobody named: everybody. ``reopen``: nobody named: nobody."""

    makers: list[str] = Field(default_factory=list)
    checkers: list[str] = Field(default_factory=list)
    reopen: list[str] = Field(default_factory=list)
