"""Targets: the answers of each system, through the real connector and mapping; corpus: the stand-ins' own answers."""

from __future__ import annotations

import contextlib
import importlib
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from connectors import retry
from connectors.contract import Change, Connector, NewRecord, Page, RawRecord, Window
from connectors.errors import ConnectorError
from connectors.jiandaoyun.connector import Jiandaoyun
from connectors.salesforce.connector import Salesforce
from connectors.tryton.connector import Tryton
from connectors.xero.connector import Xero
from mappings.engine import Mapping, MappingError, decode, explain, load, unmapped
from tests.fuzz import wire
from tests.fuzz.engine import Target
from tests.fuzz.mutate import answers

_PAGES = 3
_KEYS = ["ltc-000000000000000000000001", "ltc-000000000000000000000002"]
_MAKING = ("find", "create")
importlib.import_module("connectors.salesforce.transport")  # comes with the first call otherwise, and is not watched
_LARGEST_NUMBER = 2**63


class System(NamedTuple):
    """A connector, how to make it, and a stand-in to learn valid answers from."""

    kind: type[Connector[Any]]
    settings: dict[str, Any]
    """Settings without a real address, for playing answers."""
    standing_in: Callable[[], Any]
    """Context manager that gives the settings for the stand-in."""
    values: dict[str, dict[str, Any]]
    """Stream → source fields to write."""
    until: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    """End of the first window."""
    makes: dict[str, Any] = {}  # noqa: RUF012 - never changed
    """Source fields of a new record."""


def _operations(system: System) -> list[str]:
    streams = [spec.name for spec in _connector(system).streams()]
    reads = ["pull"] if system.kind.ids is Connector.ids else ["pull", "ids"]
    reads += [] if system.kind.fetch is Connector.fetch else ["fetch"]
    writes = [f"push {stream}" for stream in system.values]
    writes += [f"{verb} {spec.name}" for spec in _connector(system).streams() if spec.creatable for verb in _MAKING]
    return ["check", *(f"{verb} {stream}" for stream in streams for verb in reads), *writes]


def _connector(system: System, **settings: Any) -> Connector[Any]:
    return system.kind(system.kind.Config.model_validate({**system.settings, **settings}))


def _operate(connector: Connector[Any], system: System, mapping: Mapping, operation: str, source_id: str) -> None:
    verb, _, stream = operation.partition(" ")
    if verb == "check":
        list(connector.check())
    elif verb == "ids":
        _ids(connector, stream)
    elif verb == "fetch":
        _fetch(connector, mapping, stream, source_id)
    elif verb == "push":
        _push(connector, mapping, stream, system.values[stream], source_id)
    elif verb == "find":
        _found(mapping, stream, connector.find(stream, _KEYS))
    elif verb == "create":
        _create(connector, mapping, stream, system.makes)
    else:
        _pull(connector, mapping, stream, system.until)


def _fetch(connector: Connector[Any], mapping: Mapping, stream: str, source_id: str) -> None:
    found: list[RawRecord] = []
    with contextlib.suppress(NotImplementedError):  # some streams can only be listed
        found += (record for batch in connector.fetch(stream, [source_id, "17"]) for record in batch)
    for record in found:
        assert record.version is None or -_LARGEST_NUMBER <= record.version < _LARGEST_NUMBER
        record.source_id.encode()
        read_record(mapping, stream, record.source_id, record.body)


def _found(mapping: Mapping, stream: str, found: dict[str, Sequence[RawRecord]]) -> None:
    assert set(found) <= set(_KEYS)
    for record in (record for records in found.values() for record in records):
        read_record(mapping, stream, record.source_id, record.body)


def _create(connector: Connector[Any], mapping: Mapping, stream: str, values: dict[str, Any]) -> None:
    key = next(spec.creatable for spec in connector.streams() if spec.name == stream)
    assert key is not None
    records = [NewRecord(name, {**values, key: name}, f"key-{name}") for name in _KEYS]
    results = list(islice(connector.create(stream, records), 2))
    assert [result.key for result in results] == _KEYS
    for result in results:
        if result.record is not None:
            assert result.source_id == result.record.source_id
            read_record(mapping, stream, result.record.source_id, result.record.body)


