"""The manifest: what one YAML file says about a system, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.declarative.expressions import Expression, ExpressionError, Template
from connectors.declarative.times import TimeFormat, zone_of

_PAGING = frozenset({"page", "offset", "size", "cursor", "last_id", "after_time", "after_id"})
_WINDOW = frozenset({"since", "until"})
LISTING = _PAGING | _WINDOW | {"config", "parent"}
"""Variables of a request that lists."""
SINGLE = frozenset({"config", "id", "record", "parent"})
"""Variables of a request that reads one record."""
WRITING = SINGLE | {"values", "version", "etag", "last_modified", "idempotency_key"}
"""Variables of a request that changes one record."""
CREATING = frozenset({"config", "values", "key", "idempotency_key"})
"""Variables of a request that makes one record, or looks for it by its external key."""
SECRET = frozenset({"config", "token"})
"""Variables of credentials: here, and only here, ``config`` holds secrets."""
SIGNING = SECRET | {"method", "path", "query", "body", "timestamp", "timestamp_ms", "nonce"}
"""Variables of a signature of ours."""


def _is_expression(text: str) -> str:
    try:
        Expression(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


def _is_template(value: Any) -> Any:
    try:
        Template(value)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return value


def _is_zone(name: str) -> str:
    zone_of(name)
    return name


def _is_path(path: str) -> str:
    if not path.startswith("/") or path.startswith("//") or "://" in path or "?" in path or "#" in path:
        raise ValueError(
            "must be a path below base_url that begins with one /, for example /orders/{id}; "
            "what comes after a ? goes under query"
        )
    if "\\" in path or any(part in (".", "..") for part in path.split("/")):
        raise ValueError("must not lead out of base_url")
    return path


Place = tuple[Any, ...]
"""The keys that lead to an entry of the file."""
Mistake = tuple[Place, str]
"""Where something is wrong, and what."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Query = Annotated[str, AfterValidator(_is_expression), Field(description="A JMESPath expression")]
Holes = Annotated[Any, AfterValidator(_is_template)]
Path = Annotated[str, AfterValidator(_is_path), AfterValidator(_is_template)]
Header = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
Kind = Literal["transient", "auth", "quota", "record", "contract", "missing", "conflict"]


