"""From ltc.yaml to a working system: its connector, its mapping and the streams to pull, in order."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from connectors import registry
from connectors.contract import Connector, StreamSpec
from mappings.engine import Mapping, load, shipped
from mappings.errors import MappingFileError
from mappings.installed import installed
from yamlfiles.errors import FileUnusable

if TYPE_CHECKING:
    from connectors.services import Services
    from settings.model import Settings


class SystemUnusable(Exception):
    """What ltc.yaml says of a system cannot be used; ``message`` says what, ``remedy`` what to do."""

    kind = "configuration"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


def connector_class(settings: Settings, system: str) -> type[Connector[Any]]:
    """The system's connector: built in, installed, or a manifest beside ltc.yaml.

    Raises ``registry.UnknownConnector``, and ``SystemUnusable`` for a manifest that cannot be used.
    """
    name = settings.systems[system].connector
    try:
        return registry.load(name, Path(settings.path).parent)
    except FileUnusable as error:
        raise SystemUnusable(str(error), "`ltc connectors check FILE` looks at a manifest alone.") from error


def open_connector(settings: Settings, system: str, services: Services | None = None) -> Connector[Any]:
    """The system's connector with its settings checked and its secrets resolved; close it after use.

    ``services`` are those of the store (``sync.services``). Without them it must not call the source: tokens that are
    replaced with each use would be lost, and others' allowances exceeded. Raises ``SystemUnusable``, also for a secret
    that is not there.
    """
    from settings import SecretMissing, secrets
    from settings.load import config_problems, locate

    chosen = settings.systems[system]
    try:
        connector = connector_class(settings, system)
    except registry.UnknownConnector as error:
        place = locate(Path(settings.path), ("systems", system, "connector"))
        known = difflib.get_close_matches(chosen.connector, registry.names(), 1)
        remedy = f"Did you mean `connector: {known[0]}`?" if known else "Correct the name, or install it."
        raise SystemUnusable(f"{place}: {error}", remedy) from error
    try:
        given = secrets.resolve(chosen.config)
    except SecretMissing as error:
        keys = ("systems", system, "config", *secrets.holder(chosen.config, error.message))
        raise SystemUnusable(f"{locate(Path(settings.path), keys)}: {error.message}", error.remedy) from None
    try:
        config = connector.Config.model_validate(given)
    except ValidationError as error:
        problems = config_problems(error, Path(settings.path), system, connector.Config)
        raise SystemUnusable(
            "\n".join(str(problem) for problem in problems),
            f"`ltc connectors describe {chosen.connector}` lists its settings.",
        ) from None
    opened = connector(config)
    opened.zone = settings.zone_of(system)
    if services is not None:
        opened.services = services
    return opened


def mapping_for(settings: Settings, system: str) -> Mapping:
    """The system's mapping: the file it names (relative to ltc.yaml), or the one that comes with its connector.

    With a manifest ``acme.yaml`` that is ``acme.mapping.yaml`` beside it. Raises ``MappingFileError``.
    """
    chosen, zone = settings.systems[system], settings.zone_of(system)
    if chosen.mapping is None and registry.is_manifest(chosen.connector):
        return load((Path(settings.path).parent / chosen.connector).with_suffix(".mapping.yaml"), zone)
    if chosen.mapping is None and chosen.connector not in shipped() and installed(chosen.connector) is None:
        from settings.load import locate

        raise MappingFileError(
            locate(Path(settings.path), ("systems", system)),
            f"no mapping is shipped for the connector `{chosen.connector}`: what its records hold differs from one "
            "system to the next.",
            f"Write one and name it there, for example `mapping: {system}.yaml`.",
        )
    if chosen.mapping is None:
        return load(chosen.connector, zone)
    beside = Path(settings.path).parent / chosen.mapping
    return load(beside if beside.is_file() else chosen.mapping, zone)


def ordered_streams(settings: Settings, system: str, connector: Connector[Any]) -> list[StreamSpec]:
    """The streams to work on, those that others depend on first.

    Raises ``SystemUnusable`` for a stream that the connector does not offer.
    """
    offered = {spec.name: spec for spec in connector.streams()}
    wanted = settings.systems[system].streams or list(offered)
    drift = [name for name in settings.systems[system].drift if name != "*"]
    for key, names in (("streams", wanted), ("drift", drift)):
        unknown = [name for name in names if name not in offered]
        if unknown:
            from settings.load import locate

            where = locate(Path(settings.path), ("systems", system, key))
            raise SystemUnusable(
                f"{where}: {connector.name} offers no stream {unknown[0]!r}.", f"It offers: {', '.join(offered)}."
            )
    ordered: dict[str, StreamSpec] = {}

    def place(name: str) -> None:
        if name in ordered or name not in wanted:
            return
        for needed in offered[name].depends_on:
            place(needed)
        ordered[name] = offered[name]

    for name in offered:
        place(name)
    return list(ordered.values())