def _ids(connector: Connector[Any], stream: str) -> None:
    batches = list(islice(connector.ids(stream), _PAGES))
    assert all(isinstance(source_id, str) for batch in batches for source_id in batch)


def _pull(connector: Connector[Any], mapping: Mapping, stream: str, until: datetime) -> None:
    """Two pulls: some pages, then on from where the first one stood, some days later."""
    cursor = None
    for days in (0, 2):
        window = Window(until + timedelta(days=days))
        for page in islice(connector.pull(stream, cursor, window), _PAGES):
            cursor = json.loads(json.dumps(page.cursor, allow_nan=False))
            _use(page, mapping, stream)


def _use(page: Page, mapping: Mapping, stream: str) -> None:
    assert all(isinstance(source_id, str) for source_id in page.deleted_ids)
    for refused in page.rejected:
        assert isinstance(refused.source_id, str)
    for record in page.records:
        assert isinstance(record.source_id, str)
        assert record.version is None or -_LARGEST_NUMBER <= record.version < _LARGEST_NUMBER
        record.source_id.encode()
        read_record(mapping, stream, record.source_id, record.body)


def read_record(mapping: Mapping, stream: str, source_id: str, body: bytes) -> None:
    """Map one record, as landing and as ``ltc mappings test`` do; every value must fit the store."""
    try:
        mapped = mapping.stream(stream).map("system", source_id, body)
    except MappingError as error:
        str(error).encode()
    else:
        for value in (*mapped.row, *(value for line in mapped.lines for value in line)):
            _check_storable(value)
        document = decode(body)
        for name in mapping.stream(stream).definition.write:
            _look_at(mapping, stream, name, document)
    for look in (explain, unmapped):
        try:
            look(mapping, stream, body)
        except MappingError:
            continue


def _look_at(mapping: Mapping, stream: str, field: str, document: Any) -> None:
    mapping.stream(stream).source_value(field, document)
    with contextlib.suppress(MappingError):
        mapping.stream(stream).may_write(field, document)


def _check_storable(value: Any) -> None:
    assert value is None or type(value) in (int, str), type(value)
    if type(value) is int:
        assert -_LARGEST_NUMBER <= value < _LARGEST_NUMBER
    elif value is not None:
        assert "\0" not in value
        value.encode()


def _push(connector: Connector[Any], mapping: Mapping, stream: str, values: dict[str, Any], source_id: str) -> None:
    change = Change(source_id, values, dict.fromkeys(values), "key-1")
    results = list(islice(connector.push(stream, [change, change]), 2))
    assert [result.source_id for result in results] == [source_id] * 2
    for result in results:
        if result.record is not None:
            read_record(mapping, stream, result.record.source_id, result.record.body)


def target(name: str, system: System, parsers: tuple[str, ...]) -> Target:
    """The answers of one system, through its connector and the shipped mapping of that name."""
    mapping = load(name)
    operations = _operations(system)

    def run(data: bytes) -> None:
        first, given = wire.unpack(data)
        operation, _, source_id = first.partition("#")
        if operation not in operations:
            operation = operations[zlib.crc32(operation.encode("utf-8", "replace")) % len(operations)]
        with wire.playing(given), retry.no_waiting(), _connector(system) as connector:
            try:
                _operate(connector, system, mapping, operation, source_id if source_id.isalnum() else "17")
            except ConnectorError as error:
                str(error).encode()

    @cache
    def seeds() -> list[bytes]:
        with system.standing_in() as settings:
            return [_taken_down(system, settings, mapping, operation) for operation in operations]

    return Target(name, parsers, seeds, answers, run)


