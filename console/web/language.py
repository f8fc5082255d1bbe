"""The language that a browser asks for, for people who have chosen none here."""

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


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        found = float(value) if name.strip().casefold() == "q" else 0.0
    except ValueError:
        return 0.0
    return found if 0 < found <= 1 else 0.0
