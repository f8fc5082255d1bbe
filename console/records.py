"""Names of records on the command line: find the one that is meant, show it, keep personal values back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.i18n import Texts
    from state.chains import Identity

HIDDEN = "•••"
"""What is shown in place of a personal value."""
_SHORTEST_NUMBER = 1_000_000
PERSONAL = frozenset({"email", "phone", "contact_name", "first_name", "last_name", "address_line"})
_MANY = 10


def address(record: Identity) -> str:
    """``system:stream:source_id``, which every command understands."""
    return f"{record.system}:{record.stream}:{record.source_id}"


def one(connection: Connection, text: str) -> Identity:
    """The record a person named; raises ``click.UsageError`` if there is none, or several."""
    from state import lookup

    found = lookup.named(connection, text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.UsageError(
            f"No record is called {text!r}. Name it by its number or as SYSTEM:STREAM:ID; `ltc trace` helps to find it."
        )
    shown = "\n".join(f"  {address(item)}" for item in found[:_MANY])
    more = f"\n  … and {len(found) - _MANY} more" if len(found) > _MANY else ""
    raise click.UsageError(f"{len(found)} records are called {text!r}. Name one of them in full:\n{shown}{more}")


def without_personal(values: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence of a link with e-mail addresses, phone numbers and the like hidden; what they prove stays.

    So does how many of them there are.
    """
    named = values.get("field")
    return {
        name: HIDDEN if (name in PERSONAL or (name == "value" and named in PERSONAL)) and _tells(value) else value
        for name, value in values.items()
    }


def _tells(value: Any) -> bool:
    """Whether it may be a person's: no phone number is as short as a count."""
    return value is not None and not (isinstance(value, int) and abs(value) < _SHORTEST_NUMBER)


def in_words(values: Mapping[str, Any], texts: Texts) -> str:
    """Evidence on one line, in the language of ``texts``."""
    shown = without_personal({name: value for name, value in values.items() if name != "alike"})
    words = [
        (
            texts.name("links.evidence", name),
            texts.name("links.evidence", str(value).lower()) if isinstance(value, bool) else value,
        )
        for name, value in shown.items()
        if value is not None and (name, value) != ("candidates", 1)  # the only one says nothing
    ]
    words += [
        (
            texts.name("links.alike", field),
            f"{texts.name('links.level', found['level'])} {texts('links.bits', bits=format(found['bits'], '+.1f'))}",
        )
        for field, found in values.get("alike", {}).items()
        if found is not None
    ]
    is_chinese = texts.locale == "zh-CN"
    return ("，" if is_chinese else ", ").join(f"{name}{'：' if is_chinese else ': '}{value}" for name, value in words)


def printable(text: str) -> str:
    """Text from a source without characters that would steer a terminal."""
    return "".join(char if char.isprintable() else "·" for char in text)
