"""What the page on ltc.yaml says about connectors: all that are shipped are named, and its examples can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors import registry
from mappings.engine import shipped
from settings import load
from sync.systems import open_connector
from tests.docs.pages import blocks

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")
PACKAGE = ROOT / "docs" / "examples" / "ltc-example-connector"
SECTION = PAGE.partition("### Which connector\n")[2].partition("\n## ")[0]
ROWS = [line.strip("|").split("|") for line in SECTION.splitlines() if line.startswith("| ")]
HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
SHIPPED = [name for name in registry.names() if registry.is_built_in(name)]


@pytest.mark.parametrize("name", SHIPPED)
def test_each_connector_that_is_shipped_is_named_with_whether_a_mapping_comes_with_it(name: str) -> None:
    told = [mapping.strip() for _, connectors, mapping in ROWS if f"`{name}`" in connectors]
    assert told == ["shipped" if name in shipped() else "yours"]


def _installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example package, found by its entry point."""
    told = folder / "ltc_example_connector-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: ltc-example-connector\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[ltc.connectors]\nacme-desk = ltc_example_connector:AcmeDesk\n")
    for path in (folder, PACKAGE):
        monkeypatch.syspath_prepend(str(path))


def test_the_example_of_each_kind_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = (block.text for block in blocks(SECTION) if block.language == "yaml")
    _installed(tmp_path, monkeypatch)
    for name in re.findall(r"\$\{env:(\w+)\}", example):
        monkeypatch.setenv(name, "word")
    (tmp_path / "key").write_text("word")
    example = example.replace("/run/secrets/bank_key", str(tmp_path / "key"))
    example = example.replace("AAAAC3NzaC1lZDI1NTE5AAAAI…", HOST_KEY)
    (tmp_path / "ltc.yaml").write_text(example)
    (tmp_path / "acme.yaml").write_text((PACKAGE / "tests" / "acme.yaml").read_text("utf-8"))

    settings = load(tmp_path / "ltc.yaml")
    offered = {}
    for system in settings.systems:
        with open_connector(settings, system) as connector:
            offered[system] = {spec.name for spec in connector.streams()}
    assert all(offered.values())
    assert offered["orders"] == offered["desk"] == {"order"}