class Part(BaseModel):
    """Any part of a manifest: what it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(Part):
    """One thing that the admin sets under ``config`` in ltc.yaml."""

    type: Literal["text", "secret", "integer", "boolean"] = "text"
    about: str = ""
    default: str | int | bool | None = None
    """Without a default it must be set; a secret has none."""
    choices: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Setting:
        wanted: dict[str, type] = {"text": str, "integer": int, "boolean": bool}
        if self.type == "secret" and self.default is not None:
            raise ValueError("a secret has no default; it is set in ltc.yaml, as a reference such as ${env:API_KEY}")
        if self.default is not None and type(self.default) is not wanted[self.type]:
            raise ValueError(f"the default is no {self.type}")
        return self


class Request(Part):
    """One call: exactly one of the methods with its path, and what goes with it. All values may have holes."""

    get: Path | None = None
    post: Path | None = None
    put: Path | None = None
    patch: Path | None = None
    query: dict[str, Holes] = Field(default_factory=dict)
    """Parameters of the address. ``{json: …}`` as a value is sent as JSON text, a list as a repeated parameter."""
    headers: dict[Header, Holes] = Field(default_factory=dict)
    body: Holes = None
    """Sent as JSON."""
    form: dict[str, Holes] | None = None
    """Sent as a form instead."""

    @model_validator(mode="after")
    def _one_method(self) -> Request:
        if sum(path is not None for path in (self.get, self.post, self.put, self.patch)) != 1:
            raise ValueError("needs exactly one of get, post, put and patch with a path")
        if self.body is not None and self.form is not None:
            raise ValueError("has either body or form")
        return self

    @property
    def method(self) -> str:
        """GET, POST, PUT or PATCH."""
        return next(name.upper() for name in ("get", "post", "put", "patch") if getattr(self, name) is not None)

    @cached_property
    def path(self) -> Template:
        """The path below the base URL."""
        return Template(self.get or self.post or self.put or self.patch)

    @cached_property
    def rest(self) -> Template:
        """Query, headers, body and form in one."""
        return Template({"query": self.query, "headers": self.headers, "body": self.body, "form": self.form})

    def check(self, allowed: Collection[str]) -> None:
        """Raise ``ExpressionError`` for a variable that such a request does not have."""
        self.path.check(allowed)
        self.rest.check(allowed)

    @property
    def names(self) -> frozenset[str]:
        """The variables it needs."""
        return self.path.names | self.rest.names


class OAuth(Part):
    """OAuth 2.0 (RFC 6749). With a refresh token, each new one that comes with an access token takes its place."""

    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    token_url: str
    authorize_url: str | None = None
    """Where a person agrees, once (``ltc connectors login``); gives the first refresh token."""
    client_id: Holes
    client_secret: Holes
    refresh_token: Holes = None
    """The first one, if it is known."""
    scope: Holes = None
    credentials: Literal["basic", "body"] = "basic"
    """Whether client id and secret go into the header or into the form."""
    form: dict[str, Holes] = Field(default_factory=dict)
    """Further parameters of the token request, such as ``audience``."""


class Basic(Part):
    """HTTP Basic."""

    user: Holes
    password: Holes = ""


class Signing(Part):
    """Each request is signed: ``headers`` are filled in after ``text``, which is what is signed."""

    headers: dict[Header, Holes]
    query: dict[str, Holes] = Field(default_factory=dict)


class Auth(Part):
    """How the system knows us; of the first five at most one."""

    bearer: Holes = None
    headers: dict[Header, Holes] | None = None
    query: dict[str, Holes] | None = None
    basic: Basic | None = None
    oauth2: OAuth | None = None
    sign: Signing | None = None

    @model_validator(mode="after")
    def _one(self) -> Auth:
        if sum(item is not None for item in (self.bearer, self.headers, self.query, self.basic, self.oauth2)) > 1:
            raise ValueError("has more than one of bearer, headers, query, basic and oauth2")
        for value, allowed in self._templates():
            try:
                Template(value).check(allowed)
            except ExpressionError as error:
                raise ValueError(str(error)) from None
        return self

    def _templates(self) -> Iterable[tuple[Any, frozenset[str]]]:
        yield [self.bearer, self.headers, self.query], SECRET
        if self.basic is not None:
            yield [self.basic.user, self.basic.password], SECRET
        if self.oauth2 is not None:
            oauth = self.oauth2
            yield [oauth.client_id, oauth.client_secret, oauth.refresh_token, oauth.scope, oauth.form], SECRET
        if self.sign is not None:
            yield [self.sign.headers, self.sign.query], SIGNING


class Limits(Part):
    """What the system allows; we stay below."""

    per_second: float | None = Field(None, gt=0)
    per_minute: float | None = Field(None, gt=0)
    per_day: int | None = Field(None, gt=0)
    concurrent: int | None = Field(None, gt=0)


class ErrorRule(Part):
    """An answer that is an error. The first rule that fits decides; without one the HTTP status does."""

    status: int | tuple[int, ...] | None = None
    when: Query | None = None
    """True in the answer's JSON: errors inside a 200, business codes inside a 400."""
    kind: Kind = Field(alias="is")
    message: Query | None = None
    """Where the system's sentence stands. It is shown without names and values."""
    retry_after: Query | None = None
    """Where the seconds to wait stand, if not in the Retry-After header."""
    done: bool | None = None
    """Whether a write may have been carried out all the same; by default after a 5xx only."""
    remedy: str = ""

    @model_validator(mode="after")
    def _something(self) -> ErrorRule:
        if self.status is None and self.when is None:
            raise ValueError("needs a status, a condition under when, or both")
        return self

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses it is about, none for all."""
        return self.status if isinstance(self.status, tuple) else () if self.status is None else (self.status,)


class Paging(Part):
    """How a list is cut into pages, and which variables its requests may use.

    none      one answer holds all
    page      {page}, {size}           numbers from `start`
    offset    {offset}, {size}
    cursor    {cursor}, {size}         what `next` found in the answer before
    link      the whole next address: `next` in the answer, or the Link header without it
    last_id   {last_id}, {size}        ascending by key
    keyset    {after_time}, {after_id}, {size}   ascending by version and key
    """

    by: Literal["none", "page", "offset", "cursor", "link", "last_id", "keyset"] = "none"
    size: int = Field(100, gt=0, le=100_000)
    start: int = 1
    next: Query | None = None
    """The next cursor, or the next address."""
    next_header: Header | None = None
    more: Query | None = None
    """False on the last page. Without it, and without a next cursor, only an empty page is surely the last."""
    stable: bool = False
    """Of `page` and `offset`: rows never leave the list or move in it while it is read. Otherwise every page is
    compared with the one before, so that no row slips through between two."""

    @model_validator(mode="after")
    def _complete(self) -> Paging:
        if self.by == "cursor" and self.next is None and self.next_header is None:
            raise ValueError("by cursor needs next (in the answer) or next_header")
        return self

    @property
    def variables(self) -> frozenset[str]:
        """What requests of this kind may use."""
        own = {
            "page": {"page"},
            "offset": {"offset"},
            "cursor": {"cursor"},
            "last_id": {"last_id"},
            "keyset": {"after_time", "after_id"},
        }
        return frozenset({"size", *own.get(self.by, set())})


class Times(Part):
    """How instants are written: iso, seconds, milliseconds or microseconds since 1970, or a pattern of strftime."""

    format: str = "iso"
    zone: Annotated[str, AfterValidator(_is_zone)] = "UTC"
    """Where the clock hangs whose times have no zone of their own."""

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        TimeFormat(value)
        return value

    @property
    def reading(self) -> TimeFormat:
        """The format, ready to use."""
        return TimeFormat(self.format, self.zone)


class Version(Times):
    """The field that grows with every change of a record."""

    field: Query
    format: str = "iso"

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        if value != "number":
            TimeFormat(value)
        return value


class Incremental(Part):
    """What changed since the last pull: the requests say ``{since}``, and ``{until}`` if the system can be asked so."""

    times: Times | None = None
    """How {since} and {until} are written, if not as the version is."""
    overlap: float = Field(120, ge=0)
    """Seconds read again each time: as long as a commit may stay invisible."""
    settle: float = Field(5, ge=0)
    """Seconds before now at which a pull's window ends."""
    boundary: Literal[">=", ">"] = ">="
    """How the system compares with {since}."""


