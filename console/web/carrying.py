"""What carries schedules out: what ``ltc deploy`` schedules, and the commands by which that is done."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.web.admin import timing
from flows import catalogue
from state import deployed, system_facts

if TYPE_CHECKING:
    from console.web.desk import Visit
    from settings.model import Schedule, Settings

_USUAL = "*/15 * * * *"
_DAILY = 86_400


@dataclass(frozen=True, slots=True)
class Carrying:
    """How schedules come to be carried out, of ltc.yaml as it is."""

    deploys: list[str]
    """What ``ltc deploy`` schedules, a sentence each."""
    ltc: str
    """How ``ltc`` is called for these settings, by its whole path: cron's PATH is short."""
    prefect: str
    """How ``prefect`` is called, likewise."""
    crons: list[str]
    """The lines for cron that sync: one of all systems, or one for each where their times differ."""
    log: str
    """The file that takes what they print: cron would send a mail of it."""
    pool: str
    """Of which a worker takes its work."""


def of(visit: Visit) -> Carrying:
    """How the schedules of this workbench's settings are carried out."""
    settings = visit.desk.settings
    path = Path(settings.path).absolute()
    ltc = f"{_program('ltc')} --config {shlex.quote(str(path))}"
    log = shlex.quote(str(path.parent / "sync.log"))
    lines = [f"{times}  {ltc} sync --unattended{only} >> {log} 2>&1" for times, only in _crons(settings, visit.systems)]
    return Carrying(_deploys(visit), ltc, _program("prefect"), lines, log, catalogue.WORK_POOL)


def _program(name: str) -> str:
    """A program that was installed with this one, by its whole path; its bare name where it is somewhere else."""
    beside = Path(sys.executable).parent / name
    return shlex.quote(str(beside)) if beside.exists() else name


def _crons(settings: Settings, systems: list[str]) -> list[tuple[str, str]]:
    """Times, and the option that limits what is synced to a system; that is empty where one line is for all."""
    times = {name: _cron(given) for name in systems if (given := settings.systems[name].schedule) is not None}
    if len(set(times.values())) < 2:
        return [(next(iter(times.values()), _USUAL), "")]
    return [(cron, f" --system {shlex.quote(name)}") for name, cron in times.items()]


def _cron(schedule: Schedule) -> str:
    """A schedule as cron has it; an interval that no hour or day can be divided by is run at the usual times."""
    if schedule.cron is not None:
        return schedule.cron
    span = schedule.interval or 0
    if span < 3600:
        minutes, rest = divmod(span, 60)
        each = "*" if minutes == 1 else f"*/{minutes}"
        return f"{each} * * * *" if not rest and 60 % minutes == 0 else _USUAL
    hours, rest = divmod(span, 3600)
    if span == _DAILY:
        return "0 0 * * *"
    return f"0 */{hours} * * *" if not rest and hours < 24 and 24 % hours == 0 else _USUAL


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
