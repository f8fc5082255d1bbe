"""How a system knows us: headers, parameters, tokens and signatures, made of secrets that go nowhere else."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx

from connectors.declarative.authentication import Auth
from connectors.declarative.settings import DeclaredConfig
from connectors.errors import AuthError
from connectors.expressions import UNSET, ExpressionError, Template


class Credentials:
    """The credentials of one system; ``token`` is the OAuth access token where there is one."""

    def __init__(self, auth: Auth | None, config: DeclaredConfig) -> None:
        self._auth = auth or Auth()
        self._secrets = config.revealed()
        self._signing = self._auth.sign
        self._headers = Template(self._auth.headers or {})
        self._query = Template(self._auth.query or {})

    def headers(self, token: str | None = None) -> dict[str, str]:
        """The headers of a request. Raises ``AuthError`` if a setting that they need is empty."""
        auth = self._auth
        if token is not None:
            return {"Authorization": f"Bearer {token}"}
        if auth.bearer is not None:
            return {"Authorization": f"Bearer {self.text(auth.bearer)}"}
        if auth.basic is not None:
            pair = f"{self.text(auth.basic.user)}:{self.text(auth.basic.password)}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return {name: str(value) for name, value in self._fill(self._headers).items()}

    def query(self) -> dict[str, str]:
        """The parameters of a request."""
        return {name: str(value) for name, value in self._fill(self._query).items()}

    def text(self, template: Any) -> str:
        """One credential. Raises ``AuthError`` if it is empty."""
        found = self._fill(Template(template))
        if found is UNSET or found is None:
            raise AuthError("A credential that the manifest asks for is not set.", remedy="Set it in the settings.")
        return str(found)

    def signature(self, request: httpx.Request) -> Mapping[str, str]:
        """The headers that sign a finished request."""
        if self._signing is None:
            return {}
        now = time.time()
        variables = {
            "config": self._secrets,
            "method": request.method,
            "path": request.url.raw_path.decode().partition("?")[0],
            "query": request.url.query.decode(),
            "body": request.content.decode(errors="replace"),
            "timestamp": str(int(now)),
            "timestamp_ms": str(int(now * 1000)),
            "nonce": secrets.token_hex(16),
        }
        filled = self._fill(Template(self._signing.headers), variables)
        return {name: str(value) for name, value in filled.items()}

    def _fill(self, template: Template, variables: Mapping[str, Any] | None = None) -> Any:
        try:
            return template.fill(variables or {"config": self._secrets})
        except ExpressionError:
            # Its text may hold what it was filled with.
            raise AuthError(
                "The credentials cannot be made by the manifest's auth.", remedy="Check `auth` in the manifest."
            ) from None
