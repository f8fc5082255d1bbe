"""Print tables and text for people at a terminal, plain lines and JSON for everything else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves the cursor, colours, answers in the user's name, or turns the direction of writing."""


def printable(text: str) -> str:
    """The text with everything that would steer a terminal as ``·``; lines and tabs stay."""
    return _STEERING.sub("·", text)


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def say(text: str = "") -> None:
    """Print a line of text; nothing in it steers the terminal."""
    print(printable(text), flush=True)


def emit_json(data: Any) -> None:
    """Print data as JSON; instants as ISO 8601 UTC, decimals as text. What would steer a terminal is escaped."""
    print(json_text(data, indent=2), flush=True)


def json_text(data: Any, indent: int | None = None) -> str:
    """Data as JSON, on one line without ``indent``; what would steer a terminal is escaped."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(data, ensure_ascii=False, indent=indent, separators=separators, default=_plain)
    return _STEERING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; numbers to the right, ``None`` as –. Without a terminal: columns of plain text, nothing cut."""
    texts = [[_cell(value) for value in row] for row in rows]
    numbers = _numeric(columns, texts)
    if is_terminal():
        _rich(columns, texts, numbers)
        return
    widths = [max(width(line[n]) for line in (columns, *texts)) for n in range(len(columns))]
    for line in (columns, *texts):
        cells = [_pad(text, widths[n], n in numbers) for n, text in enumerate(line)]
        print("  ".join(cells).rstrip())
    sys.stdout.flush()


def width(text: str) -> int:
    """How many columns a text takes on a terminal: Chinese characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _pad(text: str, wide: int, right: bool) -> str:
    space = " " * (wide - width(text))
    return space + text if right else text + space


def _numeric(columns: Sequence[str], texts: Sequence[Sequence[str]]) -> set[int]:
    """The columns that hold only numbers."""

    def is_number(text: str) -> bool:
        return text.replace(",", "").replace(".", "").lstrip("-+").isdigit()

    found = set()
    for n in range(len(columns)):
        filled = [row[n] for row in texts if row[n] not in ("", "–")]
        if filled and all(is_number(text) for text in filled):
            found.add(n)
    return found


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    text = f"{value:,}" if isinstance(value, int | Decimal) else str(value)
    return "".join(char if char.isprintable() or char == "\n" else "·" for char in text).replace("\n", " ")


def _rich(columns: Sequence[str], texts: Sequence[Sequence[str]], numbers: set[int]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for n, column in enumerate(columns):
        shown.add_column(column, justify="right" if n in numbers else "left", overflow="fold")
    for row in texts:
        shown.add_row(*(Text(text) for text in row))
    Console().print(shown)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal | date | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
