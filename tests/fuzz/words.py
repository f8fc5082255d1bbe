"""Targets: short texts that people type: conditions, cron, values of dead letters, command lines."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import shlex
import sys
import zlib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
from sqlalchemy import select

from console import failures
from console.cli import COMMANDS, cli
from mappings import predicate
from mappings.model import ENTITIES, Kind, canonical_value, columns
from settings import cron
from state import outbox, schema
from state.changes import FieldChange, Item, OutboxStatus
from state.store import open_store
from tests.console import deal
from tests.fuzz.engine import Target, scratch
from tests.fuzz.mutate import text

_COMMANDS = (
    *("status", "runs", "trace", "findings", "links", "conflicts", "overwritten", "lock", "unlock", "dead-letters"),
    *("quarantine", "audit", "checks", "mappings", "pull", "prune", "forget"),
)
for _name in _COMMANDS:  # imported late otherwise, and not watched
    importlib.import_module(COMMANDS[_name].partition(":")[0])
_AFTER = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def _two(data: bytes) -> tuple[str, str]:
    """The first line, and the rest."""
    first, _, rest = data.decode("utf-8", "surrogatepass").partition("\n") if _is_text(data) else ("", "", "")
    return first, rest


def _is_text(data: bytes) -> bool:
    with contextlib.suppress(UnicodeDecodeError):
        data.decode("utf-8", "surrogatepass")
        return True
    return False


# Conditions of ltc.yaml.

_ROWS: tuple[dict[str, Any], ...] = (
    {},
    {"status": "open", "currency": "CNY", "expected_amount": 12_345, "gross_amount": -1, "probability": "0.5"},
    {
        "status": "won",
        "currency": "JPY",
        "expected_amount": 2**62,
        "gross_amount": 0,
        "probability": None,
        "number": "1",
    },
)


def _read_condition(data: bytes) -> None:
    entity, condition = _two(data)
    if entity not in ENTITIES:
        entity = list(ENTITIES)[zlib.crc32(entity.encode("utf-8", "replace")) % len(ENTITIES)]
    try:
        found = predicate.parse(entity, condition)
    except predicate.PredicateError as error:
        str(error).encode("utf-8", "surrogatepass")
        return
    for row in _ROWS:
        found.holds(row)


def _conditions() -> list[bytes]:
    return [
        b"opportunity\nstatus != 'lost' and amount > 0",
        b"order\nstatus in ('confirmed', 'in_progress') and not (gross_amount <= 1_000.50 or currency == 'USD')",
        b"invoice\n0 < amount <= 1e6 and due_date >= '2026-01-01'",
        b"lead\nnot email is null and country in ['CN', 'HK'] or phone == ''",
        b"quote\n(amount == -5) == true",
    ]


# Cron.


def _read_cron(data: bytes) -> None:
    expression = data.decode("utf-8", "replace")
    possible = cron.is_possible(expression)
    due = cron.next_due(expression, _AFTER)
    assert due is None or (possible and due > _AFTER)


def _crons() -> list[bytes]:
    given = (
        "*/15 * * * *",
        "0 8-18/2 * * mon-fri",
        "@daily",
        "0 0 1,15 * 0",
        "30 2 29 feb *",
        "0 0 L * *",
        "5 4 * * 5#3",
    )
    return [expression.encode() for expression in given]


# What people type into a dead letter.


def _read_typed(data: bytes) -> None:
    first, typed = _two(data)
    entity, _, name = first.partition(".")
    fields = {column.name: column.kind for column in columns(ENTITIES[entity])} if entity in ENTITIES else {}
    if name not in fields:
        entity, name = "order", "delivery_state"
        fields = {column.name: column.kind for column in columns(ENTITIES[entity])}
    try:
        value = canonical_value(entity, name, typed)
    except ValueError as error:
        str(error).encode("utf-8", "surrogatepass")
        return
    kinds = int if fields[name] in (Kind.FLAG, Kind.INTEGER) else str
    assert value is None or (type(value) is kinds and (kinds is str or -(2**63) <= int(value) < 2**63))
    str(value).encode()
    assert "\0" not in str(value)


def _typed() -> list[bytes]:
    given = ("true", "2026-03-31", "12.5", "7", "delivered", "文本", "yes", "-0", "1e5")
    return [
        f"{entity}.{column.name}\n{given[number % len(given)]}".encode()
        for entity, model in ENTITIES.items()
        for number, column in enumerate(columns(model))
    ]


# Command lines, one argument a line, on a store with one deal in it.


@cache
def _company() -> Path:
    folder = scratch() / "company"
    folder.mkdir()
    config = deal.config(folder, f"sqlite:///{folder / 'ltc.db'}")
    deal.fill(config)
    _refuse_a_write(f"sqlite:///{folder / 'ltc.db'}")
    return config


def _refuse_a_write(url: str) -> None:
    """A dead letter: the CRM has refused what was to be written to the deal's opportunity."""
    with open_store(url) as store, store.transaction() as connection:
        found = select(schema.record.c.id, schema.record.c.seq).where(schema.record.c.source_id == "o1")
        row = connection.execute(found).one()
        wish = FieldChange("delivery_state", "LTC_Delivery_Status__c", None, "delivered", None, "delivered", "shipped")
        key = outbox.idempotency_key("crm", "opportunity", "o1", (row.seq, b""), [("x", "y")])
        refused = (OutboxStatus.REJECTED, 1, "refused")
        item = Item("crm", "opportunity", "opportunity", row.id, "o1", "O-1", row.seq, (wish,), key, *refused)
        outbox.save_plan(connection, "crm", [item], "run")


