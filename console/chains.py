"""Print a chain as a tree: what is one thing in several systems stands together, what follows from it beneath it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from console.order_words import how_far
from console.output import say
from console.records import in_words, printable, without_personal
from reconciliation import words

if TYPE_CHECKING:
    from console.i18n import Texts
    from reconciliation.trace import Chain, ChainLink, ChainRecord


@dataclass(frozen=True, slots=True)
class View:
    """How a chain is shown: words, language of statuses, time zone of days."""

    texts: Texts
    lang: str
    zone: tzinfo
    systems: Collection[str]
    """Those of ltc.yaml; records of others are of one that was removed."""


_DAYS = {
    "lead": ("received_at", "source_created_at"),
    "opportunity": ("source_created_at",),
    "quote": ("issue_date",),
    "order": ("order_date",),
    "delivery": ("delivered_on", "shipped_on"),
    "invoice": ("issue_date",),
    "payment": ("received_on",),
    "payout": ("arrival_date",),
    "service_case": ("opened_at",),
}
"""Entity → the dates that say when it happened, the best first."""
_BOOKKEEPING = frozenset({"source_created_at", "source_updated_at"})


class Tree:
    """A chain in order: each thing hangs under the latest step that it follows from."""

    def __init__(self, chain: Chain) -> None:
        self.records = {record.record_id: record for record in chain.records}
        self.links = chain.links
        self._place = {record_id: place for place, record_id in enumerate(self.records)}
        self._head = self._heads()
        self.members: dict[int, list[int]] = {}
        """First record of a thing → all records of it."""
        for record_id in self.records:
            self.members.setdefault(self._head[record_id], []).append(record_id)
        self.reasons: dict[int, list[ChainLink]] = {}
        """First record of a thing → the links to what it follows from."""
        for link in self.links:
            if link.kind == "follows" and self._head[link.left_id] != self._head[link.right_id]:
                self.reasons.setdefault(self._head[link.right_id], []).append(link)
        self.parents = self._parents()

    def children(self, parent: int | None) -> list[int]:
        """Things directly under one; without one, where the chain begins."""
        return [head for head in self.members if self.parents.get(head) == parent]

    def same(self, record_id: int) -> list[ChainLink]:
        """The links that make a record one thing with those before it."""
        pairs = ((link, {link.left_id, link.right_id}) for link in self.links if link.kind == "same_as")
        return [
            link
            for link, ends in pairs
            if record_id in ends and self._place[(ends - {record_id}).pop()] < self._place[record_id]
        ]

    def _heads(self) -> dict[int, int]:
        head = {record_id: record_id for record_id in self.records}
        for link in self.links:
            if link.kind == "same_as":
                one, other = sorted((head[link.left_id], head[link.right_id]), key=self._place.__getitem__)
                head = {record_id: one if found == other else found for record_id, found in head.items()}
        return head

    def _parents(self) -> dict[int, int]:
        parents: dict[int, int] = {}
        for head in self.members:
            candidates = {self._head[link.left_id] for link in self.reasons.get(head, ())}
            for candidate in sorted(candidates, key=self._place.__getitem__, reverse=True):
                if not self._is_under(candidate, head, parents):
                    parents[head] = candidate
                    break
        return parents

    @staticmethod
    def _is_under(below: int, above: int, parents: dict[int, int]) -> bool:
        here: int | None = below
        while here is not None:
            if here == above:
                return True
            here = parents.get(here)
        return False


@dataclass(frozen=True, slots=True)
class Step:
    """All documents of one kind in a chain, each counted once in however many systems it is.

    In which systems they are, the day of each, and how long the first came after the first of the step before.
    """

    entity: str
    count: int
    systems: tuple[str, ...]
    days: tuple[date, ...]
    """Of the documents, the first of each system's; each day once."""
    after: int | None
    """Days."""


