"""Writing: what was planned and nothing else, only over what it was planned from, each outcome told for what it is."""

from __future__ import annotations

from typing import Any

from conformance.catalogue import check
from conformance.lab import Lab, NotShown
from conformance.needs import Need
from connectors.contract import Connector, Outcome, RawRecord


def _records(lab: Lab, connector: Connector[Any], number: int = 1) -> list[RawRecord]:
    ids = lab.world.insert(lab.stage, number)
    reader = lab.pull(lab.reader(), connector)
    lab.expect(set(ids) <= set(reader.held), "The records to change are not read.")
    return [reader.held[source_id] for source_id in ids]


@check(
    Need.WRITE,
    en="A change is carried out, told as applied, and shown by the source.",
    zh="变更被执行、报告为已应用，且源系统已显示。",
    grave=True,
)
def written(lab: Lab) -> None:
    """Every field that is written, one after the other, both values."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    for name, pair in lab.stage.values.items():
        for value in pair:
            (result,) = lab.push(connector, lab.change(record, {name: value}))
            lab.expect(
                result.outcome is Outcome.APPLIED, f"`{name}` is {result.outcome}, not applied: {result.message}"
            )
            lab.is_shown(record.source_id, {name: value}, f"`{name}` is told as applied but not shown.")
            record = lab.held(record.source_id, connector)


@check(
    Need.WRITE,
    Need.SECOND_FIELD,
    en="A write changes no other field of the record.",
    zh="写入不会改动记录的其他字段。",
    grave=True,
)
def other_fields_stay(lab: Lab) -> None:
    """Compared field by field with what the source showed before."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    before = lab.shown()[record.source_id]
    change = lab.change(record)
    lab.push(connector, change)
    lab.is_shown(
        record.source_id, {**before, **change.values}, "Another field of the record changed, or the value did not."
    )


@check(
    Need.WRITE,
    en="What the source shows already is not sent.",
    zh="源系统已显示的值不会再发送。",
)
def nothing_to_write(lab: Lab) -> None:
    """The same change again."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    lab.push(connector, lab.change(record))
    before = lab.applied(record.source_id)
    fresh = lab.held(record.source_id, connector)
    (result,) = lab.push(connector, lab.change(fresh))
    lab.expect(result.outcome is Outcome.UNCHANGED, f"It is told as {result.outcome}, not as unchanged.")
    lab.expect(lab.applied(record.source_id) == before, "It is sent again.")


@check(
    Need.WRITE,
    en="A change sent again under the same key, as after a crash, changes the record once.",
    zh="以相同幂等键重复发送的变更只生效一次。",
    grave=True,
)
def same_change_twice(lab: Lab) -> None:
    """By another process, which does not know what became of it."""
    (record,) = _records(lab, lab.connect())
    change = lab.change(record)
    lab.push(lab.connect(), change)
    again = lab.change(record, idempotency_key=change.idempotency_key, unsure=True)
    (result,) = lab.push(lab.connect(), again)
    lab.expect(
        result.outcome in (Outcome.UNCHANGED, Outcome.APPLIED), f"The second time it is told as {result.outcome}."
    )
    lab.expect(lab.applied(record.source_id) == 1, f"The record was changed {lab.applied(record.source_id)} times.")


@check(
    Need.WRITE,
    en="A field that somebody changed since we read it is a conflict; their value stays.",
    zh="读取后被他人修改的字段视为冲突，保留对方的值。",
    grave=True,
)
def field_changed_since(lab: Lab) -> None:
    """To a value that is neither the old nor the new one."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    theirs = lab.stage.values[lab.field][1]
    lab.world.advance(5.0)
    lab.world.edit(lab.stage, record.source_id, {lab.field: theirs})
    (result,) = lab.push(connector, lab.change(record))
    lab.expect(result.outcome is Outcome.CONFLICT, f"It is told as {result.outcome}, not as a conflict.")
    lab.is_shown(record.source_id, {lab.field: theirs}, "What somebody wrote meanwhile is overwritten.")


@check(
    Need.WRITE,
    Need.SECOND_FIELD,
    en="If somebody changed another field since we read it, that stays, whether our change is carried out or not.",
    zh="他人修改的其他字段始终保留，无论我方变更是否执行。",
    grave=True,
)
def record_changed_since(lab: Lab) -> None:
    """The text."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    theirs = {lab.stage.text: "somebody's own words"}
    if lab.stage.text == lab.field:
        raise NotShown("There is no other field.")
    lab.world.advance(5.0)
    lab.world.edit(lab.stage, record.source_id, theirs)
    change = lab.change(record)
    (result,) = lab.push(connector, change)
    lab.is_shown(record.source_id, theirs, "What somebody wrote meanwhile is overwritten.")
    allowed = (Outcome.APPLIED, Outcome.CONFLICT)
    lab.expect(result.outcome in allowed, f"It is told as {result.outcome}.")
    shown = lab.shown()[record.source_id].get(lab.field) == change.values[lab.field]
    lab.expect(shown == (result.outcome is Outcome.APPLIED), f"It is told as {result.outcome}, which is not so.")


@check(
    Need.WRITE,
    Need.CONDITIONAL,
    en="If somebody is faster between our look and our write, the source refuses ours and it is told as a conflict.",
    zh="在我方读取与写入之间他人抢先修改时，源系统拒绝我方写入并报告冲突。",
    grave=True,
)
def changed_at_the_last_moment(lab: Lab) -> None:
    """At the very moment at which our write arrives."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    theirs = lab.stage.values[lab.field][1]
    lab.world.advance(5.0)
    lab.world.faults.meanwhile(
        lab.stage.write, lambda: lab.world.edit(lab.stage, record.source_id, {lab.field: theirs})
    )
    (result,) = lab.push(connector, lab.change(record))
    lab.is_shown(record.source_id, {lab.field: theirs}, "What somebody wrote at the last moment is overwritten.")
    lab.expect(
        result.outcome in (Outcome.CONFLICT, Outcome.RETRY), f"It is told as {result.outcome}, not as a conflict."
    )


