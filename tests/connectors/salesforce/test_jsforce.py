"""jsforce from npm, as it comes, works against the stand-in: another client's view of the same API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.salesforce import SalesforceServer
from sandbox.salesforce.org import ORGANIZATION_ID, Org
from tests.connectors.salesforce.conftest import add_account, add_opportunity, add_quote

_VERSION = "3.10.16"
_PROBE = Path(__file__).with_name("jsforce_probe.mjs")

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def modules() -> Path:
    """A folder with jsforce installed in it, kept between runs."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "ltc-sync-tests" / f"jsforce-{_VERSION}"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--loglevel=error"]
        command = [npm, "install", "--prefix", str(folder), *options, f"jsforce@{_VERSION}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("the npm registry did not answer in time")
        if done.returncode != 0:
            pytest.skip("jsforce cannot be installed from the npm registry")
        (folder / "installed").touch()
    return folder


def test_jsforce_logs_in_reads_pages_and_writes(modules: Path, server: SalesforceServer, org: Org) -> None:
    add_quote(org, lines=3)
    opportunity = add_opportunity(org, "D1")
    for number in range(450):
        add_account(org, f"A{number}")
    seen = _probe(modules, server, opportunity)
    assert seen["organization"] == ORGANIZATION_ID
    assert seen["quote"] == {"number": "Q1", "opportunity": "Deal of Q1", "lines": ["PT-100"] * 3}
    assert (seen["accounts"], seen["total"], seen["stages"]) == (450, 450, 10)
    assert seen["updated"]["success"] is True
    assert seen["many"][0]["success"] is True
    assert (seen["created"]["created"], seen["again"]["created"]) == (True, False)
    assert (seen["refused"], seen["usage"]) == ("INVALID_FIELD", server.daily_limit)
    record = org.tables["Opportunity"][opportunity]
    assert (record["LTC_Delivery_Status__c"], record["LTC_Payment_Status__c"]) == ("delivered", "paid")
    assert [lead["Company"] for lead in org.records("Lead")] == ["Norvane"]


def _probe(modules: Path, server: SalesforceServer, opportunity: str) -> dict[str, Any]:
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_EXTRA_CA_CERTS": str(server.ca_file),
        "LOGIN_URL": server.base_url,
        "CLIENT_ID": server.client_id,
        "CLIENT_SECRET": server.client_secret,
        "OPPORTUNITY": opportunity,
    }
    command = [shutil.which("node") or "node", str(_PROBE)]
    done = subprocess.run(
        command, cwd=modules, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
