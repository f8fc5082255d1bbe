"""The settings as commands and pages work with them: what ltc.yaml says, also of the checks that there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import settings
from settings import Problem, SettingsError
from yamlfiles.problems import place
from yamlfiles.reading import Located, parse

if TYPE_CHECKING:
    from settings.model import Settings


def load(path: Path) -> Settings:
    """The settings of that file; raises ``SettingsError``."""
    return _with_known_checks(settings.load(path), None)


def loads(content: str, path: Path) -> Settings:
    """The settings of a text as if it stood in that file; raises ``SettingsError``."""
    found = settings.loads(content, path)
    return _with_known_checks(found, parse(content.replace("\r\n", "\n"), path.name))


def _with_known_checks(found: Settings, top: Located | None) -> Settings:
    """Only what is set is looked at, because reading the catalogue takes time."""
    said = found.reconciliation
    if not said.checks and not said.checks_folder:
        return found
    from reconciliation.checks import own
    from reconciliation.checks.given import problems

    wrong = problems(said.checks, own.load(said.checks_folder))
    if wrong:
        example = "checks: {delivery_late: {grace_days: 3}}   # `ltc checks list` shows them"

        def where(keys: tuple[Any, ...]) -> str:
            whole = ("reconciliation", "checks", *keys)
            return settings.locate(found.path, whole) if top is None else place(top, whole)

        raise SettingsError([Problem(where(keys), what, example) for keys, what in wrong])
    return found
