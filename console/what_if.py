"""``ltc reconcile --what-if``: what other rules would make of the cash that is left to apply, before they hold."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from console import cash as shown
from console.context import App
from console.output import emit_json, say, table
from settings.cash import CashRule
from settings.errors import SettingsError
from yamlfiles.problems import Problem, problems

if TYPE_CHECKING:
    from yamlfiles.reading import Located


_EXAMPLE = "rules: [exact_reference, cleaned_reference, {name: rounding, tolerance: {EUR: '0.05'}}]"


class _File(BaseModel):
    """What the file may say."""

    model_config = ConfigDict(extra="forbid")

    rules: list[CashRule]


def show(app: App, path: str, as_of: datetime | None, as_json: bool) -> int:
    """Compare the rules of a file with those of ltc.yaml on the records as they are; nothing is written.

    Raises ``SettingsError`` for a file that is no list of rules, and ``StoreError``.
    """
    from reconciliation import frame
    from reconciliation.cash import results
    from reconciliation.rules import Rules

    rules = read(Path(path))
    settings = app.settings.reconciliation.cash
    with frame.load(app.store, Rules.of(app.settings, as_of)) as loaded:
        changed, whole = results.compare(loaded, app.store, settings, rules)
    if as_json:
        emit_json(
            [{"before": shown.as_dict(app, before), "after": shown.as_dict(app, after)} for before, after in changed]
        )
        return 0
    if not changed:
        say(app.texts("cash.what_if.same"))
        return 0
    heads = [app.texts(f"cash.columns.{head}") for head in ("receipt", "amount", "before", "after")]
    table(heads, [_row(app, before, after) for before, after in changed])
    say(app.texts("cash.what_if.count", count=f"{len(changed):,}", whole=f"{whole:,}"))
    return 0


def read(path: Path) -> list[CashRule]:
    """The rules of a file: ``rules: [...]``. Raises ``SettingsError`` with every mistake and its line."""
    top = _located(path)
    try:
        return _File.model_validate(dict(top)).rules
    except ValidationError as error:
        raise SettingsError(problems(error, top, _File)) from None


def _located(path: Path) -> Located:
    from yamlfiles.errors import FileUnusable, NoTable
    from yamlfiles.reading import read as read_yaml

    try:
        return read_yaml(path)
    except NoTable:
        raise SettingsError([Problem(path.name, "the file is no table.", _EXAMPLE)]) from None
    except FileUnusable as error:
        raise SettingsError([Problem(error.where, f"{error.message} {error.remedy}".strip(), _EXAMPLE)]) from None


def _row(app: App, before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, ...]:
    amount = shown.money(before["amount"], before["currency"])
    return shown.name(before["record"]), amount, shown.outcome(app, before), shown.outcome(app, after)
