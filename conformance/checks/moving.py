"""Reading a list that does not hold still: rows are changed, put in and taken away, and commits come late."""

from __future__ import annotations

from contextlib import suppress

from conformance.catalogue import check
from conformance.lab import Lab, ago
from conformance.needs import Need
from connectors.contract import Page
from connectors.errors import ConnectorError


@check(
    Need.PAGES,
    Need.EDIT,
    en="Records changed while the list is paged are read in their new state in the end, and take no others away.",
    zh="分页期间被修改的记录最终以新状态读到，且不影响其他记录。",
    grave=True,
)
def changed_while_paging(lab: Lab) -> None:
    """Before each page some records that were read, and some that were not."""
    ids = lab.world.insert(lab.stage, lab.stage.page * 4)
    connector, reader = lab.connect(), lab.reader()

    def change(number: int, _: Page) -> None:
        if number <= 4:
            for source_id in lab.random.sample(ids, 3):
                lab.world.edit(lab.stage, source_id, {lab.stage.text: f"changed {number}"})

    lab.pull(reader, connector, between=change)
    lab.same(lab.pull(reader, connector))


@check(
    Need.PAGES,
    en="Records that are put in while the list is paged are read in the end, and take no others away.",
    zh="分页期间新增的记录最终被读到，且不影响其他记录。",
    grave=True,
)
def inserted_while_paging(lab: Lab) -> None:
    """Two before each page."""
    lab.world.insert(lab.stage, lab.stage.page * 3)
    connector, reader = lab.connect(), lab.reader()

    def insert(number: int, _: Page) -> None:
        if number <= 3:
            lab.world.insert(lab.stage, 2)

    lab.pull(reader, connector, between=insert)
    lab.same(lab.pull(reader, connector))


@check(
    Need.PAGES,
    Need.DELETE,
    en="Records that are deleted while the list is paged take no others with them.",
    zh="分页期间删除记录不会导致其他记录被跳过。",
    grave=True,
)
def deleted_while_paging(lab: Lab) -> None:
    """Before each page some of those that were read, so that the rest moves up."""
    ids = lab.world.insert(lab.stage, lab.stage.page * 4)
    connector, reader = lab.connect(), lab.reader()
    doomed = iter(ids)

    def delete(number: int, _: Page) -> None:
        if number <= 4:
            for _row in range(3):
                lab.world.delete(lab.stage, next(doomed))

    # A source may refuse to go on behind a row that is gone, as long as the next pull gets over it.
    with suppress(ConnectorError):
        lab.pull(reader, connector, between=delete)
    lab.pull(reader, connector)
    missing = set(lab.shown()) - set(reader.held)
    lab.expect(not missing, f"{len(missing)} records are missing that nobody touched.")


@check(
    Need.PAGES,
    Need.DELETE,
    en="If the record that the cursor stands on is deleted before the pull goes on, nothing is skipped.",
    zh="游标所在记录在续拉之前被删除时，不跳过任何记录。",
    grave=True,
)
def cursor_row_deleted(lab: Lab) -> None:
    """The last record of each page in turn."""
    for killed_after in (1, 2, 3):
        lab.world.empty()
        lab.world.insert(lab.stage, lab.stage.page * 4)
        last: list[str] = []

        def note(_: int, page: Page, last: list[str] = last) -> None:
            last.extend(record.source_id for record in page.records)

        reader = lab.pull(lab.reader(), lab.connect(), pages=killed_after, between=note)
        if last:
            lab.world.delete(lab.stage, last[-1])
        lab.pull(reader, lab.connect())
        missing = set(lab.shown()) - set(reader.held)
        lab.expect(not missing, f"{len(missing)} records are missing after the last one of page {killed_after} went.")


@check(
    Need.PAGES,
    Need.EDIT,
    Need.CURSOR,
    en="If records change between a crash and the pull that goes on from it, their new state is read.",
    zh="中断与续拉之间发生的变更最终被读到。",
    grave=True,
)
def changed_after_a_crash(lab: Lab) -> None:
    """A record that was delivered, one that was not, and a new one."""
    ids = lab.world.insert(lab.stage, lab.stage.page * 4)
    for killed_after in (1, 2, 3):
        reader = lab.pull(lab.reader(), lab.connect(), pages=killed_after)
        for source_id in (ids[0], ids[-1]):
            lab.world.edit(lab.stage, source_id, {lab.stage.text: f"changed after {killed_after}"})
        lab.world.insert(lab.stage)
        connector = lab.connect()
        lab.pull(reader, connector)
        lab.same(lab.pull(reader, connector), f"after a crash behind page {killed_after}")


@check(
    Need.CURSOR,
    Need.LATE,
    Need.TIMES,
    en="A commit that becomes visible late, below the cursor, is read as long as the source documents that it may be.",
    zh="迟到可见、时间戳早于游标的提交，在源系统声明的范围内均能读到。",
    grave=True,
)
def late_commit(lab: Lab) -> None:
    """Nine tenths of what is documented; another commit was seen before it."""
    connector, reader = lab.connect(), lab.reader()
    lab.world.insert(lab.stage, 3)
    lab.pull(reader, connector)
    lab.world.advance(max(0.0, lab.stage.late_seconds - 30.0))
    lab.world.insert(lab.stage, 1)
    lab.pull(reader, connector)
    late = lab.stage.late_seconds * 0.9
    lab.world.insert(lab.stage, 2, at=ago(lab.window(connector).until, late))
    lab.world.insert(lab.stage, 1)
    lab.same(lab.pull(reader, connector), f"that became visible {late:g} s late")


def _with_skew(lab: Lab, seconds: float) -> None:
    """Changes every twenty seconds, and a pull after each."""
    lab.world.skew = seconds
    connector, reader = lab.connect(), lab.reader()
    for _ in range(4):
        lab.world.insert(lab.stage, 2)
        lab.world.advance(20.0)
        reader.pull(connector, lab.window(connector))
    lab.world.insert(lab.stage, 2)
    lab.world.advance(abs(seconds) + 600.0)
    lab.same(lab.pull(reader, connector), f"where the source's clock is {abs(seconds):g} s off")


@check(
    Need.CURSOR,
    Need.SKEW,
    en="Where the source's clock is ten minutes behind ours, nothing that it stamps meanwhile is lost.",
    zh="源系统时钟落后十分钟时，其间产生的记录不丢失。",
    grave=True,
)
def source_clock_behind(lab: Lab) -> None:
    """Our windows end in the source's future, unless the connector looks at its clock."""
    _with_skew(lab, -600.0)


@check(
    Need.CURSOR,
    Need.SKEW,
    en="Where the source's clock is ten minutes ahead of ours, nothing is lost either.",
    zh="源系统时钟超前十分钟时，同样不丢失。",
    grave=True,
)
def source_clock_ahead(lab: Lab) -> None:
    """Our windows end in the source's past."""
    _with_skew(lab, 600.0)
