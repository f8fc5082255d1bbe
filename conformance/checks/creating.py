"""Creating: a record that is to exist once exists once, whatever happens to the answers."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from conformance.catalogue import check
from conformance.lab import TIMEOUT, Lab
from conformance.needs import Need
from connectors.contract import Connector, NewRecord, Outcome, PushResult
from connectors.errors import ConnectorError


def _create(lab: Lab, connector: Connector[Any], *records: NewRecord) -> list[PushResult]:
    results = list(connector.create(lab.stage.stream, records))
    lab.expect(
        [item.key for item in results] == [item.key for item in records], "The results are others, or in another order."
    )
    return results


def _settled(lab: Lab, record: NewRecord, result: PushResult) -> PushResult:
    """As the outbox does: later and again, until it is known."""
    for _ in range(4):
        if result.outcome not in (Outcome.UNKNOWN, Outcome.RETRY):
            return result
        record = replace(record, unsure=record.unsure or result.outcome is Outcome.UNKNOWN)
        lab.later(3600.0)
        (result,) = _create(lab, lab.connect(), record)
    return result


def _exists_once(lab: Lab, before: set[str], result: PushResult, number: int = 1) -> None:
    made = set(lab.shown()) - before
    lab.expect(len(made) == number, f"{len(made)} records were made, not {number}.")
    good = result.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)
    lab.expect(good, f"In the end it is told as {result.outcome}: {result.message}")
    lab.expect(result.source_id in made, "The id that is told is not that of the record.")


@check(
    Need.CREATE,
    en="A new record is made, told with its id, and found by its key.",
    zh="新记录被创建，返回其标识，并可按键找到。",
    grave=True,
)
def created(lab: Lab) -> None:
    """Between others that were there before."""
    lab.world.insert(lab.stage, 3)
    before, connector = set(lab.shown()), lab.connect()
    lab.expect(connector.find(lab.stage.stream, ["ltc-kit-1"]) == {}, "A key is found that nothing carries.")
    (result,) = _create(lab, connector, lab.new("ltc-kit-1"))
    lab.expect(result.outcome is Outcome.APPLIED, f"It is told as {result.outcome}: {result.message}")
    _exists_once(lab, before, result)
    found = connector.find(lab.stage.stream, ["ltc-kit-1", "ltc-kit-2"])
    ids = {key: [record.source_id for record in records] for key, records in found.items()}
    lab.expect(ids == {"ltc-kit-1": [result.source_id]}, "It is not found by its key.")
    lab.expect(result.source_id in lab.pull(lab.reader(), connector).held, "The next pull does not bring it.")


@check(
    Need.CREATE,
    en="A record that exists already is found and left as it is, not made again.",
    zh="已存在的记录会被找到并保持不变，不会重复创建。",
    grave=True,
)
def not_made_again(lab: Lab) -> None:
    """The same by another process."""
    before = set(lab.shown())
    _create(lab, lab.connect(), lab.new("ltc-kit-1"))
    (result,) = _create(lab, lab.connect(), lab.new("ltc-kit-1"))
    lab.expect(result.outcome is Outcome.UNCHANGED, f"The second time it is told as {result.outcome}.")
    _exists_once(lab, before, result)


@check(
    Need.CREATE,
    en="If the answer is lost after the record was made, it exists once all the same.",
    zh="记录已创建但应答丢失时，仍只存在一条。",
    grave=True,
)
def created_without_an_answer(lab: Lab) -> None:
    """The connection is cut; a 502 comes."""
    before = set(lab.shown())
    lab.world.faults.cut(lab.stage.create, act=True)
    record = lab.new("ltc-kit-1")
    (result,) = _create(lab, lab.connect(), record)
    _exists_once(lab, before, _settled(lab, record, result))
    lab.world.faults.answer(lab.stage.create, 502, act=True)
    other = lab.new("ltc-kit-2")
    (result,) = _create(lab, lab.connect(), other)
    _exists_once(lab, before, _settled(lab, other, result), 2)


@check(
    Need.CREATE,
    en="A request that never arrived is not called done, and the record is made once later.",
    zh="从未到达的创建请求不会被当作已完成，之后只创建一条。",
    grave=True,
)
def creation_never_arrives(lab: Lab) -> None:
    """The connection is cut before the source acts."""
    before = set(lab.shown())
    lab.world.faults.cut(lab.stage.create)
    record = lab.new("ltc-kit-1")
    (result,) = _create(lab, lab.connect(), record)
    if not set(lab.shown()) - before:
        lab.expect(
            result.outcome in (Outcome.UNKNOWN, Outcome.RETRY), f"It is told as {result.outcome}; nothing was made."
        )
    _exists_once(lab, before, _settled(lab, record, result))


@check(
    Need.CREATE,
    Need.TIMEOUT,
    en="A request that times out, and is carried out or not, makes the record once.",
    zh="超时的创建请求无论是否执行，最终只存在一条。",
    grave=True,
)
def creation_times_out(lab: Lab) -> None:
    """Carried out, with the answer kept back."""
    before = set(lab.shown())
    lab.world.faults.hang(lab.stage.create, act=True)
    record = lab.new("ltc-kit-1")
    (result,) = _create(lab, lab.connect(timeout=TIMEOUT), record)
    _exists_once(lab, before, _settled(lab, record, result))


@check(
    Need.CREATE,
    en="Asked too often (429) while it creates, the connector makes the record once, now or later.",
    zh="创建时遇到 429，记录最终只创建一条。",
    grave=True,
)
def throttled_while_creating(lab: Lab) -> None:
    """Without end; then the source is free again."""
    before = set(lab.shown())
    said = lab.world.says("throttled")
    if said is not None:
        lab.world.faults.answer(lab.stage.create, said.status, said.body, headers=said.headers, times=1000)
    record = lab.new("ltc-kit-1")
    try:
        (result,) = _create(lab, lab.connect(), record)
    except ConnectorError:
        result = PushResult("", Outcome.RETRY, key="ltc-kit-1")
    if said is not None:
        lab.expect(result.outcome in (Outcome.RETRY, Outcome.UNKNOWN), f"It is told as {result.outcome}.")
    lab.world.faults.clear()
    _exists_once(lab, before, _settled(lab, record, result))


@check(
    Need.CREATE,
    Need.UNIQUE,
    en="Two processes that create the same record at once make one.",
    zh="两个进程同时创建同一记录，最终只有一条。",
    grave=True,
)
def created_twice_at_once(lab: Lab) -> None:
    """Both have looked for it before either creates."""
    before = set(lab.shown())
    gate = threading.Barrier(2)
    results: list[PushResult] = []

    def create(connector: Connector[Any]) -> None:
        gate.wait(5)
        results.extend(connector.create(lab.stage.stream, [lab.new("ltc-kit-1")]))

    threads = [threading.Thread(target=create, args=(lab.connect(),), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    lab.expect(len(results) == 2, "One of them ended with an error.")
    for result in results:
        _exists_once(lab, before, _settled(lab, lab.new("ltc-kit-1"), result))
