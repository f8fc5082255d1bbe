"""A connector that keeps its tokens to its own process, and one that keeps them where it is told to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from conformance.generic.world import GenericWorld
from connectors.contract import CheckLine, Connector, Cursor, Page, StreamSpec, Window
from connectors.declarative.connector import connector_of
from connectors.errors import AuthError
from connectors.localbudget import LocalBudget
from connectors.services import Services
from connectors.tokens import LocalVault

MANIFEST = Path(__file__).with_name("tokens.yaml")
_OURS = Services(LocalVault, LocalBudget)

Sharing: Any = type("Sharing", (connector_of(MANIFEST),), {"__module__": __name__})
Alone: Any = type(
    "Alone", (Sharing,), {"__module__": __name__, "services": property(lambda _: _OURS, lambda _, __: None)}
)


class Refusing(Connector[Any]):
    """Refuses everything, which only the processes see that are told of it."""

    name = "desk"
    Config = Sharing.Config

    def streams(self) -> Sequence[StreamSpec]:
        return []

    def check(self) -> Iterable[CheckLine]:
        return []

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        raise AuthError("Not today.")


class SharingWorld(GenericWorld):
    """The desk, with the connector before it that other processes import from here."""

    manifest_file = MANIFEST
    connector_kind: ClassVar[type[Connector[Any]]] = Sharing

    def kind(self) -> type[Connector[Any]]:
        return self.connector_kind


class AloneWorld(SharingWorld):
    """The same with the one that is wrong."""

    connector_kind = Alone
