"""A system's times without a zone are in its own zone, else in the company's: in its mapping and in its files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import settings
from connectors.contract import Window
from sync.systems import mapping_for, open_connector
from tests.console.company import write

MAPPING = """\
version: 1
connector: files
streams:
  order: {entity: order, fields: {number: no, source_updated_at: {path: changed, do: [local_instant]}}}
"""


def company(tmp_path: Path, **more: str) -> Any:
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "in" / "orders.csv").write_text("no,changed\nSO-1,2026-10-01 09:30:00\n")
    (tmp_path / "erp.yaml").write_text(MAPPING)
    stream = {"pattern": "orders*.csv", "entity": "order", "key": ["no"], "version": "changed"}
    config = {"folder": str(tmp_path / "in"), "settle_seconds": 0, "streams": {"order": stream}}
    erp = {"connector": "files", "roles": ["erp"], "mapping": "erp.yaml", "config": config, **more}
    return settings.load(write(tmp_path, {"erp": erp}, store="sqlite:///ltc.db", timezone="Asia/Shanghai"))


def versions(given: Any) -> list[int]:
    with open_connector(given, "erp") as connector:
        pages = list(connector.pull("order", None, Window(datetime(2026, 11, 1, tzinfo=UTC))))
    return [item.version or 0 for page in pages for item in page.records]


def test_files_and_mapping_take_the_companys_zone_unless_the_system_has_one(tmp_path: Path) -> None:
    eight = 8 * 3600 * 1_000_000
    ours, theirs = versions(company(tmp_path)), versions(company(tmp_path, timezone="UTC"))
    assert [there - here for here, there in zip(ours, theirs, strict=True)] == [eight]

    def fingerprint(given: Any) -> str:
        return mapping_for(given, "erp").stream("order").fingerprint

    assert fingerprint(company(tmp_path)) == fingerprint(company(tmp_path, timezone="Asia/Shanghai"))
    assert fingerprint(company(tmp_path)) != fingerprint(company(tmp_path, timezone="UTC"))
