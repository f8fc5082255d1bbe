"""The settings of a Salesforce system in ltc.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.network import Network, check_all

_FieldName = Annotated[str, Field(pattern=r"^[A-Za-z]\w*(\.[A-Za-z]\w*)*$")]


class SalesforceConfig(BaseModel):
    """An org, and the connected app (OAuth client credentials) we reach it with."""

    model_config = ConfigDict(extra="forbid")

    instance_url: str = Field(description="My Domain address, https://acme.my.salesforce.com")
    login_url: str | None = Field(None, description="Where tokens are issued, if not at instance_url")
    client_id: str = Field(min_length=1, description="Consumer key of the connected app")
    client_secret: SecretStr = Field(description="Consumer secret of the connected app")
    api_version: str = Field("62.0", pattern=r"^\d{2}\.0$", description="REST API version")
    ca_bundle: Path | None = Field(None, description="PEM file of the authority that signed the server's certificate")
    quota_reserve_percent: int = Field(10, ge=0, le=90, description="Share of the daily API calls left to others")
    page_size: int = Field(2000, ge=1, le=2000, description="Records per query")
    overlap_seconds: int = Field(
        600, ge=0, le=86_400, description="How far a pull goes back behind the last one, for commits that came late"
    )
    timeout_seconds: float = Field(60.0, gt=0, le=600, description="How long to wait for an answer")
    calls_per_second: float = Field(50.0, gt=0, le=1000, description="Most calls a second")
    custom_fields: dict[str, dict[_FieldName, _FieldName | None]] = Field(
        default_factory=dict,
        description="Stream → our name of a custom field → the org's name of it, or null if the org has none; a name "
        "that is not ours adds a field to read",
    )

    network: Network = Field(Network(), description="Addresses that are not public ones")

    @model_validator(mode="after")
    def _allowed(self) -> SalesforceConfig:
        check_all([("instance_url", self.instance_url), ("login_url", self.login_url)], self.network)
        return self

    @field_validator("instance_url", "login_url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("https://"):
            raise ValueError("must start with https://, for example https://acme.my.salesforce.com")
        return value.rstrip("/") if value else None
