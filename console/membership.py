"""Members as people read them: what ``ltc members`` and the page of members share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from state.clock import from_us, now_us
from state.members import MemberError, Role

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from console.i18n import Texts
    from settings.model import Settings
    from state.members import Member

COLUMNS = ("name", "roles", "systems", "by", "state", "last")
SIGN_IN = """workbench:
  sign_in:
    issuer: https://id.example.com
    client_id: ltc
    client_secret: "${env:LTC_OIDC_SECRET}"
    groups: {ltc-admins: admin, accounting: [finance, approver]}
"""
"""What is to be written into ltc.yaml so that people sign in with the company's account."""
ROLES = tuple(role.value for role in Role)


class Row(NamedTuple):
    """One member, in the order of ``COLUMNS``."""

    name: str
    roles: str
    systems: str
    by: str
    state: str
    last: str


def state(member: Member) -> str:
    """``active``, ``invited`` (without a password yet), ``locked`` for a while, or ``inactive``."""
    if not member.active:
        return "inactive"
    if (member.locked_until or 0) > now_us():
        return "locked"
    return "active" if member.has_password or member.provider else "invited"


def row(member: Member, texts: Texts, zone: tzinfo) -> Row:
    """One member, in words."""
    until = _when(member.locked_until, zone) if state(member) == "locked" else ""
    return Row(
        name=member.name,
        roles=texts.listed(texts.name("account.role", role) for role in sorted(member.roles)) or texts("people.none"),
        systems=texts("people.all") if member.systems is None else texts.listed(sorted(member.systems)),
        by=texts(f"people.by.{'provider' if member.provider else 'password'}"),
        state=texts(f"people.state.{state(member)}", until=until),
        last=_when(member.signed_in_at, zone) or texts("people.never"),
    )


def facts(member: Member) -> dict[str, object]:
    """One member, for programs."""
    return {
        "name": member.name,
        "roles": sorted(member.roles),
        "systems": None if member.systems is None else sorted(member.systems),
        "provider": member.provider,
        "state": state(member),
        "signed_in_at": None if member.signed_in_at is None else from_us(member.signed_in_at).isoformat(),
    }


def known(systems: Iterable[str], settings: Settings) -> list[str]:
    """These systems; raises ``MemberError`` if ltc.yaml does not name one of them."""
    wanted = list(systems)
    for name in wanted:
        if name not in settings.systems:
            remedy = f"It names: {', '.join(settings.systems)}."
            raise MemberError(f"ltc.yaml names no system {name!r}.", remedy, "system")
    return wanted


def passwords_count(settings: Settings) -> bool:
    """Whether people get in with passwords of ours."""
    given = settings.workbench.sign_in
    return given is None or not given.only


def issuer(settings: Settings) -> str:
    """The issuer through which people sign in; raises ``MemberError`` if ltc.yaml names none."""
    given = settings.workbench.sign_in
    if given is None:
        remedy = "Name it in workbench.sign_in; docs/workbench.md shows how."
        raise MemberError("ltc.yaml names no identity provider.", remedy, "no_provider")
    return given.issuer


def refuse_without_passwords(settings: Settings) -> None:
    """Raise ``MemberError`` where a one-time link would lead nowhere."""
    if not passwords_count(settings):
        remedy = "Give them a group there, or set workbench.sign_in.only to false."
        raise MemberError("Passwords are switched off; people come from the provider.", remedy, "only")


def _when(at: int | None, zone: tzinfo) -> str:
    return "" if at is None else f"{from_us(at).astimezone(zone):%Y-%m-%d %H:%M}"
