"""One request of a manifest, and which variables each kind of request may have."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from pydantic import Field, model_validator

from connectors.declarative.parts import Holes, Path
from connectors.expressions import Template
from connectors.words import Header, Part, Query

SINGLE = frozenset({"config", "id", "record", "parent"})
"""Variables of a request that reads one record."""
WRITING = SINGLE | {"values", "version", "etag", "last_modified", "idempotency_key"}
"""Variables of a request that changes one record."""
CREATING = frozenset({"config", "values", "key", "idempotency_key"})
"""Variables of a request that makes one record, or looks for it by its external key."""


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

    @property
    def settings(self) -> frozenset[str]:
        """The settings it needs."""
        return self.path.settings | self.rest.settings


class One(Request):
    """How one record is read by its ``{id}``."""

    record: Query = "@"
    as_listed: bool = True
    """Whether it has the fields that the list shows; otherwise it serves comparisons only."""


class Update(Request):
    """How one record is changed. With ``{etag}``, ``{last_modified}``, ``{version}`` or ``{record…}`` in it, the
    system itself refuses what was changed meanwhile; without, we read and compare right before."""

    record: Query | None = None
    """Where the changed record stands in the answer, if it does; otherwise it is read once more."""


class Create(Request):
    """How one record is made, and found by its external key before and after."""

    key: str
    """The field that holds our external key."""
    find: Request
    records: Query = "@"
    """Where in the answer of `find` the records are."""
    unique: bool = False
    """Whether the system itself keeps the key unique."""
