"""What a scheduler pays when there is nothing to do: the whole ``ltc`` command, from process start to end.

The company is the demo's, with its systems running in processes of their own. The books (Xero: a token, seven streams)
are synced alone, on both databases; then all systems of the demo.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.measure import Measurement, Options, Sample, command, measurement, postmaster
from sandbox.postgres import Postgres

_LTC = str(Path(sys.executable).with_name("ltc"))
_ALONE = "books"
_VERSION_AIM, _SYNC_AIM = 0.3, 0.5
_LEAST_ROUNDS = 5


def measure(options: Options) -> list[Measurement]:
    """The command alone, and syncs with nothing changed."""
    rounds = max(options.rounds, _LEAST_ROUNDS)
    found = [_judged("ltc --version", "", _VERSION_AIM, [command(_LTC, "--version") for _ in range(rounds)])]
    with tempfile.TemporaryDirectory() as name, Postgres.start(Path(name) / "postgres") as postgres:
        folder = Path(name) / "demo"
        with _company(folder):
            for database in ("SQLite", "PostgreSQL"):
                url, server = "sqlite:///alone.db", None
                if database == "PostgreSQL":
                    postgres.create("bench_startup")
                    url, server = postgres.url("bench_startup"), postmaster(postgres)
                config = _settings(folder, database, url, [_ALONE])
                found.append(_judged("ltc sync, one system", database, _SYNC_AIM, _syncs(config, rounds, server)))
            everything = _settings(folder, "all", "sqlite:///all.db", None)
            found.append(_judged("ltc sync, all systems of the demo", "SQLite", None, _syncs(everything, rounds, None)))
    return found


@contextmanager
def _company(folder: Path) -> Iterator[None]:
    """The demo's systems, filled, reconciled once and left running."""
    for step in (("run", "--engine", "local"), ("up",)):
        subprocess.run([_LTC, "demo", step[0], "--folder", str(folder), *step[1:]], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([_LTC, "demo", "down", "--folder", str(folder)], check=True, capture_output=True)


def _settings(folder: Path, name: str, store: str, systems: list[str] | None) -> Path:
    """The demo's settings with another store and, if asked for, fewer systems."""
    settings = yaml.safe_load((folder / "ltc.yaml").read_text(encoding="utf-8"))
    settings["store"] = store
    if systems is not None:
        settings["systems"] = {system: settings["systems"][system] for system in systems}
        del settings["ownership"]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return path


def _syncs(config: Path, rounds: int, server: int | None) -> list[Sample]:
    """Syncs that find nothing new, after two that fill the store and settle it."""
    arguments = (_LTC, "--config", str(config), "sync", "--engine", "local", "--push", "plan")
    for _ in range(2):
        command(*arguments)
    return [command(*arguments, server=server) for _ in range(rounds)]


def _judged(what: str, database: str, most: float | None, samples: list[Sample]) -> Measurement:
    item = measurement(what, database, 1, samples, [])
    if most is not None:
        item.aim, item.met = f"≤ {most} CPU s", item.cpu + item.server_cpu <= most
    return item
