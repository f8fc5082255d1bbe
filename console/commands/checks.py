"""``ltc checks``: the rules that reconciliation applies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from reconciliation.checks import Check


@click.group("checks")
def command() -> None:
    """Show the checks that are applied to every chain.

    \b
    Examples:
      ltc checks list
      ltc checks list --json
    """


@command.command("list")
@jobs.json_option
@pass_app
def listing(app: App, as_json: bool) -> int:
    """List every check: hand-off, responsible department, severity, parameters, and what it says.

    Severity and parameters are those of ltc.yaml (`reconciliation.checks`) where it sets them.

    \b
    Examples:
      ltc checks list
      ltc --lang zh-CN checks list
    """
    from reconciliation import checks, words

    lang = words.language(app.locale)
    set_here = app.settings.reconciliation.checks if app.config.exists() else {}
    shown = [_as_dict(item, set_here.get(item.id, {}), lang) for item in checks.catalogue()]
    if as_json:
        emit_json(shown)
        return 0
    names = ("check", "stage", "department", "severity", "parameters", "sentence")
    table([app.texts(f"checks.columns.{name}") for name in names], [_row(app, item) for item in shown])
    say(app.texts("checks.count", count=len(shown)))
    return 0


def _as_dict(item: Check, changed: dict[str, Any], lang: str) -> dict[str, Any]:
    parameters = {**item.parameters, **changed}
    severity, enabled = parameters.pop("severity", item.severity), parameters.pop("enabled", True)
    return {
        "id": item.id,
        "title": item.title[lang],
        "stage": item.stage,
        "department": item.department,
        "severity": severity,
        "enabled": enabled,
        "parameters": parameters,
        "needs": [f"{role}.{entity}" for role, entity in item.needs],
        "sentence": item.sentence[lang],
        "action": item.action[lang],
    }


def _row(app: App, item: dict[str, Any]) -> tuple[Any, ...]:
    texts = app.texts
    severity = texts.name("findings.severity", item["severity"]) if item["enabled"] else texts("checks.off")
    parameters = ", ".join(f"{name}: {value}" for name, value in item["parameters"].items())
    places = (texts.name("summary.stage", item["stage"]), texts.name("summary.department", item["department"]))
    return (item["id"], *places, severity, parameters or None, item["sentence"])
