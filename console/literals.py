"""Which secrets a file of settings holds: by the connectors' own models, by their names, and by their look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors import registry
from settings import literals
from settings.secrets import REFERENCE
from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse

_LINE = re.compile(r"^[\s#-]*[\"']?([\w.-]+)[\"']?\s*:\s*(.*?)\s*$")


def of_config(model: Any, config: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The settings that the connector keeps secret and that are written out instead of referred to."""
    for name, known in model.model_fields.items():
        value = config.get(name)
        if isinstance(value, dict) and hasattr(known.annotation, "model_fields"):
            yield from ((name, *keys) for keys in of_config(known.annotation, value))
        elif isinstance(value, str) and "SecretStr" in str(known.annotation) and not REFERENCE.search(value):
            yield (name,)


def in_file(text: str, folder: Path) -> set[str]:
    """The secrets that a file of settings in ``folder`` holds, so that they can be hidden; broken files too."""
    found: set[str] = set()
    for line in text.splitlines():
        said = _LINE.match(line)
        name, value = (said[1], said[2]) if said else ("", line)
        found |= {secret for _, secret in literals.found({name: value.partition(" #")[0].strip(" '\"")})}
    try:
        top = parse(text.replace("\r\n", "\n"), "")
    except FileUnusable:
        return found
    found |= {secret for _, secret in literals.found(top)}
    systems = top.get("systems")
    for system in systems.values() if isinstance(systems, dict) else ():
        found |= set(_in_system(system, folder))
    return found


def _in_system(system: Any, folder: Path) -> Iterator[str]:
    config = system.get("config") if isinstance(system, dict) else None
    if not isinstance(config, dict):
        return
    try:
        model = registry.load(str(system.get("connector")), folder).Config
    except Exception:  # a connector that is broken or missing must not keep anybody from the rest
        return
    for keys in of_config(model, config):
        value: Any = config
        for key in keys:
            value = value[key]
        yield from (line.strip() for line in str(value).splitlines() if line.strip())
