"""Why two names of customers count as the same although their words differ, for pages and programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciliation.linking import same_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.i18n import Texts
    from reconciliation.linking.same_words import Same
    from state.links import Link

_ALIKE = ("same", "short", "near", "translated")
"""Levels of likeness that say that the names are one."""


def of_link(link: Link, rows: Mapping[int, Mapping[str, Any]]) -> list[Same]:
    """The words of the two names that differ and count as the same, where the names speak for the link.

    ``rows`` are the canonical rows of its records, by id; a record without a name says nothing.
    """
    alike = json.loads(link.evidence).get("alike") or {}
    if (alike.get("name") or {}).get("level") not in _ALIKE:
        return []
    one, other = (rows.get(end, {}).get("name") for end in (link.left_id, link.right_id))
    return same_words.found(str(one), str(other)) if one and other else []


def sentences(found: list[Same], texts: Texts) -> list[str]:
    """Each of them with the reason, in the language of ``texts``."""
    return [texts(f"links.words.{one.why}", one=one.one or one.other, other=one.other) for one in found]


def level(found: list[Same], evidence: dict[str, Any]) -> dict[str, Any]:
    """The evidence of a link with the name as people read it: not the same if only its trades are taken as one."""
    name = (evidence.get("alike") or {}).get("name")
    if not name or name["level"] != "same" or all(one.why != "other_trade" for one in found):
        return evidence
    return {**evidence, "alike": {**evidence["alike"], "name": {**name, "level": "same_core"}}}
