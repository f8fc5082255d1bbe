"""Times that name no zone are those of the system that they are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.engine import Mapping, load
from mappings.errors import MappingError
from mappings.model import ENTITIES, columns
from state.clock import from_us

TEXT = """\
version: 1
connector: shop
streams:
  order: {entity: order, fields: {source_updated_at: {path: changed, do: [local_instant]}}}
  party: {entity: party, fields: {name: name}}
"""
PLACE = [column.name for column in columns(ENTITIES["order"])].index("source_updated_at")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(TEXT)
    return path


def changed(mapping: Mapping, text: str) -> str:
    row = mapping.stream("order").map("shop", "1", f'{{"changed": "{text}"}}'.encode()).row
    assert row is not None
    return from_us(row[PLACE]).isoformat()


def test_a_time_without_a_zone_is_that_of_the_system(file: Path) -> None:
    shanghai = load(file, "Asia/Shanghai")
    assert changed(shanghai, "2026-10-01 09:30:00") == "2026-10-01T01:30:00+00:00"
    assert changed(shanghai, "2026-10-01T09:30:00+02:00") == "2026-10-01T07:30:00+00:00"
    assert changed(load(file), "2026-10-01 09:30:00") == "2026-10-01T09:30:00+00:00"


def test_summer_time_is_minded(file: Path) -> None:
    berlin = load(file, "Europe/Berlin")
    assert changed(berlin, "2026-07-01 12:00:00") == "2026-07-01T10:00:00+00:00"
    assert changed(berlin, "2026-12-01 12:00:00") == "2026-12-01T11:00:00+00:00"


def test_another_zone_reads_only_those_records_anew_that_have_such_times(file: Path) -> None:
    shanghai, berlin = load(file, "Asia/Shanghai"), load(file, "Europe/Berlin")
    assert shanghai.stream("order").fingerprint != berlin.stream("order").fingerprint
    assert shanghai.stream("party").fingerprint == berlin.stream("party").fingerprint


def test_what_is_no_time_is_refused(file: Path) -> None:
    with pytest.raises(MappingError, match="instant"):
        changed(load(file, "Asia/Shanghai"), "tomorrow")
