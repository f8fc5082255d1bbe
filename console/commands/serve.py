"""``ltc serve``: the workbench, or the door for what systems tell by themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from console import presence
from console.context import App, pass_app
from console.output import say

if TYPE_CHECKING:
    from settings.model import Settings
    from state.store import Store

_MOST_CONNECTIONS = 1000
_IDLE_SECONDS = 75
"""Longer than proxies keep a connection to us, so that none sends a request into one that we are closing."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and how people and systems call us."""

    host: str
    port: int
    certificate: Path | None
    key: Path | None
    public_url: str
    logs_json: bool

    @property
    def secure(self) -> bool:
        """Whether those who call us speak TLS."""
        return self.key is not None or self.public_url.startswith("https://")


@click.command("serve")
@click.option("--webhooks", is_flag=True, help="Take webhooks in at /webhooks/SYSTEM, and show no workbench.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--tls-certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--behind-proxy", is_flag=True, help="A proxy before it speaks TLS and forwards to it.")
@click.option("--public-url", metavar="URL", help="How it is called, such as https://ltc.example.com.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: a line for each request and fault of the workbench, on standard error.",
)
@pass_app
def command(
    app: App,
    webhooks: bool,
    host: str,
    port: int,
    tls_certificate: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
    public_url: str | None,
    log_format: str,
) -> int:
    """Open the workbench in the browser: overview, findings, trace. Or, with --webhooks, the door for webhooks.

    The first start prints a one-time link with which the admin sets a password; `ltc members` invites the others.

    With --webhooks each request is verified by its signature, committed to the store before it is answered, and taken
    in once; the records it is about are read or landed a moment later. Syncs go on as scheduled and find what no
    webhook told of. Several of these processes may share one store.

    \b
    Examples:
      ltc serve
      ltc serve --host 10.0.0.5 --behind-proxy --public-url https://ltc.example.com
      ltc serve --webhooks
      ltc serve --webhooks --host 0.0.0.0 --port 443 --tls-certificate cert.pem --tls-key key.pem
      ltc serve --webhooks --host 10.0.0.5 --behind-proxy --public-url https://hooks.example.com/ltc
    """
    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key belong together.")
    if host not in _LOOPBACK and tls_key is None and not behind_proxy:
        raise click.UsageError(_unencrypted(host, webhooks, public_url))
    if public_url is not None and urlsplit(public_url).scheme not in ("http", "https"):
        raise click.UsageError("--public-url begins with https://, such as https://hooks.example.com/ltc.")
    listening = Listening(host, port, tls_certificate, tls_key, (public_url or "").rstrip("/"), log_format == "json")
    return _webhooks(app, listening) if webhooks else _workbench(app, listening, behind_proxy)


def _unencrypted(host: str, webhooks: bool, public_url: str | None) -> str:
    """All that is missing, with a whole line as an example: nobody likes to be refused twice."""
    called = public_url or f"https://{'hooks' if webhooks else 'ltc'}.example.com"
    needs_url = not webhooks and public_url is None
    also = " And say how people call the workbench: --public-url." if needs_url else ""
    line = f"ltc serve{' --webhooks' if webhooks else ''} --host {host}"
    named = f" --public-url {called}" if public_url or not webhooks else ""
    return (
        f"{'Webhooks to' if webhooks else 'Passwords and figures to'} {host} would go unencrypted. Give "
        f"--tls-certificate and --tls-key, or --behind-proxy if a proxy before it speaks TLS.{also} For example:\n"
        f"  {line} --tls-certificate cert.pem --tls-key key.pem{named}\n"
        f"  {line} --behind-proxy{named}"
    )


def _workbench(app: App, listening: Listening, behind_proxy: bool) -> int:
    called = urlsplit(listening.public_url).hostname
    if called is None and (listening.host not in _LOOPBACK or behind_proxy):
        raise click.UsageError("Say how people call the workbench: --public-url https://ltc.example.com.")
    if urlsplit(listening.public_url).path:
        raise click.UsageError("The workbench needs a host of its own: --public-url without a path.")
    from console.web.app import LOOPBACK, workbench
    from console.web.warming import warm_up

    store = app.new_store
    hosts = (*LOOPBACK, *((called,) if called else ()))
    made = workbench(store, app.settings, secure=listening.secure, proxied=behind_proxy, hosts=hosts)

    def announce(base: str) -> None:
        say(app.texts("serve.workbench", url=base))
        for link in _first_link(store, app.settings, app.actor):
            say(f"{app.texts('serve.first')}\n  {base}{link}")
        Thread(target=warm_up, args=(made,), name="warming up").start()

    with presence.serving(store, "the workbench"):
        _listen(made, listening, announce)
    return 0


def _first_link(store: Store, settings: Settings, actor: str) -> list[str]:
    """The path at which the first admin sets a password; none where somebody gets in already, or by no password."""
    from console.membership import passwords_count
    from state import members

    if not passwords_count(settings):
        return []
    with store.transaction() as connection:
        if any(item.has_password or item.provider for item in members.listing(connection)):
            return []
        return [f"/welcome/{members.invite(connection, 'admin', [members.Role.ADMIN], actor)}"]


def _webhooks(app: App, listening: Listening) -> int:
    from console.receiver import Receiver

    store = app.new_store
    receiver = Receiver(store, app.settings, say, listening.public_url)
    try:
        paths = receiver.open()
        if not paths:
            raise click.ClickException(
                f"No system of {app.config} tells by webhook. `ltc connectors describe NAME` lists the settings of a "
                "connector; most need `webhook_secret`."
            )

        def announce(base: str) -> None:
            for name, path in paths.items():
                say(f"{name}: {base}{path}")

        with presence.serving(store, "the door for webhooks"):
            _listen(receiver.app, listening, announce)
    finally:
        receiver.close()
    return 0


def _listen(application: Any, listening: Listening, announce: Callable[[str], None]) -> None:
    """Serve until it is stopped; ``announce`` gets the address once calls are taken."""
    import uvicorn

    from console.web import logs, turns

    turns.shorten()
    if listening.logs_json:
        logs.to_json()
    config = uvicorn.Config(
        application,
        host=listening.host,
        port=listening.port,
        log_config=None if listening.logs_json else uvicorn.config.LOGGING_CONFIG,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        ssl_certfile=listening.certificate,
        ssl_keyfile=str(listening.key) if listening.key else None,
    )
    scheme = "https" if listening.key else "http"
    with suppress(KeyboardInterrupt), config.bind_socket() as bound:  # to be stopped is how it ends
        address = listening.public_url or f"{scheme}://{listening.host}:{bound.getsockname()[1]}"

        class Announced(uvicorn.Server):
            """Tells its address once it takes calls and minds signals; one that comes in an import may be lost."""

            async def startup(self, sockets: list[socket] | None = None) -> None:
                await super().startup(sockets=sockets)
                if self.started:
                    announce(address)

        Announced(config).run(sockets=[bound])
