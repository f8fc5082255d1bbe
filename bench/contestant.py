"""One measured process: a pull from start to end, by us or by the raw limit.

    python -m bench.contestant ours|sealed|unwatched|strict|declared|raw DATABASE SOURCE KIND [--full] [--system NAME]

``sealed`` is ours with landing encrypted, ``unwatched`` without a look at the shape of records, ``strict`` with the
policy ``quarantine`` for what looks different, ``declared`` with a manifest instead of a connector in Python.

The last line of its output is JSON: records received, what was done, and the peak of its memory in KiB.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from connectors.contract import Connector
    from sync.drift import Policy


def ours(
    database: str, source: str, kind: str, full: bool, name: str = "ours", system: str = "bench"
) -> dict[str, int]:
    """The pull job: open the store, load the mapping, pull the stream, note the run."""
    from sync import process

    process.starting()
    process.yielding()
    from mappings.engine import load
    from state import runs
    from state.sealing import PLAIN, Key, Keys
    from state.store import open_store
    from sync.pull import pull_stream

    if name == "unwatched":
        _close_eyes()
    keys = Keys(Key(bytes(range(32)))) if name == "sealed" else PLAIN
    drift: Policy = "quarantine" if name == "strict" else "evolve"
    with open_store(database, keys=keys) as store, _connector(name, source) as connector:
        mapping = load(Path(__file__).with_name("mapping.yaml"))
        spec = next(spec for spec in connector.streams() if spec.name == kind)
        with runs.running(store, "pull") as run:
            process.started()
            outcome = pull_stream(store, connector, mapping, system, spec, run_id=run.id, full=full, drift=drift)
            run.finish(outcome.status, outcome.counts)
    if outcome.error is not None:
        raise SystemExit(f"{outcome.error.message} {outcome.error.remedy}")
    return outcome.counts


def _connector(name: str, source: str) -> Connector[Any]:
    if name == "declared":
        from connectors.declarative.connector import connector_of

        kind = connector_of(Path(__file__).with_name("manifest.yaml"))
        config: Any = kind.Config.model_validate({"base_url": source})
        return kind(config)
    from bench.connector import Bench, BenchConfig

    return Bench(BenchConfig(url=source))


def _close_eyes() -> None:
    """Let a pull land its pages as they come, as if nobody watched the shape of records."""
    from state import landing
    from sync import pull
    from sync.watch import Watch

    class Blind(Watch):
        def land(self, connection: Connection, records: Sequence[landing.Raw], **more: Any) -> landing.Counts:
            return landing.apply(connection, self.stream, self.mapper, records, run_id=self.run_id, **more)

    pull.Watch = Blind  # type: ignore[attr-defined]


def raw(database: str, source: str, kind: str, full: bool) -> dict[str, int]:
    """The machine's limit."""
    from bench import raw as limit

    if database.startswith("sqlite:///"):
        return {"pulled": limit.pull_sqlite(database.removeprefix("sqlite:///"), source, kind, full)}
    return {"pulled": limit.pull_postgres(database.replace("+psycopg", ""), source, kind, full)}


def peak_kib() -> int:
    """The peak of this process's resident memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    name, database, source, kind = sys.argv[1:5]
    full = "--full" in sys.argv
    system = sys.argv[sys.argv.index("--system") + 1] if "--system" in sys.argv else "bench"
    done = raw(database, source, kind, full) if name == "raw" else ours(database, source, kind, full, name, system)
    sys.stdout.write(json.dumps({"counts": done, "peak_kib": peak_kib()}) + "\n")
