"""Addresses that only take forms, asked for as pages: one stands in the browser's bar once a form was refused."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

_PART = re.compile(r"\{[^}]*\}")


class Forms:
    """Knows which page has the form that is sent to an address."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def page_of(self, path: str) -> str:
        """The nearest page above an address that only takes forms; empty for any other address."""
        pages, forms = self._known
        if forms.fullmatch(path) is None:
            return ""
        parts = path.split("/")
        above = ("/".join(parts[:count]) or "/" for count in range(len(parts) - 1, 0, -1))
        return next(address for address in above if pages.fullmatch(address))

    @cached_property
    def _known(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """Addresses that are pages, and those that only take forms."""
        paths = self._app.openapi()["paths"]
        pages = {path for path, methods in paths.items() if "get" in methods}
        return _any(pages), _any(paths.keys() - pages)


def _any(templates: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join("[^/]+".join(map(re.escape, _PART.split(item))) for item in templates))
