"""What a run leaves in Prefect for people: a summary, and the findings as a table with a link to the whole report."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from settings.model import Settings
from state.store import Store
from sync.result import SyncResult

MOST_ROWS = 500
"""More make the page of the artifact too slow to open."""

REPORT_URL = "LTC_REPORT_URL"
"""Where the HTML report is published, if it is; then it is linked."""

_SIGNS = re.compile(r"[\\`\[\]|]")
_COUNTS = ("pulled", "new", "changed", "deleted", "rejected", "applied", "conflict", "calls")


def leave(store: Store, settings: Settings, result: SyncResult) -> None:
    """Write the artifacts of a finished run."""
    create_markdown_artifact(
        summary(result), key=f"ltc-{result.kind}", description=f"Run {result.run_id}: {result.status}"
    )
    if not result.reconciled:
        return
    from reconciliation.report import build

    found = build(store, settings)["findings"]
    rows = findings_table(found)
    shown = f"The first {len(rows)} of {len(found)} findings" if len(found) > len(rows) else f"{len(rows)} findings"
    create_table_artifact(rows, key="ltc-findings", description=f"{shown}. Everything is in the report: `ltc report`.")
    if os.environ.get(REPORT_URL):
        create_link_artifact(os.environ[REPORT_URL], link_text="The whole report", key="ltc-report")


def findings_table(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The open findings, the gravest and largest first, at most ``MOST_ROWS``."""
    gravity = {"error": 0, "warning": 1}
    live = [item for item in findings if item["status"] != "resolved"]
    live.sort(key=lambda item: (gravity.get(item["severity"], 2), -abs(float(item.get("base_amount") or 0))))
    return [
        {
            "severity": item["severity"],
            "stage": item["stage"],
            "department": item["department"],
            "check": item["check"],
            "amount": f"{item['amount']} {item['currency']}" if item.get("amount") else "",
            "records": ", ".join(record.get("number") or record["source_id"] for record in item["records"]),
            "what": item["explanation"],
            "to do": item["action"],
        }
        for item in live[:MOST_ROWS]
    ]


def summary(result: SyncResult) -> str:
    """The run in Markdown."""
    parts = [f"# {result.kind}: {result.status}", f"Run `{result.run_id}`, {result.seconds:.1f} s"]
    if result.outcomes:
        streams = [
            (item.system, item.stream, item.direction, item.status, *(item.counts.get(name, 0) for name in _COUNTS))
            for item in result.outcomes
        ]
        parts.append(_table(("system", "stream", "direction", "status", *_COUNTS), streams))
    changed = [(item, field) for item in result.outcomes for field in item.drift]
    if changed:
        rows = [(item.system, item.stream, field.path, field.kind.value, field.status.value) for item, field in changed]
        parts += ["## Fields that changed", _table(("system", "stream", "field", "what", "state"), rows)]
    if result.paused:
        left_out = [(item.what, item.paused_by, item.reason) for item in result.paused]
        parts += ["## Left out, because it is paused", _table(("what", "by", "reason"), left_out)]
    if result.reconcile is not None:
        seen = "done" if result.reconciled else f"nothing new since run `{result.reconcile_run_id}`"
        numbers = [(name, value) for name, value in result.reconcile.items() if isinstance(value, int | str)]
        parts += [f"## Reconciliation: {seen}", _table(("what", "count"), numbers)]
    for title, plans in (("Written back", result.applied), ("To be written back", result.plans)):
        if plans:
            parts += [
                f"## {title}",
                _table(("system", "plan", "changes"), [(p.system, p.id, len(p.items)) for p in plans]),
            ]
    problems = [(f"{item.system}.{item.stream}", item.error) for item in result.failed if item.error]
    problems += [(result.kind, item) for item in result.problems]
    if problems:
        lines = (f"- **{_text(where)}**: {_text(f'{item.message} {item.remedy}')}" for where, item in problems)
        parts += ["## What failed", *lines]
    return "\n\n".join(parts) + "\n"


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(_text(str(value)) for value in line) + " |" for line in lines)


def _text(text: str) -> str:
    """A text as Markdown shows it: neither HTML nor a link nor the end of a cell."""
    return _SIGNS.sub(r"\\\g<0>", html.escape(" ".join(text.split()), quote=False))
