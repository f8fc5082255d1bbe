"""The HTTP kit every httpx connector uses: one client, rate limit, retries, and every failure as one of our errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors import retry
from connectors.contract import CallStats
from connectors.errors import AuthError, ConnectorError, ContractError, TransientError
from connectors.ratelimit import RateLimit
from connectors.rawjson import shape

Classify = Callable[[httpx.Response], ConnectorError | None]
"""Turns a vendor's answer into an error, or ``None`` if it is a success; called for every answer, 200 included."""


class HttpSession:
    """A connection to one vendor.

    ``classify`` knows the vendor's error format; what it does not claim is judged by status alone (401/403 → auth,
    429 and 5xx → transient, other 4xx → contract). ``authenticate`` is called for fresh headers before each request;
    ``reauthenticate`` once after an ``AuthError``, and if it returns true the request is sent again with new headers
    and otherwise exactly as before (conditional headers included).
    """

    def __init__(
        self,
        base_url: str,
        *,
        stats: CallStats,
        classify: Classify,
        limit: RateLimit | None = None,
        policy: retry.RetryPolicy | None = None,
        authenticate: Callable[[], Mapping[str, str]] = dict,
        reauthenticate: Callable[[], bool] = lambda: False,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        verify: Any = True,
    ) -> None:
        self._client = httpx.Client(
            base_url=base_url,
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            transport=transport,
            verify=verify,
            follow_redirects=False,
        )
        self._stats = stats
        self._classify = classify
        self._limit = limit
        self._policy = policy or retry.RetryPolicy()
        self._authenticate = authenticate
        self._reauthenticate = reauthenticate

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

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
    ) -> httpx.Response:
        """Send one request and return the successful answer.

        ``safe`` says that sending it twice does no harm; otherwise only failures in which the request cannot have
        reached the server are retried, and the caller settles the rest (``TransientError.sent``).

        Raises any ``ConnectorError``.
        """

        def attempt() -> httpx.Response:
            return self._send(method, path, json, content, params, headers)

        def once() -> httpx.Response:
            try:
                return attempt()
            except AuthError:
                if not self._reauthenticate():
                    raise
                return attempt()
            except TransientError as error:
                if error.sent and not safe:
                    raise _Unsettled(error) from error
                raise

        try:
            return retry.call(once, self._policy, on_retry=self._count_retry)
        except _Unsettled as unsettled:
            raise unsettled.error from unsettled.error.__cause__

    def _count_retry(self, error: TransientError, wait: float) -> None:
        self._stats.retries += 1

    def _send(
        self,
        method: str,
        path: str,
        json: Any,
        content: bytes | None,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        if self._limit is not None:
            self._limit.acquire()
        self._stats.calls += 1
        try:
            response = self._client.request(
                method,
                path,
                json=json,
                content=content,
                params=params,
                headers={**self._authenticate(), **(headers or {})},
            )
        except httpx.HTTPError as error:
            raise from_httpx(error, self._client.base_url.host) from error
        self._stats.bytes_received += len(response.content)
        failure = self._classify(response) or by_status(response)
        if failure is not None:
            raise failure
        return response


class _Unsettled(Exception):
    """Carries a transient error past the retry loop."""

    def __init__(self, error: TransientError) -> None:
        super().__init__(str(error))
        self.error = error


def from_httpx(error: httpx.HTTPError, host: str) -> ConnectorError:
    """Our error for any error httpx raises; never shows the URL's query or the request's body."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return TransientError(
            f"{host} cannot be reached.",
            remedy="Check the address, the network and whether the system is up.",
            sent=False,
        )
    if isinstance(error, httpx.TimeoutException):
        return TransientError(f"{host} did not answer in time.", remedy="It is tried again on the next run.")
    if isinstance(error, httpx.TransportError):
        return TransientError(
            f"The connection to {host} broke ({type(error).__name__}).", remedy="It is tried again on the next run."
        )
    return ContractError(
        f"{host} answered in a way HTTP does not allow ({type(error).__name__}).",
        remedy="Check the base URL; a proxy may have answered.",
    )


def retry_after(response: httpx.Response) -> float | None:
    """Seconds in ``Retry-After``, or ``None`` if it is missing or not a number of seconds."""
    value = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return None


def by_status(response: httpx.Response) -> ConnectorError | None:
    """The error an HTTP status means where the vendor's own format says nothing; ``None`` for 2xx."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    host = response.request.url.host
    if status in (401, 403):
        return AuthError(
            f"{host} refused our credentials (HTTP {status}).",
            remedy="Check the credentials in ltc.yaml and their permissions.",
        )
    if status == 429 or status >= 500:
        return TransientError(
            f"{host} answered HTTP {status}.",
            remedy="It is tried again on the next run.",
            retry_after=retry_after(response),
            sent=status != 429,
        )
    return ContractError(
        f"{host} answered HTTP {status}, which is not documented for this call.",
        remedy="Report it with the sample.",
        sample=shape(response.content),
    )
