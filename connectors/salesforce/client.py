"""Calls to one org: token kept fresh, retries, rate limit, and the reserve of the daily quota left alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from connectors import retry
from connectors.budget import Allowance, Priority, Quota, Told, account, tell
from connectors.contract import CallStats
from connectors.errors import ConnectorError, QuotaError, Throttled, TransientError
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.errors import SessionExpired
from connectors.services import Services, in_process
from connectors.tokens import Grant, SharedToken, TokenKey, token_key

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

    from connectors.salesforce.transport import Answer, Transport

_USAGE = re.compile(r"(?P<name>[\w-]*api-usage)=(?P<used>\d{1,12})/(?P<most>\d{1,12})(?!\d)")


class Client:
    """All traffic of one connector; safe to use from several threads. Raises only ``connectors.errors``."""

    def __init__(
        self,
        config: SalesforceConfig,
        stats: CallStats,
        *,
        policy: retry.RetryPolicy | None = None,
        services: Callable[[], Services] = in_process,
    ) -> None:
        self._config = config
        self._stats = stats
        self._policy = policy or retry.RetryPolicy()
        self._services = services
        # The org's calls of the last 24 hours are counted for all of its programs together; answers tell how many.
        self.allowance = Allowance(
            account("salesforce", config.instance_url),
            10 * config.calls_per_second,
            10.0,
            burst=int(config.calls_per_second),
            quota=Quota(reserve_percent=config.quota_reserve_percent),
            name="Salesforce",
        )
        self._token = SharedToken(lambda: services().tokens, self._key, self._log_in)
        self._lock = threading.RLock()
        self._transport: Transport | None = None
        self._library: tuple[Salesforce, int] | None = None  # and the fence of its token

    def close(self) -> None:
        """Close the connections; the next call opens them again."""
        with self._lock:
            if self._transport is not None:
                self._transport.close()
            self._transport = self._library = None

    def get(self, path: str, params: Mapping[str, str] | None = None, priority: Priority = Priority.READ) -> Answer:
        """Read something; retried."""
        return self.call("GET", path, params=params, priority=priority)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = True,
        priority: Priority | None = None,
    ) -> Answer:
        """One call. A session that ended is renewed once and the request sent again exactly as it was.

        ``safe`` says that sending it twice does no harm; otherwise only failures in which nothing can have been written
        are retried, and the rest leave as ``TransientError`` with ``sent`` true. Everything but ``GET`` has the
        priority of a write unless another one is given.
        """
        first = priority if priority is not None else Priority.READ if method == "GET" else Priority.WRITE

        def attempt() -> Answer:
            try:
                return self._send(self._open(), method, path, params, body, headers, first)
            except SessionExpired:
                self._token.refused()
                return self._send(self._open(), method, path, params, body, headers, first)

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
        priority: Priority,
    ) -> Answer:
        budget = self._services().budget
        with budget.acquire([self.allowance], priority):
            self._stats.calls += 1
            try:
                return self._wire().send(library, method, path, params=params, body=body, headers=headers)
            except (Throttled, QuotaError) as error:
                tell(budget, [self.allowance], error)
                raise

    def _wire(self) -> Transport:
        with self._lock:
            if self._transport is None:
                from connectors.salesforce.transport import Transport

                self._transport = Transport(self._config, on_usage=self._note_usage, on_bytes=self._count_bytes)
            return self._transport

    def _open(self) -> Salesforce:
        """The library with the present token."""
        grant = self._token.fresh()
        with self._lock:
            if self._library is None or self._library[1] != grant.fence:
                self._library = self._wire().library(grant), grant.fence
            return self._library[0]

    def _key(self) -> TokenKey:
        config = self._config
        where, secret = config.login_url or config.instance_url, config.client_secret.get_secret_value()
        return token_key("salesforce", where, config.instance_url, config.client_id, secret=secret)

    def _log_in(self, _last: Grant | None) -> Grant:
        self._stats.calls += 1
        return self._wire().login()

    def _count_retry(self, _error: TransientError, _wait: float) -> None:
        self._stats.retries += 1

    def _count_bytes(self, count: int) -> None:
        self._stats.bytes_received += count

    def _note_usage(self, header: str) -> None:
        """``Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=17/250(appName=x)``."""
        for found in _USAGE.finditer(header):
            self._stats.quota_used[found["name"]] = f"{found['used']}/{found['most']}"
            if found["name"] == "api-usage":
                self._services().budget.told(self.allowance, Told(used=int(found["used"]), calls=int(found["most"])))


class _Unsettled:
    """A failure after which something may have been written; it must not be retried."""

    def __init__(self, error: ConnectorError) -> None:
        self.error: Any = error
