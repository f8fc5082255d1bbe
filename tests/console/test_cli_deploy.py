"""``ltc deploy``: the store keeps which schedules were put on the server, so that pages tell of those that differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import freshness
from flows import deploy
from settings.load import load
from state import deployed
from state.store import open_store
from tests.console.company import forms, ltc, system, write


def test_a_schedule_that_is_changed_after_it_was_deployed_is_known_to_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "deploy", lambda _path, pool: deploy.Deployed(pool, ("pull/pull-forms",), "watch"))
    with forms(1) as server:
        entry = system(server)
        path = write(tmp_path, {"forms": entry}, store=f"sqlite:///{tmp_path / 'ltc.db'}")
        assert ltc(path, "deploy").exit_code == 0
        settings = load(path)
        with open_store(settings.store) as store, store.reading() as connection:
            kept = deployed.read(connection)
        assert kept == {"forms": freshness.mark("forms", settings)}
        changed = write(tmp_path, {"forms": {**entry, "schedule": {"interval": "30m"}}}, store=settings.store)
        assert kept["forms"] != freshness.mark("forms", load(changed))
