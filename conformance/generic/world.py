"""The world of a manifest: its generic stand-in, and the connector that the manifest makes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from conformance.generic.documents import Impossible
from conformance.generic.entry import SECRET, settings_of
from conformance.generic.playable import Playable
from conformance.generic.serving import REFUSED, Desk
from conformance.generic.signing import Signer, Told
from conformance.generic.table import NUMBER, TEXT, Row, Table
from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, decoded, known_fields
from connectors.contract import Connector, Inbound
from connectors.declarative.connector import connector_of
from connectors.declarative.load import load
from connectors.declarative.manifest import Manifest, Stream
from connectors.declarative.requests import Request as Declared
from connectors.declarative.rules import Deletes
from connectors.declarative.webhook import SETTING
from connectors.declarative.zones import settled
from connectors.expressions import Expression, pieces
from sandbox.http import Server

_TOKENS = "/kit/token"


class GenericWorld(StandIn[Server]):
    """A stand-in made of a manifest file. Raises ``ManifestError``, and ``Impossible`` if none can be made of it."""

    manifest_file: Path
    """The manifest; set by the class that ``world_of`` makes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        told = load(self.manifest_file)
        self._file = _own_tokens(self.manifest_file, told, folder)
        self.manifest = _ready(load(self._file))
        self._kind = connector_of(self._file)
        self._base_path = urlsplit(self.manifest.base_url or "").path.rstrip("/") or "/api"
        self._desk = self._new_desk()
        self._server = Server(self._serve, clock=lambda: datetime.now(UTC) + timedelta(seconds=self.skew))
        self.secrets = [value for value in settings_of(self.manifest).values() if str(value).startswith(SECRET)]
        self.secrets = [*self.secrets, f"{SECRET}-token"]
        token_path = self._desk.entry.token_path
        self.token = rf"^POST {re.escape(token_path)}" if token_path else ""
        declared = {
            Need.EDIT,
            Need.DELETE,
            Need.UNDELETE,
            Need.TIMES,
            Need.PAGE_CAP,
            Need.HUGE,
            Need.SKEW,
        }
        declared |= {Need.EMPTY, Need.TIMEOUT, Need.RETRY_AFTER}
        if self.manifest.auth is not None:
            declared.add(Need.CREDENTIALS)
        self.signer = Signer(self.manifest.webhook) if self.manifest.webhook is not None else None
        if self.signer is not None:
            declared |= self.signer.can
            self.lacks = frozenset() if self.signer.signs else frozenset({Need.SIGNED})
            self.secrets = [*self.secrets, self.signer.secret]
        self.can = frozenset(declared)
        self._stages = [
            self._stage(name, stream, can)
            for name, stream in self.manifest.streams.items()
            if not stream.parent and (can := self._playable(name, stream)).list
        ]
        for stage in self._stages:
            self.table(stage).shape(Row(1, 0, values=dict.fromkeys(self.table(stage).fields, "")))

    def empty(self) -> None:
        """Begin anew."""
        with self._desk.lock:
            super().empty()
            self._desk = self._new_desk()

    def kind(self) -> type[Connector[Any]]:
        """The manifest's connector."""
        return self._kind

    def place(self) -> str:
        """The manifest, unless the connector is another one."""
        return str(self._file) if self.kind() is self._kind else super().place()

    def stages(self) -> Sequence[Stage]:
        """The manifest's streams, without those that are listed for each record of another."""
        return self._stages

    def settings(self) -> dict[str, Any]:
        """Base URL and the manifest's own settings."""
        signed = {} if self.signer is None else {SETTING: self.signer.secret}
        address = self.elsewhere(self._server.base_url)
        return {**signed, **address, "calls_per_second": 100_000, **settings_of(self.manifest)}

    def wrong_credentials(self) -> Mapping[str, Any]:
        """Other secrets."""
        return settings_of(self.manifest, wrong=True)

    def elsewhere(self, address: str) -> Mapping[str, Any]:
        """The API has a path."""
        return {"base_url": address + self._base_path}

    def table(self, stage: Stage) -> Table:
        """A stream's records."""
        return self._desk.tables[stage.stream]

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """New records."""
        with self._desk.lock:
            return [self.table(stage).add(values or {}, at=at)[0] for _ in range(number)]

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes fields."""
        with self._desk.lock:
            self.table(stage).change(self.table(stage).rows[source_id], values, at=at)

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody deletes a record."""
        with self._desk.lock:
            self.table(stage).remove(self.table(stage).rows[source_id])

    def undelete(self, stage: Stage, source_id: str) -> None:
        """Somebody brings it back."""
        with self._desk.lock:
            self.table(stage).restore(self.table(stage).rows[source_id])

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        names = known_fields(stage)
        with self._desk.lock:
            rows = self.table(stage).rows.items()
            return {key: {name: row.values.get(name) for name in names} for key, row in rows if not row.deleted}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """Out of the places that the manifest gives."""
        record = decoded(body)
        places = self.table(stage).fields
        return {name: Expression(places[name]).of(record) for name in known_fields(stage)}

    def applied(self, stage: Stage, source_id: str) -> int:
        """How often the API wrote it."""
        return self.table(stage).rows[source_id].applied

    def limit_page(self, stage: Stage, size: int) -> None:
        """Cut pages to this size."""
        self.table(stage).page_cap = size

    def says(self, what: Said) -> Answer | None:
        """By the manifest's own rules where it has some."""
        sayings = self._desk.sayings
        if what == "hidden_error":
            return sayings.inside_success()
        kinds = {"throttled": "transient", "quota": "quota", "denied": "auth"}
        return sayings.answer(kinds[what])  # type: ignore[arg-type]

    def expire_tokens(self) -> None:
        """Refuse all tokens; refresh tokens stay good."""
        self._desk.entry.tokens.clear()

    def inbound(
        self,
        stage: Stage,
        source_id: str,
        *,
        event: Literal["changed", "deleted", "unknown"] = "changed",
        delivery: str = "delivery-1",
        secret: str | None = None,
        at: datetime | None = None,
    ) -> Inbound:
        """By the manifest's ``webhook``."""
        if self.signer is None:
            raise NotImplementedError(f"{self.manifest.name} has no webhook")
        row = self.table(stage).rows[source_id]
        told = Told(stage.stream, self.table(stage).parts_of(row), self.table(stage).shape(row), event)
        return self.signer.request(told, delivery, secret, at)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self._desk(scope, receive, send)

    def _new_desk(self) -> Desk:
        return Desk(self.manifest, self._base_path, self.now)

    def _playable(self, name: str, stream: Stream) -> Playable:
        return Playable(self.manifest, stream, self._desk.tables[name])

    def _stage(self, name: str, stream: Stream, playable: Playable) -> Stage:
        paging = self.manifest.paging_of(stream)
        can = {Need.PAGES} if paging.by != "none" and "size" in stream.list.names else set()
        can |= {Need.FETCH} if playable.one else set()
        instant = stream.version is not None and stream.version.instant is not None
        if not (instant or stream.without or stream.details):
            can.add(Need.VERBATIM)  # otherwise the manifest asks for records that are written anew
        if stream.incremental is not None:
            can.add(Need.CURSOR)
        if stream.update is not None and stream.update.names & {"etag", "version", "last_modified", "record"}:
            can.add(Need.CONDITIONAL)
        fields = stream.fields if playable.update else {}
        if self.signer is not None and self.signer.tells_of(name, len(stream.keys)):
            can.add(Need.WEBHOOKS)
        values = {field: (f"new {field}", f"other {field}") for field in fields}
        first = next(iter(values), "")
        deletes = isinstance(stream.deletes, Deletes) or stream.deletes == "sweep"
        return Stage(
            name,
            list=self._pattern(stream.list),
            text=TEXT,
            large=500,
            number=NUMBER,
            write=self._pattern(stream.update) if stream.update else "",
            values=values,
            refused=(first, REFUSED) if first else None,
            read_only=TEXT if first else None,
            create=self._pattern(stream.create) if stream.create else "",
            key=stream.create.key if stream.create and playable.create else None,
            new=dict.fromkeys(stream.fields, "made"),
            late_seconds=stream.incremental.overlap if stream.incremental else 0.0,
            can=frozenset(can) if deletes else frozenset(can) - {Need.UNDELETE},
        )

    def _pattern(self, request: Declared) -> str:
        path = request.get or request.post or request.put or request.patch or ""
        parts = ("[^/?]+" if isinstance(piece, Expression) else re.escape(piece) for piece in pieces(path))
        return rf"^{request.method} {re.escape(self._base_path)}{''.join(parts)}($|\?)"


