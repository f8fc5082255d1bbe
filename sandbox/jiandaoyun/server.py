"""The HTTP side of the stand-in: endpoints of the open API v5, keys, request limits; start, stop, save, load."""

from __future__ import annotations

import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.http import Server
from sandbox.jiandaoyun import snapshot
from sandbox.jiandaoyun.errors import BusinessError
from sandbox.jiandaoyun.filters import compile_filter
from sandbox.jiandaoyun.forms import Form, unwrap
from sandbox.jiandaoyun.people import People
from sandbox.jiandaoyun.seed import APP_ID, LEAD_ENTRY_ID, lead_form, seed
from sandbox.world.records import World

API_KEY = "jdy-demo-key-0000000000000000"
"""The demo's key; sees every app."""
API_USER = "ltc_api"
"""Who an API write is recorded under: the company's founder account where ``data_creator`` is not given."""
_TRANSACTION_SECONDS = 3600.0
_LARGEST_BATCH = 100

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(slots=True)
class Limits:
    """Requests a second: per company, and per endpoint; exceeding them is code 8303 or 8304."""

    company: int = 50
    read: int = 30
    write: int = 20
    batch: int = 10

    def of(self, path: str) -> int:
        """The limit of one endpoint."""
        if "/batch_" in path:
            return self.batch
        return self.write if path.endswith(("/create", "/update", "/delete")) else self.read


@dataclass(slots=True)
class Tenant:
    """One company's data, and who may see it."""

    apps: dict[str, str] = field(default_factory=dict)
    """App id → name."""
    forms: dict[tuple[str, str], Form] = field(default_factory=dict)
    keys: dict[str, set[str] | None] = field(default_factory=lambda: {API_KEY: None})
    """API key → the apps it sees, ``None`` for all."""
    transactions: dict[str, tuple[float, list[str]]] = field(default_factory=dict)
    """Transaction id of a batch → when, and the ids it made."""


