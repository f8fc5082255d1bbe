"""``ltc connectors login``: a person agrees, once, in a browser, that we may act for them in a system."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import click

from console.context import App, pass_app
from console.output import say

_PATH = "/callback"
_SECONDS = 600
"""How long the browser is waited for."""


@click.command("login")
@click.argument("system")
@click.option("--port", default=8765, show_default=True, help="Where the browser comes back to on this machine.")
@click.option("--paste", is_flag=True, help="Ask for the address that the browser ends at, instead of waiting for it.")
@pass_app
def command(app: App, system: str, port: int, paste: bool) -> int:
    """Agree in a browser that we may act for you in SYSTEM, whose manifest uses OAuth with an authorize_url.

    The address http://127.0.0.1:PORT/callback must be registered with the system. With --paste no browser needs to
    reach this machine: it ends at an address that cannot be shown, which is pasted here.

    \b
    Examples:
      ltc connectors login crm
      ltc connectors login crm --paste
    """
    from connectors.declarative.connector import Declared
    from state.calls_made import counted
    from sync.services import services_of
    from sync.systems import open_connector

    app.systems((system,))
    redirect = f"http://127.0.0.1:{port}{_PATH}"
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    with (
        open_connector(app.settings, system, services_of(app.new_store)) as connector,
        counted(app.new_store, system, connector.stats),
    ):
        tokens = connector.tokens if isinstance(connector, Declared) else None
        if tokens is None:
            raise click.UsageError(app.texts("connectors.login.none", name=system))
        say(app.texts("connectors.login.open"))
        say(tokens.consent(redirect, state, challenge))
        back = click.prompt(app.texts("connectors.login.paste")) if paste else _wait(port)
        code = _code(back, state)
        if code is None:
            raise click.ClickException(app.texts("connectors.login.refused"))
        tokens.exchange(code, redirect, verifier)
    say(app.texts("connectors.login.done", name=system))
    return 0


def _code(address: str, state: str) -> str | None:
    """The code in the address that the browser came back to, if it answers our question."""
    answered = parse_qs(urlsplit(address.strip()).query)
    told = answered.get("state", [""])[0]
    if not hmac.compare_digest(told.encode(), state.encode()):
        return None
    return answered.get("code", [None])[0]


def _wait(port: int) -> str:
    """The first address below the path that a browser asks for; empty if none comes in time."""
    seen: list[str] = []

    class Once(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The name is that of the library."""
            if urlsplit(self.path).path == _PATH:
                seen.append(self.path)
            self.send_response(200 if seen else 404)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(("✓" if seen else "").encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the address holds the code."""

    with HTTPServer(("127.0.0.1", port), Once) as server:
        server.timeout = _SECONDS
        while not seen:
            before = len(seen)
            server.handle_request()
            if len(seen) == before:
                break
    return seen[0] if seen else ""
