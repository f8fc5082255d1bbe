"""How one system stands: its streams, who works on it, what its source allows and has said, what waits for people."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, SecretStr

from connectors import buckets
from connectors.buckets import Bucket
from connectors.budget import Priority
from state import calls_made, circuits, system_facts
from state.clock import from_us, now_us, to_us

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from connectors.budget import Allowance, Quota
    from connectors.contract import StreamSpec
    from connectors.retry import RetryPolicy
    from settings.model import Settings
    from state.circuits import Circuit
    from state.queries import Attempt
    from state.store import Store
    from state.system_facts import Holder, Listed, Webhooks

Calls = Literal["open", "resting", "used_up", "refused"]
"""Whether the source takes calls: yes; not for a while, as it said; not today; not with these credentials."""


@dataclass(frozen=True, slots=True)
class Account:
    """One allowance of the system's account; instants in microseconds, ``None`` where nobody has said so yet."""

    name: str
    about: str
    calls: float | None
    """In any ``seconds``."""
    seconds: float
    concurrent: int | None
    most: int | None
    """Calls a day."""
    used: int | None
    left: int | None
    """For reads; what is kept for write-backs and for others is left out."""
    kept: int | None
    """What of the day reads leave to write-backs and to others."""
    resets_at: int | None
    rests_until: int | None
    """The source said that there were too many calls."""

    @property
    def percent(self) -> int | None:
        """How much of the day is used; ``None`` where nobody has said how much there is."""
        return None if not self.most or self.used is None else 100 * self.used // self.most

    @property
    def share(self) -> str:
        """The same for people: what is not nothing is not told as nothing."""
        return "< 1 %" if self.used and self.percent == 0 else "–" if self.percent is None else f"{self.percent} %"

    @property
    def rolls(self) -> bool:
        """Whether no day begins anew: any 24 hours count."""
        return self.most is not None and self.resets_at is None


@dataclass(frozen=True, slots=True)
class Brief:
    """One system in a line."""

    system: str
    connector: str
    unusable: tuple[str, str] | None
    """What is wrong with its part of ltc.yaml, and what to do; then nothing is known of its source."""
    accounts: tuple[Account, ...]
    calls_today: int
    """Whatever they were for."""

    @property
    def tightest(self) -> Account | None:
        """The allowance of which most of the day is used."""
        told = [item for item in self.accounts if item.percent is not None]
        return max(told, key=lambda item: item.percent or 0, default=None)


@dataclass(frozen=True, slots=True)
class Deletions:
    """How deletions in a system are noticed: streams that can be searched, and whether others tell of them."""

    searched: tuple[str, ...]
    told: bool


@dataclass(frozen=True, slots=True)
class Standing(Brief):
    """One system at one instant."""

    calls: Calls
    until: int | None
    """Until when it takes none, as far as that is known."""
    signs_in: bool
    """Whether a secret is in its settings, so that there is something to sign in with."""
    signed_in: tuple[int, ...]
    """When the access tokens that are kept for this kind of system were granted."""
    circuit: Circuit | None
    """What the last runs say that could not read it; ``None`` if the last one could."""
    unwritten: Circuit | None
    """The same, counting those, too, that could not write to it."""
    holders: tuple[Holder, ...]
    listed: dict[str, Listed]
    last: dict[str, Attempt]
    """The newest run of each stream, whatever it did; ``*`` for the system as a whole."""
    failing: tuple[Attempt, ...]
    tells: tuple[str, ...]
    """Streams of which it tells by webhook."""
    webhooks: Webhooks
    deletions: Deletions | None
    """``None`` while it cannot be used as ltc.yaml has it."""
    silence: Silence | None
    """``None`` where that is not known."""


class Silence(NamedTuple):
    """What happens to a call to a system that takes it and answers nothing."""

    policy: RetryPolicy
    seconds: float
    """Which one try may take."""

    @property
    def tries(self) -> int:
        """How often it is tried at most."""
        return self.policy.silent_tries(self.seconds)

    @property
    def most(self) -> float:
        """Seconds after which it is given up at the latest."""
        return self.policy.longest_silence(self.seconds)


def silence(settings: Settings, system: str) -> Silence | None:
    """What happens to a call that the system does not answer; ``None`` where that is not known. Calls no system."""
    return _offer(settings, system, streams=False).silence


def deletions(settings: Settings, system: str) -> Deletions | None:
    """How they are; ``None`` while the system cannot be used as ltc.yaml has it. Calls no system."""
    return _offer(settings, system, streams=True).deletions


def of(store: Store, settings: Settings, system: str, failing: Sequence[Attempt]) -> Standing:
    """Read it; ``failing`` are the last failures of all systems. Calls no system; raises ``StoreError``."""
    from state import queries

    offer = _offer(settings, system, streams=True)
    with store.reading() as connection:
        newest: dict[str, Attempt] = {}
        for item in queries.attempts(connection):
            if item.system == system and (
                item.stream not in newest or item.started_at > newest[item.stream].started_at
            ):
                newest[item.stream] = item
        accounts = _accounts(connection, offer.allowances)
        calls, until = _calls(accounts, newest)
        return Standing(
            system=system,
            connector=offer.connector,
            unusable=offer.unusable,
            accounts=tuple(accounts),
            calls_today=calls_made.since(connection, [system], _midnight(settings))[system],
            calls=calls,
            until=until,
            signs_in=offer.signs_in,
            signed_in=tuple(system_facts.tokens(connection, offer.connector)),
            circuit=circuits.read(connection).get(system),
            unwritten=circuits.read(connection, writing=True).get(system),
            holders=tuple(system_facts.holders(connection, system)),
            listed=system_facts.listed(connection, system),
            last=newest,
            failing=tuple(item for item in failing if item.system == system),
            tells=offer.tells,
            silence=offer.silence,
            deletions=offer.deletions,
            webhooks=system_facts.webhooks(connection, system),
        )


