"""Google Ads lead forms as the conformance kit plays on them: leads that are sent, and nothing that can be asked.

The key of the form stands in each request; there is no signature, no time, no id of a delivery and one kind of event
(developers.google.com/google-ads/webhook/docs/implementation).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from conformance.needs import Need
from conformance.offline import OfflineWorld
from conformance.world import Stage, Wish, decoded
from connectors.contract import Inbound

_KEY = "kit-form-key-0123456789abcdef"
LEAD = Stage("lead", list="", text="COMPANY_NAME", can=frozenset({Need.WEBHOOKS, Need.EDIT}))


class GoogleAdsLeadsWorld(OfflineWorld):
    """One form; an advertiser moves its leads on from stage to stage."""

    connector: ClassVar[str] = "google-ads-leads"
    lacks = frozenset({Need.READ, Need.HTTP, Need.SIGNED, Need.ORDER, Need.EVENTS})
    secrets = (_KEY,)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.empty()

    def empty(self) -> None:
        """Begin anew without leads."""
        super().empty()
        self._leads: dict[str, dict[str, Any]] = {}

    def stages(self) -> Sequence[Stage]:
        """The form."""
        return [LEAD]

    def config(self, wish: Wish) -> dict[str, Any]:
        """The key; nothing is called."""
        return {"webhook_secret": _KEY}

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """People fill in the form."""
        made = []
        for _ in range(number):
            self._made += 1
            lead_id = f"TeSter-{self._made:06d}"
            self._leads[lead_id] = {stage.text: f"公司 {self._made}", **(values or {})}
            made.append(lead_id)
        return made

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """A lead is sent with other answers."""
        self._leads[source_id] |= values

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        return {lead_id: dict(answers) for lead_id, answers in self._leads.items()}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record, which keeps answers by their column."""
        return {stage.text: decoded(body)["columns"].get(stage.text)}

    def inbound(
        self,
        stage: Stage,
        source_id: str,
        *,
        event: Literal["changed", "deleted", "unknown"] = "changed",
        delivery: str = "delivery-1",
        secret: str | None = None,
        at: datetime | None = None,
    ) -> Inbound:
        """A lead with the key of its form."""
        answers = self._leads[source_id].items()
        told = {
            "lead_id": source_id,
            "api_version": "1.0",
            "form_id": 4_000_000_001,
            "campaign_id": 12_345_678_901,
            "google_key": _KEY if secret is None else secret,
            "user_column_data": [{"column_id": name, "string_value": value} for name, value in answers],
        }
        return Inbound({"content-type": "application/json"}, {}, json.dumps(told).encode())
