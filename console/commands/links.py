"""``ltc links``: why records belong together, and what people decide about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from console import jobs, linked
from console.context import App, pass_app
from console.output import emit_json, say, table
from console.records import address, in_words, one

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.chains import Identity
    from state.links import Link

_ENTITIES = ("party", "product", "lead", "opportunity", "quote", "order", "delivery", "invoice", "payment")
_DECISIONS = ("auto", "suggested", "confirmed", "cut")
_kind = click.option(
    "--kind",
    type=click.Choice(["same_as", "follows"]),
    help="same_as: A and B mean the same thing; follows: one follows from the other. Default: as they are linked "
    "already, else by what they are.",
)


@click.group("links")
def command() -> None:
    """List the links between records; confirm or cut one, and every later run keeps to it.

    A and B are SYSTEM:STREAM:ID, SYSTEM:NUMBER, or a number that only one record has.

    \b
    Examples:
      ltc links list --record SO-00342
      ltc links confirm crm:Q-00461 erp:SO-00342
      ltc links cut crm:Q-00461 erp:SO-00342 --reason "Order was taken over the phone"
    """


@command.command("list")
@click.option("--entity", type=click.Choice(_ENTITIES), help="Only links to or from these.")
@click.option("--method", metavar="NAME", help="Only links found so: reference, number, tax_id, email, person …")
@click.option("--decision", type=click.Choice(_DECISIONS), help="suggested: possible, and not counted until confirmed.")
@click.option("--record", metavar="RECORD", help="Only the links of one record.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@jobs.json_option
@pass_app
def listing(
    app: App,
    entity: str | None,
    method: str | None,
    decision: str | None,
    record: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """List links with method, certainty and evidence, the least certain first.

    \b
    Examples:
      ltc links list --decision suggested
      ltc links list --entity party --method email
      ltc links list --record erp:SO-00342 --json
    """
    from state import chains, links, lookup

    with app.store.reading() as connection:
        if record is None:
            found = links.listing(connection, decision=decision, entity=entity, method=method, limit=limit)
        else:
            known = links.of_records(connection, [one(connection, record).record_id])
            found = [link for link in known if _wanted(link, decision, entity, method)][:limit]
        ends = chains.identities(connection, {end for link in found for end in (link.left_id, link.right_id)})
        numbers = lookup.numbers(connection, ends.values())
    if as_json:
        emit_json([linked.as_dict(link, ends, numbers) for link in found])
    elif not found:
        say(app.texts("links.none"))
    else:
        names = ("kind", "left", "right", "method", "score", "decision", "evidence")
        table(
            [app.texts(f"links.columns.{name}") for name in names], [_row(app, link, ends, numbers) for link in found]
        )
    return 0


@command.command("confirm")
@click.argument("a")
@click.argument("b")
@_kind
@click.option("--reason", default="", metavar="TEXT", help="Why they belong together; kept in the audit.")
@pass_app
def confirm(app: App, a: str, b: str, kind: str | None, reason: str) -> int:
    """Say that A and B belong together, whatever the linking finds.

    \b
    Examples:
      ltc links confirm crm:Q-00461 erp:SO-00342
      ltc links confirm crm:account:001xx000003DGb1 erp:party:117 --kind same_as --reason "Told by phone"
    """
    return _decide(app, a, b, kind, "confirmed", reason.strip())


@command.command("cut")
@click.argument("a")
@click.argument("b")
@_kind
@click.option("--reason", required=True, metavar="TEXT", help="Why they do not belong together; kept in the audit.")
@pass_app
def cut(app: App, a: str, b: str, kind: str | None, reason: str) -> int:
    """Say that A and B do not belong together, whatever the linking finds; a pair not linked yet is forbidden.

    \b
    Examples:
      ltc links cut crm:Q-00461 erp:SO-00342 --reason "Order was taken over the phone"
    """
    if not reason.strip():
        raise click.UsageError("A link is cut with a reason: `--reason TEXT`.")
    return _decide(app, a, b, kind, "cut", reason.strip())


@command.command("undo")
@click.argument("a")
@click.argument("b")
@_kind
@pass_app
def undo(app: App, a: str, b: str, kind: str | None) -> int:
    """Take a decision back: the next run judges the pair anew.

    \b
    Examples:
      ltc links undo crm:Q-00461 erp:SO-00342
    """
    from state import links

    with app.store.transaction() as connection:
        chosen, left, right = _pair(connection, a, b, kind)
        done = links.undecide(connection, chosen, left.record_id, right.record_id, app.actor)
    say(app.texts("links.undone" if done else "links.undecided", left=address(left), right=address(right)))
    return 0 if done else 1


def _decide(app: App, a: str, b: str, kind: str | None, decision: str, reason: str) -> int:
    from state import links

    with app.store.transaction() as connection:
        chosen, left, right = _pair(connection, a, b, kind)
        links.decide(connection, chosen, left.record_id, right.record_id, decision, app.actor, reason)
    said = app.texts(f"links.said.{decision}_{chosen}", left=address(left), right=address(right))
    say(said)
    say(app.texts("links.from_next_run"))
    return 0


def _pair(connection: Connection, a: str, b: str, kind: str | None) -> tuple[str, Identity, Identity]:
    """How the two are meant: as they are linked, else by what they are; ``follows`` from the earlier step."""
    from state import links

    left, right = one(connection, a), one(connection, b)
    ids = {left.record_id, right.record_id}
    known = [
        link
        for link in links.of_records(connection, [left.record_id])
        if {link.left_id, link.right_id} == ids and kind in (None, link.kind)
    ]
    if len(known) == 1:
        ends = (left, right) if known[0].left_id == left.record_id else (right, left)
        return known[0].kind, *ends
    if len(known) > 1:
        raise click.UsageError("The two are linked in more than one way. Say which one you mean: `--kind NAME`.")
    if kind is None:
        kind = "same_as" if left.entity == right.entity else "follows"
    if kind == "follows" and _step(right) < _step(left):
        left, right = right, left
    return kind, left, right


def _step(item: Identity) -> int:
    return _ENTITIES.index(item.entity) if item.entity in _ENTITIES else len(_ENTITIES)


def _wanted(link: Link, decision: str | None, entity: str | None, method: str | None) -> bool:
    return (
        decision in (None, link.decision)
        and method in (None, link.method)
        and entity in (None, link.left_entity, link.right_entity)
    )


def _row(app: App, link: Link, ends: dict[int, Identity], numbers: dict[int, str]) -> tuple[Any, ...]:
    return (
        app.texts.name("links.kind", link.kind),
        _shown(ends, numbers, link.left_id),
        _shown(ends, numbers, link.right_id),
        app.texts.name("links.method", link.method),
        f"{link.score / 10:g} %",
        app.texts.name("links.decision", link.decision) + (f" ({link.decided_by})" if link.decided_by else ""),
        in_words(json.loads(link.evidence), app.texts),
    )


def _shown(ends: dict[int, Identity], numbers: dict[int, str], record_id: int) -> str:
    """``erp:SO-00342`` where it has a number, else its address."""
    found = ends.get(record_id)
    if found is None:
        return str(record_id)
    return f"{found.system}:{numbers[record_id]}" if record_id in numbers else address(found)
