"""Failing: a connection or a server that breaks in any way ends in an error of ours or is overcome, without a loss."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from conformance.catalogue import check
from conformance.lab import TIMEOUT, Lab, NotShown
from conformance.needs import Need
from conformance.world import Answer
from connectors.errors import ConnectorError, ContractError, QuotaError, TransientError


def _filled(lab: Lab) -> None:
    lab.world.insert(lab.stage, lab.stage.page * 3)


def _throttled(lab: Lab, headers: dict[str, str] | None = None) -> Answer:
    said = lab.world.says("throttled")
    if said is None:
        raise NotShown("The system never says that it is asked too often.")
    return Answer(429 if headers else said.status, said.body, {**said.headers, **(headers or {})})


def _answer(lab: Lab, said: Answer, *, times: int = 1, skip: int = 0, where: str = "") -> None:
    lab.world.faults.answer(
        where or lab.stage.list, said.status, said.body, headers=said.headers, times=times, skip=skip
    )


def _survives(lab: Lab, what: str) -> None:
    """A pull with a fault in it: it is overcome, or the next pull goes on without a gap."""
    reader, connector = lab.reader(), lab.connect()
    try:
        lab.pull(reader, connector)
    except ConnectorError:
        lab.world.faults.clear()
        lab.pull(reader, lab.connect())
    lab.same(reader, what)


@check(
    Need.RETRY_AFTER,
    en="Asked too often (429), the connector waits as long as Retry-After says, and goes on.",
    zh="遇到 429 时按 Retry-After 的秒数等待后继续。",
)
def throttled_for_seconds(lab: Lab) -> None:
    """Seven seconds, in the middle of the list."""
    _filled(lab)
    _answer(lab, _throttled(lab, {"Retry-After": "7"}), skip=1 if lab.can(Need.PAGES) else 0)
    lab.same(lab.pull(lab.reader(), lab.connect()))
    lab.expect(lab.waits.longest >= 6.5, f"The longest wait is {lab.waits.longest:.1f} s; Retry-After said 7.")


@check(
    Need.RETRY_AFTER,
    en="Retry-After as an HTTP date is obeyed too.",
    zh="HTTP 日期格式的 Retry-After 同样被遵守。",
)
def throttled_until_a_date(lab: Lab) -> None:
    """Twelve seconds ahead."""
    _filled(lab)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=12), usegmt=True)
    _answer(lab, _throttled(lab, {"Retry-After": date}))
    lab.same(lab.pull(lab.reader(), lab.connect()))
    lab.expect(lab.waits.longest >= 8, f"The longest wait is {lab.waits.longest:.1f} s; the date was 12 s ahead.")


@check(
    en="Without Retry-After the connector backs off by itself: a few attempts, with waits between them.",
    zh="没有 Retry-After 时自行退避：少量重试，间隔等待。",
)
def throttled_without_a_word(lab: Lab) -> None:
    """Twice; then as long as it likes."""
    _filled(lab)
    _answer(lab, _throttled(lab), times=2)
    lab.same(lab.pull(lab.reader(), lab.connect()))
    lab.expect(bool(lab.waits.seconds), "It asks again at once.")
    lab.later(3600.0)
    _answer(lab, _throttled(lab), times=1000)
    before = len(lab.calls(lab.stage.list))
    lab.raises((TransientError, QuotaError), lambda: lab.pull(lab.reader(), lab.connect()), "A 429 without end")
    asked = len(lab.calls(lab.stage.list)) - before
    lab.expect(asked <= 15, f"It asks {asked} times although it is told not to.")


@check(
    Need.RETRY_AFTER,
    en="A wait of hours is not waited for: the run ends, and the next one goes on from the cursor.",
    zh="要求等待数小时时不空等：结束本次运行，下次从游标继续。",
)
def throttled_for_hours(lab: Lab) -> None:
    """Six hours."""
    _filled(lab)
    _answer(lab, _throttled(lab, {"Retry-After": "21600"}), times=5)
    reader = lab.reader()
    lab.raises((TransientError, QuotaError), lambda: lab.pull(reader, lab.connect()), "A wait of six hours")
    lab.expect(sum(lab.waits.seconds) < 600, "It waits for hours.")
    lab.world.faults.clear()
    lab.later(22_000.0)
    lab.same(lab.pull(reader, lab.connect()))


@check(
    Need.QUOTA,
    en="A used-up quota ends the run as such, keeps the cursor, and is not asked for again and again.",
    zh="配额用尽时以配额错误结束，保留游标，且不反复请求。",
    grave=True,
)
def quota_used_up(lab: Lab) -> None:
    """In the middle of the list."""
    _filled(lab)
    said = lab.world.says("quota") or Answer(429)
    skip = 1 if lab.can(Need.PAGES) else 0
    _answer(lab, said, times=1000, skip=skip)
    reader = lab.reader()
    lab.raises(QuotaError, lambda: lab.pull(reader, lab.connect()), "A used-up quota")
    asked = len(lab.calls(lab.stage.list))
    lab.expect(asked <= skip + 2, f"It asks {asked - skip} times although nothing is left.")
    lab.world.faults.clear()
    lab.later(90_000.0)
    lab.same(lab.pull(reader, lab.connect()), "when the quota is back")


@check(
    en="500, 502 and 503 in a row are overcome, and what comes after them is complete.",
    zh="连续的 500、502、503 可被克服，之后的数据完整。",
    grave=True,
)
def storm_of_server_errors(lab: Lab) -> None:
    """Three in a row, twice."""
    _filled(lab)
    for skip in (0, 1):
        for status in (500, 502, 503):
            lab.world.faults.answer(lab.stage.list, status, "<html>Bad gateway</html>", skip=skip)
    lab.same(lab.pull(lab.reader(), lab.connect()))


@check(
    en="A server that answers 503 without end is left alone after a few attempts, as a passing failure.",
    zh="持续 503 时少量重试后停止，并报告为暂时性错误。",
)
def down_for_long(lab: Lab) -> None:
    """A thousand times."""
    _filled(lab)
    lab.world.faults.answer(lab.stage.list, 503, times=1000)
    reader = lab.reader()
    lab.raises(TransientError, lambda: lab.pull(reader, lab.connect()), "A server that is down")
    asked = len(lab.calls(lab.stage.list))
    lab.expect(2 <= asked <= 15, f"It asks {asked} times.")
    lab.world.faults.clear()
    lab.later(3600.0)
    lab.same(lab.pull(reader, lab.connect()), "when it is up again")


@check(
    en="A connection that is closed before the answer costs nothing but another attempt.",
    zh="应答前连接断开只需重试一次。",
    grave=True,
)
def closed_before_the_answer(lab: Lab) -> None:
    """On the first page and on another."""
    _filled(lab)
    lab.world.faults.cut(lab.stage.list)
    lab.world.faults.cut(lab.stage.list, skip=1)
    lab.same(lab.pull(lab.reader(), lab.connect()))


@check(
    en="A connection that breaks in the middle of an answer does not make half a page of it.",
    zh="应答中途断开不会被当作半页数据。",
    grave=True,
)
def broken_in_the_body(lab: Lab) -> None:
    """Half of the promised bytes."""
    _filled(lab)
    lab.world.faults.break_off(lab.stage.list)
    lab.world.faults.break_off(lab.stage.list, skip=1)
    _survives(lab, "after a body that broke off")


@check(
    Need.TIMEOUT,
    en="A server that never answers is given up after the time-out, as a passing failure.",
    zh="服务器无应答时在超时后放弃，并报告为暂时性错误。",
    once=True,
)
def no_answer(lab: Lab) -> None:
    """Time-outs of a few hundred milliseconds."""
    _filled(lab)
    lab.world.faults.hang(lab.stage.list, times=100)
    reader = lab.reader()
    lab.raises(TransientError, lambda: lab.pull(reader, lab.connect(timeout=TIMEOUT)), "A server without an answer")
    lab.world.faults.clear()
    lab.same(lab.pull(reader, lab.connect()), "when it answers again")


@check(
    Need.TIMEOUT,
    en="An answer that comes byte by byte is not waited for without end.",
    zh="逐字节缓慢到达的应答不会被无限等待。",
    seconds=150,
    once=True,
)
def slow_drip(lab: Lab) -> None:
    """A byte every half of a time-out: no single pause is too long."""
    lab.world.insert(lab.stage, lab.stage.page)
    lab.world.faults.drip(lab.stage.list, TIMEOUT / 8, times=100)
    reader = lab.reader()
    lab.raises(
        (TransientError, ContractError),
        lambda: lab.pull(reader, lab.connect(timeout=TIMEOUT / 4)),
        "An answer that drips for minutes",
    )


@check(
    en="An address where nobody listens is told as a passing failure, after a few attempts.",
    zh="无人监听的地址报告为暂时性错误，且只重试几次。",
    once=True,
)
def nobody_there(lab: Lab) -> None:
    """A port of loopback that is closed."""
    connector = lab.connect(address=_closed(lab))
    lab.raises(TransientError, lambda: lab.pull(lab.reader(), connector), "An address without a server")
    lab.expect(len(lab.waits.seconds) <= 12, f"It is tried {len(lab.waits.seconds) + 1} times.")
    lab.expect(all(not line.ok for line in connector.check()), "`ltc check` finds nothing wrong.")


def _closed(lab: Lab) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"{lab.world.scheme}://127.0.0.1:{probe.getsockname()[1]}"
