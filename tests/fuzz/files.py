"""Targets: files that people write or keep: mapping files, ltc.yaml, backups."""

from __future__ import annotations

import contextlib
import hashlib
import random
import struct
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
import zstandard

from connectors.contract import Connector
from console import own_checks
from mappings.engine import MappingError, MappingFileError, load, shipped
from reconciliation.checks import own, trial
from settings import SettingsError
from settings import load as load_settings
from state import backup, erasure, restore
from state.clock import from_us
from state.failures import StoreError
from state.store import open_store
from sync import forget
from sync.systems import SystemUnusable, mapping_for, open_connector, ordered_streams
from tests.console import deal
from tests.fuzz import connectors, wire
from tests.fuzz.engine import Target, scratch
from tests.fuzz.mutate import Mutate, Words, bytes_, json_, tree, yaml_
from yamlfiles.errors import FileUnusable

_FOLDER = scratch()


def _written(name: str, data: bytes) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


# Mapping files.


@cache
def _records() -> list[tuple[str, bytes]]:
    """Some records of each stream of the stand-ins, with their ids."""
    found: list[tuple[str, bytes]] = []
    for target in connectors.TARGETS[:3]:
        for data in target.seeds():
            for answer in wire.unpack(data)[1]:
                with contextlib.suppress(msgspec.DecodeError):
                    found += _rows(msgspec.json.decode(answer.body))
    return found[:60]


def _rows(answer: Any) -> list[tuple[str, bytes]]:
    lists = [value for value in answer.values() if isinstance(value, list)] if isinstance(answer, dict) else []
    return [("17", msgspec.json.encode(row)) for rows in lists for row in rows[:1] if isinstance(row, dict)]


def _read_mapping(data: bytes) -> None:
    try:
        mapping = load(_written("mapping.yaml", data))
    except MappingFileError as error:
        str(error).encode("utf-8", "surrogatepass")
        return
    for name, stream in mapping.streams.items():
        assert len(stream.fingerprint) == 32
        for source_id, body in _records()[:6]:
            connectors.read_record(mapping, name, source_id, body)
        for field in stream.definition.write:
            for value in ("delivered", "new", 1, None):
                with contextlib.suppress(MappingError):
                    stream.reverse(field, value)


def _mappings() -> list[bytes]:
    folder = Path(load.__code__.co_filename).parent
    whole = [(folder / f"{name}.yaml").read_bytes() for name in shipped()]
    parts = []
    for data in whole:
        document = yaml.safe_load(data)
        for name, spec in document["streams"].items():
            part = {**document, "streams": {name: spec}}
            parts.append(yaml.safe_dump(part, allow_unicode=True, sort_keys=False).encode())
    extending = b"version: 1\nextends: salesforce\nstreams:\n  quote:\n    fields: {number: Name, subject: null}\n"
    return [*whole, *parts, extending]


# ltc.yaml.


def _read_settings(data: bytes) -> None:
    try:
        settings = load_settings(_written("ltc.yaml", data))
    except SettingsError as error:
        str(error).encode("utf-8", "surrogatepass")
        return
    for name in settings.systems:
        with contextlib.suppress(SystemUnusable):
            connector: Connector[Any] = open_connector(settings, name)
            with connector:
                ordered_streams(settings, name, connector)
        with contextlib.suppress(MappingFileError):
            mapping_for(settings, name)
    with contextlib.suppress(SettingsError):
        from console.context import App

        assert App(_FOLDER / "ltc.yaml").settings


def _settings() -> list[bytes]:
    templates = Path(__file__).resolve().parents[2] / "console" / "templates"
    found = []
    for language in ("en", "zh-CN"):
        folder = templates / language
        systems = sorted(path for path in folder.glob("*.yaml") if path.stem not in ("head", "tail"))
        text = "".join((folder / "head.yaml").read_text() for _ in range(1))
        text += "\n".join(path.read_text() for path in systems) + (folder / "tail.yaml").read_text()
        found.append(text.encode())
    document = yaml.safe_load(deal.config(_FOLDER, "sqlite:///x.db").read_text())
    document["ownership"] = {"lead.status": "crm", "order.payment_state": {"owner": "accounting", "policy": "ask"}}
    document["writing"] = {
        "only": {"opportunity": "status != 'lost' and amount > 0"},
        "limits": {"changes": 5, "share": "0.2", "money": "100"},
        "brake": {"writes": 3, "hours": 24},
    }
    document["reconciliation"] = {
        "tolerance": {"absolute": {"CNY": "0.05"}, "relative": "0.0005"},
        "rates": {"USD": "7.15"},
        "checks": {"delivery_late": {"grace_days": 3, "severity": "error"}},
    }
    document["systems"]["crm"]["schedule"] = {"cron": "*/15 8-18 * * mon-fri"}
    return [*found, yaml.safe_dump(document).encode()]


