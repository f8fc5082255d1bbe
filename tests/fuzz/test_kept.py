"""Inputs that crashed a parser once, made small: each is now taken, or refused with the error that is documented."""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec
import pytest

from state import backup
from state.migrations import HEAD
from tests.fuzz import files
from tests.fuzz.engine import call, limits
from tests.fuzz.targets import TARGETS
from tests.fuzz.wire import Answer, pack

DEEP = b"[" * 5_000 + b"]" * 5_000
DIGITS = "9" * 5_000


def talk(operation: str, *answers: Any) -> bytes:
    """A conversation: an answer is its body, or (status, headers, body)."""
    whole = [answer if isinstance(answer, tuple) else (200, (), answer) for answer in answers]
    bodies = [(s, h, b if isinstance(b, bytes) else json.dumps(b).encode()) for s, h, b in whole]
    return pack(operation, [Answer(*answer) for answer in bodies])


SF_TOKEN = {"access_token": "t", "instance_url": "https://127.0.0.1:9"}
SF_EMPTY = {"done": True, "records": []}

DATE = "Date: Sun, 01 Mar 2026 08:00:00 GMT"


def account(stamp: Any) -> dict[str, Any]:
    return {"done": True, "records": [{"Id": "1", "SystemModstamp": stamp, "LastModifiedDate": None}]}


def nested(before: bytes, after: bytes) -> bytes:
    return before + DEEP + after


SALESFORCE = [
    talk("pull account", SF_TOKEN, nested(b'{"done":true,"records":[', b"]}")),
    talk("pull account", SF_TOKEN, account("0001-01-01T00:00:00+14:00")),
    talk("ids account", SF_TOKEN, {"done": True, "records": ["x"]}),
    talk("push opportunity#1", SF_TOKEN, (200, (DATE,), account("2026-03-01T08:00:00.000+0000"))),
    talk("check", SF_TOKEN, nested(b'{"x":', b',"fields":[]}')),
    talk("check", f'{{"access_token":{DIGITS}}}'.encode()),
    talk("check", DEEP),
    talk("check", {**SF_TOKEN, "instance_url": "https://[x"}),
    talk("pull account", SF_TOKEN, (200, (f"Sforce-Limit-Info: api-usage={DIGITS}/5",), SF_EMPTY)),
]

XERO_TOKEN = {"access_token": "t", "expires_in": 1800}
XERO_TENANTS = [{"tenantId": "o", "tenantName": "Org"}]
XERO_READY = (XERO_TOKEN, XERO_TENANTS)
PAYMENT = {"PaymentID": "1", "UpdatedDateUTC": "/Date(1)/", "Invoice": {"InvoiceID": "2", "Type": {}}}
XERO = [
    talk("pull contact", *XERO_READY, nested(b'{"Contacts":', b"}")),
    talk("pull contact", *XERO_READY, {"Contacts": [], "DateTimeUTC": "/Date(999999999999999)/"}),
    talk("pull contact", *XERO_READY, (400, (), b'{"Message":"\xff"}')),
    talk("pull contact", *XERO_READY, (400, (), DEEP)),
    talk("pull contact", *XERO_READY, (200, (f"X-DayLimit-Remaining: {DIGITS}",), {"Contacts": []})),
    talk("pull payment", *XERO_READY, {"Payments": [PAYMENT]}),
    talk("check", XERO_TOKEN, [{"tenantId": 1.5}]),
    talk("check", *XERO_READY, "text"),
    talk("check", *XERO_READY, {"Organisations": ["text"]}),
    talk("check", *XERO_READY, {"Organisations": {"Name": 1}}),
]

LOGGED_IN = {"result": [1, "key", []]}
PREFERRED = {"result": {"company": 1}}
TRYTON_READY = (LOGGED_IN, PREFERRED)
STAMP = {"year": 2026, "month": 3, "day": 1, "hour": 8, "minute": 0, "second": 0, "microsecond": 0}


def rows(**fields: Any) -> dict[str, Any]:
    return {"result": [{"id": 1, "last_modified_at": STAMP, **fields}]}


TRYTON = [
    talk("check", nested(b'{"error":', b"}")),
    talk("check", LOGGED_IN, {"result": ["company"]}),
    talk("check", LOGGED_IN, f'{{"result":{{"company":{DIGITS}}}}}'.encode()),
    talk("check", *TRYTON_READY, {"result": []}, {"result": {"other.model": {}}}),
    talk("check", *TRYTON_READY, {"result": []}, {"result": 1.5}),
    talk("ids party", *TRYTON_READY, {"result": ["1"]}),
    talk("ids party", LOGGED_IN, (200, ("Date: Mon, 02 Mar 2026 08:00:00 -0000",), PREFERRED)),
    talk("pull party", *TRYTON_READY, rows(last_modified_at={**STAMP, "year": 0})),
    talk("pull party", *TRYTON_READY, rows(last_modified_at={**STAMP, "year": 10**30})),
    talk("pull party", *TRYTON_READY, rows(**{"addresses.": ["text"]})),
    talk("pull party", *TRYTON_READY, rows(**{"contact_mechanisms.": 1.5})),
    talk("pull party", *TRYTON_READY, rows(**{"contact_mechanisms.": [{"type": "email"}]})),
    talk("pull order", *TRYTON_READY, rows(comment={"a": 1})),
]