class JiandaoyunServer:
    """A running stand-in. ``clock`` is its idea of now; ``lock`` guards ``tenant``."""

    def __init__(self, *, port: int = 0, limits: Limits | None = None) -> None:
        self.tenant = Tenant(apps={APP_ID: "市场部"}, forms={(APP_ID, LEAD_ENTRY_ID): lead_form()})
        self.lock = threading.RLock()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.people = People(self)
        self._limits = limits
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        routes = [
            Route(f"/api/v5/app/{path}", self._endpoint(handler), methods=["POST"])
            for path, handler in {
                "list": self._apps,
                "entry/list": self._forms,
                "entry/widget/list": self._widgets,
                "entry/data/get": self._get,
                "entry/data/list": self._list,
                "entry/data/create": self._create,
                "entry/data/batch_create": self._batch_create,
                "entry/data/update": self._update,
                "entry/data/batch_update": self._batch_update,
                "entry/data/delete": self._delete,
                "entry/data/batch_delete": self._batch_delete,
            }.items()
        ]
        self._server = Server(Starlette(routes=routes), port=port)
        self.port = self._server.port
        self.faults = self._server.faults
        self.requests = self._server.requests
        self.forget = self._server.forget

    def __enter__(self) -> JiandaoyunServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """What a connector takes as its base URL."""
        return f"{self._server.base_url}/api"

    @property
    def config(self) -> dict[str, Any]:
        """A connector's configuration for this server."""
        config: dict[str, Any] = {
            "base_url": self.base_url,
            "api_key": API_KEY,
            "app_id": APP_ID,
            "forms": {"lead": {"entry_id": LEAD_ENTRY_ID, "entity": "lead"}},
        }
        if self._limits is None:
            config["limits"] = {"company": 1000, "read": 1000, "write": 1000}
        return config

    def stop(self) -> None:
        """Stop serving; the data stays in memory."""
        self._server.stop()

    def save(self, path: Path) -> None:
        """Write all data to a JSON file."""
        with self.lock:
            snapshot.save(self.tenant, path)

    def load(self, path: Path) -> None:
        """Replace all data by what ``save`` wrote."""
        with self.lock:
            snapshot.load(self.tenant, path)

    def form(self, entry_id: str = LEAD_ENTRY_ID) -> Form:
        """A form, for tests to look into or to change; raises ``LookupError``."""
        found = [form for form in self.tenant.forms.values() if form.entry_id == entry_id]
        return found[0]

    def add_form(self, form: Form) -> Form:
        """Put another form into the company."""
        with self.lock:
            self.tenant.apps.setdefault(form.app_id, form.app_id)
            self.tenant.forms[form.app_id, form.entry_id] = form
        return form

    def now(self) -> datetime:
        """The time a write is stamped with: the clock's, but after every change so far, wherever the clock stands."""
        latest = max((form.modified_at for form in self.tenant.forms.values() if form.modified_at), default="")
        after = datetime.fromisoformat(latest) + timedelta(milliseconds=1) if latest else self.clock()
        return max(self.clock(), after)

    def new_id(self) -> str:
        """A data id of now."""
        return f"{int(self.now().timestamp()):08x}{secrets.token_hex(8)}"

    def _endpoint(self, handler: Callable[[dict[str, Any], set[str] | None], Any]) -> Any:
        async def endpoint(request: Request) -> Response:
            try:
                scope = self._authorise(request)
                self._throttle(request.url.path)
                try:
                    body = _decoder.decode(await request.body())
                except (msgspec.DecodeError, UnicodeDecodeError):
                    raise BusinessError(1) from None
                with self.lock:
                    answer, status = handler(body, scope), 200
            except BusinessError as error:
                answer, status = error.body, 400
            return Response(_encoder.encode(answer), status, media_type="application/json")

        return endpoint

    def _authorise(self, request: Request) -> set[str] | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or key not in self.tenant.keys:
            raise BusinessError(8301)
        return self.tenant.keys[key]

    def _throttle(self, path: str) -> None:
        if self._limits is None:
            return
        now = time.monotonic()
        for name, most, code in (("", self._limits.company, 8303), (path, self._limits.of(path), 8304)):
            recent = self._recent[name]
            while recent and recent[0] <= now - 1.0:
                recent.popleft()
            if len(recent) >= most:
                raise BusinessError(code)
            recent.append(now)

    def _form(self, body: dict[str, Any], scope: set[str] | None) -> Form:
        app_id, entry_id = body.get("app_id"), body.get("entry_id")
        if not isinstance(app_id, str) or not isinstance(entry_id, str):
            raise BusinessError(17017)
        if app_id not in self.tenant.apps:
            raise BusinessError(2004)
        if scope is not None and app_id not in scope:
            raise BusinessError(17053)
        form = self.tenant.forms.get((app_id, entry_id))
        if form is None:
            raise BusinessError(3000)
        if form.preset:
            raise BusinessError(30002)
        return form

    def _apps(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        apps = [
            {"app_id": key, "name": name} for key, name in self.tenant.apps.items() if scope is None or key in scope
        ]
        return {"apps": _cut(apps, body)}

    def _forms(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        app_id = body.get("app_id")
        if app_id not in self.tenant.apps:
            raise BusinessError(2004)
        if scope is not None and app_id not in scope:
            raise BusinessError(17053)
        forms = [form for form in self.tenant.forms.values() if form.app_id == app_id]
        shown = [{"name": form.name, "app_id": form.app_id, "entry_id": form.entry_id} for form in forms]
        return {"forms": _cut(shown, body)}

    def _widgets(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        names = ("creator", "updater", "deleter", "createTime", "updateTime", "deleteTime")
        return {
            "widgets": [widget.described() for widget in form.widgets],
            "sysWidgets": [{"name": name} for name in (*names, *(("flowState",) if form.workflow else ()))],
            "dataModifyTime": form.modified_at,
        }

    def _get(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        return {"data": form.read(form.get(_data_id(body)))}

    def _list(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        limit, fields = body.get("limit", 10), body.get("fields")
        if not isinstance(limit, int) or not 1 <= limit <= _LARGEST_BATCH or not isinstance(fields, list | None):
            raise BusinessError(17017)
        passes = compile_filter(form, body.get("filter"))
        rows = (row for row in form.after(body.get("data_id") or "") if passes(row))
        return {"data": [form.read(row, fields) for row in islice(rows, limit)]}

    def _create(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        who = body.get("data_creator") or API_USER
        return {"data": form.read(form.add(self.new_id(), unwrap(body.get("data")), who, self.now()))}

    def _batch_create(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        wanted = [unwrap(item) for item in _batch(body, "data_list")]
        transaction = body.get("transaction_id")
        made_at, ids = self.tenant.transactions.get(transaction or "", (0.0, []))
        if not ids or time.time() - made_at > _TRANSACTION_SECONDS:
            who = body.get("data_creator") or API_USER
            ids = [form.add(self.new_id(), item, who, self.now())["_id"] for item in wanted]
            if transaction:
                self.tenant.transactions[transaction] = (time.time(), ids)
        return {"status": "success", "success_count": len(ids), "success_ids": ids}

    def _update(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        return {"data": form.read(form.change(_data_id(body), unwrap(body.get("data")), API_USER, self.now()))}

    def _batch_update(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        written = unwrap(body.get("data"))
        found = [key for key in _batch(body, "data_ids") if key in form.rows]
        for name in written:
            widget = form.widget(name)
            if widget is not None and widget.type == "subform":
                raise BusinessError(17034)
        for key in found:
            form.change(key, written, API_USER, self.now())
        return {"status": "success", "success_count": len(found)}

    def _delete(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        self._form(body, scope).remove(_data_id(body), API_USER, self.now())
        return {"status": "success"}

    def _batch_delete(self, body: dict[str, Any], scope: set[str] | None) -> Any:
        form = self._form(body, scope)
        found = [key for key in _batch(body, "data_ids") if key in form.rows]
        for key in found:
            form.remove(key, API_USER, self.now())
        return {"status": "success", "success_count": len(found)}


def start(
    world: World | None = None, *, port: int = 0, snapshot_file: Path | None = None, limits: Limits | None = None
) -> JiandaoyunServer:
    """Start the stand-in: filled from a snapshot if that file exists, else from ``world``, else with an empty form.

    ``limits`` turns the vendor's request limits on.
    """
    server = JiandaoyunServer(port=port, limits=limits)
    if snapshot_file is not None and snapshot_file.exists():
        server.load(snapshot_file)
    elif world is not None:
        with server.lock:
            seed(server.form(), world)
    return server


def _data_id(body: dict[str, Any]) -> str:
    data_id = body.get("data_id")
    if not isinstance(data_id, str):
        raise BusinessError(17017)
    return data_id


def _batch(body: dict[str, Any], key: str) -> list[Any]:
    items = body.get(key)
    if not isinstance(items, list) or not items:
        raise BusinessError(17017)
    if len(items) > _LARGEST_BATCH:
        raise BusinessError(17023)
    return items


def _cut(items: list[dict[str, str]], body: dict[str, Any]) -> list[dict[str, str]]:
    skip, limit = int(body.get("skip", 0)), int(body.get("limit", 100))
    return items[skip : skip + limit]
