"""Reading: everything comes once, a pull goes on after any crash, and nothing new costs next to nothing."""

from __future__ import annotations

import gc

from conformance.catalogue import check
from conformance.lab import Lab, ago
from conformance.needs import Need
from connectors.contract import Page, RawRecord, Window


@check(
    en="The first pull brings every record there is, with the values that the source shows.",
    zh="首次拉取得到全部记录，且字段值与源系统一致。",
    grave=True,
)
def initial_pull(lab: Lab) -> None:
    """Three pages and a half."""
    lab.world.insert(lab.stage, lab.stage.page * 3 + lab.stage.page // 2)
    lab.same(lab.pull(lab.reader(), lab.connect()))


@check(
    en="A stream without records is read to its end, and again.",
    zh="空数据流可以正常读完并再次读取。",
)
def empty_stream(lab: Lab) -> None:
    """Two pulls of nothing, then a first record."""
    reader, connector = lab.reader(), lab.connect()
    lab.pull(reader, connector)
    lab.pull(reader, connector)
    lab.same(reader, "of an empty stream")
    lab.world.insert(lab.stage)
    lab.same(lab.pull(reader, connector), "after the first one came")


@check(
    Need.PAGES,
    en="A last page that is exactly full ends the list without loss, and a page of one record too.",
    zh="末页恰好满页或仅有一条记录时均不丢失。",
    grave=True,
)
def full_last_page(lab: Lab) -> None:
    """Exactly three pages; then one more record than that."""
    lab.world.insert(lab.stage, lab.stage.page * 3)
    lab.same(lab.pull(lab.reader(), lab.connect()), "if the last page is exactly full")
    lab.world.insert(lab.stage)
    lab.same(lab.pull(lab.reader(), lab.connect()), "if the last page has one")


@check(
    Need.PAGE_CAP,
    en="A page that the source cuts smaller than it was asked for is not taken for the last.",
    zh="源系统返回小于请求大小的页时，不会被误认为末页。",
    grave=True,
)
def capped_pages(lab: Lab) -> None:
    """Pages of three, whatever is asked for."""
    lab.world.insert(lab.stage, lab.stage.page * 2)
    lab.world.limit_page(lab.stage, 3)
    lab.same(lab.pull(lab.reader(), lab.connect()))


@check(
    Need.TIMES,
    en="Ten thousand records with one time stamp are all read.",
    zh="一万条时间戳相同的记录全部读到。",
    grave=True,
    once=True,
    seconds=120,
)
def ten_thousand_equal_times(lab: Lab) -> None:
    """After a first pull, so that the cursor is at stake."""
    connector, reader = lab.roomy(), lab.reader()
    lab.world.insert(lab.stage)
    lab.pull(reader, connector)
    at = lab.world.now()
    lab.world.insert(lab.stage, 10_000, at=at)
    lab.same(lab.pull(reader, connector))


@check(
    Need.TIMES,
    Need.PAGES,
    en="Records with one time stamp on both sides of a page's edge are all read, even if the pull is cut there.",
    zh="跨页边界的相同时间戳记录全部读到，即使在该处中断。",
    grave=True,
)
def equal_times_across_pages(lab: Lab) -> None:
    """Groups of one and a half pages share a time; killed after every page in turn."""
    size = lab.stage.page
    at = lab.world.now()
    for number in range(3):
        lab.world.insert(lab.stage, size + size // 2, at=ago(at, 30 - number))
    lab.same(lab.pull(lab.reader(), lab.connect()))
    for killed_after in range(1, 4):
        reader = lab.pull(lab.reader(), lab.connect(), pages=killed_after)
        lab.same(lab.pull(reader, lab.connect()), f"after a crash behind page {killed_after}")


@check(
    Need.CURSOR,
    Need.TIMES,
    en="Records stamped with the very time at which the last pull ended are read by the next one.",
    zh="时间戳恰等于上次拉取终点的记录会在下次读到。",
    grave=True,
)
def times_at_the_cursor(lab: Lab) -> None:
    """The time of the newest record, and of the window's end."""
    connector, reader = lab.connect(), lab.reader()
    newest = lab.world.now()
    lab.world.insert(lab.stage, 3, at=newest)
    lab.pull(reader, connector)
    edge = lab.window(connector).until
    lab.world.insert(lab.stage, 2, at=newest)
    lab.world.insert(lab.stage, 2, at=edge)
    lab.same(lab.pull(reader, connector))


@check(
    Need.PAGES,
    en="A pull that is killed after any page goes on from its cursor, and nothing is left out.",
    zh="在任意一页后中断的拉取可从游标继续，不丢失任何记录。",
    grave=True,
)
def killed_after_every_page(lab: Lab) -> None:
    """Each time by a new process, which knows the cursor alone."""
    lab.world.insert(lab.stage, lab.stage.page * 4)
    for killed_after in range(1, 6):
        reader = lab.pull(lab.reader(), lab.connect(), pages=killed_after)
        lab.same(lab.pull(reader, lab.connect()), f"after a crash behind page {killed_after}")


@check(
    Need.PAGES,
    en="A pull that is killed after every two pages, again and again, still gets to its end.",
    zh="每读两页就被中断的拉取最终仍能完成。",
    grave=True,
)
def killed_again_and_again(lab: Lab) -> None:
    """Two pages a process: one may be a page that is read again."""
    lab.world.insert(lab.stage, lab.stage.page * 3)
    reader = lab.reader()
    for _ in range(20):
        lab.pull(reader, lab.connect(), pages=2)
        if set(lab.shown()) <= reader.ids:
            break
    lab.same(reader, "after twenty processes that read two pages each")


@check(
    en="With nothing new a pull makes one call at most (and one for deletions) and brings nothing that is not known.",
    zh="无新数据时，一次拉取最多调用一次接口（另加一次查询删除），且不产生任何新版本。",
)
def nothing_new(lab: Lab) -> None:
    """A day later; few enough that an overlap reads them again in one page."""
    reader, connector = lab.reader(), lab.roomy()
    lab.world.insert(lab.stage, 5)
    lab.pull(reader, connector)
    lab.world.advance(86_400.0)
    lab.pull(reader, connector)
    before = len(lab.calls())
    lab.world.advance(86_400.0)
    lab.pull(reader, connector)
    lab.expect(reader.new == 0, f"{reader.new} records look new that did not change.")
    calls = len(lab.calls()) - before
    most = 2 if lab.spec.deletes == "tombstones" else 1
    lab.expect(calls <= most, f"It takes {calls} calls to learn that nothing changed.")


@check(
    Need.EDIT,
    en="A changed record is read again, with its new value.",
    zh="变更后的记录会被重新读取，且为新值。",
    grave=True,
)
def changes_are_read(lab: Lab) -> None:
    """One of two pages."""
    reader, connector = lab.reader(), lab.connect()
    ids = lab.world.insert(lab.stage, lab.stage.page * 2)
    lab.pull(reader, connector)
    lab.world.edit(lab.stage, lab.random.choice(ids), {lab.stage.text: "changed since"})
    lab.same(lab.pull(reader, connector), "after a change")


@check(
    Need.CURSOR,
    Need.TIMES,
    en="What happens after the window's end is never skipped: the next pull brings it.",
    zh="窗口终点之后发生的变更不会被跳过，下次拉取必定读到。",
    grave=True,
)
def after_the_window(lab: Lab) -> None:
    """A window that ended ten minutes ago, records before and after its end."""
    connector, reader = lab.connect(), lab.reader()
    lab.world.advance(3600.0)
    now = lab.world.now()
    for seconds in (1200, 601, 600, 599, 5):
        lab.world.insert(lab.stage, 1, at=ago(now, seconds))
    reader.pull(connector, Window(until=ago(now, 600)))
    lab.same(lab.pull(reader, connector))


@check(
    Need.CURSOR,
    Need.TIMES,
    en="A person's --since reads everything since then again, and the next pull misses nothing.",
    zh="人工指定的 --since 会重读该时刻以来的全部内容，之后也不遗漏。",
    grave=True,
)
def since(lab: Lab) -> None:
    """Since half an hour ago; a change that was not pulled yet lies before it."""
    connector = lab.connect()
    lab.world.advance(7200.0)
    now = lab.world.now()
    old = lab.world.insert(lab.stage, 2, at=ago(now, 3600))
    young = lab.world.insert(lab.stage, 2, at=ago(now, 900))
    reader = lab.pull(lab.reader(), connector)
    unseen = lab.world.insert(lab.stage, 1, at=lab.world.now())
    lab.world.advance(7200.0)
    fresh = lab.reader()
    fresh.cursor = reader.cursor
    lab.pull(fresh, connector, since=ago(now, 1800))
    missing = set(young + unseen) - fresh.ids
    lab.expect(not missing, f"{len(missing)} records since then are not read again.")
    late = lab.world.insert(lab.stage, 1, at=lab.world.now())
    reader.cursor = fresh.cursor
    reader.held |= fresh.held
    lab.same(lab.pull(reader, connector), "after a pull with --since")
    lab.expect(set(old + late) <= reader.ids, "Records are missing after a pull with --since.")


@check(
    Need.CURSOR,
    en="A person's --since later than the cursor does not carry the cursor over what lies between.",
    zh="晚于游标的 --since 不会让游标越过中间未读的内容。",
    grave=True,
)
def since_after_the_cursor(lab: Lab) -> None:
    """Two changes since the last pull; only the later one is asked for."""
    connector, reader = lab.connect(), lab.reader()
    lab.world.insert(lab.stage)
    lab.pull(reader, connector)
    lab.world.advance(7200.0)
    lab.world.insert(lab.stage)
    lab.world.advance(7200.0)
    between = lab.world.now()
    lab.world.advance(60.0)
    lab.world.insert(lab.stage)
    lab.pull(reader, connector, since=between)
    lab.same(lab.pull(reader, connector))


@check(
    en="A full pull reads everything again, whatever the cursor says.",
    zh="全量拉取会忽略游标，重读全部记录。",
)
def full_pull(lab: Lab) -> None:
    """With the cursor of a finished pull."""
    connector = lab.connect()
    lab.world.insert(lab.stage, lab.stage.page * 2)
    before = lab.pull(lab.reader(), connector)
    lab.world.advance(86_400.0)
    again = lab.reader()
    again.cursor = before.cursor
    lab.same(lab.pull(again, connector, full=True))


@check(
    Need.PAGES,
    en="A pull holds a few pages at a time, however long the list is.",
    zh="无论列表多长，拉取时内存中只保留少数几页。",
    once=True,
    seconds=60,
)
def bounded_memory(lab: Lab) -> None:
    """The records that are alive when a page arrives."""
    size, pages = lab.stage.page, 30
    lab.world.insert(lab.stage, size * pages)
    connector, reader = lab.connect(), lab.reader()
    gc.collect()
    before, most = _alive(), 0

    def count(number: int, _: Page) -> None:
        nonlocal most
        reader.held.clear()
        if number % 5 == 1:
            most = max(most, _alive() - before)

    lab.pull(reader, connector, between=count)
    lab.expect(most <= 10 * size, f"{most} records are held at a time, of pages of {size}.")


def _alive() -> int:
    return sum(type(item) is RawRecord for item in gc.get_objects())


@check(
    en="The streams are listed once each, after those that their records refer to.",
    zh="每个数据流只列出一次，且排在其依赖的数据流之后。",
    once=True,
)
def streams_in_order(lab: Lab) -> None:
    """``depends_on`` names streams that come before."""
    before: set[str] = set()
    for spec in lab.connect().streams():
        lab.expect(spec.name not in before, f"The stream {spec.name} is listed twice.")
        late = sorted(set(spec.depends_on) - before)
        lab.expect(not late, f"The stream {spec.name} comes before {', '.join(late)}, which it depends on.")
        before.add(spec.name)


@check(
    Need.FETCH,
    en="A record that is read alone is the one that a pull brings, byte for byte.",
    zh="单独读取的记录与拉取得到的逐字节一致。",
)
def fetched_alone(lab: Lab) -> None:
    """Some of them, and one that is not there."""
    ids = lab.world.insert(lab.stage, 5)
    connector = lab.connect()
    pulled = lab.pull(lab.reader(), connector)
    absent = lab.world.insert(lab.stage)
    if lab.can(Need.DELETE):
        lab.world.delete(lab.stage, absent[0])
        ids = [*ids, *absent]
    found = {item.source_id: item for part in connector.fetch(lab.stage.stream, ids) for item in part}
    lab.expect(set(pulled.held) & set(ids) <= set(found), "Records that are there are left out.")
    lab.expect(absent[0] not in found or absent[0] not in ids, "A record that is gone is shown.")
    differing = [key for key, record in found.items() if record.body != pulled.held[key].body]
    lab.expect(not differing, f"{len(differing)} of {len(found)} records differ from what a pull brings.")
