"""A company with one system in its ltc.yaml and a store of its own, for whole runs of a connector with its mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import text

from settings.load import load
from settings.model import Settings
from state.store import Store, open_store
from sync.job import run_pull, run_sweep
from sync.outcome import StreamOutcome


class Firm:
    """One system called ``it``."""

    def __init__(self, folder: Path, connector: str, config: dict[str, Any], roles: list[str]) -> None:
        system = {"connector": connector, "roles": roles, "config": config}
        self.path = folder / "ltc.yaml"
        told = {"version": 1, "store": f"sqlite:///{folder}/ltc.db", "systems": {"it": system}}
        self.path.write_text(yaml.safe_dump(told))

    @property
    def settings(self) -> Settings:
        """As they are read for each run."""
        return load(self.path)

    @property
    def store(self) -> Store:
        """The store."""
        return open_store(self.settings.store)

    def pull(self) -> dict[str, StreamOutcome]:
        """``ltc pull``: what happened, by stream."""
        return {outcome.stream: outcome for outcome in run_pull(self.store, self.settings).outcomes}

    def sweep(self) -> dict[str, StreamOutcome]:
        """``ltc sweep``."""
        return {outcome.stream: outcome for outcome in run_sweep(self.store, self.settings).outcomes}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the store holds."""
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
