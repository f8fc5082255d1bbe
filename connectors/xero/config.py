"""The settings of a Xero connection, with the defaults of Xero's own service."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.network import Network, check_all

SCOPES = (
    "accounting.contacts.read",
    "accounting.invoices",
    "accounting.payments.read",
    "accounting.banktransactions.read",
    "accounting.settings.read",
)


class XeroConfig(BaseModel):
    """A Xero *custom connection* (one organisation, client credentials, no person signs in), or an app that a person
    has authorised, with its first refresh token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(description="Client id of the custom connection or app (developer.xero.com, My Apps)")
    client_secret: SecretStr = Field(description="Client secret of the custom connection or app")
    refresh_token: SecretStr | None = Field(
        None,
        description="Of an app that a person authorised with the scope offline_access: the first refresh token. It "
        "stays here, and the store keeps those that follow; without it the app is a custom connection",
    )
    tenant_id: str | None = Field(
        None, description="Organisation to read; asked from Xero if the connection has just one"
    )
    scopes: list[str] = Field(
        default_factory=lambda: list(SCOPES),
        description="Scopes to ask for; accounting.invoices.read never writes; older apps: accounting.transactions",
    )
    base_url: str = Field("https://api.xero.com/api.xro/2.0", description="Accounting API")
    token_url: str = Field("https://identity.xero.com/connect/token", description="Where tokens are issued")
    page_size: int = Field(1000, ge=1, le=1000, description="Records per call; Xero allows up to 1000")
    overlap_seconds: int = Field(300, ge=1, description="How far each pull reaches back before the end of the last one")
    recheck_hours: float = Field(
        24, ge=0, description="Read all open invoices again this often, for changes Xero does not date; 0 = never"
    )
    calls_per_minute: int = Field(60, ge=2, description="Xero's limit for one organisation")
    concurrency: int = Field(5, ge=1, description="Calls in progress at once; Xero's limit for one organisation is 5")
    calls_per_day: int = Field(5000, ge=1, description="Xero's limit for one organisation in 24 hours")
    daily_reserve: int = Field(500, ge=0, description="Calls of the day left to people and other programs")
    webhook_secret: SecretStr | list[SecretStr] | None = Field(
        None,
        description="The webhooks key (developer.xero.com, My Apps, Webhooks), if Xero is to tell of changes; several "
        "while one is replaced by another",
    )
    timeout_seconds: float = Field(60, gt=0, description="Longest wait for one answer")
    network: Network = Field(Network(), description="Addresses that are not public ones over TLS")

    @model_validator(mode="after")
    def _addresses(self) -> XeroConfig:
        check_all([("base_url", self.base_url), ("token_url", self.token_url)], self.network)
        return self