def _run_command(data: bytes) -> None:
    arguments = [os.fsdecode(line.replace(b"\0", b"")) for line in data.split(b"\n")]
    first = arguments[0]
    if first not in _COMMANDS:
        first = _COMMANDS[zlib.crc32(os.fsencode(first)) % len(_COMMANDS)]
    # As on a terminal: what the encoding cannot hold is an error on standard output.
    config = str(_company())
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors=errors) for errors in ("strict", "backslashreplace"))
    try:
        with redirect_stdout(out), redirect_stderr(err), _no_new_files(), patch.object(sys, "stdin", io.StringIO()):
            click.Group.main(cli, ["--config", config, first, *arguments[1:]], "ltc", standalone_mode=False)
    except (click.ClickException, click.exceptions.Exit, click.Abort) as error:
        if isinstance(error, click.ClickException):
            error.format_message()
    except Exception as error:
        said, _ = failures.told(error)
        if "does not know" in said:
            raise


@contextlib.contextmanager
def _no_new_files() -> Iterator[None]:
    """Commands write only to the store; a fuzzed path must not."""
    no = click.UsageError("no")
    with patch.object(Path, "write_bytes", side_effect=no), patch.object(Path, "touch", side_effect=no):
        yield


@cache
def _command_lines() -> list[bytes]:
    """The examples in the commands' own help."""
    with open_store(f"sqlite:///{_company().parent / 'ltc.db'}") as store, store.reading() as connection:
        letter = outbox.dead_letters(connection)[0].letter
    found = [
        b"trace\nSO-1",
        f"dead-letters\nshow\n{letter}".encode(),
        f"dead-letters\nedit\n{letter}\n--set\ndelivery_state=delivered".encode(),
        f"dead-letters\nretry\n{letter}".encode(),
        b"links\nconfirm\ncrm:opportunity_list:o1\nerp:SO-1",
        b"lock\ncrm:opportunity_list:o1\n--reason\nx",
        b"unlock\ncrm:opportunity_list:o1",
    ]
    waiting: list[Any] = [cli]
    while waiting:
        command = waiting.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            waiting += [command.get_command(context, name) for name in command.list_commands(context)]
        for line in (command.help or "").splitlines():
            words = (
                shlex.split(line.strip())
                if line.strip().startswith("ltc ") and "'" not in line.replace("'", "", 2)
                else []
            )
            if len(words) > 1 and words[1] in _COMMANDS:
                found.append("\n".join(words[1:]).encode())
    return found


TARGETS = [
    Target("condition", ("conditions in ltc.yaml",), _conditions, text, _read_condition),
    Target("cron", ("cron expressions",), _crons, text, _read_cron),
    Target("typed", ("values typed into dead letters",), _typed, text, _read_typed),
    Target(
        "command",
        ("the arguments of ltc: ids, days, records, decisions",),
        _command_lines,
        text,
        _run_command,
        _company,
    ),
]
