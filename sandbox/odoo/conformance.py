"""The stand-in of Odoo as the conformance kit plays on it: partners, leads and sale orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, decoded, known_fields
from sandbox.odoo.database import Database
from sandbox.odoo.server import API_KEY, OdooServer

_LATE_SECONDS = 270.0
"""``write_date`` is the time a transaction began; the manifest's overlap is made for five minutes."""
_CAN = frozenset({Need.EDIT, Need.DELETE})


def _stage(stream: str, model: str, text: str, **more: Any) -> Stage:
    address = rf"^POST /json/2/{model.replace('.', '[.]')}"
    write = f"{address}/(action_|write)" if "values" in more else ""
    create = f"{address}/create" if "key" in more else ""
    return Stage(
        stream,
        list=f"{address}/web_search_read",
        text=text,
        write=write,
        create=create,
        late_seconds=_LATE_SECONDS,
        can=_CAN,
        large=500,
        **more,
    )


PARTY = _stage("party", "res.partner", "name")
LEAD = _stage("lead", "crm.lead", "contact_name", key="referred", new={"name": "Pumps wanted"})
_MODELS = {"party": "res.partner", "lead": "crm.lead", "order": "sale.order"}


class OdooWorld(StandIn[OdooServer]):
    """One company."""

    connector: ClassVar[str] = "odoo"
    can = frozenset(
        {Need.PAGES, Need.TIMES, Need.VERBATIM, Need.TIMEOUT, Need.CREDENTIALS, Need.FETCH, Need.RETRY_AFTER, Need.HUGE}
    )
    secrets = (API_KEY,)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = OdooServer()
        self.empty()

    def empty(self) -> None:
        """Begin anew with an empty company."""
        super().empty()
        database = Database()
        database.clock = self.now
        customer = {"name": "客户", "is_company": True}
        with database.at(self._now - timedelta(days=1)):
            self._customer = database.add("res.partner", **customer)
        self._server.database = self._database = database

    def stages(self) -> Sequence[Stage]:
        """Partners are many; the state of orders is written, through its buttons."""
        order = _stage(
            "order",
            "sale.order",
            "origin",
            values={"state": ("sale", "cancel")},
            read_only="origin",
            key="client_order_ref",
            new={"partner_id": str(self._customer), "currency_id": self._database.company_currency, "order_line": []},
        )
        return [PARTY, order, LEAD]

    def settings(self) -> dict[str, Any]:
        """A key of the company."""
        return {**self._server.config, "calls_per_second": 100_000}

    def wrong_credentials(self) -> Mapping[str, Any]:
        """A key of nobody."""
        return {"api_key": "wrong-key-0123456789"}

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Somebody makes records."""
        given = dict(values or {})
        if any(value in (None, "") for value in given.values()):
            raise ValueError("Odoo shows nothing and an empty text alike.")
        made = []
        with self._database.at(at) if at is not None else nullcontext():
            for _ in range(number):
                self._made += 1
                fields = {**self._usual(stage), **given}
                made.append(str(self._database.add(_MODELS[stage.stream], **fields)))
        return made

    def _usual(self, stage: Stage) -> dict[str, Any]:
        text = {stage.text: f"文本 {self._made}"}
        match stage.stream:
            case "party":
                return {**text, "is_company": True}
            case "lead":
                return {**text, "name": f"Lead {self._made}", "type": "lead", "stage_id": 1}
            case _:
                # A draft is in the list only if it is one of ours.
                ours = f"ltc-made-{self._made}"
                currency = self._database.company_currency
                return {**text, "partner_id": self._customer, "client_order_ref": ours, "currency_id": currency}

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes a record."""
        with self._database.at(at) if at is not None else nullcontext():
            self._database.set(_MODELS[stage.stream], int(source_id), values)

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody deletes a record."""
        self._database.remove(_MODELS[stage.stream], int(source_id))

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        names = known_fields(stage)
        with self._database.lock:
            rows = self._database.tables[_MODELS[stage.stream]].values()
            return {str(row["id"]): {name: row[name] for name in names} for row in rows}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record."""
        record = decoded(body)
        return {name: record[name] or None for name in known_fields(stage)}

    def applied(self, stage: Stage, source_id: str) -> int:
        """Changes through the API."""
        return self._database.writes[_MODELS[stage.stream], int(source_id)]

    def says(self, what: Said) -> Answer | None:
        """Odoo itself never throttles, but its proxies do; it puts no errors into a success."""
        if what == "throttled":
            return Answer(429)
        denied = {"name": "werkzeug.exceptions.Unauthorized", "message": "Invalid apikey", "arguments": []}
        return Answer(401, denied) if what == "denied" else None
