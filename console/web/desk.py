"""What the pages share: store, settings, who is signed in, and the rendering of a page in that person's language."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console import sentences
from console.i18n import LOCALES, Texts, texts
from console.report import figures
from console.report.html import PAGE
from console.web import assets, language
from console.web.access import Right, may
from console.web.awaiting import Awaiting
from console.web.commands import OnPage, coded
from console.web.guard import LARGEST_FORM
from console.web.notes import Notes
from console.web.present import Present
from state import members
from state.members import Member, Session

if TYPE_CHECKING:
    from settings.model import Settings
    from state.decisions import DecisionError
    from state.store import Store

_FOLDER = Path(__file__).parent / "pages"
_NAVIGATION = (
    ("overview", "/"),
    ("findings", "/findings"),
    ("cash", "/cash"),
    ("links", "/links"),
    ("trace", "/trace"),
    ("periods", "/periods"),
    ("systems", "/systems"),
    ("audit", "/audit"),
    ("settings", "/settings"),
    ("members", "/members"),
)
_PART_OF = {
    **dict.fromkeys(("runs", "plans", "overwritten", "dead-letters", "quarantine", "monitoring"), "/systems"),
    **dict.fromkeys(("mappings", "kit"), "/settings"),
    **dict.fromkeys(("figures", "tie-outs", "river", "leaks"), "/"),
    "report": "/periods",
}
"""The page of the navigation to which others belong, by the first part of their address."""
_OF_THE_CLOCK = {"", "findings", "periods", "cash", "trace", "figures", "tie-outs", "river", "customers", "report"}
"""First parts of the addresses of pages that show figures as of the clock."""
_MOST_FIELDS = 1000
"""Of a form: the settings of a system may be tables with many rows."""
_NEEDED = {"/members": Right.ADMINISTER, "/settings": Right.ADMINISTER, "/audit": Right.AUDIT}
"""The pages of the navigation that are not for everybody who is signed in."""


@dataclass(frozen=True)
class Desk:
    """One workbench. ``secure``: people reach it over TLS; ``proxied``: through a proxy that we trust.

    ``first`` are the settings with which it is opened.
    """

    store: Store
    first: InitVar[Settings]
    secure: bool
    proxied: bool
    present: Present = field(init=False)
    pages: Environment = field(init=False)
    notes: Notes = field(init=False, default_factory=Notes)
    awaiting: Awaiting = field(init=False, default_factory=Awaiting)

    def __post_init__(self, first: Settings) -> None:
        pages = Environment(
            loader=FileSystemLoader([_FOLDER, PAGE]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        pages.globals["asset"] = assets.address
        pages.filters["money"] = figures.money
        pages.filters["coded"] = coded
        pages.filters["amount"] = lambda value, currency: figures.money(Decimal(value), currency) if value else ""
        object.__setattr__(self, "pages", pages)
        object.__setattr__(self, "present", Present(first))

    @property
    def settings(self) -> Settings:
        """What ltc.yaml says now."""
        return self.present.settings

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; over TLS the browser makes sure that only this host has set it."""
        return "__Host-ltc" if self.secure else "ltc"

    def signed_in(self, request: Request) -> Session | None:
        """Whose request it is."""
        token = request.cookies.get(self.cookie)
        if not token:
            return None
        with self.store.reading() as connection:
            found, to_note = members.session(connection, token)
        if found is None or not self._counts(found):
            return None
        if to_note:
            with self.store.transaction() as connection:
                members.seen(connection, token)
        return found

    def _counts(self, session: Session) -> bool:
        """Whether people get in by the way this session began, as ltc.yaml is now."""
        given = self.settings.workbench.sign_in
        if session.provider is None:
            return given is None or not given.only
        return given is not None and given.issuer == session.provider


