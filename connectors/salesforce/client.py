"""Calls to one org: token kept fresh, retries, rate limit, and the reserve of the daily quota left alone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from connectors import retry
from connectors.contract import CallStats
from connectors.errors import ConnectorError, QuotaError, TransientError
from connectors.ratelimit import RateLimit
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.errors import SessionExpired

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

    from connectors.salesforce.transport import Answer, Transport

_USAGE = re.compile(r"(?P<name>[\w-]*api-usage)=(?P<used>\d{1,12})/(?P<most>\d{1,12})(?!\d)")
_LOOK_AGAIN_SECONDS = 900.0


class Client:
    """All traffic of one connector; safe to use from several threads. Raises only ``connectors.errors``."""

    def __init__(
        self,
        config: SalesforceConfig,
        stats: CallStats,
        *,
        policy: retry.RetryPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._stats = stats
        self._policy = policy or retry.RetryPolicy()
        self._clock = clock
        self._limit = RateLimit(config.calls_per_second)
        self._lock = threading.RLock()
        self._transport: Transport | None = None
        self._library: Salesforce | None = None
        self._used: tuple[int, int, float] | None = None  # calls used, allowed, when we were told

    def close(self) -> None:
        """Close the connections; the next call opens them again."""
        with self._lock:
            if self._transport is not None:
                self._transport.close()
            self._transport = self._library = None

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read something; retried."""
        return self.call("GET", path, params=params)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = True,
    ) -> Answer:
        """One call. A session that ended is renewed once and the request sent again exactly as it was.

        ``safe`` says that sending it twice does no harm; otherwise only failures in which nothing can have been written
        are retried, and the rest leave as ``TransientError`` with ``sent`` true.
        """

        def attempt() -> Answer:
            self._check_quota()
            library = self._open()
            try:
                return self._send(library, method, path, params, body, headers)
            except SessionExpired:
                return self._send(self._renewed(library), method, path, params, body, headers)

        def settled() -> Answer | _Unsettled:
            try:
                return attempt()
            except TransientError as error:
                if error.sent and not safe:
                    return _Unsettled(error)
                raise

        answer = retry.call(settled, self._policy, on_retry=self._count_retry)
        if isinstance(answer, _Unsettled):
            raise answer.error
        return answer

    def _send(
        self,
        library: Salesforce,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        self._limit.acquire()
        self._stats.calls += 1
        return self._wire().send(library, method, path, params=params, body=body, headers=headers)

    def _wire(self) -> Transport:
        with self._lock:
            if self._transport is None:
                from connectors.salesforce.transport import Transport

                self._transport = Transport(self._config, on_usage=self._note_usage, on_bytes=self._count_bytes)
            return self._transport

    def _open(self) -> Salesforce:
        with self._lock:
            if self._library is None:
                self._stats.calls += 1
                self._library = self._wire().login()
            return self._library

    def _renewed(self, ended: Salesforce) -> Salesforce:
        """A session other than ``ended``: another thread may have opened it already."""
        with self._lock:
            if self._library is ended:
                self._library = None
            return self._open()

    def _count_retry(self, _error: TransientError, _wait: float) -> None:
        self._stats.retries += 1

    def _count_bytes(self, count: int) -> None:
        self._stats.bytes_received += count

    def _note_usage(self, header: str) -> None:
        """``Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=17/250(appName=x)``."""
        for found in _USAGE.finditer(header):
            self._stats.quota_used[found["name"]] = f"{found['used']}/{found['most']}"
            if found["name"] == "api-usage":
                self._used = int(found["used"]), int(found["most"]), self._clock()

    def _check_quota(self) -> None:
        """Stop before the reserve is touched; look again now and then, for the count falls as the day moves on."""
        if self._used is None:
            return
        used, most, when = self._used
        reserve = self._config.quota_reserve_percent
        if used < most * (100 - reserve) / 100 or self._clock() - when > _LOOK_AGAIN_SECONDS:
            return
        raise QuotaError(
            f"Salesforce API calls: {used} of {most} in 24 hours are used; the last {reserve} % are left to others.",
            remedy="Wait, run less often, or lower quota_reserve_percent.",
            reset_after=_LOOK_AGAIN_SECONDS,
        )


class _Unsettled:
    """A failure after which something may have been written; it must not be retried."""

    def __init__(self, error: ConnectorError) -> None:
        self.error: Any = error
