"""What ltc.yaml may say, with every default."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from settings import cron, spans
from settings.cash import CashSettings
from settings.creation import CreationRule
from settings.currencies import Currency
from settings.encryption import Encryption, KeyReference
from settings.linking import Linking
from settings.parallel import Parallel
from settings.retention import Retention
from settings.signoff import Findings, Materiality, Periods
from settings.workbench import Workbench
from settings.writing import FieldName, Ownership, Policy, Role, Writing


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone") from None
    return name


def is_zone(name: str) -> bool:
    """Whether it is the name of a time zone that is known here."""
    try:
        _known_zone(name)
    except ValueError:
        return False
    return True


Timezone = Annotated[str, AfterValidator(_known_zone)]

_LONGEST_NAME = 120


def _a_name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"must be a name on one line, of at most {_LONGEST_NAME} characters")
    return name


def _known_store(address: str) -> str:
    if not address.startswith(("sqlite:///", "postgresql", "${")):
        raise ValueError(
            f"the store cannot be kept in {address.partition(':')[0]!r}; "
            "write sqlite:///ltc.db or postgresql+psycopg://user@host/database"
        )
    return address


def _possible_cron(text: str) -> str:
    if not cron.is_possible(text):
        raise ValueError(f"{text!r} is no cron expression: five fields, minute hour day month weekday")
    return text


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _span(given: Any) -> Any:
    found = spans.seconds(given)
    if isinstance(given, str) and found is None:
        raise ValueError("must be a span of time, such as 15m, 2h or 900 (seconds)")
    return given if found is None else found


class Schedule(_Settings):
    """When a system is synced: ``cron`` (in the settings' time zone) or ``interval``, in seconds or as in 15m or 2h."""

    cron: Annotated[str, AfterValidator(_possible_cron)] | None = None
    interval: Annotated[int | None, BeforeValidator(_span)] = Field(None, ge=60)

    @model_validator(mode="after")
    def _one_of_two(self) -> Schedule:
        if (self.cron is None) == (self.interval is None):
            raise ValueError("give either cron or interval")
        return self


DriftPolicy = Literal["evolve", "freeze", "quarantine"]
"""What becomes of records that look different from those before; see docs/drift.md."""


def _of_all(given: Any) -> Any:
    return {"*": given} if isinstance(given, str) else given


class SystemSettings(_Settings):
    """One source system. ``drift`` is one policy, or one a stream, with ``"*"`` for all others."""

    connector: str
    roles: list[Role] = Field(min_length=1)
    config: dict[str, Any] = Field(default_factory=dict)
    streams: list[str] | None = None
    mapping: str | None = None
    timezone: Timezone | None = None
    """Of times that name none; without it the company's."""
    schedule: Schedule | None = None
    push: Literal["off", "plan", "auto"] = "plan"
    webhook_path: KeyReference | None = None
    """The secret end of the system's webhook address, where the source signs nothing, or for good measure."""
    drift: Annotated[dict[str, DriftPolicy], BeforeValidator(_of_all)] = Field(default_factory=dict)

    def drift_of(self, stream: str) -> DriftPolicy:
        """The policy of one stream."""
        return self.drift.get(stream, self.drift.get("*", "evolve"))


class Tolerance(_Settings):
    """Two amounts agree if they differ by at most ``absolute`` (major units, per currency) or ``relative``."""

    absolute: dict[Currency, Annotated[Decimal, Field(ge=0)]] = Field(default_factory=dict)
    relative: Decimal = Field(Decimal(0), ge=0)


class ReconciliationSettings(_Settings):
    """Tolerances, parameters of checks, and rates to the base currency for totals across currencies."""

    tolerance: Tolerance = Field(default_factory=Tolerance)
    checks: dict[str, dict[str, Any]] = Field(default_factory=dict)
    checks_folder: Path | None = None
    """Where the checks of one's own are; see docs/own-checks.md."""
    rates: dict[Currency, Annotated[Decimal, Field(gt=0)]] = Field(default_factory=dict)
    same_payment_days: int = Field(7, ge=0, le=60)
    """How many days apart two systems may show one payment, or a payout's arrival and the bank's line for it."""
    materiality: Materiality = Field(default_factory=Materiality)
    findings: Findings = Field(default_factory=Findings)
    periods: Periods = Field(default_factory=Periods)
    linking: Linking = Field(default_factory=Linking)
    cash: CashSettings = Field(default_factory=CashSettings)
    parallel: Parallel = Field(default_factory=Parallel)


class Settings(_Settings):
    """The whole of ltc.yaml. ``path`` is where it was read from."""

    version: Literal[1]
    store: Annotated[str, AfterValidator(_known_store)] = "sqlite:///ltc.db"
    company: Annotated[str, AfterValidator(_a_name)] | None = None
    """Who sends reports and links to orders, as readers know it."""
    locale: Literal["en", "zh-CN"] = "en"
    timezone: Timezone = "UTC"
    base_currency: Currency = "CNY"
    as_of: AwareDatetime | None = None
    systems: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], SystemSettings] = Field(min_length=1)
    ownership: dict[FieldName, Ownership] = Field(default_factory=dict)
    writing: Writing = Field(default_factory=Writing)
    creation: list[CreationRule] = Field(default_factory=list)
    reconciliation: ReconciliationSettings = Field(default_factory=ReconciliationSettings)
    retention: Retention = Field(default_factory=Retention)
    encryption: Encryption = Field(default_factory=Encryption)
    workbench: Workbench = Field(default_factory=Workbench)
    path: Path = Field(Path("ltc.yaml"), exclude=True)

    @property
    def business_day_zone(self) -> ZoneInfo:
        """The zone in which days begin and end."""
        return ZoneInfo(self.timezone)

    def zone_of(self, system: str) -> str:
        """The time zone in which a system's times are meant that name none, an IANA name."""
        return self.systems[system].timezone or self.timezone

    def policy(self, entity: str, field: str) -> Policy:
        """What becomes of a value that somebody else wrote into a field that we write."""
        found = self.ownership.get(f"{entity}.{field}")
        return found.policy if found is not None else "owner_wins"

    def systems_with(self, role: str) -> list[str]:
        """Names of the systems that have a role."""
        return [name for name, system in self.systems.items() if role in system.roles]


__all__ = [
    "CreationRule",
    "Encryption",
    "Ownership",
    "Policy",
    "ReconciliationSettings",
    "Retention",
    "Role",
    "Schedule",
    "Settings",
    "SystemSettings",
    "Tolerance",
    "Writing",
]
