"""What the settings say about reconciliation, as plain values: roles, business day, tolerances, check parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from settings.cash import CashSettings
from settings.parallel import Parallel
from state.clock import now, to_us

if TYPE_CHECKING:
    from reconciliation.checks import Check
    from settings.model import Settings
    from settings.signoff import Materiality

ROLES = ("marketing", "crm", "erp", "accounting", "payments", "bank", "service")
BASIS = ("company", "timezone", "base_currency", "locale", "materiality", "owners")
"""What reports say or count by; it is kept with the figures, so that an earlier report comes again as it was."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the settings that reconciliation obeys; the same rules and records give the same result."""

    roles: dict[str, tuple[str, ...]]
    """System → its roles."""
    timezone: str
    base_currency: str
    locale: str
    as_of: datetime
    """The instant that is now for every check, UTC."""
    absolute: dict[str, Decimal] = field(default_factory=dict)
    """Tolerance per currency, major units."""
    relative: Decimal = Decimal(0)
    """Tolerance as a fraction of the larger amount."""
    rates: dict[str, Decimal] = field(default_factory=dict)
    """Units of the base currency for one unit of a currency."""
    ownership: dict[str, str] = field(default_factory=dict)
    """``entity.field`` → role whose system owns it."""
    streams: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """System → the streams that it is to be read of, where the settings name them."""
    same_payment_days: int = 7
    """How many days apart two systems may show one payment, or a payout's arrival and the bank's line for it."""
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Check → parameters that differ from its defaults."""
    own_checks: dict[str, Check] = field(default_factory=dict)
    """Checks of the site's own, by id."""
    cash: CashSettings = field(default_factory=CashSettings)
    """The rules of cash application."""
    materiality: dict[str, str] = field(default_factory=dict)
    """Currency, or ``base`` → amount in major units below which a finding is immaterial."""
    owners: dict[str, str] = field(default_factory=dict)
    """Department → who takes care of findings that nobody was assigned to."""
    due_days: dict[str, int] = field(default_factory=dict)
    """Severity → days within which somebody has to have acted."""
    company: str = ""
    """Whose reports these are; empty if ltc.yaml does not say."""
    fixed_at: int | None = None
    """The instant in microseconds at which ltc.yaml holds the clock; ``None``: time goes on."""

    by_likeness: bool = True
    """Whether parties are linked by likeness too, not by equal keys alone."""
    sure_from: float = 0.99
    """The probability from which parties that are alike are one."""
    suggested_from: float = 0.5
    """The probability from which a person is asked."""

    parallel: Parallel = field(default_factory=Parallel)
    """Who does what falls into parts; it changes no result."""

    def own_words(self) -> dict[str, dict[str, Any]]:
        """What the checks of the site's own say, by id."""
        return {name: check.words() for name, check in self.own_checks.items()}

    @property
    def today(self) -> date:
        """The business day in the installation's time zone."""
        return self.as_of.astimezone(ZoneInfo(self.timezone)).date()

    def systems(self, role: str) -> list[str]:
        """The systems that have a role."""
        return [name for name, roles in self.roles.items() if role in roles]

    @property
    def period(self) -> str:
        """The month of the business day, ``YYYY-MM``."""
        return f"{self.today:%Y-%m}"

    @classmethod
    def of(cls, settings: Settings, as_of: datetime | None = None) -> Rules:
        """Read them from the settings; ``as_of`` goes before the one set there, which goes before the present.

        Raises ``SettingsError`` for a check of the site's own that cannot be used.
        """
        from reconciliation.checks import own

        found = settings.reconciliation
        return cls(
            roles={name: tuple(str(role) for role in system.roles) for name, system in settings.systems.items()},
            timezone=str(settings.timezone),
            base_currency=settings.base_currency,
            locale=str(settings.locale),
            as_of=(as_of or settings.as_of or now()).astimezone(UTC),
            absolute={currency: Decimal(str(value)) for currency, value in found.tolerance.absolute.items()},
            relative=Decimal(str(found.tolerance.relative)),
            rates={currency: Decimal(str(value)) for currency, value in (found.rates or {}).items()},
            ownership={name: str(found.owner) for name, found in settings.ownership.items()},
            streams={name: tuple(system.streams) for name, system in settings.systems.items() if system.streams},
            same_payment_days=found.same_payment_days,
            checks={name: _plain(values) for name, values in found.checks.items()},
            own_checks=own.load(found.checks_folder),
            by_likeness=found.linking.likeness,
            sure_from=found.linking.automatic,
            suggested_from=found.linking.suggest,
            parallel=found.parallel,
            cash=found.cash,
            materiality=_materiality(found.materiality),
            owners={str(department): name for department, name in found.findings.owners.items()},
            due_days={str(severity): days for severity, days in found.findings.due_days.items()},
            company=settings.company or "",
            fixed_at=None if settings.as_of is None else to_us(settings.as_of),
        )


def _materiality(given: Materiality) -> dict[str, str]:
    found = {str(code): f"{amount:f}" for code, amount in given.currencies.items()}
    return found if given.base is None else {**found, "base": f"{given.base:f}"}


def _plain(values: Any) -> dict[str, Any]:
    return dict(values) if isinstance(values, Mapping) else dict(values.model_dump(exclude_none=True))
