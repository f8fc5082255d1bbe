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
