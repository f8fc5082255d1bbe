"""What a report is made of, as plain data without words, as it stood at a stamp; or as a close has frozen it.

Everything comes from what the store keeps from stamp to stamp (figures, findings' events, closes), nothing from the
settings or records of today. So the same stamp always gives the same report, and what is gathered can be frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from reconciliation import adjustments
from reconciliation.rules import BASIS, Rules
from reconciliation.tieouts import DoesNotFootError, foots
from state import cash, figures, finding_terms, findings, handling, periods, pruned, tieouts
from state.clock import from_us, to_us

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.periods import Close
    from state.tieouts import TieOut

CARRIED = ("movement", "adjustment", "settled")
"""What there is only of the period after the last close."""
LISTS = ("tie_out", "period", "movement", "adjustment", "settled", "receivable", "cash", "finding", "close")
"""Parts that are lists; all others are one value."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a report is about: as of when, of which period. ``at`` is a stamp in microseconds."""

    at: int
    period: str | None = None
    """``YYYY-MM``; ``None``: that of the day."""
    closing: bool = False
    """Whether the period is being closed now: it ends with this."""
    latest: bool = True
    """Whether it is about the present, whatever the clock says."""
    revision: int | None = None
    """Which close of the period, also one that was reopened; ``None``: the one that stands, if any."""

    @property
    def until(self) -> int | None:
        """The stamp up to which things are shown; ``None``: all of them."""
        return None if self.latest else self.at


def gather(connection: Connection, rules: Rules, moment: Moment) -> dict[str, Any]:
    """The parts of a report; amounts in minor units. ``rules`` only count before the first reconciliation.

    Raises ``DoesNotFootError`` instead of giving out figures that do not add up.
    """
    parts = outline(connection, rules, moment)
    return parts if "finding" in parts else {**parts, "finding": _findings(connection, moment)}


def outline(connection: Connection, rules: Rules, moment: Moment) -> dict[str, Any]:
    """The parts of a report without its findings, unless they are those that a close has frozen; as ``gather``."""
    basis = figures.standing(connection, "basis", moment.until).get("") or _basis(rules)
    day = _day(moment.at, basis)
    period = moment.period or f"{day:%Y-%m}"
    closes = periods.closes(connection, moment.until)
    own = [item for item in closes if item.period == period]
    frozen = [item for item in own if (item.stands if moment.revision is None else item.revision == moment.revision)]
    if frozen:
        parts: dict[str, Any] = dict.fromkeys(LISTS, ())
        for kind, values in periods.figures(connection, frozen[-1]).items():
            parts[kind] = values if kind in LISTS else values[0]
        signed = frozen[-1].before_reopening()
        shown = signed.approved_at or signed.closed_at  # whenever it is asked for, it is the same report
        parts |= {"as_of": shown, "head": {**parts["head"], "as_of": signed.closed_at}}
        told = signed.at(shown) if frozen[-1].stands else frozen[-1]  # whoever gets it must see that it was withdrawn
        known = _known(connection, told, shown)
        return {**parts, "close": [asdict(item) for item in known], "sign_off": asdict(told)}
    before = [item for item in closes if item.stands and item.period < period]
    follows = bool(before) and adjustments.after(before[-1].period) == period
    split = list(figures.standing(connection, "period", moment.until).values())
    carried = {kind: _carried(connection, kind, moment, period) if follows else [] for kind in CARRIED}
    then = _carried(connection, "receivable_then", moment, period)
    owed_at = adjustments.last_day(period) if then else day
    parts = {
        "as_of": moment.at,
        "head": {"as_of": moment.at, "period": period, "owed_at": owed_at.isoformat(), **_gone(connection, moment)},
        "basis": basis,
        "tie_out": tieouts.latest(connection, moment.until),
        "period": _of_period(split, period),
        **carried,
        "movement": carried["movement"] or _movements(split, period),
        "receivable": then or list(figures.standing(connection, "receivable", moment.until).values()),
        "cash": _received_by(list(figures.standing(connection, cash.KIND, moment.until).values()), period),
        "roll_forward": _roll_forward(connection, moment, basis, period, before),
        "close": [asdict(item) for item in closes],
    }
    _check(parts)
    return parts


