"""``ltc check``: can every system be reached, read and written as ltc.yaml says?"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say

if TYPE_CHECKING:
    from connectors.contract import CheckLine, Connector
    from connectors.services import Services
    from mappings.engine import Mapping
    from settings.model import Settings


@dataclass
class Checked:
    """What is known of one system (or of the store) after the check."""

    name: str
    connector: str
    problems: list[dict[str, str]] = field(default_factory=list)
    """``message`` and ``remedy``: why it cannot be used at all."""
    warnings: list[dict[str, str]] = field(default_factory=list)
    streams: list[CheckLine] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all of it can be used."""
        return not self.problems and all(line.ok for line in self.streams)


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
    services = services_of(app.new_store) if store.ok else without_store()
    with ThreadPoolExecutor(max_workers=min(len(names), 8), thread_name_prefix="check") as pool:
        for checked in pool.map(lambda name: _system(app.settings, name, services), names):
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


def _system(settings: Settings, name: str, services: Services) -> Checked:
    """Everything about one system; each step needs the one before."""
    from pydantic import ValidationError

    from connectors.errors import ConnectorError
    from connectors.registry import UnknownConnector
    from mappings.errors import MappingFileError
    from settings import SecretMissing, config_problems, locate
    from settings.secrets import holder
    from sync.create import Unfit
    from sync.systems import SystemUnusable, connector_class

    checked = Checked(name, settings.systems[name].connector)
    try:
        _look(settings, name, checked, services)
    except ValidationError as error:
        checked.problems += [
            {"message": f"{item.where}: {item.what}", "remedy": f"for example: {item.example}" if item.example else ""}
            for item in config_problems(error, settings.path, name, connector_class(settings, name).Config)
        ]
    except UnknownConnector as error:
        place = locate(settings.path, ("systems", name, "connector"))
        checked.problems.append({"message": f"{place}: {error}", "remedy": "Correct the name, or install it."})
    except MappingFileError as error:
        checked.problems.append({"message": f"{error.where}: {error.message}", "remedy": error.remedy})
    except SecretMissing as error:
        keys = holder(settings.systems[name].config, error.message)
        place = locate(settings.path, ("systems", name, "config", *keys))
        checked.problems.append({"message": f"{place}: {error.message}", "remedy": error.remedy})
    except SystemUnusable as error:
        checked.problems.append({"message": error.message, "remedy": error.remedy})
    except (ConnectorError, Unfit) as error:
        checked.problems.append({"message": error.message, "remedy": error.remedy})
    return checked


def _look(settings: Settings, name: str, checked: Checked, services: Services) -> None:
    from console import literals
    from settings import locate, secrets
    from sync.systems import connector_class, mapping_for, ordered_streams

    chosen = settings.systems[name]
    kind = connector_class(settings, name)
    for keys in literals.of_config(kind.Config, chosen.config):
        place = locate(settings.path, ("systems", name, "config", *keys))
        checked.warnings.append({"where": place, "field": keys[-1], "variable": _variable(name, keys[-1])})
    config = kind.Config.model_validate(secrets.resolve(chosen.config))
    with kind(config) as connector:
        connector.services = services
        wanted = {spec.name for spec in ordered_streams(settings, name, connector)}
        known = {spec.name for spec in connector.streams()}
        checked.streams = [line for line in connector.check() if line.stream in wanted or line.stream not in known]
        # Last: a mapping is often written by what the check shows.
        _look_at_rules(settings, name, connector, mapping_for(settings, name))


def _look_at_rules(settings: Settings, name: str, connector: Connector[Any], mapping: Mapping) -> None:
    """Whether what ltc.yaml wants created in the system can be; raises ``Unfit``, ``ConnectorError``."""
    from sync import create, making

    specs = {spec.name: spec for spec in connector.streams()}
    for rule in settings.creation:
        if rule.to_system == name:
            mapper = create.fitting(settings, rule, mapping)
            making.creatable(connector.name, specs.get(rule.to_stream), mapper)


def _variable(system: str, name: str) -> str:
    return re.sub(r"\W", "_", f"{system}_{name}").upper()


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
        say(f"    {'✓' if line.ok else '✗'} {line.stream}: {line.detail}{_abilities(app, line)}")
        if line.remedy:
            say(f"      → {line.remedy}")


def _abilities(app: App, line: CheckLine) -> str:
    known = (("cli.check_read", line.can_read), ("cli.check_write", line.can_write))
    told = [f"{app.texts(key)} {'✓' if can else '✗'}" for key, can in known if can is not None]
    return f" [{', '.join(told)}]" if told else ""


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
