"""Map the records of a stand-in, and look at the rows by column."""

from __future__ import annotations

from typing import Any

from connectors.stripe.connector import Stripe
from mappings.engine import load
from mappings.model import ENTITIES, LINES, columns
from sandbox.stripe import StripeServer
from tests.connectors.stripe.conftest import pull

MAPPING = load("stripe")


def mapped(server: StripeServer, connector: Stripe, stream: str) -> list[dict[str, Any]]:
    """Canonical rows of a stream by column, newest first; ``lines`` holds the lines."""
    records, _ = pull(connector, server, stream=stream)
    return [as_dict(stream, record.source_id, record.body) for record in records]


def as_dict(stream: str, source_id: str, body: bytes) -> dict[str, Any]:
    found = MAPPING.stream(stream).map("stripe", source_id, body)
    entity = MAPPING.stream(stream).entity
    names = [column.name for column in columns(ENTITIES[entity])]
    line_names = [column.name for column in columns(LINES[entity].model)] if entity in LINES else []
    lines = [dict(zip(line_names, line, strict=True)) for line in found.lines]
    return {**dict(zip(names, found.row, strict=True)), "lines": lines}


def shown(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The part of a row that is expected."""
    return {name: row[name] for name in expected}
