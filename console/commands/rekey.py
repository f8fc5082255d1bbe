"""``ltc rekey``: bring the store under the key that ltc.yaml names now."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say


@click.command("rekey")
@click.option("--compact", is_flag=True, help="Leave nothing of before in the database's files; others wait meanwhile.")
@jobs.json_option
@pass_app
def command(app: App, compact: bool, as_json: bool) -> int:
    """Encrypt what landing keeps with the key that ltc.yaml names now, or decrypt it if it names none.

    `encryption: {key: NEW, old: [OLD]}` in ltc.yaml replaces a key; without `key` and with `old`, encryption ends.
    Runs may be at work meanwhile; stopped, it goes on where it was. When it has ended, the old keys can be taken out of
    ltc.yaml. Backups made before still need them.

    \b
    Examples:
      ltc rekey
      ltc rekey --compact
    """
    from state import space
    from state.rekey import rekey

    done = rekey(app.store, app.actor, lambda _count: None)
    if compact:
        space.compact(app.store)
    if as_json:
        emit_json(
            {
                "key": done.key,
                "retired": done.retired,
                "versions": done.versions,
                "heads": done.heads,
                "compact": compact,
            }
        )
        return 0
    if not (done.versions or done.heads or done.retired):
        say(app.texts("rekey.nothing"))
    else:
        say(app.texts.counted("rekey.done" if done.key else "rekey.plain", done.versions, id=done.key or ""))
        if done.retired:
            say(app.texts("rekey.retired", keys=app.texts.listed(done.retired)))
        if not compact:
            say(app.texts("rekey.compact"))
    return 0
