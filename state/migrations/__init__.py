"""The schema's history: numbered Alembic revisions in ``versions`` that lead to exactly ``state.schema``.

``python -m state.migrations "what changes"`` writes the next one from the difference.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Connection

HEAD = "0001"
"""The newest revision; known without importing Alembic. Revisions are four digits and ascend."""

FOLDER = Path(__file__).parent


def upgrade(connection: Connection) -> None:
    """Bring the database to ``HEAD`` inside the connection's transaction."""
    import logging

    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
