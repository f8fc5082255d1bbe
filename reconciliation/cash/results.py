"""What became of each receipt, as plain data for reports and commands; amounts in minor units."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciliation import payouts
from reconciliation.cash import adapt, engine
from reconciliation.frame import Frame, quoted
from reconciliation.session import Session
from state import cash, named
from state.store import Store

if TYPE_CHECKING:
    from settings.cash import CashRule, CashSettings
    from state.cash import Decision

Figure = dict[str, Any]
_FITS_NOTHING = ("no_match", "nothing_open", "already_settled", "unknown_payer", "payer_unlisted", "duplicate?")
"""Classes of what nothing is known to be done about but what a check says."""


def figures(frame: Frame, store: Store) -> dict[str, Figure]:
    """Apply the cash that sources have not, by the settings' rules; a figure for each receipt, by its record id.

    What people said money is for is in the frame's ``told_receipts`` then. Raises ``NotConservedError``.
    """
    settings = frame.rules.cash
    if not settings.enabled or not adapt.prepare(frame):
        return {}
    with store.reading() as connection:
        decisions = cash.decisions(connection)
    with adapt.opened(frame, settings, decisions) as session:
        engine.apply(session, settings.rules, frame.rules.base_currency)
        found, recognised = _read(session), _recognised(session)
    _sign(found, decisions)
    _tell(frame, found, decisions)
    names = _names(store, list(found.values()), found)
    payers, said = {**recognised, **adapt.parties_of(frame, sorted(found))}, adapt.said_of(frame, sorted(found))
    return {str(receipt): _whole(receipt, figure, names, payers, said) for receipt, figure in found.items()}


def note_paid_twice(frame: Frame, figures_: Mapping[str, Figure]) -> None:
    """Say of money that a check found to repeat other money that it is that, where it was not matched with anything.

    After the checks: the desk, reports and findings say the same of it.
    """
    for (receipt,) in frame.rows("SELECT DISTINCT records[1] FROM observed WHERE check_id = 'payment_duplicate'"):
        figure = figures_.get(str(receipt))
        if figure is not None and figure["class"] in _FITS_NOTHING:
            figure |= {"class": "duplicate?", "next_step": "pay_back"}


def compare(
    frame: Frame, store: Store, settings: CashSettings, rules: Sequence[CashRule]
) -> tuple[list[tuple[Figure, Figure]], int]:
    """Receipts of which other rules would make something else: with the settings' rules, with the others; of how many.

    Nothing is written. Raises ``NotConservedError``.
    """
    if not adapt.prepare(frame):
        return [], 0
    with store.reading() as connection:
        decisions = cash.decisions(connection)
    sides: list[dict[int, Figure]] = []
    recognised: dict[int, dict[str, Any]] = {}
    for chosen in (settings.rules, rules):
        with adapt.opened(frame, settings, decisions) as session:
            engine.apply(session, chosen, frame.rules.base_currency)
            sides.append(_read(session))
            recognised |= _recognised(session)
    before, after = sides
    changed = [receipt for receipt in sorted(before) if _outcome(before[receipt]) != _outcome(after[receipt])]
    left = {receipt: [side[receipt] for side in sides] for receipt in changed}
    names = _names(store, [figure for figures_ in left.values() for figure in figures_], changed)
    payers, said = {**recognised, **adapt.parties_of(frame, changed)}, adapt.said_of(frame, changed)
    pairs = [[_whole(receipt, one, names, payers, said) for one in both] for receipt, both in left.items()]
    return [(first, second) for first, second in pairs], len(before)


def _names(store: Store, found: Iterable[Figure], receipts: Iterable[int]) -> dict[int, dict[str, Any]]:
    items = {entry["item"] for figure in found for entry in figure["applied"]}
    items |= {entry["item"] for figure in found for one in figure["suggestions"] for entry in one["applied"]}
    with store.reading() as connection:
        return named.records(connection, items | {*receipts})


def _whole(
    receipt: int,
    figure: Figure,
    names: dict[int, dict[str, Any]],
    payers: dict[int, dict[str, Any]],
    said: dict[int, dict[str, Any]],
) -> Figure:
    nobody, nothing = {"customer_number": None, "customer": None}, {"called": None, "payer": None}
    whole = {"record": names.get(receipt, {}), **payers.get(receipt, nobody), **said.get(receipt, nothing)}
    return {**whole, **_with_records(figure, names)}


def _recognised(session: Session) -> dict[int, dict[str, Any]]:
    """The payers that the rules recognised, by name, number or account, where the source does not say who it was."""
    rows = session.rows(
        """
        SELECT r.receipt_id, min(p.number), min(p.name) FROM receipt r JOIN parties p USING (party)
        WHERE r.known_by <> 'given' GROUP BY ALL ORDER BY ALL
        """
    )
    return {row[0]: {"customer_number": row[1], "customer": row[2]} for row in rows}


def _outcome(figure: Figure) -> Any:
    settled = [(entry["item"], entry["applied"]) for entry in figure["applied"]]
    return settled, figure["differences"], figure["left"], figure["class"]


def _read(session: Session) -> dict[int, Figure]:
    found: dict[int, Figure] = {}
    for receipt, currency, amount, day, left, kind, step in session.rows(
        """
        SELECT r.receipt_id, r.currency, r.amount, strftime(r.received_on, '%Y-%m-%d'), coalesce(d.amount, 0), d.class,
            d.next_step
        FROM receipts r LEFT JOIN residue d USING (receipt_id) ORDER BY r.receipt_id
        """
    ):
        found[receipt] = {"currency": currency, "amount": amount, "received_on": day, "left": left, "class": kind}
        found[receipt] |= {"next_step": step, "applied": [], "differences": [], "suggestions": []}
    options: dict[tuple[int, int], Figure] = {}
    for receipt, item, applied, spent, rule, score, decision, rank, evidence, currency in session.rows(
        """
        SELECT a.receipt_id, a.item_id, a.applied, a.spent, a.rule, a.score, a.decision, a.rank, a.evidence, i.currency
        FROM applications a JOIN open_items i USING (item_id)
        ORDER BY a.receipt_id, a.decision, a.rank, i.issued_on, i.number, a.item_id
        """
    ):
        said = json.loads(evidence)
        entry = {"item": item, "applied": applied, "currency": currency, "spent": spent}
        if decision != "suggested":
            found[receipt]["applied"].append({**entry, "rule": rule, "score": score, "decision": decision} | _why(said))
            continue
        differences = said.pop("differences", [])
        if (receipt, rank) not in options:
            options[receipt, rank] = {"rank": rank, "rule": rule, "score": score, "applied": [], "differences": []}
            options[receipt, rank] |= _why(said)
            options[receipt, rank]["differences"] = [
                {"item": one["item_id"], "kind": one["kind"], "amount": one["amount"]} for one in differences
            ]
            found[receipt]["suggestions"].append(options[receipt, rank])
        options[receipt, rank]["applied"].append(entry)
    for receipt, item, kind, amount in session.rows("FROM differences ORDER BY ALL"):
        found[receipt]["differences"].append({"item": item, "kind": kind, "amount": amount})
    return found


def _sign(found: dict[int, Figure], decisions: Iterable[Decision]) -> None:
    """Say beside what people decided who it was."""
    by = {(item.receipt_id, item.item_id): item.decided_by for item in decisions}
    for receipt, figure in found.items():
        for entry in figure["applied"]:
            if entry["decision"] == "pinned":
                entry["evidence"] = {"decided_by": by[receipt, entry["item"]]}


def _tell(frame: Frame, found: dict[int, Figure], decisions: Iterable[Decision]) -> None:
    """Put what people said money is for, and what still fits, where the checks look."""
    payouts.prepare(frame)
    pinned: dict[int, list[Decision]] = {}
    for item in decisions:
        if item.decision == "pinned":
            pinned.setdefault(item.receipt_id, []).append(item)
    frame.run("DELETE FROM told_receipts")
    for receipt, said in sorted(pinned.items()):
        figure = found.get(receipt)
        if figure is None or figure["class"] == "decision_outdated":
            continue
        amount = sum(item.spent + sum(entry[2] for entry in item.differences) for item in said)
        items = [item.item_id for item in said if not item.settles_nothing]
        kinds = sorted({kind for item in said if item.settles_nothing for _, kind, _ in item.differences})
        who = max(said, key=lambda item: item.decided_at).decided_by
        frame.run(
            f"INSERT INTO told_receipts VALUES ({receipt}, {quoted(who)}, {int(amount)}, {items}::BIGINT[], "
            f"[{', '.join(quoted(kind) for kind in kinds)}]::VARCHAR[])"
        )


def _why(evidence: dict[str, Any]) -> Figure:
    return {"evidence": evidence}


def _with_records(figure: Figure, names: dict[int, dict[str, Any]]) -> Figure:
    """Each item with what it is called and where it is found."""

    def placed(entries: list[Figure]) -> list[Figure]:
        return [{**entry, "record": names.get(entry["item"], {})} for entry in entries]

    options = [{**option, "applied": placed(option["applied"])} for option in figure["suggestions"]]
    return {**figure, "applied": placed(figure["applied"]), "suggestions": options}
