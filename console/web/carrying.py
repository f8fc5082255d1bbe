"""What carries schedules out: what ``ltc deploy`` schedules, and the commands by which that is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.web.admin import timing
from console.web.commands import called
from flows import catalogue
from state import deployed, system_facts

if TYPE_CHECKING:
    from console.web.desk import Visit


@dataclass(frozen=True, slots=True)
class Carrying:
    """How schedules come to be carried out, of ltc.yaml as it is."""

    deploys: list[str]
    """What ``ltc deploy`` schedules, a sentence each."""
    ltc: str
    """How ``ltc`` is called for these settings."""
    pool: str
    """Of which a worker takes its work."""


def of(visit: Visit) -> Carrying:
    """How the schedules of this workbench's settings are carried out."""
    return Carrying(_deploys(visit), called(visit.desk.settings), catalogue.WORK_POOL)


def after_change(visit: Visit) -> str:
    """What a schedule that was changed waits for: ``redeploy`` where schedules were deployed, ``cron`` where runs began
    by a schedule that was not, ``deploy`` where nothing carries schedules out yet."""
    with visit.desk.store.reading() as connection:
        if deployed.read(connection):
            return "redeploy"
        return "cron" if system_facts.scheduled(connection) else "deploy"


def _deploys(visit: Visit) -> list[str]:
    found = [item for item in catalogue.for_settings(visit.desk.settings) if item.cron or item.interval]
    crons = {item.flow: item.cron for item in found if item.flow in ("sync", "reconcile", "sweep")}
    told = [
        visit.texts(f"carrying.deploys.{flow}", times=timing.of({"cron": cron}).said(visit.texts))
        for flow, cron in crons.items()
    ]
    if "sync" not in crons:
        told = [visit.texts("carrying.deploys.pull"), *told, visit.texts("carrying.deploys.push")]
    return told
