"""The example package is built, installed and used as anybody would: listed, pulled and tested by the kit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copytree

import pytest
import yaml

from sandbox.acme import TOKEN, Acme, start

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "ltc-example-connector"
LTC = str(Path(sys.executable).with_name("ltc"))
_BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


def _install(package: Path, folder: Path) -> Path:
    """Build the package's wheel with the backend that it names, and unpack it: for pure Python that is installing."""
    copy, site = folder / "source", folder / "site"
    copytree(package, copy)
    wheels = folder / "wheels"
    wheels.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, str(wheels)], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return site


def _run(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{site}:{ROOT}", "ACME_TOKEN": TOKEN}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _install(EXAMPLE, tmp_path_factory.mktemp("example"))


def test_an_installed_connector_is_listed_beside_the_built_in_ones(site: Path, tmp_path: Path) -> None:
    done = _run(site, tmp_path, LTC, "connectors", "list", "--json")
    listed = {item["name"]: item for item in json.loads(done.stdout)}
    ours = listed["acme-desk"]
    assert (ours["built_in"], ours["problem"], ours["roles"]) == (False, None, ["erp"])
    assert ours["writes"] == {"order": ["pay_state", "remark"]}
    assert listed["xero"]["built_in"]


def test_it_is_pulled_by_the_mapping_that_its_package_brings(site: Path, tmp_path: Path) -> None:
    with start(Acme(120)) as server:
        config = {"base_url": f"{server.base_url}/api", "token": "${env:ACME_TOKEN}"}
        system = {"connector": "acme-desk", "roles": ["erp"], "config": config}
        (tmp_path / "ltc.yaml").write_text(yaml.safe_dump({"version": 1, "systems": {"desk": system}}))
        tried = _run(site, tmp_path, LTC, "connectors", "try", "desk", "order", "--limit", "1", "--json")
        first = json.loads(tried.stdout)["records"][0]
        done = _run(site, tmp_path, LTC, "pull", "--json")
        again = _run(site, tmp_path, LTC, "pull", "--json")
    assert {item["name"]: item["value"] for item in first["fields"]}["payment_state"] == "unpaid"
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"inserted": 120' in done.stdout or '"new": 120' in done.stdout
    assert again.returncode == 0


def test_the_kit_gives_it_an_a(site: Path, tmp_path: Path) -> None:
    command = [LTC, "connectors", "test", "acme-desk", "--world", "world:World", "--json"]
    done = _run(Path(f"{site}:{EXAMPLE / 'tests'}"), tmp_path, *command)
    made = json.loads(done.stdout)[0]
    assert [check["name"] for check in made["checks"] if check["status"] in ("failed", "broken")] == []
    assert (made["grade"], made["applicable"] > 60) == ("A", True)


def test_a_package_that_is_scaffolded_can_be_installed_and_tested(tmp_path: Path) -> None:
    written = _run(Path(), tmp_path, LTC, "connectors", "new", "shop", "--python", "--yes")
    assert written.returncode == 0, written.stderr
    package = tmp_path / "ltc-shop-connector"
    (tmp_path / "built").mkdir()
    installed = _install(package, tmp_path / "built")
    listed = _run(installed, tmp_path, LTC, "connectors", "describe", "shop", "--json")
    assert [stream["name"] for stream in json.loads(listed.stdout)["streams"]] == ["order"]
    places = Path(f"{installed}:{package / 'tests'}")
    tested = _run(places, tmp_path, LTC, "connectors", "test", "shop", "--world", "world:World", "--json")
    made = json.loads(tested.stdout)[0]
    assert [check["name"] for check in made["checks"] if check["status"] == "broken"] == []
    assert made["passed"] > 20
