"""The Google Ads lead form connector: a source that only sends.

A form of Google Ads posts each lead to an address of ours, as one JSON object with a key that was set at the form.
There is no signature, no time and no list to read. ``lead_id`` is unique across all forms, unknown fields are to be
ignored, numbers of ids are 64 bits wide (developers.google.com/google-ads/webhook/docs/implementation).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.contract import (
    Arrival,
    CheckLine,
    Connector,
    Cursor,
    Delivery,
    Inbound,
    Page,
    RawRecord,
    StreamSpec,
    Webhooks,
    WebhookSpec,
    Window,
)
from connectors.errors import WebhookRefused

_STREAM = "lead"
_json = msgspec.json.Encoder(decimal_format="number", order="sorted")


class GoogleAdsLeadsConfig(BaseModel):
    """The key of the lead forms; nothing is ever called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook_secret: SecretStr | list[SecretStr] = Field(
        description="The key that is set at the lead form beside the webhook's address; several, if forms have "
        "different ones or one is being replaced"
    )


class GoogleAdsLeads(Connector[GoogleAdsLeadsConfig]):
    """Leads of Google Ads lead forms, as they are sent."""

    name: ClassVar[str] = "google-ads-leads"
    Config: ClassVar[type[BaseModel]] = GoogleAdsLeadsConfig

    def streams(self) -> Sequence[StreamSpec]:
        """Leads only."""
        return [StreamSpec(_STREAM, "lead", webhooks=Webhooks.RECORD)]

    def check(self) -> Iterable[CheckLine]:
        """Nothing can be asked: whether leads arrive shows when Google's test data is sent."""
        remedy = 'Press "Send test data" at the form while `ltc serve --webhooks` runs.'
        yield CheckLine(_STREAM, True, "Google sends leads; there is nothing to read.", remedy)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:  # noqa: ARG002
        """Nothing: what Google sent is landed before a pull begins."""
        yield Page([], cursor or {}, complete=True)

    def webhook(self) -> WebhookSpec:
        """The key itself stands in each request."""
        from connectors.signatures import Signature  # most runs take no webhooks in, and it takes time to import

        return WebhookSpec(Signature(scheme="shared-key", field="google_key"))

    def receive(self, request: Inbound) -> Delivery:
        """One lead. The key is left out of what is kept, and the answers are kept by the id of their column."""
        from connectors.places import document
        from connectors.signatures import identify, verify

        signature = self.webhook().signature
        verify(signature, self.config.webhook_secret, request, datetime.now(UTC))
        content = document(request.body)
        lead_id = content.get("lead_id")
        if isinstance(lead_id, bool) or not isinstance(lead_id, str | int) or not str(lead_id):
            raise WebhookRefused("The lead has no lead_id.")
        record = RawRecord(str(lead_id), _body(content))
        return Delivery(identify(signature, request), arrivals=[Arrival(_STREAM, record)])


def _body(content: dict[str, Any]) -> bytes:
    kept = {name: value for name, value in content.items() if name not in ("google_key", "user_column_data")}
    columns: dict[str, list[str]] = {}
    given = content.get("user_column_data")
    for item in given if isinstance(given, list) else []:
        name = item.get("column_id") or item.get("column_name") if isinstance(item, dict) else None
        if isinstance(name, str) and isinstance(item.get("string_value"), str):
            columns.setdefault(name, []).append(item["string_value"])
    return _json.encode({**kept, "columns": {name: "; ".join(texts) for name, texts in columns.items()}})
