"""The stand-in of Jiandaoyun as the conformance kit plays on it: one form with a field of each kind that matters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, known_fields
from connectors.contract import Inbound
from connectors.jiandaoyun.webhook import SIGNATURE
from connectors.signatures import sign
from sandbox.jiandaoyun.errors import BusinessError
from sandbox.jiandaoyun.forms import Form, Row, Widget
from sandbox.jiandaoyun.seed import APP_ID
from sandbox.jiandaoyun.server import API_KEY, API_USER, JiandaoyunServer

_ENTRY_ID = "6530a2b3c4d5e6f70819cafe"
_SECRET = "kit-webhook-secret-0123456789"
_STAGE = Stage(
    "lead",
    list="/entry/data/list$",
    text="company_name",
    number="budget",
    write="/entry/data/update$",
    values={"status": ("已转化", "无效"), "conversion_note": ("转化为商机 Q-1", "called twice"), "score": (7, 9)},
    refused=("score", "many"),
    read_only="company_name",
    can=frozenset({Need.PAGES, Need.FETCH}),
)


@dataclass(slots=True)
class _Counted(Form):
    """A form that counts what the API changes."""

    by_api: Counter[str] = field(default_factory=Counter)

    def change(self, data_id: str, written: dict[str, Any], who: str, at: datetime) -> Row:
        self.by_api[data_id] += who == API_USER
        return Form.change(self, data_id, written, who, at)


class JiandaoyunWorld(StandIn[JiandaoyunServer]):
    """One company with one form."""

    connector: ClassVar[str] = "jiandaoyun"
    can = frozenset(
        {
            Need.EDIT,
            Need.DELETE,
            Need.UNDELETE,
            Need.TIMES,
            Need.VERBATIM,
            Need.HUGE,
            Need.EMPTY,
            Need.TIMEOUT,
            Need.RETRY_AFTER,
            Need.CREDENTIALS,
            Need.WEBHOOKS,
            Need.WEBHOOK_TIME,
            Need.DELIVERY_ID,
            Need.DELETION_EVENT,
        }
    )
    secrets = (API_KEY, _SECRET)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = JiandaoyunServer()
        self._server.clock = self.now
        self.empty()

    def empty(self) -> None:
        """Begin anew with an empty form."""
        super().empty()
        self._form = _Counted(APP_ID, _ENTRY_ID, "线索", _widgets())
        self._server.add_form(self._form)

    def stages(self) -> Sequence[Stage]:
        """The form."""
        return [_STAGE]

    def settings(self) -> dict[str, Any]:
        """The form as the stream ``lead``."""
        form = {"entry_id": _ENTRY_ID, "entity": "lead", "fields": [], "writable": list(_STAGE.values)}
        return {**self._server.config, "forms": {"lead": form}, "webhook_secret": _SECRET}

    def wrong_credentials(self) -> Mapping[str, Any]:
        """A key that was never given."""
        return {"api_key": "wrong-key-0123456789abcdef"}

    def elsewhere(self, address: str) -> Mapping[str, Any]:
        """The API has a path."""
        return {"base_url": f"{address}/api"}

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Somebody fills in the form."""
        made = []
        for _ in range(number):
            self._made += 1
            row = {"company_name": f"公司 {self._made}", "budget": self._made, "status": "待分配", "score": 1}
            given = {**row, "conversion_note": "", **(values or {})}
            data_id = f"{int(self._now.timestamp()):08x}{self._made:016x}"
            made.append(self._by_people("submit", given, at=at, data_id=data_id, entry_id=_ENTRY_ID))
        return made

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes a row."""
        self._by_people("edit", source_id, dict(values), at=at, entry_id=_ENTRY_ID)

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody moves a row to the bin."""
        self._by_people("delete", source_id, entry_id=_ENTRY_ID)

    def undelete(self, stage: Stage, source_id: str) -> None:
        """Somebody takes it out of the bin."""
        self._by_people("undelete", source_id, entry_id=_ENTRY_ID)

    def _by_people(self, act: str, *given: Any, **more: Any) -> Any:
        try:
            return getattr(self._server.people, act)(*given, **more)
        except BusinessError as error:
            raise ValueError("The form does not take it.") from error

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        with self._server.lock:
            rows = {data_id: self._form.read(row) for data_id, row in self._form.rows.items()}
        return {data_id: {name: row[name] for name in known_fields(stage)} for data_id, row in rows.items()}

    def applied(self, stage: Stage, source_id: str) -> int:
        """Changes through the API."""
        return self._form.by_api[source_id]

    def says(self, what: Said) -> Answer | None:
        """By business codes."""
        codes = {"throttled": (400, 8304), "quota": (400, 7212), "denied": (400, 8301), "hidden_error": (200, 7212)}
        status, code = codes[what]
        return Answer(status, {"code": code, "msg": ""})

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
        """A data push."""
        moment = at or datetime.now(UTC)
        op = {"changed": "data_update", "deleted": "data_remove", "unknown": "form_update"}[event]
        told = {"_id": source_id, "appId": APP_ID, "entryId": _ENTRY_ID}
        body = json.dumps({"op": op, "data": told, "opTime": int(moment.timestamp() * 1000)}).encode()
        query = {"nonce": f"n-{delivery}", "timestamp": str(int(moment.timestamp()))}
        headers = {"content-type": "application/json", "x-jdy-deliverid": delivery}
        signature = sign(SIGNATURE, secret or _SECRET, Inbound(headers, query, body))
        return Inbound({**headers, "x-jdy-signature": signature}, query, body)


def _widgets() -> list[Widget]:
    fields = {
        "lead_no": "sn",
        "company_name": "text",
        "budget": "number",
        "status": "combo",
        "conversion_note": "textarea",
        "score": "number",
    }
    return [Widget(f"_widget_{number}", kind, name, name) for number, (name, kind) in enumerate(fields.items(), 1)]
