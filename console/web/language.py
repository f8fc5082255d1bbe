"""The language that a request asks for: of a browser whose reader has chosen none here, and of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.i18n import LOCALES

if TYPE_CHECKING:
    from fastapi import Request

_MOST = 20


def asked(request: Request) -> str | None:
    """The first of our languages in the order in which the browser wants them (RFC 9110, 12.5.4); ``None``: none."""
    wanted = []
    for place, part in enumerate(request.headers.get("accept-language", "")[:500].split(",")[:_MOST]):
        name, _, weight = part.strip().partition(";")
        quality = _quality(weight)
        if quality > 0:
            wanted.append((-quality, place, name.strip().casefold()))
    for _, _, name in sorted(wanted):
        for locale in LOCALES:
            if name.partition("-")[0] == locale.partition("-")[0].casefold():
                return locale
    return None


def of_program(request: Request, own: str | None, site: str) -> str:
    """The language of every answer of the REST API, errors as well: ``en`` or ``zh-CN``.

    What the call itself asks for comes first (``?lang=``, then ``Accept-Language``), then the member's ``own``, then
    that of ltc.yaml (``site``).
    """
    named = request.query_params.get("lang")
    chosen = (named if named in LOCALES else None) or asked(request) or own or site
    return chosen if chosen in LOCALES else "en"


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        found = float(value) if name.strip().casefold() == "q" else 0.0
    except ValueError:
        return 0.0
    return found if 0 < found <= 1 else 0.0
