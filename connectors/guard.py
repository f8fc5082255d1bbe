"""Connections of httpx that are made only to addresses that ``connectors.network`` allows."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from connectors.network import Network, is_loopback, permitted


def transport(base_url: httpx.URL, network: Network, trusted: Callable[[], ssl.SSLContext]) -> httpx.BaseTransport:
    """The way to one server: through the proxy that the environment names for it, else straight to a checked address.

    ``trusted`` gives what certificates are verified by. A proxy looks names up by itself, so what they lead to is its
    owner's to restrict. Loopback never goes through one.
    """
    proxy = _proxy(base_url)
    # Reading the trusted roots takes 20 ms; without them a context trusts nobody.
    needed = base_url.scheme == "https" or proxy is not None
    context = trusted() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
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
            network_backend=_Checked(network),
        )
    return made


def _proxy(url: httpx.URL) -> str | None:
    if is_loopback(url.host) or proxy_bypass(url.host):
        return None
    found = getproxies()
    return found.get(url.scheme) or found.get("all")


class _Checked(httpcore.NetworkBackend):
    """Looks a name up once, and connects to what was checked."""

    def __init__(self, network: Network) -> None:
        self._network = network
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
        for address in addresses[:-1]:
            try:
                return self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._plain.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)
