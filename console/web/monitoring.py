"""For those who run the workbench: what Prometheus and Grafana need, and who may read ``/metrics``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console.web.commands import called
from console.web.desk import Operator, Visit

if TYPE_CHECKING:
    from console.web.metrics import Metrics

router = APIRouter()

_FOLDER = Path(__file__).parents[1] / "monitoring"
_SCRAPE = "ltc-scrape.yaml"
_ALERTS = "ltc-alerts.yaml"
_FILES = (_ALERTS, "ltc-alerts.test.yaml", "ltc-dashboard.json", _SCRAPE)
_ALERT = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)
_RUNBOOKS = "runbook: docs/monitoring.md#"
"""How the rules name what to do about an alert; those that are fetched here name the page instead."""
_SIGNED = "    authorization: {type: Bearer, credentials_file: /etc/prometheus/ltc-token}\n"
_CONFIGURATION = """scrape_configs:
  - job_name: ltc
    scrape_interval: 30s
    scheme: {scheme}
{signed}    static_configs: [{{targets: ["{target}"]}}]
rule_files: [ltc-alerts.yaml]
"""


@router.get("/monitoring")
def monitoring(visit: Operator) -> Response:
    """What there is to fetch, and how it is fetched."""
    told = _metrics(visit)
    return visit.page(
        "monitoring",
        readers=told.readers,
        may_read=told.refusal(visit.request) is None,
        scrape=_scrape(visit),
        ltc=called(visit.desk.settings),
        files=_FILES,
        alerts=_ALERT.findall((_FOLDER / _ALERTS).read_text("utf-8")),
    )


@router.get("/monitoring/{name}")
def file(visit: Operator, name: str) -> Response:
    """One of the files, to be saved."""
    if name not in _FILES:
        raise HTTPException(404)
    content = _scrape(visit) if name == _SCRAPE else (_FOLDER / name).read_text("utf-8")
    if name.startswith("ltc-alerts"):
        content = content.replace(_RUNBOOKS, f"runbook: {visit.base}/monitoring#")
    kind = "application/json" if name.endswith(".json") else "application/yaml"
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _scrape(visit: Visit) -> str:
    """How Prometheus reads this workbench, as far as this browser's way to it tells."""
    scheme, _, target = visit.base.partition("://")
    signed = _SIGNED if _metrics(visit).readers == "token" else ""
    return _CONFIGURATION.format(scheme=scheme, target=target, signed=signed)


def _metrics(visit: Visit) -> Metrics:
    found: Metrics = visit.request.app.state.metrics
    return found
