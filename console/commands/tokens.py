"""``ltc tokens``: tokens with which programs use the REST API of the workbench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.api_tokens import ApiToken

_SCOPES = ("read", "decide", "operate")
_COLUMNS = ("id", "member", "name", "scopes", "expires", "seen")


@click.group("tokens")
def command() -> None:
    """Make, list and revoke tokens with which programs use the REST API of `ltc serve` (docs/api.md).

    A token belongs to a member: it does what the member's roles allow, and of that only what its scopes let it. Members
    make their own on the page /account.

    \b
    Examples:
      ltc tokens create wang.min --name "nightly export" --days 90
      ltc tokens list
      ltc tokens revoke 3f9a20c1b7e4
    """


@command.command("create")
@click.argument("member")
@click.option("--name", required=True, metavar="TEXT", help="What it is for; at most 80 characters.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(_SCOPES),
    help="What it may do; may be given several times. Every token may read; none approves.",
)
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="So long it is good.")
@jobs.json_option
@pass_app
def create(app: App, member: str, name: str, scopes: tuple[str, ...], days: int, as_json: bool) -> int:
    """Make a token for a member. It is shown once: keep it where the program keeps its secrets.

    \b
    Examples:
      ltc tokens create wang.min --name "nightly export"
      ltc tokens create robot --name "Airflow" --scope operate --days 30
    """
    from state import api_tokens
    from state.api_tokens import Scope

    with app.store.transaction() as connection:
        made, text = api_tokens.create(connection, member, name, [Scope(scope) for scope in scopes], app.actor, days)
    if as_json:
        emit_json({**_as_dict(made), "token": text})
        return 0
    shown = {"name": made.name, "member": made.member, "until": _day(app, made.expires_at)}
    say(app.texts("tokens.made", scopes=_scopes(made), **shown))
    say(f"  {text}")
    return 0


@command.command("list")
@click.option("--member", metavar="NAME", help="Only this member's.")
@jobs.json_option
@pass_app
def listing(app: App, member: str | None, as_json: bool) -> int:
    """List tokens with what they may do, when they end and when they were used last.

    \b
    Examples:
      ltc tokens list
      ltc tokens list --member wang.min --json
    """
    from state import api_tokens, members

    with app.store.reading() as connection:
        of = None if member is None else members.find(connection, member).name
        found = api_tokens.listing(connection, of)
    if as_json:
        emit_json([_as_dict(item) for item in found])
        return 0
    if not found:
        say(app.texts("tokens.none"))
        return 0
    table([app.texts(f"tokens.columns.{name}") for name in _COLUMNS], [_row(app, item) for item in found])
    return 0


@command.command("revoke")
@click.argument("token_id", metavar="ID")
@jobs.json_option
@pass_app
def revoke(app: App, token_id: str, as_json: bool) -> int:
    """End a token at once. Its id is in `ltc tokens list`; the token itself is never given to a command.

    \b
    Examples:
      ltc tokens revoke 3f9a20c1b7e4
    """
    from state import api_tokens

    with app.store.transaction() as connection:
        gone = api_tokens.revoke(connection, token_id, app.actor)
    if as_json:
        emit_json(_as_dict(gone))
        return 0
    say(app.texts("tokens.revoked", name=gone.name, member=gone.member))
    return 0


def _as_dict(item: ApiToken) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "id": item.id,
        "member": item.member,
        "name": item.name,
        "scopes": sorted(item.scopes),
        "created_at": from_us(item.created_at),
        "expires_at": from_us(item.expires_at),
        "seen_at": None if item.seen_at is None else from_us(item.seen_at),
    }


def _row(app: App, item: ApiToken) -> tuple[Any, ...]:
    ends = _day(app, item.expires_at)
    until = app.texts("tokens.ended", day=ends) if item.has_ended else ends
    used = None if item.seen_at is None else _day(app, item.seen_at)
    return item.id, item.member, item.name, _scopes(item), until, used


def _scopes(item: ApiToken) -> str:
    return ", ".join(name for name in _SCOPES if name in item.scopes)


def _day(app: App, at: int) -> str:
    from state.clock import from_us

    return f"{from_us(at).astimezone(app.settings.business_day_zone):%Y-%m-%d %H:%M}"
