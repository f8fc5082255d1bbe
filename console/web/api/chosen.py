"""Some of a list that a request names: by their ids, or all of a system."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from console.web.api.values import Plain, Sent

_MOST = 500

Id = TypeVar("Id")
SentName = Annotated[str, StringConstraints(min_length=1, max_length=100), Plain]


def _one_of_them(shape: dict[str, Any]) -> None:
    """The rule in the words of JSON Schema, for generators of requests."""
    nothing, text = {"type": "null"}, {"type": "string"}
    of_a_system = {name: nothing for name in ("system", "stream") if name in shape["properties"]}
    shape["oneOf"] = [
        {"required": ["ids"], "properties": {"ids": {"type": "array"}} | of_a_system},
        {"required": ["system"], "properties": {"ids": nothing, "system": text}},
    ]


class Chosen(Sent, Generic[Id]):
    """These, or all of a system: one of the two has to be given."""

    model_config = ConfigDict(json_schema_extra=_one_of_them)

    ids: list[Id] | None = Field(None, min_length=1, max_length=_MOST, description="Their `id`s")
    system: SentName | None = Field(None, description="All of this system, if no ids are given", examples=["crm"])

    @model_validator(mode="after")
    def _ids_or_a_system(self) -> Self:
        if (self.ids is None) is (self.system is None):
            raise ValueError("give ids, or a system")
        return self


class ChosenOfStream(Chosen[Id], Generic[Id]):
    """These, or all of a system or of one of its streams."""

    stream: SentName | None = Field(None, description="Only of this stream of the system", examples=["deal"])

    @model_validator(mode="after")
    def _stream_of_a_system(self) -> Self:
        if self.stream is not None and self.system is None:
            raise ValueError("give ids, or a system with or without a stream")
        return self
