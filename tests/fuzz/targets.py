"""Every target by its name."""

from __future__ import annotations

from tests.fuzz import connectors, files, http, webhooks, words
from tests.fuzz.engine import Target

TARGETS: dict[str, Target] = {
    target.name: target for module in (connectors, http, files, webhooks, words) for target in module.TARGETS
}
