"""Mappings written in a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mappings.engine import Mapped, Mapping, MappingError, StreamMapping, load
from mappings.model import ENTITIES, columns

HEAD = "version: 1\nconnector: test\nstreams:\n"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a mapping file and returns its path."""

    def write(text: str, name: str = "test.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def loaded(written: Callable[..., Path]) -> Callable[[str], Mapping]:
    """Loads a mapping whose streams are given as YAML."""

    def make(streams: str) -> Mapping:
        return load(written(HEAD + streams))

    return make


@pytest.fixture
def one_field(loaded: Callable[[str], Mapping]) -> Callable[..., Any]:
    """What one field of an order makes of a record; raises ``MappingError``."""

    def run(field: str, expression: str, record: Any, entity: str = "order") -> Any:
        currency = "" if field == "currency" else "      currency: {const: CNY}\n"
        text = f"  s:\n    entity: {entity}\n    fields:\n{currency}      {field}: {expression}\n"
        return value(loaded(text).stream("s"), field, record)

    return run


def value(mapping: StreamMapping, field: str, record: Any) -> Any:
    """One field of the row a record maps to."""
    return row(mapping, mapping.map("erp", "7", json.dumps(record).encode()))[field]


def row(mapping: StreamMapping, mapped: Mapped) -> dict[str, Any]:
    """A mapped row by name."""
    names = [column.name for column in columns(ENTITIES[mapping.entity])]
    return dict(zip(names, mapped.row, strict=True))


def refusal(action: Callable[[], Any]) -> MappingError:
    """The error that mapping raises."""
    with pytest.raises(MappingError) as caught:
        action()
    return caught.value
