"""``ltc members``: who may use the workbench, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from state.members import Member

_ROLES = ("viewer", "finance", "approver", "operator", "admin")
_roles = click.option(
    "--role", "roles", multiple=True, type=click.Choice(_ROLES), help="What they are; may be given several times."
)


_systems = click.option(
    *("--system", "systems"),
    multiple=True,
    metavar="NAME",
    help="Limit them to what belongs to this system; may be given several times. Without it, all.",
)


@click.group("members")
def command() -> None:
    """Invite people to the workbench of `ltc serve`, give them roles and systems, take their access away.

    \b
    viewer    sees figures, findings and chains
    finance   and decides on findings, asks for waivers, closes months
    approver  as finance, and approves waivers and months of others
    operator  as viewer, and starts runs, writes back, takes care of dead letters
    admin     as finance and operator, and takes care of members and settings

    Those who sign in through the company's identity provider (workbench.sign_in in ltc.yaml) are members from their
    first sign-in on, with the roles that it gives them.

    \b
    Examples:
      ltc members invite wang.min --role finance
      ltc members list
      ltc members roles wang.min --role finance --role approver
      ltc members systems li.na erp crm
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
    from console import membership
    from state import members

    with app.store.reading() as connection:
        found = members.listing(connection)
    if as_json:
        emit_json([membership.facts(item) for item in found])
        return 0
    if not found:
        say(app.texts("members.none"))
        return 0
    zone = app.settings.business_day_zone
    heads = [app.texts(f"people.columns.{name}") for name in membership.COLUMNS]
    table(heads, [membership.row(item, app.texts, zone) for item in found])
    return 0


@command.command("invite")
@click.argument("name")
@_roles
@_systems
@click.option("--public-url", metavar="URL", default="", help="The workbench's address, for a link that can be sent.")
@jobs.json_option
@pass_app
def invite(
    app: App, name: str, roles: tuple[str, ...], systems: tuple[str, ...], public_url: str, as_json: bool
) -> int:
    """Make a one-time link with which somebody sets a password; also for a password that was forgotten.

    The link is shown once and good for 24 hours. Whoever has it can sign in as that person: send it by a safe way.

    \b
    Examples:
      ltc members invite wang.min --role finance
      ltc members invite wang.min
      ltc members invite zhao.lei --role operator --system erp --system crm
      ltc members invite li.na --role approver --public-url https://ltc.example.com
    """
    from console import membership
    from state import members

    membership.refuse_without_passwords(app.settings)
    limit = membership.known(systems, app.settings) or None
    with app.new_store.transaction() as connection:
        token = members.invite(connection, name, [members.Role(role) for role in roles], app.actor, limit)
        found = members.invited(connection, token)
    link = f"{public_url.rstrip('/')}/welcome/{token}"
    who = found.name if found else name
    given = app.texts.listed(sorted(found.roles)) if found else ""
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

    given = [members.Role(role) for role in roles]
    found = _changed(app, lambda connection: members.set_roles(connection, name, given, app.actor), as_json)
    if found is not None:
        say(app.texts("members.roles_changed", name=found.name, roles=app.texts.listed(sorted(found.roles))))
    return 0


@command.command("systems")
@click.argument("name")
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option("--all", "everything", is_flag=True, help="Limit them to nothing.")
@jobs.json_option
@pass_app
def systems(app: App, name: str, systems: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Limit a member to what belongs to these systems; it holds at once.

    They see and act on the streams, runs, write-backs, dead letters and quarantine of these alone. Findings, chains,
    cash and reports are of the whole company: everybody sees them.

    \b
    Examples:
      ltc members systems li.na erp crm
      ltc members systems li.na --all
    """
    from console import membership
    from state import members

    if everything == bool(systems):
        raise click.UsageError("Name systems, or give --all.")
    limit = None if everything else membership.known(systems, app.settings)
    found = _changed(app, lambda connection: members.set_systems(connection, name, limit, app.actor), as_json)
    if found is not None:
        given = app.texts("people.all") if found.systems is None else app.texts.listed(sorted(found.systems))
        say(app.texts("people.systems", name=found.name, systems=given))
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

    found = _changed(app, lambda connection: members.deactivate(connection, name, app.actor), as_json)
    if found is not None:
        say(app.texts("members.deactivated", name=found.name))
    return 0


@command.command("readmit")
@click.argument("name")
@jobs.json_option
@pass_app
def readmit(app: App, name: str, as_json: bool) -> int:
    """Let somebody in again who signs in through the identity provider; who has a password is invited again.

    \b
    Examples:
      ltc members readmit wang.min
    """
    from state import provided

    found = _changed(app, lambda connection: provided.readmit(connection, name, app.actor), as_json)
    if found is not None:
        say(app.texts("people.readmitted", name=found.name))
    return 0


@command.command("bind")
@click.argument("name")
@click.option("--subject", required=True, help="What the identity provider calls the person for good (`sub`).")
@jobs.json_option
@pass_app
def bind(app: App, name: str, subject: str, as_json: bool) -> int:
    """Say that a person of the identity provider is this member; made if there is none.

    For members who had a password before, and for names that were given to somebody else. The subject of everybody who
    was turned away is in `ltc audit list`. Password, sessions and API tokens of the member end.

    \b
    Examples:
      ltc members bind wang.min --subject 248289761001
    """
    from console import membership
    from state import provided

    issuer = membership.issuer(app.settings)
    found = _changed(app, lambda connection: provided.bind(connection, name, issuer, subject, app.actor), as_json)
    if found is not None:
        say(app.texts("people.bound", name=found.name, issuer=issuer))
    return 0


@command.command("unbind")
@click.argument("name")
@jobs.json_option
@pass_app
def unbind(app: App, name: str, as_json: bool) -> int:
    """Let nobody be this member through the identity provider any more; roles stay, sessions and API tokens end.

    \b
    Examples:
      ltc members unbind wang.min
    """
    from state import provided

    found = _changed(app, lambda connection: provided.unbind(connection, name, app.actor), as_json)
    if found is not None:
        say(app.texts("people.unbound", name=found.name))
    return 0


@command.command("provider")
@click.option("--public-url", metavar="URL", default="https://…", help="The workbench's address.")
@pass_app
def provider(app: App, public_url: str) -> int:
    """Read what the identity provider of ltc.yaml publishes, and say what is wrong with it.

    \b
    Examples:
      ltc members provider --public-url https://ltc.example.com
    """
    from console import membership
    from console.web.provided import BACK
    from console.web.provider import Provider
    from console.web.provider_documents import ProviderError

    issuer, given = membership.issuer(app.settings), app.settings.workbench.sign_in
    try:
        if given is not None:
            Provider(given).check()
    except ProviderError as error:
        raise click.ClickException(f"{issuer}: {error.reason}") from None
    say(app.texts("people.checked", issuer=issuer, back=f"{public_url.rstrip('/')}{BACK}"))
    return 0


def _changed(app: App, change: Callable[[Connection], Member], as_json: bool) -> Member | None:
    """Change a member; ``None`` if it was told as JSON."""
    from console import membership

    with app.store.transaction() as connection:
        found = change(connection)
    if not as_json:
        return found
    emit_json(membership.facts(found))
    return None
