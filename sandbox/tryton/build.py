"""Make the prepared databases from nothing, through Tryton's own programs and API: ``python -m sandbox.tryton.build``.

Writes ``empty.dump.zst`` (configured, no records) and ``demo.dump.zst`` (the demo company's year) beside this file.
Takes a few minutes. Records are stamped with the time of the build; all else depends on the world's seed alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from sandbox.postgres import Postgres
from sandbox.tryton import load, server, setup
from sandbox.world.build import build_world


def build(directory: Path, target: Path) -> None:
    """Build both dumps in the scratch folder ``directory`` and put them into ``target``."""
    started = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:6.1f} s  {text}\n")

    with Postgres.start(directory / "postgres") as postgres:
        say("installing Tryton's modules (about a minute)")
        setup.initialise(postgres, directory, server.DATABASE)
        tryton = server.Tryton(directory, postgres, server.DATABASE, 0)
        tryton.serve()
        try:
            with tryton.client() as client:
                setup.configure(client)
            say("company, accounts and sequences are set up")
            _dump(postgres, target / server.EMPTY_DUMP.name, say)
            with tryton.client() as client:
                load.load(client, build_world(), say)
            _dump(postgres, target / server.DEMO_DUMP.name, say)
        finally:
            tryton.stop()


def _dump(postgres: Postgres, path: Path, say: load.Say) -> None:
    # Nobody's session belongs into a prepared database.
    postgres.execute(server.DATABASE, "DELETE FROM ir_session")
    postgres.dump(server.DATABASE, path)
    say(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Build into this folder."""
    with tempfile.TemporaryDirectory(prefix="ltc-tryton-") as directory:
        build(Path(directory), server.HERE)


if __name__ == "__main__":
    main()
