"""A simulated source system: records with versions that become visible late, people who edit, and a REST API.

Every reply is computed from the simulated time, so a history is the same whenever it is run. What the system went
through is kept for the judge: who wrote which value, and with which idempotency key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Values = dict[str, Any]
SECOND = 1_000_000

OURS = "ltc"
ROBOT = "robot"
KEY = "ltc_key"
"""The field for the external key of what we create."""


class Version(NamedTuple):
    """One state of a record; ``values`` is ``None`` while it is deleted."""

    values: Values | None
    stamp: int
    """Change time by the system's own clock, cut to its granularity, microseconds."""
    revision: int
    visible_at: int
    """When lists and reads begin to show it, microseconds of true time."""


class Write(NamedTuple):
    """One value that somebody wrote into a field."""

    at: int
    stream: str
    source_id: str
    name: str
    before: Any
    value: Any
    """As the system keeps it, which may not be what was sent."""
    who: str
    key: str


@dataclass
class Traits:
    """What kind of system it is."""

    granularity: int = SECOND
    skew: int = 0
    """How far its clock is ahead of the true time, microseconds."""
    tombstones: bool = True
    """Whether lists report deletions; otherwise only a comparison of all ids shows them."""
    lag: int = 0
    """For how long reads of one record may show the version before, microseconds."""
    rewrite: str = ""
    """What it makes of values written through the API: ``spaces``, ``case``, ``round`` or nothing."""
    undoes: bool = False
    """An automation that sets every value we write back to what was there."""
    keyed: bool = False
    """Whether it carries a write out once for each idempotency key."""
    conditional: bool = True
    """Whether a write must name the revision it is based on."""
    creates: str = "plain"
    """What keeps it from making a record twice: nothing, the idempotency key (``key``) or that the external key must be
    ``unique``."""
    halves: int = 0
    """Of each so many batches it carries out a half only and says so (0: none)."""
    retention: int = 0
    """Cursors older than this are refused (microseconds; 0: never)."""
    hooks: Values | None = None
    """How it tells of changes by webhook: ``seed``, the share that is ``lost``, how many seconds they are ``late``."""


class Refused(Exception):
    """The API's answer is an error."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Record:
    """One record's history."""

    versions: list[Version] = field(default_factory=list)

    @property
    def latest(self) -> Version:
        """What the system holds."""
        return self.versions[-1]

    def shown(self, now: int) -> Version | None:
        """What lists show."""
        return next((version for version in reversed(self.versions) if version.visible_at <= now), None)