def _taken_down(system: System, settings: dict[str, Any], mapping: Mapping, operation: str) -> bytes:
    """What the stand-in answers to an operation."""
    verb, _, stream = operation.partition(" ")
    with _connector(system, **settings) as connector:
        source_id = ""
        if verb in ("push", "fetch"):
            page = next(connector.pull(stream, None, Window(system.until)))
            source_id = page.records[0].source_id if page.records else "17"
    with wire.taken_down() as found, _connector(system, **settings) as connector:
        _operate(connector, system, mapping, operation, source_id)
    return wire.pack(f"{operation}#{source_id}", found)


@contextmanager
def _jiandaoyun() -> Iterator[dict[str, Any]]:
    from sandbox.jiandaoyun import start
    from sandbox.world.build import build_world

    with start(build_world()) as server:
        yield {**server.config, "page_size": 3}


@contextmanager
def _salesforce() -> Iterator[dict[str, Any]]:
    from sandbox.salesforce import start
    from sandbox.world.build import build_world

    with start(build_world()) as server:
        yield server.config


@contextmanager
def _xero() -> Iterator[dict[str, Any]]:
    from sandbox.world.build import build_world
    from sandbox.xero.server import start

    with start(build_world()) as server:
        server.access.limits.minute = 100_000
        secret = {"client_id": server.client_id, "client_secret": server.client_secret}
        yield {**secret, "base_url": server.base_url, "token_url": server.token_url}


@contextmanager
def _tryton() -> Iterator[dict[str, Any]]:
    from sandbox.tryton.server import start

    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder))
        try:
            keys = ("base_url", "database", "user", "password")
            yield {key: getattr(server, key) for key in keys}
        finally:
            server.stop()


_RATES = {"company": 1e9, "read": 1e9, "write": 1e9}
_FORM = {"entry_id": "6530a2b3c4d5e6f708192a3c", "entity": "lead"}
_JIANDAOYUN = System(
    Jiandaoyun,
    {"base_url": "http://127.0.0.1:9/api", "api_key": "k", "app_id": "a", "forms": {"lead": _FORM}, "page_size": 3}
    | {"limits": _RATES},
    _jiandaoyun,
    {"lead": {"status": "跟进中", "conversion_note": "x"}},
)
_SALESFORCE = System(
    Salesforce,
    {"instance_url": "https://127.0.0.1:9", "client_id": "c", "client_secret": "s", "page_size": 3}
    | {"calls_per_second": 1000},
    _salesforce,
    {"opportunity": {"LTC_Order_Number__c": "SO-1", "LTC_Delivery_Status__c": "delivered"}},
    makes={"LastName": "Li", "Company": "C"},
)
_XERO = System(
    Xero,
    {"client_id": "c", "client_secret": "s", "base_url": "http://127.0.0.1:9/api.xro/2.0", "page_size": 3}
    | {"token_url": "http://127.0.0.1:9/connect/token", "calls_per_minute": 10**9},
    _xero,
    {"invoice": {"DeliveryNumbers": "14, 15", "SentToContact": True}},
)
_TRYTON = System(
    Tryton,
    {"base_url": "http://127.0.0.1:9", "database": "d", "user": "u", "password": "p", "page_size": 3}
    | {"calls_per_second": 1e9},
    _tryton,
    {"order": {"payment_note": "partly_paid"}},
    datetime(2099, 1, 1, tzinfo=UTC),  # its rows carry the time at which the database was made
)

TARGETS = [
    target("jiandaoyun", _JIANDAOYUN, ("Jiandaoyun's rows, widgets, forms and business errors", "its mapped values")),
    target("salesforce", _SALESFORCE, ("Salesforce's tokens, queries, describes, delete log, errors", "mapped values")),
    target("xero", _XERO, ("Xero's tokens, connections, lists with /Date()/, errors", "its mapped values")),
    target("tryton", _TRYTON, ("Tryton's JSON-RPC answers, log-in, rows, errors", "its mapped values")),
]
