"""A tap over a file of orders: incremental by change time with `>=`, a state after every seventh record."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

EVERY = 7


def option(name: str) -> Any:
    if name not in sys.argv:
        return None
    return json.loads(Path(sys.argv[sys.argv.index(name) + 1]).read_text())


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    source = Path(option("--config")["path"])
    if "--discover" in sys.argv:
        fields = ("id", "number", "state", "net", "changed")
        properties = {name: {"type": "string"} for name in fields}
        metadata = [{"breadcrumb": [], "metadata": {"valid-replication-keys": ["changed"]}}]
        stream = {"tap_stream_id": "orders", "stream": "orders", "key_properties": ["id"]}
        say(streams=[{**stream, "schema": {"type": "object", "properties": properties}, "metadata": metadata}])
        return
    since = ((option("--state") or {}).get("bookmarks") or {}).get("orders", {}).get("changed", "")
    rows = sorted(json.loads(source.read_text()), key=lambda row: row["changed"])
    say(type="SCHEMA", stream="orders", schema={}, key_properties=["id"], bookmark_properties=["changed"])
    count = 0
    for row in rows:
        if row["changed"] < since:
            continue
        say(type="RECORD", stream="orders", record=row)
        count += 1
        if count % EVERY == 0:
            say(type="STATE", value={"bookmarks": {"orders": {"changed": row["changed"]}}})
    last = rows[-1]["changed"] if rows else since
    say(type="STATE", value={"bookmarks": {"orders": {"changed": last}}})


main()
