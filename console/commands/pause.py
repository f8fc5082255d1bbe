"""``ltc pause`` and ``ltc resume``: leave a system, or a stream of it, alone for a while."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say


@click.command("pause")
@click.argument("names", metavar="[SYSTEM[.STREAM]]...", nargs=-1)
@click.option("--reason", default="", metavar="TEXT", help="Why; shown wherever it is left out, and in the audit.")
@jobs.json_option
@pass_app
def pause(app: App, names: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Leave systems or streams alone until they are resumed; without a name, list what is paused.

    Nothing is pulled, swept or written there, whoever starts it, and plans that write there wait. What is at work goes
    on to its end. Reconciliations go on with what is held. `--paused` with a command works on it all the same.

    \b
    Examples:
      ltc pause crm --reason "Release weekend, until Monday"
      ltc pause erp.order --reason "The numbers are being mended"
      ltc pause
      ltc pause --json
    """
    from state import pauses

    if not names:
        return _list(app, as_json)
    found = [_known(app, name) for name in names]
    with app.new_store.transaction() as connection:
        for system, stream in found:
            pauses.pause(connection, system, stream, app.actor, reason)
    for name in names:
        say(app.texts("pausing.paused", what=name))
    return 0


@click.command("resume")
@click.argument("names", metavar="SYSTEM[.STREAM]...", nargs=-1, required=True)
@pass_app
def resume(app: App, names: tuple[str, ...]) -> int:
    """Let systems or streams go on; the next run catches up with what happened meanwhile.

    \b
    Examples:
      ltc resume crm
      ltc resume erp.order
    """
    from state import pauses

    with app.store.transaction() as connection:
        for name in names:
            system, _, stream = name.partition(".")
            pauses.resume(connection, system, stream or pauses.WHOLE, app.actor)
    for name in names:
        say(app.texts("pausing.resumed", what=name))
    return 0


def _known(app: App, name: str) -> tuple[str, str]:
    """System and stream; raises ``click.UsageError`` for what ltc.yaml and the mapping do not have."""
    from console import streams
    from state import pauses

    system, _, stream = name.partition(".")
    app.systems((system,))
    known = streams.names(app.settings, system) if stream else []
    if stream and stream not in known:
        raise click.UsageError(f"{system} has no stream {stream!r}. It has: {', '.join(known)}.")
    return system, stream or pauses.WHOLE


def _list(app: App, as_json: bool) -> int:
    from console import freshness
    from state import pauses
    from sync.result import pause_as_dict

    with app.store.reading() as connection:
        found = list(pauses.read(connection))
    if as_json:
        emit_json([pause_as_dict(item) for item in found])
        return 0
    for item in found:
        say(freshness.paused(item, app.settings, app.texts))
    if not found:
        say(app.texts("pausing.none"))
    return 0
