"""One run in progress: its connections, its record in the store, and the steps that jobs are made of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from connectors.contract import Connector, StreamSpec
from connectors.errors import ConnectorError
from connectors.registry import UnknownConnector
from mappings.engine import Mapping
from mappings.errors import MappingFileError
from state import circuits, creations, held, news, outbox, overwritten, plannings, runs
from state.circuits import Circuit
from state.clock import from_us, now, now_us
from state.creations import CreationPlan
from state.failures import StoreError
from state.outbox import Plan, PlanError
from state.pauses import Pause, Pauses
from state.queries import Phase
from state.store import Store
from sync import create, inputs, process, systems
from sync.outcome import Problem, StreamOutcome
from sync.parallel import Stop, Stoppable, parallel
from sync.plan import make_plan
from sync.progress import Progress, Silent
from sync.result import SyncResult
from sync.services import services_of
from sync.work import working

if TYPE_CHECKING:
    from settings.model import Settings

Step = Callable[[str, Callable[[], Any]], Any]
"""Runs one named piece of work (a stream, the reconciliation); with Prefect it is a task."""

OneStream = Callable[[str, Connector[Any], Mapping, StreamSpec], StreamOutcome]

_TOLD_OF_RECONCILING = ("changed_links", "opened", "reopened", "changed", "cleared")
_STOPS_SYSTEM = ("auth", "quota", "configuration")
_SILENT = ("unreachable", "unanswered")
"""No answer at all: each further stream would wait as long for the next."""


class NotTried(ConnectorError):
    """The stream was left out because of what happened to another one of its system."""

    kind = "not_tried"


class Resting(ConnectorError):
    """The system gave no answer, or a refusal, to several runs in a row, and is not asked for a while."""

    kind = "resting"

    def __init__(self, circuit: Circuit) -> None:
        until = f"{from_us(circuit.until):%Y-%m-%d %H:%M} UTC"
        super().__init__(
            f"Not asked until {until}, because {circuit.runs} runs in a row failed: {circuit.message}",
            remedy=f"{circuit.remedy} `ltc pull --system {circuit.system}` tries it at once.".strip(),
        )


class Misconfigured(ConnectorError):
    """ltc.yaml or the environment does not say how to reach the system."""

    kind = "configuration"


class Unfooted(StoreError):
    """The reconciliation's own figures do not add up, so it is not shown."""

    kind = "does_not_foot"


def directly(_name: str, work: Callable[[], Any]) -> Any:
    """Run a step as it is."""
    return work()


