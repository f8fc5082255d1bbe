"""The tutorial does what it says, from top to bottom."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from flows import environment
from tests.docs.pages import Shell, blocks, carry_out, matches

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "connectors" / "tutorial.md"
CHINESE = TUTORIAL.with_name("tutorial.zh-CN.md")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell that finds ``ltc`` and ``python``; what is left running at the end is stopped."""
    home = tmp_path / "home"
    home.mkdir()
    found = Shell(
        tmp_path,
        {
            **environment.QUIET,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PREFECT_HOME": str(home),
            "NO_PROXY": "127.0.0.1",
            "LANG": "C.UTF-8",
        },
    )
    yield found
    code, text = found.run('echo "${ACME:-} ${PREFECT:-}"')
    for number in text.split() if code == 0 else ():
        with suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGTERM)


@pytest.mark.slow
def test_the_tutorial_can_be_followed_from_top_to_bottom(shell: Shell) -> None:
    page = TUTORIAL.read_text("utf-8")
    for port in ("8765", "4200"):
        page = page.replace(port, str(_free_port()))
    carry_out(page, shell)


def test_the_chinese_tutorial_has_the_same_files_commands_and_output_and_as_many_steps() -> None:
    english, chinese = (path.read_text("utf-8") for path in (TUTORIAL, CHINESE))
    told, same = ([(it.language, it.info, it.text) for it in blocks(page)] for page in (english, chinese))
    assert told == same
    assert [re.findall(r"^## (\d+)\.", page, re.MULTILINE) for page in (english, chinese)] == [
        [str(number) for number in range(1, 12)]
    ] * 2


def test_every_command_of_the_tutorial_is_carried_out() -> None:
    found = blocks(TUTORIAL.read_text("utf-8"))
    assert sum(block.language == "bash" for block in found) >= 10
    odd = [block.line for block in found if block.language != "bash" and not block.title and block.info != "output"]
    assert odd == []


@pytest.mark.parametrize(
    ("stated", "printed", "same"),
    [
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n…\nfour\n", "one\nfour\n", True),
        ("done in … s\n", "done in 3.2 s\n", True),
        ("one\n", "one\ntwo\n", False),
        ("a  b\n", "a      b\n", True),
        ("exactly (this)\n", "exactly that\n", False),
    ],
)
def test_what_is_stated_is_compared_line_by_line(stated: str, printed: str, same: bool) -> None:
    assert matches(stated, printed) is same
