"""Whatever is sent to whichever page, by whomever: it is answered, nothing is told that is secret, and no form without
its mark changes anything. The REST API has a test of its own (``tests/web/api/test_fuzzed.py``)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Client, Response
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as limits

import settings
from console.web import app as pages
from console.web import passwords
from state import audit, members
from state.members import Role
from state.schema import metadata
from state.store import Store, open_store
from tests.console import deal
from tests.web.conftest import PASSWORD, served
from tests.web.test_access import TABLE

WEB = Path(pages.__file__).parent
CANARY = "canary-of-a-secret-that-no-page-shows"
SCRIPT = "<script>alert(1)</script>"
ROUTES = sorted(place for place in TABLE if place[1] not in ("/assets/{name}",))
POSTS = [place for place in ROUTES if place[0] == "POST"]

_ODD = (
    *("", " ", "\x00", "a\x00b", "\r\nSet-Cookie: x=y", "\x1b[31m", "\ufeff", "\u202e", "²", "٣", "１２", "😀" * 300),
    *("-1", "0", "1", "2", "1.5", "1e309", "NaN", "Infinity", "0x10", "9" * 25, "9" * 5000, "a" * 40_000, "a," * 400),
    *("2026-09", "2026-13", "0000-00", "9999-12", "2026-02-30", "9999-12-31", "0001-01-01", "2026-10-01T00:00:00+99"),
    *("../../etc/passwd", "/etc/passwd", "//evil.example", "http://169.254.169.254/", "${env:NOWHERE}"),
    *(SCRIPT, f'"{SCRIPT}', "' OR 1=1 --", "%s%n", "{{7*7}}", "{0.__class__}", "=1+1", "\\", "*", "(a+)+$", "[" * 900),
    *("yes", "on", "all", "none", "en", "zh-CN", "viewer", "admin", "crm", "erp", "same_as", "follows", "json", "{}"),
    *("- a: &a [*a]", "version: 1\nsystems: {}", "2026-Q4", "@me", "waiver", "decide", "victim", "f1", "SO-1", "Q-1"),
)  # fmt: skip
VALUES = strategies.one_of(
    *(strategies.sampled_from(_ODD), strategies.text(max_size=40), strategies.binary(max_size=40)),
    strategies.integers(),
)
MARKS = ("right", "right", "right", "wrong", "none", "another's", "twice")
KINDS = ("application/x-www-form-urlencoded",) * 4 + ("multipart/form-data; boundary=b", "application/json", "", "\xff")


@dataclass(frozen=True)
class Sent:
    """What somebody sends. ``known``: to something that is there; ``fields`` by their place among the page's names."""

    place: tuple[str, str]
    role: Role | None
    mark: str
    kind: str
    known: bool
    parts: list[Any]
    fields: list[tuple[int, Any]]
    strange: list[tuple[str, Any]]
    raw: bytes | None


SENT = strategies.builds(
    Sent,
    place=strategies.sampled_from(ROUTES),
    role=strategies.sampled_from([None, *Role]),
    mark=strategies.sampled_from(MARKS),
    kind=strategies.sampled_from(KINDS),
    known=strategies.booleans(),
    parts=strategies.lists(VALUES, min_size=3, max_size=3),
    fields=strategies.lists(strategies.tuples(strategies.integers(min_value=0), VALUES), max_size=8),
    strange=strategies.lists(strategies.tuples(strategies.text(min_size=1, max_size=20), VALUES), max_size=2),
    raw=strategies.one_of(strategies.none(), strategies.none(), strategies.binary(max_size=200)),
)


@dataclass
class Site:
    """A workbench that anything is sent to; ``ids`` are parts of addresses at which there is something."""

    store: Store
    client: Client
    ids: dict[str, list[str]]
    secrets: list[str]

    def ask(self, sent: Sent) -> None:
        """Send it, and look at what comes back."""
        method, path = sent.place
        token, mark = self._signed_in(sent.role) if sent.role else ("", "")
        pairs = [(NAMED[path][number % len(NAMED[path])], value) for number, value in sent.fields] + sent.strange
        before = self._last_of(sent.role)
        if method == "GET":
            answer = self._send(method, self._address(path, sent.known, sent.parts), _form(pairs), b"", token, "")
        else:
            marks = {"right": [mark], "wrong": [mark[:-1] + "ß"], "none": [], "twice": [mark, "x"]}
            pairs = [("csrf", item) for item in marks.get(sent.mark, self.secrets[:1])] + pairs
            body = _body(pairs, sent.kind) if sent.raw is None else sent.raw
            answer = self._send(method, self._address(path, sent.known, sent.parts), "", body, token, sent.kind)
        self._look(answer, mark)
        if method == "POST" and sent.role and (sent.mark != "right" or sent.raw is not None):
            assert answer.status_code in (400, 403, 404, 405), answer.status_code
            assert self._last_of(sent.role) == before, "it has changed something without its mark"

    def refuses(self, path: str, role: Role) -> None:
        """A form of somebody who may send it, without the mark of their session."""
        for fields in ([], [("csrf", "x" * 43)], [("csrf", self.secrets[0])]):
            token, _ = self._signed_in(role)
            before = self._last_of(role)
            address = self._address(path, known=True, parts=["x"] * 3)
            answer = self._send("POST", address, "", _body(fields, KINDS[0]), token, KINDS[0])
            assert answer.status_code == 400, (fields, answer.status_code)
            assert self._last_of(role) == before

    def _send(self, method: str, path: str, query: str, body: bytes, token: str, kind: str) -> Response:
        headers = [(b"content-type", kind.encode("latin-1"))] if kind else []
        if token:
            headers.append((b"cookie", f"ltc={token}".encode()))
        return self.client.request(method, f"{path}?{query}" if query else path, content=body, headers=headers)

    def _look(self, answer: Response, mark: str) -> None:
        assert answer.status_code < 500, (answer.status_code, answer.text[:500])
        assert "Traceback (most recent call last)" not in answer.text
        assert SCRIPT not in answer.text
        told = [secret for secret in self.secrets if secret in answer.text or secret in str(answer.headers)]
        assert told == []
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert mark == "" or mark not in answer.headers.get("location", "")

    def _address(self, path: str, known: bool, parts: list[Any]) -> str:
        values = iter(parts)

        def part(found: re.Match[str]) -> str:
            value, there = next(values), self.ids.get(found[1])
            return _quoted(there[len(repr(value)) % len(there)] if there and known else value) or "x"

        return re.sub(r"\{(\w+)\}", part, path)

    def _signed_in(self, role: Role) -> tuple[str, str]:
        with self.store.transaction() as connection:
            token = members.sign_in(connection, f"a.{role}")
            session, _ = members.session(connection, token)
        assert session is not None
        return token, session.csrf

    def _last_of(self, role: Role | None) -> int:
        with self.store.reading() as connection:
            return next((item.id for item in audit.entries(connection, limit=1, actor=f"a.{role}")), 0)


