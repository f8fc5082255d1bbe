"""What ltc.yaml may say about writing: who owns a field, which records may be written, and how much at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

Role = Literal["marketing", "crm", "erp", "accounting", "payments", "bank", "service"]
Policy = Literal["owner_wins", "newest_wins", "ask"]
"""What becomes of a value that somebody else wrote into a field we write."""


def _known_field(name: str) -> str:
    from mappings.model import ENTITIES, columns

    entity, _, field = name.partition(".")
    if entity not in ENTITIES:
        raise ValueError(f"{entity!r} is no record of lead to cash; known: {', '.join(ENTITIES)}")
    if field not in {column.name for column in columns(ENTITIES[entity])}:
        raise ValueError(f"{entity} has no field {field!r}; write entity.field, for example lead.status")
    return name


FieldName = Annotated[str, AfterValidator(_known_field)]
"""``entity.field`` of the canonical model."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ownership(_Settings):
    """Which role is right about a field, and what to do where the target shows what somebody else wrote."""

    owner: Role
    policy: Policy = "owner_wins"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"owner": given} if isinstance(given, str) else given


class Limits(_Settings):
    """A plan above one of these is carried out only with ``--approve``.

    ``changes`` and ``share`` (of the live records of a stream) go together: only a plan above both is large.
    ``money`` is in major units of the base currency, the sum over the records that are written.
    """

    changes: int = Field(500, ge=0)
    share: Decimal = Field(Decimal("0.2"), ge=0, le=1)
    money: Decimal | None = Field(None, ge=0)


class Brake(_Settings):
    """So many writes of one value into one field of one record within so many hours, and somebody undoes them."""

    writes: int = Field(3, ge=1)
    hours: int = Field(24, ge=1)


class Writing(_Settings):
    """Rules for every write-back."""

    first_run: Literal["read_only", "write"] = "read_only"
    only: dict[str, str] = Field(default_factory=dict)
    create_only: list[FieldName] = Field(default_factory=list)
    limits: Limits = Field(default_factory=Limits)
    brake: Brake = Field(default_factory=Brake)

    @field_validator("only")
    @classmethod
    def _readable(cls, given: dict[str, str]) -> dict[str, str]:
        if given:
            from mappings.model import ENTITIES
            from mappings.predicate import parse

            for entity, text in given.items():
                if entity not in ENTITIES:
                    raise ValueError(f"{entity!r} is no record of lead to cash; known: {', '.join(ENTITIES)}")
                try:
                    parse(entity, text)
                except ValueError as error:
                    raise ValueError(f"{entity}: {error}") from None
        return given
