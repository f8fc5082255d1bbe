"""What the check said of a connection as a form has it, so that none is saved unnoticed that does not work."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from console.web.admin import drafts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.checking import Checked
    from console.web.admin.drafts import Draft
    from console.web.desk import Visit
    from settings.model import SystemSettings

_CONNECTION = ("connector", "config", "streams")
"""What of a system's entry says how it is reached and what is read; roles, schedule and the like need no check."""
_SECONDS = 600.0
"""How long a check holds: what the secrets stand for may change, and so may the system."""
_MOST = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a check."""

    checked: Checked | None
    """``None``: others were being checked, so it was not even begun."""
    good: bool


class Verdicts:
    """The last checks of one workbench, by the connection that was checked."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, Verdict]] = OrderedDict()
        self._lock = Lock()

    def note(self, draft: Draft, verdict: Verdict) -> None:
        """Keep what a check said of the connection as it stands in the form."""
        key = _key(draft)
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (monotonic() + _SECONDS, verdict)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def of(self, draft: Draft) -> Verdict | None:
        """What the last check said of exactly this connection; ``None`` if it was edited since, or that is too old."""
        with self._lock:
            until, verdict = self._kept.get(_key(draft), (0.0, None))
        return verdict if monotonic() < until else None


def verdicts(visit: Visit) -> Verdicts:
    """Those of the workbench."""
    found: Verdicts = visit.request.app.state.verdicts
    return found


def is_needed(draft: Draft) -> bool:
    """Whether the form changes the connection. Raises ``Mistyped``."""
    return not draft.before or _connection(draft.before) != _connection(drafts.entry(draft))


def connection_of(system: SystemSettings) -> dict[str, Any]:
    """What of a system of ltc.yaml says how it is reached and what is read."""
    return _connection(system.model_dump())


def _connection(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry.get(key) or None for key in _CONNECTION}


def _key(draft: Draft) -> str:
    told = json.dumps([draft.name, _connection(drafts.entry(draft))], sort_keys=True, default=str)
    return sha256(told.encode()).hexdigest()
