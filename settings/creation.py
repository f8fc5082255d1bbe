"""What ltc.yaml may say about creating records downstream: which hand-off, from where to where, since when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from settings.model import Settings

StreamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*\.[^\s.]+$")]
"""``system.stream``."""


class HandOff(NamedTuple):
    """From which kind of record which other one is made."""

    origin: str
    target: str


HAND_OFFS = {
    "lead": HandOff("lead", "lead"),
    "order": HandOff("opportunity", "order"),
    "invoice": HandOff("delivery", "invoice"),
}


class CreationRule(BaseModel):
    """One hand-off. Only origins created on or after ``since`` (a business day) count; ``limit`` is for one plan."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    rule: Literal["lead", "order", "invoice"]
    origin: StreamName = Field(alias="from")
    target: StreamName = Field(alias="to")
    when: str | None = None
    since: date
    limit: int = Field(50, ge=0)

    @property
    def hand_off(self) -> HandOff:
        """Its two kinds of record."""
        return HAND_OFFS[self.rule]

    @property
    def from_system(self) -> str:
        """The system of the origins."""
        return self.origin.partition(".")[0]

    @property
    def from_stream(self) -> str:
        """The stream of the origins."""
        return self.origin.partition(".")[2]

    @property
    def to_system(self) -> str:
        """The system in which records are created."""
        return self.target.partition(".")[0]

    @property
    def to_stream(self) -> str:
        """The stream in which records are created."""
        return self.target.partition(".")[2]

    @model_validator(mode="after")
    def _readable(self) -> CreationRule:
        if self.when is not None:
            from mappings.predicate import parse

            parse(self.hand_off.origin, self.when)
        return self


def mistakes(settings: Settings) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """What of the rules does not fit the systems: the keys that lead there, a sentence, an example of right."""
    seen: dict[tuple[str, str, str], int] = {}
    for number, rule in enumerate(settings.creation):
        keys = ("creation", number)
        for key, system, stream in (
            ("from", rule.from_system, rule.from_stream),
            ("to", rule.to_system, rule.to_stream),
        ):
            known = settings.systems.get(system)
            if known is None:
                text = f"`creation.{number}.{key}`: there is no system {system!r}."
                yield (*keys, key), text, f"Known: {', '.join(settings.systems)}."
            elif known.streams is not None and stream not in known.streams:
                text = f"`creation.{number}.{key}`: {system} has no stream {stream!r} among its `streams`."
                yield (*keys, key), text, f"Listed: {', '.join(known.streams)}."
            elif key == "to" and known.push == "off":
                text = f"`creation.{number}.to`: nothing may be written to {system}."
                yield (*keys, key), text, "push: plan   # off, plan, auto"
        if rule.from_system == rule.to_system:
            text = f"`creation.{number}`: a record is created in another system than the one it comes from."
            yield (*keys, "to"), text, "from: forms.lead, to: crm.lead"
        first = seen.setdefault((rule.rule, rule.origin, rule.to_system), number)
        if first != number:
            text = f"`creation.{number}`: `creation.{first}` makes the same of the same records already."
            yield keys, text, "Keep one of them."
