"""A small JSON-RPC client for setting up a Tryton and playing its users; the connector has its own, stricter one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any

import httpx

Ids = list[int]


class TrytonError(Exception):
    """The server refused a call; ``kind`` is the first word of its answer (``UserError``, ``UserWarning`` …)."""

    def __init__(self, error: Sequence[Any]) -> None:
        super().__init__(*error)
        self.kind = str(error[0])
        self.detail: Any = error[1] if len(error) > 1 else ""


class Client:
    """A logged-in user of one database; ``context`` carries the user's company."""

    def __init__(self, base_url: str, database: str, user: str, password: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=600.0, headers={"Accept-Encoding": "gzip"})
        self._path = f"/{database}/rpc/"
        self.context: dict[str, Any] = {}
        self.user_id, token, _bus = self.rpc("common.db.login", user, {"password": password}, "en")
        session = base64.b64encode(f"{user}:{self.user_id}:{token}".encode()).decode()
        self._http.headers["Authorization"] = f"Session {session}"
        self.refresh_context()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def rpc(self, method: str, *params: Any) -> Any:
        """One call. Raises ``TrytonError`` for a refusal, ``httpx.HTTPStatusError`` for any other status than 200."""
        body = json.dumps({"id": 1, "method": method, "params": params}, default=_encode)
        response = self._http.post(self._path, content=body, headers={"Content-Type": "application/json"})
        response.raise_for_status()
        answer = json.loads(response.content, object_hook=_decode)
        if "error" in answer:
            error = answer["error"]
            raise TrytonError(error if isinstance(error, list) else [error])
        return answer["result"]

    def refresh_context(self) -> None:
        """Take over the user's company and groups, without which defaults are missing."""
        self.context = self.call("res.user", "get_preferences", True)

    def call(self, model: str, method: str, *params: Any, **context: Any) -> Any:
        """A method of a model; ``context`` adds to the user's own."""
        return self.rpc(f"model.{model}.{method}", *params, {**self.context, **context})

    def create(self, model: str, values: Iterable[dict[str, Any]]) -> Ids:
        """Create several records in one call and return their ids in order."""
        made: Ids = self.call(model, "create", list(values))
        return made

    def create_one(self, model: str, **values: Any) -> int:
        """Create one record."""
        return self.create(model, [values])[0]

    def search(self, model: str, domain: list[Any], **context: Any) -> Ids:
        """Ids of the records that match, in ascending order."""
        found: Ids = self.call(model, "search", domain, 0, None, [["id", "ASC"]], **context)
        return found

    def one(self, model: str, domain: list[Any]) -> int:
        """The id of the only (or first) record that matches."""
        return self.search(model, domain)[0]

    def read(self, model: str, ids: Ids, fields: list[str]) -> list[dict[str, Any]]:
        """The records' fields, in the order of ``ids``."""
        rows = {row["id"]: row for row in self.call(model, "read", ids, fields)}
        return [rows[number] for number in ids]

    def write(self, model: str, ids: Ids, values: dict[str, Any]) -> None:
        """The same values for several records."""
        self.call(model, "write", ids, values)

    def write_each(self, model: str, changes: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Different values for several records, in one call."""
        params = [part for number, values in changes for part in ([number], values)]
        if params:
            self.call(model, "write", *params)

    def press(self, model: str, button: str, ids: Ids) -> None:
        """Press a button on several records, answering yes to whatever Tryton asks."""
        if not ids:
            return
        while True:
            try:
                self.call(model, button, ids)
                return
            except TrytonError as error:
                if error.kind != "UserWarning":
                    raise
                self.create_one("res.user.warning", user=self.user_id, name=error.detail[0], always=False)

    def run_wizard(self, name: str, *states: tuple[str, dict[str, Any]]) -> None:
        """Walk a wizard through ``states``: the state to enter and what the user has filled in so far."""
        session, _start, _end = self.rpc(f"wizard.{name}.create", self.context)
        for state, values in states:
            self.rpc(f"wizard.{name}.execute", session, values, state, self.context)
        self.rpc(f"wizard.{name}.delete", session, self.context)


def _encode(value: Any) -> dict[str, Any]:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{part: getattr(value, part) for part in parts}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(type(value).__name__)


def _decode(value: dict[str, Any]) -> Any:
    kind = value.get("__class__")
    if kind == "Decimal":
        return Decimal(value["decimal"])
    if kind == "date":
        return date(value["year"], value["month"], value["day"])
    return value
