"""``ltc replay``: map what we hold again."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app


@click.command("replay")
@jobs.system_option
@click.option(
    "--stream", "streams", multiple=True, metavar="NAME", help="Only this stream; may be given several times."
)
@jobs.json_option
@pass_app
def command(app: App, systems: tuple[str, ...], streams: tuple[str, ...], as_json: bool) -> int:
    """Map every record we hold again, after a mapping has changed. Asks no system.

    It may be stopped at any time and run again. Run `ltc reconcile` afterwards.

    \b
    Examples:
      ltc replay
      ltc replay --system crm
      ltc replay --system crm --stream opportunity
    """
    from console.progress import progress
    from console.replaying import run_replay
    from sync.systems import mapping_for

    names = app.systems(systems) or list(app.settings.systems)
    mappings = {name: mapping_for(app.settings, name) for name in names}
    known = {stream for mapping in mappings.values() for stream in mapping.streams}
    unknown = [stream for stream in streams if stream not in known]
    if unknown:
        raise click.UsageError(f"No mapping has a stream {unknown[0]!r}. There are: {', '.join(sorted(known))}.")
    with progress(app.locale) as shown:
        result = run_replay(app.store, mappings, streams=streams, progress=shown, actor=app.actor)
    jobs.note_stopped(app, result, names)
    return jobs.finish(app, result, as_json)