@dataclass(frozen=True)
class Visit:
    """One request: to which workbench, by whom, in which language."""

    desk: Desk
    request: Request
    session: Session | None
    texts: Texts

    @property
    def member(self) -> Member:
        """Who is signed in; only where the page's right asks for it."""
        if self.session is None:
            raise HTTPException(401)
        return self.session.member

    @property
    def address(self) -> str:
        """Where the request comes from."""
        if self.desk.proxied:
            told = self.request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            if told:
                return told
        return self.request.client.host if self.request.client else ""

    @property
    def base(self) -> str:
        """How this person's browser calls the workbench."""
        return f"{'https' if self.desk.secure else 'http'}://{self.request.headers.get('host', '')}"

    @property
    def lang(self) -> str:
        """``en`` or ``zh``, as the reconciliation names languages."""
        return "zh" if self.texts.locale == "zh-CN" else "en"

    def may(self, right: Right) -> bool:
        """Whether this person has a right."""
        return self.session is not None and may(self.session.member.roles, right)

    @property
    def stopped(self) -> str:
        """At what time the settings stop the clock; empty if it goes on, and on pages without figures of it."""
        if self.request.url.path.split("/")[1] not in _OF_THE_CLOCK:
            return ""
        fixed, zone = self.desk.settings.as_of, self.desk.settings.business_day_zone
        return "" if fixed is None else f"{fixed.astimezone(zone):%Y-%m-%d %H:%M}"

    @property
    def systems(self) -> list[str]:
        """The systems of ltc.yaml whose rows this person sees and may act on, in its order."""
        return [name for name in self.desk.settings.systems if self.may_touch(name)]

    @property
    def limit(self) -> list[str] | None:
        """``systems`` for somebody who is limited to some; ``None``, for queries without a limit, for all others."""
        limited = self.session is None or self.session.member.systems is not None
        return self.systems if limited else None

    def may_touch(self, system: str) -> bool:
        """Whether this person sees what belongs to a system, and may act on it as far as their roles go.

        Findings, chains, links, cash and reports are of the whole company: no limit counts there.
        """
        return self.session is not None and self.session.member.may_touch(system)

    def touch(self, system: str) -> None:
        """Raise ``HTTPException`` 404, as for something that is not there, for a system that is not theirs."""
        if not self.may_touch(system):
            raise HTTPException(404)

    def refusal(self, error: DecisionError) -> str:
        """Why a decision cannot be taken, and what to do."""
        return coded(sentences.refusal(error, self.texts))

    def told(self, sentence: str | None) -> Markup:
        """What a part behind the pages says, in this person's language; what stays English is marked as such."""
        parts = sentences.said(sentence or "", self.texts.locale)
        marked = (
            coded(part.text) if part.known else Markup('<span lang="en">{}</span>').format(coded(part.text))
            for part in parts
        )
        return Markup("").join(marked)

    def plain(self, sentence: str | None) -> str:
        """The same to stand within another text."""
        return sentences.plain(sentence or "", self.texts.locale)

    def page(self, template: str, status: int = 200, **content: Any) -> Response:
        """Render ``pages/TEMPLATE.html.j2``."""
        return HTMLResponse(self.part(template, **content), status)

    def part(self, template: str, **content: Any) -> Markup:
        """Render ``pages/TEMPLATE.html.j2``, a page or a part of one."""
        t = OnPage(self.texts)
        shared = {"t": t, "told": self.told}
        shared |= {"visit": self, "navigation": self._navigation(), "Right": Right}
        shared |= {
            "here": self.request.url.path,
            "part_of": self._part_of(),
            "locales": LOCALES,
            "base": self.desk.settings.base_currency,
        }
        rendered = self.desk.pages.get_template(f"{template}.html.j2").render({**shared, **content})
        return Markup(rendered)  # noqa: S704 - the template has escaped what is in it

    def _navigation(self) -> list[tuple[str, str]]:
        return [item for item in _NAVIGATION if self.may(_NEEDED.get(item[1], Right.READ))]

    def _part_of(self) -> str:
        """The address in the navigation under which the present page is found."""
        first = self.request.url.path.split("/")[1]
        return _PART_OF.get(first, f"/{first}")

    async def form(self) -> dict[str, str]:
        """The fields of a form that was sent, the last of each name.

        Raises ``HTTPException`` 400 if it is no form, or not one of this session.
        """
        body = await self.request.body()
        if len(body) > LARGEST_FORM:
            raise HTTPException(400)
        try:
            pairs = parse_qsl(
                body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=_MOST_FIELDS
            )
        except ValueError:
            raise HTTPException(400) from None
        if any("\0" in text for pair in pairs for text in pair):
            raise HTTPException(400)  # PostgreSQL keeps no such text
        sent = dict(pairs)
        if self.session is not None and not hmac.compare_digest(
            sent.get("csrf", "").encode(), self.session.csrf.encode()
        ):
            raise HTTPException(400)
        return sent


def see(address: str) -> Response:
    """Go on at another page."""
    return RedirectResponse(address, 303)


def local(address: str) -> str:
    """An address on this workbench; anything else becomes the first page."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain else "/"


class SignInFirst(Exception):
    """The page needs somebody who is signed in."""


def visitor(right: Right) -> Callable[[Request], Visit]:
    """A dependency: the visit of somebody who has this right.

    Raises ``SignInFirst``, or ``HTTPException`` 403 for somebody who may not.
    """

    def visit(request: Request) -> Visit:
        desk: Desk = request.app.state.desk
        session = desk.signed_in(request)
        own, browser = (session.member.locale, None) if session else (None, language.asked(request))
        chosen = own or request.cookies.get("lang") or browser or desk.settings.locale
        found = Visit(desk, request, session, texts(chosen if chosen in LOCALES else "en"))
        if right is not Right.OPEN and session is None:
            raise SignInFirst
        if session is not None and not may(session.member.roles, right):
            raise HTTPException(403)
        return found

    return visit


RIGHTS = {right: visitor(right) for right in Right}
"""The dependency of each right; every page has exactly one of them."""


Open = Annotated[Visit, Depends(RIGHTS[Right.OPEN])]
Reader = Annotated[Visit, Depends(RIGHTS[Right.READ])]
Decider = Annotated[Visit, Depends(RIGHTS[Right.DECIDE])]
Approver = Annotated[Visit, Depends(RIGHTS[Right.APPROVE])]
Operator = Annotated[Visit, Depends(RIGHTS[Right.OPERATE])]
Auditor = Annotated[Visit, Depends(RIGHTS[Right.AUDIT])]
Administrator = Annotated[Visit, Depends(RIGHTS[Right.ADMINISTER])]


async def _open_form(visit: Open) -> dict[str, str]:
    return await visit.form()


async def _decider_form(visit: Decider) -> dict[str, str]:
    return await visit.form()


async def _approver_form(visit: Approver) -> dict[str, str]:
    return await visit.form()


async def _operator_form(visit: Operator) -> dict[str, str]:
    return await visit.form()


async def _administrator_form(visit: Administrator) -> dict[str, str]:
    return await visit.form()


OpenForm = Annotated[dict[str, str], Depends(_open_form)]
DeciderForm = Annotated[dict[str, str], Depends(_decider_form)]
ApproverForm = Annotated[dict[str, str], Depends(_approver_form)]
OperatorForm = Annotated[dict[str, str], Depends(_operator_form)]
AdministratorForm = Annotated[dict[str, str], Depends(_administrator_form)]
