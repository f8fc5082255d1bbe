"""The HTTP kit every httpx connector uses: one client, rate limit, retries, and every failure as one of our errors."""

from __future__ import annotations

import logging
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from connectors import guard, retry
from connectors.answers import ENCODINGS, LARGEST_ANSWER, PATIENCE, take_in
from connectors.budget import Allowance, Budget, Priority, tell
from connectors.contract import CallStats
from connectors.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    QuotaError,
    Throttled,
    TransientError,
)
from connectors.httperrors import by_status, from_httpx, retry_after
from connectors.network import AddressRefused, Network, check
from connectors.rawjson import readable
from connectors.services import in_process

__all__ = ["Classify", "HttpSession", "authority_of", "by_status", "from_httpx", "retry_after", "usual_authorities"]

T = TypeVar("T")

Classify = Callable[[httpx.Response], ConnectorError | None]
"""Turns a vendor's answer into an error, or ``None`` if it is a success; called for every answer, 200 included. The
body of a success is readable (``rawjson.readable``)."""


def _warnings_only(record: logging.LogRecord) -> bool:
    """What the library below logs besides are addresses with their queries, and the headers of answers."""
    return record.levelno >= logging.WARNING


for _name in ("httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks"):
    logging.getLogger(_name).addFilter(_warnings_only)


