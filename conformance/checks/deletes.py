"""Deletes: what is gone is noticed, what comes back is too, and nothing is taken for gone that is there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from conformance.catalogue import check
from conformance.lab import Lab
from conformance.needs import Need
from conformance.reader import Reader
from connectors.contract import Connector
from connectors.errors import ConnectorError


def _swept(lab: Lab, connector: Connector[Any]) -> set[str]:
    return {source_id for part in connector.ids(lab.stage.stream) for source_id in part}


@check(
    Need.TOMBSTONES,
    Need.DELETE,
    en="A pull tells of every record that was deleted, and of no other.",
    zh="拉取会报告每条被删除的记录，且不误报。",
    grave=True,
)
def deletions_are_told(lab: Lab) -> None:
    """Some of two pages, among changes."""
    connector, reader = lab.connect(), lab.reader()
    ids = lab.world.insert(lab.stage, lab.stage.page * 2)
    lab.pull(reader, connector)
    for source_id in ids[::4]:
        lab.world.delete(lab.stage, source_id)
    lab.world.insert(lab.stage, 2)
    lab.same(lab.pull(reader, connector), "after deletions")


@check(
    Need.TOMBSTONES,
    Need.DELETE,
    Need.PAGES,
    en="Deletions that a killed pull has not told yet are told by the one that goes on.",
    zh="中断的拉取未报告的删除，由后续拉取补报。",
    seconds=60.0,
    grave=True,
)
def deletions_after_a_crash(lab: Lab) -> None:
    """Killed after every page in turn."""
    for killed_after in range(1, 5):
        lab.world.empty()
        connector, reader = lab.connect(), lab.reader()
        ids = lab.world.insert(lab.stage, lab.stage.page * 3)
        lab.pull(reader, connector)
        lab.world.advance(3600.0)
        for source_id in ids[::3]:
            lab.world.delete(lab.stage, source_id)
        lab.pull(reader, connector, pages=killed_after)
        lab.pull(reader, lab.connect())
        lab.same(lab.pull(reader, lab.connect()), f"after a crash behind page {killed_after}")


@check(
    Need.UNDELETE,
    Need.DELETE,
    en="A record that comes back after its deletion is read again.",
    zh="恢复的记录会被重新读取。",
    grave=True,
)
def undeleted(lab: Lab) -> None:
    """Noticed as gone before."""
    connector, reader = lab.connect(), lab.reader()
    ids = lab.world.insert(lab.stage, 5)
    lab.pull(reader, connector)
    lab.world.delete(lab.stage, ids[2])
    _notice(lab, reader, connector)
    lab.expect(ids[2] not in reader.ids, "The deletion is not noticed.")
    lab.world.advance(3600.0)
    lab.world.undelete(lab.stage, ids[2])
    lab.pull(reader, connector)
    if lab.spec.deletes == "sweep" and ids[2] not in reader.ids:
        lab.expect(ids[2] in _swept(lab, connector), "Neither a pull nor a sweep shows that it is back.")
        return
    lab.expect(ids[2] in reader.ids, "It is not read again.")


def _notice(lab: Lab, reader: Reader, connector: Connector[Any]) -> None:
    lab.pull(reader, connector)
    if lab.spec.deletes == "sweep":
        reader.deleted |= set(reader.held) - _swept(lab, connector)


@check(
    Need.SWEEP,
    en="A sweep lists every id once there is, and no other, over all its pages.",
    zh="清查跨所有页列出全部标识，不多不少。",
    grave=True,
)
def sweep_is_complete(lab: Lab) -> None:
    """Exactly full pages; then one more, and some deleted."""
    connector = lab.connect()
    ids = lab.world.insert(lab.stage, lab.stage.page * 3)
    lab.world.advance(3600.0)
    lab.expect(_swept(lab, connector) == set(lab.shown()), "The ids are not those that are there.")
    lab.world.insert(lab.stage)
    if lab.can(Need.DELETE):
        for source_id in ids[::3]:
            lab.world.delete(lab.stage, source_id)
    lab.expect(_swept(lab, connector) == set(lab.shown()), "The ids are not those that are there.")


@check(
    Need.SWEEP,
    Need.PAGES,
    Need.DELETE,
    en="Records that are deleted while a sweep goes through the list do not make it miss others.",
    zh="清查期间的删除不会使其漏掉其他记录。",
    grave=True,
)
def sweep_while_rows_move(lab: Lab) -> None:
    """Three between two pages."""
    connector = lab.connect()
    ids = iter(lab.world.insert(lab.stage, lab.stage.page * 5))
    found: set[str] = set()
    try:
        for number, part in enumerate(connector.ids(lab.stage.stream)):
            found |= set(part)
            for _ in range(3 if number < 4 else 0):
                lab.world.delete(lab.stage, next(ids))
    except ConnectorError:
        return  # a sweep that breaks off takes nothing for deleted
    missing = set(lab.shown()) - found
    lab.expect(not missing, f"{len(missing)} ids are missing that are there: their records would be taken for deleted.")


@check(
    Need.SWEEP,
    Need.HTTP,
    en="A sweep that breaks off ends with an error: half a list is never taken for all there is.",
    zh="中断的清查以错误结束，绝不把半份清单当作全部。",
    grave=True,
)
def sweep_breaks_off(lab: Lab) -> None:
    """On the second request and all after it; with broken JSON, an error and a cut."""
    lab.world.insert(lab.stage, lab.stage.page * 3)
    everything = set(lab.shown())
    skip = 1 if lab.can(Need.PAGES) else 0
    for number in range(3):
        faults = lab.world.faults
        if number == 0:
            faults.answer(lab.stage.list, 503, times=1000, skip=skip)
        elif number == 1:
            faults.corrupt(lab.stage.list, times=1000, skip=skip)
        else:
            faults.cut(lab.stage.list, times=1000, skip=skip)
        found: set[str] = set()
        with suppress(ConnectorError):
            found = _swept(lab, lab.connect())
            lab.expect(found == everything, "It ends as if it were complete.")
        faults.clear()


@check(
    Need.TOMBSTONES,
    Need.DELETE,
    en="A first pull does not bring records that were deleted before it.",
    zh="首次拉取不会带入此前已删除的记录。",
)
def deleted_before(lab: Lab) -> None:
    """Or it tells that they are deleted."""
    ids = lab.world.insert(lab.stage, 6)
    for source_id in ids[:3]:
        lab.world.delete(lab.stage, source_id)
    lab.same(lab.pull(lab.reader(), lab.connect()))
