"""A real Tryton as the conformance kit plays on it, behind a proxy that breaks what goes through it.

Time is real here: stamps are set in the database. The database is replaced before each check.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psycopg

from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, Wish, decoded
from sandbox.http import Server
from sandbox.postgres import Postgres
from sandbox.tryton import server
from sandbox.tryton.client import Client

_LATE_SECONDS = 270.0
"""A row carries the time its transaction began; the connector's overlap is made for five minutes."""
_LEAST_SECONDS = 3.0
_SEEDED = "tryton_seeded"
_MARK, _KEY = "[LTC Sync] payment: ", "[LTC Sync] key: "
PARTY = Stage(
    "party",
    list=r"model\.party\.party\.search",
    text="name",
    late_seconds=_LATE_SECONDS,
    can=frozenset({Need.EDIT, Need.DELETE}),
)
ORDER = Stage(
    "order",
    list=r"model\.sale\.sale\.search",
    text="comment",
    write=r"model\.sale\.sale\.write",
    values={"payment_note": ("paid", "partly_paid")},
    refused=("payment_note", "Nobody knows!"),
    read_only="comment",
    create=r"model\.sale\.sale\.create",
    key="key",
    late_seconds=_LATE_SECONDS,
    can=frozenset({Need.EDIT, Need.CONDITIONAL, Need.HUGE}),
)
_TABLES = {"party": "party_party", "order": "sale_sale"}


class TrytonWorld(StandIn[Server]):
    """One company in one database; what goes wrong goes wrong on the way to it."""

    connector: ClassVar[str] = "tryton"
    can = frozenset({Need.PAGES, Need.TIMES, Need.TIMEOUT, Need.CREDENTIALS})
    simulated = False
    patience = 4.0
    secrets = (server.PASSWORD,)
    token = r"common\.db\.login"
    own_sessions = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        postgres = Postgres.start(folder / "postgres")
        server.restore(postgres, server.DATABASE, server.EMPTY_DUMP)
        self._tryton = server.Tryton(folder, postgres, server.DATABASE, 0)
        self._tryton.serve()
        with self._tryton.client() as people:
            self._customer = people.create_one("party.party", name="客户", addresses=[("create", [{"city": "杭州"}])])
            self._currency = people.one("currency.currency", [["code", "=", "CNY"]])
            self._company = people.context["company"]
        postgres.replace(_SEEDED, server.DATABASE)
        self._proxy = _Proxy(self._tryton.base_url)
        self._server = Server(self._proxy, label=_method)
        self._people: Client | None = None
        self.empty()

    def close(self) -> None:
        """Stop all of it."""
        super().close()
        self._tryton.stop()

    def empty(self) -> None:
        """Put a fresh database under the server."""
        if self._people is not None:
            self._people.__exit__(None, None, None)
        self._tryton.reset(_SEEDED)
        self._people = self._tryton.client()
        super().empty()
        self._proxy.written.clear()

    def stages(self) -> Sequence[Stage]:
        """Parties are many; orders are written."""
        return [PARTY, replace(ORDER, new={"party": str(self._customer), "currency": "CNY", "lines": []})]

    def settings(self) -> dict[str, Any]:
        """The integration user."""
        return {
            "base_url": self._server.base_url,
            "database": self._tryton.database,
            "user": self._tryton.user,
            "password": self._tryton.password,
            "calls_per_second": 1000,
        }

    def wrong_credentials(self) -> Mapping[str, Any]:
        """Another password."""
        return {"password": "wrong-password-0123456789"}

    def config(self, wish: Wish) -> dict[str, Any]:
        """A real server takes its time; with less, answers and none could not be told apart."""
        return super().config(
            wish if wish.timeout is None else replace(wish, timeout=max(wish.timeout, _LEAST_SECONDS))
        )

    def now(self) -> datetime:
        """Real."""
        return datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Time goes by itself."""

    def expire_tokens(self) -> None:
        """End all sessions."""
        self._sql("DELETE FROM ir_session")

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Parties straight into the table, sales through Tryton."""
        text = (values or {}).get(stage.text, "")
        if text is None or "\0" in text:
            raise ValueError("PostgreSQL does not take it.")
        begin, self._made = self._made + 1, self._made + number
        numbers = range(begin, begin + number)
        if stage.stream == PARTY.stream:
            ids = self._parties([(text or f"客户 {number}", f"kit-{number}") for number in numbers])
        else:
            sale = {"party": self._customer, "currency": self._currency, "company": self._company}
            sales = [{**sale, "comment": text or f"备注 {number}"} for number in numbers]
            ids = self._by_people.create("sale.sale", sales)
        if at is not None:
            self._stamp(stage, ids, at)
        return [str(source_id) for source_id in ids]

    def _parties(self, rows: Sequence[tuple[str, str]]) -> list[int]:
        made = (
            "INSERT INTO party_party (name, code, active, create_uid, create_date) "
            "SELECT name, code, true, 1, clock_timestamp() FROM unnest(%s::text[], %s::text[]) AS given(name, code) "
            "RETURNING id"
        )
        try:
            return [row[0] for row in self._sql(made, [name for name, _ in rows], [code for _, code in rows])]
        except (psycopg.DataError, psycopg.OperationalError, UnicodeEncodeError) as error:
            raise ValueError("PostgreSQL does not take it.") from error

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes a record in Tryton."""
        if stage.stream == PARTY.stream:
            self._by_people.write("party.party", [int(source_id)], {"name": values["name"]})
        else:
            (comment,) = self._sql("SELECT comment FROM sale_sale WHERE id = %s", int(source_id))[0]
            typed, note = _parts(comment)
            typed, note = values.get("comment", typed), values.get("payment_note", note)
            written = f"{typed}\n{_MARK}{note}" if note else typed
            self._by_people.write("sale.sale", [int(source_id)], {"comment": written})
        if at is not None:
            self._stamp(stage, [int(source_id)], at)

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody deletes a party."""
        self._by_people.call("party.party", "delete", [int(source_id)])

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth, out of the database."""
        if stage.stream == PARTY.stream:
            return {str(key): {"name": name} for key, name in self._sql("SELECT id, name FROM party_party")}
        return {str(key): _told(comment) for key, comment in self._sql("SELECT id, comment FROM sale_sale")}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record."""
        record = decoded(body)
        return {"name": record["name"]} if stage.stream == PARTY.stream else _told(record["comment"])

    def applied(self, stage: Stage, source_id: str) -> int:
        """Writes that Tryton carried out for the connector."""
        return self._proxy.written[int(source_id)]

    def says(self, what: Said) -> Answer | None:
        """Errors of JSON-RPC come in a success; there is no quota."""
        if what == "hidden_error":
            return Answer(200, {"id": 1, "error": ["UserError", ["It cannot be done.", "", None]]})
        return {"throttled": Answer(429), "denied": Answer(401)}.get(what)

    @property
    def _by_people(self) -> Client:
        assert self._people is not None
        return self._people

    def _stamp(self, stage: Stage, ids: Sequence[int], at: datetime) -> None:
        moment = at.astimezone(UTC).replace(tzinfo=None)
        table = _TABLES[stage.stream]
        stamped = f"UPDATE {table} SET create_date = %s, write_date = NULL WHERE id = ANY(%s)"
        self._sql(stamped, moment, list(ids))

    def _sql(self, statement: str, *given: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._tryton.postgres.dsn(self._tryton.database), autocommit=True) as connection:
            done = connection.execute(statement, given)
            return done.fetchall() if done.description else []


