"""Connections of httpx that are made only to addresses that ``connectors.network`` allows."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from connectors.network import Network, is_loopback, permitted


def transport(
    base_url: httpx.URL, network: Network, trusted: Callable[[], ssl.SSLContext], seconds: float
) -> httpx.BaseTransport:
    """The way to one server: through the proxy that the environment names for it, else straight to a checked address.

    ``trusted`` gives what certificates are verified by; an answer may take ``seconds`` from its first byte to its last,
    also one that only ever announces itself. A proxy looks names up by itself, so what they lead to is its
    owner's to restrict. Loopback never goes through one.
    """
    proxy = _proxy(base_url)
    # Reading the trusted roots takes 20 ms; without them a context trusts nobody.
    needed = base_url.scheme == "https" or proxy is not None
    context = trusted() if needed else _nobody()
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ValueError("certificates and the names in them are always verified")
    made = httpx.HTTPTransport(verify=context, proxy=proxy, trust_env=False)
    if proxy is None:
        if not isinstance(getattr(made, "_pool", None), httpcore.ConnectionPool):
            raise RuntimeError("this version of httpx keeps its connections elsewhere")
        # httpx has no setting for it; a test proves that nothing connects past it.
        made._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_Checked(network, seconds),
        )
    return made


@cache
def _nobody() -> ssl.SSLContext:
    """Trusts no certificate at all."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(url: httpx.URL) -> str | None:
    if is_loopback(url.host) or proxy_bypass(url.host):
        return None
    found = getproxies()
    return found.get(url.scheme) or found.get("all")


class _Checked(httpcore.NetworkBackend):
    """Looks a name up once, and connects to what was checked."""

    def __init__(self, network: Network, seconds: float) -> None:
        self._network = network
        self._seconds = seconds
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises ``AddressRefused``, ``httpcore.ConnectError``."""
        try:
            addresses = permitted(host, port, self._network)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known") from error
        for number, address in enumerate(addresses, 1):
            try:
                stream = self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _Timed(stream, self._seconds)
        raise httpcore.ConnectError(f"{host} has no address")


class _Timed(httpcore.NetworkStream):
    """A connection on which so many seconds after the last thing was sent nothing is read any more."""

    def __init__(self, stream: httpcore.NetworkStream, seconds: float) -> None:
        self._stream = stream
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Raises ``httpcore.ReadTimeout``, also if the whole answer takes too long."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer takes too long")
        return self._stream.read(max_bytes, left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send, and begin to wait anew."""
        self._stream.write(buffer, timeout)
        self._ends = time.monotonic() + self._seconds

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same over TLS."""
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, timeout), self._seconds)

    def get_extra_info(self, info: str) -> Any:
        """As the connection below."""
        return self._stream.get_extra_info(info)
