"""What planning works with: a wished value, and the same wish worked out for the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Wish(Protocol):
    """A field that should show another value; ``reconciliation.writebacks.Wanted`` is one."""

    @property
    def system(self) -> str: ...  # noqa: D102
    @property
    def stream(self) -> str: ...  # noqa: D102
    @property
    def record_id(self) -> int: ...  # noqa: D102
    @property
    def source_id(self) -> str: ...  # noqa: D102
    @property
    def number(self) -> str | None: ...  # noqa: D102
    @property
    def entity(self) -> str: ...  # noqa: D102
    @property
    def field(self) -> str: ...  # noqa: D102
    @property
    def old(self) -> Any: ...  # noqa: D102
    @property
    def new(self) -> Any: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def because(self) -> Any: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Restored:
    """The wish of a person that a value we had overwritten is shown again."""

    system: str
    stream: str
    record_id: int
    source_id: str
    number: str | None
    entity: str
    field: str
    old: Any
    new: Any
    reason: str
    source_field: str
    source_value: Any
    because: Any = None


@dataclass(slots=True)
class Draft:
    """One wish, with what the source shows and what it would be sent."""

    wish: Wish
    new: Any
    """The canonical value to be shown: the wish's, unless a person decided on another."""
    source_field: str
    source_old: Any
    source_new: Any
    contested: bool = False
    """It overwrites what somebody else wrote."""