class Source:
    """One system. ``clock`` tells the true time in microseconds."""

    def __init__(self, name: str, streams: list[str], traits: Traits, clock: Callable[[], int]) -> None:
        self.name = name
        self.traits = traits
        self.streams: dict[str, dict[str, Record]] = {stream: {} for stream in streams}
        self.writes: list[Write] = []
        self.token = 1
        self._clock = clock
        self._revision = 0
        self._batches = 0
        self.gone: set[str] = set()
        """Every record that was deleted at some time."""
        self.made: dict[str, list[str]] = {}
        """External key → the records that were made with it through the API."""
        self.tell: Callable[[str, str, Version], None] = lambda *_: None
        """Called for each new version: stream, record, version."""
        self.webhooks: list[int | None] = []
        """How late the next webhooks come (seconds; None: not at all); those after them as ``Traits.hooks`` says."""
        self._answers: dict[str, str] = {}
        """Idempotency key of a creation → the record it made."""

    # -- what people do

    def edit(self, stream: str, source_id: str, values: Values, who: str = "human", delay: int = 0) -> None:
        """Create or change a record; a deleted one comes back with it. Shown ``delay`` microseconds later."""
        record = self.streams[stream].get(source_id, Record())
        before = next((version.values for version in reversed(record.versions) if version.values), {})
        for name, value in values.items():
            self.writes.append(Write(self._clock(), stream, source_id, name, before.get(name), value, who, ""))
        self._append(stream, source_id, {**before, **values}, delay)

    def delete(self, stream: str, source_id: str, delay: int = 0) -> None:
        """Delete a record, if it is there."""
        record = self.streams[stream].get(source_id)
        if record is not None and record.latest.values is not None:
            self._append(stream, source_id, None, delay)
            self.gone.add(source_id)

    def undelete(self, stream: str, source_id: str, delay: int = 0) -> None:
        """Bring a deleted record back as it was."""
        record = self.streams[stream].get(source_id)
        if record is not None and record.latest.values is None and len(record.versions) > 1:
            self._append(stream, source_id, record.versions[-2].values, delay)

    def forget_deleted(self) -> None:
        """Drop what was deleted, and all but the last versions: a simulated system must stay small, too."""
        for records in self.streams.values():
            for source_id, record in list(records.items()):
                if record.latest.values is None and record.latest.visible_at <= self._clock():
                    del records[source_id]
                else:
                    del record.versions[:-3]

    def truth(self, stream: str) -> dict[str, Values]:
        """The records that exist."""
        found = self.streams[stream].items()
        return {key: record.latest.values for key, record in found if record.latest.values is not None}

    def body(self, stream: str, source_id: str) -> Values:
        """A record as the API shows it."""
        return shown(source_id, self.streams[stream][source_id].latest)

    def our_clock(self) -> int:
        """The system's own time."""
        return self._clock() + self.traits.skew

    def _append(self, stream: str, source_id: str, values: Values | None, delay: int, waited: bool = False) -> None:
        """``waited``: the writer waited for the transaction before it, so that nothing before it is still hidden."""
        record = self.streams[stream].setdefault(source_id, Record())
        now = self._clock()
        self._revision += 1
        stamp = self.our_clock() // self.traits.granularity * self.traits.granularity
        visible = now + delay
        if record.versions:
            stamp = max(stamp, record.latest.stamp)
            visible = visible if waited else max(visible, record.latest.visible_at)
        record.versions.append(Version(values, stamp, self._revision, visible))
        self.tell(stream, source_id, record.latest)

    # -- the API

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Any:
        """The JSON of an answer; raises ``Refused``."""
        if headers.get("authorization") != f"Bearer {self.token}":
            raise Refused(401)
        _, stream, *rest = path.split("/")
        if stream == "time":
            return {"now": self.our_clock()}
        if method == "GET" and not rest:
            return self._find(stream, query["key"]) if "key" in query else self._list(stream, query)
        if method == "GET" and rest == ["ids"]:
            return self._ids(stream, query)
        if method == "GET":
            return self._read(stream, rest[0])
        given = json.loads(body)
        if method == "POST" and rest == ["batch"]:
            return {"results": self._batch(stream, given)}
        if method == "POST":
            return self._create(stream, given, headers)
        if method == "PATCH":
            return self._write(stream, rest[0], given, headers)
        raise Refused(405)

    def _list(self, stream: str, query: Mapping[str, str]) -> Any:
        since, until, now = int(query["since"]), int(query["until"]), self._clock()
        if self.traits.retention and 0 < since < self.our_clock() - self.traits.retention:
            raise Refused(410, "the cursor has expired")
        after = (int(query.get("after_stamp", -1)), query.get("after_id", ""))
        found = []
        for source_id, record in self.streams[stream].items():
            version = record.shown(now)
            if version is None or (version.values is None and not self.traits.tombstones):
                continue
            if since <= version.stamp < until and (version.stamp, source_id) > after:
                found.append((version.stamp, source_id, version))
        found.sort()
        size = int(query["size"])
        return {"data": [shown(source_id, version) for _, source_id, version in found[:size]]}

    def _ids(self, stream: str, query: Mapping[str, str]) -> Any:
        now = self._clock()
        found = {source_id: record.shown(now) for source_id, record in self.streams[stream].items()}
        alive = sorted(key for key, version in found.items() if version is not None and version.values is not None)
        return {"ids": [key for key in alive if key > query.get("after", "")][: int(query["size"])]}

    def _read(self, stream: str, source_id: str) -> Any:
        record = self.streams[stream].get(source_id)
        version = record.shown(self._clock() - self.traits.lag) or record.versions[0] if record else None
        if version is None or version.values is None:
            raise Refused(404)
        return shown(source_id, version)

    def _find(self, stream: str, key: str) -> Any:
        """The records with an external key; of a deleted one the last it had."""
        records = ((source_id, self.streams[stream][source_id]) for source_id in self.made.get(key, ()))
        return {"data": [{**shown(source_id, record.latest), KEY: key} for source_id, record in records]}

    def _create(self, stream: str, values: Values, headers: Mapping[str, str]) -> Any:
        key, external = headers.get("idempotency-key", ""), values[KEY]
        if self.traits.creates == "key" and key in self._answers:
            source_id = self._answers[key]
            return shown(source_id, self.streams[stream][source_id].versions[0])
        if self.traits.creates == "unique" and external in self.made:
            raise Refused(409)
        source_id = self._answers[key] = f"{self.name[0]}x{sum(map(len, self.made.values())) + 1}"
        self.made.setdefault(external, []).append(source_id)
        self._append(stream, source_id, values, 0)
        return shown(source_id, self.streams[stream][source_id].latest)

    def _write(self, stream: str, source_id: str, values: Values, headers: Mapping[str, str]) -> Any:
        record = self.streams[stream].get(source_id)
        if record is None or record.latest.values is None:
            raise Refused(404)
        if self.traits.keyed and any(write.key == headers["idempotency-key"] for write in self.writes):
            return shown(source_id, record.latest)
        if self.traits.conditional and headers.get("if-match") != str(record.latest.revision):
            raise Refused(409)
        before = record.latest.values
        kept = {name: self._rewritten(value) for name, value in values.items()}
        key = headers.get("idempotency-key", "")
        for name, value in kept.items():
            self.writes.append(Write(self._clock(), stream, source_id, name, before.get(name), value, OURS, key))
        self._append(stream, source_id, {**before, **kept}, 0, waited=True)
        written = record.latest
        if self.traits.undoes:
            self.edit(stream, source_id, {name: before.get(name) for name in kept}, ROBOT)
        return shown(source_id, written)

    def _batch(self, stream: str, items: list[Values]) -> list[Values]:
        """Write many records, each for itself, perhaps not all."""
        self._batches += 1
        half = self.traits.halves and self._batches % self.traits.halves == 0
        done = []
        for number, item in enumerate(items):
            if half and number >= len(items) // 2:
                done.append({"id": item["id"], "status": 503})
                continue
            headers = {"if-match": item["revision"], "idempotency-key": item["key"]}
            try:
                record = self._write(stream, item["id"], item["values"], headers)
                done.append({"id": item["id"], "status": 200, "record": record})
            except Refused as error:
                done.append({"id": item["id"], "status": error.status})
        return done

    def _rewritten(self, value: Any) -> Any:
        match self.traits.rewrite:
            case "spaces" if isinstance(value, str):
                return f" {value}  "
            case "case" if isinstance(value, str):
                return value.upper()
            case "round" if isinstance(value, str) and value.replace(".", "", 1).isdigit():
                return value.partition(".")[0]
        return value


def shown(source_id: str, version: Version) -> Values:
    """A version as answers show it."""
    meta = {"id": source_id, "stamp": version.stamp, "revision": version.revision}
    return {**meta, "deleted": True} if version.values is None else {**version.values, **meta}
