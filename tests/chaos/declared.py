"""The simulated systems as a manifest describes them: what an admin's own connector goes through.

A class is made of the manifest once; only where its tokens come from is not the product's, as nobody grants any here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors import registry
from connectors.contract import Connector
from connectors.declarative.connector import Declared, connector_of
from connectors.declarative.settings import DeclaredConfig
from settings.model import Settings
from tests.chaos import connector as simulated
from tests.chaos.source import KEY

WRITABLE = ["delivery", "payment", "billing"]
_VERSIONS: dict[str, Any] = {
    "revision": {"field": "revision", "format": "number"},
    "stamp": {"field": "stamp", "format": "microseconds"},
    "none": None,
}


def manifest(stream: str, entity: str, *, tombstones: bool, versions: str, creates: str, keyed: bool) -> str:
    """The manifest of one system; ``keyed``: it carries a write out once for each idempotency key."""
    key = {"Idempotency-Key": "{idempotency_key}"}
    told: dict[str, Any] = {
        "entity": entity,
        "list": {
            "get": f"/{stream}",
            "query": {
                "since": "{since || `0`}",
                "until": "{until || `99999999999999999`}",
                "size": "{size}",
                "after_stamp": "{after_time}",
                "after_id": "{after_id}",
            },
        },
        "records": "data",
        "key": "id",
        "version": _VERSIONS[versions],
        "incremental": {"overlap": 180, "settle": 5, "times": {"format": "microseconds"}},
        "paging": {"by": "keyset", "time": "stamp"},
        "one": f"/{stream}/{{id}}",
        "writable": WRITABLE,
        "update": {
            "patch": f"/{stream}/{{id}}",
            "body": "{values}",
            **({"record": "@"} if keyed else {}),
            "headers": {"If-Match": "{to_string(record.revision)}", **(key if keyed else {})},
        },
        "create": {
            "post": f"/{stream}",
            "body": "{values}",
            "headers": key,
            "key": KEY,
            "find": {"get": f"/{stream}", "query": {"key": "{key}"}},
            "records": "data",
            "unique": creates in ("key", "unique"),
        },
        "deletes": {"when": "deleted"} if tombstones else "sweep",
    }
    if creates != "key":
        del told["create"]["headers"]
    streams = {stream: {name: value for name, value in told.items() if value is not None}}
    return yaml.safe_dump({"version": 1, "name": "sim", "streams": streams}, sort_keys=False)


class _Tokens:
    """Asks the machine, as the simulated connector does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._token = ""

    def close(self) -> None:
        """Nothing is held."""

    def current(self) -> str:
        """The last one known."""
        return self._token or self._fetched()

    def renew(self) -> bool:
        """Another one."""
        return bool(self._fetched())

    def _fetched(self) -> str:
        self._token = simulated.TOKENS(self._url)
        return self._token


def of_system(settings: Settings, system: str) -> type[Connector[Any]]:
    """The connector class of a system, as ``sync.systems.connector_class`` finds it."""
    name = settings.systems[system].connector
    return class_of(settings.path.parent / name) if registry.is_manifest(name) else registry.load(name)


@cache
def class_of(path: Path) -> type[Declared]:
    """The connector class of a manifest, with the machine's tokens."""
    made = connector_of(path)

    def opened(self: Declared, config: DeclaredConfig) -> None:
        made.__init__(self, config)
        self._client.tokens = _Tokens(config.base_url)  # type: ignore[assignment]

    return type("Simulated", (made,), {"__init__": opened})
