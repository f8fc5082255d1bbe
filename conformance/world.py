"""What the kit needs of a stand-in: a system that it can fill, change, break and look into.

A ``World`` is a running stand-in, reached by the connector through HTTP alone. What its ``Stage`` and ``can`` do not
offer is not asked for: the checks that need it are not applicable. Everything the kit believes comes from here
(``shown``, ``applied``, ``requests``), never from the connector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from conformance.needs import Need
from connectors.contract import Connector, Inbound
from sandbox.http import Body, Faults, Request

Said = Literal["throttled", "quota", "hidden_error", "denied"]
"""What a system can say instead of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a body and headers, in the vendor's own words."""

    status: int
    body: Body = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """How the connector is to be set up; ``None``: as the world likes it."""

    page_size: int | None = None
    timeout: float | None = None
    """Seconds."""
    wrong: bool = False
    """With credentials that the system refuses."""
    address: str | None = None
    """Instead of the stand-in's own, ``http://host:port``."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stream, and what can be played on it.

    Fields are named as in ``World.shown``. The patterns are regular expressions over ``METHOD /path?query``.
    """

    stream: str
    list: str
    """The requests that list records."""
    text: str
    """A field of free text that people fill in and change."""
    page: int = 10
    """The size of pages the checks ask for, if it can be set."""
    large: int = 100
    """The size of pages where many records are read, if it can be set."""
    number: str | None = None
    """A field that holds any decimal number of up to 18 digits exactly."""
    write: str = ""
    """The requests that change a record."""
    values: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Field that the connector writes → two values that the source takes, different from those of new records."""
    refused: tuple[str, Any] | None = None
    """A field that the connector writes and a value that the source refuses."""
    read_only: str | None = None
    """A field of the source that the connector must not write."""
    create: str = ""
    """The requests that make a record."""
    key: str | None = None
    """The field that holds the external key of the records we make."""
    new: Mapping[str, Any] = field(default_factory=dict)
    """What a record that we make has besides its key."""
    late_seconds: float = 0.0
    """How long a change may stay invisible after the time it is stamped with, as the source documents."""
    can: frozenset[Need] = frozenset()
    """What else can be played here, of that which cannot be told from the fields above."""


class World(ABC):
    """A running stand-in. Make it with a folder for its files; use it as a context manager.

    ``can`` is what holds for every stream. Times are aware UTC; ``now`` is simulated and moves by ``advance`` alone,
    unless ``simulated`` is false.
    """

    connector: ClassVar[str] = ""
    """The connector's name in ltc.yaml."""
    can: frozenset[Need] = frozenset()
    lacks: frozenset[Need] = frozenset()
    """What systems have as a rule and this one has not; of ``conformance.needs.USUAL``."""
    simulated: bool = True
    scheme: str = "http"
    secrets: Sequence[str] = ()
    """What must not show in any error or log."""
    skew: float = 0.0
    """Seconds by which the source's clock, which ``now`` is, is ahead of ours; its answers tell its time."""
    token: str = ""
    """The requests for a token, a regular expression."""
    patience: float = 1.0
    """How many times as long as others its checks may take, where a real system takes part."""
    own_sessions: bool = False
    """Whether each process logs in for itself, and so ends nobody else's session."""

    @abstractmethod
    def __init__(self, folder: Path) -> None:
        """Start the stand-in."""

    def __enter__(self) -> World:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Stop it."""

    @abstractmethod
    def empty(self) -> None:
        """Begin anew: no records, faults, tokens or remembered requests."""

    def kind(self) -> type[Connector[Any]]:
        """The connector's class; by default that of the name ``connector``."""
        from connectors import registry

        return registry.load(self.connector)

    def place(self) -> str:
        """Where another process finds the connector's class: ``package.module:Class``, or the path of a manifest."""
        kind = self.kind()
        return f"{kind.__module__}:{kind.__qualname__}"

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """The streams to play on; the first is the one for what needs to be shown only once."""

    @abstractmethod
    def config(self, wish: Wish) -> dict[str, Any]:
        """The connector's settings for this stand-in."""

    @property
    @abstractmethod
    def faults(self) -> Faults:
        """What goes wrong next."""

    def garble(self, where: str, change: Callable[[bytes], bytes]) -> None:
        """From now on what the source sends there is changed on its way."""
        self.faults.corrupt(where, change=change, times=999)

    @abstractmethod
    def requests(self, where: str = "") -> list[Request]:
        """The requests so far."""

    @abstractmethod
    def now(self) -> datetime:
        """The time that new changes are stamped with."""

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Let time go by; without effect where time is real."""

    @abstractmethod
    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Somebody makes so many records, each stamped ``at``; their ids. All fields have a value."""

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes fields of a record."""
        raise NotImplementedError

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody deletes a record."""
        raise NotImplementedError

    def undelete(self, stage: Stage, source_id: str) -> None:
        """Somebody brings a deleted record back."""
        raise NotImplementedError

    @abstractmethod
    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth: id → the fields of every record that is there now, of those that ``Stage`` names."""

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same fields out of a record's raw JSON; by default those of its top."""
        document = decoded(body)
        names = known_fields(stage)
        return {name: document.get(name) for name in names}

    def applied(self, stage: Stage, source_id: str) -> int | None:  # noqa: ARG002 - the names are part of the protocol
        """How often the API has changed this record; ``None`` if that is as often as it was asked to."""
        return None

    def limit_page(self, stage: Stage, size: int) -> None:
        """From now on the source cuts its pages to this size whatever it is asked for."""
        raise NotImplementedError

    def says(self, what: Said) -> Answer | None:
        """How the vendor says it; ``None`` if it never does."""
        if what == "throttled":
            return Answer(429)
        return Answer(401) if what == "denied" else None

    def expire_tokens(self) -> None:
        """Every token that was handed out is refused from now on."""
        raise NotImplementedError

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
        """A request of the source's webhook, signed with ``secret`` (by default the one in ``config``) at ``at``."""
        raise NotImplementedError


_decoder = msgspec.json.Decoder(float_hook=Decimal)


def decoded(body: bytes) -> Any:
    """JSON with exact numbers; half surrogates, which are no Unicode, are replaced."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        import json

        return json.loads(body.decode(errors="replace"), parse_float=Decimal)


def known_fields(stage: Stage) -> list[str]:
    """The fields that a stage names."""
    names = [stage.text, stage.number, *stage.values]
    return list(dict.fromkeys(name for name in names if name))
