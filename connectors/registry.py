"""Find a connector class by the name used in ltc.yaml; nothing is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from connectors.contract import Connector

ENTRY_POINT_GROUP = "ltc.connectors"

_BUILT_IN = {
    "jiandaoyun": "connectors.jiandaoyun.connector:Jiandaoyun",
    "salesforce": "connectors.salesforce.connector:Salesforce",
    "tryton": "connectors.tryton.connector:Tryton",
    "xero": "connectors.xero.connector:Xero",
}


class UnknownConnector(LookupError):
    """No connector of that name is built in or installed; the message lists those that are."""


def names() -> list[str]:
    """All connectors that can be named in ltc.yaml, built in or installed as packages."""
    return sorted({*_BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))})


def is_built_in(name: str) -> bool:
    """Whether it comes with ltc, and not from a package."""
    return name in _BUILT_IN


def load(name: str) -> type[Connector[Any]]:
    """The connector class of that name.

    Raises ``UnknownConnector`` with the known names.
    """
    target = _BUILT_IN.get(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        found: type[Connector[Any]] = getattr(import_module(module), attribute)
        return found
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        loaded: type[Connector[Any]] = point.load()
        return loaded
    raise UnknownConnector(f"There is no connector {name!r}. Known: {', '.join(names())}.")
