"""What ltc.yaml says about a Tryton."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

from connectors.network import Network, check_all


class TrytonConfig(BaseModel):
    """Settings of one Tryton database."""

    model_config = ConfigDict(extra="forbid")

    base_url: HttpUrl = Field(description="Address of the server without the database, e.g. https://erp.example.com")
    database: str = Field(min_length=1, description="Name of the database")
    user: str = Field(min_length=1, description="Login of the integration user (groups Sales and Stock)")
    password: SecretStr = Field(description="Its password")
    company: int | None = Field(None, description="Id of the company to read as; by default the user's own")
    page_size: int = Field(500, ge=1, le=5000, description="Records per call")
    overlap_seconds: float = Field(
        300.0,
        ge=0,
        description="How far each pull reads back: longer than the longest transaction in this Tryton, because a row "
        "carries the time its transaction began",
    )
    timeout_seconds: float = Field(60.0, gt=0, description="Longest wait for one answer")
    calls_per_second: float = Field(20.0, gt=0, description="Most calls per second, all streams together")
    ca_bundle: Path | None = Field(None, description="PEM file of the authority that signed the server's certificate")
    network: Network = Field(Network(), description="Addresses that are not public ones over TLS")

    @model_validator(mode="after")
    def _addresses(self) -> TrytonConfig:
        check_all([("base_url", str(self.base_url))], self.network)
        return self