class HttpSession:
    """A connection to one vendor; safe to use from several threads.

    ``classify`` knows the vendor's error format; what it does not claim is judged by status alone (401/403 → auth, 429
    and 5xx → transient, other 4xx → contract). ``authenticate`` is called for fresh headers before each request;
    ``reauthenticate`` once after an ``AuthError``, and if it returns true the request is sent again with new headers
    and otherwise exactly as before (conditional headers included). ``sign`` gives further headers for each attempt,
    made from the finished request. Both retry their own calls: a ``TransientError`` of theirs leaves at once. An answer
    of more than ``largest_answer`` bytes (unpacked) is a ``ContractError``, and so is a redirect: credentials go to
    ``base_url`` and nowhere else, and only to addresses that ``network`` allows (``AddressRefused``). Certificates are
    verified, by ``verify`` instead of the usual authorities if it is given. Cookies are not kept: nothing that one
    answer sets goes out with the next request.

    Each attempt takes a call from the ``budget`` (``Connector.services``) for all ``allowances``, just before it is
    sent. What the source says of too many calls is told to the budget, so that whoever shares the allowances pauses.
    """

    def __init__(
        self,
        base_url: str,
        *,
        stats: CallStats,
        classify: Classify,
        budget: Callable[[], Budget] = lambda: in_process().budget,
        allowances: Sequence[Allowance] = (),
        policy: retry.RetryPolicy | None = None,
        authenticate: Callable[[], Mapping[str, str]] = dict,
        reauthenticate: Callable[[], bool] = lambda: False,
        sign: Callable[[httpx.Request], Mapping[str, str]] | None = None,
        timeout: float = 60.0,
        network: Network | None = None,
        verify: ssl.SSLContext | None = None,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        network = network or _PUBLIC
        try:
            check(base_url, network)
        except ValueError as error:
            raise AddressRefused(f"The system's address {error}.") from None
        base = _parsed(base_url)
        # httpx's own client merges addresses and looks for cookies and redirects at every call, which costs more than
        # the call itself.
        self._transport = guard.transport(base, network, lambda: verify or usual_authorities(), PATIENCE * timeout)
        self._base = str(base).rstrip("/") + "/"
        self._origin = (base.scheme, base.netloc)
        self._host = base.netloc.decode()
        self._extensions = {"timeout": httpx.Timeout(timeout, connect=min(timeout, 10.0)).as_dict()}
        self._largest_answer = largest_answer
        self._longest_answer = PATIENCE * timeout
        self._stats = stats
        self._classify = classify
        self._budget = budget
        self._allowances = tuple(allowances)
        self._policy = policy or retry.RetryPolicy()
        self._authenticate = authenticate
        self._reauthenticate = reauthenticate
        self._sign = sign

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = True,
        allowances: Sequence[Allowance] = (),
        priority: Priority | None = None,
    ) -> httpx.Response:
        """Send one request and return the successful answer.

        ``json`` may hold ``Decimal``, sent as a JSON number. ``safe`` says that sending the request twice does no harm;
        otherwise only failures in which it cannot have reached the server are retried, and the caller settles the rest
        (``TransientError.sent``). A write of which an earlier attempt may have been carried out fails as that attempt
        did, whatever came after it: no later refusal says that nothing was done. ``allowances`` are this call's own,
        besides the session's. ``priority`` is that of a read, of a write if it is not ``safe``.

        Raises any ``ConnectorError``.
        """
        sent_headers = dict(headers or {})
        if json is not None:
            content = _encoder.encode(json)
            sent_headers.setdefault("Content-Type", "application/json")
        taken = (*self._allowances, *allowances)
        first = priority if priority is not None else Priority.READ if safe else Priority.WRITE

        def attempt() -> httpx.Response:
            return self._send(method, path, content, params, sent_headers, taken, first)

        def authenticated() -> httpx.Response:
            try:
                return attempt()
            except AuthError:
                if not _tried_out(self._reauthenticate):
                    raise
                return attempt()

        writes = first is Priority.WRITE and method not in ("GET", "HEAD")
        lost: TransientError | None = None

        def once() -> httpx.Response:
            nonlocal lost
            try:
                return authenticated()
            except TransientError as error:
                if error.sent and not safe:
                    raise _Final(error) from error
                lost = error if error.sent and writes else lost
                raise

        try:
            return retry.call(once, self._policy, on_retry=self._count_retry)
        except _Final as final:
            raise final.error from final.error.__cause__
        except (TransientError, QuotaError) as error:
            if lost is None or lost is error:
                raise
            raise lost from error

    def _count_retry(self, _error: TransientError, _wait: float) -> None:
        self._stats.retries += 1

    def _send(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        allowances: Sequence[Allowance],
        priority: Priority,
    ) -> httpx.Response:
        credentials = _tried_out(self._authenticate)
        if not allowances:
            return self._sent(method, path, content, params, {**credentials, **headers})
        budget = self._budget()
        with budget.acquire(allowances, priority):
            try:
                return self._sent(method, path, content, params, {**credentials, **headers})
            except (Throttled, QuotaError) as error:
                tell(budget, allowances, error)
                raise

    def _sent(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        self._stats.calls += 1
        try:
            request = httpx.Request(
                method,
                self._address(path, params),
                headers=_with_usual(headers),
                content=content,
                extensions=self._extensions,
            )
            if self._sign is not None:
                request.headers.update(self._sign(request))
            response = self._received(request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            # UnicodeError: an address or a header that HTTP cannot carry.
            raise from_httpx(error, self._host) from error
        self._stats.bytes_received += len(response.content)
        response = _readable(response) if response.is_success else response
        failure = self._classify(response) or by_status(response)
        if failure is not None:
            raise failure
        return response

    def _address(self, path: str, params: Mapping[str, Any] | None) -> httpx.URL:
        """Where a path leads to; one that names a host of its own would take our credentials there."""
        named = path if _NAMES_A_HOST(path) else self._base + path.lstrip("/")
        if params is not None:  # they take the place of a query in the path
            named = named.partition("#")[0].partition("?")[0]
            named = f"{named}?{httpx.QueryParams(params)}" if params else named
        url = httpx.URL(named)  # once: it looks at every sign
        if (url.scheme, url.netloc) != self._origin:
            raise ContractError(
                f"A call meant for {self._host} names another host.",
                remedy="Check the paths in the settings; report it.",
            )
        return url

    def _received(self, request: httpx.Request) -> httpx.Response:
        began = time.monotonic()
        answer = self._transport.handle_request(request)
        answer.request = request
        try:
            encoding = answer.headers.get("content-encoding")
            body = take_in(answer.iter_bytes(), encoding, self._host, self._largest_answer, self._longest_answer)
        finally:
            answer.close()
        return _with_body(answer, body, timedelta(seconds=time.monotonic() - began))


@lru_cache(64)
def _parsed(base_url: str) -> httpx.URL:
    return httpx.URL(base_url).copy_with(query=None, fragment=None)


def _with_usual(headers: Mapping[str, str]) -> httpx.Headers:
    """A request's headers, and those of ours that it does not set itself."""
    merged = _USUAL.copy()
    merged.update(headers)
    return merged


def _readable(response: httpx.Response) -> httpx.Response:
    body = readable(response.content)
    return response if body == response.content else _with_body(response, body, response.elapsed)


def _with_body(response: httpx.Response, body: bytes, elapsed: timedelta) -> httpx.Response:
    as_sent = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in as_sent]
    made = httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
    made.elapsed = elapsed  # also of answers that no network brought
    return made


def usual_authorities() -> ssl.SSLContext:
    """What servers are verified by unless something else is named: ``SSL_CERT_FILE``, else Mozilla's authorities."""
    return _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def authority_of(file: Path) -> ssl.SSLContext:
    """What servers are verified by that one authority vouches for. Raises ``ContractError`` if the file is unusable."""
    try:
        return ssl.create_default_context(cafile=str(file))
    except (OSError, ssl.SSLError) as error:
        raise ContractError(
            f"The authority's file {file} cannot be read.", remedy="Name a PEM file in ca_bundle."
        ) from error


@cache
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        raise ContractError(
            f"The authorities in {file or folder} cannot be read.", remedy="Correct SSL_CERT_FILE or SSL_CERT_DIR."
        ) from error


class _Final(Exception):
    """Carries an error past the retry loop, and past the renewal of credentials."""

    def __init__(self, error: ConnectorError) -> None:
        super().__init__(str(error))
        self.error = error


def _tried_out(authentication: Callable[[], T]) -> T:
    """Its own calls are retried where they are made, and its refusal is not the source's: neither is tried again."""
    try:
        return authentication()
    except (TransientError, AuthError) as error:
        raise _Final(error) from error


_PUBLIC = Network()
_NAMES_A_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://").match
_USUAL = httpx.Headers(
    {"Accept": "*/*", "Accept-Encoding": ENCODINGS, "Connection": "keep-alive", "User-Agent": "LTC-Sync"}
)
_encoder = msgspec.json.Encoder(decimal_format="number")
