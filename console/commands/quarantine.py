"""``ltc quarantine``: records that could not be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.quarantine import Refused


_MOST = 10_000
"""Records that are tried again at once."""


@click.group("quarantine", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> int:
    """Show the records that could not be understood, with the field and the reason. Without a command: list.

    They are kept, and tried again when the record or the mapping changes.

    \b
    Examples:
      ltc quarantine
      ltc quarantine list --system crm --json
      ltc quarantine retry crm
      ltc quarantine edit crm.deal d1 --set stage=won
      ltc quarantine discard crm.deal d1 --reason "A test record"
    """
    return 0 if ctx.invoked_subcommand else int(ctx.invoke(listing))


@command.command("list")
@click.option("--system", metavar="NAME", help="Only this system.")
@click.option("--stream", metavar="NAME", help="Only this stream.")
@click.option("--discarded", is_flag=True, help="Those that were discarded, with who did it, when and why.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@jobs.json_option
@pass_app
def listing(app: App, system: str | None, stream: str | None, discarded: bool, limit: int, as_json: bool) -> int:
    """List them, the newest first. Personal values are shown by type and length only.

    \b
    Examples:
      ltc quarantine list
      ltc quarantine list --system forms --stream lead
      ltc quarantine list --discarded
    """
    from console import in_quarantine, quarantine_names
    from state import quarantine

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        found = quarantine.listing(connection, system=system, stream=stream, discarded=discarded, limit=limit)
        count = quarantine.count(connection, system=system, stream=stream, discarded=discarded)
        off = 0 if discarded else quarantine.count(connection, system=system, stream=stream, discarded=True)
        known = quarantine_names.called(connection, app.settings, found)
    if as_json:
        emit_json([_as_dict(item) | {"called": known.get(item.record_id)} for item in found])
        return 0
    if found:
        made = in_quarantine.discarded_row if discarded else in_quarantine.row
        names = in_quarantine.DISCARDED if discarded else in_quarantine.COLUMNS
        rows = [
            in_quarantine.with_name(
                made(item, app.settings.business_day_zone, app.texts), known.get(item.record_id), app.texts
            )
            for item in found
        ]
        table([app.texts(f"quarantine.columns.{name}") for name in names], rows)
        counted = {"shown": f"{len(found):,}", "count": f"{count:,}"}
        say(app.texts("quarantine.discarded_count" if discarded else "quarantine.count", **counted))
        say(app.texts("quarantine.undiscard" if discarded else "quarantine.remedy"))
    else:
        say(app.texts("quarantine.none_discarded" if discarded else "quarantine.empty" if off else "quarantine.none"))
    if off:
        say(app.texts.counted("quarantine.off", off))
    return 0


@command.command("retry")
@click.argument("system")
@click.option("--stream", metavar="NAME", help="Only this stream.")
@pass_app
def retry(app: App, system: str, stream: str | None) -> int:
    """Map the records in quarantine again as they are held, after the mapping was mended. Asks no system.

    A sync does so by itself once the mapping has changed. What a connector could not even read must be pulled again.

    \b
    Examples:
      ltc quarantine retry forms
      ltc quarantine retry forms --stream lead
    """
    from console import tried_again
    from state import quarantine

    app.systems((system,))
    with app.store.reading() as connection:
        found = quarantine.listing(connection, system=system, stream=stream, limit=_MOST)
    by_stream: dict[str, list[Refused]] = {}
    for item in found:
        by_stream.setdefault(item.stream, []).append(item)
    if not found:
        say(app.texts("quarantine.none"))
    code = 0
    for name, items in by_stream.items():
        outcome = tried_again.retry(app.store, app.settings, items, app.actor)
        if outcome.error is not None:
            say(f"✗ {system}.{name}: {outcome.error.message}")
            code = 1
            continue
        left = outcome.counts["rejected"] + len(items) - outcome.counts["pulled"]
        shown = {"count": f"{len(items) - left:,}", "left": f"{left:,}"}
        say(app.texts("tried_again.done", stream=f"{system}.{name}", **shown))
    return code


@command.command("discard")
@click.argument("stream", metavar="SYSTEM.STREAM")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All records of the stream that are on the list now.")
@click.option("--reason", required=True, metavar="TEXT", help="Why they are not needed; kept in the audit.")
@pass_app
def discard(app: App, stream: str, ids: tuple[str, ...], every: bool, reason: str) -> int:
    """Take records off the list, by their ids in the source. They are kept as they were received, and stay out of all
    figures.

    They come back by themselves once their source changes them, or another mapping refuses them.

    \b
    Examples:
      ltc quarantine discard forms.lead 6543ab 6543ac --reason "Test entries"
      ltc quarantine discard forms.lead --all --reason "From before the form was changed"
    """
    if not reason.strip():
        raise click.UsageError("A record is discarded with a reason: `--reason TEXT`.")
    return _decide(app, stream, ids, every, False, reason)


@command.command("undiscard")
@click.argument("stream", metavar="SYSTEM.STREAM")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All records of the stream that are discarded now.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@pass_app
def undiscard(app: App, stream: str, ids: tuple[str, ...], every: bool, reason: str) -> int:
    """Put discarded records back on the list.

    \b
    Examples:
      ltc quarantine undiscard forms.lead 6543ab --reason "It is an order after all"
    """
    return _decide(app, stream, ids, every, True, reason)


@command.command("edit")
@click.argument("stream", metavar="SYSTEM.STREAM")
@click.argument("record", metavar="ID")
@click.option("--set", "values", multiple=True, required=True, metavar="PATH=TEXT", help="May be given several times.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@pass_app
def edit(app: App, stream: str, record: str, values: tuple[str, ...], reason: str) -> int:
    """Have a text read in the place of what the source has in a field, and map the record again with it.

    What was received stays as it is. The text stands until the source sends another version of the record. PATH is the
    source's field, as the workbench and `ltc mappings test` show it.

    \b
    Examples:
      ltc quarantine edit forms.lead 6543ab --set status=new --reason "They mean new"
    """
    from console import correcting
    from state import quarantine

    system, name = _stream(stream)
    app.systems((system,))
    with app.store.reading() as connection:
        found = quarantine.named(connection, system, name, [record])
    if not found:
        raise click.UsageError(f"Not in quarantine in {stream}: {record!r}. `ltc quarantine list` shows the records.")
    try:
        left = correcting.edit(app.store, app.settings, found[0], dict(map(_set, values)), app.actor, reason)
    except correcting.Unfit as error:
        raise click.UsageError(f"Nothing was changed: {error}") from None
    if left is None:
        say(app.texts("quarantine.edited", record=f"{stream}:{record}"))
    else:
        field = app.texts.name("field", left) if left else "–"
        say(app.texts("quarantine.edited_in_part", record=f"{stream}:{record}", field=field))
    return 0


@command.command("edits")
@click.option("--system", metavar="NAME", help="Only this system.")
@jobs.json_option
@pass_app
def edits(app: App, system: str | None, as_json: bool) -> int:
    """List the fields in whose place people have put a text, of records that are still as they were then.

    The texts are not shown: they may be personal.

    \b
    Examples:
      ltc quarantine edits
    """
    from console import in_quarantine
    from state import corrections
    from state.clock import from_us

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        found = corrections.standing(connection, [system] if system else None, _MOST)
    if as_json:
        emit_json([{**item._asdict(), "corrected_at": from_us(item.corrected_at)} for item in found])
    elif not found:
        say(app.texts("quarantine.no_edits"))
    else:
        rows = [in_quarantine.edit_row(item, app.settings.business_day_zone) for item in found]
        table([app.texts(f"quarantine.columns.{name}") for name in in_quarantine.EDITED], rows)
    return 0


@command.command("unedit")
@click.argument("stream", metavar="SYSTEM.STREAM")
@click.argument("record", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@pass_app
def unedit(app: App, stream: str, record: str, reason: str) -> int:
    """Let an edited record count as it was received again, which puts it back into quarantine.

    \b
    Examples:
      ltc quarantine unedit forms.lead 6543ab --reason "It was another form"
    """
    from console import correcting
    from state import corrections

    system, name = _stream(stream)
    app.systems((system,))
    with app.store.reading() as connection:
        all_of_it = corrections.standing(connection, [system], _MOST)
    ids = {item.record_id for item in all_of_it if (item.stream, item.source_id) == (name, record)}
    if not any(correcting.take_back(app.store, app.settings, id, app.actor, reason) for id in ids):
        raise click.UsageError(f"Not edited in {stream}: {record!r}. `ltc quarantine edits` shows the records.")
    say(app.texts("quarantine.unedited", record=f"{stream}:{record}"))
    return 0


def _set(text: str) -> tuple[str, str]:
    path, given, value = text.partition("=")
    if not given or not path.strip():
        raise click.UsageError(f"{text!r} sets no field. Write it as PATH=TEXT.")
    return path.strip(), value.strip()


def _stream(where: str) -> tuple[str, str]:
    """System and stream of ``SYSTEM.STREAM``."""
    system, dot, stream = where.partition(".")
    if not dot or not system or not stream:
        raise click.UsageError(
            f"{where!r} is no stream. Write it as SYSTEM.STREAM, as `ltc quarantine list` shows both."
        )
    return system, stream


def _decide(app: App, where: str, ids: tuple[str, ...], every: bool, discarded: bool, reason: str) -> int:
    """Discard records, or put ``discarded`` ones back: these, or all of a stream; none if one of them is not there."""
    from console import discarding
    from state import quarantine
    from state.clock import now_us

    system, stream = _stream(where)
    if bool(ids) is every:
        raise click.UsageError("Give the ids of the records, or --all.")
    if every:
        shown = discarding.Shown(system, stream, discarded=discarded)
        count = discarding.every(app.store, shown, now_us(), reason, app.actor)
        said = "quarantine.put_back_all" if discarded else "quarantine.discarded_all"
        say(app.texts.counted(said, count, stream=where))
        return 0
    with app.store.reading() as connection:
        found = quarantine.named(connection, system, stream, ids)
    chosen = {item.source_id: item.record_id for item in found if (item.discarded_at is not None) is discarded}
    missing = ", ".join(repr(name) for name in ids if name not in chosen)
    if missing:
        lists = "`ltc quarantine list --discarded` shows them." if discarded else "`ltc quarantine list` shows them."
        not_there = f"Not discarded in {where}: {missing}." if discarded else f"Not on the list in {where}: {missing}."
        raise click.UsageError(f"{not_there} {lists}")
    for item in discarding.some(app.store, chosen.values(), discarded, reason, app.actor):
        said = "quarantine.put_back" if discarded else "quarantine.discarded"
        say(app.texts(said, record=f"{where}:{item.source_id}"))
    return 0


def _as_dict(item: Refused) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "system": item.system,
        "stream": item.stream,
        "source_id": item.source_id,
        "field": item.field,
        "value": item.value,
        "reason": item.reason,
        "run": item.run_id,
        "first_at": from_us(item.first_at),
        "last_at": from_us(item.last_at),
        "attempts": item.attempts,
        "discarded_by": item.discarded_by,
        "discarded_at": None if item.discarded_at is None else from_us(item.discarded_at),
        "discard_reason": item.discard_reason,
    }
