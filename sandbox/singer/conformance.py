"""A Singer tap as the conformance kit plays on it: orders by their time of change, and customers read as a whole."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from conformance.needs import Need
from conformance.offline import End, ProgramWorld
from conformance.world import Stage, Wish, decoded, known_fields

_TAP = Path(__file__).with_name("tap.py")
_TOKEN = "correct horse battery kit"
"""Words in small letters: nothing but knowing it tells that it is a secret."""
_LEAST_SECONDS = 5.0
"""A program takes its time to start; with less, one that hangs and one that starts could not be told apart."""
_PAGE = 1000
"""The connector's own; it has no setting for it."""
_STREAMS = {"order": "orders", "customer": "customers"}
_json = msgspec.json.Encoder(decimal_format="number")


def _stage(stream: str, *can: Need) -> Stage:
    return Stage(stream, list="", text="note", page=_PAGE, large=_PAGE, number="net", can=frozenset(can))


ORDER = _stage("order", Need.TIMES)
CUSTOMER = _stage("customer")


class SingerWorld(ProgramWorld):
    """A source with two tables, and the tap that reads them."""

    connector: ClassVar[str] = "singer"
    can = frozenset(
        {
            Need.PAGES,
            Need.EDIT,
            Need.DELETE,
            Need.UNDELETE,
            Need.VERBATIM,
            Need.HUGE,
            Need.EMPTY,
            Need.TIMEOUT,
        }
    )
    secrets = (_TOKEN,)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder
        self.empty()

    def empty(self) -> None:
        """Begin anew with an empty source."""
        super().empty()
        self._rows: dict[str, dict[str, dict[str, Any]]] = {stream: {} for stream in _STREAMS}
        self._lines: dict[tuple[str, str], bytes] = {}
        self._changed: Callable[[bytes], bytes] = bytes
        self.mend()
        (self._folder / "runs").unlink(missing_ok=True)
        self._save(ORDER, [])

    def stages(self) -> Sequence[Stage]:
        """Orders tell of their deletion, customers are swept."""
        return [ORDER, CUSTOMER]

    def config(self, wish: Wish) -> dict[str, Any]:
        """The tap, run by this Python."""
        incremental = {"replication_method": "INCREMENTAL", "replication_key": "changed", "deletes": "tombstones"}
        whole = {"replication_method": "FULL_TABLE", "deletes": "sweep"}
        config: dict[str, Any] = {
            "executable": sys.executable,
            "arguments": ["-S", str(_TAP), str(self._folder)],
            "config": {"token": _TOKEN},
            "start_date_setting": "start_date",
            "streams": {
                "order": {"stream": "orders", "entity": "order", **incremental},
                "customer": {"stream": "customers", "entity": "customer", **whole},
            },
        }
        if wish.timeout is not None:
            config["timeout_seconds"] = max(wish.timeout, _LEAST_SECONDS)
        return config

    def breaks(self, how: End, after: int, *, says: str = "") -> None:
        """Told to the tap by a file."""
        (self._folder / "breaks").write_text(json.dumps({"how": how, "after": after, "says": says}))

    def mend(self) -> None:
        """Take that away."""
        (self._folder / "breaks").unlink(missing_ok=True)

    def running(self) -> int:
        """Of those that have put themselves into the list."""
        log = self._folder / "runs"
        return sum(map(_is_running, map(int, log.read_text().split()))) if log.exists() else 0

    def garble(self, where: str, change: Callable[[bytes], bytes]) -> None:
        """Every record, and those that come."""
        self._changed = change
        for stage in self.stages():
            self._save(stage, self._rows[stage.stream])

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Somebody makes records."""
        made = []
        for _ in range(number):
            self._made += 1
            row: dict[str, Any] = {"id": self._made, "note": f"备注 {self._made}", "net": Decimal(self._made)}
            row |= {**(values or {}), "changed": at or self._now, "_sdc_deleted_at": None}
            self._rows[stage.stream][str(self._made)] = row
            made.append(str(self._made))
        self._save(stage, made)
        return made

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes a record."""
        self._change(stage, source_id, values, at)

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody deletes a record."""
        self._change(stage, source_id, {"_sdc_deleted_at": self._now}, None)

    def undelete(self, stage: Stage, source_id: str) -> None:
        """Somebody brings it back."""
        self._change(stage, source_id, {"_sdc_deleted_at": None}, None)

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        rows = self._rows[stage.stream].items()
        there = ((key, row) for key, row in rows if row["_sdc_deleted_at"] is None)
        return {key: {name: row[name] for name in known_fields(stage)} for key, row in there}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record."""
        record = decoded(body)
        return {"note": record["note"], "net": Decimal(record["net"])}

    def _change(self, stage: Stage, source_id: str, values: Mapping[str, Any], at: datetime | None) -> None:
        self._rows[stage.stream][source_id] |= {**values, "changed": at or self._now}
        self._save(stage, [source_id])

    def _save(self, stage: Stage, ids: Iterable[str]) -> None:
        """Write the rows down of which some are new; a customer that is deleted is not among them."""
        for source_id in ids:
            row = self._rows[stage.stream][source_id]
            is_there = stage.stream == ORDER.stream or row["_sdc_deleted_at"] is None
            line = _line(_STREAMS[stage.stream], row, self._changed) if is_there else b""
            self._lines[stage.stream, source_id] = line
        new = self._folder / "rows.new"
        new.write_bytes(b"".join(self._lines.values()))
        new.replace(self._folder / "rows")


def _line(name: str, row: Mapping[str, Any], changed: Callable[[bytes], bytes]) -> bytes:
    """A row as the tap reads it: with the record as it is to write it."""
    shown = {key: _stamp(value) if isinstance(value, datetime) else value for key, value in row.items()}
    record = changed(_json.encode(shown)).decode()
    told = {"stream": name, "number": row["id"], "changed": shown["changed"], "record": record}
    return _json.encode(told) + b"\n"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