def steps(tree: Tree, view: View) -> list[Step]:
    """The course of a chain in the order of lead to cash; parties and contacts are no step."""
    documents: dict[str, list[list[ChainRecord]]] = {}
    for members in tree.members.values():
        records = [tree.records[record_id] for record_id in members if not tree.records[record_id].deleted]
        for entity in dict.fromkeys(record.entity for record in records):
            documents.setdefault(entity, []).append([record for record in records if record.entity == entity])
    found: list[Step] = []
    for entity in filter(documents.__contains__, _DAYS):
        copies = documents[entity]
        first = (min(filter(None, (_when(one, view.zone) for one in each)), default=None) for each in copies)
        days = tuple(sorted({day for day in first if day is not None}))
        before = next((step.days[0] for step in reversed(found) if step.days), None)
        after = (days[0] - before).days if days and before else None
        systems = tuple(dict.fromkeys(record.system for each in copies for record in each))
        found.append(Step(entity, len(copies), systems, days, after))
    return found


def _when(record: ChainRecord, zone: tzinfo) -> date | None:
    value = next((record.dates[name] for name in _DAYS[record.entity] if name in record.dates), None)
    return None if value is None else date.fromisoformat(_day(value, zone))


def show(chain: Chain, view: View) -> None:
    """Print the tree, then what stands open about it."""
    texts = view.texts
    tree = Tree(chain)
    found = frozenset(chain.found)
    roots = tree.children(None)
    pending = [(root, "", "") for root in reversed(roots)]
    while pending:
        head, first, rest = pending.pop()
        below = tree.children(head)
        _thing(tree, head, first, rest + ("│  " if below else "   "), found, view)
        last = len(below) - 1
        pending += [
            (child, rest + ("└─ " if place == last else "├─ "), rest + ("   " if place == last else "│  "))
            for place, child in reversed(list(enumerate(below)))
        ]
    for item in chain.findings:
        amount = f" ({item['currency'] or ''} {_grouped(item['amount'])})" if item["amount"] is not None else ""
        status = texts.name("findings.status", item["status"])
        _say(f"✗ {texts('trace.finding')} {item['id'][:12]} [{status}]: {item['explanation']}{amount}")
        if item["action"]:
            _say(f"  → {item['action']}")


def _thing(tree: Tree, head: int, first: str, rest: str, found: frozenset[int], view: View) -> None:
    for place, record_id in enumerate(tree.members[head]):
        record = tree.records[record_id]
        mark = "= " if place else ""
        _say(f"{first if not place else rest}{mark}{title(record, record_id in found, view)}")
        for line in details(record, tree, view):
            _say(f"{rest}    {line}")
        for line in why_same(tree, record_id, view.texts) if place else ():
            _say(f"{rest}    ↳ {line}")
    for line in why_here(tree, head, view.texts):
        _say(f"{rest}    ↳ {line}")


def title(record: ChainRecord, is_asked: bool, view: View) -> str:
    """What a record is, where, and in which status."""
    texts = view.texts
    parts = [
        f"{words.document(record.entity, record.kind, view.lang)} {record.number or record.source_id}",
        standing(record, view),
    ]
    if record.deleted:
        parts.append(texts("trace.deleted"))
    if record.system not in view.systems:
        parts.append(texts("trace.removed"))
    if is_asked:
        parts.append(texts("trace.asked"))
    return " · ".join(parts)


def standing(record: ChainRecord, view: View) -> str:
    """Where a record is and in which status, with the source's own word for it where that is another."""
    status = words.status(record.entity, record.status, view.lang)
    own = record.source_status
    given = view.texts("joined.aside", text=own) if own is not None and own not in (record.status, status) else ""
    return view.texts.pair(record.system, f"{status}{given}")


