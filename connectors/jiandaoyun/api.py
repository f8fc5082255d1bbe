"""The calls of the open API v5 that we use: every one a POST with a JSON body, within its own request limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
import msgspec

from connectors import retry
from connectors.budget import Allowance, Priority, account
from connectors.contract import CallStats
from connectors.errors import ContractError
from connectors.http import HttpSession
from connectors.jiandaoyun import codes
from connectors.jiandaoyun.config import JiandaoyunConfig
from connectors.rawjson import decode, parse, shape
from connectors.services import Services, in_process

PATIENCE = retry.RetryPolicy(attempts=6, total_seconds=90.0)


class FormId(NamedTuple):
    """A form's full address."""

    app_id: str
    entry_id: str


class Widget(msgspec.Struct):
    """One field of a form: ``name`` is the alias if one is set, else equal to ``widgetName``, the id."""

    name: str
    widgetName: str
    type: str
    label: str = ""


class Widgets(msgspec.Struct):
    """A form's fields, and when its data last changed."""

    widgets: list[Widget]
    dataModifyTime: str | int | None = None

    def by_name(self) -> dict[str, Widget]:
        """Fields by the name that requests and answers use."""
        return {widget.name: widget for widget in self.widgets}


class Head(msgspec.Struct):
    """What we need to know of a row without reading all of it."""

    id: str = msgspec.field(name="_id")
    updated: Any = msgspec.field(name="updateTime", default=None)


class _Rows(msgspec.Struct):
    data: list[msgspec.Raw]


class _Row(msgspec.Struct):
    data: msgspec.Raw


class _Form(msgspec.Struct):
    name: str
    entry_id: str


class _Forms(msgspec.Struct):
    forms: list[_Form]


_widgets = msgspec.json.Decoder(Widgets)
_rows = msgspec.json.Decoder(_Rows)
_row = msgspec.json.Decoder(_Row)
_head = msgspec.json.Decoder(Head)
_forms = msgspec.json.Decoder(_Forms)


class Api:
    """One company, as one key sees it. Every method raises ``ConnectorError``."""

    def __init__(
        self, config: JiandaoyunConfig, stats: CallStats, services: Callable[[], Services] = in_process
    ) -> None:
        self._config = config
        key = config.api_key.get_secret_value()
        self._session = HttpSession(
            config.base_url,
            stats=stats,
            classify=codes.classify,
            budget=lambda: services().budget,
            allowances=[self._allowance("company", config.limits.company)],
            policy=PATIENCE,
            authenticate=lambda: {"Authorization": f"Bearer {key}"},
            timeout=config.timeout_seconds,
            network=config.network,
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def allowances(self) -> list[Allowance]:
        """All calls together, and those to each address that reads or writes."""
        limits = self._config.limits
        return [
            self._allowance("company", limits.company),
            replace(self._allowance("read", limits.read), about="each kind of query"),
            replace(self._allowance("write", limits.write), about="each kind of write"),
        ]

    def widgets(self, form: FormId) -> Widgets:
        """The form's fields and its data's last change."""
        return parse(self._call("entry/widget/list", form, {}), _widgets)

    def rows(self, form: FormId, after: str | None, limit: int, fields: list[str] | None = None) -> list[bytes]:
        """Up to ``limit`` rows with greater ids than ``after``, ascending by id, each as the bytes that were sent."""
        body: dict[str, Any] = {"limit": limit}
        if after is not None:
            body["data_id"] = after
        if fields is not None:
            body["fields"] = fields
        return [bytes(row) for row in parse(self._call("entry/data/list", form, body), _rows).data]

    def rows_of(self, form: FormId, ids: Sequence[str]) -> list[bytes]:
        """The rows with these ids, up to 100, that are there."""
        wanted = {"field": "data_id", "method": "in", "value": list(ids)}
        body = {"limit": len(ids), "filter": {"rel": "and", "cond": [wanted]}}
        return [bytes(row) for row in parse(self._call("entry/data/list", form, body), _rows).data]

    def row(self, form: FormId, data_id: str) -> bytes:
        """One row, for a write; raises ``RowMissingError`` if it is gone."""
        body = {"data_id": data_id}
        return bytes(parse(self._call("entry/data/get", form, body, priority=Priority.WRITE), _row).data)

    def update(self, form: FormId, data_id: str, values: dict[str, Any]) -> bytes:
        """Set fields of a row and return the row as it is then; never sent twice without knowing what became of it."""
        body = {
            "data_id": data_id,
            "data": {name: {"value": value} for name, value in values.items()},
            "is_start_trigger": self._config.start_automation,
        }
        return bytes(parse(self._call("entry/data/update", form, body, safe=False), _row).data)

    def forms(self, app_id: str) -> dict[str, str]:
        """Entry id → name of the first 100 forms of an app."""
        content = self._post("entry/list", {"app_id": app_id, "limit": 100, "skip": 0}).content
        return {form.entry_id: form.name for form in parse(content, _forms).forms}

    def _call(
        self,
        path: str,
        form: FormId,
        body: dict[str, Any],
        *,
        safe: bool = True,
        priority: Priority | None = None,
    ) -> bytes:
        sent = {"app_id": form.app_id, "entry_id": form.entry_id, **body}
        return self._post(path, sent, safe=safe, priority=priority).content

    def _post(
        self, path: str, body: dict[str, Any], *, safe: bool = True, priority: Priority | None = None
    ) -> httpx.Response:
        limits = self._config.limits
        own = self._allowance(path, limits.write if path.endswith("/update") else limits.read)
        return self._session.request(
            "POST", f"/v5/app/{path}", json=body, safe=safe, allowances=[own], priority=priority
        )

    def _allowance(self, what: str, calls: float) -> Allowance:
        """A limit of the company, which no answer names; so all that we call at one address counts as one company's."""
        return Allowance(account("jiandaoyun", self._config.base_url, what), calls, name="Jiandaoyun")


def head(row: bytes) -> Head:
    """A row's id and change time; raises ``ContractError`` if it has no id."""
    return parse(row, _head)


def document(row: bytes) -> dict[str, Any]:
    """A row decoded, numbers with fractions as ``Decimal``; raises ``ContractError``."""
    found = decode(row)
    if not isinstance(found, dict):
        raise ContractError("A row is not a JSON object.", remedy="Report it with the sample.", sample=shape(row))
    return found
