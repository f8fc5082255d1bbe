"""The demo itself: start, sync, report, write back, sync again, and hold the findings against the planted faults."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, Literal

import settings as settings_room
from sandbox.demo import config, systems
from sandbox.demo.place import Place
from sandbox.demo.verify import Verdict, verify
from sandbox.world.build import build_world
from settings.model import Settings
from sync.opening import open_for
from sync.result import SyncResult

Engine = Literal["prefect", "local"]


def run(folder: Path, engine: Engine = "prefect", locale: str | None = None) -> int:
    """Do the whole demo in ``folder``, from nothing; returns the exit code.

    What an earlier demo left in the folder is removed. Raises ``FileExistsError`` if the folder is not the demo's.
    """
    place = Place(folder.resolve())
    started = time.monotonic()
    _clear(place)
    _say("1/6 Starting the demo: 简道云 Jiandaoyun, Salesforce, Tryton (the real server), Xero, Stripe, a bank …")
    with systems.started(place) as endpoints:
        config.write(place, endpoints)
        settings = settings_room.load(place.settings)
        exact = _work(place, settings, engine, locale or settings.locale)
    _say(f"Done in {time.monotonic() - started:.0f} s. Bring the systems back up with `make demo-up`; everything else")
    _say(f"works without them: .venv/bin/ltc --config {_shown(place.settings)} report --format json")
    return 0 if exact else 1


def _work(place: Place, settings: Settings, engine: Engine, locale: str) -> bool:
    from console import summary
    from console.report import write_all
    from reconciliation import report as reports

    _say(f"2/6 Pulling, mapping, linking, reconciling and planning ({_named(engine)}) …")
    first = _job(settings, engine, "sync")
    with open_for(settings) as store:
        report = reports.build(store, settings, locale=locale)
    summary.show(first, report, locale)
    _say("3/6 Holding the findings against the faults that were planted in the demo company …")
    verdict = verify(report["findings"], build_world().faults)
    _tell(verdict)
    _say("4/6 Writing the report …")
    for kind, path in write_all(report, place.reports, locale).items():
        _say(f"      {kind:5} {_shown(path)}")
    _say("5/6 A system that is new here is read only until a person accepts how its records were matched.")
    _accept(settings)
    _say("    Applying the planned write-backs …")
    applied = _job(settings, engine, "push", push="apply")
    summary.show(applied, None, locale)
    _say("6/6 Running the job again: nothing should be left to do …")
    again = _job(settings, engine, "sync")
    summary.show(again, None, locale)
    left = sum(len(plan.items) for plan in again.plans)
    news = {name: sums.get("new", 0) + sums.get("changed", 0) for name, sums in again.counts().items()}
    _say(f"      new or changed records: {sum(news.values())}, write-backs left: {left}")
    done = all(result.status == "done" for result in (first, applied, again))
    return done and verdict.exact and not left and not any(news.values())


def _accept(settings: Settings) -> None:
    """What a person does with `ltc push --accept-first SYSTEM` after a look at `ltc push --plan`."""
    from sync import matching

    with open_for(settings) as store:
        for found in matching.accept(store, settings.systems, "demo"):
            records, linked = (sum(getattr(item, name) for item in found.entities) for name in ("records", "linked"))
            _say(f"      ltc push --accept-first {found.system:5}  {linked} of {records} records are linked to others")


def _job(settings: Settings, engine: Engine, job: str, **options: Any) -> SyncResult:
    from console.progress import progress

    with progress() as shown:
        if engine == "prefect":
            from flows.sync import run as run_flow

            return run_flow(settings.path, flow=job, progress=shown, actor="demo", **options)
        from sync import job as jobs

        with open_for(settings) as store:
            local: SyncResult = getattr(jobs, f"run_{job}")(store, settings, progress=shown, actor="demo", **options)
            return local


def _clear(place: Place) -> None:
    if not place.root.exists():
        place.root.mkdir(parents=True)
        return
    if any(place.root.iterdir()) and not place.systems.exists():
        raise FileExistsError(f"{place.root} holds something that is not the demo's; name another folder.")
    systems.stop(place)
    shutil.rmtree(place.root)
    place.root.mkdir()


def _tell(verdict: Verdict) -> None:
    planted = verdict.found + len(verdict.missed)
    _say(f"      planted {planted}, found {verdict.found}, other findings {len(verdict.extra)}")
    for fault in verdict.missed:
        _say(f"      NOT FOUND: {fault.check} {', '.join(fault.numbers)}: {fault.story}")
    for check, names in verdict.extra:
        _say(f"      NOT PLANTED: {check} {', '.join(names)}")


def _named(engine: Engine) -> str:
    return "as Prefect flows, on a temporary Prefect server" if engine == "prefect" else "without Prefect"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _say(text: str) -> None:
    print(text, flush=True)
