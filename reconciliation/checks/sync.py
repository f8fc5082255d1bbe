"""What reconciliation looks at is complete and of now: streams, records that could not be read, statuses in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check

_ASKED = """
    c.system IN (SELECT system FROM systems)
    AND (c.system NOT IN (SELECT system FROM chosen_streams)
         OR (c.system, c.stream) IN (SELECT (system, stream) FROM chosen_streams))"""
_HEAD = "[-c.stream_id] AS keys, [-c.stream_id] AS records, NULL::BIGINT AS amount, NULL AS currency"


@check(
    "sync_stream_stale",
    stage="sync",
    department="it",
    severity="error",
    title=("Stream is not up to date", "数据流未更新"),
    fires=(
        (
            "a stream of a configured system was last pulled to its end more than {hours} hours ago, or has "
            "never been since a pull of it began that long ago"
        ),
        "已配置系统的数据流上次完整拉取已超过 {hours} 小时，或自首次拉取起超过该时间仍从未完成",
    ),
    sentence=(
        "Stream {stream} shows what {system} had until {covered_until}: newer records and findings are missing.",
        "数据流 {stream} 仅包含 {system} 截至 {covered_until} 的数据：缺少之后的记录和问题。",
    ),
    action=(
        "Look at `ltc status` and the last run: mend the connection, then run `ltc sync`.",
        "请查看 `ltc status` 和最近一次运行，修复连接后执行 `ltc sync`。",
    ),
    needs="",
    hours=72,
)
def sync_stream_stale(parameters: Mapping[str, Any]) -> str:
    """Not where ltc.yaml holds the clock, nor for streams that it does not ask for any more."""
    return f"""
        SELECT {_HEAD}, local_day(coalesce(c.covered_until, c.begun)) AS since,
            struct_pack(stream := c.stream, system := c.system, covered_until := local_day(c.covered_until)) AS params
        FROM coverage c
        WHERE {_ASKED} AND getvariable('clock_runs')
          AND coalesce(c.covered_until, c.begun) + INTERVAL {int(parameters["hours"])} HOUR < getvariable('as_of')
        """


@check(
    "sync_count_differs",
    stage="sync",
    department="it",
    severity="error",
    title=("Source has other records than we", "源系统记录数与本地不符"),
    fires=(
        (
            "a sweep listed more records of a stream than are known here once a pull has gone beyond it, or "
            "records are held here that it did not list and too many to be believed deleted"
        ),
        "清查列出的记录数多于其后拉取完成时本地已知的记录数，或本地持有未被列出、且数量过多而未被视为已删除的记录",
    ),
    sentence=(
        (
            "The source listed {counted} records of {stream} on {counted_on}; {missing} of them are missing "
            "here, {surplus} are here that it did not list."
        ),
        "源系统在 {counted_on} 列出 {stream} 的 {counted} 条记录；本地缺少 {missing} 条，多出 {surplus} 条。",
    ),
    action=(
        "Read the stream anew with `ltc pull --full`, or let `ltc sweep --force` mark what is really gone.",
        "请用 `ltc pull --full` 重新读取该数据流，或用 `ltc sweep --force` 标记确已删除的记录。",
    ),
    needs="",
)
def sync_count_differs(_: Mapping[str, Any]) -> str:
    """Records that came after the sweep only make the number here larger, so nothing is missing by mistake."""
    return f"""
        SELECT {_HEAD}, local_day(n.counted_at) AS since,
            struct_pack(counted := n.counted, stream := c.system || '.' || c.stream,
                counted_on := local_day(n.counted_at), missing := greatest(n.counted - n.held, 0),
                surplus := n.surplus) AS params
        FROM coverage c JOIN source_counts n USING (stream_id)
        WHERE {_ASKED} AND ((n.held < n.counted AND c.covered_until > n.counted_at) OR n.surplus > 0)
        """


@check(
    "quarantined_records_open",
    stage="sync",
    department="it",
    severity="warning",
    title=("Records in quarantine", "记录滞留隔离区"),
    fires=(
        (
            "records of a stream have been in quarantine for {days} days of pulls: they take no part in any "
            "figure; one finding per stream"
        ),
        "数据流的记录在隔离区已超过 {days} 天的拉取：它们不参与任何计算；每个数据流一个问题",
    ),
    silent=(
        "somebody discarded them (`quarantined_records_discarded`)",
        "已被人工丢弃（`quarantined_records_discarded`）",
    ),
    sentence=(
        "{count} records of {stream} could not be used since {first_on} and take no part in any figure.",
        "{stream} 有 {count} 条记录自 {first_on} 起无法使用，未参与任何计算。",
    ),
    action=(
        "`ltc quarantine` says what is wrong with each; mend the mapping or the record.",
        "`ltc quarantine` 会说明每条记录的问题；请修正映射或记录。",
    ),
    needs="",
    days=1,
)
def quarantined_records_open(parameters: Mapping[str, Any]) -> str:
    """By the time of pulls, so that what came with the last one is not told of yet."""
    return f"""
        SELECT {_HEAD}, local_day(min(q.first_at)) AS since,
            struct_pack(count := count(*), stream := c.system || '.' || c.stream,
                first_on := local_day(min(q.first_at))) AS params
        FROM coverage c JOIN quarantined q ON q.system = c.system AND q.stream = c.stream
        WHERE {_ASKED} AND c.covered_until - q.first_at >= INTERVAL {int(parameters["days"])} DAY
          AND q.discarded_at IS NULL
        GROUP BY c.stream_id, c.system, c.stream
        """


@check(
    "quarantined_records_discarded",
    stage="sync",
    department="it",
    severity="info",
    title=("Records discarded from quarantine", "已丢弃的隔离记录"),
    fires=(
        (
            "somebody discarded records of a stream that could not be understood: they take no part in any figure; one "
            "finding per stream"
        ),
        "数据流中无法识别的记录已被人工丢弃：它们不参与任何计算；每个数据流一个问题",
    ),
    sentence=(
        "{count} records of {stream} were discarded by {people}, last on {last_on}, and take no part in any figure.",
        "{stream} 有 {count} 条记录被 {people} 丢弃，最近一次在 {last_on}，未参与任何计算。",
    ),
    action=(
        "`ltc quarantine list --discarded` says which and why; `ltc quarantine undiscard` puts one back on the list.",
        "`ltc quarantine list --discarded` 会列出记录和原因；`ltc quarantine undiscard` 可将其放回列表。",
    ),
    needs="",
)
def quarantined_records_discarded(_: Mapping[str, Any]) -> str:
    """What is left out of all figures by somebody's decision is told of by name for as long as it is left out."""
    return f"""
        SELECT {_HEAD}, local_day(min(q.discarded_at)) AS since,
            struct_pack(count := count(*), stream := c.system || '.' || c.stream,
                people := string_agg(DISTINCT q.discarded_by, ', ' ORDER BY q.discarded_by),
                last_on := local_day(max(q.discarded_at))) AS params
        FROM coverage c JOIN quarantined q ON q.system = c.system AND q.stream = c.stream
        WHERE {_ASKED} AND q.discarded_at IS NOT NULL
        GROUP BY c.stream_id, c.system, c.stream
        """