def _quoted(value: Any) -> str:
    return quote(value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")[:3000], safe="")


def _form(pairs: list[tuple[str, Any]]) -> str:
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _body(pairs: list[tuple[str, Any]], kind: str) -> bytes:
    if not kind.startswith("multipart"):
        return "&".join(
            f"{_quoted(name)}={quote(value if isinstance(value, bytes) else str(value).encode(), safe='')}"
            for name, value in pairs
        ).encode()[:60_000]
    whole = b""
    for n, (name, value) in enumerate(pairs):
        file = b'; filename="x.csv"' if n % 2 else b""
        content = value if isinstance(value, bytes) else str(value).encode()
        head = b'Content-Disposition: form-data; name="' + _quoted(name).encode() + b'"'
        whole += b"--b\r\n" + head + file + b"\r\n\r\n" + content + b"\r\n"
    return (whole + b"--b--\r\n")[:60_000]


def _named() -> dict[str, list[str]]:
    """Address → the names that the file which answers there asks a form or an address for; of all files as well."""
    asked = re.compile(r"""(?:sent|given)(?:\.get\(|\[)\s*"([a-z_]+)\"""")
    taken = re.compile(r"\b([a-z_]+): (?:str|int|bool)(?: \| None)? = ")
    here: dict[str, list[str]] = {}
    everywhere = {"csrf", "next", "text", "name", "reason", "ids", "scope", "shown", "since", "until"}
    for file in WEB.rglob("*.py"):
        source = file.read_text("utf-8")
        names = sorted({*asked.findall(source), *taken.findall(source)})
        everywhere |= {*names}
        here |= dict.fromkeys(re.findall(r'@router\.(?:get|post)\(\s*"([^"]+)"', source), names)
    whole = sorted(everywhere)
    return {path: [*here.get(path, ()), *here.get(path, ()), *whole] for _, path in ROUTES}


NAMED = _named()


@pytest.fixture(scope="module", params=["sqlite"])
def site(request: pytest.FixtureRequest, filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("anything")
    shutil.copy(filled, folder / "ltc.db")
    url = f"sqlite:///{folder / 'ltc.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("pg_server")()
        deal.fill(deal.config(folder, url))
    with pytest.MonkeyPatch.context() as patch, ExitStack() as open_ones:
        patch.setenv("NOWHERE", CANARY)
        store = open_ones.enter_context(open_store(url))
        kept = passwords.hashed(PASSWORD)
        with store.transaction() as connection:
            for name, roles in (("victim", [Role.VIEWER, Role.ADMIN]), *((f"a.{role}", [role]) for role in Role)):
                members.accept(connection, members.invite(connection, name, roles, "test"), kept)
            token = members.sign_in(connection, "victim")
            session, _ = members.session(connection, token)
        assert session is not None
        with store.reading() as connection:
            found = {table.name: connection.execute(table.select()).all() for table in metadata.sorted_tables}
        records = [str(row.record_id) for name in ("orders", "payments", "invoices") for row in found[name]]
        ids = {"id": [*(row.id for name in ("finding", "run") for row in found[name]), "1"]}
        ids |= {"record": records, "receipt": records, "left": records, "right": records, "name": ["crm", "victim"]}
        ids |= {"period": ["2026-09"], "form": ["json", "csv"], "kind": ["same_as", "follows"], "system": ["crm"]}
        ids |= {"connector": ["none"], "number": ["1"], "digest": ["0" * 64], "stream": ["lead", "quote"]}
        app = pages.workbench(store, settings.load(deal.config(folder, url)))
        with served(app) as address:
            client = open_ones.enter_context(Client(base_url=address, headers={"origin": address}, timeout=120))
            yield Site(store, client, ids, [session.csrf, token, kept, CANARY])
            app.state.worker.wait(120)


@limits(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sent=SENT)
def test_whatever_is_sent_is_answered_and_tells_no_secret(site: Site, sent: Sent) -> None:
    site.ask(sent)


@pytest.mark.parametrize("place", POSTS, ids=lambda place: place[1])
def test_a_form_without_its_mark_is_refused(site: Site, place: tuple[str, str]) -> None:
    role = min((role for role in TABLE[place] if role), key=str)
    site.refuses(place[1], role)


@pytest.mark.slow
@pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
@limits(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=SENT)
def test_whatever_is_sent_is_answered_and_tells_no_secret_at_length(site: Site, sent: Sent) -> None:
    site.ask(sent)
