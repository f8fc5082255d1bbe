"""The stand-in that the kit tests the connector against: made of a manifest that says how Acme's API speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ltc_example_connector import AcmeConfig, AcmeDesk

from conformance.generic.world import GenericWorld
from conformance.needs import Need
from conformance.world import Wish
from connectors.contract import Connector


class World(GenericWorld):
    """Acme, with our connector before it."""

    manifest_file = Path(__file__).with_name("acme.yaml")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # Acme deletes nothing, and the connector takes its clock for ours.
        self.can = self.can - {Need.DELETE, Need.UNDELETE, Need.SKEW}

    def kind(self) -> type[Connector[Any]]:
        """The connector under test."""
        return AcmeDesk

    def config(self, wish: Wish) -> dict[str, Any]:
        """Its settings."""
        return {name: value for name, value in super().config(wish).items() if name in AcmeConfig.model_fields}
