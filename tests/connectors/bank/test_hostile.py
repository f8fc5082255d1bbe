"""Statements and tables that were damaged at random are read or refused, and nothing else is ever raised."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pyarrow as pa
import pytest

from connectors.bank.config import BankConfig
from connectors.bank.reading import BankReader
from connectors.errors import ContractError
from connectors.files.config import FilesConfig
from connectors.files.folder import Entry
from connectors.files.formats import TableReader
from connectors.files.spool import Refused, Spool
from tests.connectors.bank.conftest import camt, mt940, ntry, ofx
from tests.connectors.bank.test_camt import part
from tests.connectors.files.test_formats import table, with_shared_strings

TIMES = 1500
SNIPPETS = [b"0", b"-", b",", b":61:", b"\n", b"9" * 25, b"<", b"</Ntry>", b"&#0;", b"\xff\xff", b"\0", b'"', b"1e999"]
SNIPPETS += [b"NaN", b"[[" * 40, b":20:", b":86:", b"<OFX>", b'<c r="ZZZ9"><v>1</v></c>', b' t="d"', b'r="99999999"']
STATEMENTS = {
    "mt940": mt940("50.50 B-1|166?00GUT?20EREF+E2E?21SVWZ+INV-7?32Muster", "-7").encode(),
    "slashed": mt940("5", "6 |/EREF/1/NAME/上海/REMI/x", number="2/1").encode("gb18030"),
    "camt": camt(ntry("7.00", details=part("3.00") + part("4.00")), closing="107.00").encode(),
    "sgml": ofx("80.32 F-1 Acme").encode(),
    "xml": ofx("80.32 F-1 Acme", xml=True).encode(),
}
TABLES = {
    "a.csv": 'id,客户\n1,上海贸易\n2,"x\ny"\n'.encode(),
    "b.csv": "id;客户\n1;上海贸易有限公司\n".encode("gb18030"),
    "a.jsonl": b'{"id":1,"x":[1,2]}\n{"id":2}\n',
    "a.xlsx": with_shared_strings(),
    "a.parquet": table(id=pa.array(["1", "2"]), n=pa.array([1.5, 2.5])),
}


def damaged(content: bytes, dice: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        at, other = dice.randrange(len(found) + 1), dice.randrange(len(found) + 1)
        match dice.randrange(6):
            case 0:
                found[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del found[at : at + dice.randint(1, 30)]
            case 2:
                found[at:at] = dice.choice(SNIPPETS)
            case 3:
                found[at:at] = found[other : other + dice.randint(1, 60)]
            case 4:
                found[at:at] = dice.randbytes(4)
            case 5 if dice.random() < 0.3:
                del found[at:]
    return bytes(found)


def damaged_within(content: bytes, dice: random.Random) -> bytes:
    """A ZIP archive of which one part is damaged."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(made, "w") as target:
        chosen = dice.choice(source.namelist())
        for name in source.namelist():
            body = source.read(name)
            target.writestr(name, damaged(body, dice) if name == chosen else body)
    return made.getvalue()


def spool(name: str, content: bytes) -> Spool:
    return Spool(io.BytesIO(content), Entry(name, len(content), 1), "hash")


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_damaged_statement_is_read_or_refused(kind: str) -> None:
    dice = random.Random(f"statement {kind}")
    reader = BankReader(BankConfig.model_validate({"folder": "/nowhere"}))
    for _ in range(TIMES):
        try:
            reading = reader.read(spool("a", damaged(STATEMENTS[kind], dice)), None)
        except Refused:
            continue
        for item in reading.items:
            json.loads(item.body)
        json.dumps(reading.memory)


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_is_read_or_refused(name: str) -> None:
    dice = random.Random(f"table {name}")
    limits = {"unpacked_mb": 5, "row_kb": 20, "columns": 50}
    streams = {"order": {"pattern": "*", "entity": "order", "key": ["id"]}}
    config = FilesConfig.model_validate({"folder": "/nowhere", "streams": streams, "limits": limits})
    reader = TableReader(config.streams["order"], config.limits)
    for number in range(TIMES // 3 if name.endswith("xlsx") else TIMES):
        content = TABLES[name]
        hurt = damaged_within if name.endswith("xlsx") and number % 2 else damaged
        found = spool(name, hurt(content, dice))
        try:
            for item in reader.items(found):
                json.loads(item.body)
            reader.tell(found)
        except (Refused, ContractError):
            continue
