"""A record in quarantine with a text of a person's in the place of the value that it was refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from mappings.engine import StreamMapping
    from settings.model import Settings
    from state.landing import Counts
    from state.quarantine import Refused
    from state.remap import Held
    from state.store import Store
    from state.writes import Stream
    from sync.drift import Guard

LONGEST_TEXT = 2000
"""Characters."""


class Unfit(Exception):
    """The record cannot be read with these texts either; the message is a sentence's end: ``field: what is wrong``."""


def edit(
    store: Store, settings: Settings, refused: Refused, texts: Mapping[str, str], actor: str, reason: str
) -> str | None:
    """Put texts in the place of source fields (by path), and map the record again with them.

    They stand until the source sends another version. Returns the canonical field that refuses the record now, ``None``
    if it is understood. Raises ``Unfit`` if it is refused as before, then nothing is kept; ``MappingFileError``,
    ``StoreError``.
    """
    from console import tried_again
    from state import corrections, landing, quarantine
    from state.writes import REFUSED_BY_CONNECTOR
    from sync.systems import mapping_for

    if refused.mapping == REFUSED_BY_CONNECTOR:
        raise Unfit("it could not even be read, so that it has no fields")

    mapper = mapping_for(settings, refused.system).stream(refused.stream)
    with store.reading() as connection:  # before there is a run that would have failed
        stream = landing.open_stream(connection, refused.system, refused.stream, mapper.entity)
        _fits(connection, stream, mapper, refused, texts)

    def act(connection: Connection, guard: Guard) -> Counts:
        _fits(connection, guard.stream, guard.mapper, refused, texts)
        corrections.keep(connection, refused.record_id, texts, actor, reason.strip())
        return guard.again(connection, _held(connection, guard.stream, refused.record_id))

    tried_again.finished(tried_again.again(store, settings, (refused.system, refused.stream), actor, act))
    with store.reading() as connection:
        left = quarantine.one(connection, refused.record_id)
    return None if left is None else left.field


def take_back(store: Store, settings: Settings, record_id: int, actor: str, reason: str = "") -> bool:
    """Let a record count as it was received, which puts it back into quarantine unless the mapping reads it by now.

    Until it is understood it shows the version before, or nothing. Returns false if nothing of it is edited. Raises
    ``MappingFileError``, ``StoreError``.
    """
    from console import tried_again
    from mappings.errors import MappingError
    from state import corrections, landing, quarantine, shapes

    with store.reading() as connection:
        found = corrections.of_record(connection, record_id)
    if not found:
        return False
    first = found[0]

    def act(connection: Connection, guard: Guard) -> Counts:
        corrections.take_back(connection, record_id, actor, reason.strip())
        held = _held(connection, guard.stream, record_id)
        head = landing.heads(connection, guard.stream.id, [first.source_id])[first.source_id]
        try:
            guard.mapper.map(first.system, first.source_id, held[0].body)
        except MappingError as error:
            loss = shapes.Loss(record_id, first.source_id, head.seq - 1, error)
            shapes.hold(connection, guard.stream, guard.mapper, [loss], guard.run_id)
            quarantine.waits_since_its_version(connection, record_id)
            return landing.Counts(pulled=1, rejected=1)
        return guard.again(connection, held)

    tried_again.finished(tried_again.again(store, settings, (first.system, first.stream), actor, act))
    return True


def _fits(
    connection: Connection, stream: Stream, mapper: StreamMapping, refused: Refused, texts: Mapping[str, str]
) -> None:
    """Raise ``Unfit`` if the record with these texts is refused as before: another field may still be wrong."""
    from mappings.errors import MappingError
    from state import corrections

    held = _held(connection, stream, refused.record_id)
    if not held:
        raise Unfit("it is not there any more")
    try:
        mapper.map(refused.system, refused.source_id, corrections.corrected(held[0].body, texts))
    except corrections.CannotCorrect as error:
        raise Unfit(str(error)) from None
    except MappingError as error:
        if error.field == refused.field:
            raise Unfit(f"{error.field}: {error.value} {error.reason}") from None


def _held(connection: Connection, stream: Stream, record_id: int) -> list[Held]:
    from state import remap

    return [item for item in remap.held(connection, stream, record_id - 1, 1) if item.id == record_id]
