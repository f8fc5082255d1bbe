"""What a check works with: one stream of a world, connectors to it, and the words to say what is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from conformance.needs import USUAL, Need
from conformance.offline import FolderWorld, ProgramWorld
from conformance.reader import Between, Reader
from conformance.sleeping import Waits
from conformance.world import Stage, Wish, World, known_fields
from connectors.contract import (
    Change,
    Connector,
    NewRecord,
    Outcome,
    PushResult,
    RawRecord,
    StreamSpec,
    Webhooks,
    Window,
)
from connectors.errors import ConnectorError
from connectors.localbudget import LocalBudget
from connectors.services import Services
from connectors.tokens import LocalVault
from sandbox.http import Request

E = TypeVar("E", bound=ConnectorError)
TIMEOUT = 0.4
"""Seconds that connectors wait for an answer where a check lets one hang."""


class Refuted(Exception):
    """The connector does not do what the check is about; the text says what it does instead."""


class NotShown(Exception):
    """It turned out while the check ran that it does not apply."""


class Lab:
    """A world with one stream to play on, begun anew."""

    def __init__(self, world: World, stage: Stage, spec: StreamSpec, waits: Waits, seed: int) -> None:
        self.world = world
        self.stage = stage
        self.spec = spec
        self.waits = waits
        self.random = random.Random(f"{seed} {stage.stream}")  # noqa: S311 - not for secrets
        self._stack = ExitStack()
        budget = LocalBudget(waits.now_us, waits.note)
        vault = LocalVault()
        self.services = Services(lambda: vault, lambda: budget)
        """What the processes of one system share."""

    def close(self) -> None:
        """Close the connectors."""
        self._stack.close()

    def can(self, need: Need) -> bool:
        """Whether the stream, or the whole system, meets it."""
        return need in offered(self.world, self.stage, self.spec)

    def later(self, seconds: float) -> None:
        """Time goes by for everyone, the shared budget too."""
        self.world.advance(seconds)
        self.waits.passed += seconds

    # Connecting

    def connect(self, **wish: Any) -> Connector[Any]:
        """A connector with these wishes (``Wish``); pages are small unless another size is wished for."""
        if self.can(Need.PAGES) and "page_size" not in wish:
            wish["page_size"] = self.stage.page
        return self._made(Wish(**wish))

    def roomy(self, **wish: Any) -> Connector[Any]:
        """A connector with large pages."""
        if self.can(Need.PAGES) and "page_size" not in wish:
            wish["page_size"] = self.stage.large
        return self._made(Wish(**wish))

    def _made(self, wish: Wish) -> Connector[Any]:
        kind = self.world.kind()
        connector = kind(kind.Config.model_validate(self.world.config(wish)))
        connector.services = self.services
        self._stack.callback(connector.close)
        return connector

    # Reading

    def reader(self) -> Reader:
        """Nothing is held so far."""
        return Reader(self.stage.stream)

    def window(self, connector: Connector[Any], **window: Any) -> Window:
        """Up to a little before now, as long as the connector asks for."""
        settle = connector.settle_seconds if self.world.simulated else 0.0
        return Window(until=self.world.now() - timedelta(seconds=settle + self.world.skew), **window)

    def pull(
        self,
        reader: Reader,
        connector: Connector[Any],
        *,
        pages: int | None = None,
        between: Between | None = None,
        **window: Any,
    ) -> Reader:
        """Pull a minute later, so that all that was done so far lies in the window."""
        self.world.advance(60.0)
        return reader.pull(connector, self.window(connector, **window), pages=pages, between=between)

    def held(self, source_id: str, connector: Connector[Any]) -> RawRecord:
        """A record as a fresh full pull shows it."""
        reader = self.pull(self.reader(), connector, full=True)
        if source_id not in reader.held:
            raise Refuted("A full pull does not bring a record that is there.")
        return reader.held[source_id]

    # Comparing with the truth

    def shown(self) -> dict[str, dict[str, Any]]:
        """What the source shows now."""
        return self.world.shown(self.stage)

    def same(self, reader: Reader, what: str = "") -> None:
        """Everything that the source shows is held, as it is shown. ``what``: when."""
        truth = self.shown()
        lost = sorted(set(truth) - reader.ids)
        after = f" {what}" if what else ""
        self.expect(not lost, f"{len(lost)} of {len(truth)} records are missing{after}.")
        extra = sorted(reader.ids - set(truth)) if self.spec.deletes != "sweep" else []
        self.expect(not extra, f"{len(extra)} records are held that are not there{after}.")
        for source_id, fields in truth.items():
            found = self.world.fields(self.stage, reader.held[source_id].body)
            wrong = [name for name, value in fields.items() if found.get(name) != value]
            self.expect(not wrong, f"`{'`, `'.join(wrong)}` of a record is not as the source shows it{after}.")

    def calls(self, where: str = "") -> list[Request]:
        """The requests so far that matter: those for tokens are left out."""
        token = {id(request) for request in self.world.requests(self.world.token)} if self.world.token else set()
        return [request for request in self.world.requests(where) if id(request) not in token]

    # Writing

    @property
    def field(self) -> str:
        """The first field that is written."""
        return next(iter(self.stage.values))

    def change(self, record: RawRecord, values: Mapping[str, Any] | None = None, **more: Any) -> Change:
        """A change planned from this record; by default of the first field to its first value."""
        wanted = dict(values) if values is not None else {self.field: self.stage.values[self.field][0]}
        shown = self.world.fields(self.stage, record.body)
        given: dict[str, Any] = {
            "expected": {name: shown.get(name) for name in wanted},
            "idempotency_key": f"kit-{self.random.getrandbits(64):016x}",
            "version": record.version,
            "body": record.body,
        }
        return Change(record.source_id, wanted, **{**given, **more})

    def push(self, connector: Connector[Any], *changes: Change) -> list[PushResult]:
        """Push; there must be one result for each change, in order."""
        found = list(connector.push(self.stage.stream, changes))
        self.expect(
            [item.source_id for item in found] == [item.source_id for item in changes],
            f"{len(changes)} changes gave {len(found)} results, or in another order.",
        )
        return found

    def until_settled(self, connector: Connector[Any], change: Change, result: PushResult) -> PushResult:
        """Try a change again as the outbox does, until its outcome is known."""
        for _ in range(4):
            if result.outcome not in (Outcome.UNKNOWN, Outcome.RETRY):
                return result
            unsure = change.unsure or result.outcome is Outcome.UNKNOWN
            change = replace(change, unsure=unsure)
            self.later(600.0)
            (result,) = self.push(connector, change)
        return result

    def applied(self, source_id: str) -> int:
        """How often the API changed a record."""
        counted = self.world.applied(self.stage, source_id)
        return counted if counted is not None else len(self.world.requests(self.stage.write))

    def is_shown(self, source_id: str, values: Mapping[str, Any], what: str) -> None:
        """The source shows these values."""
        truth = self.shown().get(source_id, {})
        wrong = [name for name, value in values.items() if truth.get(name) != value]
        self.expect(not wrong, what)

    def new(self, key: str, **values: Any) -> NewRecord:
        """A record to be made."""
        stage = self.stage
        values = {**stage.new, stage.key or "": key, **values}
        return NewRecord(key, values, f"kit-create-{key}")

    # Saying what is wrong

    def expect(self, holds: bool, otherwise: str) -> None:
        """Raise ``Refuted`` with that sentence unless it holds."""
        if not holds:
            raise Refuted(otherwise)

    def raises(self, kinds: type[E] | tuple[type[E], ...], act: Callable[[], object], what: str) -> E:
        """The error of one of these kinds that ``act`` must end with; ``what`` says when."""
        try:
            act()
        except ConnectorError as error:
            names = ", ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
            if isinstance(error, kinds):
                return error
            raise Refuted(f"{what} is told as {type(error).__name__}, not as {names}.") from error
        raise Refuted(f"{what} goes unnoticed.")


def ago(moment: datetime, seconds: float) -> datetime:
    """Some seconds before."""
    return moment - timedelta(seconds=seconds)


def offered(world: World, stage: Stage, spec: StreamSpec) -> frozenset[Need]:
    """Which needs a stream meets, told from what the world and the connector say of it."""
    told: dict[Need, bool] = {
        Need.CURSOR: spec.cursor_field is not None or Need.CURSOR in stage.can | world.can,
        Need.NUMBER: stage.number is not None,
        Need.LATE: stage.late_seconds > 0,
        Need.TOMBSTONES: spec.deletes == "tombstones",
        Need.SWEEP: spec.deletes == "sweep",
        Need.UNDELETE: spec.deletes != "none" and Need.UNDELETE in stage.can | world.can,
        Need.WRITE: bool(stage.values and spec.writable),
        Need.SECOND_FIELD: bool(stage.values) and any(name != next(iter(stage.values)) for name in known_fields(stage)),
        Need.READ_ONLY: bool(stage.values and stage.read_only),
        Need.REFUSAL: bool(stage.values and stage.refused),
        Need.CREATE: stage.key is not None and spec.creatable is not None,
        Need.UNIQUE: spec.refuses_doubles,
        Need.TOKENS: bool(world.token),
        Need.QUOTA: world.says("quota") is not None,
        Need.HIDDEN_ERROR: world.says("hidden_error") is not None,
        Need.BRINGS: spec.webhooks is Webhooks.RECORD,
        Need.FILES: isinstance(world, FolderWorld),
        Need.PROGRAM: isinstance(world, ProgramWorld),
    }
    told |= {need: need not in world.lacks for need in USUAL}
    declared = world.can | stage.can
    return frozenset(need for need in Need if told.get(need, need in declared))


def first_missing(needs: Iterable[Need], met: frozenset[Need]) -> Need | None:
    """The first need that is not met."""
    return next((need for need in needs if need not in met), None)
