"""The stand-in of Typeform as the conformance kit plays on it: the responses to one form, which never change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, decoded
from connectors.contract import Inbound
from sandbox.typeform.responses import Reply
from sandbox.typeform.server import FORM_ID, SECRET, TOKEN, TypeformServer, signed

_STAGE = Stage(
    "response",
    list=rf"^GET /forms/{FORM_ID}/responses",
    text="company",
    number="budget",
    large=1000,
    late_seconds=1800.0,
    can=frozenset({Need.PAGES, Need.FETCH, Need.CURSOR}),
)


class TypeformWorld(StandIn[TypeformServer]):
    """One form."""

    connector: ClassVar[str] = "typeform"
    can = frozenset(
        {
            Need.TIMES,
            Need.DELETE,
            Need.TIMEOUT,
            Need.CREDENTIALS,
            Need.RETRY_AFTER,
            Need.HUGE,
            Need.WEBHOOKS,
            Need.DELIVERY_ID,
        }
    )
    secrets = (TOKEN, SECRET)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = TypeformServer()
        self._server.clock = self.now
        self.empty()

    def empty(self) -> None:
        """Begin anew with an empty form."""
        super().empty()
        self._replies: list[Reply] = []
        self._server.forms[FORM_ID] = self._replies

    def stages(self) -> Sequence[Stage]:
        """The form's responses."""
        return [_STAGE]

    def settings(self) -> dict[str, Any]:
        """A personal token."""
        return {**self._server.config, "webhook_secret": SECRET}

    def wrong_credentials(self) -> Mapping[str, Any]:
        """A token of nobody."""
        return {"token": "tfp-wrong-0123456789"}

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """People answer the form; each a moment after the one before, unless it is said when."""
        made = []
        for _ in range(number):
            self._made += 1
            given: dict[str, Any] = {"company": f"公司 {self._made}", "budget": self._made, **(values or {})}
            if None in given.values() or "" in given.values():
                raise ValueError("A question without an answer is not among the answers.")
            kinds = {"company": "text", "budget": "number"}
            token = hashlib.md5(f"kit {self._made}".encode(), usedforsecurity=False).hexdigest()
            answers = {name: (kinds[name], _plain(value)) for name, value in given.items()}
            with self._server.lock:
                self._replies.append(Reply(token, at or self._now, answers, {}, None))
            made.append(token)
        return made

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody deletes a response."""
        self._server.remove(source_id)

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        with self._server.lock:
            return {item.token: {name: answer[1] for name, answer in item.answers.items()} for item in self._replies}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record, whose answers are kept by their references."""
        answers = decoded(body)["answers"]
        return {"company": answers["company"]["text"], "budget": answers["budget"]["number"]}

    def says(self, what: Said) -> Answer | None:
        """In Typeform's words; it knows no quota and puts no errors into a success."""
        if what == "throttled":
            return Answer(429, {"code": "TOO_MANY_REQUESTS", "description": "Too many requests"})
        if what == "denied":
            return Answer(403, {"code": "AUTHENTICATION_FAILED", "description": "Said in words"})
        return None

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
        """A response as it is pushed; deletions are not told."""
        if event == "changed":
            reply = next(item for item in self._replies if item.token == source_id)
            told = reply.pushed(FORM_ID, delivery)
        else:
            told = {"event_id": delivery, "event_type": "form_response_partial", "form_response": {"form_id": FORM_ID}}
        body = json.dumps(told, separators=(",", ":")).encode()
        headers = {"content-type": "application/json", "typeform-signature": signed(secret or SECRET, body)}
        return Inbound(headers, {}, body)


def _plain(value: Any) -> Any:
    """Numbers of a form are whole."""
    if isinstance(value, int | str):
        return value
    raise ValueError("The form takes whole numbers only.")
