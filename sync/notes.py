"""Show on a source record why it could not be written: the text of its dead letters, in a field that the mapping names.

A text is planned and written like any other value; it is written once, only over nothing or over an earlier text of
ours, and taken away when no dead letter is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mappings.definition import ERROR_NOTE
from mappings.engine import decode
from mappings.errors import MappingError
from state import errornotes, history, locks, outbox, writelog
from state.errornotes import Shown
from state.outbox import FieldChange, Item, OutboxStatus
from sync.echoes import rewritten

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from mappings.engine import Mapping as SystemMapping
    from mappings.engine import StreamMapping
    from settings.model import Settings

LONGEST = 255
"""Characters of a text; what is longer is cut."""

_SAYS = {"en": "LTC: {fields} could not be written: {message}", "zh-CN": "LTC：{fields} 未能写入：{message}"}
_HIDDEN = "•••"


def planned(
    connection: Connection, settings: Settings, mapping: SystemMapping, system: str, items: Sequence[Item]
) -> list[Item]:
    """The texts to be written beside ``items``, which are all else that is wished of the system.

    A record that is to be written anyway waits for its outcome.
    """
    fields = {name for name, stream in mapping.streams.items() if ERROR_NOTE in stream.definition.write}
    if not fields:
        return []
    keys = [item.idempotency_key for item in items]
    wished = set(keys)
    letters: dict[int, list[Item]] = {}
    known = [item for item in outbox.dead_letters(connection, system) if item.idempotency_key in wished]
    for item in (*known, *(item for item in items if item.status is OutboxStatus.REJECTED)):
        if item.stream in fields and not errornotes.is_note(item):
            letters.setdefault(item.record_id, []).append(item)
    had = errornotes.settled(connection, keys)
    busy = {item.record_id for item in items if item.status is OutboxStatus.PLANNED and item.idempotency_key not in had}
    shown = {key: last for key, last in errornotes.last_texts(connection, system).items() if last.stream in fields}
    wanted = (letters.keys() | shown.keys()) - busy - locks.locked_ids(connection)
    found = []
    for record_id, base in outbox.bases(connection, wanted):
        if outbox.is_usable(base):
            texts = letters.get(record_id, [])
            note = _note(connection, settings, mapping, system, texts, shown.get(record_id), (record_id, base))
            found += [note] if note is not None else []
    return found


def _note(
    connection: Connection,
    settings: Settings,
    mapping: SystemMapping,
    system: str,
    letters: Sequence[Item],
    last: Shown | None,
    record: tuple[int, outbox.Base],
) -> Item | None:
    record_id, base = record
    stream, entity, source_id = _names(letters, last)
    mapper = mapping.stream(stream)
    document = decode(base.body)
    text = said(letters, mapper, settings.locale) if letters else None
    try:
        if not _is_due(text, mapper.source_value(ERROR_NOTE, document), last):
            return None
        source_field, source_new = mapper.reverse(ERROR_NOTE, text)
    except MappingError:
        return None
    before = mapper.source_value(ERROR_NOTE, document)
    reason = "Its dead letters say so." if text else "No dead letter of it is left."
    change = FieldChange(ERROR_NOTE, source_field, before, text, before, source_new, reason)
    key = outbox.idempotency_key(system, stream, source_id, (base.seq, base.hash), [(source_field, source_new)])
    number = history.rows(connection, entity, [record_id]).get(record_id, {}).get("number")
    return Item(system, stream, entity, record_id, source_id, number, base.seq, (change,), key)


def _names(letters: Sequence[Item], last: Shown | None) -> tuple[str, str, str]:
    if letters:
        return letters[0].stream, letters[0].entity, letters[0].source_id
    assert last is not None  # noqa: S101 - one of both is why the record is looked at
    return last.stream, last.entity, last.source_id


def _is_due(text: str | None, shown: Any, last: Shown | None) -> bool:
    """Whether the text is to be written over what is shown."""
    ours = last is not None and rewritten(last.sent, shown)
    if shown not in (None, "") and not ours:
        return False  # somebody else wrote there
    if text is None:
        return shown not in (None, "")
    if rewritten(text, shown):
        return False
    return last is None or last.sent_hash != writelog.digest(text)  # somebody took this very text away: it stays away


def said(letters: Sequence[Item], mapping: StreamMapping, locale: str) -> str:
    """The text for a record, at most ``LONGEST`` characters, without personal values."""
    parts: list[str] = []
    for item in letters:
        message = item.message
        for change in item.changes:
            if change.field in mapping.personal:
                message = _without(message, (change.old, change.new, change.source_old, change.source_new))
        fields = ", ".join(change.source_field or change.field for change in item.changes)
        parts.append(_SAYS[locale].format(fields=fields, message=" ".join(message.split())))
    whole = " ".join(dict.fromkeys(parts))
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"


def _without(message: str, values: Sequence[Any]) -> str:
    for value in sorted({str(value) for value in values if value not in (None, "")}, key=len, reverse=True):
        message = message.replace(value, _HIDDEN)
    return message
