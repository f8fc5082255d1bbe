"""Four systems whose secrets and people are canaries, and what they answer to give them away."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import yaml

from sandbox.http import Server
from sandbox.jiandaoyun import JiandaoyunServer
from sandbox.salesforce import SalesforceServer, salesforce_id
from sandbox.xero import XeroServer
from sandbox.xero.records import Contact

BEGIN = datetime(2026, 10, 1, 8, tzinfo=UTC)

SECRETS = {
    "CANARY_JDY_KEY": "kanari-jdy-7f3Q9xW2mZ5kR8",
    "CANARY_SF_SECRET": "kanari+sf/4LpV8cT1nB6yE3=",
    "CANARY_XERO_SECRET": "kanari-xero-9Hs2Gd7Jk4Ua1",
    "CANARY_TRYTON_PASSWORD": 'kanari"tryton&8Zc5Xv3Nm6<',
}
"""By the environment variable that holds them; each with signs that some encoding changes."""
TRYTON_TOKEN = "kanari-session-5Tg8Yh2Uj"

NAME = "柯安娜莉 Kanari-Zwölfender"
MAIL = "kanari.zwoelfender@nachrichten.example"
PHONE = "13987640213"
OTHER_NAME = "Bartholomäus Vogelsang-Kanari"
OTHER_MAIL = "bartholomaeus@vogelsang.example"
PERSONAL = (NAME, "柯安娜莉", "Zwölfender", MAIL, PHONE, OTHER_NAME, "Vogelsang", OTHER_MAIL)

GOSSIP = f"no rights for {NAME} <{MAIL}>, phone {PHONE}; see {OTHER_NAME} ({OTHER_MAIL})"
"""What a vendor's error may say about people."""
PAGE = f"<html><body><h1>Error</h1><p>{GOSSIP}</p><pre>{' '.join(SECRETS.values())}</pre></body></html>"


@dataclass
class Company:
    """The running systems and the ltc.yaml that names them."""

    forms: JiandaoyunServer
    crm: SalesforceServer
    books: XeroServer
    erp: Server
    config: Path

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        for system in (self.forms, self.crm, self.books, self.erp):
            system.faults.clear()

    def secrets(self) -> list[str]:
        """Every secret there is by now: those of ltc.yaml, and the tokens that the systems gave out."""
        tokens = [*self.crm._tokens, *self.books.access._tokens, TRYTON_TOKEN]
        pairs = [f"{self.books.client_id}:{SECRETS['CANARY_XERO_SECRET']}", f"ltc:7:{TRYTON_TOKEN}"]
        return [*SECRETS.values(), *tokens, *(base64.b64encode(pair.encode()).decode() for pair in pairs)]


@contextmanager
def running(folder: Path) -> Iterator[Company]:
    """The four systems with some records, and their ltc.yaml in ``folder``."""
    with ExitStack() as stack:
        forms = stack.enter_context(JiandaoyunServer())
        crm = stack.enter_context(SalesforceServer(directory=folder / "authority"))
        books = stack.enter_context(XeroServer())
        erp = stack.enter_context(Server(tryton))
        forms.tenant.keys = {SECRETS["CANARY_JDY_KEY"]: None}
        forms._limits = None  # nobody else calls
        crm.client_secret = SECRETS["CANARY_SF_SECRET"]
        books.access.client_secret = SECRETS["CANARY_XERO_SECRET"]
        books.access.limits.minute = 100_000
        _fill(forms, crm, books)
        yield Company(forms, crm, books, erp, _settings(folder, forms, crm, books, erp))


