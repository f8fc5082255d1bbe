"""A proposed mapping as YAML: what is sure as it is, what is not as comments, with the confidence of each line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from mappings.statuses import STATUSES
from mappings.suggest import Proposal, Suggestion

_PERSONAL = frozenset({"email", "phone", "contact_name", "first_name", "last_name", "address_line"})
_WORDS = ("true", "false", "null", "yes", "no", "on", "off")


class Remarks(NamedTuple):
    """The comments of the file, each on one line."""

    statuses: str = "The statuses of {entity}: {known}"
    unclear: str = (
        "Replace each ? by the status that the word means, then remove the # before these lines. Nothing is guessed."
    )
    left: str = "Source fields that resemble no field of {entity}: {names}"


def written(connector: str, found: Iterable[Suggestion], remarks: Remarks | None = None) -> str:
    """The whole file; ``mappings.engine.load`` takes it as it is. ``remarks`` are in English unless given."""
    said = remarks or Remarks()
    lines = ["version: 1", f"connector: {connector}", "streams:"]
    for item in found:
        lines += [f"  {item.stream}:", f"    entity: {item.entity}"]
        sure = [proposal for proposal in item.fields if proposal.sure]
        lines.append("    fields:" if sure else "    fields: {}")
        lines += [_line(proposal) for proposal in item.fields]
        lines += _status_lines(item, said)
        if item.lines is not None:
            lines += ["    lines:", f"      path: {quoted(item.lines.path)}", "      fields:"]
            lines += [f"  {_line(proposal)}" for proposal in item.lines.fields]
        personal = [proposal.field for proposal in sure if proposal.field in _PERSONAL]
        lines += [f"    personal: [{', '.join(personal)}]"] if personal else []
        if item.left:
            lines.append(f"    # {said.left.format(entity=item.entity, names=', '.join(item.left))}")
    return "\n".join([*lines, ""])


def _line(item: Proposal) -> str:
    parts = [f"path: {quoted(item.path)}"]
    parts += [f"do: [{', '.join(item.do)}]"] if item.do else []
    parts += [f"ref: {item.ref}"] if item.ref else []
    value = quoted(item.path) if len(parts) == 1 else f"{{{', '.join(parts)}}}"
    return f"      {'' if item.sure else '# '}{item.field}: {value}  # {item.confidence} %"


def _status_lines(item: Suggestion, said: Remarks) -> list[str]:
    if item.status is None:
        return []
    known = ", ".join(STATUSES[item.entity])
    whole = all(item.status.values.values())
    mark = "" if whole else "# "
    lines = [f"    # {said.statuses.format(entity=item.entity, known=known)}"]
    if not whole:
        lines.append(f"    # {said.unclear}")
    lines += [f"    {mark}status:", f"    {mark}  path: {quoted(item.status.path)}", f"    {mark}  values:"]
    return [*lines, *(f"    {mark}    {quoted(word)}: {name or '?'}" for word, name in item.status.values.items())]


def quoted(text: str) -> str:
    """A text as a plain value of YAML: bare where it cannot be taken for anything else."""
    plain = re.fullmatch(r"[A-Za-z_][\w.]*", text, re.ASCII) and text.lower() not in (
        "true",
        "false",
        "null",
        "yes",
        "no",
        "on",
        "off",
    )
    return text if plain else json.dumps(text, ensure_ascii=False)
