"""``ltc check``: can every system be reached, read and written as ltc.yaml says?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from console import checking, jobs
from console.checking import Checked
from console.context import App, pass_app
from console.output import emit_json, say

if TYPE_CHECKING:
    from connectors.contract import CheckLine


@click.command("check")
@jobs.system_option
@jobs.json_option
@pass_app
def command(app: App, systems: tuple[str, ...], as_json: bool) -> int:
    """Check ltc.yaml, the store, and each system: credentials, what can be read and written. Changes nothing there.

    A system that is down does not stop the check of the others. Exit code 3 if some cannot be used, 1 if none can.

    \b
    Examples:
      ltc check
      ltc check --system crm
      ltc check --json
    """
    from sync.services import services_of, without_store

    names = app.systems(systems) or list(app.settings.systems)
    store = _store(app)
    if not as_json:
        _show(app, store)
    found: list[Checked] = []
    kept = app.new_store if store.ok else None
    services = services_of(kept) if kept is not None else without_store()
    with ThreadPoolExecutor(max_workers=min(len(names), 8), thread_name_prefix="check") as pool:
        for checked in pool.map(lambda name: checking.system(app.settings, name, services, kept), names):
            found.append(checked)
            if not as_json:
                _show(app, checked)
    services.close()
    bad = sum(1 for item in found if not item.ok)
    if as_json:
        emit_json({"store": _as_dict(store), "systems": [_as_dict(item) for item in found]})
    else:
        say(app.texts("cli.check_some_bad", bad=bad, all=len(found)) if bad else app.texts("cli.check_all_good"))
    if not store.ok or (bad and not any(line.ok for item in found for line in item.streams if not item.problems)):
        return 1
    return 3 if bad else 0


def _store(app: App) -> Checked:
    from state.failures import StoreError

    checked = Checked("store", app.settings.store.partition(":")[0])
    try:
        _ = app.new_store
    except StoreError as error:
        checked.problems.append({"message": error.message, "remedy": error.remedy})
    return checked


def _show(app: App, checked: Checked) -> None:
    texts = app.texts
    verdict = texts("cli.check_ok" if checked.ok else "cli.check_failed")
    say(f"{'✓' if checked.ok else '✗'} {checked.name} ({checked.connector}): {verdict}")
    for warning in checked.warnings:
        say("    ! " + texts("cli.literal_secret", where=warning["where"], field=warning["field"]))
        say("      " + texts("cli.literal_example", field=warning["field"], name=warning["variable"]))
    for problem in checked.problems:
        say(f"    ✗ {problem['message']}")
        if problem["remedy"]:
            say(f"      → {problem['remedy']}")
    for line in checked.streams:
        sign = "✗" if not line.ok else "⚠" if line.remedy else "✓"
        say(f"    {sign} {line.stream}: {line.detail}{_abilities(app, line)}")
        if line.remedy:
            say(f"      → {line.remedy}")


def _abilities(app: App, line: CheckLine) -> str:
    known = (("cli.check_read", line.can_read), ("cli.check_write", line.can_write))
    told = [f"{app.texts(key)} {'✓' if can else '✗'}" for key, can in known if can is not None]
    return f" [{app.texts.listed(told)}]" if told else ""


def _as_dict(checked: Checked) -> dict[str, Any]:
    return {
        "name": checked.name,
        "connector": checked.connector,
        "ok": checked.ok,
        "problems": checked.problems,
        "warnings": [
            {"message": f"{item['where']}: {item['field']} is a secret written out in ltc.yaml."}
            for item in checked.warnings
        ],
        "streams": [asdict(line) for line in checked.streams],
    }