def world_of(manifest: Path) -> type[GenericWorld]:
    """The world of a manifest file. Raises ``ManifestError``, and ``Impossible`` if no stand-in can be made of it."""
    told = _ready(load(manifest))
    desk = Desk(told, "", lambda: datetime.now(UTC))
    lists = [
        Playable(told, stream, desk.tables[name]).list for name, stream in told.streams.items() if not stream.parent
    ]
    if not any(lists):
        raise Impossible(f"No stand-in can be made of {told.name}: its lists are of a kind that is not played.")
    return type(
        "ManifestWorld", (GenericWorld,), {"manifest_file": manifest, "__doc__": f"The world of {manifest.name}."}
    )


def _ready(manifest: Manifest) -> Manifest:
    """With the settings that it needs before it can be played: its time zones."""
    return settled(manifest, settings_of(manifest))


def _own_tokens(manifest_file: Path, manifest: Manifest, folder: Path) -> Path:
    """The manifest, with its token endpoint on the stand-in if it is on another host."""
    oauth = manifest.auth.oauth2 if manifest.auth else None
    if oauth is None or not urlsplit(oauth.token_url).netloc:
        return manifest_file
    said = yaml.safe_load(manifest_file.read_text(encoding="utf-8"))
    said["auth"]["oauth2"]["token_url"] = _TOKENS
    own = folder / manifest_file.name
    own.write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return own


__all__ = ["GenericWorld", "Impossible", "world_of"]
