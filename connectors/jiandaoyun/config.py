"""What an administrator sets for a Jiandaoyun system in ltc.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from connectors.network import Network, check_all

LEAD_FIELDS = (
    "lead_no",
    "contact_name",
    "company_name",
    "email",
    "phone",
    "country",
    "source",
    "campaign",
    "submitted_at",
    "status",
    "conversion_note",
)
"""Aliases that the shipped mapping reads from the lead form."""
LEAD_WRITABLE = ("status", "conversion_note")
"""Aliases that the shipped mapping writes."""

_Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FormConfig(_Settings):
    """One form, offered as one stream."""

    entry_id: _Id = Field(description="The form's id: open platform › API documents, or the form's address")
    app_id: _Id | None = Field(None, description="The app it is in; default: the system's app_id")
    entity: _Name = Field("lead", description="What its rows are in the canonical model")
    fields: tuple[str, ...] | None = Field(None, description="Field aliases that must be there; `ltc check` compares")
    writable: tuple[str, ...] | None = Field(None, description="Field aliases that may be written back")

    @property
    def expected_fields(self) -> tuple[str, ...]:
        """Aliases that the form should have."""
        if self.fields is not None:
            return self.fields
        return LEAD_FIELDS if self.entity == "lead" else ()

    @property
    def writable_fields(self) -> tuple[str, ...]:
        """Aliases that may be written."""
        if self.writable is not None:
            return self.writable
        return LEAD_WRITABLE if self.entity == "lead" else ()


class Limits(_Settings):
    """Requests a second that we allow ourselves: the vendor's limits by default, less what else uses the company's."""

    company: float = Field(50, gt=0, description="All calls to the company together")
    read: float = Field(30, gt=0, description="Each query endpoint (Jodoo may allow only 5)")
    write: float = Field(20, gt=0, description="Each endpoint that changes one row")


class JiandaoyunConfig(_Settings):
    """A Jiandaoyun company and the forms to sync."""

    base_url: str = Field(
        "https://api.jiandaoyun.com/api", description="https://api.jodoo.com/api for the international service"
    )
    api_key: SecretStr = Field(description="Open platform › keys")
    app_id: _Id | None = Field(None, description="The app that the forms are in")
    forms: dict[_Name, FormConfig] = Field(min_length=1, description="Stream name → form")
    page_size: int = Field(100, ge=1, le=100, description="Rows per call; the vendor allows 100")
    full_scan_minutes: int = Field(
        0,
        ge=0,
        description="After a change only rows at the end are read until this many minutes have passed since the last "
        "complete scan; 0: every change leads to a complete scan, so that updates show at once",
    )
    webhook_secret: SecretStr | list[SecretStr] | None = Field(
        None,
        description="The secret of the forms' data push (扩展功能 › 数据推送), if they are to tell of changes; "
        "several, if forms have different ones or one is being replaced",
    )
    start_automation: bool = Field(False, description="Whether our writes may start the form's 智能助手 automations")
    limits: Limits = Limits()
    timeout_seconds: float = Field(60, gt=0)
    network: Network = Field(Network(), description="Addresses that are not public ones over TLS")

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.rstrip("/")
        if value.endswith("/v5"):
            raise ValueError("must end before the version, for example https://api.jiandaoyun.com/api")
        return value

    @model_validator(mode="after")
    def _allowed(self) -> JiandaoyunConfig:
        check_all([("base_url", self.base_url)], self.network)
        return self

    @field_validator("api_key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if key.lower().startswith("bearer"):
            raise ValueError("must be the bare key, without `Bearer`")
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("must be the key as the open platform shows it: letters and digits, no spaces")
        return value

    @field_validator("forms")
    @classmethod
    def _apps(cls, value: dict[str, FormConfig], info: ValidationInfo) -> dict[str, FormConfig]:
        lost = [name for name, form in value.items() if form.app_id is None and info.data.get("app_id") is None]
        if lost:
            raise ValueError(f"form {lost[0]} needs app_id, here or for the whole system")
        return value
