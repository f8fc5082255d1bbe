"""For admins: prove a connector against its stand-in with the conformance kit, and see its grade."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from conformance import catalogue, shelf
from connectors import registry
from console.trial import environment
from console.web.desk import Administrator, AdministratorForm, Visit, see
from state import audit, runs
from state.clock import from_us
from state.news import TESTED

if TYPE_CHECKING:
    from settings.model import Settings
    from state.runs import Lease
    from state.store import Store

router = APIRouter()

_log = logging.getLogger("ltc.kit")
_SECONDS = 1200.0
_LEASE = "conformance kit"
_LONGEST = 300
"""Signs of a sentence that are kept."""
_ABSENT = "not_applicable"
_ORDER = ("failed", "broken", "passed", _ABSENT)


@dataclass
class Going:
    """One run of the kit."""

    connector: str
    actor: str
    of: int = 0
    """How many checks there are."""
    results: list[dict[str, Any]] = field(default_factory=list)
    done: dict[str, Any] | None = None
    problem: str = ""
    """Why it came to no result: ``stopped`` (it ended by itself), ``long`` (it was ended), or a sentence of its own."""
    last_words: str = ""
    """Where it was stopped: the last line that it wrote to its standard error."""
    ended: bool = False


class Kit:
    """Runs the kit in a process of its own, one at a time, in this server and in all that share its store."""

    def __init__(self, store: Store, command: tuple[str, ...] = (sys.executable, "-P", "-m", "console.tested")) -> None:
        self._store = store
        self._command = command
        self._lock = threading.Lock()
        self._at_work: threading.Thread | None = None
        self.last: Going | None = None
        """What was started here last."""

    def start(self, connector: str, folder: Path, actor: str) -> bool:
        """Start it for a connector (a manifest is looked for in ``folder``); False while one is going on."""
        with self._lock:
            if self.last is not None and not self.last.ended:
                return False
            try:
                with self._store.transaction() as connection:
                    lease = runs.acquire(connection, _LEASE, seconds=_SECONDS)
            except runs.LeaseHeld:
                return False
            self.last = Going(connector, actor)
            given = (self.last, folder, lease)
            self._at_work = threading.Thread(target=self._guarded, args=given, name="ltc kit", daemon=True)
            self._at_work.start()
            return True

    def wait(self, seconds: float) -> None:
        """Wait until it has ended."""
        if self._at_work is not None:
            self._at_work.join(seconds)

    def _guarded(self, going: Going, folder: Path, lease: Lease) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="ltc-kit-", ignore_cleanup_errors=True) as place:
                self._carry_out(going, folder, Path(place))
            if going.done is not None:
                with self._store.transaction() as connection:
                    audit.append(connection, going.actor, TESTED, _detail(going))
            elif not going.problem:
                going.problem = "stopped"
        except Exception as error:  # nobody else would hear of it
            going.problem, going.last_words = "stopped", type(error).__name__
        finally:
            if going.problem:
                _log.warning(
                    "the kit came to no result for %s: %s %s", going.connector, going.problem, going.last_words
                )
            with suppress(Exception), self._store.transaction() as connection:
                lease.release(connection)
            going.ended = True

    def _carry_out(self, going: Going, folder: Path, place: Path) -> None:
        said = place / "said"
        with said.open("wb") as written:
            process = subprocess.Popen(  # noqa: S603 - the connector is one of ours or of ltc.yaml
                [*self._command, going.connector, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                encoding="utf-8",
                cwd=place,
                env=environment() | {"TMPDIR": str(place)},
                start_new_session=True,
            )
        clock = threading.Timer(_SECONDS, _end_late, (process, going))
        clock.start()
        try:
            for line in process.stdout or ():
                _note(going, json.loads(line))
        finally:
            clock.cancel()
            _end(process)
            process.communicate()
            if going.done is None:
                going.last_words = _last_line(said)


def _last_line(file: Path) -> str:
    with file.open("rb") as written:
        written.seek(max(0, file.stat().st_size - 10 * _LONGEST))
        lines = written.read().decode(errors="replace").split("\n")
    return next((line.strip()[:_LONGEST] for line in reversed(lines) if line.strip()), "")


def _end_late(process: subprocess.Popen[str], going: Going) -> None:
    going.problem = "long"
    _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End it with all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _note(going: Going, told: dict[str, Any]) -> None:
    if "checks" in told:
        going.of = int(told["checks"])
    elif "result" in told:
        going.results.append(told["result"])
    elif "done" in told:
        going.done = told["done"]
    elif "problem" in told:
        going.problem = str(told["problem"])[:_LONGEST]


def _detail(going: Going) -> dict[str, Any]:
    """What is kept of a run: nothing that differs from run to run, and why a check was not passed."""
    done = going.done or {}
    return {
        "connector": going.connector,
        **{name: done[name] for name in ("grade", "passed", "applicable", "areas_not_applicable")},
        "checks": {item["name"]: item["status"] for item in done["checks"]},
        "why": {
            item["name"]: {locale: str(text)[:_LONGEST] for locale, text in item["why"].items()}
            for item in going.results
            if item["why"]
        },
    }


@router.get("/kit")
def overview(visit: Administrator) -> Response:
    """The connectors, their grades, and what is going on."""
    return _page(visit, None)


@router.get("/kit/{connector:path}")
def one(visit: Administrator, connector: str) -> Response:
    """What the last run said of a connector, check by check."""
    if connector not in connectors(visit.desk.settings):
        raise HTTPException(404)
    return _page(visit, connector)


@router.post("/kit/{connector:path}")
def start(visit: Administrator, _sent: AdministratorForm, connector: str) -> Response:
    """Start the kit for a connector."""
    if connector not in connectors(visit.desk.settings):
        raise HTTPException(404)
    if not _kit(visit).start(connector, Path(visit.desk.settings.path).resolve().parent, visit.member.name):
        return visit.page("refused", 409, what="409")
    return see(f"/kit/{quote(connector)}")


def connectors(settings: Settings) -> dict[str, list[str]]:
    """Every connector that may be tested, with the systems that use it; those of ltc.yaml first."""
    found: dict[str, list[str]] = {}
    for name, system in settings.systems.items():
        found.setdefault(system.connector, []).append(name)
    return found | {name: [] for name in registry.names() if name not in found}


def _page(visit: Visit, connector: str | None) -> Response:
    known = connectors(visit.desk.settings)
    mine = set(visit.systems)
    kept = kept_of(visit)
    going = _kit(visit).last
    shipped = shelf.read()
    rows = [
        {
            "connector": name,
            "systems": visit.texts.listed(system for system in systems if system in mine),
            "grade": lettered(visit, kept.get(name) or shipped.get(name)),
            "when": kept[name]["when"] if name in kept else None,
        }
        for name, systems in known.items()
    ]
    last = kept.get(connector) if connector else None
    checks = _checks(visit, last)
    empty = _empty(last) if last else []
    is_here = going is not None and going.connector == connector
    return visit.page(
        "kit",
        rows=rows,
        connector=connector,
        going=going if going is not None and not going.ended else None,
        problem=_why_none(visit, going) if is_here and going is not None and going.ended else "",
        last=last,
        grade=lettered(visit, last),
        empty=[visit.texts(f"conformance.area.{area}") for area in empty],
        applied=[item for item in checks if item["status"] != _ABSENT],
        absent=[item for item in checks if item["status"] == _ABSENT],
        untried=[item for item in checks if item["grave"] and item["status"] == _ABSENT and item["area"] not in empty],
    )


def _why_none(visit: Visit, going: Going) -> str:
    """Why it came to no result, in a sentence; empty if it came to one."""
    if going.problem == "long":
        return visit.texts("kit.long", minutes=round(_SECONDS / 60))
    if going.problem == "stopped":
        return visit.texts("kit.stopped_saying" if going.last_words else "kit.stopped", said=going.last_words)
    return visit.told(going.problem) if going.problem else ""


def lettered(visit: Visit, kept: Mapping[str, Any] | None) -> str:
    """The grade of a run, and whether it is one for reading alone; empty where there was no run."""
    if not kept or not kept.get("grade"):
        return ""
    reads = {"writing", "creating"} <= set(_empty(kept))
    return visit.texts("kit.reading_only", grade=kept["grade"]) if reads else str(kept["grade"])


def _empty(kept: Mapping[str, Any]) -> list[str]:
    """The areas of which no check applied."""
    found = kept.get("areas_not_applicable")
    return list(found) if found is not None else shelf.empty_areas(kept)


def kept_of(visit: Visit) -> dict[str, dict[str, Any]]:
    """The newest result of each connector."""
    with visit.desk.store.reading() as connection:
        found = audit.entries(connection, limit=500, action=TESTED)
    zone = visit.desk.settings.business_day_zone
    return {
        item.detail["connector"]: item.detail
        | {"when": f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M}", "by": item.actor}
        for item in reversed(found)
        if not item.erased
    }


def _checks(visit: Visit, kept: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Each check with its sentence and what came of it, failures first."""
    if kept is None:
        return []
    found = [
        {
            "name": item.name,
            "area": item.area,
            "grave": item.grave,
            "title": item.title[visit.texts.locale],
            "status": kept["checks"][item.name],
            "why": kept["why"].get(item.name, {}).get(visit.texts.locale, ""),
        }
        for item in catalogue.checks()
        if item.name in kept["checks"]
    ]
    return sorted(found, key=lambda item: _ORDER.index(item["status"]))


def _kit(visit: Visit) -> Kit:
    kit: Kit = visit.request.app.state.kit
    return kit
