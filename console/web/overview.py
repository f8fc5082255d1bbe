"""The first page: what the last reconciliation came to, in the figures of the report."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from console.report import html
from console.web.desk import Reader
from reconciliation import report
from reconciliation.rules import Rules
from state import news

if TYPE_CHECKING:
    from settings.model import Settings
    from state.store import Store

router = APIRouter()


class Latest:
    """The report of now in each language, made again when what it shows has changed."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._made: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._lock = Lock()

    def of(self, locale: str) -> dict[str, Any]:
        """The report; raises ``StoreError``, ``DoesNotFootError``."""
        with self._lock:
            with self._store.reading() as connection:
                seen = (*news.versions(connection), Rules.of(self._settings).today)
            made = self._made.get(locale)
            if made is None or made[0] != seen:
                made = (seen, report.build(self._store, self._settings, locale=locale))
                self._made[locale] = made
            return made[1]


@router.get("/")
def overview(visit: Reader) -> Response:
    """The overview."""
    found = visit.request.app.state.latest.of(visit.texts.locale)
    return visit.page("overview", findings_at="/findings", **html.overview(found, visit.texts))