# Backups. The first byte says how much of the rest is made right: nothing, the footer, the packing, the manifest.

RAW, FOOTED, PACKED, WHOLE = (bytes((kind,)) for kind in range(4))
_FOOTER = struct.Struct("<II8s32s")


def _footed(body: bytes) -> bytes:
    digest = hashlib.blake2b(body, digest_size=32).digest()
    return body + _FOOTER.pack(0x184D2A5B, _FOOTER.size - 8, b"ltc-back", digest)


def _packed(content: bytes) -> bytes:
    return _footed(zstandard.ZstdCompressor(level=1).compress(content))


def _part(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _parts(content: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 4 <= len(content):
        (length,) = struct.unpack_from("<I", content, at)
        found.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _with_manifest(content: bytes) -> bytes:
    """The same parts, and a manifest that agrees with them."""
    header, *blocks = _parts(content) or [b""]
    held: dict[str, backup.Content] = {}
    waiting = iter(blocks)
    kept = [header]
    for table in backup.TABLES:
        digest, rows = hashlib.blake2b(digest_size=32), 0
        for block in waiting:
            kept.append(block)
            if not block:
                break
            digest.update(block)
            with contextlib.suppress(StoreError):
                rows += len(backup.rows_of(table, block, Path("x")))
        columns = tuple(str(column.name) for column in table.columns)
        held[str(table.name)] = backup.Content(columns, rows, digest.hexdigest())
    kept.append(msgspec.msgpack.encode(backup.Manifest(held)))
    return b"".join(_part(part) for part in kept)


@cache
def _template() -> bytes:
    path = _FOLDER / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path.read_bytes()


def _read_backup(data: bytes) -> None:
    kind, body = data[:1], data[1:]
    if kind == WHOLE:
        body = _with_manifest(body)
    if kind in (PACKED, WHOLE):
        body = _packed(body)
    path = _written("backup.zst", _footed(body) if kind == FOOTED else body)
    try:
        restore.check(path, _quiet)
    except StoreError:
        return
    for leftover in _FOLDER.glob("restored.db*"):
        leftover.unlink()
    _written("restored.db", _template())
    with contextlib.suppress(StoreError), open_store(f"sqlite:///{_FOLDER / 'restored.db'}") as store:
        restore.restore(store, path, "Li Na", replace=False, checked=_quiet, told=_quiet)


def _quiet(_table: str, _rows: int) -> None:
    pass


@cache
def _backups() -> list[bytes]:
    config = deal.config(_FOLDER, f"sqlite:///{_FOLDER / 'deal.db'}")
    deal.fill(config)
    path = _FOLDER / "seed.zst"
    path.unlink(missing_ok=True)
    with open_store(f"sqlite:///{_FOLDER / 'deal.db'}") as store:
        backup.write(store, path, _quiet)
    whole = path.read_bytes()
    content = zstandard.ZstdDecompressor().stream_reader(whole).read()
    return [RAW + whole, FOOTED + whole[: -_FOOTER.size], PACKED + content, WHOLE + content]


def _backup_mutations(words: Words) -> Mutate:
    """Bytes; and in parts that are unpacked, the values of rows."""

    def mutate(data: bytes, chance: random.Random) -> bytes:
        kind, body = data[:1], data[1:]
        if kind not in (PACKED, WHOLE) or chance.random() < 0.2:
            return (kind if chance.random() < 0.95 else chance.randbytes(1)) + bytes_(body, chance)
        parts = _parts(body) or [b""]
        at = chance.randrange(len(parts))
        full = [place for place, part in enumerate(parts) if part]
        at = chance.choice(full) if full else at
        # What does not decode to rows any more stays as it is.
        with contextlib.suppress(
            msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError
        ):
            parts[at] = _changed(parts[at], words, chance)
        return kind + b"".join(_part(part) for part in parts)

    return mutate


def _changed(part: bytes, words: Words, chance: random.Random) -> bytes:
    found = msgspec.msgpack.decode(part)
    if isinstance(found, dict):
        return msgspec.msgpack.encode(tree(found, words, chance))
    row = chance.choice(found)
    values: tuple[object, ...] = (
        None,
        0,
        -1,
        2**63 - 1,
        -(2**63),
        2**64 - 1,
        1.5,
        b"",
        b"\xff",
        "",
        "\0",
        "x",
        True,
        [],
        chance.choice(words.texts),
    )
    row[chance.randrange(len(row))] = chance.choice(values)
    if chance.random() < 0.1:
        found.append(row)
    if chance.random() < 0.1:
        row.append(1)
    return msgspec.msgpack.encode(found)


# The list of erased persons that one store hands to another.


def _read_erasures(data: bytes) -> None:
    path = _written("erased.json", data)
    for leftover in _FOLDER.glob("erased.db*"):
        leftover.unlink()
    _written("erased.db", _template())
    with open_store(f"sqlite:///{_FOLDER / 'erased.db'}") as store:
        try:
            forget.take_in(store, path)
        except StoreError:
            return
        with store.reading() as connection:
            for found, _ in forget.still_held(connection):
                from_us(found.at)
            marks = erasure.tombstones(connection)
            assert marks is None or marks.matching([erasure.of_record("crm", "lead", "l1")]) is not None


@cache
def _erasures() -> list[bytes]:
    config = deal.config(_FOLDER, f"sqlite:///{_FOLDER / 'forgetting.db'}")
    deal.fill(config)
    settings = load_settings(config)
    with open_store(settings.store) as store:
        forget.erase(store, settings, [deal.EMAIL], "Li Na", "asked for it")
        with store.reading() as connection:
            return [forget.export(connection)]


# Checks of a site's own: what describes them, and their tests; the query itself is the administrator's.


def _read_own_check(data: bytes) -> None:
    folder = _FOLDER / "checks"
    folder.mkdir(exist_ok=True)
    head, _, test = data.partition(b"\0")
    (folder / "acme_quote.sql").write_bytes(head)
    (folder / "acme_quote.test.yaml").write_bytes(test)
    for text in (head, _own_checks()[0].partition(b"\0")[0]):  # a test is read for a check that can be
        (folder / "acme_quote.sql").write_bytes(text)
        try:
            [check] = own.load(folder).values()
            check.query(check.parameters)
            trial.read(check, folder / "acme_quote.test.yaml")
        except (SettingsError, FileUnusable) as error:
            str(error).encode("utf-8", "surrogatepass")


@cache
def _own_checks() -> list[bytes]:
    check, test = own_checks.files("acme_quote", python=False).values()
    return [f"{check}\0{test}".encode()]


def _own_check_mutations(words: Words) -> Mutate:
    """Of what stands in the comment, or of the test."""
    yaml_file = yaml_(words)

    def mutate(data: bytes, chance: random.Random) -> bytes:
        check, mark, test = data.partition(b"\0")
        if chance.random() < 0.1:
            return bytes_(data, chance)
        if chance.random() < 0.5:
            return check + mark + yaml_file(test, chance)
        before, begin, rest = check.partition(b"/*")
        head, end, query = rest.rpartition(b"*/")
        return before + begin + yaml_file(head, chance) + end + query + mark + test

    return mutate


TARGETS = [
    Target(
        "mapping", ("mapping files", "their expressions, tables, conditions"), _mappings, yaml_, _read_mapping, _records
    ),
    Target(
        "settings",
        ("ltc.yaml", "cron in it", "connectors' settings", "secret references"),
        _settings,
        yaml_,
        _read_settings,
    ),
    Target("own-check", ("checks of one's own", "their tests"), _own_checks, _own_check_mutations, _read_own_check),
    Target("backup", ("backup files, packed and inside",), _backups, _backup_mutations, _read_backup, _template),
    Target("erasures", ("the list of erased persons",), _erasures, json_, _read_erasures, _template),
]
