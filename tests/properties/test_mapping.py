"""What is written through a mapping reads back as what was meant; whatever comes in is mapped or refused."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connectors.tryton.note import read_note, write_note
from connectors.xero.reference import MARK, read_numbers, write_numbers
from mappings import convert
from mappings.engine import MappingError, MappingFileError, StreamMapping, load, shipped
from mappings.errors import Unusable
from mappings.model import ENTITIES, Kind, columns
from mappings.statuses import STATUSES
from mappings.transforms import TRANSFORMS
from tests.properties import examples

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.from_regex(r"/Date\(-?\d{1,20}([+-]\d{4})?\)/", fullmatch=True)
    | st.datetimes().map(datetime.isoformat)
    | st.sampled_from(("", "1e400", "１２", "0000-00-00", "http://[", "a@b@", "\ud83d", "\0", "+86 138 0000 1234")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _loaded(streams: dict[str, Any]) -> dict[str, StreamMapping]:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump({"version": 1, "connector": "toy", "streams": streams}, file, allow_unicode=True)
        file.flush()
        return load(Path(file.name)).streams


def _value(mapping: StreamMapping, body: bytes, field: str) -> Any:
    names = [column.name for column in columns(ENTITIES[mapping.entity])]
    return mapping.map("toy", "1", body).row[names.index(field)]


# There and back.


@st.composite
def _tables(draw: st.DrawFn) -> tuple[str, dict[str, str], dict[str, str]]:
    """An entity, a table source word → status, and the word to write for some of the statuses."""
    entity = draw(st.sampled_from(sorted(STATUSES)))
    words = st.text("abcAB 文?:#'\"0", min_size=1, max_size=6)
    table = draw(st.dictionaries(words, st.sampled_from(sorted(STATUSES[entity])), min_size=1, max_size=6))
    chosen = {status: word for word, status in table.items() if draw(st.booleans())}
    return entity, table, chosen


@examples(150)
@given(given=_tables())
def test_a_status_that_is_written_reads_back_as_itself(given: tuple[str, dict[str, str], dict[str, str]]) -> None:
    entity, table, chosen = given
    status = {"path": "state", "values": table, "write": chosen}
    try:
        mapping = _loaded({"s": {"entity": entity, "fields": {}, "status": status, "write": {"status": "state"}}})["s"]
    except MappingFileError as error:
        assert "cannot be written back" in error.message  # noqa: PT017
        ambiguous = {status for status in table.values() if list(table.values()).count(status) > 1}
        assert ambiguous - set(chosen)
        return
    for wanted in STATUSES[entity]:
        try:
            field, word = mapping.reverse("status", wanted)
        except MappingError:
            assert wanted not in table.values()
            continue
        body = json.dumps({field: word}).encode()
        assert _value(mapping, body, "status") == wanted
        assert mapping.source_value("status", {field: word}) == word


@cache
def _writable() -> list[tuple[str, str, str]]:
    """Connector, stream and field of everything that the shipped mappings write and read."""
    found = []
    for name in shipped():
        for stream, mapping in load(name).streams.items():
            known = {*mapping.definition.fields, "status"}
            found += [(name, stream, field) for field in mapping.writable if field in known]
    return found


_WORDS: dict[str, Callable[[str], list[str]]] = {
    "status": lambda entity: sorted(STATUSES[entity]),
    "delivery_state": lambda _: ["none", "not_delivered", "partly_delivered", "delivered", "returned"],
    "billing_state": lambda _: ["none", "not_invoiced", "partly_invoiced", "invoiced", "over_invoiced"],
    "payment_state": lambda _: ["none", "unpaid", "partly_paid", "paid", "overpaid", "refunded"],
}


@pytest.mark.parametrize("place", range(len(_writable())))
@examples(25)
@given(data=st.data())
def test_what_a_shipped_mapping_writes_it_reads_back(place: int, data: st.DataObject) -> None:
    name, stream, field = _writable()[place]
    mapping = load(name).streams[stream]
    words = _WORDS.get(field)
    kind = next(column.kind for column in columns(ENTITIES[mapping.entity]) if column.name == field)
    plain = st.booleans().map(int) if kind is Kind.FLAG else st.text("abc 文-0", min_size=1).map(str.strip).filter(bool)
    wanted = data.draw(st.sampled_from(words(mapping.entity)) if words else plain)
    try:
        source_field, written = mapping.reverse(field, wanted)
    except MappingError as error:
        assert "no counterpart" in error.reason  # noqa: PT017
        return
    first = _read_back(mapping, field, source_field, written)
    if first is _NOT_READ:
        return
    # Several canonical words may share one word of the source; the one that it reads as is written as that word again.
    assert mapping.reverse(field, first)[1] == written
    assert first == wanted or mapping.definition.write[field].values


_NOT_READ = object()


def _read_back(mapping: StreamMapping, field: str, source_field: str, written: Any) -> Any:
    code = next(code for code in mapping.compiled.fields if code.name == field)
    document: Any = written
    for name in reversed(source_field.split(".")):
        document = {name: document}
    if mapping.definition.write[field].match is not None:
        return _NOT_READ  # the connector keeps it inside another field: see below
    status = mapping.definition.status
    if field == "status" and status is not None and source_field not in status.expression.sources:
        return _NOT_READ  # the system makes its own word of what is written
    assert mapping.source_value(field, document) == written
    return code.value("1", document, None, 2)


@examples(300)
@given(
    reference=st.none() | st.text().filter(lambda text: MARK not in text),
    numbers=st.lists(st.from_regex(r"[A-Z]{0,3}\d{1,4}", fullmatch=True), max_size=4).map(", ".join),
)
def test_delivery_numbers_read_back_and_the_clerks_text_stays(reference: str | None, numbers: str) -> None:
    written = write_numbers(reference, numbers or None)
    assert read_numbers(written) == (numbers or None)
    assert write_numbers(written, None) == (reference or "")
    assert write_numbers(written, numbers or None) == written


@examples(300)
@given(
    # Half a line break at the end cannot be told from the first half of ours once a client has written it as two signs.
    comment=st.none() | st.text().filter(lambda text: not text.endswith("\r")),
    state=st.none() | st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
)
def test_a_payment_note_reads_back_and_peoples_text_stays(comment: str | None, state: str | None) -> None:
    written = write_note(comment, state)
    assert read_note(written) == (state or None)
    assert write_note(written, state) == written
    assert write_note(written, None) == write_note(comment, None)


# Whatever comes in.


@cache
def _one_field(kind: Kind, steps: tuple[str, ...]) -> StreamMapping:
    """A mapping of some field of that kind."""
    known = ((entity, column) for entity, model in ENTITIES.items() for column in columns(model))
    fitting = ((entity, column.name) for entity, column in known if column.kind is kind)
    entity, name = next((entity, name) for entity, name in fitting if name not in ("system", "source_id", "status"))
    spec = {"path": "x", "do": list(steps)} | ({"ref": "id"} if kind in (Kind.REF, Kind.REFS) else {})
    return _loaded({"s": {"entity": entity, "fields": {"currency": {"const": "CNY"}, name: spec}}})["s"]


@examples(600)
@given(
    kind=st.sampled_from(sorted({*Kind} - {Kind.INTEGER})),  # only the numbers of lines are integers
    steps=st.lists(st.sampled_from(sorted(TRANSFORMS)), max_size=2).map(tuple),
    value=JSON,
)
def test_any_value_through_any_transforms_is_storable_or_refused(
    kind: Kind, steps: tuple[str, ...], value: Any
) -> None:
    body = json.dumps({"x": value}).encode("utf-8", "replace")
    try:
        row = _one_field(kind, steps).map("toy", "1", body).row
    except MappingError as error:
        error.field.encode()
        return
    for item in row:
        assert item is None or type(item) in (int, str)
        if isinstance(item, int):
            assert -(2**63) <= item < 2**63
        elif item is not None:
            item.encode()


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
@examples(60)
@given(value=JSON | st.decimals() | st.datetimes(timezones=st.none() | st.just(UTC)) | st.dates())
def test_a_transform_refuses_what_it_does_not_understand(name: str, value: Any) -> None:
    try:
        TRANSFORMS[name](value)
    except Unusable as error:
        assert str(error)  # noqa: PT017


@examples(300)
@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers() | st.decimals())
def test_a_stored_number_is_stored_as_itself_again(value: Any) -> None:
    try:
        stored = convert.number(value)
    except Unusable:
        return
    assert stored is not None
    assert convert.number(stored) == stored
    assert Decimal(stored) == value


@examples(300)
@given(moment=st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_an_instant_is_the_same_in_every_zone(moment: datetime) -> None:
    stored = convert.instant(moment.isoformat())
    assert stored == convert.instant(moment.astimezone(UTC).isoformat()) == convert.instant(moment)
    assert stored is not None
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stored) == moment.astimezone(UTC)
