"""The stand-in's HTTP side: Stripe's addresses, answers, errors and idempotency keys over the account."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe import writing
from sandbox.stripe.access import Access
from sandbox.stripe.account import Account
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.forms import integer, parse, texts
from sandbox.stripe.listing import page_of
from sandbox.stripe.render import Renderer, encode
from sandbox.stripe.store import Json

KEY_LIFE = 86_400
"""Seconds for which an idempotency key is remembered."""
_LONGEST_KEY = 255

_KINDS = {
    "customers": "customer",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "payouts": "payout",
    "balance_transactions": "balance_transaction",
    "invoices": "invoice",
    "credit_notes": "credit_note",
    "events": "event",
}


@dataclass(slots=True)
class _Kept:
    """The answer under an idempotency key."""

    request: bytes
    status: int
    body: bytes
    request_id: str
    until: int


@dataclass(slots=True)
class _Failure:
    """A POST that is to fail within Stripe: carried out or not, and the answer is kept."""

    times: int
    act: bool
    should_retry: str


class Api:
    """Stripe's API over ``account``, for keys that ``access`` admits.

    ``on_page`` is called before each list is answered: the place for a test to change something while a client pages.
    """

    def __init__(self, account: Account, access: Access) -> None:
        self.account = account
        self.access = access
        self.renderer = Renderer(account)
        self.reset()
        path = "/v1/{resource}"
        routes = [
            Route("/v1/invoices/{key}/lines", self._guarded(self._lines)),
            Route(path, self._guarded(self._many), methods=["GET", "POST"]),
            Route(path + "/{key}", self._guarded(self._one), methods=["GET", "POST", "DELETE"]),
            Route(path + "/{key}/{action}", self._guarded(self._act), methods=["POST"]),
        ]
        self.application = Starlette(routes=routes, exception_handlers={404: _nowhere})

    def reset(self) -> None:
        """Forget idempotency keys; switches as at the start."""
        self.on_page: Callable[[str], None] = lambda _kind: None
        self.busy_keys: set[str] = set()
        """Idempotency keys of requests that are in progress elsewhere."""
        self._kept: dict[str, _Kept] = {}
        self._failures: list[_Failure] = []
        self._requests = 0

    def fail(self, *, times: int = 1, act: bool = True, should_retry: str = "") -> None:
        """Answer the next POST 500 and keep that under its key; ``act``: after it was carried out."""
        self._failures.append(_Failure(times, act, should_retry))

    # -- answering

    def _guarded(self, handler: Callable[[Request, str, dict[str, Any]], Any]) -> Any:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            with self.account.lock:
                return self._answer(request, body, handler)

        return endpoint

    def _answer(
        self, request: Request, body: bytes, handler: Callable[[Request, str, dict[str, Any]], Any]
    ) -> Response:
        self._requests += 1
        headers = {"request-id": f"req_Ltc{self._requests:010d}"}
        version = request.headers.get("stripe-version")
        if version:
            headers["stripe-version"] = version
        try:
            kind = _KINDS.get(request.path_params.get("resource", "invoices"))
            if kind is None:
                raise StripeError(404, f"Unrecognized request URL ({request.method}: {request.url.path}).")
            self.access.admit(request.headers, kind, request.method)
            self.access.count(request.method)
            form = parse(body.decode() if request.method == "POST" else request.url.query)

            def work() -> Json:
                if "key" in request.path_params:
                    self.access.take(request.path_params["key"])
                shown: Json = handler(request, kind, form)
                return shown

            if request.method == "POST":
                return self._once(request, body, work, headers)
            return _json(200, encode(work()), headers)
        except StripeError as error:
            return _json(error.status, encode(error.body), {**headers, **error.headers})

    def _once(self, request: Request, body: bytes, work: Callable[[], Json], headers: dict[str, str]) -> Response:
        """Under an idempotency key the first answer again, unless nothing was begun then."""
        key = request.headers.get("idempotency-key")
        if key is None:
            return _json(*self._worked(work), headers)
        if len(key) > _LONGEST_KEY:
            raise invalid("Idempotency keys have up to 255 characters", "Idempotency-Key")
        headers["idempotency-key"] = key
        fingerprint = hashlib.blake2b(f"{request.method} {request.url.path}\n".encode() + body).digest()
        kept = self._kept.get(key)
        if kept is not None and kept.until > self.account.now:
            return self._again(kept, fingerprint, headers)
        if key in self.busy_keys:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key.",
                code="idempotency_key_in_use",
                type_="idempotency_error",
            )
        status, shown = self._worked(work)
        self._kept[key] = _Kept(fingerprint, status, shown, headers["request-id"], self.account.now + KEY_LIFE)
        retry = {"stripe-should-retry": self._told} if status == 500 and self._told else {}
        return _json(status, shown, {**headers, **retry})

    def _again(self, kept: _Kept, fingerprint: bytes, headers: dict[str, str]) -> Response:
        if kept.request != fingerprint:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                type_="idempotency_error",
            )
        again = {"idempotent-replayed": "true", "original-request": kept.request_id}
        return _json(kept.status, kept.body, {**headers, **again})

    def _worked(self, work: Callable[[], Json]) -> tuple[int, bytes]:
        """Status and body of what is kept under a key; what is not kept is raised."""
        self._told = ""
        failure = self._failures[0] if self._failures else None
        try:
            if failure is None:
                return 200, encode(work())
            self._told = failure.should_retry
            failure.times -= 1
            if not failure.times:
                self._failures.remove(failure)
            if failure.act:
                work()
            return 500, encode({"error": {"message": "An unknown error occurred", "type": "api_error"}})
        except StripeError as error:
            if not error.kept:
                raise
            return error.status, encode(error.body)

    # -- endpoints

    def _many(self, request: Request, kind: str, form: dict[str, Any]) -> Json:
        if request.method == "POST":
            expand = texts(form.get("expand"), "expand")
            return self.renderer.show(writing.create(self.account, kind, form), expand)
        self.on_page(kind)
        expand = texts(form.get("expand"), "expand")
        wrong = [path for path in expand if not path.startswith("data.")]
        if wrong:
            raise invalid(f"This property cannot be expanded ({wrong[0]}).", "expand")
        rows, more = page_of(self.account, kind, form)
        shown = [self.renderer.show(row, [path[len("data.") :] for path in expand]) for row in rows]
        return {"object": "list", "data": shown, "has_more": more, "url": request.url.path}

    def _one(self, request: Request, kind: str, form: dict[str, Any]) -> Json:
        key = request.path_params["key"]
        expand = texts(form.get("expand"), "expand")
        if request.method == "DELETE":
            return writing.delete(self.account, kind, key)
        if request.method == "POST":
            return self.renderer.show(writing.change(self.account, kind, key, form), expand)
        return self.renderer.show(self.account.get(kind, key), expand)

    def _act(self, request: Request, kind: str, form: dict[str, Any]) -> Json:
        key, action = request.path_params["key"], request.path_params["action"]
        return self.renderer.show(writing.act(self.account, kind, key, action, form))

    def _lines(self, request: Request, _kind: str, form: dict[str, Any]) -> Json:
        invoice = self.account.get("invoice", request.path_params["key"])
        return self.renderer.lines(invoice, integer(form.get("limit", "10"), "limit"), form.get("starting_after"))


def _json(status: int, body: bytes, headers: dict[str, str]) -> Response:
    return Response(body, status, headers, "application/json")


async def _nowhere(request: Request, _error: Exception) -> Response:
    error = StripeError(404, f"Unrecognized request URL ({request.method}: {request.url.path}).")
    return _json(404, encode(error.body), {})
