"""``ltc init``: a commented ltc.yaml to start from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from console.context import App, pass_app
from console.output import say

_TEMPLATES = Path(__file__).parent.parent / "templates"
_ALL = ("jiandaoyun", "salesforce", "tryton", "xero")
_ENV_HEAD = {
    "en": (
        "# The secrets that {config} refers to. Copy this file to .env, fill it in, keep it out of version control,\n"
        "# and load it before you run ltc:  set -a; . ./.env; set +a\n"
    ),
    "zh-CN": (
        "# {config} 引用的密钥。复制为 .env 并填写，不要提交到版本库；运行 ltc 之前加载：\n# set -a; . ./.env; set +a\n"
    ),
}


@click.command("init")
@click.option(
    "--connector",
    "connectors",
    multiple=True,
    metavar="NAME",
    help="Only systems of this connector; may be given several times. Default: the four shipped ones.",
)
@pass_app
def command(app: App, connectors: tuple[str, ...]) -> int:
    """Write a commented ltc.yaml (where --config says) and .env.example beside it. Never overwrites a file.

    \b
    Examples:
      ltc init
      ltc --lang zh-CN init
      ltc --config finance/ltc.yaml init --connector salesforce --connector xero
    """
    environment = app.config.with_name(".env.example")
    for path in (app.config, environment):
        if path.exists():
            raise click.UsageError(f"{path} is there already; ltc init does not overwrite it. Move it away first.")
    text = _settings(connectors or _ALL, app.locale)
    app.config.parent.mkdir(parents=True, exist_ok=True)
    names = sorted(set(re.findall(r"^[^#\n]*\$\{env:(\w+)\}", text, re.MULTILINE)))
    head = _ENV_HEAD[app.locale].format(config=app.config.name)
    app.config.write_text(text, encoding="utf-8")
    environment.write_text(head + "".join(f"{name}=\n" for name in names), encoding="utf-8")
    for path in (app.config, environment):
        say(app.texts("cli.init_written", path=path))
    say(app.texts("cli.init_next", config=app.config, env=environment))
    return 0


def _settings(connectors: Iterable[str], locale: str) -> str:
    folder = _TEMPLATES / locale
    blocks = [_block(name, folder) for name in dict.fromkeys(connectors)]
    whole = [_read(folder / "head.yaml"), "\n".join(blocks), _read(folder / "tail.yaml")]
    return "".join(whole)


def _block(connector: str, folder: Path) -> str:
    path = folder / f"{connector}.yaml"
    return _read(path) if path.exists() else _described(connector)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _described(name: str) -> str:
    """A system of any installed connector, from the descriptions of its settings; raises ``UnknownConnector``."""
    from connectors import registry

    connector = registry.load(name)
    lines = [f"  {re.sub(r'[^a-z0-9_-]', '-', name.lower())}:", f"    connector: {name}"]
    lines += ["    roles: [crm]  # marketing, crm, erp, accounting, payments, bank, service", "    config:"]
    lines += [_setting(name, key, field) for key, field in connector.Config.model_fields.items()]
    return "\n".join([*lines, "    push: plan", ""])


def _setting(connector: str, key: str, field: Any) -> str:
    note = f"  # {field.description}" if field.description else ""
    if "SecretStr" in str(field.annotation):
        variable = re.sub(r"\W", "_", f"{connector}_{key}").upper()
        return f'      {key}: "${{env:{variable}}}"{note}'
    if field.is_required():
        return f'      {key}: ""{note}'
    return f"      # {key}: {field.get_default(call_default_factory=True)!r}{note}"