@check(
    Need.WRITE,
    Need.REFUSAL,
    en="A value that the source refuses is rejected with a reason, and nothing is changed.",
    zh="源系统拒绝的值报告为被拒并附原因，且不作任何改动。",
)
def refused_value(lab: Lab) -> None:
    """Its reason is a sentence without the value."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    field, value = lab.stage.refused or ("", None)
    before = lab.shown()[record.source_id]
    (result,) = lab.push(connector, lab.change(record, {field: value}))
    lab.expect(result.outcome is Outcome.REJECTED, f"It is told as {result.outcome}, not as rejected.")
    lab.expect(bool(result.message), "No reason is given.")
    lab.is_shown(record.source_id, before, "The record was changed all the same.")


@check(
    Need.WRITE,
    Need.REFUSAL,
    en="Of several changes each has its own result, in order: one that is refused does not take the others with it.",
    zh="多条变更各有结果且顺序一致：其中一条被拒不影响其他。",
    grave=True,
)
def refused_in_part(lab: Lab) -> None:
    """The third of five."""
    connector = lab.connect()
    records = _records(lab, connector, 5)
    field, refused = lab.stage.refused or ("", None)
    good = lab.stage.values[field][0]
    wanted = [good, good, refused, good, good]
    changes = [lab.change(record, {field: value}) for record, value in zip(records, wanted, strict=True)]
    outcomes = [result.outcome for result in lab.push(connector, *changes)]
    hoped = [Outcome.REJECTED if value is refused else Outcome.APPLIED for value in wanted]
    lab.expect(outcomes == hoped, f"The outcomes are {', '.join(outcomes)}.")
    for record, value in zip(records, wanted, strict=True):
        if value is not refused:
            lab.is_shown(record.source_id, {field: value}, "A change is told as applied but not shown.")


@check(
    Need.WRITE,
    en="Many changes give one result each, in order, and all are shown.",
    zh="大量变更逐条返回结果，顺序一致且全部生效。",
    once=True,
)
def many_changes(lab: Lab) -> None:
    """Forty, in no order of their ids."""
    connector = lab.connect()
    records = _records(lab, connector, 40)
    lab.random.shuffle(records)
    changes = [lab.change(record) for record in records]
    results = lab.push(connector, *changes)
    others = [result.outcome for result in results if result.outcome is not Outcome.APPLIED]
    lab.expect(not others, f"{len(others)} of 40 are {', '.join(sorted(set(others)))}.")
    for change in changes:
        lab.is_shown(change.source_id, change.values, "A change is told as applied but not shown.")


@check(
    Need.WRITE,
    Need.READ_ONLY,
    en="A field that is not among the writable ones is refused before anything is sent.",
    zh="不可写字段在发送前即被拒绝。",
    grave=True,
)
def read_only_field(lab: Lab) -> None:
    """One that the source itself would take or ignore."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    field = lab.stage.read_only or ""
    before = lab.shown()[record.source_id]
    (result,) = lab.push(connector, lab.change(record, {field: "changed by us"}, expected={}))
    lab.expect(result.outcome is Outcome.REJECTED, f"It is told as {result.outcome}, not as rejected.")
    lab.is_shown(record.source_id, before, "The field was changed.")
    lab.expect(not lab.world.requests(lab.stage.write), "It is sent.")


@check(
    Need.WRITE,
    Need.DELETE,
    en="A record that is deleted is not made again, and the change is told as rejected or as a conflict.",
    zh="已删除的记录不会被重新创建，变更报告为被拒或冲突。",
    grave=True,
)
def deleted_record(lab: Lab) -> None:
    """Between others, which are written."""
    connector = lab.connect()
    first, gone, last = _records(lab, connector, 3)
    lab.world.delete(lab.stage, gone.source_id)
    before = set(lab.shown())
    results = lab.push(connector, *(lab.change(record) for record in (first, gone, last)))
    outcome = results[1].outcome
    lab.expect(outcome in (Outcome.REJECTED, Outcome.CONFLICT), f"It is told as {outcome}.")
    lab.expect(set(lab.shown()) == before, "A record was made, or came back.")
    others = {results[0].outcome, results[2].outcome}
    lab.expect(others == {Outcome.APPLIED}, "It takes other changes with it.")


@check(
    Need.WRITE,
    en="The record that comes with a result is the one that the next pull brings: our own write is no news.",
    zh="写入结果附带的记录与下次拉取一致：自身写入不算新数据。",
)
def own_write_is_no_news(lab: Lab) -> None:
    """Byte for byte, and with the same version."""
    connector = lab.connect()
    (record,) = _records(lab, connector)
    (result,) = lab.push(connector, lab.change(record))
    if result.record is None:
        raise NotShown("The connector does not read back what it wrote.")
    pulled = lab.held(record.source_id, connector)
    lab.expect(result.record.body == pulled.body, "The next pull brings other bytes.")
    lab.expect(result.record.version == pulled.version, "The next pull brings another version.")