@check(
    "status_out_of_order",
    stage="sync",
    department="sales_operations",
    severity="warning",
    title=("Status out of order", "状态变更不合规"),
    fires=(
        (
            "in the last {days} days a record's status went back, or on from a final one, to where the legal "
            "order of statuses does not lead, and it is still that"
        ),
        "最近 {days} 天内记录的状态倒退，或从终态变为不合法的状态，且至今未变",
    ),
    sentence=(
        "{entity_name} {record} in {system} went from {was} to {became} on {changed_on}.",
        "{system} 中的{entity_name} {record} 于 {changed_on} 由“{was}”变为“{became}”。",
    ),
    action=(
        "Ask who changed it and why; set it right, or explain the finding.",
        "请核实由谁变更及原因；更正状态，或说明该问题。",
    ),
    needs="",
    days=30,
)
def status_out_of_order(parameters: Mapping[str, Any]) -> str:
    """What was passed over between two looks is in order; so is what we wrote ourselves."""
    return f"""
        SELECT [s.record_id] AS keys, [s.record_id] AS records, s.amount, s.currency, changed_on AS since,
            struct_pack(entity_name := s.entity, record := s.label, system := s.system,
                was_of := [s.entity, j.was], became_of := [s.entity, j.became], changed_on := changed_on) AS params
        FROM (SELECT *, local_day(changed_at) AS changed_on FROM out_of_order) j
        JOIN subjects s USING (record_id)
        WHERE NOT s.deleted AND s.status = j.became
          AND getvariable('today') - changed_on <= {int(parameters["days"])}
        """
