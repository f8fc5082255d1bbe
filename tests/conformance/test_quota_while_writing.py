"""A quota used up at any call of a push or a creation: what is told as not sent was not sent, and all is done once.

Played by the kit on every stand-in whose vendor knows a quota, at each call in turn, also right after a write of which
the answer was lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.catalogue import Check
from conformance.generic.world import world_of as of_manifest
from conformance.lab import Lab
from conformance.needs import Need
from conformance.runner import Run, Status
from conformance.world import Answer, World
from conformance.worlds import world_of
from connectors.contract import Outcome, PushResult
from connectors.errors import QuotaError

SHOP = Path(__file__).with_name("shop.yaml")
DAYS = 3 * 86400.0
MOST_CALLS = 40
DONE = (Outcome.APPLIED, Outcome.UNCHANGED)
OPEN = (Outcome.UNKNOWN, Outcome.RETRY)


def _quota(lab: Lab) -> Answer:
    said = lab.world.says("quota")
    assert said is not None
    return said


def _use_up(lab: Lab, calls: int, where: str, lost: bool) -> None:
    """After so many calls; ``lost``: the first write is carried out, and its answer does not come."""
    said = _quota(lab)
    if lost:
        lab.world.faults.cut(where, act=True)
    calls_of_ours = f"^(?!.*(?:{lab.world.token}))" if lab.world.token else ""
    lab.world.faults.answer(calls_of_ours, said.status, said.body, headers=said.headers, skip=calls, times=10_000)


def _told(results: Iterator[PushResult], of: Callable[[PushResult], str]) -> tuple[dict[str, PushResult], bool, bool]:
    """Results by id or key, whether the quota ended it, and whether it says that the rest was not sent."""
    found: dict[str, PushResult] = {}
    try:
        for result in results:
            found[of(result)] = result
    except QuotaError as error:
        return found, True, not error.sent
    return found, False, False


def _each(count: int, play: Callable[[int], bool]) -> None:
    """At each call in turn, until it is not met any more."""
    for calls in range(count):
        if not play(calls):
            return
    raise AssertionError(f"{count} calls were not enough")


def pushing(lost: bool) -> Callable[[Lab], None]:
    """Three changes."""

    def play(lab: Lab) -> None:
        _each(MOST_CALLS, lambda calls: _push(lab, calls, lost))

    return play


def _push(lab: Lab, calls: int, lost: bool) -> bool:
    connector = lab.connect()
    ids = lab.world.insert(lab.stage, 3)
    held = lab.pull(lab.reader(), connector).held
    changes = {item: lab.change(held[item]) for item in ids}
    _use_up(lab, calls, lab.stage.write, lost)
    results, ended, unsent = _told(connector.push(lab.stage.stream, list(changes.values())), lambda it: it.source_id)
    lab.world.faults.clear()
    for item, change in changes.items():
        times, result = lab.applied(item), results.get(item)
        sure = unsent if result is None else result.outcome is Outcome.RETRY
        lab.expect(not (sure and times), f"After {calls} calls a change is told as not sent, and was carried out.")
        lab.expect(result is None or result.outcome not in DONE or times == 1, "A change is told as done and is not.")
        if result is None or result.outcome in OPEN:
            lab.later(DAYS)
            again = replace(change, unsure=not sure)
            open_one = PushResult(item, Outcome.RETRY if sure else Outcome.UNKNOWN)
            lab.until_settled(lab.connect(), again, open_one)
        lab.is_shown(item, change.values, "A change is not there in the end.")
        lab.expect(lab.applied(item) == 1, f"After {calls} calls a change was carried out {lab.applied(item)} times.")
    lab.later(DAYS)
    return ended or any(result.outcome in OPEN for result in results.values())


def creating(lost: bool) -> Callable[[Lab], None]:
    """Two new records."""

    def play(lab: Lab) -> None:
        _each(MOST_CALLS, lambda calls: _create(lab, calls, lost))

    return play


def _create(lab: Lab, calls: int, lost: bool) -> bool:
    stream, before = lab.stage.stream, set(lab.shown())
    records = [lab.new(f"ltc-quota-{calls}-{number}") for number in range(2)]
    _use_up(lab, calls, lab.stage.create, lost)
    results, ended, unsent = _told(lab.connect().create(stream, records), lambda it: it.key)
    lab.world.faults.clear()
    made = len(set(lab.shown()) - before)
    sure = [
        record
        for record in records
        if (unsent if record.key not in results else results[record.key].outcome is Outcome.RETRY)
    ]
    lab.expect(made <= len(records) - len(sure), f"After {calls} calls a record is told as not sent, and was made.")
    for record in records:
        result: PushResult | None = results.get(record.key)
        unsure = record not in sure
        for _ in range(4):
            if result is not None and result.outcome in DONE:
                break
            lab.later(DAYS)
            (result,) = lab.connect().create(stream, [replace(record, unsure=unsure)])
            unsure = unsure or result.outcome is Outcome.UNKNOWN
    made = len(set(lab.shown()) - before)
    lab.expect(made == len(records), f"After {calls} calls {made} records were made of {len(records)}.")
    lab.later(DAYS)
    return ended or any(result.outcome in OPEN for result in results.values())


def _keyed(folder: Path) -> Path:
    """The shop, which also takes writes under an idempotency key, so that they are repeated."""
    manifest: dict[str, Any] = yaml.safe_load(SHOP.read_text("utf-8"))
    for part in ("update", "create"):
        sent = manifest["streams"]["order"][part]
        sent["headers"] = {**sent.get("headers", {}), "Idempotency-Key": "{idempotency_key}"}
    path = folder / "shop.yaml"
    path.write_text(json.dumps(manifest))
    return path


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "after a lost answer"])
@pytest.mark.parametrize("name", ["jiandaoyun", "salesforce", "xero", "shop", "shop with keys"])
def test_what_is_told_as_not_sent_over_a_quota_was_not_sent_and_all_is_done_once(
    name: str, lost: bool, tmp_path: Path
) -> None:
    make: type[World]
    if name.startswith("shop"):
        make = of_manifest(_keyed(tmp_path) if "keys" in name else SHOP)
    else:
        make = world_of(name)
    plays = {"push": (pushing, Need.WRITE), "create": (creating, Need.CREATE)}
    checks = [
        Check(f"quota-{kind}", "writing", {}, of(lost), (Need.QUOTA, need), seconds=120.0)
        for kind, (of, need) in plays.items()
    ]
    with Run(make) as run:
        results = list(run.results(checks))
    assert [(item.check.name, item.why) for item in results if item.status in (Status.FAILED, Status.BROKEN)] == []
    assert any(item.status is Status.PASSED for item in results)
