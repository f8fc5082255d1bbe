"""The settings of a Stripe connection, with the defaults of Stripe's own service."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from connectors.network import Network, check_all

_MODES = {"sk_test_": False, "rk_test_": False, "sk_live_": True, "rk_live_": True}
_LIVE, _TEST = 50.0, 12.0
"""Calls a second that are ours by default: half of what Stripe allows, the shop's own checkout takes from the same."""

MetadataKey = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\[\]]+$")]


class StripeConfig(BaseModel):
    """One Stripe account, by a secret or restricted key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(description="Restricted key (rk_…) or secret key (sk_…)")
    account: str | None = Field(None, description="Connected account (acct_…) to read instead of the key's own")
    stripe_version: str = Field(
        "2023-08-16",
        pattern=r"^\d{4}-\d\d-\d\d(\.[a-z]+)?$",
        description="API version of every call; from 2025-03-31.basil on a payment does not name its invoice",
    )
    base_url: str = Field("https://api.stripe.com", description="Where the API is")
    metadata: list[MetadataKey] = Field(
        default_factory=lambda: ["delivery_numbers", "sent_to_customer", "order_number", "reconciliation"],
        description="Metadata keys that may be written",
    )
    overlap_seconds: int = Field(300, ge=0, description="How far each pull reaches back for events that show late")
    concurrency: int = Field(4, ge=1, le=32, description="Calls in progress at once while changed objects are read")
    reads_per_second: float | None = Field(
        None, gt=0, description="Default: 50, or 12 with a test key; Stripe allows 100 and 25 for the whole account"
    )
    writes_per_second: float | None = Field(None, gt=0, description="As reads_per_second, for write-backs")
    webhook_secret: SecretStr | list[SecretStr] | None = Field(
        None, description="Signing secret of the endpoint (whsec_…); several while one is replaced by another"
    )
    timeout_seconds: float = Field(80, gt=0, description="Longest wait for one answer")
    network: Network = Field(Network(), description="Addresses that are not public ones over TLS")

    @model_validator(mode="after")
    def _addresses(self) -> StripeConfig:
        check_all([("base_url", self.base_url)], self.network)
        return self

    @property
    def live(self) -> bool | None:
        """Whether the key is for real money; ``None`` if it does not say."""
        key = self.api_key.get_secret_value()
        return next((live for start, live in _MODES.items() if key.startswith(start)), None)

    @property
    def reads(self) -> float:
        """Reads a second."""
        return self.reads_per_second or (_LIVE if self.live else _TEST)

    @property
    def writes(self) -> float:
        """Writes a second."""
        return self.writes_per_second or (_LIVE if self.live else _TEST)