FORM = {"widgets": [{"name": "a", "widgetName": "a", "type": "text"}]}
JIANDAOYUN = [
    talk("pull lead", FORM, {"data": []}),
    talk("pull lead", (400, (), nested(b'{"x":', b"}"))),
]

HTTP = [
    b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: \xd8\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n-3\r\n}\r\n",
]

JSON = [b'{"n":1E99999999999999999999}']

LEAD = """\
version: 1
streams:
  lead:
    entity: lead
    fields: {{number: No, {fields}}}
    status: {{path: Status, values: {{New: new}}{status}}}
    {more}
"""


def lead(fields: str = "email: Email", status: str = "", more: str = "") -> bytes:
    return LEAD.format(fields=fields, status=status, more=more).encode()


MAPPING = [
    lead().replace(b"entity: lead", b"entity: [lead]"),
    lead().replace(b"New: new", b"New: [new]"),
    lead(fields="email: {path: Email, do: [[strip]]}"),
    lead(fields="email: {path: Email, write: [a]}"),
    lead(fields="email: {path: Email, values: {a: [b], c: [b]}}", more="write: {email: Email}"),
    lead(fields=f"email: a.{DIGITS}"),
    lead(status=", refine: 5"),
    lead(status=", refine: [{when: {path: A, above: x}, to: new}]"),
    lead(status=", write: {new: {a: b}}"),
    lead(more="required: [[email]]"),
    lead(more="personal: [{a: b}]"),
    lead(more="skip: {path: Type, in: [{a: b}]}"),
    lead(more="write: {email: {field: Email, read: [a]}}"),
    lead(more="write: {email: {field: Email, do: 5}}"),
    lead(more="write: {email: {field: Email, values: [a]}}"),
]

SETTINGS = [
    f"version: {DIGITS}\n".encode(),
    b"version: 1\nsystems: {a: {connector: salesforce, roles: [crm], config: {page_size: %s}}}" % DIGITS.encode(),
]


def with_counter(number: int) -> bytes:
    """A backup that holds nothing but a counter that stands there."""
    header = backup.Header("ltc backup", backup.FORMAT, HEAD, 0, "1")
    parts = [msgspec.msgpack.encode(header)]
    for table in backup.TABLES:
        parts += [msgspec.msgpack.encode([["runs", number]]), b""] if table.name == "counter" else [b""]
    return files.WHOLE + b"".join(struct.pack("<I", len(part)) + part for part in parts)


BACKUP = [
    files.PACKED + struct.pack("<I", 2**31 - 1),
    files.PACKED + b"\xff\xff\xff\x7f" + b"\0" * 100,
    with_counter(2**64 - 1),
]

CONDITION = [
    "lead\nstatus == '\ud83d'".encode("utf-8", "surrogatepass"),
    b"currency\n-1e99999999",
]
TYPED = [b"order.delivery_state\na\0b", b"lead.email\n\xed\xa0\xbd", b"order.number\n\0"]
ERASURES = [
    DEEP,
    b'{"format":1,"erasures":[{"id":"a","at":18446744073709551615,"actor":"","reason":""}],"keys":[],"tombstones":[]}',
    b'{"format":1,"erasures":[{"id":"a","at":260000000000000000,"actor":"","reason":""}],"keys":[],"tombstones":[]}',
]
COMMAND = [b"trace\n\xff", b"lock\n\xed\xa0\xbd\n--reason\n\xfe", b"findings\nshow\n\xf8"]

ERPNEXT = [talk("find lead", {"data": [[]]})]
ODOO = [talk("pull party", (200, ("Date: Fri, 31 Dec 9999 23:59:59 -2359",), {"length": 0, "records": []}))]
TEMPLATE = [b"{" + b"9" * 5_001 + b"}"]
SINGER = [json.dumps({"type": "SCHEMA", "key_properties": ["id", 'a "b"']}).encode()]
WEBHOOK = [json.dumps(["d1", DIGITS, "n", {}]).encode()]

KEPT = {
    "erpnext": ERPNEXT,
    "odoo": ODOO,
    "singer": SINGER,
    "template": TEMPLATE,
    "webhook": WEBHOOK,
    "salesforce": SALESFORCE,
    "xero": XERO,
    "tryton": TRYTON,
    "jiandaoyun": JIANDAOYUN,
    "http": HTTP,
    "json": JSON,
    "mapping": MAPPING,
    "settings": SETTINGS,
    "backup": BACKUP,
    "erasures": ERASURES,
    "condition": CONDITION,
    "typed": TYPED,
    "command": COMMAND,
}


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, kept in KEPT.items() for place in range(len(kept))]
)
def test_an_input_that_once_crashed_a_parser_does_so_no_more(name: str, place: int) -> None:
    TARGETS[name].prepare()
    with limits():
        crash = call(TARGETS[name], KEPT[name][place])
    assert crash is None, crash.trace
