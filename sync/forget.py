"""Erase persons with the mappings of ltc.yaml, which know what of a record is about a person."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from state import bulk, erasure, forget, runs, schema
from state.erasure import Erasure, ErasureError, Known
from state.forget import Erased
from state.persons import Mappers
from sync.systems import mapping_for

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.store import Store


def mappers(settings: Settings) -> Mappers:
    """Every mapped stream; raises ``MappingFileError``."""
    found = {}
    for system in settings.systems:
        for name, stream in mapping_for(settings, system).streams.items():
            found[system, name] = stream
    return found


def preview(store: Store, settings: Settings, needles: Sequence[str], kept: Iterable[int] = ()) -> Erased:
    """What ``erase`` would do; raises ``ErasureError``, ``MappingFileError``, ``StoreError``."""
    return forget.preview(store, mappers(settings), needles, kept)


def erase(
    store: Store, settings: Settings, needles: Sequence[str], actor: str, reason: str, kept: Iterable[int] = ()
) -> Erased:
    """Erase a person; raises ``ErasureError``, ``LeaseHeld``, ``MappingFileError``, ``StoreError``."""
    return forget.forget(store, mappers(settings), needles, actor, reason, kept)


def again(store: Store, settings: Settings) -> list[Erased]:
    """Finish what was cut off or undone by a restore; raises as ``erase``."""
    with runs.lease(store, "the sync"):
        return forget.again(store, mappers(settings))


def still_held(connection: Connection) -> list[tuple[Erasure, list[Known]]]:
    """All erasures, each with the records of the person that the store holds."""
    found = erasure.tombstones(connection)
    held: dict[str, list[Known]] = {}
    for item in erasure.records(connection, found) if found is not None else ():
        held.setdefault(item.erasure_id, []).append(item)
    return [(item, held.get(item.id, [])) for item in erasure.listing(connection)]


_Plain = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]
_Instant = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999_999)]  # the end of the year 9999


class _Key(msgspec.Struct, frozen=True):
    id: _Plain
    key: str


class _Tombstone(msgspec.Struct, frozen=True):
    erasure_id: _Plain
    digest: str
    kind: _Plain
    key_id: _Plain


class _Item(msgspec.Struct, frozen=True):
    id: _Plain
    at: _Instant
    actor: _Plain
    reason: _Plain


class Exported(msgspec.Struct, frozen=True):
    """The file that carries erasures to a store restored elsewhere; bytes as base64."""

    format: Literal[1]
    erasures: tuple[_Item, ...]
    keys: tuple[_Key, ...]
    tombstones: tuple[_Tombstone, ...]


def export(connection: Connection) -> bytes:
    """All erasures as a file: digests and their keys, no values."""
    keys = connection.execute(schema.erasure_key.select()).all()
    stones = connection.execute(schema.tombstone.select()).all()
    content = Exported(
        1,
        tuple(_Item(item.id, item.at, item.actor, item.reason) for item in erasure.listing(connection)),
        tuple(_Key(row.id, _text(row.key)) for row in keys),
        tuple(_Tombstone(row.erasure_id, _text(row.digest), row.kind, row.key_id) for row in stones),
    )
    return msgspec.json.format(msgspec.json.encode(content)) + b"\n"


def take_in(store: Store, path: Path) -> int:
    """Take the erasures of such a file over, to be done again; returns how many. Raises ``ErasureError``."""
    try:
        content = msgspec.json.decode(path.read_bytes(), type=Exported)
        keys = [(key.id, base64.b64decode(key.key, validate=True)) for key in content.keys]
        stones = [
            (item.erasure_id, base64.b64decode(item.digest, validate=True), item.kind, item.key_id)
            for item in content.tombstones
        ]
    except OSError as error:
        raise ErasureError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ErasureError(f"{path} is no list of erasures.", "`ltc forget --export` writes one.") from error
    if any(len(key) > 64 for _, key in keys):
        raise ErasureError(f"{path} is no list of erasures.", "`ltc forget --export` writes one.")
    items = [(item.id, item.at, item.actor, item.reason, None) for item in content.erasures]
    with store.transaction() as connection:
        bulk.upsert(connection, schema.erasure, ("id", "at", "actor", "reason", "done_at"), items, ("id",))
        bulk.upsert(connection, schema.erasure_key, ("id", "key"), keys, ("id",))
        columns = ("erasure_id", "digest", "kind", "key_id")
        bulk.upsert(connection, schema.tombstone, columns, stones, ("erasure_id", "digest"))
    return len(items)


def _text(value: bytes) -> str:
    return base64.b64encode(bytes(value)).decode()
