"""Resolve ``${env:NAME}``, ``${file:/path}`` and ``${prefect:block}`` where a value is used, never earlier."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from settings.errors import SecretMissing

REFERENCE = re.compile(r"\$\{(env|file|prefect):([^}]+)\}")
"""A secret reference: its kind and its name."""

_MEANT = re.compile(r"\$\{[^}]*\}?")

_prefect_block: Callable[[str], str] | None = None


def use_prefect_blocks(resolver: Callable[[str], str]) -> None:
    """Say how ``${prefect:…}`` is looked up; the flows do this, so that nobody else imports Prefect."""
    global _prefect_block
    _prefect_block = resolver


def resolve(value: Any) -> Any:
    """The value with every reference in it replaced, in dicts and lists too.

    Raises ``SecretMissing``; its message names the reference only.
    """
    if isinstance(value, dict):
        return {key: resolve(item) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item) for item in value]
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: _look_up(match.group(1), match.group(2), match.group(0)), value)
    return value


def malformed(value: Any, keys: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """Where something looks like a reference and is none: the keys that lead there, and a sentence without values."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [problem for key, item in entries for problem in malformed(item, (*keys, key))]
    if isinstance(value, str):
        wrong = [part for part in _MEANT.findall(value) if not REFERENCE.fullmatch(part)]
        name = ".".join(str(key) for key in keys)
        # What it is, is not shown: it may be part of a secret.
        found += [(keys, f"`{name}` holds `${{` that begins no secret reference.") for _ in wrong[:1]]
    return found


def holder(config: Any, message: str) -> tuple[Any, ...]:
    """The keys in a system's config that lead to the reference which ``message`` names; empty if none does."""
    entries = config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    for key, value in entries:
        if isinstance(value, str) and any(match.group(0) in message for match in REFERENCE.finditer(value)):
            return (key,)
        inner = holder(value, message)
        if inner:
            return (key, *inner)
    return ()


def rooted(value: Any, folder: Path) -> Any:
    """The value with relative paths in ``${file:…}`` made absolute from ``folder``."""
    if isinstance(value, dict):
        return {key: rooted(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [rooted(item, folder) for item in value]
    if isinstance(value, str):
        return REFERENCE.sub(
            lambda match: f"${{file:{folder / match.group(2)}}}" if match.group(1) == "file" else match.group(0), value
        )
    return value


def _look_up(kind: str, name: str, reference: str) -> str:
    if kind == "env":
        found = os.environ.get(name)
        if found is None:
            raise SecretMissing(reference, "is not set", f"Set the environment variable {name}.")
        return found
    if kind == "file":
        try:
            return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise SecretMissing(
                reference, f"cannot be read ({error.strerror})", "Check path and permissions."
            ) from None
    if _prefect_block is None:
        raise SecretMissing(
            reference,
            "can only be read in a Prefect flow",
            "Run with `--engine prefect`, or use ${env:…} or ${file:…}.",
        )
    return _prefect_block(name)
