"""``ltc connectors``: which systems can be connected, and what each needs and offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.commands import connectors_check, connectors_login, connectors_new, connectors_test, connectors_try
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from connectors.contract import Connector, StreamSpec
    from mappings.engine import Mapping


@click.group("connectors")
def command() -> None:
    """Show the systems that can be connected.

    \b
    Examples:
      ltc connectors list
      ltc connectors describe salesforce
    """


@command.command("list")
@jobs.json_option
@pass_app
def listing(app: App, as_json: bool) -> int:
    """List the connectors that are built in or installed as packages, with what they write, what they are told of by
    webhook, and their grades.

    \b
    Examples:
      ltc connectors list
      ltc connectors list --json
    """
    from conformance import shelf
    from connectors import registry

    grades = shelf.read()
    found = [_summary(name) | {"grade": grades.get(name, {}).get("grade")} for name in registry.names()]
    if as_json:
        emit_json([{**item, "areas_not_applicable": shelf.empty_areas(grades.get(item["name"], {}))} for item in found])
        return 0
    rows = []
    for item in found:
        source = app.texts("connectors.built_in" if item["built_in"] else "connectors.installed")
        about = app.texts("connectors.unusable", reason=item["problem"]) if item["problem"] else item["description"]
        told = item["webhook"]["streams"] if item["webhook"] else {}
        marks = [("*" if name in item["writes"] else "") + ("+" if name in told else "") for name in item["streams"]]
        streams = app.texts.listed(name + mark for name, mark in zip(item["streams"], marks, strict=True))
        rows.append((item["name"], source, streams or None, item["grade"], about))
    _table(app, "columns", ("name", "source", "streams", "grade", "about"), rows)
    say(app.texts("connectors.starred"))
    return 0


@command.command("describe")
@click.argument("name")
@jobs.json_option
@pass_app
def describe(app: App, name: str, as_json: bool) -> int:
    """Show the settings a connector takes, the permissions it needs, the streams it offers with the fields that are
    read, what the source allows, and its webhook. Needs no credentials and asks no system.

    NAME is a connector, or a system of ltc.yaml: then the streams are those of its settings, the fields those of its
    mapping.

    \b
    Examples:
      ltc connectors describe xero
      ltc connectors describe crm --json
    """
    from connectors import registry
    from console import described, terms, webhook_words
    from sync.systems import connector_class

    systems = app.settings.systems if app.config.exists() else {}
    kind: type[Connector[Any]]
    if name in systems:
        kind = connector_class(app.settings, name)
        offered = described.offer(kind, systems[name].config)
    else:
        kind = registry.load(name)
        offered = described.offer(kind)
    settings = described.settings(kind.Config)
    mapping = _mapping(app, name, kind)
    read = terms.fields(mapping) if mapping is not None else {}
    about = described.summary(kind)
    if as_json:
        found = {"name": kind.name, "description": about, "settings": settings, "permissions": list(kind.permissions)}
        streams = [described.stream_as_dict(spec) | {"fields": read.get(spec.name)} for spec in offered.streams]
        found |= {"streams": streams, "limits": terms.limits_as_dicts(offered.allowances)}
        emit_json(found | {"webhook": described.webhook_as_dict(offered)})
        return 0
    say(f"{kind.name}: {about}")
    say()
    say(app.texts("connectors.settings"))
    _table(app, "setting_columns", ("name", "type", "default", "about"), [_setting(app, item) for item in settings])
    if kind.permissions:
        say()
        say(app.texts("connectors.permissions"))
        for permission in kind.permissions:
            say(f"- {permission}")
    say()
    say(app.texts("connectors.streams"))
    if name not in systems and any(described.ENTRY in item["name"] for item in settings):
        say(app.texts("connectors.per_config"))
    columns = ("name", "entity", "cursor", "deletes", "told", "writable", "after")
    told = offered.told
    _table(app, "stream_columns", columns, [_stream(app, spec, told.get(spec.name)) for spec in offered.streams])
    if mapping is not None:
        say()
        say(app.texts("connectors.fields", mapping=mapping.where))
        # A connector whose streams the settings name offers none of the mapping's before they are set.
        names = [spec.name for spec in offered.streams if spec.name in read] or list(read)
        _table(app, "field_columns", ("name", "fields"), [(each, app.texts.listed(read[each])) for each in names])
    if offered.allowances:
        say()
        say(app.texts("connectors.limits"))
        _table(app, "limit_columns", ("what", "most"), terms.limits_in_words(app.texts, offered.allowances))
    if offered.webhook is not None:
        say()
        say(app.texts("connectors.webhook.head", setting=described.WEBHOOK_SETTING))
        rows = webhook_words.rows(app.texts, offered.webhook, offered.answer_seconds)
        _table(app, "webhook.columns", ("what", "how"), rows)
    return 0


command.add_command(connectors_new.command)
command.add_command(connectors_check.check)
command.add_command(connectors_check.schema)
command.add_command(connectors_try.command)
command.add_command(connectors_login.command)
command.add_command(connectors_test.command)


def _mapping(app: App, name: str, kind: type[Connector[Any]]) -> Mapping | None:
    """That of the system, or the one that comes with the connector; ``None`` if there is none yet."""
    from connectors import registry
    from mappings.engine import load
    from mappings.errors import MappingFileError
    from sync.systems import mapping_for

    try:
        if app.config.exists() and name in app.settings.systems:
            return mapping_for(app.settings, name)
        return load(Path(name).with_suffix(".mapping.yaml") if registry.is_manifest(name) else kind.name)
    except MappingFileError:
        return None


def _table(app: App, kind: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    table([app.texts(f"connectors.{kind}.{name}") for name in columns], rows)


def _summary(name: str) -> dict[str, Any]:
    from connectors import registry
    from console import described

    found: dict[str, Any] = {"name": name, "built_in": registry.is_built_in(name), "problem": None}
    found |= {"roles": [], "streams": [], "writes": {}, "webhook": None}
    try:
        kind = registry.load(name)
        offered = described.offer(kind)
        found |= {"roles": described.roles(offered.streams), "writes": described.writes(offered.streams)}
        found |= {"streams": [spec.name for spec in offered.streams], "webhook": described.webhook_as_dict(offered)}
        found["description"] = described.summary(kind)
    except Exception as error:  # a package that is broken must not hide the others
        found["problem"] = type(error).__name__
        found["description"] = ""
    return found


def _setting(app: App, item: dict[str, Any]) -> tuple[Any, ...]:
    kind = app.texts("connectors.secret") if item["secret"] else item["type"]
    default = app.texts("connectors.required") if item["required"] else item["default"]
    return (item["name"], kind, None if default is None else str(default), item["description"] or None)


def _stream(app: App, spec: StreamSpec, told: str | None) -> tuple[Any, ...]:
    return (
        spec.name,
        spec.entity,
        spec.cursor_field or app.texts("connectors.full_scan"),
        app.texts.name("connectors.deletes", spec.deletes.value),
        app.texts.name("connectors.told", told) if told is not None else None,
        app.texts.listed(spec.writable) or None,
        app.texts.listed(spec.depends_on) or None,
    )
