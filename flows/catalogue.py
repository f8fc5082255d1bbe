"""Every deployment there is, typed: what runs when. ``prefect.yaml`` and ``flows.deploy`` are made from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from settings.model import Schedule, Settings

WORK_POOL = "ltc"
GRACE_SECONDS = 120
"""How long a run may take from being given its place to running, before the place is free again (60 to 86,400)."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of one flow of ``flows.jobs``.

    At most one run at a time; a run that is due while another is at work is left out, the next one catches up.
    """

    name: str
    flow: str
    description: str
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    cron: str | None = None
    interval: int | None = None
    """Seconds."""
    timezone: str = "UTC"
    after_reconciliation: bool = False
    """Started by the event that the reconciliation emits when there may be something to write."""

    @property
    def entrypoint(self) -> str:
        """The flow as an importable name: found wherever ltc-sync is installed."""
        return f"flows.jobs.{self.flow}"


def default() -> list[Deployment]:
    """What ``prefect.yaml`` deploys: everything in one flow run every quarter of an hour, deletions found at night."""
    return [
        _sync("*/15 * * * *", "UTC"),
        _reconcile("7 * * * *", "UTC"),
        _sweep("30 2 * * *", "UTC"),
        Deployment("pull", "pull", "Pull one system (parameter `system`) or all, when started by hand", ("ltc",)),
        Deployment("push", "push", "Plan and write back to one system or all, when started by hand", ("ltc",)),
    ]


def for_settings(settings: Settings) -> list[Deployment]:
    """What ``ltc deploy`` deploys for an ltc.yaml.

    If no system has a schedule of its own, ``sync`` does everything every quarter of an hour. Otherwise each system is
    pulled by its own schedule, the reconciliation follows four times an hour, and the pushes follow the reconciliation.
    """
    own = any(system.schedule for system in settings.systems.values())
    zone = settings.timezone
    found = [_sync(None if own else "*/15 * * * *", zone)]
    found += [_reconcile("7,22,37,52 * * * *" if own else None, zone), _sweep("30 2 * * *", zone)]
    for name, system in settings.systems.items():
        found.append(_pull(name, system.schedule, zone))
        if system.push != "off":
            found.append(_push(name, after_reconciliation=own))
    return found


def problems(deployments: Iterable[Deployment]) -> list[str]:
    """What is wrong with a catalogue: names twice, two schedules, a schedule nobody can read."""
    from prefect.client.schemas.schedules import CronSchedule

    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    for item in deployments:
        key = (item.flow, item.name)
        if key in seen:
            found.append(f"{item.flow}/{item.name} is there twice")
        seen.add(key)
        if item.cron and item.interval:
            found.append(f"{item.flow}/{item.name} has two schedules")
        try:
            CronSchedule(cron=item.cron or "* * * * *", timezone=item.timezone)
        except ValueError:
            found.append(f"{item.flow}/{item.name}: {item.cron!r} is no cron expression")
    return found


def _sync(cron: str | None, zone: str) -> Deployment:
    text = "The whole job: pull, reconcile, plan, write back where allowed"
    return Deployment("sync", "sync", text, ("ltc",), cron=cron, timezone=zone)


def _reconcile(cron: str | None, zone: str) -> Deployment:
    text = "Link, tie out and check what is in the store"
    return Deployment("reconcile", "reconcile", text, ("ltc",), cron=cron, timezone=zone)


def _sweep(cron: str, zone: str) -> Deployment:
    text = "Find records that were deleted where the source does not say so"
    return Deployment("sweep", "sweep", text, ("ltc",), cron=cron, timezone=zone)


def _pull(system: str, schedule: Schedule | None, zone: str) -> Deployment:
    return Deployment(
        f"pull-{system}",
        "pull",
        f"Read what changed in {system}",
        ("ltc", system),
        {"system": system},
        cron=schedule.cron if schedule else None,
        interval=schedule.interval if schedule else None,
        timezone=zone,
    )


def _push(system: str, after_reconciliation: bool) -> Deployment:
    text = f"Plan the write-backs to {system} and carry them out if allowed"
    parameters = {"system": system}
    return Deployment(
        f"push-{system}", "push", text, ("ltc", system), parameters, after_reconciliation=after_reconciliation
    )
