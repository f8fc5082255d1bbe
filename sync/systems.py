"""From ltc.yaml to a working system: its connector, its mapping and the streams to pull, in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from connectors import registry
from connectors.contract import Connector, StreamSpec
from mappings.engine import Mapping, load

if TYPE_CHECKING:
    from settings.model import Settings


class SystemUnusable(Exception):
    """What ltc.yaml says of a system cannot be used; ``message`` says what, ``remedy`` what to do."""

    kind = "configuration"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


def open_connector(settings: Settings, system: str) -> Connector[Any]:
    """The system's connector with its settings checked and its secrets resolved; close it after use.

    Raises ``SystemUnusable``, and what ``settings.secrets.resolve`` raises for a secret that is not there.
    """
    from settings import secrets
    from settings.load import config_problems

    chosen = settings.systems[system]
    try:
        connector = registry.load(chosen.connector)
    except registry.UnknownConnector as error:
        raise SystemUnusable(f"systems.{system}.connector: {error}", "Correct the name, or install it.") from error
    try:
        config = connector.Config.model_validate(secrets.resolve(chosen.config))
    except ValidationError as error:
        problems = config_problems(error, Path(settings.path), system)
        raise SystemUnusable(
            "\n".join(str(problem) for problem in problems),
            f"`ltc connectors describe {chosen.connector}` lists its settings.",
        ) from None
    return connector(config)


def mapping_for(settings: Settings, system: str) -> Mapping:
    """The system's mapping: the file it names (relative to ltc.yaml), or the one shipped for its connector.

    Raises ``MappingFileError``.
    """
    chosen = settings.systems[system]
    if chosen.mapping is None:
        return load(chosen.connector)
    beside = Path(settings.path).parent / chosen.mapping
    return load(beside if beside.is_file() else chosen.mapping)


def ordered_streams(settings: Settings, system: str, connector: Connector[Any]) -> list[StreamSpec]:
    """The streams to work on, those that others depend on first.

    Raises ``SystemUnusable`` for a stream that the connector does not offer.
    """
    offered = {spec.name: spec for spec in connector.streams()}
    wanted = settings.systems[system].streams or list(offered)
    unknown = [name for name in wanted if name not in offered]
    if unknown:
        raise SystemUnusable(
            f"systems.{system}.streams: {connector.name} offers no stream {unknown[0]!r}.",
            f"It offers: {', '.join(offered)}.",
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
