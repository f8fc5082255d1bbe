"""What a person changes in a mapping through a form, and the text of the file after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from console import expressions, mapping_edit, status_words
from console.expressions import Mistyped
from console.records import PERSONAL
from console.suggesting import lacks_currency
from mappings.engine import load
from mappings.errors import MappingFileError
from mappings.model import ENTITIES, LINES, Column, Kind, columns

if TYPE_CHECKING:
    from mappings.engine import StreamMapping
    from mappings.suggest import Proposal

KINDS = ("field", "remove", "status", "text")
MOST_AT_ONCE = 100
"""Suggestions that are taken together."""
_LINE = "lines."
_FIXED = frozenset({"system", "source_id", "status", "source_status"})


def known_fields(entity: str) -> dict[str, Column]:
    """Every canonical field that a mapping of this entity may fill by an expression, of lines as ``lines.NAME``."""
    found = {item.name: item for item in columns(ENTITIES[entity]) if item.name not in _FIXED}
    if entity in LINES:
        found |= {f"{_LINE}{item.name}": item for item in columns(LINES[entity].model)}
    return found


def changed(
    text: str,
    file: str,
    base: str | None,
    stream: str,
    now: StreamMapping | None,
    sent: Mapping[str, str],
    *,
    writes_status: bool,
) -> str:
    """The file's text after the change that a form says.

    ``base`` is what the file extends; ``now`` the stream's mapping before, which every change but that of the whole
    text needs; ``writes_status``, whether statuses of the stream are written back. Raises ``Mistyped``, and
    ``MappingFileError`` for a file that cannot be changed entry by entry.
    """
    kind = sent.get("kind", "")
    if kind == "text":
        return sent.get("text", "").replace("\r\n", "\n")
    if now is None or kind not in KINDS:
        raise Mistyped("kind")
    if kind == "status":
        return mapping_edit.with_status(text, file, stream, *_status(base is not None, now, sent, writes_status))
    name = sent.get("field", "")
    column = known_fields(now.entity).get(name)
    if column is None:
        raise Mistyped("field")
    if kind == "remove":
        if base is not None and _fills(base, stream, name):
            return mapping_edit.with_field(text, file, stream, name, None)
        return mapping_edit.without_field(text, file, stream, name)
    reference = column.kind in (Kind.REF, Kind.REFS)
    after = mapping_edit.with_field(text, file, stream, name, expressions.spec_from(sent, reference=reference))
    own = name.removeprefix(_LINE)
    if ("personal" in sent) is (own in now.personal):
        return after
    names = [item for item in _ordered(now) if item != own] + ([own] if "personal" in sent else [])
    return mapping_edit.with_personal(after, file, stream, names)


def taken(
    text: str,
    file: str,
    stream: str,
    now: StreamMapping,
    proposed: Sequence[Proposal],
    names: Sequence[str],
    currency: str,
) -> str:
    """The file's text with these of the suggested fields; amounts whose currency no field says are in ``currency``.

    Raises ``Mistyped`` if one is not suggested (any more), and ``MappingFileError``.
    """
    known = known_fields(now.entity)
    found = {item.field: item for item in proposed if item.field in known}
    if "currency" in found and lacks_currency(now.entity, {*now.definition.fields, *names}):
        names = [*names, "currency"]
    chosen = [found.get(name) for name in dict.fromkeys(names)]
    personal = _ordered(now)
    if not chosen or None in chosen or len(chosen) > MOST_AT_ONCE:
        raise Mistyped("suggestion")
    for item in chosen:
        assert item is not None  # noqa: S101 - looked at above
        form = {"how": "path", "what": item.path, "ref": item.ref or "", **expressions.steps_of(item.do)}
        reference = known[item.field].kind in (Kind.REF, Kind.REFS)
        text = mapping_edit.with_field(text, file, stream, item.field, expressions.spec_from(form, reference=reference))
        own = item.field.removeprefix(_LINE)
        personal += [own] if own in PERSONAL and own not in personal else []
    if lacks_currency(now.entity, {*now.definition.fields, *names}):
        text = mapping_edit.with_field(text, file, stream, "currency", {"const": currency})
    return text if personal == _ordered(now) else mapping_edit.with_personal(text, file, stream, personal)


def _status(
    extends: bool, now: StreamMapping, sent: Mapping[str, str], writes: bool
) -> tuple[dict[str, object], dict[str, str], dict[str, str]]:
    """The source of the status, its table and what is written of it; of a file that extends another only what differs
    from before."""
    source = {name: sent.get(name, "") for name in ("how", "what", "match", "default")}
    spec = expressions.spec_from(source | {name: sent[name] for name in sent if name.startswith(expressions.STEP)})
    found: dict[str, object] = {"path": spec} if isinstance(spec, str) else dict(spec)
    known = now.definition.status
    table, write = status_words.said(sent, writes=writes, before=known.reverse if known else None)
    if not extends or known is None:
        return found, table, write
    before = expressions.spec_of(known.expression)
    before = {"path": before} if isinstance(before, str) else before
    before["default"] = known.table.get(None)
    stand_for = [status for word, status in known.table.items() if word is not None]  # not the default
    written = {status: word for status, word in known.reverse.items() if stand_for.count(status) > 1}
    return (
        {key: value for key, value in found.items() if before.get(key) != value},
        {word: status for word, status in table.items() if known.table.get(word) != status},
        {status: word for status, word in write.items() if written.get(status) != word},
    )


def _fills(base: str, stream: str, name: str) -> bool:
    """Whether the mapping that a file extends has an entry for the field."""
    try:
        known = load(base).streams.get(stream)
    except MappingFileError:
        return False
    if known is None:
        return False
    lines = known.definition.lines
    fields = (lines.fields if lines else {}) if name.startswith(_LINE) else known.definition.fields
    return name.removeprefix(_LINE) in fields


def _ordered(now: StreamMapping) -> list[str]:
    """The personal fields, in the order of the model."""
    names = dict.fromkeys(name.removeprefix(_LINE) for name in known_fields(now.entity))
    return [name for name in names if name in now.personal]
