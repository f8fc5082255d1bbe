"""What people do to rows in the browser, as Python calls; unlike the API, they restore deleted rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.jiandaoyun.forms import Form

if TYPE_CHECKING:
    from sandbox.jiandaoyun.server import JiandaoyunServer


class People:
    """Members of the company at work on the lead form (or the form ``entry_id``).

    ``at`` is when they do it, by default now. Values are in write shape without their ``{"value": …}``.
    """

    def __init__(self, server: JiandaoyunServer) -> None:
        self._server = server

    def submit(
        self,
        values: dict[str, Any],
        *,
        who: str = "zhang.san",
        at: datetime | None = None,
        data_id: str | None = None,
        entry_id: str | None = None,
    ) -> str:
        """Fill in the form; returns the new data id."""
        with self._server.lock:
            form = self._form(entry_id)
            return str(form.add(data_id or self._server.new_id(), values, who, at or self._server.now())["_id"])

    def edit(
        self,
        data_id: str,
        values: dict[str, Any],
        *,
        who: str = "zhang.san",
        at: datetime | None = None,
        entry_id: str | None = None,
    ) -> None:
        """Change fields of a row."""
        with self._server.lock:
            self._form(entry_id).change(data_id, values, who, at or self._server.now())

    def delete(
        self, data_id: str, *, who: str = "zhang.san", at: datetime | None = None, entry_id: str | None = None
    ) -> None:
        """Move a row to the bin."""
        with self._server.lock:
            self._form(entry_id).remove(data_id, who, at or self._server.now())

    def undelete(self, data_id: str, *, at: datetime | None = None, entry_id: str | None = None) -> None:
        """Bring a row back; it keeps its id and its update time."""
        with self._server.lock:
            self._form(entry_id).restore(data_id, at or self._server.now())

    def _form(self, entry_id: str | None) -> Form:
        return self._server.form(entry_id) if entry_id else self._server.form()
