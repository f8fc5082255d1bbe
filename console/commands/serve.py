"""``ltc serve``: listen for what systems tell by themselves."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import click

from console.context import App, pass_app
from console.output import say

_MOST_CONNECTIONS = 1000
_IDLE_SECONDS = 75
"""Longer than proxies keep a connection to us, so that none sends a request into one that we are closing."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command("serve")
@click.option("--webhooks", is_flag=True, required=True, help="Take webhooks in at /webhooks/SYSTEM.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--tls-certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--behind-proxy", is_flag=True, help="A proxy before it speaks TLS and forwards to it.")
@click.option("--public-url", metavar="URL", help="How systems call it, such as https://hooks.example.com/ltc.")
@pass_app
def command(
    app: App,
    webhooks: bool,  # noqa: ARG001 - the only thing to serve so far, and named so that it stays clear
    host: str,
    port: int,
    tls_certificate: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
    public_url: str | None,
) -> int:
    """Take in what systems tell by webhook, and read or land the records it is about a moment later.

    Each request is verified by its signature, committed to the store before it is answered, and taken in once. Syncs
    go on as scheduled and find what no webhook told of. Several of these processes may share one store.

    \b
    Examples:
      ltc serve --webhooks
      ltc serve --webhooks --host 0.0.0.0 --port 443 --tls-certificate cert.pem --tls-key key.pem
      ltc serve --webhooks --host 10.0.0.5 --behind-proxy --public-url https://hooks.example.com/ltc
    """
    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key belong together.")
    if host not in _LOOPBACK and tls_key is None and not behind_proxy:
        raise click.UsageError(
            f"Webhooks to {host} would come unencrypted. Give --tls-certificate and --tls-key, or --behind-proxy if "
            "a proxy before it speaks TLS."
        )
    if public_url is not None and urlsplit(public_url).scheme not in ("http", "https"):
        raise click.UsageError("--public-url begins with https://, such as https://hooks.example.com/ltc.")
    import uvicorn

    from console.receiver import Receiver

    receiver = Receiver(app.new_store, app.settings, say, public_url or "")
    try:
        paths = receiver.open()
        if not paths:
            raise click.ClickException(
                f"No system of {app.config} tells by webhook. `ltc connectors describe NAME` lists the settings of a "
                "connector; most need `webhook_secret`."
            )
        config = uvicorn.Config(
            receiver.app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_IDLE_SECONDS,
            ssl_certfile=tls_certificate,
            ssl_keyfile=str(tls_key) if tls_key else None,
        )
        scheme = "https" if tls_key else "http"
        with suppress(KeyboardInterrupt), config.bind_socket() as listening:  # to be stopped is how it ends
            listening.listen()  # whoever reads the address may call it at once
            bound = listening.getsockname()[1]
            base = (public_url or f"{scheme}://{host}:{bound}").rstrip("/")
            for name, path in paths.items():
                say(f"{name}: {base}{path}")
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        receiver.close()
    return 0
