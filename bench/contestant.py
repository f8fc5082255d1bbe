"""One measured process: a pull from start to end, by us or by the raw limit.

    python -m bench.contestant ours|sealed|raw DATABASE SOURCE KIND [--full]

``sealed`` is ours with landing encrypted.

The last line of its output is JSON: records received, what was done, and the peak of its memory in KiB.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def ours(database: str, source: str, kind: str, full: bool, sealed: bool = False) -> dict[str, int]:
    """The pull job: open the store, load the mapping, pull the stream, note the run."""
    from sync import process

    process.starting()
    from bench.connector import Bench, BenchConfig
    from mappings.engine import load
    from state import runs
    from state.sealing import PLAIN, Key, Keys
    from state.store import open_store
    from sync.pull import pull_stream

    keys = Keys(Key(bytes(range(32)))) if sealed else PLAIN
    with open_store(database, keys=keys) as store, Bench(BenchConfig(url=source)) as connector:
        mapping = load(Path(__file__).with_name("mapping.yaml"))
        spec = next(spec for spec in connector.streams() if spec.name == kind)
        run_id = runs.start_run(store, "pull")
        process.started()
        outcome = pull_stream(store, connector, mapping, "bench", spec, run_id=run_id, full=full)
        runs.finish_run(store, run_id, outcome.status, outcome.counts)
    if outcome.error is not None:
        raise SystemExit(f"{outcome.error.message} {outcome.error.remedy}")
    return outcome.counts


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
    done = raw(database, source, kind, full) if name == "raw" else ours(database, source, kind, full, name == "sealed")
    sys.stdout.write(json.dumps({"counts": done, "peak_kib": peak_kib()}) + "\n")
