"""Connections of requests that are made only to addresses that ``connectors.network`` allows."""

from __future__ import annotations

from contextlib import suppress
from socket import SHUT_RDWR, gaierror, socket
from threading import Timer
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connectors.network import Network, permitted


class CheckedAdapter(HTTPAdapter):
    """The usual adapter, but every connection that is not made by a proxy goes to a checked address.

    An answer may take ``seconds`` from its first byte to its last; tell its end with ``done``.
    """

    def __init__(self, network: Network, seconds: float) -> None:
        self._pools = {"https": _pool_class(network, seconds)}
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As in ``requests``, with our connections; plain HTTP has none."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools


def done(response: Any) -> None:
    """Say that an answer of urllib3 has been read, so that its connection may stay open."""
    watch = getattr(response, "watch", None)
    if watch is not None:
        watch.cancel()


def _hang_up(connection: socket | None) -> None:
    """End an answer that drips, or only ever announces itself."""
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(SHUT_RDWR)


def _pool_class(network: Network, seconds: float) -> type[HTTPSConnectionPool]:
    class Checked(HTTPSConnection):
        def getresponse(self) -> HTTPResponse:  # type: ignore[override]
            watch = Timer(seconds, _hang_up, [self.sock])
            watch.daemon = True
            watch.start()
            try:
                response = super().getresponse()
            except BaseException:
                watch.cancel()
                raise
            response.watch = watch  # type: ignore[attr-defined]
            return response

        def _new_conn(self) -> socket:
            if self.proxy is not None:
                return super()._new_conn()
            name = self._dns_host
            try:
                addresses = permitted(name, self.port, network)
            except gaierror as error:
                raise NameResolutionError(name, self, error) from error
            for number, address in enumerate(addresses, 1):
                self._dns_host = address
                try:
                    return super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError):
                    if number == len(addresses):
                        raise
                finally:
                    self._dns_host = name  # what the certificate is compared with
            raise AssertionError("a name leads to one address at least")

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Checked

    return Pool
