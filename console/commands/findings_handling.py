"""``ltc findings assign, explain, waive, unwaive, comment, attach, attachment``: what people decide and say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console import findings as shown
from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say
from console.records import printable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.findings import Finding

_ids = click.argument("finding_ids", metavar="ID...", nargs=-1, required=True)


@click.command("assign")
@_ids
@click.option("--to", "assignee", required=True, metavar="NAME", help="Who takes care of it.")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Until when; default: as it was.")
@jobs.json_option
@pass_app
def assign(app: App, finding_ids: tuple[str, ...], assignee: str, due: datetime | None, as_json: bool) -> int:
    """Make somebody responsible.

    \b
    Examples:
      ltc findings assign b5aadeae2637 --to wang.min
      ltc findings assign b5aadeae2637 c450462b8eee --to wang.min --due 2026-11-15
    """
    from state import handling

    if not assignee.strip():
        raise click.UsageError("Say who takes care of it: `--to NAME`.")
    day = None if due is None else due.date()
    return _decide(
        app,
        finding_ids,
        as_json,
        lambda connection, id: handling.assign(connection, id, assignee.strip(), app.actor, due=day, at=_fixed_at(app)),
    )


@click.command("explain")
@_ids
@click.option("--reason", required=True, metavar="TEXT", help="Why it is so.")
@jobs.json_option
@pass_app
def explain(app: App, finding_ids: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Say why it is so. It stays on the list until the data is mended.

    \b
    Examples:
      ltc findings explain b5aadeae2637 --reason "Customer pays both orders with one transfer in November"
    """
    from state import handling

    return _decide(
        app,
        finding_ids,
        as_json,
        lambda connection, id: handling.explain(connection, id, reason.strip(), app.actor, at=_fixed_at(app)),
    )


@click.command("waive")
@_ids
@click.option("--reason", required=True, metavar="TEXT", help="Why it is accepted.")
@click.option("--approver", required=True, metavar="NAME", help="Who approved it; somebody else than you.")
@click.option(
    "--until", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Last day on which it is accepted."
)
@jobs.json_option
@pass_app
def waive(app: App, finding_ids: tuple[str, ...], reason: str, approver: str, until: datetime, as_json: bool) -> int:
    """Accept a finding until a day. After it, the finding is open again if the data still shows it.

    \b
    Examples:
      ltc findings waive b5aadeae2637 --reason "Under the limit of policy F-12" --approver li.na --until 2026-12-31
    """
    from reconciliation.rules import Rules
    from state import handling

    day, today = until.date(), Rules.of(app.settings).today
    if day < today:
        raise click.UsageError(f"--until {day} has passed: today is {today}.")
    if not approver.strip():
        raise click.UsageError("Name who approved it: `--approver NAME`.")
    said, by = reason.strip(), approver.strip()
    return _decide(
        app,
        finding_ids,
        as_json,
        lambda connection, id: handling.waive(connection, id, said, by, day, app.actor, at=_fixed_at(app)),
    )


@click.command("unwaive")
@_ids
@click.option("--reason", required=True, metavar="TEXT", help="Why it is not accepted any more.")
@jobs.json_option
@pass_app
def unwaive(app: App, finding_ids: tuple[str, ...], reason: str, as_json: bool) -> int:
    """End a waiver before its day, or withdraw one that you have asked for.

    \b
    Examples:
      ltc findings unwaive b5aadeae2637 --reason "The customer disputes the credit note"
    """
    from state import handling

    return _decide(
        app,
        finding_ids,
        as_json,
        lambda connection, id: handling.end_waiver(connection, id, reason, app.actor, at=_fixed_at(app)),
    )


@click.command("comment")
@_ids
@click.option("--text", required=True, metavar="TEXT", help="What is to be said; at most 4,000 characters.")
@jobs.json_option
@pass_app
def comment(app: App, finding_ids: tuple[str, ...], text: str, as_json: bool) -> int:
    """Say something about a finding. It is in its history and in every report.

    \b
    Examples:
      ltc findings comment b5aadeae2637 --text "Customer was called on 3 November; pays this week"
    """
    from state import handling

    return _decide(
        app,
        finding_ids,
        as_json,
        lambda connection, id: handling.comment(connection, id, text, app.actor, at=_fixed_at(app)),
    )


@click.command("attach")
@_ids
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file; at most 10 MiB.",
)
@jobs.json_option
@pass_app
def attach(app: App, finding_ids: tuple[str, ...], path: Path, as_json: bool) -> int:
    """Keep a file with a finding: a confirmation, a page of a contract. Reports show its name and SHA-256.

    \b
    Examples:
      ltc findings attach b5aadeae2637 --file confirmation.pdf
    """
    from state import attachments, handling

    with path.open("rb") as file:
        content = file.read(attachments.LARGEST + 1)
    return _decide(
        app,
        finding_ids,
        as_json,
        lambda connection, id: handling.attach(connection, id, path.name, content, app.actor, at=_fixed_at(app)),
    )


@click.command("attachment")
@click.argument("finding_id", metavar="ID")
@click.argument("sha256")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write; must not be there yet.")
@pass_app
def attachment(app: App, finding_id: str, sha256: str, out: Path) -> int:
    """Write an attached file out again. SHA256 may be cut short; `ltc findings show` has it.

    \b
    Examples:
      ltc findings attachment b5aadeae2637 9f86d081 --out confirmation.pdf
    """
    from state import attachments, handling

    with app.store.reading() as connection:
        kept = handling.attached(connection, finding_id)
        chosen = sorted({item.sha256 for item in kept if item.sha256.startswith(sha256.lower())})
        if len(chosen) != 1:
            raise click.UsageError(
                f"{len(chosen)} attachments of {finding_id} have a SHA-256 that begins with {sha256}."
            )
        content = attachments.content(connection, chosen[0])
    with out.open("xb") as file:
        file.write(content)
    say(app.texts("findings.attachment_written", path=out, size=f"{len(content):,}"))
    return 0


def _fixed_at(app: App) -> int | None:
    """The instant at which ltc.yaml holds the clock."""
    from reconciliation.rules import Rules

    return Rules.of(app.settings).fixed_at


def _decide(app: App, ids: Sequence[str], as_json: bool, decision: Callable[[Connection, str], Finding]) -> int:
    """Decide for all of them or for none."""
    from state import findings, handling

    with app.store.transaction() as connection:
        found = [decision(connection, id) for id in ids]
        histories = [findings.history(connection, item.id) for item in found]
        said = handling.said(connection, [item.id for item in found])
    if as_json:
        whole = [shown.with_history(app, item, said, history) for item, history in zip(found, histories, strict=True)]
        emit_json(whole[0] if len(ids) == 1 else whole)
        return 0
    for item, words in zip(found, shown.in_words(app, found, said, ordered=False), strict=True):
        status = app.texts.name("findings.status", item.status)
        explanation = printable(words["explanation"])
        say(app.texts("findings.decided", id=item.id[: shown.SHORT], status=status, explanation=explanation))
    return 0
