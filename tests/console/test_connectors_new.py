"""``ltc connectors new``, ``check`` and ``schema``: a beginning that works, and every mistake with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from connectors.declarative.load import load
from console import manifest_schema
from console.cli import cli
from mappings.engine import load as load_mapping
from tests.connectors.declarative.conftest import MANIFEST

ROOT = Path(__file__).parents[2]
GIVEN = (
    *("--base-url", "https://api.acme.example/v2", "--stream", "order:/orders", "--version-field", "changed"),
    *("--time-format", "milliseconds", "--since-param", "since", "--update", "patch:/orders/{id}"),
    *("--writable", "status", "--writable", "note"),
)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, ["connectors", *arguments], input=typed)


def test_with_flags_nothing_is_asked_and_what_is_written_can_be_used(tmp_path: Path) -> None:
    done = run("new", "acme", *GIVEN, "--yes")
    assert done.exit_code == 0, done.output
    manifest = load(tmp_path / "acme.yaml")
    order = manifest.streams["order"]
    assert order.update is not None
    assert (order.update.method, list(order.fields)) == ("PATCH", ["status", "note"])
    assert order.list.query == {"since": "{since}", "page": "{page}", "size": "{size}"}
    assert load_mapping(tmp_path / "acme.mapping.yaml").stream("order").entity == "order"
    assert 'token: "${env:ACME_TOKEN}"' in done.output
    assert "connector: acme.yaml" in done.output


def test_what_is_not_given_is_asked_for(tmp_path: Path) -> None:
    system = ("https://acme.example", "header", "sale=order:/sales lead:/leads", "data", "uid")
    typed = "\n".join((*system, "updated_at", "from", "iso", "cursor", "", ""))
    done = run("new", "acme", typed=typed)
    assert done.exit_code == 0, done.output
    manifest = load(tmp_path / "acme.yaml")
    assert {name: stream.entity for name, stream in manifest.streams.items()} == {"sale": "order", "lead": "lead"}
    assert manifest.paging.by == "cursor"
    assert manifest.auth is not None
    assert manifest.auth.headers == {"X-Api-Key": "{config.token}"}
    assert manifest.streams["lead"].list.query["from"] == "{since}"


def test_a_list_that_is_none_is_refused_before_anything_else_is_asked() -> None:
    done = run("new", "acme", typed="https://acme.example\nbearer\nhttps://acme.example/orders\n")
    assert done.exit_code == 2
    assert "There is no entity 'https'" in done.output


@pytest.mark.parametrize("auth", ["bearer", "basic", "header", "query", "oauth2", "none"])
@pytest.mark.parametrize("paging", ["none", "page", "offset", "cursor", "link", "last_id", "keyset"])
def test_every_choice_makes_a_manifest_that_can_be_used(auth: str, paging: str, tmp_path: Path) -> None:
    done = run("new", "acme", *GIVEN, "--auth", auth, "--paging", paging, "--yes")
    assert done.exit_code == 0, done.output
    assert load(tmp_path / "acme.yaml").paging.by == paging


def test_a_file_that_is_there_is_overwritten_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text("mine")
    refused = run("new", "acme", "--yes")
    assert refused.exit_code == 2
    assert "--force" in refused.output
    assert (tmp_path / "acme.yaml").read_text() == "mine"
    assert run("new", "acme", "--yes", "--force").exit_code == 0
    assert load(tmp_path / "acme.yaml").name == "acme"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--stream", "sales:/sales"), "There is no entity 'sales'"),
        (("--stream", "orders"), "is no stream"),
        (("--update", "delete:/orders/{id}"), "is no update"),
        (("--time-format", "whenever", "--version-field", "changed"), "is iso, seconds"),
    ],
)
def test_an_answer_that_makes_no_manifest_is_refused_before_anything_is_written(
    flags: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = run("new", "acme", *flags, "--yes")
    assert done.exit_code == 2
    assert told in done.output
    assert list(tmp_path.iterdir()) == []


def test_the_test_that_is_written_runs_the_kit(tmp_path: Path) -> None:
    run("new", "acme", *GIVEN, "--yes")
    command = [sys.executable, "-m", "pytest", "test_acme.py", "--collect-only", "-q", "-n0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_conformance[" in done.stdout


def test_every_mistake_of_a_manifest_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(
        "version: 1\nname: acme\nstreams:\n  order:\n    entity: order\n    lsit: /orders\n    list: /orders\n"
        "    key: id\n    writable: [status]\n"
    )
    done = run("check", "acme.yaml", "--json")
    assert done.exit_code == 2
    told = json.loads(done.output)
    assert not told["ok"]
    assert "acme.yaml:6" in told["problems"][0]["where"]
    assert "Did you mean `list`" in told["problems"][0]["what"]
    shown = subprocess.run(
        [str(Path(sys.executable).with_name("ltc")), "connectors", "check", "acme.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 2
    assert "acme.yaml:6: `streams.order.lsit` is not known here." in shown.stderr


def test_a_mapping_that_writes_what_the_manifest_does_not_is_told(tmp_path: Path) -> None:
    run("new", "acme", *GIVEN, "--yes")
    text = (tmp_path / "acme.mapping.yaml").read_text()
    (tmp_path / "acme.mapping.yaml").write_text(text + "    write: {delivery_state: shipping}\n")
    done = run("check", "acme.yaml")
    assert done.exit_code == 2
    assert "shipping, which is not listed under `writable`" in done.output


def test_the_schema_takes_every_manifest_that_can_be_used_and_refuses_a_misspelt_entry() -> None:
    validator = Draft202012Validator(json.loads(run("schema").output))
    shipped = [yaml.safe_load(path.read_text()) for path in (ROOT / "connectors" / "manifests").glob("*.yaml")]
    for manifest in [*shipped, yaml.safe_load(MANIFEST)]:
        assert [error.message for error in validator.iter_errors(manifest)] == []
    wrong = yaml.safe_load(MANIFEST)
    wrong["streams"]["order"]["pagging"] = {"by": "page"}
    assert "pagging" in next(validator.iter_errors(wrong)).message


def test_the_schema_and_the_page_are_those_of_the_model() -> None:
    again = "run `python -m console.manifest_schema`"
    assert manifest_schema.SCHEMA.read_text("utf-8") == manifest_schema.encoded(), again
    assert manifest_schema.PAGE.read_text("utf-8") == manifest_schema.page(), again
    named = {model.__name__ for model in manifest_schema.PARTS}
    assert set(manifest_schema.schema()["$defs"]) <= named, "add the part to console.manifest_schema.PARTS"


def test_the_list_tells_roles_streams_writes_and_grade() -> None:
    listed = {item["name"]: item for item in json.loads(run("list", "--json").output)}
    assert listed["salesforce"]["roles"] == ["marketing", "crm"]
    assert listed["salesforce"]["writes"]["opportunity"]
    assert listed["xero"]["streams"]
    assert {"grade", "built_in", "description"} <= listed["xero"].keys()
