"""Writing while answers are lost: every change is carried out once, and none is called done that is not."""

from __future__ import annotations

from typing import Any

from conformance.catalogue import check
from conformance.lab import TIMEOUT, Lab
from conformance.needs import Need
from conformance.world import Answer
from connectors.contract import Change, Connector, Outcome, PushResult
from connectors.errors import ConnectorError


def _planned(lab: Lab, connector: Connector[Any]) -> Change:
    (source_id,) = lab.world.insert(lab.stage)
    return lab.change(lab.pull(lab.reader(), connector).held[source_id])


def _done_once(lab: Lab, change: Change, result: PushResult) -> None:
    lab.expect(
        result.outcome in (Outcome.APPLIED, Outcome.UNCHANGED),
        f"In the end it is told as {result.outcome}: {result.message}",
    )
    lab.is_shown(change.source_id, change.values, "It is told as done, but the source does not show it.")
    times = lab.applied(change.source_id)
    lab.expect(times == 1, f"The record was changed {times} times.")


def _not_called_done(lab: Lab, change: Change, result: PushResult) -> None:
    shown = lab.shown()[change.source_id].get(lab.field) == change.values[lab.field]
    done = result.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)
    lab.expect(shown or not done, f"It is told as {result.outcome}, but nothing was written.")


@check(
    Need.WRITE,
    en="If the answer to a write is lost after it was carried out, the record is changed once all the same.",
    zh="写入已执行但应答丢失时，记录仍只被修改一次。",
    grave=True,
)
def answer_lost(lab: Lab) -> None:
    """The connection is cut instead of an answer; then the outbox tries again until it knows."""
    connector = lab.connect()
    change = _planned(lab, connector)
    lab.world.faults.cut(lab.stage.write, act=True)
    (result,) = lab.push(connector, change)
    lab.expect(result.outcome not in (Outcome.RETRY, Outcome.REJECTED), f"It is told as {result.outcome}; it was done.")
    _done_once(lab, change, lab.until_settled(connector, change, result))


@check(
    Need.WRITE,
    en="A 502 after a write that was carried out does not lead to a second one.",
    zh="写入执行后返回 502 不会导致第二次写入。",
    grave=True,
)
def bad_gateway_after_the_write(lab: Lab) -> None:
    """As a proxy answers that did not wait."""
    connector = lab.connect()
    change = _planned(lab, connector)
    lab.world.faults.answer(lab.stage.write, 502, "<html>Bad gateway</html>", act=True)
    (result,) = lab.push(connector, change)
    lab.expect(result.outcome not in (Outcome.RETRY, Outcome.REJECTED), f"It is told as {result.outcome}; it was done.")
    _done_once(lab, change, lab.until_settled(connector, change, result))


@check(
    Need.WRITE,
    Need.TIMEOUT,
    en="A write that times out before the source acts is not called done, and is carried out once later.",
    zh="源系统处理前超时的写入不会被当作已完成，之后只执行一次。",
    grave=True,
)
def write_times_out(lab: Lab) -> None:
    """Time-outs of a few hundred milliseconds."""
    connector = lab.connect(timeout=TIMEOUT)
    change = _planned(lab, connector)
    lab.world.faults.hang(lab.stage.write)
    (result,) = lab.push(connector, change)
    _not_called_done(lab, change, result)
    _done_once(lab, change, lab.until_settled(connector, change, result))


@check(
    Need.WRITE,
    en="A write that never arrived is not called done, and is carried out once later.",
    zh="从未到达的写入不会被当作已完成，之后只执行一次。",
    grave=True,
)
def write_never_arrives(lab: Lab) -> None:
    """The connection is cut before the source acts."""
    connector = lab.connect()
    change = _planned(lab, connector)
    lab.world.faults.cut(lab.stage.write)
    (result,) = lab.push(connector, change)
    _not_called_done(lab, change, result)
    _done_once(lab, change, lab.until_settled(connector, change, result))


@check(
    Need.WRITE,
    en="Asked too often (429) while it writes, the connector tries again or leaves it, and nothing is called done.",
    zh="写入时遇到 429：重试或留待下次，绝不误报完成。",
    grave=True,
)
def throttled_while_writing(lab: Lab) -> None:
    """Without end; then the source is free again."""
    connector = lab.connect()
    change = _planned(lab, connector)
    said = lab.world.says("throttled") or Answer(429)
    lab.world.faults.answer(lab.stage.write, said.status, said.body, headers=said.headers, times=1000)
    result: PushResult | None = None
    try:
        (result,) = lab.push(connector, change)
    except ConnectorError:
        result = None  # the whole system may stop
    if result is not None:
        lab.expect(result.outcome in (Outcome.RETRY, Outcome.UNKNOWN), f"It is told as {result.outcome}.")
    asked = len(lab.world.requests(lab.stage.write))
    lab.expect(asked <= 15, f"It is sent {asked} times although the source asks for fewer.")
    lab.world.faults.clear()
    again = result or PushResult(change.source_id, Outcome.RETRY)
    _done_once(lab, change, lab.until_settled(connector, change, again))


@check(
    Need.WRITE,
    en="A source that goes down in the middle of many changes is not asked for each of them.",
    zh="批量写入途中源系统宕机时，不会逐条继续请求。",
    once=True,
)
def down_while_writing(lab: Lab) -> None:
    """Thirty changes; every result is told, none as done."""
    connector = lab.connect()
    ids = lab.world.insert(lab.stage, 30)
    held = lab.pull(lab.reader(), connector).held
    changes = [lab.change(held[source_id]) for source_id in ids]
    before = len(lab.world.requests())
    lab.world.faults.answer("", 503, times=10_000)
    try:
        results = lab.push(connector, *changes)
    except ConnectorError:
        results = []
    done = [item for item in results if item.outcome not in (Outcome.RETRY, Outcome.UNKNOWN)]
    lab.expect(not done, f"{len(done)} changes are told as {', '.join({item.outcome for item in done})}.")
    asked = len(lab.world.requests()) - before
    lab.expect(asked <= 40, f"{asked} requests are sent to a source that is down.")


@check(
    Need.WRITE,
    en="If somebody undid a change whose answer was lost, it is not written again over their decision.",
    zh="应答丢失的变更若已被他人撤销，不会再次覆盖。",
    grave=True,
)
def undone_by_somebody(lab: Lab) -> None:
    """It was carried out, and then set to another value, while we did not know."""
    connector = lab.connect()
    change = _planned(lab, connector)
    lab.world.faults.cut(lab.stage.write, act=True)
    lab.world.faults.cut("", skip=1, times=30)
    try:
        lab.push(connector, change)
    except ConnectorError:
        lab.world.faults.clear()
    lab.world.faults.clear()
    theirs = lab.stage.values[lab.field][1]
    lab.world.advance(30.0)
    lab.world.edit(lab.stage, change.source_id, {lab.field: theirs})
    again = lab.change(lab.held(change.source_id, lab.connect()))
    unsure = Change(
        change.source_id,
        change.values,
        change.expected,
        change.idempotency_key,
        version=change.version,
        body=change.body,
        unsure=True,
    )
    (result,) = lab.push(connector, unsure)
    lab.is_shown(again.source_id, {lab.field: theirs}, "What somebody decided meanwhile is overwritten.")
    lab.expect(result.outcome is Outcome.CONFLICT, f"It is told as {result.outcome}, not as a conflict.")
