"""Lines of JSON for requests and faults: enough to find one again, nothing of what was asked or by whom."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from httpx import Client, get

from console.web.app import workbench
from console.web.logs import Json
from settings.model import Settings
from state.store import Store
from tests.web.conftest import served

PATIENCE = 120.0


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What is logged."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Json())
    loggers = [logging.getLogger(name) for name in ("ltc.requests", "ltc.test")]
    for logger in loggers:
        logger.addHandler(handler)
        monkeypatch.setattr(logger, "level", logging.INFO)
        logger.manager._clear_cache()  # type: ignore[attr-defined]
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)


def lines(written: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_request_has_an_id_in_its_answer_and_its_line(desk: Store, given: Settings, written: StringIO) -> None:
    with served(workbench(desk, given)) as address, Client(base_url=address, timeout=PATIENCE) as client:
        asked = {"x-request-id": "chosen-by-a-stranger", "user-agent": "secret", "cookie": "ltc=secret"}
        answer = client.get("/sign-in?next=/secret", headers=asked)
    id = answer.headers["x-request-id"]
    assert id != "chosen-by-a-stranger"
    (line,) = lines(written)
    assert line.pop("at").endswith("Z")
    assert line.pop("seconds") > 0
    assert line == {
        "level": "info",
        "logger": "ltc.requests",
        "request": id,
        "message": "answered",
        "method": "GET",
        "route": "/sign-in",
        "status": 200,
    }
    assert "secret" not in written.getvalue()


def test_the_id_that_a_proxy_of_ours_gives_is_kept_if_it_is_one(desk: Store, given: Settings) -> None:
    with served(workbench(desk, given, proxied=True)) as address:
        for sent, kept in (("f3a1-0042.b", True), ("short", False), ("x" * 65, False), ("with space", False)):
            answer = get(f"{address}/healthz", headers={"x-request-id": sent}, timeout=PATIENCE)
            assert (answer.headers["x-request-id"] == sent) is kept


def test_a_fault_is_told_by_kind_and_place_with_the_request_and_without_its_text(
    desk: Store, given: Settings, written: StringIO
) -> None:
    app = workbench(desk, given)

    @app.get("/breaks")
    def breaks() -> str:
        try:
            raise ValueError("maria.rossi@acme.example")
        except ValueError:
            logging.getLogger("ltc.test").exception("it broke")
        return "told"

    with served(app) as address:
        answer = get(f"{address}/breaks", timeout=PATIENCE)
    fault, _ = lines(written)
    assert (fault["error"], fault["request"]) == ("ValueError", answer.headers["x-request-id"])
    assert "test_logs.py:" in fault["where"][-1]
    assert "maria" not in written.getvalue()
