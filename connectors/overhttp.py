"""The frame of a small connector to an HTTP API: its settings, its session and its check; the rest is the author's.

    class Config(HttpConfig):
        token: SecretStr

    class Acme(HttpConnector[Config]):
        name = "acme"
        Config = Config

        def headers(self) -> Mapping[str, str]:
            return {"X-Acme-Token": self.config.token.get_secret_value()}

        def streams(self) -> Sequence[StreamSpec]: ...
        def pull(self, stream, cursor, window) -> Iterator[Page]: ...

A connector with tokens to renew, or with more than one session, makes its own ``HttpSession`` instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field

from connectors.budget import Allowance
from connectors.contract import Connector
from connectors.errors import ConnectorError
from connectors.http import HttpSession
from connectors.network import Network


class HttpConfig(BaseModel):
    """What every HTTP API needs; a connector's settings add their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(description="Where the API is, such as https://acme.example/api")
    timeout_seconds: float = Field(30, gt=0)
    network: Network = Field(Network(), description="Addresses that are not public ones over TLS")


HttpConfigT = TypeVar("HttpConfigT", bound=HttpConfig)


class HttpConnector(Connector[HttpConfigT]):
    """A connector with one session, ``http``."""

    def __init__(self, config: HttpConfigT) -> None:
        super().__init__(config)
        self.http = HttpSession(
            config.base_url,
            stats=self.stats,
            classify=self.failure,
            budget=lambda: self.services.budget,
            allowances=self.allowances(),
            authenticate=self.headers,
            timeout=config.timeout_seconds,
            network=config.network,
        )

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def headers(self) -> Mapping[str, str]:
        """The headers that tell the source who we are."""
        return {}

    def allowances(self) -> Sequence[Allowance]:
        """What the source allows; it is kept to across all processes that share the account."""
        return ()

    def failure(self, response: httpx.Response) -> ConnectorError | None:  # noqa: ARG002
        """The error that an answer is, also with status 200; ``None`` leaves it to its status."""
        return None
