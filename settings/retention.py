"""What ltc.yaml may say about how long things are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LandingRetention(_Settings):
    """A superseded version goes when it is older than ``days`` and not among the newest ``versions`` of its record."""

    versions: int = Field(10, ge=1)
    days: int | None = Field(400, ge=1)


class Retention(_Settings):
    """How many days things are kept; ``null`` is for ever. ``automatic``: pruned at the end of a sync, once a day."""

    automatic: bool = True
    landing: LandingRetention = Field(default_factory=LandingRetention)
    runs: int | None = Field(90, ge=1)
    writes: int | None = Field(400, ge=30)
    findings: int | None = Field(800, ge=1)
    tie_outs: int | None = Field(800, ge=1)
