"""Style sheets and scripts: all of them come with the package, so that pages load nothing from elsewhere.

An address holds a digest of the content, so that browsers keep what they have and never use what is out of date.
uPlot draws charts, htmx brings in what is new on a page that waits for a run; each is in its author's own minified form
as published on npm, with its licence beside it.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from console.report.html import PAGE

router = APIRouter()

_HERE = Path(__file__).parent
_FILES = {
    "report.css": PAGE / "style.css",
    "workbench.css": _HERE / "pages" / "workbench.css",
    "uplot.css": _HERE / "assets" / "uplot.min.css",
    "uplot.js": _HERE / "assets" / "uplot.min.js",
    "charts.js": _HERE / "assets" / "charts.js",
    "forms.js": _HERE / "assets" / "forms.js",
    "samples.js": _HERE / "assets" / "samples.js",
    "htmx.js": _HERE / "assets" / "htmx.min.js",
    "icon.svg": _HERE / "assets" / "icon.svg",
}
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as browsers get it."""

    plain: bytes
    packed: bytes
    kind: str
    digest: str


@cache
def _asset(name: str) -> Asset:
    plain = _FILES[name].read_bytes()
    digest = sha256(plain).hexdigest()[:12]
    return Asset(plain, gzip.compress(plain, 9, mtime=0), _KINDS[Path(name).suffix], digest)


def address(name: str) -> str:
    """Where a page finds an asset."""
    return f"/assets/{name}?v={_asset(name).digest}"


@router.get("/assets/{name}")
def asset(request: Request, name: str, v: str = "") -> Response:
    """One of them; kept for ever where the address names this content."""
    if name not in _FILES:
        raise HTTPException(404)
    found = _asset(name)
    headers = {"Vary": "Accept-Encoding", "Cache-Control": _FOR_EVER if v == found.digest else "no-cache"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.plain, media_type=found.kind, headers=headers)
