"""Find a connector class by what ltc.yaml says: a name, or a manifest's path; nothing is imported before that."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from connectors.contract import Connector

ENTRY_POINT_GROUP = "ltc.connectors"

_BUILT_IN = {
    "bank": "connectors.bank.connector:Bank",
    "files": "connectors.files.connector:Files",
    "google-ads-leads": "connectors.google_ads_leads.connector:GoogleAdsLeads",
    "jiandaoyun": "connectors.jiandaoyun.connector:Jiandaoyun",
    "salesforce": "connectors.salesforce.connector:Salesforce",
    "singer": "connectors.singer.connector:Singer",
    "stripe": "connectors.stripe.connector:Stripe",
    "tryton": "connectors.tryton.connector:Tryton",
    "xero": "connectors.xero.connector:Xero",
}


_MANIFESTS = Path(__file__).parent / "manifests"
_SUFFIXES = (".yaml", ".yml")


class UnknownConnector(LookupError):
    """No connector of that name is built in or installed; the message lists those that are."""


def names() -> list[str]:
    """All connectors that can be named in ltc.yaml, built in or installed as packages."""
    return sorted({*_BUILT_IN, *_shipped(), *_installed(tuple(sys.path))})


def is_built_in(name: str) -> bool:
    """Whether it comes with ltc, and not from a package."""
    return name in _BUILT_IN or name in _shipped()


def is_manifest(name: str) -> bool:
    """Whether ltc.yaml names a manifest of the admin's own by its file."""
    return name.endswith(_SUFFIXES)


def manifest_of(name: str, folder: Path | None = None) -> Path | None:
    """The manifest file that a connector is, built in or the admin's own; ``None`` for one that is a Python class."""
    if is_manifest(name):
        return (folder or Path()) / name
    return _shipped().get(name) if name not in _BUILT_IN else None


def load(name: str, folder: Path | None = None) -> type[Connector[Any]]:
    """The connector class of that name, or of the manifest at that path, which is looked for in ``folder``.

    Raises ``UnknownConnector`` with the known names, and ``ManifestError`` for a manifest that cannot be used.
    """
    manifest = manifest_of(name, folder)
    if manifest is not None:
        from connectors.declarative.connector import connector_of

        return connector_of(manifest)
    target = _BUILT_IN.get(name)
    if target is not None:
        module, _, attribute = target.partition(":")
        found: type[Connector[Any]] = getattr(import_module(module), attribute)
        return found
    point = _installed(tuple(sys.path)).get(name)
    if point is not None:
        loaded: type[Connector[Any]] = point.load()
        return loaded
    raise UnknownConnector(f"There is no connector {name!r}. Known: {', '.join(names())}.")


@cache
def _installed(_path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Connectors of packages; looked for once where modules are, as this reads what every package says of itself."""
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


@cache
def _shipped() -> dict[str, Path]:
    """Connectors that are manifests of ours: name → file."""
    return {path.stem: path for path in _MANIFESTS.glob("*.yaml")}
