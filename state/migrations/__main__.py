"""Write the next revision: ``python -m state.migrations "add a field"``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from state import migrations


def main(message: str) -> None:
    """Compare a fresh database at the newest revision with the schema and write what is missing as a new revision."""
    number = f"{len(list((migrations.FOLDER / 'versions').glob('[0-9]*.py'))) + 1:04d}"
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'empty.db'}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            if number != "0001":
                command.upgrade(config, "head")
            command.revision(config, message=message, autogenerate=True, rev_id=number)
        engine.dispose()
    init = migrations.FOLDER / "__init__.py"
    init.write_text(init.read_text().replace(f'HEAD = "{migrations.HEAD}"', f'HEAD = "{number}"'))
    for tool in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run(["ruff", *tool, str(migrations.FOLDER / "versions")], check=False)  # noqa: S603, S607


if __name__ == "__main__":
    main(sys.argv[1])
