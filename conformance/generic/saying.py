"""What a generic stand-in says instead of an answer, so that the manifest's own rules know it."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import msgspec

from conformance.generic.documents import Impossible, document, merged
from conformance.world import Answer
from connectors.declarative.failures import Classifier, Conflict, Missing
from connectors.declarative.manifest import Manifest
from connectors.declarative.rules import ErrorRule, Kind
from connectors.errors import AuthError, ConnectorError, QuotaError, RecordError, TransientError

_KINDS: dict[str, type[ConnectorError]] = {
    "transient": TransientError,
    "auth": AuthError,
    "quota": QuotaError,
    "record": RecordError,
    "missing": Missing,
    "conflict": Conflict,
}
_PLAIN = {"transient": 429, "auth": 401, "record": 422, "missing": 404, "conflict": 409}
"""The status that says it where the manifest has no rule for it."""


_INSIDE: tuple[Kind, ...] = ("contract", "record", "auth", "transient", "quota")


class Sayings:
    """The answers by kind."""

    def __init__(self, manifest: Manifest) -> None:
        self._rules = manifest.errors
        self._judge = Classifier(manifest.name, manifest.errors)

    def answer(self, kind: Kind, *, statuses: Sequence[int] = ()) -> Answer | None:
        """An answer of that kind, by a rule of the manifest or its status; ``None`` if there is none.

        With ``statuses`` only by one of these.
        """
        for rule in self._rules:
            for made in _answers(rule) if rule.kind == kind else ():
                if (not statuses or made.status in statuses) and self._is(made, kind):
                    return made
        plain = _PLAIN.get(kind)
        if plain is None or statuses:
            return None
        made = Answer(plain, {})
        return made if self._is(made, kind) else None

    def inside_success(self) -> Answer | None:
        """Any error that the manifest finds in a 200."""
        for kind in _INSIDE:
            found = self.answer(kind, statuses=(200,))
            if found is not None:
                return found
        return None

    def _is(self, answer: Answer, kind: str) -> bool:
        body = msgspec.json.encode(answer.body)
        response = httpx.Response(answer.status, content=body, request=httpx.Request("GET", "http://kit.example/"))
        found = self._judge(response)
        if found is None:
            return kind in ("auth", "transient") and answer.status == _PLAIN[kind]
        return type(found) is _KINDS[kind] if kind in _KINDS else not isinstance(found, tuple(_KINDS.values()))


def _answers(rule: ErrorRule) -> list[Answer]:
    try:
        body = document(rule.when, True) if rule.when is not None else {}
        if rule.message is not None:
            body = merged(document(rule.message, "Refused for the kit"), body)
    except Impossible:
        return []
    return [Answer(status, body) for status in rule.statuses or (200, 400)]
