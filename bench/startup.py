"""What a scheduler pays when there is nothing to do: the whole ``ltc sync``, from process start to end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.measure import Measurement, Options, Sample, measurement, postmaster, python
from bench.pull import serving
from sandbox.postgres import Postgres

_SETTINGS = """
version: 1
store: {store}
locale: en
timezone: UTC
base_currency: CNY
systems:
  bench:
    connector: bench
    roles: [erp]
    config: {{url: "{source}"}}
    streams: [orders]
    mapping: {mapping}
    push: "off"
"""


def measure(options: Options) -> list[Measurement]:
    """The command alone, and a sync with nothing changed on both databases."""
    found = [_judged("ltc --version", "", 0.3, lambda: python("bench.job", "--version"), options.rounds)]
    records = min(options.records, 10_000)
    with tempfile.TemporaryDirectory() as name, Postgres.start(Path(name) / "postgres") as postgres:
        folder = Path(name)
        postgres.create("bench_startup")
        stores = {"SQLite": f"sqlite:///{folder / 'ltc.db'}", "PostgreSQL": postgres.url("bench_startup")}
        for database, store in stores.items():
            server = postmaster(postgres) if database == "PostgreSQL" else None
            with serving("orders", records) as source:
                config = folder / f"{database}.yaml"
                mapping = Path(__file__).with_name("mapping.yaml")
                config.write_text(_SETTINGS.format(store=store, source=source, mapping=mapping))

                def sync(config: Path = config, server: int | None = server) -> Sample:
                    return python("bench.job", "--config", str(config), "sync", "--engine", "local", server=server)

                sync()
                sync()
                found.append(_judged("ltc sync, nothing changed", database, 0.5, sync, options.rounds))
    return found


def _judged(what: str, database: str, most: float, run: Callable[[], Sample], rounds: int) -> Measurement:
    item = measurement(what, database, 1, [run() for _ in range(rounds)], [])
    item.aim, item.met = f"≤ {most} CPU s", item.cpu + item.server_cpu <= most
    return item
