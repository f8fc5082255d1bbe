"""The example of docs/api.md, run as it stands there: with curl, and with Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from console.api_reference import PAGE
from state.members import Role
from tests.web.api.conftest import Program
from tests.web.api.test_answers import finding

pytestmark = pytest.mark.slow

LETTER = b"%PDF-1.7 confirmed"


def example(language: str) -> str:
    """The example in a language, without the lines that say where and with which token."""
    section = PAGE.read_text(encoding="utf-8").partition("## An example")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return "".join(line for line in found.group(1).splitlines(keepends=True) if not line.startswith("export "))


@pytest.mark.parametrize("language", ["sh", "python"])
def test_the_example_does_what_it_says(
    program: Program, member: Callable[..., str], tmp_path: Path, language: str
) -> None:
    if language == "sh" and not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("curl and jq are not here")
    api = program(Role.FINANCE)
    member("li.na", Role.FINANCE)
    id = finding(api, department="finance", least="1000", order="amount")
    (tmp_path / "letter.pdf").write_bytes(LETTER)
    script = tmp_path / "example"
    script.write_text(example(language), encoding="utf-8")
    given = {"LTC_URL": str(api.client.base_url), "LTC_TOKEN": api.client.headers["authorization"].split()[1]}
    command = ["bash", "-eu", "-o", "pipefail"] if language == "sh" else [sys.executable]
    done = subprocess.run(
        [*command, script], cwd=tmp_path, env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "li.na has it until 2026-12-15, with letter.pdf\n"
    found = api.get(f"/findings/{id}").json()
    assert [comment["text"] for comment in found["comments"]] == ["The customer confirms the amount by letter."]
    assert (found["assignee"], found["due_on"], found["attachments"][0]["size"]) == ("li.na", "2026-12-15", len(LETTER))
    assert (tmp_path / "report.xlsx").read_bytes().startswith(b"PK")
