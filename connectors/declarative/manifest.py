"""The manifest: what one YAML file says about a system, checked before anything is sent."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from connectors.declarative import zones
from connectors.declarative.authentication import Auth
from connectors.declarative.parts import Holes, Mistake, Name, Times
from connectors.declarative.requests import CREATING, SINGLE, WRITING, Create, One, Request, Update
from connectors.declarative.rules import Deletes, ErrorRule, Incremental, Limits, Paging, Parent, Version
from connectors.declarative.webhook import SETTING, Webhook
from connectors.expressions import ExpressionError, Template
from connectors.words import Header, Part, Query

_WINDOW = frozenset({"since", "until"})
_NEEDED = {
    "page": "paging: {by: page, size: 100}",
    "offset": "paging: {by: offset, size: 100}",
    "cursor": "paging: {by: cursor, size: 100, next: next}",
    "last_id": "paging: {by: last_id, size: 100}",
    "after_time": "paging: {by: keyset, size: 100}",
    "since": "incremental: {overlap: 120}",
}
"""Variable of a request → what a list must say for it to be known."""


class Setting(Part):
    """One thing that the admin sets under ``config`` in ltc.yaml."""

    type: Literal["text", "secret", "integer", "boolean", "zone"] = "text"
    """``zone``: an IANA time zone, such as Asia/Shanghai."""
    about: str = ""
    default: str | int | bool | None = None
    """Without a default it must be set; a secret has none."""
    choices: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Setting:
        wanted: dict[str, type] = {"text": str, "integer": int, "boolean": bool, "zone": str}
        if self.type == "secret" and self.default is not None:
            raise ValueError(
                "a secret has no default; it is set in the system's settings, as a reference such as ${env:API_KEY}"
            )
        if self.default is not None and type(self.default) is not wanted[self.type]:
            raise ValueError(f"the default is no {self.type}")
        return self


class Stream(Part):
    """One list of records."""

    entity: Name
    list: Request
    records: Query = "@"
    key: Query | tuple[Query, ...]
    """The field, or the fields together, that never change and name a record."""
    version: Version | None = None
    incremental: Incremental | None = None
    """None: everything is read each time, and compared by its hash."""
    paging: Paging | None = None
    deletes: Literal["none", "sweep"] | Deletes = "none"
    parent: Parent | None = None
    without: tuple[str, ...] = ()
    """Fields that change without a change, such as a view counter; they are not kept."""
    one: One | None = None
    details: bool = False
    """The list shows parts of its records only, key and version among them; each is read by `one`, and that is kept."""
    writable: tuple[str, ...] | dict[str, Query] = ()
    """Fields that may be written; as a table, with the place where each is read."""
    update: Update | None = None
    create: Create | None = None
    depends_on: tuple[Name, ...] = ()
    about: str = ""

    @field_validator("list", "one", "update", "create", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A path alone is read with GET."""
        return {"get": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Stream:
        if self.update is not None and (self.one is None or not self.writable):
            raise ValueError("update needs one (to read what it changes) and writable (which fields)")
        if self.writable and self.update is None:
            raise ValueError("writable needs update")
        if self.create is not None and self.one is None:
            raise ValueError("create needs one")
        if self.details and (self.one is None or self.parent is not None):
            raise ValueError("details needs one (to read each record), and no parent")
        timeless = self.version is None or self.version.format == "number"
        if self.incremental is not None and self.incremental.times is None and timeless:
            raise ValueError("incremental needs version with a time, or times (how {since} is written)")
        if self.version is not None and self.version.instant is not None and timeless:
            raise ValueError("a version that is a number is no instant")
        if self.incremental is not None and self.incremental.newest_first and timeless:
            raise ValueError("newest_first needs version with a time")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The expressions of the key's parts."""
        return self.key if isinstance(self.key, tuple) else (self.key,)

    @property
    def fields(self) -> dict[str, str]:
        """Writable field → where it is read."""
        if isinstance(self.writable, dict):
            return dict(self.writable)
        return {name: f'"{name}"' for name in self.writable}


class Manifest(Part):
    """A system, its settings and its streams."""

    version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
    about: str = ""
    base_url: str | None = None
    """``base_url`` in ltc.yaml comes before it; without both nothing can be reached."""
    permissions: tuple[str, ...] = ()
    """What the account must be allowed there, in the system's words; `ltc connectors describe` shows it."""
    settings: dict[Name, Setting] = Field(default_factory=dict)
    auth: Auth | None = None
    headers: dict[Header, Holes] = Field(default_factory=dict)
    """Sent with every request."""
    limits: Limits = Limits()
    errors: tuple[ErrorRule, ...] = ()
    times: Times = Times()
    paging: Paging = Paging()
    """For streams that say nothing else."""
    streams: dict[Name, Stream] = Field(min_length=1)
    webhook: Webhook | None = None

    @field_validator("settings")
    @classmethod
    def _not_ours(cls, value: dict[str, Setting]) -> dict[str, Setting]:
        taken = {"base_url", "page_size", "timeout_seconds", "network", SETTING} & set(value)
        if taken:
            raise ValueError(f"{sorted(taken)[0]} is a setting of every connector already")
        return value

    def paging_of(self, stream: Stream) -> Paging:
        """How a stream's list is paged."""
        return stream.paging or self.paging

    def mistakes(self) -> Iterable[Mistake]:
        """What pydantic cannot see: where it stands, and what is wrong."""
        for name, stream in self.streams.items():
            at = ("streams", name)
            paging = self.paging_of(stream)
            window = _WINDOW if stream.incremental is not None else frozenset()
            parent = {"parent"} if stream.parent is not None else set()
            listing = paging.variables | window | {"config", *parent}
            yield from _variables((*at, "list"), stream.list, listing)
            yield from self._progress((*at, "list"), stream, paging)
            if stream.one is not None:
                yield from _variables((*at, "one"), stream.one, SINGLE - {"record", "parent"})
            if stream.update is not None:
                yield from _variables((*at, "update"), stream.update, WRITING - {"parent"})
            if stream.create is not None:
                yield from _variables((*at, "create"), stream.create, CREATING)
                yield from _variables((*at, "create", "find"), stream.create.find, {"config", "key"})
            if isinstance(stream.deletes, Deletes) and stream.deletes.list is not None:
                deletes = stream.deletes
                yield from _variables(
                    (*at, "deletes", "list"), stream.deletes.list, deletes.paging.variables | window | {"config"}
                )
            if stream.parent is not None and (stream.parent.stream not in self.streams or stream.parent.stream == name):
                yield (*at, "parent", "stream"), f"there is no stream {stream.parent.stream!r} to go by"
            elif stream.parent is not None and self.streams[stream.parent.stream].parent is not None:
                yield (*at, "parent", "stream"), "a parent that has a parent itself is not supported"
            for needed in stream.depends_on:
                if needed not in self.streams:
                    yield (*at, "depends_on"), f"there is no stream {needed!r}"
        yield from self._settings()
        for name in zones.named(self):
            if name not in self.settings or self.settings[name].type != "zone":
                yield ("settings",), f"the zone {{config.{name}}} needs a setting {name} of type zone"
        if self.webhook is not None:
            yield from self.webhook.mistakes({name: item.one is not None for name, item in self.streams.items()})

    def _settings(self) -> Iterable[Mistake]:
        """A setting that is not there would leave its text out of the request, without a word."""
        secret = {name for name, setting in self.settings.items() if setting.type == "secret"}
        needed: list[tuple[tuple[Any, ...], frozenset[str]]] = [(("headers",), Template(self.headers).settings)]
        for stream, item in self.streams.items():
            at = ("streams", stream)
            for name in ("list", "one", "update", "create"):
                request: Request | None = getattr(item, name)
                if request is not None:
                    needed.append(((*at, name), request.settings))
            if item.create is not None:
                needed.append(((*at, "create", "find"), item.create.find.settings))
            if isinstance(item.deletes, Deletes) and item.deletes.list is not None:
                needed.append(((*at, "deletes", "list"), item.deletes.list.settings))
        open_to_all = set(self.settings) - secret
        for place, names in needed:
            for name in sorted(names - open_to_all):
                yield place, _secret(name) if name in secret else _no_setting(name, open_to_all)
        for name in sorted((self.auth.settings if self.auth is not None else frozenset()) - set(self.settings)):
            yield ("auth",), _no_setting(name, self.settings)

    def _progress(self, at: tuple[Any, ...], stream: Stream, paging: Paging) -> Iterable[Mistake]:
        """A list that never says which page it wants would be read for ever, or read once and cut."""
        needed = {"page": "page", "offset": "offset", "cursor": "cursor", "last_id": "last_id", "keyset": "after_time"}
        wanted = needed.get(paging.by)
        if wanted is not None and wanted not in stream.list.names:
            yield at, f"paging by {paging.by} needs {{{wanted}}} somewhere in the request"
        asked = stream.incremental is not None and not stream.incremental.newest_first
        if asked and "since" not in stream.list.names:
            yield at, "incremental needs {since} somewhere in the request"
        if paging.by == "keyset" and stream.version is None and paging.time is None:
            yield at, "paging by keyset needs version, or time under paging"


def _secret(name: str) -> str:
    return f"{name} is a secret, which only auth may use"


def _no_setting(name: str, known: Iterable[str]) -> str:
    meant = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean {{config.{meant[0]}}}?" if meant else "name it under settings"
    return f"there is no setting {name}; {hint}"


def _variables(at: tuple[Any, ...], request: Request, allowed: Collection[str]) -> Iterable[Mistake]:
    for name, needed in _NEEDED.items():
        if name in request.names and name not in allowed:
            yield at, f"a list knows {{{name}}} only with `{needed}`"
            return
    try:
        request.check(allowed)
    except ExpressionError as error:
        yield at, str(error)
