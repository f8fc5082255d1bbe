"""Every target by its name."""

from __future__ import annotations

from tests.fuzz import connectors, files, http, manifests, supplied, webhooks, words
from tests.fuzz.engine import Target

_MODULES = (connectors, manifests, http, files, supplied, webhooks, words)
TARGETS: dict[str, Target] = {target.name: target for module in _MODULES for target in module.TARGETS}
