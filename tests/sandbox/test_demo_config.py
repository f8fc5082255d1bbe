"""The demo's ltc.yaml when its systems come up again at other addresses: what people have changed stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.demo import config
from sandbox.demo.place import Place

OLD, NEW = 40_001, 40_002
ADDED = """\
  mine:
    connector: files  # ours
    roles: [erp]
"""


def _endpoints(port: int) -> dict[str, dict[str, Any]]:
    """Each system at a port of its own; the next one gets the port that the one before had."""
    names = ("forms", "crm", "erp", "books", "shop")
    secrets = {"api_key": "k", "client_secret": "s", "password": "p"}
    found: dict[str, dict[str, Any]] = {
        name: {"base_url": f"http://127.0.0.1:{port + place}/api", **secrets} for place, name in enumerate(names)
    }
    return {**found, "bank": {"folder": "bank"}}


def test_only_the_addresses_are_exchanged(tmp_path: Path) -> None:
    place = Place(tmp_path)
    config.renew(place, _endpoints(OLD))
    edited = place.settings.read_text().replace("systems:\n", f"systems:\n{ADDED}", 1)
    place.settings.write_text(edited)
    config.renew(place, _endpoints(NEW))
    now = place.settings.read_text()
    assert ADDED in now
    read, was = yaml.safe_load(now), yaml.safe_load(edited)
    for place_of, name in enumerate(("forms", "crm", "erp", "books", "shop")):
        assert read["systems"][name]["config"]["base_url"] == f"http://127.0.0.1:{NEW + place_of}/api"
        was["systems"][name]["config"]["base_url"] = read["systems"][name]["config"]["base_url"]
    assert read == was


def test_settings_that_cannot_be_read_are_left_as_they_are(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.settings.write_text("systems: [")
    with pytest.raises(RuntimeError, match="cannot be read"):
        config.renew(place, _endpoints(NEW))
    assert place.settings.read_text() == "systems: ["
