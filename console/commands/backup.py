"""``ltc backup`` and ``ltc restore``: the whole store as one file, and back, on either database."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say

if TYPE_CHECKING:
    from state.backup import Backup, Told

_QUIET_SECONDS = 10.0
_UTC = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) UTC")


@click.command("backup")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@jobs.json_option
@pass_app
def backup(app: App, file: Path | None, as_json: bool) -> int:
    """Write everything the store holds to one file, also while a run is at work.

    Without FILE it is called ltc-backup-DATE-TIME.zst. The file holds what was committed when the backup began, and can
    be restored on SQLite and on PostgreSQL, whichever it was made from. It replaces no file.

    \b
    Examples:
      ltc backup
      ltc backup /backups/ltc-monday.zst --json
    """
    from state import backup as backups
    from state.clock import from_us, now_us

    path = file or Path(f"ltc-backup-{from_us(now_us()):%Y%m%dT%H%M%SZ}.zst")
    with _progress(app) as told:
        made = backups.write(app.store, path, told())
    if as_json:
        emit_json(_as_dict(made))
    else:
        say(app.texts("backup.written", **_said(app, made), size=f"{made.size / 1e6:,.1f}"))
        say(app.texts("backup.not_in_it"))
    return 0


@click.command("restore")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Give up what the store holds now.")
@click.option("--check", "only_check", is_flag=True, help="Only read the whole file and compare it with its hashes.")
@jobs.json_option
@pass_app
def restore(app: App, file: Path, replace: bool, only_check: bool, as_json: bool) -> int:
    """Let the store of ltc.yaml hold what a backup holds: all of it, or nothing if something goes wrong.

    The file is checked first. A store with data in it is refused without --replace; always refused is one that is
    in use, by a run or by `ltc serve`: stop it first. Cron lines and workers of Prefect between two runs are not seen:
    stop them, too, so that no run begins meanwhile. Run `ltc sync` afterwards: until every system has been read again,
    nothing is written to any. (To bring back single values that a write-back replaced, see `ltc overwritten restore`.)

    \b
    Examples:
      ltc restore ltc-backup-20261031T020000Z.zst --check
      ltc restore ltc-backup-20261031T020000Z.zst
      ltc restore ltc-backup-20261031T020000Z.zst --replace
    """
    from state import restore as restoring

    if only_check:
        with _progress(app) as told:
            sound = restoring.check(file, told("backup.checking"))
        if as_json:
            emit_json(_as_dict(sound))
        else:
            say(app.texts("backup.sound", **_said(app, sound)))
        return 0
    store = app.new_store
    with _progress(app) as told, _times_of_business(app):
        done = restoring.restore(
            *(store, file, app.actor),
            replace=replace,
            checked=told("backup.checking"),
            told=told("backup.filling"),
        )
    erased = _erase_again(app)
    if as_json:
        chain = {"intact": done.audit.intact, "problem": done.audit.problem}
        told_of = {"replaced": done.replaced, "audit": chain, "audit_rows_lost": done.lost, "erased_again": erased}
        emit_json({**_as_dict(done.backup), **told_of})
        return 0
    say(app.texts("backup.restored", store=store.name, **_said(app, done.backup)))
    say(app.texts("backup.age", age=_age(app, done.backup)))
    if done.lost:
        say(app.texts("backup.lost_one" if done.lost == 1 else "backup.lost", count=f"{done.lost:,}"))
    intact = done.audit.intact
    say(app.texts("backup.audit_intact") if intact else app.texts("backup.audit_broken", problem=done.audit.problem))
    if erased:
        say(app.texts.counted("backup.erased_again", erased))
    say(app.texts("backup.next"))
    return 0


def _age(app: App, found: Backup) -> str:
    """How old a backup is, in the largest unit that says enough."""
    from state.clock import now_us

    seconds = max(now_us() - found.header.made_at, 0) // 1_000_000
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return app.texts(f"status.ago.{unit}", count=seconds // size)
    return app.texts("status.ago.s", count=seconds)


@contextmanager
def _times_of_business(app: App) -> Iterator[None]:
    """Let refusals of the store say their times in the zone of the business, as everything else here does."""
    from state.failures import StoreError

    def here(text: str) -> str:
        zone = app.settings.business_day_zone
        return _UTC.sub(lambda found: f"{_instant(found[1]).astimezone(zone):%Y-%m-%d %H:%M:%S} ({zone.key})", text)

    try:
        yield
    except StoreError as error:
        error.message, error.remedy = here(error.message), here(error.remedy)
        raise


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _erase_again(app: App) -> int:
    """Erase from what was restored who was erased before; returns how many."""
    from state import erasure

    with app.store.reading() as connection:
        if not erasure.unfinished(connection):
            return 0
    from state import space
    from sync import forget

    done = forget.again(app.store, app.settings)
    space.compact(app.store)
    return len(done)


@contextmanager
def _progress(app: App) -> Iterator[Callable[..., Told]]:
    """Makes what is told of a backup's tables: a moving line on a terminal, one line every ten seconds elsewhere."""
    moving = sys.stderr.isatty()
    last = time.monotonic()

    def told(head: str = "") -> Told:
        begun = False

        def tell(table: str, rows: int) -> None:
            nonlocal begun, last
            now = time.monotonic()
            if now - last < (0.1 if moving else _QUIET_SECONDS):
                return
            if head and not begun:
                print(app.texts.words[head], file=sys.stderr)
                begun = True
            last = now
            text = app.texts("backup.progress", table=table, count=f"{rows:,}")
            print(f"\r\x1b[K{text}" if moving else text, end="" if moving else "\n", file=sys.stderr, flush=True)

        return tell

    try:
        yield told
    finally:
        if moving:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _said(app: App, found: Backup) -> dict[str, Any]:
    from state.clock import from_us

    made = from_us(found.header.made_at)
    if app.config.exists():
        told = f"{made.astimezone(app.settings.business_day_zone):%Y-%m-%d %H:%M:%S}"
    else:  # a backup is checked where there are no settings, too
        told = f"{made:%Y-%m-%d %H:%M:%S} UTC"
    return {
        "path": found.path,
        "made": told,
        "version": found.header.made_by,
        "schema": found.header.schema,
        "tables": len(found.manifest.tables),
        "count": f"{found.manifest.rows:,}",
    }


def _as_dict(found: Backup) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "path": found.path,
        "bytes": found.size,
        "made_at": from_us(found.header.made_at),
        "made_by": found.header.made_by,
        "format": found.header.format,
        "schema": found.header.schema,
        "rows": found.manifest.rows,
        "tables": {name: {"rows": part.rows, "hash": part.hash} for name, part in found.manifest.tables.items()},
    }
