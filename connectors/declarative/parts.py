"""What the parts of a manifest are made of besides words: names, templates, paths, instants."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from connectors.declarative.times import TimeFormat, zone_of
from connectors.expressions import ExpressionError, Template
from connectors.words import Part


def _is_template(value: Any) -> Any:
    try:
        Template(value)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return value


def _is_zone(name: str) -> str:
    if ZONE_SETTING.fullmatch(name) is None:
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


ZONE_SETTING = re.compile(r"\{config\.([a-z][a-z0-9_]*)\}")
"""A zone that a setting names."""
Place = tuple[Any, ...]
"""The keys that lead to an entry of the file."""
Mistake = tuple[Place, str]
"""Where something is wrong, and what."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Holes = Annotated[Any, AfterValidator(_is_template)]
Path = Annotated[str, AfterValidator(_is_path), AfterValidator(_is_template)]


class Times(Part):
    """How instants are written: iso, seconds, milliseconds or microseconds since 1970, or a pattern of strftime."""

    format: str = "iso"
    zone: Annotated[str, AfterValidator(_is_zone)] = "UTC"
    """Where the clock hangs whose times have no zone of their own: an IANA zone, or the setting that names it, such as
    ``{config.time_zone}``."""

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        TimeFormat(value)
        return value

    @property
    def reading(self) -> TimeFormat:
        """The format, ready to use; the zone is known by now (``zones.settled``)."""
        return TimeFormat(self.format, self.zone)
