"""The stand-in's HTTP side: Xero's addresses, answers and errors over the books."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.xero.access import Access, Denied
from sandbox.xero.books import Books, BooksError
from sandbox.xero.listing import QueryError, Shape, page_of, parse_since, select
from sandbox.xero.render import Renderer, encode, stamp
from sandbox.xero.writing import Writer

Json = dict[str, Any]
API = "/api.xro/2.0"
KEY_LIFE = timedelta(minutes=6)
"""How long an idempotency key is remembered."""

_SHARED = {"UpdatedDateUTC": lambda row: row.updated}
_DOCUMENT = {
    **_SHARED,
    "Type": lambda row: row.type,
    "Status": lambda row: row.status,
    "Date": lambda row: row.issued,
    "Reference": lambda row: row.reference,
    "Contact.ContactID": lambda row: row.contact_id,
}
_CREDIT = {**_DOCUMENT, "Date": lambda row: row.received}


def _by_id(row: Any) -> Any:
    return row.id


def _number(row: Any) -> Any:
    return row.number


@dataclass(frozen=True, slots=True)
class _List:
    """One resource: its rows in the books, how they are filtered, and how one is written."""

    shape: Shape
    rows: Callable[[Books], list[Any]]
    render: Callable[[Renderer, Any], Json]
    always_full: bool = True


_LISTS: dict[str, _List] = {
    "Contacts": _List(
        Shape("ContactID", {**_SHARED, "ContactID": _by_id, "Name": lambda row: row.name}),
        lambda books: list(books.contacts.values()),
        Renderer.contact,
    ),
    "Invoices": _List(
        Shape("InvoiceID", {**_DOCUMENT, "InvoiceID": _by_id, "InvoiceNumber": _number}),
        lambda books: [document for document in books.documents.values() if not document.is_credit_note],
        Renderer.invoice,
    ),
    "CreditNotes": _List(
        Shape("CreditNoteID", {**_DOCUMENT, "CreditNoteID": _by_id, "CreditNoteNumber": _number}),
        lambda books: [document for document in books.documents.values() if document.is_credit_note],
        Renderer.credit_note,
    ),
    "Payments": _List(
        Shape("PaymentID", {**_SHARED, "PaymentID": _by_id, "Status": lambda row: row.status}),
        lambda books: list(books.payments.values()),
        Renderer.payment,
    ),
    "Overpayments": _List(
        Shape("OverpaymentID", {**_CREDIT, "OverpaymentID": _by_id}),
        lambda books: [credit for credit in books.credits.values() if not credit.is_prepayment],
        Renderer.credit,
    ),
    "Prepayments": _List(
        Shape("PrepaymentID", {**_CREDIT, "PrepaymentID": _by_id}),
        lambda books: [credit for credit in books.credits.values() if credit.is_prepayment],
        Renderer.credit,
    ),
}


@dataclass(slots=True)
class _Remembered:
    """The answer under an idempotency key; errors are remembered, too."""

    request: bytes
    response: Response
    until: datetime


class Api:
    """Xero's API over ``books``, for clients that ``access`` admits.

    ``since_is_inclusive``: whether ``If-Modified-Since`` includes its own second, which Xero does not say.
    ``on_page`` is called before each list is answered: the place for a test to change something while a client pages.
    """

    def __init__(self, books: Books, access: Access) -> None:
        self.books = books
        self.access = access
        self.writer = Writer(books)
        self.reset()
        routes = [
            Route("/connect/token", self._token, methods=["POST"]),
            Route("/connections", self._connections),
            Route(f"{API}/Organisation", self._guarded(self._organisation)),
            Route(f"{API}/CreditNotes/{{key}}/Allocations", self._guarded(self._allocations), methods=["PUT"]),
            Route(f"{API}/{{resource}}", self._guarded(self._resource), methods=["GET", "PUT", "POST"]),
            Route(f"{API}/{{resource}}/{{key}}", self._guarded(self._one), methods=["GET", "POST"]),
        ]
        self.application = Starlette(routes=routes)

    def reset(self) -> None:
        """Forget idempotency keys; switches as at the start."""
        self.since_is_inclusive = False
        self.on_page: Callable[[str, int], None] = lambda _resource, _page: None
        self._remembered: dict[str, _Remembered] = {}

    # -- answering

    def _guarded(self, handler: Callable[[Request, bytes], Response]) -> Any:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            with self.books.lock:
                return self._answer(request, body, handler)

        return endpoint

    def _answer(self, request: Request, body: bytes, handler: Callable[[Request, bytes], Response]) -> Response:
        limits: dict[str, str] = {}
        try:
            resource = request.url.path.removeprefix(API).split("/")[1]
            if resource != "Organisation" and resource not in _LISTS:
                raise Denied(404, "The resource you're looking for cannot be found")
            self.access.admit(resource, request.method, request.headers)
            limits = self.access.count()
            response = self._remember(request, body, handler)
        except Denied as denied:
            content = b"" if denied.body is None else encode(denied.body)
            return Response(content, denied.status, {**limits, **denied.headers}, "application/json")
        if "application/json" not in request.headers.get("accept", ""):
            response = Response(
                b"<Response><Status>OK</Status></Response>", response.status_code, media_type="text/xml"
            )
        response.headers.update(limits)
        return response

    def _remember(self, request: Request, body: bytes, handler: Callable[[Request, bytes], Response]) -> Response:
        key = request.headers.get("idempotency-key")
        if key is None or request.method == "GET":
            return self._try(request, body, handler)
        fingerprint = hashlib.blake2b(f"{request.method} {request.url.path}\n".encode() + body).digest()
        known = self._remembered.get(key)
        if known is not None and known.until > self.books.clock():
            if known.request != fingerprint:
                return _error(
                    400, 10, "ValidationException", f"Idempotency Key: {key} is used with a different request."
                )
            return _copy(known.response)
        response = self._try(request, body, handler)
        self._remembered[key] = _Remembered(fingerprint, _copy(response), self.books.clock() + KEY_LIFE)
        return response

    def _try(self, request: Request, body: bytes, handler: Callable[[Request, bytes], Response]) -> Response:
        try:
            return handler(request, body)
        except QueryError as error:
            return _error(400, 16, "QueryParseException", str(error))
        except (msgspec.DecodeError, KeyError, ValueError, TypeError) as error:
            return _error(
                400, 14, "PostDataInvalidException", f"JSON for post data was invalid: {type(error).__name__}"
            )

    def _envelope(self, **content: Any) -> Response:
        envelope = {
            "Id": str(uuid.uuid4()),
            "Status": "OK",
            "ProviderName": "LTC Sync demo",
            "DateTimeUTC": stamp(self.books.clock()).replace("+0000", ""),
            **content,
        }
        return Response(encode(envelope), media_type="application/json")

    # -- identity

    async def _token(self, request: Request) -> Response:
        try:
            answer = self.access.token(request.headers.get("authorization", ""), await request.body())
        except Denied as denied:
            return Response(encode(denied.body), denied.status, denied.headers, "application/json")
        return Response(encode(answer), media_type="application/json")

    async def _connections(self, request: Request) -> Response:
        try:
            self.access.scopes_of(request.headers.get("authorization", ""))
        except Denied as denied:
            return Response(encode(denied.body), denied.status, denied.headers, "application/json")
        connection = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, self.access.tenant_id)),
            "tenantId": self.access.tenant_id,
            "tenantType": "ORGANISATION",
            "tenantName": "LTC Instruments",
        }
        return Response(encode([connection]), media_type="application/json")

    def _organisation(self, _request: Request, _body: bytes) -> Response:
        organisation = {
            "OrganisationID": self.access.tenant_id,
            "Name": "LTC Instruments",
            "LegalName": "LTC Instruments Ltd",
            "OrganisationType": "COMPANY",
            "BaseCurrency": "CNY",
            "CountryCode": "CN",
            "IsDemoCompany": True,
            "OrganisationStatus": "ACTIVE",
        }
        return self._envelope(Organisations=[organisation])

    # -- resources

    def _resource(self, request: Request, body: bytes) -> Response:
        resource = request.path_params["resource"]
        if request.method == "GET":
            return self._list(request, resource)
        return self._write(request, body, resource)

    def _list(self, request: Request, resource: str) -> Response:
        query = dict(request.query_params)
        source = _LISTS[resource]
        self.on_page(resource, int(query.get("page", 1)))
        since = parse_since(request.headers.get("if-modified-since"))
        rows = select(source.rows(self.books), source.shape, query, since, self.since_is_inclusive)
        if resource == "Contacts" and query.get("includeArchived") != "true":
            rows = [row for row in rows if row.status == "ACTIVE"]
        chosen, paging = page_of(rows, query)
        places = 4 if query.get("unitdp") == "4" else 2
        renderer = Renderer(self.books, full=paging is not None, unit_places=places)
        content: Json = {"pagination": paging} if paging else {}
        return self._envelope(**content, **{resource: [source.render(renderer, row) for row in chosen]})

    def _one(self, request: Request, body: bytes) -> Response:
        resource, key = request.path_params["resource"], request.path_params["key"]
        source = _LISTS[resource]
        row = next((row for row in source.rows(self.books) if row.id == key), None)
        if row is None:
            raise Denied(404, "The resource you're looking for cannot be found")
        renderer = Renderer(self.books, unit_places=4 if request.query_params.get("unitdp") == "4" else 2)
        if request.method == "GET":
            return self._envelope(**{resource: [source.render(renderer, row)]})
        given = msgspec.json.decode(body)
        if resource == "Payments":
            return self._each(resource, [given], lambda item: self.writer.delete_payment(key, item), False)
        if resource != "Invoices":
            raise Denied(404, "The resource you're looking for cannot be found")
        return self._each(resource, given["Invoices"], lambda item: self.writer.invoice(item, key), False)

    def _write(self, request: Request, body: bytes, resource: str) -> Response:
        given = msgspec.json.decode(body)
        writers: dict[str, Callable[[Json], Any]] = {
            "Invoices": self.writer.new_invoice if request.method == "PUT" else self.writer.invoice,
            "CreditNotes": self.writer.credit_note,
            "Payments": self.writer.payment,
        }
        if resource not in writers:
            raise Denied(404, "The resource you're looking for cannot be found")
        items = given.get(resource) or [given]
        lenient = request.query_params.get("summarizeErrors", "true").lower() == "false"
        return self._each(resource, items, writers[resource], lenient)

    def _allocations(self, request: Request, body: bytes) -> Response:
        key = request.path_params["key"]
        if key not in self.books.documents:
            raise Denied(404, "The resource you're looking for cannot be found")
        try:
            made = [self.writer.allocation(key, item) for item in msgspec.json.decode(body)["Allocations"]]
        except BooksError as error:
            return _refused([{}], [error])
        return self._envelope(Allocations=[Renderer(self.books).allocation(allocation) for allocation in made])

    def _each(self, resource: str, items: list[Json], write: Callable[[Json], Any], lenient: bool) -> Response:
        """Carry out each element; ``lenient`` answers 200 with the errors in the elements."""
        source, renderer = _LISTS[resource], Renderer(self.books, unit_places=4)
        answers: list[Json] = []
        errors: list[BooksError] = []
        for item in items:
            try:
                answers.append({**source.render(renderer, write(item)), "StatusAttributeString": "OK"})
            except BooksError as error:
                errors.append(error)
                answers.append({**_echo(item), "HasErrors": True, "StatusAttributeString": "ERROR", **_reasons(error)})
        if errors and not lenient:
            return _refused(items, errors)
        return self._envelope(**{resource: answers})


def _copy(response: Response) -> Response:
    return Response(response.body, response.status_code, media_type=response.media_type)


def _reasons(error: BooksError) -> Json:
    return {"ValidationErrors": [{"Message": message} for message in error.messages]}


def _echo(item: Json) -> Json:
    return {name: item[name] for name in ("InvoiceID", "CreditNoteID", "PaymentID") if name in item}


def _refused(items: list[Json], errors: list[BooksError]) -> Response:
    elements = [{**_echo(item), **_reasons(error)} for item, error in zip(items, errors, strict=False)]
    return _error(400, 10, "ValidationException", "A validation exception occurred", elements)


def _error(status: int, number: int, kind: str, message: str, elements: list[Json] | None = None) -> Response:
    body: Json = {"ErrorNumber": number, "Type": kind, "Message": message}
    if elements is not None:
        body["Elements"] = elements
    return Response(encode(body), status, media_type="application/json")
