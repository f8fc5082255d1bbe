"""The end of a run on one screen, for a finance person and an IT person alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from console.i18n import Texts, texts
from console.output import say, table
from sync.result import SyncResult

if TYPE_CHECKING:
    from state.creations import CreationPlan
    from state.outbox import Plan

_SEVERITIES = ("error", "warning", "info")
_TIE_OUTS = (
    "quote_order",
    "order_delivery",
    "order_invoice",
    "invoice_payment",
    "payment_payout",
    "payout_bank",
    "status_crm_erp",
    "status_erp_accounting",
)
_STAGES = (
    *("lead", "opportunity", "quote", "order", "delivery", "billing", "collection", "payout"),
    *("service", "master_data", "sync"),
)
_REFUSED = ("rejected", "dead")
_OPEN = ("planned", "sending", "unknown")
_MOST_FIELDS = 5


def show(result: SyncResult, report: Mapping[str, Any] | None, locale: str) -> None:
    """Print what a run did, found and left to do; tie-outs and findings from ``report``, else from the run."""
    words = texts(locale)
    kind, status = words(f"summary.kind.{result.kind}"), words(f"summary.status.{result.status}")
    say()
    say(words("summary.head", kind=kind, run=result.run_id, status=status, seconds=f"{result.seconds:.1f}"))
    _pulled(result, words)
    _swept(result, words)
    if result.reconciled or report is not None:
        figures = report if report is not None else result.reconcile or {}
        _tie_outs(figures.get("tie_outs", ()), words)
        _findings(figures.get("findings", figures.get("open", ())), figures.get("roll_forward"), words)
        for name, why in ((result.reconcile or {}).get("broken") or {}).items():
            say(words("summary.broken_check", name=name, why=why))
        _refused_keys((result.reconcile or {}).get("refused_keys", ()), words)
    _applied(result.applied, words)
    _created(result.created, words)
    _planned(result.plans, words)
    _new_records(result.new_records, words)
    for pause in result.paused:
        say(words("pausing.left_out", what=pause.what, by=pause.paused_by, reason=pause.reason))
    _problems(result, words)
    if result.kind == "sync" and result.status == "done" and result.changed_nothing:
        say(words("summary.nothing_changed"))
    elif result.kind == "reconcile" and result.status == "done" and not result.reconciled:
        say(words("summary.nothing_to_reconcile"))


def _refused_keys(kinds: Sequence[Mapping[str, Any]], words: Texts) -> None:
    """By what customers were not compared, since too many share it, and what to do."""
    for item in kinds:
        kind = item["kind"]
        counts = {name: f"{item[name]:,}" for name in ("keys", "pairs", "largest")}
        what, systems = words(f"summary.refused_kind.{kind}"), words.listed(item["systems"])
        say(words("summary.refused_keys", what=what, systems=systems, **counts))
        say(f"  {words(f'summary.refused_advice.{kind}')}")


def _part(words: Texts, name: str, **values: Any) -> None:
    say()
    say(words(f"summary.part.{name}", **values))


def _columns(words: Texts, *names: str) -> list[str]:
    return [words(f"summary.columns.{name}") for name in names]


def _sums(result: SyncResult, directions: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for outcome in result.outcomes:
        if outcome.direction in directions:
            sums = found.setdefault(outcome.system, {})
            for name, number in outcome.counts.items():
                sums[name] = sums.get(name, 0) + number
    return found


def _pulled(result: SyncResult, words: Texts) -> None:
    sums = _sums(result, ("fetch", "pull", "replay"))
    if not sums:
        return
    names = ("pulled", "new", "changed", "deleted", "rejected", "calls")
    _part(words, "systems")
    table(_columns(words, "system", *names), [(system, *_numbers(found, names)) for system, found in sums.items()])
    rejected = sum(found.get("rejected", 0) for found in sums.values())
    if rejected:
        say(words.counted("summary.quarantined", rejected))
    changed = [f"{item.system}.{item.stream} {field.path}" for item in result.outcomes for field in item.drift]
    if changed:
        fields = words.listed([*changed[:_MOST_FIELDS], *(["…"] if len(changed) > _MOST_FIELDS else [])])
        say(words.counted("summary.drift", len(changed), fields=fields))


def _swept(result: SyncResult, words: Texts) -> None:
    sums = _sums(result, ("sweep",))
    if sums:
        _part(words, "sweep")
        names = ("listed", "deleted")
        table(_columns(words, "system", *names), [(system, *_numbers(found, names)) for system, found in sums.items()])


def _numbers(found: Mapping[str, int], names: Iterable[str]) -> list[int]:
    return [found.get(name, 0) + (found.get("revived", 0) if name == "changed" else 0) for name in names]


def _tie_outs(items: Iterable[Mapping[str, Any]], words: Texts) -> None:
    rows = [
        (
            words(f"summary.tie_out.{item['name']}"),
            item["currency"],
            _side(item["left"]),
            _side(item["right"]),
            _side({"count": item["matched"]["count"], "amount": item["matched"]["left_amount"]}),
            _side(item["unmatched_left"]),
            _side(item["unmatched_right"]),
        )
        for item in sorted(items, key=_course)
    ]
    if rows:
        _part(words, "tie_outs")
        names = ("tie_out", "currency", "left", "right", "matched", "unmatched_left", "unmatched_right")
        table(_columns(words, *names), rows)


def _course(item: Mapping[str, Any]) -> tuple[int, str, str]:
    """By the course of lead to cash, then by currency."""
    known = _TIE_OUTS.index(item["name"]) if item["name"] in _TIE_OUTS else len(_TIE_OUTS)
    return known, item["name"], item["currency"]


def _side(side: Mapping[str, Any]) -> str:
    if not side["count"]:
        return "–"
    return f"{side['count']:,} · {Decimal(side['amount'] or 0):,}"


def _findings(items: Iterable[Mapping[str, Any]], roll_forward: Mapping[str, int] | None, words: Texts) -> None:
    """By stage and department: how many of each severity, and the money at stake per currency."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    money: dict[tuple[str, str], dict[str, Decimal]] = {}
    for item in items:
        key = (item["stage"], item["department"])
        number = counts.setdefault(key, dict.fromkeys(_SEVERITIES, 0))
        number[item["severity"]] += item.get("count", 1)
        if item.get("amount") and item.get("currency"):
            sums = money.setdefault(key, {})
            sums[item["currency"]] = sums.get(item["currency"], Decimal(0)) + Decimal(item["amount"])
    total = sum(sum(number.values()) for number in counts.values())
    if total:
        _part(words, "findings", count=f"{total:,}")
        rows = [
            (
                words(f"summary.stage.{stage}"),
                words(f"summary.department.{department}"),
                *(number[severity] for severity in _SEVERITIES),
                words.listed(
                    f"{code} {amount:,}" for code, amount in sorted(money.get((stage, department), {}).items())
                ),
            )
            for (stage, department), number in _in_order(counts)
        ]
        table(_columns(words, "stage", "department", *_SEVERITIES, "amount"), rows)
    elif roll_forward is not None:
        say()
        say(words("summary.no_findings"))
    if roll_forward is not None:
        say(words("summary.roll_forward", **{name: f"{number:,}" for name, number in roll_forward.items()}))
    if total:
        say(words("summary.look_at_findings"))


