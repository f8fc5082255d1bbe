"""A tap that reads rows out of a file: ``tap.py FOLDER --config FILE [--discover | --catalog FILE [--state FILE]]``.

``FOLDER/rows`` holds a row a line: stream, number, time of change, and the record as it is to be written. Orders are
read by their time with ``>=``, a run that was broken off goes on behind the last row it told of; customers are read as
a whole, by their number. ``FOLDER/breaks`` says how a run is to go wrong, ``FOLDER/runs`` lists them. Needs nothing
but Python.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STATE_EVERY = 100
"""Records between two states."""
STREAMS = {"orders": "changed", "customers": None}
"""Stream → its replication key."""
FIELDS = ("id", "changed", "note", "net", "_sdc_deleted_at")


def main() -> None:
    """One run."""
    folder = Path(sys.argv[1])
    with (folder / "runs").open("a") as log:
        log.write(f"{os.getpid()}\n")
    if "--discover" in sys.argv:
        _say({"streams": [_entry(name, key) for name, key in STREAMS.items()]})
        return
    config, state = _option("--config"), _option("--state") or {}
    name = _selected(_option("--catalog"))
    key = STREAMS[name]
    _say({"type": "SCHEMA", "stream": name, "schema": {}, "key_properties": ["id"]})
    end = _end(folder / "breaks")
    bookmark = state.get("bookmarks", {}).get(name) or {"changed": config.get("start_date", "")}
    count, last = 0, ""
    for row in _rows(folder / "rows", name, key, bookmark):
        end(count)
        sys.stdout.write(f'{{"type":"RECORD","stream":"{name}","record":{row["record"]}}}\n')
        count, last = count + 1, row["changed"]
        if count % STATE_EVERY == 0:
            _state(name, {"changed": last, "number": row["number"]} if key else {"number": row["number"]})
    end(count)
    if key is None:
        _state(name, None)  # the next run begins anew
    elif last:
        _state(name, {"changed": last})


def _rows(path: Path, name: str, key: str | None, bookmark: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rows = [row for row in map(json.loads, path.read_bytes().splitlines()) if row["stream"] == name]
    if key is None:
        return (row for row in rows if row["number"] > bookmark.get("number", 0))
    at = (bookmark["changed"], bookmark.get("number", 0))
    ordered = sorted(rows, key=lambda row: (row["changed"], row["number"]))
    return (row for row in ordered if (row["changed"], row["number"]) > at)


def _end(path: Path) -> Callable[[int], None]:
    """What happens before each record, given how many there were."""
    said = json.loads(path.read_text()) if path.exists() else None

    def end(count: int) -> None:
        if said is None or count < said["after"]:
            return
        sys.stderr.write(f"{said['says']}\n")
        sys.stderr.flush()
        if said["how"] == "ends midway":
            sys.stdout.write('{"type":"RECORD","stream":')
        sys.stdout.flush()
        if said["how"] == "hangs":
            signal.pause()
        if said["how"] == "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(1 if said["how"] == "fails" else 0)

    return end


def _entry(name: str, key: str | None) -> dict[str, Any]:
    about = {"table-key-properties": ["id"], "valid-replication-keys": [key] if key else []}
    properties = {field: {"type": ["string", "number", "null"]} for field in FIELDS}
    return {
        "tap_stream_id": name,
        "stream": name,
        "schema": {"type": "object", "properties": properties},
        "metadata": [{"breadcrumb": [], "metadata": about}],
    }


def _selected(catalog: Any) -> str:
    def is_selected(entry: Any) -> bool:
        return any(not item["breadcrumb"] and item["metadata"].get("selected") for item in entry["metadata"])

    return next(str(entry["tap_stream_id"]) for entry in catalog["streams"] if is_selected(entry))


def _option(name: str) -> Any:
    return json.loads(Path(sys.argv[sys.argv.index(name) + 1]).read_text()) if name in sys.argv else None


def _state(name: str, bookmark: dict[str, Any] | None) -> None:
    _say({"type": "STATE", "value": {"bookmarks": {name: bookmark}}})
    sys.stdout.flush()


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()
