"""What every request passes first: a known host, headers for the browser, and requests from our own pages only."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from threading import Lock
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from console.web import language
from console.web.problems import API, problem
from state import attachments

LARGEST_FORM = 64_000
"""Bytes; no form of ours is larger."""
LARGEST_UPLOAD = attachments.LARGEST + LARGEST_FORM
"""Bytes of a form with a file."""
_UPLOADS = re.compile(rf"({API}v1)?/findings/[0-9a-f]{{1,40}}/attachments")
"""Where such a form, or a program's file, goes: it is read once its mark was right, or its token."""
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_LASTING = "max-age=31536000"
_HOST = re.compile(r"^(?:\[([0-9a-fA-F:]+)\]|([^:@\[\]]+))(?::[0-9]+)?$")
"""A name or an address in brackets, with a port or without."""

_ANY_HOST = ("/healthz", "/readyz", "/metrics")
"""Asked by address: by what watches over servers. They tell nothing that a page elsewhere may not read, or see to it
themselves."""

Answer = Callable[[Request], Awaitable[Response]]


def host_of(request: Request) -> str:
    """The name or address that a request calls us by, without port."""
    return _HOST.sub(r"\1\2", request.headers.get("host", "")).lower()


class Guard:
    """Refuses requests for another host, forms that another site's page sends, and forms that are too large.

    ``hosts`` are the names (without port) that people may call us by: a page elsewhere whose name was made to point
    here must not read anything (DNS rebinding). ``secure`` says that people reach us over TLS.
    """

    def __init__(self, hosts: frozenset[str], secure: bool) -> None:
        self._hosts = hosts
        self._secure = secure

    async def __call__(self, request: Request, answer: Answer) -> Response:
        """Answer, or refuse."""
        refusal = self._refusal(request)
        if not refusal and self._secure and _came_in_the_clear(request):
            response: Response = _to_tls(request)
        else:
            response = _refused(request, refusal) if refusal else await answer(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        if self._secure:
            response.headers["Strict-Transport-Security"] = _LASTING
        return response

    def _refusal(self, request: Request) -> str:
        host = request.headers.get("host", "")
        if host_of(request) not in self._hosts and request.url.path not in _ANY_HOST:
            return "This host is not known here. Give `ltc serve` its address with --public-url."
        if request.method in ("GET", "HEAD"):
            return ""
        site = request.headers.get("sec-fetch-site", "same-origin")
        origin = request.headers.get("origin")
        if site not in ("same-origin", "none") or (origin is not None and urlsplit(origin).netloc != host):
            return "This form was sent from another site."
        if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
            return ""  # nothing was sent
        try:
            size = int(request.headers.get("content-length", ""))
        except ValueError:
            return "The length of the form is missing."
        most = LARGEST_UPLOAD if _UPLOADS.fullmatch(request.url.path) else LARGEST_FORM
        return "" if 0 <= size <= most else "The form is too large."


def _came_in_the_clear(request: Request) -> bool:
    """Whether the proxy before us says that it was not asked over TLS."""
    told = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    return told == "http" and request.url.path not in _ANY_HOST


def _to_tls(request: Request) -> Response:
    """The same page over TLS; a form or a token that came in the clear is refused, not sent on."""
    if request.method not in ("GET", "HEAD") or "authorization" in request.headers:
        return _refused(request, "This came unencrypted. Use https, and change the password or token that was sent.")
    return RedirectResponse(str(request.url.replace(scheme="https")), 308)


def _refused(request: Request, refusal: str) -> Response:
    """The refusal, in the way in which programs are answered where they ask."""
    if request.url.path.startswith(API):
        return problem(400, refusal, locale=language.of_program(request, None, "en"))
    return PlainTextResponse(refusal, 400)


class Limiter:
    """Counts attempts by whoever makes them, and says when they are too many. Old ones are forgotten."""

    def __init__(self, most: int, seconds: float, remembered: int = 10_000) -> None:
        self._most, self._seconds, self._remembered = most, seconds, remembered
        self._made: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = Lock()

    def is_too_many(self, who: str) -> bool:
        """Whether another attempt would be one too many."""
        with self._lock:
            return len(self._recent(who)) >= self._most

    def count(self, who: str) -> None:
        """Count an attempt."""
        with self._lock:
            self._made[who] = [*self._recent(who)[-self._most :], time.monotonic()]
            self._made.move_to_end(who)
            while len(self._made) > self._remembered:
                self._made.popitem(last=False)

    def _recent(self, who: str) -> list[float]:
        since = time.monotonic() - self._seconds
        return [at for at in self._made.get(who, ()) if at > since]
