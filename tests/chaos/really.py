"""The real reconciliation, twice: of the store as a history left it, and of one filled from the systems' true content.

They must find the same, to the last cent. It costs most of a second, so a run has it done for one history in so many.
"""

from __future__ import annotations

import shutil
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mappings.statuses import is_out_of_order
from reconciliation.engine import reconcile
from reconciliation.tieouts import foots
from state import findings, tieouts
from state.clock import now
from state.store import Store, open_store
from sync import job as jobs
from tests.chaos import company, judge
from tests.chaos.judge import Fault
from tests.chaos.machine import Machine, SimStore

if TYPE_CHECKING:
    from settings.model import Settings
    from tests.chaos.source import Source


def faults(machine: Machine, settings: Settings) -> list[Fault]:
    """Where the two disagree, or do not add up."""
    for system, source in machine.sources.items():
        stream = company.STREAMS[system]
        if not all(judge.is_understood(stream, values) for values in source.truth(stream).values()):
            return []  # a record in quarantine counts with what it showed before
    ours = _found(machine.watching(), settings)
    path = machine.folder / "fresh.db"
    shutil.copyfile(machine.template, path)
    with open_store(f"sqlite:///{path}") as fresh:
        machine.run([(lambda process: jobs.run_pull(SimStore(process, fresh.engine), settings), [], "host")])
        true = _found(fresh, settings)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    found = [Fault("wrong_totals", f"{name} does not add up") for name in ours["unfooted"]]
    for part in ("tie_outs", "findings"):
        missing = [item for item in true[part] if item not in ours[part]]
        extra = [item for item in ours[part] if item not in true[part] and not _is_memory(machine, part, item)]
        if missing or extra:
            found.append(Fault("wrong_totals", f"{part}: missing {missing[:2]}, too many {extra[:2]}"))
    return found


def _is_memory(machine: Machine, part: str, item: Any) -> bool:
    """Whether it is about what happened, of which a store that begins today knows nothing: a deletion, or a status that
    really changed against its order.
    """
    if part != "findings" or item[0] not in ("deleted_elsewhere", "status_out_of_order"):
        return False
    sources = [(machine.sources[system], source_id) for system, source_id in item[3]]
    if item[0] == "status_out_of_order":
        return any(_went_back(source, source_id) for source, source_id in sources)
    return any(
        source_id in source.gone and source_id not in source.truth(company.STREAMS[source.name])
        for source, source_id in sources
    )


def _went_back(source: Source, source_id: str) -> bool:
    """Whether two versions of a record, one after the other or not, show statuses in an order that is none."""
    stream = company.STREAMS[source.name]
    words = company.STATUSES[stream]
    record = source.streams[stream].get(source_id)
    shown = (
        [words.get(version.values.get("state", "")) for version in record.versions if version.values] if record else []
    )
    return any(is_out_of_order(company.ENTITIES[stream], *pair) for pair in combinations(shown, 2))


def _found(store: Store, settings: Settings) -> dict[str, Any]:
    reconcile(store, settings, "judge", now())
    with store.reading() as connection:
        figures = tieouts.latest(connection)
        listed = findings.listing(connection)
    seen = [
        (item.check_id, item.amount, item.currency, sorted((it.system, it.source_id) for it in item.records))
        for item in listed
    ]
    unfooted = [item["name"] for item in figures if not foots(item)]
    return {"tie_outs": figures, "findings": seen, "unfooted": unfooted}
