"""Responses to a form, as the list and as the webhook shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

_KEYS = {"text": "short_text", "email": "email", "phone_number": "phone_number", "number": "number"}
"""Type of an answer → type of its question."""


@dataclass(slots=True)
class Reply:
    """One response. ``answers``: the question's reference → ``(type, value)``."""

    token: str
    submitted: datetime
    answers: dict[str, tuple[str, Any]]
    hidden: dict[str, str] = field(default_factory=dict)
    visible: datetime | None = None
    """When the list begins to show it."""

    def listed(self) -> dict[str, Any]:
        """As the Responses API shows it."""
        browser = {
            "user_agent": "Mozilla/5.0",
            "platform": "other",
            "network_id": self.token[:10],
            "browser": "default",
        }
        return {
            "landing_id": self.token,
            "token": self.token,
            "response_id": self.token,
            "response_type": "completed",
            "landed_at": _written(self.submitted - timedelta(seconds=40)),
            "submitted_at": _written(self.submitted),
            "metadata": browser,
            "hidden": self.hidden,
            "calculated": {"score": 0},
            "answers": self._answers(),
        }

    def pushed(self, form_id: str, event_id: str) -> dict[str, Any]:
        """As the webhook sends it."""
        fields = [
            {"id": _id(ref), "ref": ref, "type": _KEYS.get(kind, kind)} for ref, (kind, _) in self.answers.items()
        ]
        return {
            "event_id": event_id,
            "event_type": "form_response",
            "form_response": {
                "form_id": form_id,
                "token": self.token,
                "landed_at": _written(self.submitted - timedelta(seconds=40)),
                "submitted_at": _written(self.submitted),
                "hidden": self.hidden,
                "calculated": {"score": 0},
                "definition": {"id": form_id, "title": "Contact", "fields": fields},
                "answers": self._answers(),
            },
        }

    def _answers(self) -> list[dict[str, Any]]:
        return [
            {"type": kind, kind: value, "field": {"id": _id(ref), "ref": ref, "type": _KEYS.get(kind, kind)}}
            for ref, (kind, value) in self.answers.items()
        ]


def _id(ref: str) -> str:
    return f"q-{ref}"


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
