"""A Jiandaoyun with some leads and an ltc.yaml that names it, for tests of the ``ltc`` command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from console.cli import cli
from sandbox.jiandaoyun import API_KEY, JiandaoyunServer, start

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
UNREACHABLE = "http://127.0.0.1:9/api"


@contextmanager
def forms(leads: int = 12) -> Iterator[JiandaoyunServer]:
    """The stand-in with so many leads, the first of which has a status nobody mapped."""
    with start() as server:
        for number in range(leads):
            submit(server, number, status="没人认识" if number == 0 else "待分配")
        yield server


def submit(server: JiandaoyunServer, number: int, **values: Any) -> str:
    """A lead as the form's visitor leaves it."""
    at = BEGIN + timedelta(minutes=number)
    row = {
        "lead_no": f"L-{number:04d}",
        "contact_name": f"联系人 {number}",
        "company_name": f"Company {number} GmbH",
        "email": f"lead{number}@example.com",
        "phone": {"phone": f"138000{number:05d}"},
        "status": "待分配",
        "submitted_at": at.isoformat(),
        **values,
    }
    return server.people.submit(row, at=at, data_id=f"{int(at.timestamp()):08x}{number:016x}")


def system(server: JiandaoyunServer, **config: Any) -> dict[str, Any]:
    """The system's part of ltc.yaml; its key is in the environment."""
    return {
        "connector": "jiandaoyun",
        "roles": ["marketing"],
        "config": {**server.config, "api_key": "${env:TEST_JDY_KEY}", **config},
        "schedule": {"cron": "*/15 * * * *"},
    }


def write(folder: Path, systems: dict[str, Any], **top: Any) -> Path:
    """An ltc.yaml."""
    path = folder / "ltc.yaml"
    whole = {"version": 1, "timezone": "Asia/Shanghai", **top, "systems": systems}
    path.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def ltc(config: Path, *arguments: str, key: str | None = API_KEY) -> Result:
    """Run the command as a person would."""
    environment = {"TEST_JDY_KEY": key, "LTC_DEBUG": None, "LTC_ENGINE": None, "LTC_CONFIG": None}
    return CliRunner().invoke(cli, ["--config", str(config), *arguments], env=environment)


def data(result: Result) -> Any:
    """What a command printed as JSON."""
    return json.loads(result.stdout)