class _Proxy:
    """Passes requests on to Tryton, and counts the writes that it carried out."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._client: httpx.AsyncClient | None = None
        self.written: Counter[int] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._client is None:  # made in the server's own loop
            self._client = httpx.AsyncClient(base_url=self._upstream, timeout=120.0)
        body = (await receive()).get("body", b"")
        skipped = (b"host", b"content-length", b"accept-encoding")
        headers = [(name, value) for name, value in scope["headers"] if name not in skipped]
        answer = await self._client.request(scope["method"], scope["path"], content=body, headers=headers)
        self._count(body, answer.content)
        kept = [(name, value) for name, value in answer.headers.raw if name.lower() == b"content-type"]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
        await send({"type": "http.response.body", "body": answer.content})

    def _count(self, body: bytes, answer: bytes) -> None:
        if _method(body) != "model.sale.sale.write" or b'"error"' in answer[:200]:
            return
        *pairs, _context = json.loads(body)["params"]
        self.written.update(number for ids in pairs[::2] for number in ids)


def _method(body: bytes) -> str:
    """The called method, with its model."""
    try:
        return str(json.loads(body)["method"])
    except (ValueError, KeyError, TypeError):
        return ""


def _parts(comment: str | None) -> tuple[str, str | None]:
    lines = (comment or "").split("\n")
    notes = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    return "\n".join(line for line in lines if not line.startswith((_MARK, _KEY))), notes[0] if notes else None


def _told(comment: str | None) -> dict[str, Any]:
    typed, note = _parts(comment)
    return {"comment": typed, "payment_note": note}
