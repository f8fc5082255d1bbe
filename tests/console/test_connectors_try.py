"""``ltc connectors try`` and ``ltc mappings suggest``: records read now, shown without what is personal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from console.cli import cli
from mappings.engine import load
from sandbox.acme import TOKEN, Acme, start
from tests.docs.pages import blocks

TUTORIAL = Path(__file__).parents[2] / "docs" / "connectors" / "tutorial.md"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """Acme's manifest of the tutorial, with a mapping that knows an address as personal."""
    files = {block.title: block.text for block in blocks(TUTORIAL.read_text("utf-8")) if block.title}
    with start(Acme(3)) as server:
        manifest = files["acme.yaml"].replace("http://127.0.0.1:8765", server.base_url)
        (tmp_path / "acme.yaml").write_text(manifest)
        mapping = yaml.safe_load(files["acme.mapping.yaml"])
        order = mapping["streams"]["order"]
        order["fields"]["customer_po_number"] = "contact_email"
        order["personal"] = ["customer_po_number"]
        (tmp_path / "acme.mapping.yaml").write_text(yaml.safe_dump(mapping))
        system = {"connector": "acme.yaml", "roles": ["erp"], "config": {"token": "${env:ACME_TOKEN}"}}
        (tmp_path / "ltc.yaml").write_text(yaml.safe_dump({"version": 1, "systems": {"acme": system}}))
        yield tmp_path


def run(site: Path, *arguments: str) -> Result:
    environment = {"ACME_TOKEN": TOKEN, "LTC_CONFIG": None}
    return CliRunner().invoke(cli, ["--config", str(site / "ltc.yaml"), *arguments], env=environment)


def test_raw_and_mapped_stand_side_by_side_without_what_is_personal(site: Path) -> None:
    done = run(site, "connectors", "try", "acme", "order", "--limit", "2", "--json")
    assert done.exit_code == 0, done.output
    tried = json.loads(done.stdout)
    assert [record["source_id"] for record in tried["records"]] == ["1001", "1002"]
    fields = {item["name"]: item for item in tried["records"][0]["fields"]}
    assert (fields["number"]["value"], fields["number"]["path"]) == ("A-1001", "order_no")
    assert fields["customer_po_number"]["value"] == "•••"
    assert "remark" not in tried["records"][0]["unmapped"]
    assert "buyer1001" not in done.output
    assert "buyer1001" in run(site, "connectors", "try", "acme", "order", "--show-personal").output


def test_a_record_that_would_be_quarantined_is_told(site: Path) -> None:
    mapping = (site / "acme.mapping.yaml").read_text().replace("CLOSED: completed", "ENDED: completed")
    (site / "acme.mapping.yaml").write_text(mapping)
    done = run(site, "connectors", "try", "acme", "order", "--limit", "3")
    assert done.exit_code == 1
    assert "This record would be quarantined: status" in done.output
    assert "CLOSED" in done.output


def test_without_a_mapping_the_shape_of_the_records_is_shown_and_no_value(site: Path) -> None:
    (site / "acme.mapping.yaml").unlink()
    done = run(site, "connectors", "try", "acme", "order", "--limit", "1")
    assert done.exit_code == 1
    assert re.search(r"contact_email +str", done.output)
    assert "buyer1001" not in done.output
    assert "ltc mappings suggest acme order --write FILE" in done.output


def test_a_proposal_is_a_mapping_that_takes_the_records(site: Path) -> None:
    (site / "acme.mapping.yaml").unlink()
    done = run(site, "mappings", "suggest", "acme", "order", "--write", str(site / "acme.mapping.yaml"), "--json")
    assert done.exit_code == 0, done.output
    assert {item["field"] for item in json.loads(done.stdout)[0]["fields"]} >= {"number", "gross_amount", "currency"}
    assert load(site / "acme.mapping.yaml").stream("order").definition.status is None
    assert run(site, "connectors", "try", "acme", "order").exit_code == 0


def test_a_stream_that_is_not_offered_is_told_with_those_that_are(site: Path) -> None:
    for command in (("connectors", "try"), ("mappings", "suggest")):
        done = run(site, *command, "acme", "orders")
        assert done.exit_code == 2
        assert "It offers: order." in done.output
