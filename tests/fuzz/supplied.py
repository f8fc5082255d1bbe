"""Targets: files that others put down for us: bank statements and tables; and what a Singer tap writes."""

from __future__ import annotations

import contextlib
import io
import json
import random
from pathlib import PurePosixPath

import pyarrow as pa

from connectors.bank.config import BankConfig
from connectors.bank.reading import BankReader
from connectors.contract import RawRecord
from connectors.errors import ConnectorError, ContractError
from connectors.files.config import FilesConfig
from connectors.files.folder import Entry
from connectors.files.formats import TableReader
from connectors.files.spool import Refused, Spool
from connectors.singer import messages
from mappings.engine import load
from tests.connectors.bank.conftest import camt, mt940, ntry, ofx
from tests.connectors.bank.test_camt import part
from tests.connectors.files.test_formats import table, with_shared_strings
from tests.fuzz.connectors import read_record
from tests.fuzz.engine import Target
from tests.fuzz.mutate import Mutate, Words, bytes_, json_, text

_BANK = BankConfig.model_validate({"folder": "/nowhere"})
_FILES = FilesConfig.model_validate(
    {"folder": "/nowhere", "streams": {"order": {"pattern": "*", "entity": "order", "key": ["id"]}}}
)
_MOST_ITEMS = 500


def _spool(name: str, data: bytes) -> Spool:
    return Spool(io.BytesIO(data), Entry(name, len(data), 0), "hash")


def _read_statements(data: bytes) -> None:
    """Through the reader and the mapping, twice: the second time with what the first one remembers."""
    reader, memory = BankReader(_BANK), None
    mapping = load("bank")
    for _ in range(2):
        try:
            reading = reader.read(_spool("statement", data), memory)
            items = [item for item, _ in zip(reading.items, range(_MOST_ITEMS), strict=False)]
        except (Refused, ContractError) as error:
            str(error).encode("utf-8", "surrogatepass")
            return
        memory = json.loads(json.dumps(reading.memory, allow_nan=False))
        for item in items:
            if isinstance(item, RawRecord):
                read_record(mapping, "transaction", item.source_id, item.body)


def _statements() -> list[bytes]:
    found = [
        mt940("50.50 B-1|166?00GUT?20EREF+E2E?21SVWZ+INV-7?32Muster", "-7"),
        mt940("5", "6 |/EREF/1/NAME/A/REMI/x"),
    ]
    found += [ofx("80.32 F-1 Acme"), ofx("80.32 F-1 Acme", xml=True)]
    found += [camt(ntry("7.00", details=part("3.00") + part("4.00")), closing="107.00")]
    return [*(one.encode() for one in found), mt940("5 |客户付款").encode("gb18030")]


# Tables; the first line is the file's name.


def _read_table(data: bytes) -> None:
    name, _, content = data.partition(b"\n")
    suffix = PurePosixPath(name.decode("utf-8", "replace")).suffix
    spool = _spool(f"file{suffix if suffix.isascii() and suffix[1:].isalnum() else '.csv'}", content)
    reader = TableReader(_FILES.streams["order"], _FILES.limits)
    try:
        for item, _ in zip(reader.read(spool, None).items, range(_MOST_ITEMS), strict=False):
            if isinstance(item, RawRecord):
                item.source_id.encode()
                assert isinstance(json.loads(item.body), dict)
    except (Refused, ContractError) as error:
        str(error).encode("utf-8", "surrogatepass")


def _tables() -> list[bytes]:
    comma = 'id,客户,amount\n1,上海贸易,12.50\n2,"x\ny",-3\n'
    found = {
        "a.csv": comma.encode(),
        "b.csv": b"\xef\xbb\xbf" + comma.replace(",", ";").encode(),
        "c.csv": comma.encode("gb18030"),
        "d.csv": comma.replace(",", "\t").encode("utf-16"),
        "a.jsonl": b'{"id":1,"x":[1,2]}\n{"id":2,"y":null}\n',
        "a.xlsx": with_shared_strings(),
        "a.parquet": table(id=pa.array(["1", "2"]), n=pa.array([1.5, 2.5])),
    }
    return [name.encode() + b"\n" + content for name, content in found.items()]


def _in_parts(words: Words) -> Mutate:
    """By bytes, or as texts where they are some."""
    as_text = text(words)

    def mutate(data: bytes, chance: random.Random) -> bytes:
        return as_text(data, chance) if chance.random() < 0.5 else bytes_(data, chance)

    return mutate


# Singer messages, one a line.


def _read_messages(data: bytes) -> None:
    for line in data.split(b"\n")[:50]:
        message = messages.read(line)
        if message is None:
            messages.read_loosely(line)
            continue
        identity = messages.Identity([str(key) for key in message.key_properties or ["id"]], "updated_at")
        if message.record:
            found, _ = identity.of(bytes(message.record))
            found.source_id.encode("utf-8", "surrogatepass")
        with contextlib.suppress(ConnectorError):
            messages.state_in(message, line)


def _messages() -> list[bytes]:
    found = [
        {"type": "SCHEMA", "stream": "orders", "schema": {"properties": {"id": {}}}, "key_properties": ["id", "line"]},
        {"type": "RECORD", "stream": "orders", "record": {"id": 1, "updated_at": "2026-10-01T00:00:00Z", "x": [1.5]}},
        {"type": "STATE", "value": {"bookmarks": {"orders": {"updated_at": "2026-10-01"}}}},
        {"type": "ACTIVATE_VERSION", "stream": "orders", "version": 1},
    ]
    return [json.dumps(one).encode() for one in found]


TARGETS = [
    Target("statement", ("bank statements: CAMT.053, MT940, OFX",), _statements, _in_parts, _read_statements),
    Target("table", ("CSV, XLSX, JSON lines, Parquet, their encodings and dialects",), _tables, _in_parts, _read_table),
    Target("singer", ("messages of a Singer tap",), _messages, json_, _read_messages),
]
