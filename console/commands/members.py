"""``ltc members``: who may use the workbench, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.members import Member

_ROLES = ("viewer", "finance", "approver", "operator", "admin")
_roles = click.option(
    "--role", "roles", multiple=True, type=click.Choice(_ROLES), help="What they are; may be given several times."
)


@click.group("members")
def command() -> None:
    """Invite people to the workbench of `ltc serve`, give them roles, take their access away.

    \b
    viewer    sees figures, findings and chains
    finance   and decides on findings, asks for waivers, closes months
    approver  as finance, and approves waivers and months of others
    operator  as viewer, and starts runs, writes back, takes care of dead letters
    admin     as finance and operator

    \b
    Examples:
      ltc members invite wang.min --role finance
      ltc members list
      ltc members roles wang.min --role finance --role approver
      ltc members deactivate wang.min
    """


@command.command("list")
@jobs.json_option
@pass_app
def listing(app: App, as_json: bool) -> int:
    """List all members.

    \b
    Examples:
      ltc members list
      ltc members list --json
    """
    from state import members

    with app.store.reading() as connection:
        found = members.listing(connection)
    if as_json:
        emit_json([{"name": item.name, "roles": sorted(item.roles), "state": _state(item)} for item in found])
        return 0
    if not found:
        say(app.texts("members.none"))
        return 0
    rows = [(item.name, ", ".join(sorted(item.roles)), _in_words(app, item)) for item in found]
    table([app.texts(f"members.columns.{name}") for name in ("name", "roles", "state")], rows)
    return 0


@command.command("invite")
@click.argument("name")
@_roles
@click.option("--public-url", metavar="URL", default="", help="The workbench's address, for a link that can be sent.")
@jobs.json_option
@pass_app
def invite(app: App, name: str, roles: tuple[str, ...], public_url: str, as_json: bool) -> int:
    """Make a one-time link with which somebody sets a password; also for a password that was forgotten.

    The link is shown once and good for 24 hours. Whoever has it can sign in as that person: send it by a safe way.

    \b
    Examples:
      ltc members invite wang.min --role finance
      ltc members invite wang.min
      ltc members invite li.na --role approver --public-url https://ltc.example.com
    """
    from state import members

    with app.new_store.transaction() as connection:
        token = members.invite(connection, name, [members.Role(role) for role in roles], app.actor)
        found = members.invited(connection, token)
    link = f"{public_url.rstrip('/')}/welcome/{token}"
    who = found.name if found else name
    given = ", ".join(sorted(found.roles)) if found else ""
    if as_json:
        emit_json({"name": who, "roles": sorted(found.roles) if found else [], "link": link})
        return 0
    say(app.texts("members.link", name=who, roles=given))
    say(f"  {link}" + ("" if public_url else f"  ({app.texts('members.link_path')})"))
    return 0


@command.command("roles")
@click.argument("name")
@_roles
@jobs.json_option
@pass_app
def roles(app: App, name: str, roles: tuple[str, ...], as_json: bool) -> int:
    """Give a member exactly these roles; they hold at once.

    \b
    Examples:
      ltc members roles wang.min --role finance --role approver
    """
    from state import members

    with app.store.transaction() as connection:
        found = members.set_roles(connection, name, [members.Role(role) for role in roles], app.actor)
    if as_json:
        emit_json({"name": found.name, "roles": sorted(found.roles), "state": _state(found)})
        return 0
    say(app.texts("members.roles_changed", name=found.name, roles=", ".join(sorted(found.roles))))
    return 0


@command.command("deactivate")
@click.argument("name")
@jobs.json_option
@pass_app
def deactivate(app: App, name: str, as_json: bool) -> int:
    """Take all access away at once. The name stays in histories and the audit.

    \b
    Examples:
      ltc members deactivate wang.min
    """
    from state import members

    with app.store.transaction() as connection:
        found = members.deactivate(connection, name, app.actor)
    if as_json:
        emit_json({"name": found.name, "roles": sorted(found.roles), "state": _state(found)})
        return 0
    say(app.texts("members.deactivated", name=found.name))
    return 0


def _state(member: Member) -> str:
    from state.clock import now_us

    if not member.active:
        return "inactive"
    if (member.locked_until or 0) > now_us():
        return "locked"
    return "active" if member.has_password else "invited"


def _in_words(app: App, member: Member) -> str:
    from state.clock import from_us

    until = from_us(member.locked_until).astimezone(app.settings.business_day_zone) if member.locked_until else None
    return app.texts(f"members.state.{_state(member)}", until=f"{until:%Y-%m-%d %H:%M}" if until else "")
