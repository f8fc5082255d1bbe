"""Where the demo keeps things, all below one folder (``.demo``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """The demo's folder; paths of what is in it."""

    root: Path

    @property
    def settings(self) -> Path:
        """The demo's ltc.yaml."""
        return self.root / "ltc.yaml"

    @property
    def secrets(self) -> Path:
        """One file per secret, named in ltc.yaml."""
        return self.root / "secrets"

    @property
    def mappings(self) -> Path:
        """The demo's own mapping."""
        return self.root / "mappings"

    @property
    def systems(self) -> Path:
        """The data of the systems."""
        return self.root / "systems"

    @property
    def statements(self) -> Path:
        """The folder with the bank's statements."""
        return self.systems / "bank"

    @property
    def endpoints(self) -> Path:
        """Addresses of the running systems; there while they run."""
        return self.systems / "endpoints.json"

    @property
    def ports(self) -> Path:
        """Ports the systems had last, so that ltc.yaml stays right."""
        return self.systems / "ports.json"

    @property
    def log(self) -> Path:
        """What the systems' process printed."""
        return self.systems / "systems.log"

    @property
    def reports(self) -> Path:
        """The reports of the last run."""
        return self.root / "reports"