def frozen(parts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a close keeps of gathered parts, by kind; the closes themselves have rows of their own.

    No instant of the close is among it, so that the same figures give the same hash whenever they are frozen.
    """
    for kind, value in parts.items():
        if kind in ("close", "as_of"):
            continue
        for item in value if kind in LISTS else (value,):
            yield kind, {name: item[name] for name in item if name != "as_of"} if kind == "head" else item


def _known(connection: Connection, signed: Close, shown: int) -> list[Close]:
    """The closes that the report of one knows of, itself as told; where the clock stands, all have one instant."""
    found = []
    for item in periods.closes(connection, shown):
        if item.period != signed.period or item.revision < signed.revision:
            found.append(item)
        elif item.revision == signed.revision:
            found.append(signed)
    return found


def day_of(parts: dict[str, Any]) -> date:
    """The business day of gathered parts."""
    return _day(parts["head"]["as_of"], parts["basis"])


def month(period: str, timezone: str) -> tuple[int, int]:
    """The first microsecond of a ``YYYY-MM`` in a time zone, and that of the month after it."""
    starts = []
    for name in (period, adjustments.after(period)):
        begin = datetime(int(name[:4]), int(name[5:]), 1, tzinfo=ZoneInfo(timezone))
        starts.append(to_us(begin.astimezone(UTC)))
    return starts[0], starts[1]


def _basis(rules: Rules) -> dict[str, Any]:
    return {**{name: getattr(rules, name) for name in BASIS}, "own_checks": rules.own_words()}


def _day(at: int, basis: dict[str, Any]) -> date:
    return from_us(at).astimezone(ZoneInfo(basis["timezone"])).date()


def _gone(connection: Connection, moment: Moment) -> dict[str, int]:
    """Before when something may be missing that retention has removed."""
    if moment.latest:
        return {}
    removed = [pruned.removed(connection, kind) for kind in ("findings", "tie_outs")]
    before = max((item.before for item in removed if item is not None), default=0)
    return {"pruned_before": before} if moment.at < before else {}


def _carried(connection: Connection, kind: str, moment: Moment, period: str) -> list[dict[str, Any]]:
    found = figures.standing(connection, kind, moment.until).values()
    return [item for item in found if item["period"] == period]


def _of_period(split: list[TieOut], period: str) -> list[TieOut]:
    """Each tie-out in a period; what stood before it where nothing moved in it."""
    found: dict[tuple[str, str], TieOut] = {}
    for item in split:  # by period
        if item["period"] <= period:
            found[item["name"], item["currency"]] = item
    return [_still(item, period) for _, item in sorted(found.items())]


def _still(item: TieOut, period: str) -> TieOut:
    if item["period"] == period:
        return item
    nothing = {name: dict.fromkeys(part, 0) for name, part in item["movement"].items()}
    return {**item, "period": period, "movement": nothing}


def _movements(split: list[TieOut], period: str) -> list[dict[str, Any]]:
    """From the end of the month before to the end of a period that no close stands right before."""
    opening = adjustments.at_end(split, adjustments.before(period))
    closing = adjustments.at_end(split, period)
    moved: dict[tuple[str, str, str], int] = {}
    for item in split:
        if item["period"] == period:
            for side in ("left", "right"):
                whole = item["movement"][side]["amount"] - item["movement"][f"excluded_{side}"]["amount"]
                moved[item["name"], side, item["currency"]] = whole
    found = []
    for key in sorted(opening.keys() | closing.keys()):
        (begin, open_before), (end, open_now) = opening.get(key, (0, 0)), closing.get(key, (0, 0))
        documents = moved.get(key, 0)
        row = {
            **dict(zip(("tie_out", "side", "currency"), key, strict=True)),
            "period": period,
            "opening": begin,
            "documents": documents,
            "adjustments": 0,
            "closing": end,
            "open_before": open_before,
            "settled": open_before + documents - open_now,
            "open_now": open_now,
        }
        adjustments.foot(row)
        found.append(row)
    return found


def _received_by(receipts: list[dict[str, Any]], period: str) -> list[dict[str, Any]]:
    """The receipts that came in by the end of a period: later ones are no business of its report."""
    last = adjustments.last_day(period).isoformat()
    return [item for item in receipts if (item["received_on"] or "") <= last]


def _findings(connection: Connection, moment: Moment) -> list[dict[str, Any]]:
    """The findings that were outstanding, with what was said about each, and their customers as they are called now."""
    standing = findings.standing(connection, moment.until)
    said = handling.said(connection, [item.id for item in standing], moment.until)
    about = [
        (item.id, n, record.record_id, record.system, record.entity)
        for item in standing
        for n, record in enumerate(item.records)
    ]
    customers = finding_terms.present_customers(connection, about)
    return [{**asdict(item), "said": said.get(item.id, []), "customer": customers.get(item.id)} for item in standing]


def _roll_forward(
    connection: Connection, moment: Moment, basis: dict[str, Any], period: str, before: list[Close]
) -> dict[str, int]:
    """Findings from the close before (else the period's first instant) to now, or to the end of a period that is over
    and follows no close."""
    begin, end = month(period, basis["timezone"])
    follows = bool(before) and adjustments.after(before[-1].period) == period
    begin = before[-1].closed_at if follows else begin - 1
    until = None if moment.latest else moment.at
    if not (follows or moment.closing) and moment.at >= end:
        until = end - 1
    return {**findings.roll_forward_between(connection, begin, until)}


def _check(parts: dict[str, Any]) -> None:
    for item in parts["tie_out"]:
        if not foots(item):
            raise DoesNotFootError(f"The tie-out {item['name']} in {item['currency']} does not add up.")
    for row in parts["movement"]:
        adjustments.foot(row)
    moved = parts["roll_forward"]
    if moved["opening"] + moved["new"] - moved["cleared"] != moved["closing"]:
        raise DoesNotFootError("The findings of the period do not add up: opening + new − cleared is not closing.")
