"""The rules of a manifest's lists: pages, what changed, what was deleted, limits, and what counts as an error."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.declarative.parts import Name, Times
from connectors.declarative.requests import Request
from connectors.declarative.times import TimeFormat
from connectors.words import Header, Part, Query

Kind = Literal["transient", "auth", "quota", "record", "contract", "missing", "conflict", "expired"]
"""``expired``: the cursor, or the time that a list is asked from, is too old; everything is read anew."""


class Limits(Part):
    """What the system allows; we stay below."""

    per_second: float | None = Field(None, gt=0)
    per_minute: float | None = Field(None, gt=0)
    per_day: int | None = Field(None, gt=0)
    day_zone: str | None = None
    """The IANA time zone at whose midnight a new day begins; without one any 24 hours count."""
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
    keyset    {after_time}, {after_id}, {size}   ascending by time and key
    """

    by: Literal["none", "page", "offset", "cursor", "link", "last_id", "keyset"] = "none"
    size: int = Field(100, gt=0, le=100_000)
    start: int = 1
    time: Query | None = None
    """Of `keyset`: where the time stands that the list is ordered by, if that is not the version."""
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


class Version(Times):
    """The field that grows with every change of a record."""

    field: Query
    format: str = "iso"
    instant: Name | None = None
    """A name under which each record is given this time as an ISO instant in UTC, so that a mapping need not know how
    the system writes it or where its clock hangs."""

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
    """Seconds read again each time: as long as a commit may stay invisible, and what its time stamp is cut by."""
    settle: float = Field(5, ge=0)
    """Seconds before now at which a pull's window ends."""
    boundary: Literal[">=", ">"] = ">="
    """How the system compares with {since}."""
    newest_first: bool = False
    """The list begins with what changed last and cannot be asked from a time: the first page that ends before {since}
    is the last one that is read."""


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
