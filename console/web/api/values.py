"""The kinds of values in requests and answers, and pages of lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    Strict,
    StringConstraints,
)
from pydantic import WithJsonSchema as Shown
from pydantic_core import CoreSchema, core_schema

from state.clock import from_us

SIZE = 50
LARGEST_SIZE = 200
LAST_PAGE = 10_000
LARGEST_ID = 2**63 - 1


class OneOf:
    """Exactly one of these texts."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = values

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.values))


def _day(value: object) -> date:
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("a day is written as 2026-11-30")
    return date.fromisoformat(value)


def _moment(value: object) -> object:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]", value):
        raise ValueError("an instant is written as 2026-11-30T18:00:00Z")
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("a number is written without quotation marks")
    return value


# -- in requests

NOT_KEPT = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
"""Control characters, for a regular expression: no text of people has them, and PostgreSQL keeps no NUL."""
Plain = StringConstraints(pattern=rf"^[^{NOT_KEPT}]*$")
Told = StringConstraints(pattern=rf"^[^{NOT_KEPT}]*[^\s\x00-\x20\x7f-\xa0\ufeff][^{NOT_KEPT}]*$", min_length=1)
"""A text that says something, not only blanks."""
Searched = Annotated[str, StringConstraints(max_length=200), Plain]
Reason = Annotated[str, StringConstraints(max_length=1000), Told, Field(examples=["Voided by hand on Monday"])]
LongReason = Annotated[
    str, StringConstraints(max_length=4000), Told, Field(examples=["Paid in November, says the bank"])
]
Person = Annotated[str, StringConstraints(max_length=200), Told, Field(examples=["li.na"])]
Day = Annotated[
    date, BeforeValidator(_day), Shown({"type": "string", "format": "date"}), Field(examples=["2026-11-30"])
]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    Shown({"type": "string", "format": "date-time"}),
    Field(examples=["2026-11-30T18:00:00Z"]),
]
"""Not a number of seconds, which would be taken for one."""
Month = Annotated[str, StringConstraints(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"), Field(examples=["2026-10"])]
Whole = BeforeValidator(_whole)
"""For numbers in bodies: 3 and 3.0, as JSON has it, but no text that looks like one."""
Key = Annotated[int, Field(ge=1, le=LARGEST_ID)]
SentKey = Annotated[int, Field(ge=1, le=2**53), Whole]
"""The same in a body: JSON's numbers are exact up to there."""
PageNumber = Annotated[int, Query(ge=1, le=LAST_PAGE, description="Which page; the first is 1.")]
PageSize = Annotated[int, Query(ge=1, le=LARGEST_SIZE, description="How many on a page.")]
Decimals = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,12}(\.[0-9]{1,2})?)?$"), Field(examples=["1200.00"])]
"""An amount, or nothing."""
SignedDecimals = Annotated[
    str, StringConstraints(pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,4})?$"), Field(examples=["1200.00"])
]
Name = Annotated[str, StringConstraints(max_length=100), Plain]
Flag = Annotated[bool, Strict()]
SystemName = Annotated[
    str, StringConstraints(max_length=100, pattern="^[a-z][a-z0-9_-]*$"), Path(description="A system of ltc.yaml")
]


class Sent(BaseModel):
    """What a request says. A field that is not known is refused: it may be a mistyped one."""

    model_config = ConfigDict(extra="forbid")


# -- in answers

Amount = Annotated[
    str,
    Field(
        pattern=r"^-?[0-9]+(\.[0-9]+)?$",
        description="Exact decimal text in the currency beside it",
        examples=["1200.00"],
    ),
]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-28T09:30:00Z"])]
OnDay = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-11-30"])]
Counts = dict[str, int]
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list. ``total`` is how many there are now on all pages."""

    items: list[Item]
    page: int
    size: int
    total: int


class Record(BaseModel):
    """A record in its own system."""

    system: str | None
    entity: str | None
    source_id: str | None
    number: str | None
    url: str | None


def instant(microseconds: int) -> str:
    """A stored instant as ISO 8601, UTC."""
    return from_us(microseconds).isoformat().replace("+00:00", "Z")


def instant_or_none(microseconds: int | None) -> str | None:
    """The same, where there may be none."""
    return None if microseconds is None else instant(microseconds)


def first(page: int, size: int) -> int:
    """The place of a page's first item; 0 is the first of all."""
    return (page - 1) * size


def cut(found: Sequence[Item], page: int, size: int) -> Page[Item]:
    """A page of what was read whole."""
    start = first(page, size)
    return Page(items=list(found[start : start + size]), page=page, size=size, total=len(found))
