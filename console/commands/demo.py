"""``ltc demo``: the whole job over the demo systems on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

import click

_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Where the demo keeps its settings, secrets and data.",
)


@contextmanager
def _told() -> Iterator[None]:
    """Tell in a sentence that the demo's systems did not start; the text is the end of their own log."""
    try:
        yield
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error


@click.group("demo")
def command() -> None:
    """A year of a company's business in five demo systems and at a bank, on this machine, with planted faults.

    \b
    Examples:
      ltc demo run       start them, run the whole job, write the report, stop them
      ltc demo up        bring them back up and leave them running
      ltc demo work      let people change something in them, for write-backs and a decision
      ltc demo down      stop them
    """


@command.command("run")
@_folder
@click.option("--engine", type=click.Choice(["prefect", "local"]), default="prefect", show_default=True)
@click.pass_context
def run(ctx: click.Context, folder: Path, engine: str) -> int:
    """Do the whole demo from nothing; what an earlier demo left in the folder is removed.

    \b
    Examples:
      ltc demo run
      ltc --lang zh-CN demo run --engine local
    """
    from sandbox import demo

    with _told():
        return demo.run(folder, cast("Literal['prefect', 'local']", engine), ctx.find_root().params.get("lang"))


@command.command("up")
@_folder
def up(folder: Path) -> int:
    """Bring the demo systems up with the data they had, and leave them running.

    \b
    Examples:
      ltc demo up
      ltc --config .demo/ltc.yaml check
    """
    from sandbox import demo

    with _told():
        demo.up(folder)
    return 0


@command.command("work")
@_folder
def work(folder: Path) -> int:
    """Let people of the demo company change a few records in its systems, through the vendors' own APIs: then there is
    something to write back, and something that a person has to decide.

    \b
    Examples:
      ltc demo work
      ltc --config .demo/ltc.yaml sync
    """
    from sandbox import demo

    with _told():
        demo.work(folder)
    return 0


@command.command("down")
@_folder
def down(folder: Path) -> int:
    """Stop the demo systems; their data stays.

    \b
    Examples:
      ltc demo down
    """
    from sandbox import demo

    demo.down(folder)
    return 0
