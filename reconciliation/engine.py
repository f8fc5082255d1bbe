"""One reconciliation from links to findings; pure in its inputs: the same records and settings give the same result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from reconciliation import (
    adjustments,
    behind,
    facts,
    frame,
    lifecycle,
    money,
    order_states,
    receivables,
    tieouts,
    writebacks,
)
from reconciliation.cash import results as cash_results
from reconciliation.frame import Frame
from reconciliation.gathering import CARRIED
from reconciliation.linking import link
from reconciliation.linking.blocking import REFUSED, Refused
from reconciliation.observe import observe
from reconciliation.rules import BASIS, Rules
from state import cash, figures, findings, periods, stamps
from state import order_states as kept_states
from state import tieouts as stored_tie_outs
from state.store import Store
from state.tieouts import TieOut

if TYPE_CHECKING:
    from settings.model import Settings


@dataclass(frozen=True, slots=True)
class OpenFindings:
    """Outstanding findings of one stage, department, severity and currency; amounts in minor units."""

    stage: str
    department: str
    severity: str
    currency: str | None
    count: int
    amount: int
    base_amount: int


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What a reconciliation found and changed."""

    as_of: datetime
    base_currency: str
    links: dict[str, int]
    """Links by kind, entities and method."""
    suggested_links: int
    refused_keys: list[Refused]
    """What too many customers share to be compared for it, by kind."""
    changed_links: int
    """Added, changed and removed."""
    tie_outs: list[TieOut]
    opened: int
    reopened: int
    changed: int
    cleared: int
    open: list[OpenFindings]
    roll_forward: dict[str, int]
    judged: tuple[str, ...]
    skipped: dict[str, str]
    """Checks that could not be judged, and why."""
    broken: dict[str, str]
    """Checks of the site's own that fail, and why."""

    @property
    def errors(self) -> int:
        """Outstanding findings of severity error."""
        return sum(item.count for item in self.open if item.severity == "error")

    @property
    def wrote(self) -> bool:
        """Whether links or findings changed."""
        return bool(self.changed_links or self.opened or self.reopened or self.changed or self.cleared)

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON-able data; amounts as decimal text."""
        data = asdict(self)
        data["as_of"] = self.as_of.isoformat().replace("+00:00", "Z")
        data["judged"] = list(self.judged)
        data["errors"] = self.errors
        data["tie_outs"] = [tie_out_as_text(item) for item in self.tie_outs]
        for item in data["open"]:
            item["amount"] = money.text(item["amount"], item["currency"])
            item["base_amount"] = money.text(item["base_amount"], self.base_currency)
        return data


def reconcile(store: Store, settings: Settings, run_id: str, as_of: datetime | None = None) -> ReconcileResult:
    """Link, tie out, check, and bring the stored links, figures and findings up to date.

    ``as_of`` is the instant that is now for every check; default: the settings', else the present. Nothing is written
    if nothing changed. Raises ``StoreError`` and ``DoesNotFootError``.
    """
    with reconciled(store, settings, run_id, as_of) as (_, result):
        return result


@contextmanager
def reconciled(
    store: Store, settings: Settings, run_id: str, as_of: datetime | None = None, *, closing: str | None = None
) -> Iterator[tuple[Frame, ReconcileResult]]:
    """``reconcile``, with the records that it saw at hand for the block.

    ``closing`` is the period that is to be closed: what records contained is at hand, and its receivables are kept.
    """
    rules = Rules.of(settings, as_of)
    with store.reading() as connection:
        moment = kept_states.seen(connection, order_states.inputs(rules))
    with frame.load(store, rules, links=False, hashes=closing is not None) as loaded:
        links = link(loaded, store, run_id)
        facts.prepare(loaded)
        found = _figures(loaded, store, closing)
        found[REFUSED] = {item.kind: asdict(item) for item in links.refused}
        observation = observe(loaded)
        cash_results.note_paid_twice(loaded, found[cash.KIND])
        changes = lifecycle.advance(loaded, store, observation, run_id)
        writebacks.note_agreement(store, loaded)
        order_states.keep(store, loaded, moment)
        _keep(store, rules, run_id, found)
        with store.reading() as connection:
            open_findings = [OpenFindings(*row) for row in findings.totals(connection)]
            roll_forward = findings.roll_forward(connection, run_id)
        yield (
            loaded,
            ReconcileResult(
                as_of=rules.as_of,
                base_currency=rules.base_currency,
                links=links.by_method,
                suggested_links=links.suggested,
                refused_keys=links.refused,
                changed_links=links.added + links.changed + links.removed,
                tie_outs=list(found[stored_tie_outs.KIND].values()),
                opened=len(changes.opened),
                reopened=len(changes.reopened),
                changed=len(changes.changed),
                cleared=len(changes.resolved),
                open=open_findings,
                roll_forward=roll_forward,
                judged=observation.judged,
                skipped=observation.skipped,
                broken=observation.broken,
            ),
        )


def _figures(loaded: Frame, store: Store, closing: str | None) -> dict[str, dict[str, Any]]:
    """Everything that reports say beside the findings, by kind and key; see ``state.figures``."""
    rules = loaded.rules
    ties = tieouts.tie_outs(loaded)
    owed, receipts = receivables.receivables(loaded, store), cash_results.figures(loaded, store)
    receivables.note_matched(owed, receipts)
    behind.note_matched(loaded, ties.behind, receipts)
    basis = {
        **{name: getattr(rules, name) for name in BASIS},
        "version": version("ltc-sync"),
        "own_checks": rules.own_words(),
    }
    return {
        stored_tie_outs.KIND: stored_tie_outs.by_key(ties.all),
        "period": {f"{item['period']} {item['name']} {item['currency']}": item for item in ties.by_period},
        behind.KIND: ties.behind,
        "receivable": owed,
        cash.KIND: receipts,
        "basis": {"": basis},
        **_carried(loaded, store, ties.by_period),
        "receivable_then": _receivables_then(loaded, store, closing),
    }


def _receivables_then(loaded: Frame, store: Store, closing: str | None) -> dict[str, dict[str, Any]]:
    """What was owed at the end of the period that is, or may be, closed next; nothing while that is not over."""
    with store.reading() as connection:
        closed = periods.standing(connection)
    current = loaded.rules.period
    period = closing or (adjustments.after(closed[-1].period) if closed else adjustments.before(current))
    if period >= current:
        return {}
    items = receivables.receivables(loaded, store, adjustments.last_day(period))
    return {f"{period} {key}": {**item, "period": period} for key, item in items.items()}


def _carried(loaded: Frame, store: Store, by_period: list[TieOut]) -> dict[str, dict[str, Any]]:
    """What there is of the period after the last close, by kind and key."""
    closed = adjustments.prepare(loaded, store)
    if closed is None:
        return {kind: {} for kind in CARRIED}
    return {
        "movement": adjustments.movements(loaded, closed, by_period),
        "adjustment": adjustments.adjustments(loaded, store, closed),
        "settled": adjustments.settled(loaded, store, closed),
    }


def carry_on(loaded: Frame, store: Store, run_id: str) -> None:
    """After a close: what there is of the period that is open now. Raises ``StoreError``, ``DoesNotFootError``."""
    with store.reading() as connection:
        by_period = list(figures.standing(connection, "period").values())
    _keep(store, loaded.rules, run_id, _carried(loaded, store, by_period))


def _keep(store: Store, rules: Rules, run_id: str, found: dict[str, dict[str, Any]]) -> None:
    with store.reading() as connection:
        changes = {kind: figures.differ(connection, kind, values) for kind, values in found.items()}
    if any(changes.values()):
        with store.transaction() as connection:
            stamp = stamps.take(connection, rules.fixed_at)
            for kind, texts in changes.items():
                figures.write(connection, kind, texts, run_id, stamp)


def tie_out_as_text(item: TieOut) -> TieOut:
    """A tie-out with its amounts as decimal text, as reports show it."""
    currency = item["currency"]
    return {
        key: {
            name: money.text(number, currency) if name.endswith("amount") else number for name, number in value.items()
        }
        if isinstance(value, dict)
        else value
        for key, value in item.items()
    }