def _fill(forms: JiandaoyunServer, crm: SalesforceServer, books: XeroServer) -> None:
    person = {"contact_name": NAME, "email": MAIL, "phone": {"phone": PHONE}, "submitted_at": BEGIN.isoformat()}
    for number, more in enumerate(_LEADS):
        row = {"company_name": "Acme", "status": "待分配", **person}
        source_id = forms.people.submit(row, at=BEGIN, data_id=f"{number:024x}")
        form = forms.form()
        for name, value in more.items():
            widget = form.widget(name)
            assert widget is not None
            form.rows[source_id][widget.id] = value  # what the form itself would refuse
    lead = {"FirstName": "Bartholomäus", "LastName": "Vogelsang-Kanari", "Email": OTHER_MAIL, "Company": "Acme"}
    crm.org.load("Lead", {"Id": salesforce_id("lead", "L1"), "Status": "New", "Phone": PHONE, **lead}, modified=BEGIN)
    crm.org.load("Lead", {"Id": salesforce_id("lead", "L2"), "Status": "Odd", **lead}, modified=BEGIN)
    for number in range(2):
        contact = Contact(f"00000000-0000-4000-8000-{number:012x}", NAME, BEGIN, email=MAIL, phone=PHONE)
        books.books.add(contact)


_LEADS: tuple[dict[str, Any], ...] = (
    {},
    {"status": "没人认识"},
    {"contact_name": {"first": NAME, "mail": MAIL}},
    {"email": [MAIL, OTHER_MAIL]},
    {"phone": {"phone": {"mobile": PHONE, "of": NAME}}},
    {"submitted_at": "yesterday, as agreed"},
    {"contact_name": NAME + "\0", "email": MAIL},
)
"""What is odd about each lead; the first is as it should be."""


def _settings(folder: Path, forms: JiandaoyunServer, crm: SalesforceServer, books: XeroServer, erp: Server) -> Path:
    quick = {"timeout_seconds": 0.5}
    configs: dict[str, tuple[str, str, dict[str, Any]]] = {
        "forms": ("jiandaoyun", "marketing", {**forms.config, **quick, "api_key": "${env:CANARY_JDY_KEY}"}),
        "crm": ("salesforce", "crm", {**crm.config, **quick, "client_secret": "${env:CANARY_SF_SECRET}"}),
        "books": (
            "xero",
            "accounting",
            {
                **quick,
                "client_id": books.client_id,
                "client_secret": "${env:CANARY_XERO_SECRET}",
                "base_url": books.base_url,
                "token_url": books.token_url,
                "calls_per_minute": 100_000,
            },
        ),
        "erp": (
            "tryton",
            "erp",
            {
                **quick,
                "base_url": erp.base_url,
                "database": "tryton",
                "user": "ltc",
                "password": "${env:CANARY_TRYTON_PASSWORD}",
            },
        ),
    }
    systems = {
        name: {"connector": connector, "roles": [role], "config": config}
        for name, (connector, role, config) in configs.items()
    }
    path = folder / "ltc.yaml"
    top = {"version": 1, "as_of": "2026-10-31T10:00:00Z", "systems": systems, "writing": {"first_run": "write"}}
    path.write_text(yaml.safe_dump(top, allow_unicode=True), encoding="utf-8")
    return path


async def tryton(scope: Any, receive: Any, send: Any) -> None:
    """Tryton's JSON-RPC as far as logging in goes; every other call fails with gossip."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    method = json.loads(body)["method"]
    if method == "common.db.login":
        answer: dict[str, Any] = {"result": [7, TRYTON_TOKEN]}
    elif method.endswith("get_preferences"):
        answer = {"result": {"company": 1}}
    else:
        answer = {"error": ["UserError", [GOSSIP, "", None]]}
    sent = json.dumps({"id": 1, **answer}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(sent)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": sent})


def spellings(value: str) -> set[str]:
    """A text as encodings of all kinds write it."""
    raw = value.encode()
    return {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        quote_plus(value),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        raw.hex(),
        value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&#34;"),
    }


def found(content: bytes | str, values: Iterable[str]) -> list[str]:
    """Which of the values are in it, in whatever spelling."""
    data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    return [value for value in values if any(spelt.encode() in data for spelt in spellings(value))]


def nothing(where: Mapping[str, bytes | str], values: Iterable[str]) -> None:
    """Fail with the place and its surroundings if one of the values is somewhere."""
    wanted = list(values)
    for name, content in where.items():
        for value in found(content, wanted):
            text = content if isinstance(content, str) else content.decode(errors="replace")
            around = [text[max(0, hit.start() - 300) : hit.end() + 60] for hit in re.finditer(re.escape(value), text)]
            raise AssertionError(f"{value!r} is in {name}: …{(around or ['(encoded)'])[0]}…")