class Session:
    """What the steps of one run share. Connectors are opened when first used and closed at the end."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        result: SyncResult,
        *,
        progress: Progress | None = None,
        step: Step = directly,
        actor: str = "ltc",
        approve: bool = False,
        only: Collection[int] | None = None,
        paused: Pauses | None = None,
        resting: dict[str, Circuit] | None = None,
        unwritten: dict[str, Circuit] | None = None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.result = result
        self.actor = actor
        self.approve = approve
        """Whether a person approves plans that are larger than ltc.yaml allows."""
        self.only = only
        """The items, by their ids, of a plan that is asked for by name; ``None``: all of it."""
        self.paused = paused or Pauses()
        """What this run leaves out, because people have paused it."""
        self.resting = resting or {}
        """Systems that this run does not read, because they rest."""
        self.unwritten = unwritten or {}
        """Those that it does not write to, because they rest."""
        self.stop = Stop()
        self.progress = Stoppable(progress or Silent(), self.stop)
        self.summary: dict[str, Any] = {}
        self.phases: list[Phase] = []
        """What the run did besides its streams."""
        self._step = step
        self._services = services_of(store)
        self._connectors: dict[str, Connector[Any]] = {}
        self._mappings: dict[str, Mapping] = {}
        self._given_up: dict[str, NotTried] = {}
        self._counted: dict[str, int] = {}
        self._counting = threading.Lock()

    def connector(self, system: str) -> Connector[Any]:
        """The system's connector; raises ``ConnectorError``."""
        if system not in self._connectors:
            try:
                self._connectors[system] = systems.open_connector(self.settings, system, self._services)
            except systems.SystemUnusable as error:
                raise Misconfigured(error.message, remedy=error.remedy) from error
        return self._connectors[system]

    def mapping(self, system: str) -> Mapping:
        """The system's mapping; raises ``MappingFileError``."""
        if system not in self._mappings:
            self._mappings[system] = systems.mapping_for(self.settings, system)
        return self._mappings[system]

    def close(self) -> None:
        """Close all connections, and give back what was taken of allowances and not used."""
        for connector in self._connectors.values():
            connector.close()
        self._services.close()

    @contextmanager
    def uncounted(self) -> Iterator[dict[str, int]]:
        """The calls to each system that have not been noted before; they are if the block ends well."""
        with self._counting:
            made = {name: connector.stats.calls for name, connector in list(self._connectors.items())}
            yield {name: calls - self._counted.get(name, 0) for name, calls in made.items()}
            self._counted = made

    def streams(
        self,
        names: Iterable[str],
        direction: str,
        wanted: Sequence[str] | None,
        one: OneStream,
        offered: Callable[[StreamSpec], bool] = lambda _: True,
    ) -> None:
        """Do ``one`` for the streams of each system, the systems side by side.

        ``wanted`` names the streams as ``stream`` or ``system.stream``; ``None`` is all of them.
        """
        jobs = {name: partial(self._system, name, direction, wanted, one, offered) for name in names}
        for outcomes in parallel(jobs, self.stop).values():
            self.result.outcomes += outcomes
        if wanted and not self.result.outcomes and not self.result.paused:
            self.result.problems.append(_no_such_stream(wanted))

    def _system(
        self,
        system: str,
        direction: str,
        wanted: Sequence[str] | None,
        one: OneStream,
        offered: Callable[[StreamSpec], bool],
    ) -> list[StreamOutcome]:
        if self._is_left_out(self.paused.of(system)):
            return []
        if system in self.resting:
            return [self._failed(system, "*", direction, Resting(self.resting[system]))]
        try:
            connector, mapping = self.connector(system), self.mapping(system)
            specs = [spec for spec in self._specs(system, connector, wanted) if offered(spec)]
            specs = [spec for spec in specs if not self._is_left_out(self.paused.of(system, spec.name))]
            specs = self._silent_last(system, specs)
        except (ConnectorError, MappingFileError) as error:
            return [self._failed(system, "*", direction, error)]
        process.started()
        outcomes: list[StreamOutcome] = []
        for spec in specs:
            if self.stop:
                break
            reason = self._given_up.get(system)
            if reason is not None:
                outcomes.append(self._failed(system, spec.name, direction, reason))
                continue
            name = f"{direction} {system}.{spec.name}"
            outcome: StreamOutcome = self._step(name, partial(one, system, connector, mapping, spec))
            self._judge(outcomes, outcome)
        return outcomes

    def _silent_last(self, system: str, specs: list[StreamSpec]) -> list[StreamSpec]:
        """The streams that were not answered the last time after all others: one that is never answered, which leaves
        out those that follow it, keeps them from being read in one run at most."""
        if len(specs) < 2:
            return specs
        with self.store.reading() as connection:
            silent = {spec.name for spec in specs if circuits.was_silent(connection, system, spec.name)}
        return sorted(specs, key=lambda spec: spec.name in silent)

    def _is_left_out(self, pause: Pause | None) -> bool:
        """Whether something is paused; the result says so."""
        if pause is not None and pause not in self.result.paused:
            self.result.paused.append(pause)
        return pause is not None

    def _judge(self, outcomes: list[StreamOutcome], outcome: StreamOutcome) -> None:
        outcomes.append(outcome)
        reason = _why_not(outcomes)
        if reason is not None:
            self._given_up[outcome.system] = reason
        if outcome.status == "interrupted":
            self.stop.set()

    def _specs(self, system: str, connector: Connector[Any], wanted: Sequence[str] | None) -> list[StreamSpec]:
        try:
            specs = systems.ordered_streams(self.settings, system, connector)
        except systems.SystemUnusable as error:
            raise Misconfigured(error.message, remedy=error.remedy) from error
        if wanted:
            specs = [spec for spec in specs if spec.name in wanted or f"{system}.{spec.name}" in wanted]
        return specs

    def _failed(self, system: str, stream: str, direction: str, error: Exception) -> StreamOutcome:
        outcome = StreamOutcome(system, stream, direction)
        with working(self.store, outcome, self.result.run_id, self.progress):
            raise error
        return outcome

    # -- reconciliation and plans

    def reconcile(self, as_of: datetime | None) -> None:
        """Bring links, tie-outs and findings up to date, or keep those of the last time if nothing has changed."""
        day = as_of or self.settings.as_of or now()
        began = now_us()
        with self.store.reading() as connection:
            digest = inputs.digest(self.settings, self._usable_mappings(), day)
            before = news.last(connection)
            if before is not None and news.is_current(connection, before[0], digest):
                self.summary = dict(before[1])
                self._show_reconciliation()
                self.phases.append(Phase("kept", "", began, now_us(), {"open": self._open_findings()}))
                return
            mark = news.take(connection, digest)
        outcome = StreamOutcome("all", "reconciliation", "reconcile")
        self.progress.stream_started("all", "reconciliation", "reconcile")
        started = time.monotonic()
        with runs.lease(self.store, "the reconciliation", seconds=1800) as lease:
            found = self._step("reconcile", partial(self._reconcile, self.store.fenced(lease), day))
        outcome.counts = {name: value for name, value in found.items() if type(value) is int}
        outcome.status, outcome.seconds = "done", time.monotonic() - started
        self.progress.stream_done(outcome)
        told = {name: outcome.counts.get(name, 0) for name in _TOLD_OF_RECONCILING}
        self.phases.append(Phase("reconcile", "", began, now_us(), told))
        self.result.reconciled = True
        self.summary = {
            "mark": mark.as_dict(),
            "planned": [],
            "reconciliation": found,
            "reconcile_run": self.result.run_id,
        }
        self._show_reconciliation()

    def _usable_mappings(self) -> dict[str, Mapping]:
        found = {}
        for name in self.settings.systems:
            with suppress(MappingFileError):  # the system's own part of the run says what is wrong with it
                found[name] = self.mapping(name)
        return found

    def _reconcile(self, store: Store, day: datetime) -> dict[str, Any]:
        from reconciliation.engine import reconcile
        from reconciliation.tieouts import DoesNotFootError

        try:
            result: dict[str, Any] = reconcile(store, self.settings, self.result.run_id, day).as_dict()
        except DoesNotFootError as error:
            raise Unfooted(str(error), "Nothing was changed. This is a fault in ltc: please report it.") from error
        return result

    def _open_findings(self) -> int:
        """So many were outstanding when it was last reconciled, and still are: decisions have it done anew."""
        return sum(item["count"] for item in (self.result.reconcile or {}).get("open", ()))

    def _show_reconciliation(self) -> None:
        self.result.reconcile = self.summary.get("reconciliation")
        self.result.reconcile_run_id = self.summary.get("reconcile_run")

    def plan(self, names: Iterable[str]) -> None:
        """Set ``result.plans`` to what is to be written to these systems now."""
        usable = self._usable_mappings()
        asked = [name for name in names if self.settings.systems[name].push != "off" and name in usable]
        plans = self._plans_of_last_time(asked)
        anew, began = plans is None, now_us()
        if plans is None:
            work = partial(make_plan, self.store, self.settings, self.result.run_id, asked)
            plans = self._step("plan", work)
            if self.summary:
                self.summary["planned"] = sorted({*self.summary["planned"], *asked})
        self.result.plans = [plan for plan in plans if plan.open_items]
        self.result.new_records = self._plan_creations(asked, anew)
        if anew:
            self.phases += [self._planned(name, began) for name in asked]

    def _planned(self, name: str, began: int) -> Phase:
        writes = sum(len(plan.open_items) for plan in self.result.plans if plan.system == name)
        made = sum(len(plan.items) for plan in self.result.new_records if plan.system == name)
        with self.store.reading() as connection:
            asked = held.counts(connection, name).get("ask", 0)
        return Phase("plan", name, began, now_us(), {"planned": writes, "to_create": made, "to_decide": asked})

    def _plan_creations(self, asked: Sequence[str], anew: bool) -> list[CreationPlan]:
        """What is to be created in these systems: planned ``anew``, or as it was planned last."""
        if not anew:
            return create.stored_plans(self.store, asked)
        found: list[CreationPlan] = []
        for name in asked:
            try:
                work = partial(create.plan_creations, self.store, self.settings, self.result.run_id, [name])
                found += self._step(f"plan new records in {name}", work) if self._may_create_in(name) else []
            except (create.Unfit, MappingFileError) as error:
                problem = Problem("configuration", error.message, error.remedy, name)
                self.result.problems += [problem] if problem not in self.result.problems else []
        return found

    def _may_create_in(self, name: str) -> bool:
        """Whether there is a rule for the system, or something left of one."""
        if any(rule.to_system == name for rule in self.settings.creation):
            return True
        with self.store.reading() as connection:
            return name in creations.systems_at_work(connection)

    def _plans_of_last_time(self, asked: Sequence[str]) -> list[Plan] | None:
        """The plans there are, if planning now would make the same; ``None`` if it may not."""
        if not asked:
            return []
        if not set(asked) <= set(self.summary.get("planned", ())):
            return None
        with self.store.reading() as connection:
            if outbox.has_loose_doubts(connection, asked):
                return None
            return outbox.open_plans(connection, asked)

    def apply(self, names: Iterable[str], current: bool = True) -> bool:
        """Carry out the plans of these systems, side by side; returns whether anything changed in a source."""
        chosen = {plan.system: plan for plan in self.result.plans if plan.system in names}
        chosen = {name: plan for name, plan in chosen.items() if not self._is_left_out(self._pause_of(plan))}
        jobs = {name: partial(self._apply, plan, current) for name, plan in chosen.items()}
        changed = False
        for name, outcomes in parallel(jobs, self.stop).items():
            if not outcomes:
                continue  # refused: `problems` says why
            self.result.outcomes += outcomes
            changed = changed or any(
                outcome.counts.get(word) for outcome in outcomes for word in ("applied", "unchanged")
            )
            with self.store.reading() as connection:
                self.result.applied.append(outbox.load(connection, chosen[name].id))
        done = {plan.id for plan in self.result.applied if not plan.open_items}
        self.result.plans = [plan for plan in self.result.plans if plan.id not in done]
        if self.summary:
            broken = {plan.system for plan in self._broken()}
            self.summary["planned"] = [name for name in self.summary["planned"] if name not in broken]
        return self._create(names, current) or changed

    def plan_rest(self, names: Iterable[str]) -> None:
        """Make plans of what was left of those that were carried out, so that whoever looks sees the present ones."""
        if self._broken() and not self.stop:
            self.plan(names)

    def _broken(self) -> list[Plan]:
        return [plan for plan in self.result.applied if plan.open_items and not outbox.is_whole(plan)]

    def _create(self, names: Iterable[str], current: bool) -> bool:
        """Create what is planned for these systems, side by side; returns whether anything is there now."""
        chosen = {plan.system: plan for plan in self.result.new_records if plan.system in names}
        chosen = {name: plan for name, plan in chosen.items() if not self._is_left_out(self._pause_of(plan))}
        jobs = {name: partial(self._create_in, plan, current) for name, plan in chosen.items()}
        changed = False
        for name, outcomes in parallel(jobs, self.stop).items():
            self.result.outcomes += outcomes
            sums = [outcome.counts.get(word) for outcome in outcomes for word in ("applied", "unchanged")]
            changed = changed or any(sums)
            if outcomes:
                with self.store.reading() as connection:
                    items = creations.of_ids(connection, [item.id for item in chosen[name].items])
                self.result.created.append(replace(chosen[name], items=tuple(items)))
        left = create.stored_plans(self.store, [name for name in chosen if name in self.settings.systems])
        others = [plan for plan in self.result.new_records if plan.system not in chosen]
        self.result.new_records = [*others, *left]
        return changed

    def _pause_of(self, plan: Plan | CreationPlan) -> Pause | None:
        """Why a plan waits: its system, or a stream that it writes to, is paused; it is carried out whole or not."""
        return self.paused.among(
            plan.system, sorted({item.stream for item in plan.items if item.status in outbox.OPEN})
        )

    def _refuse_paused(self, pause: Pause | None) -> None:
        """For what a person asked for by name: raises ``PlanError`` if it is paused."""
        if pause is not None:
            raise PlanError(
                f"Nothing is written to {pause.system}: {pause.paused_by} has paused {pause.what} ({pause.reason}).",
                f"`ltc resume {pause.what}`, or add `--paused` to write all the same.",
            )

    def apply_only(self, plan_id: str) -> None:
        """Carry out this plan if it still is what is wanted."""
        new = [plan for plan in create.stored_plans(self.store, self.settings.systems) if plan.id == plan_id]
        if new:
            if self.only is not None:
                gone = f"Plan {plan_id} for {new[0].system} is no longer what you have seen."
                raise PlanError(gone, "Look at it again.")
            self._refuse_paused(self._pause_of(new[0]))
            self.result.new_records = new
            self._create([new[0].system], current=False)
            return
        with self.store.reading() as connection:
            plan = outbox.load(connection, plan_id)
        self._refuse_paused(self._pause_of(plan))
        self.result.plans = [plan]
        self.apply([plan.system], current=False)
        with self.store.reading() as connection:
            self.result.plans = [plan for plan in outbox.open_plans(connection, [plan.system]) if plan.open_items]
        self.plan_rest([plan.system])

    def restore(self, item_id: int, reason: str) -> None:
        """Write back now what a write-back had replaced; what else is wanted of the system stays planned.

        Raises ``PlanError`` if there is nothing to be written back.
        """
        from sync.plan import plan_system, to_put_back

        with self.store.transaction() as connection:
            item = overwritten.one(connection, item_id)
            self._refuse_paused(self.paused.of(item.system, item.stream))
            mapping = self.mapping(item.system)
            changes = to_put_back(connection, mapping, item, self._never_takes(item.system, item.stream))
            overwritten.restore(connection, item, changes, self.actor, reason)
        known = (self.store, self.settings, mapping, item.system, None, self.result.run_id)
        plan = plannings.until_kept(partial(plan_system, *known, restored=item.record_id))
        self.result.plans = [plan] if plan is not None else []
        self.apply([item.system])
        self.plan([item.system])

    def _never_takes(self, system: str, stream: str) -> Sequence[tuple[str, Any]]:
        try:
            return systems.connector_class(self.settings, system).never_takes.get(stream, ())
        except (systems.SystemUnusable, UnknownConnector):  # the write will say so
            return ()

    def _apply(self, plan: Plan, current: bool) -> list[StreamOutcome]:
        from sync.push import apply_plan

        return self._carry_out("push", plan.system, partial(apply_plan, only=self.only), plan.id, current)

    def _create_in(self, plan: CreationPlan, current: bool) -> list[StreamOutcome]:
        from sync.making import apply_creations

        return self._carry_out("create", plan.system, apply_creations, plan, current)

    def _carry_out(
        self, direction: str, system: str, job: Callable[..., list[StreamOutcome]], plan: Any, current: bool
    ) -> list[StreamOutcome]:
        if system in self.unwritten:
            return [self._failed(system, "*", direction, Resting(self.unwritten[system]))]
        if system in self._given_up:
            return [self._failed(system, "*", direction, self._given_up[system])]
        try:
            connector, mapping = self.connector(system), self.mapping(system)
        except (ConnectorError, MappingFileError) as error:
            return [self._failed(system, "*", direction, error)]
        try:
            work = partial(
                job,
                self.store,
                self.settings,
                connector,
                mapping,
                plan,
                run_id=self.result.run_id,
                actor=self.actor,
                current=current,
                approve=self.approve,
                progress=self.progress,
            )
            outcomes: list[StreamOutcome] = self._step(f"{direction} {system}", work)
        except (PlanError, StoreError) as error:
            kind = getattr(error, "kind", "plan")
            self.result.problems.append(Problem(kind, error.message, error.remedy, system))
            return []
        if any(outcome.status == "interrupted" for outcome in outcomes):
            self.stop.set()
        return outcomes


def _why_not(outcomes: Sequence[StreamOutcome]) -> NotTried | None:
    """Why there is no sense in trying the system again in this run: refused, not there, or down twice in a row."""
    last = outcomes[-1].error
    if last is None:
        return None
    down = len(outcomes) > 1 and all(item.error and item.error.kind == "transient" for item in outcomes[-2:])
    if last.kind in _SILENT:
        said = f"Not tried: the system did not answer (stream {outcomes[-1].stream})."
        return NotTried(said, remedy=last.remedy)
    if last.kind in _STOPS_SYSTEM or down:
        return NotTried(f"Not tried: {last.message}", remedy=last.remedy)
    return None


def _no_such_stream(wanted: Sequence[str]) -> Problem:
    return Problem(
        "configuration",
        f"None of the systems asked for offers {', '.join(wanted)}.",
        "`ltc connectors describe NAME` lists the streams of a connector.",
    )