def _in_order(
    counts: Mapping[tuple[str, str], dict[str, int]],
) -> list[tuple[tuple[str, str], dict[str, int]]]:
    """By the course of lead to cash."""
    rank = {stage: n for n, stage in enumerate(_STAGES)}
    return sorted(counts.items(), key=lambda item: (rank.get(item[0][0], len(rank)), item[0]))


def _planned(plans: Sequence[Plan], words: Texts) -> None:
    if not plans:
        return
    _part(words, "plans")
    rows = [(plan.system, plan.id, len(plan.open_items), _fields(plan)) for plan in plans]
    table(_columns(words, "system", "plan", "changes", "fields"), rows)
    say(words("summary.look_at_plans"))


def _fields(plan: Plan) -> str:
    """What is to change: ``opportunity.delivery_state 12, …``."""
    found: dict[str, int] = {}
    for item in plan.open_items:
        for change in item.changes:
            name = f"{item.entity}.{change.field}"
            found[name] = found.get(name, 0) + 1
    return ", ".join(f"{name} {number:,}" for name, number in sorted(found.items()))


def _applied(plans: Sequence[Plan], words: Texts) -> None:
    if not plans:
        return
    _part(words, "written")
    rows = []
    for plan in plans:
        count = dict.fromkeys(("applied", "unchanged", "conflict", "refused", "open"), 0)
        for item in plan.items:
            status = item.status.value
            status = "refused" if status in _REFUSED else "open" if status in _OPEN else status
            count[status] = count.get(status, 0) + 1
        rows.append((plan.system, *(count[name] for name in ("applied", "unchanged", "conflict", "refused", "open"))))
    table(_columns(words, "system", "applied", "unchanged", "conflict", "refused", "open"), rows)


def _created(plans: Sequence[CreationPlan], words: Texts) -> None:
    if not plans:
        return
    _part(words, "created")
    names = ("applied", "unchanged", "refused", "waiting")
    rows = []
    for plan in plans:
        found = [item.status.value for item in plan.items]
        kinds = [("applied",), ("unchanged",), _REFUSED, _OPEN]
        rows.append((plan.system, *(sum(status in kind for status in found) for kind in kinds)))
    table(_columns(words, "system", *names), rows)


def _new_records(plans: Sequence[CreationPlan], words: Texts) -> None:
    if not plans:
        return
    _part(words, "new_records")
    table(_columns(words, "system", "plan", "records"), [(plan.system, plan.id, len(plan.items)) for plan in plans])
    say(words("summary.new_records"))


def _problems(result: SyncResult, words: Texts) -> None:
    """Each reason once, with the streams it stopped."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for outcome in result.failed:
        if outcome.error is not None and outcome.error.kind != "not_tried":
            where = outcome.system if outcome.stream == "*" else f"{outcome.system}.{outcome.stream}"
            reasons.setdefault((outcome.error.message, outcome.error.remedy), []).append(where)
    for problem in result.problems:
        reasons.setdefault((problem.message, problem.remedy), [])
    if not reasons and result.status != "interrupted":
        return
    if reasons:
        _part(words, "problems")
    for (message, remedy), places in reasons.items():
        told = message.replace("\n", "\n    ")
        say(f"  ✗ {', '.join(places)}: {told}" if places else f"  ✗ {told}")
        if remedy:
            say(f"    → {remedy}")
    say(words("summary.next_run"))
