"""Receipts and what becomes of them, on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from console.context import App
from console.output import say, table

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.engine import Connection

    from console.i18n import Texts
    from settings.model import Settings

Figure = dict[str, Any]
KINDS = (
    "rounding",
    "discount",
    "fee",
    "withholding_tax",
    "fx",
    "short_payment",
    "surcharge",
    "overpayment",
    "deposit",
    "to_refund",
    "no_sale",
)
"""What may explain the difference between a receipt and what it settles."""
WHOLE = ("deposit", "to_refund", "no_sale")
"""What a receipt may be that settles nothing."""
_EXPECTED, _HARDLY = ("chance", "doubt"), 0.01
"""Evidence that is an expected number, and below which it is not told to the digit."""
AMOUNT_ONLY = "amount_only"
"""What suggestions without a rule go by."""


def name(record: Figure) -> str:
    """``system:number``, or the address where there is no number."""
    system = str(record.get("system") or "")
    return f"{system}:{record.get('number') or record.get('entity', '') + ':' + str(record.get('source_id'))}"


def called(record: Figure, source: Figure | None = None) -> str:
    """What people call a document: its number; of a payment without one (``source``) its reference; else its id."""
    names = (record.get("number"), *((source or {}).get(name) for name in ("reference_text", "external_ref")))
    return next((str(text).strip()[:60] for text in names if text and str(text).strip()), str(record.get("source_id")))


def money(amount: int, currency: str) -> str:
    """Minor units for people."""
    from reconciliation import words

    return words.amount(amount, currency)


def minor(text: str, currency: str) -> int:
    """Major units as a person writes them, in minor units; raises ``click.UsageError``."""
    from reconciliation.money import places

    try:
        value = Decimal(text.strip()).scaleb(places(currency))
    except InvalidOperation:
        raise click.UsageError(f"{text!r} is no amount; write 1234.50.") from None
    if value != value.to_integral_value():
        raise click.UsageError(f"{text} has more decimals than {currency}.")
    return int(value)


def difference(text: str, currency: str) -> tuple[None, str, int]:
    """``kind=amount`` in minor units; raises ``click.UsageError``."""
    kind, given, amount = text.partition("=")
    if not given or kind not in KINDS:
        raise click.UsageError(f"{text!r} is no difference; write KIND=AMOUNT with one of {', '.join(KINDS)}.")
    return None, kind, minor(amount, currency)


class Misfit(NamedTuple):
    """More is applied than is open or came in: the key of a sentence under ``split.wrong``, what stands in it, and the
    item that it is about (``None``: all together)."""

    key: str
    values: dict[str, str]
    item: int | None = None


def misfit(rows: Sequence[tuple[int, int, int]], told: Sequence[tuple[Any, str, int]], figure: Figure) -> Misfit | None:
    """Whether more is applied than is open or came in; ``None`` if it fits.

    ``rows`` are item, minor units applied and open; ``told`` are item, kind and minor units of differences.
    """
    currency = figure["currency"]
    for item, applied, open_amount in rows:
        if not 0 < applied * (1 if open_amount > 0 else -1) <= abs(open_amount):
            values = {"applied": money(applied, currency), "open": money(open_amount, currency)}
            return Misfit("too_much_of_item", values, item)
    together = sum(row[1] for row in rows) + sum(entry[2] for entry in told)
    sign = 1 if figure["amount"] > 0 else -1
    if not 0 <= together * sign <= abs(figure["amount"]):
        values = {"together": money(together, currency), "amount": money(figure["amount"], currency)}
        return Misfit("too_much", values)
    return None


def check(
    texts: Texts,
    rows: Sequence[tuple[int, int, int]],
    told: Sequence[Any],
    figure: Figure,
    names: Mapping[int, str],
) -> None:
    """No more than is open, and together no more than came in; raises ``click.UsageError``, which names the item."""
    found = misfit(rows, told, figure)
    if found is not None:
        said = texts(f"split.wrong.{found.key}", **found.values)
        raise click.UsageError(said if found.item is None else texts.pair(names[found.item], said))


def as_dict(app: App, figure: Figure) -> Figure:
    """A receipt as in the report."""
    from reconciliation import sections

    return sections.receipt(figure, _lang(app))


def row(app: App, figure: Figure) -> tuple[Any, ...]:
    """A receipt on one line."""
    from reconciliation.cash import words

    best = figure["suggestions"][0] if figure["suggestions"] else None
    return (
        name(figure["record"]),
        figure["received_on"],
        figure["customer"] or figure.get("payer"),
        money(figure["amount"], figure["currency"]),
        money(figure["left"], figure["currency"]),
        words.text(words.CLASSES, figure["class"], _lang(app)),
        words.text(words.NEXT_STEPS, figure["next_step"], _lang(app)),
        None if best is None else f"{_items(best['applied'])} ({best['score'] / 10:g} %)",
    )


def show(app: App, figure: Figure) -> None:
    """Everything about a receipt."""
    from reconciliation.cash import words

    lang = _lang(app)
    say(f"{name(figure['record'])}  {figure['received_on'] or '–'}  {figure['customer'] or figure.get('payer') or '–'}")
    say(f"{app.texts('cash.columns.amount')}: {money(figure['amount'], figure['currency'])}")
    if figure["class"]:
        say(f"{app.texts('cash.columns.left')}: {money(figure['left'], figure['currency'])}")
        said = words.text(words.CLASSES, figure["class"], lang), words.text(words.NEXT_STEPS, figure["next_step"], lang)
        say(f"{said[0]}: {said[1]}")
    if figure["applied"]:
        say(app.texts("cash.settles"))
        _table(app, figure["applied"])
        for entry in figure["applied"][:1]:
            say("  " + why(app.settings, app.texts, entry["rule"], entry["evidence"]))
    _differences(app, figure)
    for option in figure["suggestions"]:
        say(app.texts("cash.suggestion", rank=option["rank"], score=f"{option['score'] / 10:g}"))
        _table(app, option["applied"])
        _differences(app, {**option, "currency": figure["currency"]})
        say("  " + why(app.settings, app.texts, option["rule"], option["evidence"]))


def outcome(app: App, figure: Figure) -> str:
    """What becomes of a receipt: the items and the rule, or the class of what is left."""
    from reconciliation.cash import words

    parts = []
    if figure["applied"]:
        parts.append(f"{_items(figure['applied'])} ({figure['applied'][0]['rule']})")
    if figure["class"]:
        left = money(figure["left"], figure["currency"])
        parts.append(f"{words.text(words.CLASSES, figure['class'], _lang(app))}: {left}")
    return "; ".join(parts) or "–"


def waiting(connection: Connection, until: date | None = None) -> list[tuple[int, Figure]]:
    """Receipts of which something is left, by what rules matched and people decided, by id; the largest first.

    ``until`` leaves out what was received after that day, but not what has no day.
    """
    from state import cash_standing

    found = [
        (key, figure)
        for key, figure in cash_standing.every(connection).items()
        if figure["left"] and (until is None or _received(figure) <= until.isoformat())
    ]
    found.sort(key=lambda item: (item[1]["currency"], -abs(item[1]["left"]), item[0]))
    return found


def _received(figure: Figure) -> str:
    return figure["received_on"] or ""


def by_worth(found: Sequence[tuple[int, Figure]], settings: Settings) -> list[tuple[int, Figure]]:
    """Receipts, of which most is left in the base currency first; last those in a currency without a rate."""

    def key(item: tuple[int, Figure]) -> Fraction:
        value = _worth(item[1], settings)
        return Fraction(0) if value is None else -abs(value)

    return sorted(found, key=key)


def worth(figure: Figure, settings: Settings) -> int | None:
    """What is left of a receipt in minor units of the base currency; ``None`` without a rate."""
    value = _worth(figure, settings)
    return None if value is None else round(value)


def _worth(figure: Figure, settings: Settings) -> Fraction | None:
    from reconciliation.money import factor

    base = settings.base_currency
    rate = Decimal(1) if figure["currency"] == base else settings.reconciliation.rates.get(figure["currency"])
    return None if rate is None else Fraction(*factor(rate, figure["currency"], base)) * int(figure["left"])


def choice(figure: Figure, rank: int) -> Figure | None:
    """The suggestion of this rank; what the rules matched where nothing is suggested; ``None`` if there is neither."""
    options = {option["rank"]: option for option in figure["suggestions"]}
    chosen: Figure | None = options.get(rank) if options else figure
    return chosen if chosen and chosen["applied"] else None


def take(connection: Connection, receipt_id: int, figure: Figure, chosen: Figure, actor: str, reason: str) -> int:
    """Decide that a receipt settles what was chosen, beside what people had it settle before; returns how many items.

    ``figure`` is the receipt as it stands, ``chosen`` one of its suggestions, or itself: what is matched already.
    """
    from state import cash, cash_standing

    before = [] if chosen is figure else [entry for entry in figure["applied"] if entry["decision"] == "pinned"]
    together: dict[int, tuple[int, int]] = {}
    for entry in (*before, *chosen["applied"]):
        applied, spent = together.get(entry["item"], (0, 0))
        together[entry["item"]] = applied + entry["applied"], spent + entry["spent"]
    told = [(entry["item"], entry["kind"], entry["amount"]) for entry in chosen["differences"]]
    if chosen is not figure and figure["class"] != cash_standing.OUTDATED:
        told += [one for item in cash.of_receipts(connection, [receipt_id]) for one in item.differences]
    cash.pin(connection, receipt_id, [(item, *amounts) for item, amounts in together.items()], told, actor, reason)
    return len(chosen["applied"])


def why(settings: Settings, texts: Texts, rule: str, evidence: Figure) -> str:
    """Why a rule matched: its name, its sentence, and the evidence."""
    return f"{rule}: {because(settings, texts, rule, evidence)}".rstrip()


def because(settings: Settings, texts: Texts, rule: str, evidence: Figure) -> str:
    """Why a rule matched: its sentence, and the evidence."""
    from reconciliation.cash import words
    from settings.cash import SHIPPED

    kinds = {entry["name"]: entry["kind"] for entry in SHIPPED}
    kinds |= {entry.name: entry.kind for entry in settings.reconciliation.cash.rules}
    kind = AMOUNT_ONLY if rule == AMOUNT_ONLY else kinds.get(rule)
    sentence = words.text(words.KINDS, kind, "zh" if texts.locale == "zh-CN" else "en") or ""
    said = [texts.pair(texts.name("cash.evidence", key), _said(texts, key, value)) for key, value in evidence.items()]
    return f"{sentence} {texts.clauses(said)}".strip()


def _said(texts: Texts, key: str, value: Any) -> str:
    """A value of the evidence; an expected number of accidents without a row of noughts."""
    if key not in _EXPECTED or not isinstance(value, int | float):
        return _word(texts, value)
    if value < _HARDLY:
        return texts("cash.hardly", most=_HARDLY) if value else texts("cash.none_expected")
    return f"{value:.2g}"


def _word(texts: Texts, value: Any) -> str:
    if isinstance(value, list):
        return texts.listed(str(entry) for entry in value)
    if isinstance(value, bool):
        return texts.name("links.evidence", str(value).lower())
    return texts.name("cash.word", value) if isinstance(value, str) else str(value)


def _table(app: App, applied: Sequence[Figure]) -> None:
    heads = [app.texts(f"cash.columns.{head}") for head in ("item", "applied")]
    table(heads, [(name(entry["record"]), money(entry["applied"], entry["currency"])) for entry in applied])


def _differences(app: App, figure: Figure) -> None:
    from reconciliation.cash import words

    for entry in figure["differences"]:
        kind = words.text(words.DIFFERENCES, entry["kind"], _lang(app))
        say(f"  {kind}: {money(entry['amount'], figure['currency'])}")


def _items(applied: Sequence[Figure]) -> str:
    return " + ".join(str(entry["record"].get("number") or entry["record"].get("source_id")) for entry in applied)


def _lang(app: App) -> str:
    return "zh" if app.locale.lower().startswith("zh") else "en"
