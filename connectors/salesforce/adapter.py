"""Connections of requests that are made only to addresses that ``connectors.network`` allows."""

from __future__ import annotations

from socket import gaierror, socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connectors.network import Network, permitted


class CheckedAdapter(HTTPAdapter):
    """The usual adapter, but every connection that is not made by a proxy goes to a checked address."""

    def __init__(self, network: Network) -> None:
        self._pools = {"https": _pool_class(network)}
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As in ``requests``, with our connections; plain HTTP has none."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools


def _pool_class(network: Network) -> type[HTTPSConnectionPool]:
    class Checked(HTTPSConnection):
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