def briefs(store: Store, settings: Settings, systems: Sequence[str]) -> list[Brief]:
    """These systems, a line each. Calls no system; raises ``StoreError``."""
    offers = {system: _offer(settings, system, streams=False) for system in systems}
    with store.reading() as connection:
        calls = calls_made.since(connection, systems, _midnight(settings))
        return [
            Brief(system, told.connector, told.unusable, tuple(_accounts(connection, told.allowances)), calls[system])
            for system, told in offers.items()
        ]


def calls_today(store: Store, settings: Settings, systems: Sequence[str]) -> dict[str, int]:
    """Calls to these systems since the day began; raises ``StoreError``."""
    with store.reading() as connection:
        return calls_made.since(connection, systems, _midnight(settings))


def _midnight(settings: Settings) -> int:
    """When the present day began where business days are counted."""
    here = from_us(now_us()).astimezone(settings.business_day_zone)
    return to_us(here.replace(hour=0, minute=0, second=0, microsecond=0))


class _Offer(NamedTuple):
    """What a system's connector says of itself."""

    unusable: tuple[str, str] | None
    connector: str
    """Its name, or what ltc.yaml calls it where it cannot be used."""
    allowances: Sequence[Allowance] = ()
    tells: tuple[str, ...] = ()
    deletions: Deletions | None = None
    silence: Silence | None = None
    signs_in: bool = True


def _offer(settings: Settings, system: str, *, streams: bool) -> _Offer:
    """What it says; ``tells`` and ``deletions`` only if ``streams`` are asked for, which takes its mapping."""
    from connectors.errors import ConnectorError
    from settings.errors import SettingsError
    from sync.systems import SystemUnusable, open_connector, ordered_streams

    named = settings.systems[system].connector
    try:
        with closing(open_connector(settings, system)) as connector:
            seconds = getattr(connector.config, "timeout_seconds", None)
            silence = None if seconds is None else Silence(connector.patience, seconds)
            told = _Offer(None, connector.name, tuple(connector.allowances()), silence=silence)
            told = told._replace(signs_in=_has_secret(connector.config))
            if not streams:
                return told
            specs = ordered_streams(settings, system, connector)
            tells = _tells(specs) if connector.webhook() is not None else ()
            return told._replace(tells=tells, deletions=_deletions(specs))
    except (SystemUnusable, ConnectorError) as error:
        return _Offer((error.message, error.remedy), named)
    except SettingsError as error:  # ltc.yaml is gone, or was spoilt since it was read
        return _Offer((str(error), ""), named)


def _has_secret(config: Any) -> bool:
    """Whether one of the settings is a secret that is given."""
    if isinstance(config, SecretStr):
        return True
    if isinstance(config, BaseModel):
        return any(_has_secret(value) for _, value in config)
    inner = config.values() if isinstance(config, dict) else config if isinstance(config, list | tuple) else ()
    return any(map(_has_secret, inner))


def _tells(specs: Sequence[StreamSpec]) -> tuple[str, ...]:
    from connectors.contract import Webhooks as Kind

    return tuple(spec.name for spec in specs if spec.webhooks is not Kind.NONE)


def _deletions(specs: Sequence[StreamSpec]) -> Deletions:
    from connectors.contract import Deletes

    searched = tuple(spec.name for spec in specs if spec.deletes is Deletes.SWEEP)
    return Deletions(searched, any(spec.deletes is Deletes.TOMBSTONES for spec in specs))


def _accounts(connection: Connection, allowances: Sequence[Allowance]) -> list[Account]:
    known = system_facts.buckets(connection, [item.key for item in allowances])
    now = now_us()
    return [_account(item, known.get(item.key), now) for item in allowances]


def _account(item: Allowance, bucket: Bucket | None, now: int) -> Account:
    known: dict[str, Any] = {name: getattr(item, name) for name in ("name", "about", "calls", "seconds", "concurrent")}
    rests = bucket.paused_until if bucket is not None and bucket.paused_until > now else None
    if item.quota is None:
        return Account(**known, most=None, used=None, left=None, kept=None, resets_at=None, rests_until=rests)
    spent = Bucket() if bucket is None else bucket
    most = spent.most if spent.most is not None else item.quota.calls
    left = buckets.left(spent, item.quota, Priority.READ, now)
    used = buckets.used(spent, item.quota, now)
    kept = None if most is None or left is None else most - used - left
    resets = _resets_at(spent, item.quota, now)
    return Account(**known, most=most, used=used, left=left, kept=kept, resets_at=resets, rests_until=rests)


def _resets_at(bucket: Bucket, quota: Quota, now: int) -> int | None:
    """When a new day begins: as the source said, else at midnight in its zone; ``None`` where any 24 hours count."""
    if bucket.resets_at > now:
        return bucket.resets_at
    if quota.zone is None:
        return None
    from zoneinfo import ZoneInfo

    here: datetime = from_us(now).astimezone(ZoneInfo(quota.zone)) + timedelta(days=1)
    return to_us(here.replace(hour=0, minute=0, second=0, microsecond=0))


def _calls(accounts: Sequence[Account], newest: dict[str, Attempt]) -> tuple[Calls, int | None]:
    last = max(newest.values(), key=lambda item: item.started_at, default=None)
    if last is not None and last.status == "failed" and last.error_kind == "auth":
        return "refused", None
    resting = [item.rests_until for item in accounts if item.rests_until is not None]
    if resting:
        return "resting", max(resting)
    used_up = [item for item in accounts if item.left is not None and item.left <= 0]
    if used_up:
        return "used_up", max((item.resets_at for item in used_up if item.resets_at is not None), default=None)
    return "open", None
