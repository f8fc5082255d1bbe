"""``ltc metrics``: what Prometheus is told of the store, for the textfile collector of node_exporter."""

from __future__ import annotations

import os
from pathlib import Path

import click

from console.context import App, pass_app

_READABLE = 0o644
"""node_exporter runs as another user."""


@click.command("metrics")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Replace this file at once, instead of printing. Its folder must be there; it ends with .prom.",
)
@click.option("--audit/--no-audit", default=True, show_default=True, help="Verify the chain of the audit, too.")
@pass_app
def command(app: App, output: Path | None, audit: bool) -> int:
    """Print the metrics of the store in the text format of Prometheus, as `ltc serve` shows them at /metrics.

    For sites where `ltc serve` does not run: a timer writes them into the folder that node_exporter reads
    (--collector.textfile.directory). A store that cannot be read shows as `ltc_store_up 0`, with exit code 1.

    \b
    Examples:
      ltc metrics
      ltc metrics --output /var/lib/node_exporter/textfile/ltc.prom
      ltc metrics --no-audit
    """
    from prometheus_client import CollectorRegistry, generate_latest

    from console.failures import told
    from console.metrics import Unreachable, Whole
    from state.failures import StoreError

    registry, failure = CollectorRegistry(), ""
    try:
        registry.register(Whole(app.store, app.settings, audit))
        text = generate_latest(registry)
    except StoreError as error:
        registry = CollectorRegistry()
        registry.register(Unreachable())
        text, failure = generate_latest(registry), told(error)[0]
    if output is None:
        click.echo(text, nl=False)
    else:
        _replace(output, text)
    if failure:
        click.echo(failure, err=True)
    return 1 if failure else 0


def _replace(output: Path, text: bytes) -> None:
    """Whoever reads the file sees the old text or the new one, never a part."""
    written = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        written.write_bytes(text)
        written.chmod(_READABLE)
        written.replace(output)
    finally:
        written.unlink(missing_ok=True)
