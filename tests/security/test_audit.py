"""The scan of our packages fails for what it finds, and says so loudly where it found out nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FLAW = {"id": "PYSEC-0-1", "aliases": ["CVE-0-1"], "fix_versions": ["2.1"]}


def audit(folder: Path, told: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the scan with a pip-audit that answers so for each service; one that is not named is out of reach."""
    tool = folder / "pip-audit"
    tool.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "service, out = (sys.argv[sys.argv.index(name) + 1] for name in ('--vulnerability-service', '--output'))\n"
        f"told = json.loads({json.dumps(json.dumps(told))})\n"
        "if service not in told: sys.exit('requests.exceptions.ConnectionError: no route')\n"
        "pathlib.Path(out).write_text(json.dumps({'dependencies': told[service]}))\n"
    )
    tool.chmod(0o755)
    command = [sys.executable, str(ROOT / ".ci" / "audit")]
    return subprocess.run(command, env={**os.environ, "PIP_AUDIT": str(tool)}, capture_output=True, text=True)


def package(name: str, *flaws: Any) -> dict[str, Any]:
    return {"name": name, "version": "2.0", "vulns": list(flaws)}


UNKNOWN = {"name": "b", "skip_reason": "not found"}


def test_a_vulnerable_package_fails_and_is_named_with_the_way_out(tmp_path: Path) -> None:
    run = audit(tmp_path, {"osv": [package("a", FLAW), package("b")]})
    assert run.returncode == 1
    assert "VULNERABLE: a 2.0: PYSEC-0-1, fixed in 2.1" in run.stdout


def test_nothing_found_passes(tmp_path: Path) -> None:
    run = audit(tmp_path, {"osv": [package("a"), package("b")]})
    assert run.returncode == 0
    assert "2 packages looked up with osv, 0 vulnerabilities" in run.stdout
    assert "SKIPPED" not in run.stdout


@pytest.mark.parametrize("told", [{}, {"pypi": [UNKNOWN, UNKNOWN]}, {"osv": [], "pypi": []}])
def test_without_advisories_it_passes_and_shouts(told: dict[str, Any], tmp_path: Path) -> None:
    run = audit(tmp_path, told)
    assert run.returncode == 0
    assert "!!! AUDIT SKIPPED" in run.stdout


def test_the_other_service_is_asked_if_one_is_out_of_reach(tmp_path: Path) -> None:
    run = audit(tmp_path, {"pypi": [package("a", FLAW), UNKNOWN]})
    assert run.returncode == 1
    assert "NOT LOOKED UP (pypi does not know them): b" in run.stdout


def test_it_is_part_of_what_ci_runs() -> None:
    assert "make audit" in (ROOT / ".ci" / "run").read_text()
