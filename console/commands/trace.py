"""``ltc trace``: the whole chain of a record, across the systems."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say

if TYPE_CHECKING:
    from reconciliation.trace import Chain


@click.command("trace")
@click.argument("needle", metavar="ID")
@jobs.json_option
@pass_app
def command(app: App, needle: str, as_json: bool) -> int:
    """Show the whole chain of a record, from the lead to the payment, with statuses, dates, money and findings.

    ID is any number or id of a record in any system, a customer's name, a lead's e-mail or a payment's reference.
    Every chain that matches is shown. Exit code 1 if there is none.

    \b
    Examples:
      ltc trace SO-00342
      ltc trace "ACME GmbH"
      ltc trace 006KXgO0w9wH9OnYCK --json
    """
    from console import chains
    from reconciliation import words
    from reconciliation.trace import trace

    zone, systems = app.settings.business_day_zone, app.settings.systems
    view = chains.View(app.texts, words.language(app.locale), zone, systems)
    found = trace(app.store, app.settings.model_copy(update={"locale": app.locale}), needle)
    if as_json:
        emit_json([_without_personal(chain).as_dict() for chain in found])
    elif not found:
        click.echo(app.texts("trace.nothing", needle=needle), err=True)
        _meant(app, needle)
    else:
        _held(app, found)
    whole = [chain for chain in found if chain.records]
    for place, chain in enumerate(() if as_json else whole):
        if len(whole) > 1:
            say(app.texts("trace.head", place=place + 1, count=len(whole), records=len(chain.records)))
        chains.show(chain, view)
        say()
    return 0 if found else 1


def _held(app: App, found: list[Chain]) -> None:
    """What no chain shows, or shows as it was before, with the reason."""
    from console.in_quarantine import when_discarded
    from console.sentences import plain
    from console.unchained import unchained

    with app.store.reading() as connection:
        items = unchained(connection, found)
    for item in items:
        key = "left_out" if item.refused is None else "older" if item.older else "refused"
        named = {"record": item.source_id, "stream": item.stream, "system": item.system}
        say(app.texts(f"trace.held.{key}", **named, since=item.since(app.settings.business_day_zone)))
        if item.refused is not None:
            refused = item.refused
            why = f"{app.texts.name('field', refused.field)} {refused.value} {plain(refused.reason, app.locale)}"
            say(f"  {app.texts('trace.held.because')} {why}")
            if refused.discarded_by is not None:
                at = when_discarded(refused, app.settings.business_day_zone)
                told = app.texts("trace.held.discarded", name=refused.discarded_by, at=at)
                say(f"  {told} {refused.discard_reason}")


def _meant(app: App, needle: str) -> None:
    """What may be meant, to be asked for next."""
    from console.near import offers

    with app.store.reading() as connection:
        found = offers(connection, needle, app.texts, app.settings.systems)
    if found:
        click.echo(app.texts("near.meant"), err=True)
    for item in found:
        same = f"  {item.same}" if item.same else ""
        click.echo(f"  {f'{item.what} {item.called}  {item.amount}'.rstrip()}  ({item.systems}){same}", err=True)


def _without_personal(chain: Chain) -> Chain:
    from console.records import HIDDEN, without_personal

    links = tuple(replace(link, evidence=without_personal(link.evidence)) for link in chain.links)
    records = tuple(
        replace(record, name=HIDDEN) if record.entity == "contact" and record.name else record
        for record in chain.records
    )
    return replace(chain, links=links, records=records)
