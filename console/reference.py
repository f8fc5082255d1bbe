"""Write ``docs/commands.md``, the reference of every command, from the commands' own help.

python -m console.reference
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from console.cli import cli

PATH = Path(__file__).parents[1] / "docs" / "commands.md"
_HEAD = """# Commands

Every command of `ltc`, as `--help` tells it. This page is written by `make docs`.
"""


def reference() -> str:
    """The page as Markdown."""
    context = click.Context(cli, info_name="ltc")
    return "\n".join([_HEAD, *_section(cli, context, 2)])


def write() -> None:
    """Bring the page up to date."""
    PATH.write_text(reference(), encoding="utf-8")


def _section(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path}\n"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"`{usage}`\n"
    yield from _text(inspect.cleandoc(command.help or ""))
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    records = [record for option in options if (record := option.get_help_record(context)) is not None]
    if records:
        yield "| option | meaning |\n| --- | --- |"
        yield from (f"| `{_cell(names)}` | {_cell(meaning)} |" for names, meaning in records)
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _section(found, click.Context(found, info_name=name, parent=context), min(level + 1, 4))


def _text(text: str) -> Iterator[str]:
    r"""Paragraphs; what click prints as it is (``\b``) as code."""
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        if not lines or lines[0] != "\b":
            yield f"{' '.join(lines)}\n"
        elif lines[1].startswith("Example"):
            yield f"{lines[1]}\n"
            yield "\n".join(["```sh", *(line.removeprefix("  ") for line in lines[2:]), "```\n"])
        else:
            yield f"{' '.join(lines[1:])}\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    write()
