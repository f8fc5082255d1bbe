"""Carry out a page of the documentation: write its files, run its commands, compare what they print.

A fenced block of ``bash`` is run, one after the other in one folder, with the variables that earlier ones exported. A
block with ``title=NAME`` is written to that file. ``text output`` after a command is what it must print, line by line;
``…`` is anything: within a line, or as a line of its own any lines.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\S+)[ \t]*(.*)\n((?s:.*?))^```$", re.MULTILINE)
_LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Block:
    """One fenced block and where it stands."""

    line: int
    language: str
    info: str
    text: str

    @property
    def title(self) -> str | None:
        """The file that it is."""
        found = re.match(r"title=(\S+)", self.info)
        return found[1] if found else None


def blocks(page: str) -> list[Block]:
    """All blocks of a page, in their order."""
    return [
        Block(page.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])
        for found in _FENCE.finditer(page)
    ]


def matches(stated: str, printed: str) -> bool:
    """Whether a text prints as it is stated."""
    lines = []
    for line in stated.rstrip("\n").split("\n"):
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
        else:
            words = r"[^\n]*?".join(re.escape(re.sub(r"\s+", " ", part)) for part in line.split("…"))
            lines.append(words.replace(r"\ ", r"[ \t]*[ \t]") + r"[ \t]*\n")
    return re.fullmatch("".join(lines), printed.rstrip("\n") + "\n") is not None


class Shell:
    """Runs blocks in one folder; variables and the working directory are kept from one to the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._state = folder / ".shell"
        self._environment = {**os.environ, **environment}
        self._state.write_text(f"cd {shlex.quote(str(folder))}\n")

    @property
    def here(self) -> Path:
        """The folder that the commands are in now."""
        last = self._state.read_text().rstrip("\n").rpartition("\n")[2]
        return Path(shlex.split(last)[1])

    def run(self, script: str) -> tuple[int, str]:
        """Exit code, and standard output. What it starts in the background goes on."""
        state = shlex.quote(str(self._state))
        keep = f'{{ export -p; echo cd $(printf %q "$PWD"); }} > {state}.new && mv {state}.new {state}'
        whole = f". {state}\nset -eu\n{script}\n{keep}\n"
        output, errors = self._folder / ".stdout", self._folder / ".stderr"
        with output.open("w") as out, errors.open("w") as err:
            done = subprocess.run(
                ["/bin/bash", "-c", whole],
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                env=self._environment,
                timeout=_LONGEST_SECONDS,
                check=False,
            )
        self.told = errors.read_text("utf-8")
        return done.returncode, output.read_text("utf-8")


def carry_out(page: str, shell: Shell) -> None:
    """Do everything that a page says; raises ``AssertionError`` with the line that is not so."""
    printed, at = "", 0
    for block in blocks(page):
        if block.title is not None:
            path = shell.here / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            code, printed = shell.run(block.text)
            at = block.line
            assert code == 0, f"line {at}: exit code {code}\n{printed}\n{shell.told}"
        elif block.info == "output":
            wanted = f"line {block.line}: what line {at} prints is not\n{block.text}\nbut\n{printed}"
            assert matches(block.text, printed), wanted
