"""Who may call a generic stand-in: the manifest's own credentials, and its token endpoint."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from conformance.generic.inverse import unify
from connectors.declarative.credentials import Credentials
from connectors.declarative.manifest import Manifest
from connectors.declarative.settings import config_model
from connectors.expressions import Template

SECRET = "kit-secret"  # noqa: S105 - a stand-in's own
_WRONG = "wrong"


def settings_of(manifest: Manifest, *, wrong: bool = False) -> dict[str, Any]:
    """A value for each setting of a manifest; its secrets are easily found again."""
    values: dict[str, Any] = {}
    for name, setting in manifest.settings.items():
        if setting.choices:
            values[name] = setting.choices[0]
        elif setting.type == "secret":
            values[name] = f"{_WRONG if wrong else SECRET}-{name}-0123456789abcdef"
        elif setting.default is None:
            values[name] = {"text": f"kit-{name}", "integer": 1, "boolean": True, "zone": "UTC"}[setting.type]
    return values


class Entry:
    """Judges the credentials of requests."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._oauth = manifest.auth.oauth2 if manifest.auth else None
        config = config_model(manifest).model_validate(
            {"base_url": "https://kit.example", **settings_of(manifest)}  # never asked
        )
        self._credentials = Credentials(manifest.auth, config)
        self._revealed = config.revealed()
        self.tokens: set[str] = set()
        self.refresh: set[str] | None = None
        self.granted = 0

    @property
    def token_path(self) -> str | None:
        """Where tokens are asked for."""
        return None if self._oauth is None else urlsplit(self._oauth.token_url).path

    def reset(self) -> None:
        """No token is good any more, and the first refresh token is good again."""
        self.tokens.clear()
        self.refresh, self.granted = None, 0

    def admits(self, request: Request, body: bytes) -> bool:
        """Whether a request shows the right credentials."""
        if self._oauth is not None:
            return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens
        return (
            all(request.headers.get(name) == value for name, value in self._credentials.headers().items())
            and all(request.query_params.get(name) == value for name, value in self._credentials.query().items())
            and self._is_signed(request, body)
        )

    def _is_signed(self, request: Request, body: bytes) -> bool:
        """Whether the signature is what the manifest makes of the request, at the time that it says."""
        signing = self._manifest.auth.sign if self._manifest.auth else None
        if signing is None:
            return True
        found: dict[str, Any] = {}
        for name, template in signing.headers.items():
            unify(template, request.headers.get(name, ""), found)
        filled = Template(signing.headers).fill(
            {
                "config": self._revealed,
                "method": request.method,
                "path": request.scope["raw_path"].decode().partition("?")[0],
                "query": request.scope["query_string"].decode(),
                "body": body.decode(errors="replace"),
                **{name: found.get(name, "") for name in ("timestamp", "timestamp_ms", "nonce")},
            }
        )
        return all(request.headers.get(name) == str(value) for name, value in filled.items())

    def grant(self, headers: Mapping[str, str], body: bytes) -> tuple[dict[str, Any], int]:
        """The token endpoint's answer and its status."""
        oauth = self._oauth
        assert oauth is not None  # noqa: S101 - there is no such path otherwise
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        text = self._credentials.text
        if oauth.credentials == "body":
            known = form.get("client_id") == text(oauth.client_id) and form.get("client_secret") == text(
                oauth.client_secret
            )
        else:
            known = headers.get("authorization", "") == _basic(text(oauth.client_id), text(oauth.client_secret))
        if not known or form.get("grant_type") != oauth.grant:
            return {"error": "invalid_client"}, 401
        answer: dict[str, Any] = {"token_type": "Bearer", "expires_in": 3600}
        if oauth.grant == "refresh_token":
            good = self.refresh if self.refresh is not None else {text(oauth.refresh_token)}
            if form.get("refresh_token") not in good:
                return {"error": "invalid_grant"}, 400
            answer["refresh_token"] = secrets.token_hex(16)
            self.refresh = {answer["refresh_token"]}
        answer["access_token"] = f"{SECRET}-token-{secrets.token_hex(12)}"
        self.tokens.add(answer["access_token"])
        self.granted += 1
        return answer, 200


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
