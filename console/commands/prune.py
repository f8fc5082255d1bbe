"""``ltc prune``: remove what has outlived its retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.retention import Counts


@click.command("prune")
@click.option("--dry-run", is_flag=True, help="Only count what would be removed.")
@click.option("--compact", is_flag=True, help="Give the space back to the machine; others wait meanwhile.")
@jobs.json_option
@pass_app
def command(app: App, dry_run: bool, compact: bool, as_json: bool) -> int:
    """Remove what has outlived its retention: `retention` in ltc.yaml says how long things are kept.

    Old versions of records, closed write-backs, resolved findings, old figures and old runs go. What a record shows
    now, anything open, in doubt or dead, values that can be restored, what people decided and the audit always stay.
    Every sync does the same once a day, for a few seconds; runs may be at work meanwhile.

    \b
    Examples:
      ltc prune --dry-run
      ltc prune
      ltc prune --compact --json
    """
    if dry_run and compact:
        raise click.UsageError("--dry-run changes nothing; leave out --compact.")
    from state import retention, space
    from sync.upkeep import policy

    kept = policy(app.settings)
    if dry_run:
        counts = retention.preview(app.store, kept)
    else:
        counts = retention.prune(app.store, kept, actor=app.actor)
    if compact:
        space.compact(app.store)
    free = None if dry_run else space.free_bytes(app.store)
    if as_json:
        emit_json({"dry_run": dry_run, "rows": counts.rows, "removed": counts.by_kind(), "free_bytes": free})
    else:
        _show(app, counts, dry_run, free)
    return 0


def _show(app: App, counts: Counts, dry_run: bool, free: int | None) -> None:
    found = {kind: number for kind, number in counts.by_kind().items() if number}
    if not found:
        say(app.texts("prune.nothing"))
    else:
        say(app.texts("prune.would" if dry_run else "prune.done"))
        heads = [app.texts("prune.columns.kind"), app.texts("prune.columns.rows")]
        table(heads, [(app.texts.name("prune.kind", kind), number) for kind, number in found.items()])
    if free is not None and free >= 1_000_000:
        say(app.texts("prune.free", size=f"{free / 1e6:,.1f}"))
