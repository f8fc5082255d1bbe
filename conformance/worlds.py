"""Find the world of a connector: a built-in one, one of an installed package, or a manifest's generic one."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from conformance.world import World
from connectors import registry

ENTRY_POINT_GROUP = "ltc.worlds"
"""Connector's name → class, offered by packages beside ``ltc.connectors``."""
_BUILT_IN = {
    "bank": "sandbox.bank.conformance:BankWorld",
    "files": "sandbox.files.conformance:FilesWorld",
    "google-ads-leads": "sandbox.google_ads_leads.conformance:GoogleAdsLeadsWorld",
    "jiandaoyun": "sandbox.jiandaoyun.conformance:JiandaoyunWorld",
    "odoo": "sandbox.odoo.conformance:OdooWorld",
    "salesforce": "sandbox.salesforce.conformance:SalesforceWorld",
    "singer": "sandbox.singer.conformance:SingerWorld",
    "stripe": "sandbox.stripe.conformance:StripeWorld",
    "tryton": "sandbox.tryton.conformance:TrytonWorld",
    "typeform": "sandbox.typeform.conformance:TypeformWorld",
    "xero": "sandbox.xero.conformance:XeroWorld",
}


class NoWorld(LookupError):
    """There is no stand-in to test a connector against; the text says how to give one."""


def world_of(name: str, folder: Path | None = None, *, place: str | None = None) -> type[World]:
    """The world of the connector called ``name`` (or of the manifest at that path, looked for in ``folder``).

    ``place`` is ``package.module:Class`` and comes before everything else. Raises ``NoWorld``, ``UnknownConnector``
    and ``ManifestError``.
    """
    if place is not None:
        return _imported(place)
    if name in _BUILT_IN:
        return _imported(_BUILT_IN[name])
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        loaded: type[World] = point.load()
        return loaded
    manifest = registry.manifest_of(name, folder)
    if manifest is not None:
        from conformance.generic.documents import Impossible
        from conformance.generic.world import world_of as of_manifest

        try:
            return of_manifest(manifest)
        except Impossible as error:
            raise NoWorld(f"{error} Name one with --world package.module:Class.") from error
    if name not in registry.names():
        registry.load(name)  # says which names there are
    raise NoWorld(
        f"{name} has no stand-in to be tested against. Name one with --world package.module:Class, or offer one in the "
        f"entry-point group {ENTRY_POINT_GROUP}."
    )


def has_world(name: str) -> bool:
    """Whether a connector can be tested without further words."""
    try:
        world_of(name)
    except (LookupError, ImportError):
        return False
    return True


def _imported(place: str) -> type[World]:
    module, _, attribute = place.partition(":")
    try:
        found: type[World] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoWorld(f"There is no world at {place!r}: {error}.") from error
    return found