class Deletes(Part):
    """How deletions show: a condition on the record, or a list of deleted ids of its own."""

    when: Query | None = None
    list: Request | None = None
    records: Query = "@"
    key: Query = "id"
    paging: Paging = Paging()

    @model_validator(mode="after")
    def _one(self) -> Deletes:
        if (self.when is None) == (self.list is None):
            raise ValueError("needs either when (a condition on the record) or list (a request)")
        return self


class Parent(Part):
    """Another stream, for each of whose records this one is listed: its record is ``{parent}``."""

    stream: Name
    add: dict[str, Query] = Field(default_factory=dict)
    """Fields of the parent that each record is given, by the name they get."""


class One(Request):
    """How one record is read by its ``{id}``."""

    record: Query = "@"
    as_listed: bool = True
    """Whether it has the fields that the list shows; otherwise it serves comparisons only."""


class Update(Request):
    """How one record is changed. With ``{etag}``, ``{last_modified}``, ``{version}`` or ``{record…}`` in it, the
    system itself refuses what was changed meanwhile; without, we read and compare right before."""


class Create(Request):
    """How one record is made, and found by its external key before and after."""

    key: str
    """The field that holds our external key."""
    find: Request
    records: Query = "@"
    """Where in the answer of `find` the records are."""
    unique: bool = False
    """Whether the system itself keeps the key unique."""


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
        timeless = self.version is None or self.version.format == "number"
        if self.incremental is not None and self.incremental.times is None and timeless:
            raise ValueError("incremental needs version with a time, or times (how {since} is written)")
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

    @field_validator("settings")
    @classmethod
    def _not_ours(cls, value: dict[str, Setting]) -> dict[str, Setting]:
        taken = {"base_url", "page_size", "timeout_seconds", "network"} & set(value)
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

    def _progress(self, at: tuple[Any, ...], stream: Stream, paging: Paging) -> Iterable[Mistake]:
        """A list that never says which page it wants would be read for ever, or read once and cut."""
        needed = {"page": "page", "offset": "offset", "cursor": "cursor", "last_id": "last_id", "keyset": "after_time"}
        wanted = needed.get(paging.by)
        if wanted is not None and wanted not in stream.list.names:
            yield at, f"paging by {paging.by} needs {{{wanted}}} somewhere in the request"
        if stream.incremental is not None and "since" not in stream.list.names:
            yield at, "incremental needs {since} somewhere in the request"
        if paging.by == "keyset" and stream.version is None:
            yield at, "paging by keyset needs version"


def _variables(at: tuple[Any, ...], request: Request, allowed: Collection[str]) -> Iterable[Mistake]:
    try:
        request.check(allowed)
    except ExpressionError as error:
        yield at, str(error)
