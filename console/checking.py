"""Whether a system can be reached, read and written as ltc.yaml says; changes nothing there."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.contract import CheckLine, Connector
    from connectors.services import Services
    from mappings.engine import Mapping
    from settings.model import Settings
    from state.store import Store


@dataclass
class Checked:
    """What is known of one system (or of the store) after the check."""

    name: str
    connector: str
    problems: list[dict[str, str]] = field(default_factory=list)
    """``message`` and ``remedy``: why it cannot be used at all."""
    warnings: list[dict[str, str]] = field(default_factory=list)
    streams: list[CheckLine] = field(default_factory=list)
    is_mapped: bool = True
    """Whether a mapping for its records was found, if it came to that."""
    waited_for: tuple[str, ...] = ()
    """Streams of which nothing was heard when the check was given up; none of one that came to its end."""
    step: str = ""
    """What it was at when it was given up: ``reach`` (nothing was heard at all), or ``streams``."""

    @property
    def ok(self) -> bool:
        """Whether all of it can be used."""
        return not self.problems and not self.step and all(line.ok for line in self.streams)


def given_up(checked: Checked) -> Checked:
    """What is known so far of a check that goes on elsewhere and that nobody waits for any more."""
    heard = list(checked.streams)
    names = {line.stream for line in heard}
    left = tuple(name for name in checked.waited_for if name not in names)
    return replace(
        checked,
        problems=list(checked.problems),
        warnings=list(checked.warnings),
        streams=heard,
        waited_for=left,
        step="streams" if heard else "reach",
    )


def system(
    settings: Settings, name: str, services: Services, store: Store | None, into: Checked | None = None
) -> Checked:
    """Everything about one system; each step needs the one before. Its calls are noted in the ``store``, if any.

    ``into`` is filled as things become known, for who does not wait for the end.
    """
    from pydantic import ValidationError

    from connectors.errors import ConnectorError
    from connectors.registry import UnknownConnector
    from mappings.errors import MappingFileError
    from settings import SecretMissing, config_problems, locate
    from settings.secrets import holder
    from sync.create import Unfit
    from sync.systems import SystemUnusable, connector_class

    checked = into or Checked(name, settings.systems[name].connector)
    try:
        _look(settings, name, checked, services, store)
    except ValidationError as error:
        checked.problems += [
            {"message": f"{item.where}: {item.what}", "remedy": f"for example: {item.example}" if item.example else ""}
            for item in config_problems(error, settings.path, name, connector_class(settings, name).Config)
        ]
    except UnknownConnector as error:
        place = locate(settings.path, ("systems", name, "connector"))
        checked.problems.append({"message": f"{place}: {error}", "remedy": "Correct the name, or install it."})
    except MappingFileError as error:
        checked.is_mapped = False
        checked.problems.append({"message": f"{error.where}: {error.message}", "remedy": error.remedy})
    except SecretMissing as error:
        keys = holder(settings.systems[name].config, error.message)
        place = locate(settings.path, ("systems", name, "config", *keys))
        checked.problems.append({"message": f"{place}: {error.message}", "remedy": error.remedy})
    except SystemUnusable as error:
        checked.problems.append({"message": error.message, "remedy": error.remedy})
    except (ConnectorError, Unfit) as error:
        checked.problems.append({"message": error.message, "remedy": error.remedy})
    checked.waited_for = ()
    return checked


def _look(settings: Settings, name: str, checked: Checked, services: Services, store: Store | None) -> None:
    from console import literals
    from settings import locate, secrets
    from sync.systems import connector_class, mapping_for, ordered_streams

    chosen = settings.systems[name]
    kind = connector_class(settings, name)
    for keys in literals.of_config(kind.Config, chosen.config):
        place = locate(settings.path, ("systems", name, "config", *keys))
        checked.warnings.append({"where": place, "field": keys[-1], "variable": variable(name, keys[-1])})
    config = kind.Config.model_validate(secrets.resolve(chosen.config))
    with kind(config) as connector, _counted(store, name, connector):
        connector.services = services
        wanted = [spec.name for spec in ordered_streams(settings, name, connector)]
        known = {spec.name for spec in connector.streams()}
        checked.waited_for = tuple(wanted)
        for line in connector.check():
            if line.stream in wanted or line.stream not in known:
                checked.streams.append(line)
        # Last: a mapping is often written by what the check shows.
        _look_at_rules(settings, name, connector, mapping_for(settings, name))


def _counted(store: Store | None, name: str, connector: Connector[Any]) -> AbstractContextManager[None]:
    from state import calls_made

    return calls_made.counted(store, name, connector.stats) if store is not None else nullcontext()


def _look_at_rules(settings: Settings, name: str, connector: Connector[Any], mapping: Mapping) -> None:
    """Whether what ltc.yaml wants created in the system can be; raises ``Unfit``, ``ConnectorError``."""
    from sync import create, making

    specs = {spec.name: spec for spec in connector.streams()}
    for rule in settings.creation:
        if rule.to_system == name:
            mapper = create.fitting(settings, rule, mapping)
            making.creatable(connector.name, specs.get(rule.to_stream), mapper)


def variable(system: str, name: str) -> str:
    """The environment variable that a system's secret would usually be in."""
    return re.sub(r"\W", "_", f"{system}_{name}").upper()