def details(record: ChainRecord, tree: Tree, view: View) -> Iterable[str]:
    """Lines about a record of a chain: names, dates and amounts, states, its page in the source."""
    texts = view.texts
    named = [name for name in (record.name, record.party) if name and record.entity != "contact"]
    if named:
        yield " · ".join(dict.fromkeys(named))
    amounts = [
        f"{texts(f'trace.amount.{name}')} {record.currency or ''} {_grouped(value)}".replace("  ", " ")
        for name, value in record.amounts.items()
    ]
    dates = [
        f"{texts(f'trace.date.{name}')} {_day(value, view.zone)}"
        for name, value in record.dates.items()
        if name not in _BOOKKEEPING
    ]
    if amounts or dates:
        yield " · ".join((*dates, *amounts))
    if record.states:
        own = _of_its_status(record, tree)
        computed = [(name, value) for name, value in record.states.items() if name not in own]
        if own:
            yield texts.pair(texts("trace.of_status"), _states(own.items(), view))
        if computed:
            yield texts.pair(texts("trace.computed"), _states(computed, view))
        yield texts.pair(texts("trace.how_far"), how_far(record.status, record.states, view.lang) or "–")
    shown = [(name, value) for name, value in record.shown.items() if name.endswith("_state") or name == "order_number"]
    if shown:
        yield texts.pair(texts("trace.shows"), _states(shown, view))
    if record.url:
        yield record.url
    if record.pruned_versions:
        yield texts.counted("trace.pruned", record.pruned_versions)


def _of_its_status(record: ChainRecord, tree: Tree) -> dict[str, str]:
    """What is said of an order by its own status, because no document says it: delivered once it is completed."""
    state = record.states.get("delivery_state")
    if record.status != "completed" or state != "delivered":
        return {}
    if any(other.entity == "delivery" and not other.deleted for other in tree.records.values()):
        return {}
    return {"delivery_state": state}


def _states(values: Iterable[tuple[str, str | None]], view: View) -> str:
    return view.texts.listed(
        view.texts(
            "trace.state_is",
            name=view.texts(f"trace.state.{name}"),
            value=words.state(value, view.lang) if name.endswith("_state") else value,
        )
        for name, value in values
    )


def _day(value: str, zone: tzinfo) -> str:
    return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d}" if "T" in value else value


def why_same(tree: Tree, record_id: int, texts: Texts) -> Iterable[str]:
    """Why a record is one thing with those before it: a line a link."""
    return _why(tree, tree.same(record_id), "trace.same", record_id, texts)


def why_here(tree: Tree, head: int, texts: Texts) -> Iterable[str]:
    """Why a thing follows from others: a line a link."""
    return _why(tree, tree.reasons.get(head, ()), "trace.follows", None, texts)


def _why(tree: Tree, links: Sequence[ChainLink], key: str, member: int | None, texts: Texts) -> Iterable[str]:
    """Each once: copies of one document in several systems are linked to it for the same reason."""
    return dict.fromkeys(_reasons(tree, links, key, member, texts))


def _reasons(tree: Tree, links: Sequence[ChainLink], key: str, member: int | None, texts: Texts) -> Iterator[str]:
    for link in links:
        other = tree.records[link.right_id if link.left_id == member else link.left_id]
        decision = [] if link.decision == "auto" else [texts.name("links.decision", link.decision)]
        evidence = in_words(_named(link.evidence, texts), texts)
        who = f"{other.system} {other.number or other.source_id}"
        how = texts.listed([f"{texts.name('links.method', link.method)} {link.score / 10:g} %", *decision])
        yield texts.pair(texts(key, other=who), f"{how}{texts('joined.aside', text=evidence) if evidence else ''}")


def _named(evidence: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """Evidence with a field by what it is called, and a reference as people read it: SO-1, not no:SO-1.

    What is personal is kept back before: it is known by the field.
    """
    shown = without_personal(evidence)
    if isinstance(shown.get("field"), str):
        shown["field"] = texts.name("field", shown["field"])
    if isinstance(shown.get("value"), str):
        shown["value"] = shown["value"].removeprefix("no:").removeprefix("id:")
    return shown


def _say(text: str) -> None:
    say(printable(text))


def _grouped(amount: str) -> str:
    whole, dot, decimals = amount.partition(".")
    return f"{int(whole):,}{dot}{decimals}" if whole not in ("-0",) else amount
