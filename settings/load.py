"""Read ltc.yaml: every problem is told with its line and an example of right."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from mappings.errors import MappingFileError
from mappings.yamlfile import Located, read
from settings import creation, secrets
from settings.errors import Problem, SettingsError
from settings.model import Settings

_EXAMPLES = {
    "version": "version: 1",
    "store": "store: sqlite:///ltc.db",
    "locale": "locale: zh-CN",
    "timezone": "timezone: Asia/Shanghai",
    "base_currency": "base_currency: CNY",
    "as_of": 'as_of: "2026-10-31T10:00:00Z"',
    "systems": "systems: {crm: {connector: salesforce, roles: [crm], config: {…}}}",
    "connector": "connector: salesforce",
    "roles": "roles: [crm]   # marketing, crm, erp, accounting, payments, service",
    "config": "config: {client_secret: '${env:SF_CLIENT_SECRET}'}",
    "streams": "streams: [lead, opportunity]",
    "mapping": "mapping: mappings/our-crm.yaml",
    "schedule": "schedule: {cron: '*/15 * * * *'}",
    "push": "push: plan   # off, plan, auto",
    "ownership": "ownership: {lead.status: crm, opportunity.delivery_state: {owner: erp, policy: ask}}",
    "owner": "owner: crm",
    "policy": "policy: ask   # owner_wins, newest_wins, ask",
    "writing": "writing: {first_run: read_only, limits: {changes: 500}}",
    "first_run": "first_run: read_only   # read_only, write",
    "only": """only: {opportunity: "status != 'lost' and amount > 0"}""",
    "create_only": "create_only: [opportunity.order_number]",
    "limits": "limits: {changes: 500, share: '0.2', money: '1000000'}",
    "changes": "changes: 500",
    "share": "share: '0.2'",
    "money": "money: '1000000'",
    "brake": "brake: {writes: 3, hours: 24}",
    "creation": "creation: [{rule: lead, from: forms.lead, to: crm.lead, since: 2026-01-01}]",
    "rule": "rule: lead   # lead, order, invoice",
    "from": "from: forms.lead   # system.stream",
    "to": "to: crm.lead   # system.stream",
    "when": """when: "status == 'new'\"""",
    "since": "since: 2026-01-01",
    "limit": "limit: 50",
    "encryption": "encryption: {key: '${env:LTC_KEY}'}",
    "key": "encryption: {key: '${env:LTC_KEY}'}",
    "old": "encryption: {key: '${env:LTC_KEY}', old: ['${env:LTC_OLD_KEY}']}",
    "retention": "retention: {landing: {versions: 10, days: 400}, runs: 90, writes: 400}",
    "landing": "landing: {versions: 10, days: 400}",
    "tolerance": "tolerance: {absolute: {CNY: '0.05'}, relative: '0.0005'}",
    "checks": "checks: {delivery_late: {grace_days: 3}}",
    "rates": "rates: {USD: '7.15'}",
    "cron": "cron: '*/15 * * * *'",
    "enabled": "checks: {delivery_late: {enabled: false}}",
    "severity": "checks: {delivery_late: {severity: error}}",
    "relative": "relative: '0.0005'",
    "absolute": "absolute: {CNY: '0.05'}",
}
_REFERENCES = "${env:SF_CLIENT_SECRET} or ${file:secrets/key} or ${prefect:block-name}"
_SHAPES = {
    "dict_type": "must be a table of `key: value` lines",
    "model_type": "must be a table of `key: value` lines",
    "list_type": "must be a list, like [a, b]",
    "string_type": "must be a text",
    "bool_parsing": "must be true or false",
    "int_parsing": "must be a whole number",
    "decimal_parsing": "must be a number",
    "decimal_type": "must be a number",
}
"""What pydantic says in the words of Python, said in those of YAML."""


def load(path: str | Path) -> Settings:
    """The settings of that file.

    Relative paths in it (SQLite store, ``${file:…}``) are read from the file's folder. Raises ``SettingsError``.
    """
    file = Path(path).absolute()
    top = _read(file)
    try:
        settings = Settings.model_validate({key: value for key, value in top.items() if key != "path"})
    except ValidationError as error:
        raise SettingsError(problems(error, top)) from None
    unknown = [key for key in top if key == "path"]
    if unknown:
        raise SettingsError([Problem(top.at("path"), "`path` is not known here.")])
    malformed = secrets.malformed(top)
    if malformed:
        raise SettingsError([Problem(_place(top, keys), what, _REFERENCES) for keys, what in malformed])
    unfit = [Problem(_place(top, keys), what, example) for keys, what, example in creation.mistakes(settings)]
    if unfit:
        raise SettingsError(unfit)
    settings.path = file
    settings.store = _rooted_store(settings.store, file.parent)
    for system in settings.systems.values():
        system.config = secrets.rooted(system.config, file.parent)
    keys = settings.encryption
    keys.key = secrets.rooted(keys.key, file.parent)
    keys.old = secrets.rooted(keys.old, file.parent)
    return settings


def locate(path: Path, keys: tuple[Any, ...]) -> str:
    """``file:line`` of the entry at ``keys``, or of the closest entry above it that exists."""
    return _place(_read(path), keys)


def problems(
    error: ValidationError, top: Located, prefix: tuple[Any, ...] = (), known: Sequence[str] = ()
) -> list[Problem]:
    """Each problem pydantic found, at its line, with an example of right.

    ``prefix`` is where the model's part of the file begins; ``known`` its settings, if it is none of our own models.
    """
    found = []
    for item in error.errors():
        keys = (*prefix, *(key for key in item["loc"] if key != "[key]"))
        named = [str(key) for key in keys[len(prefix) :] if str(key) in _EXAMPLES]
        example = _EXAMPLES[named[-1]] if named else ""
        found.append(Problem(_place(top, keys), _what(item, keys, known), example))
    return sorted(found, key=lambda problem: _line(problem.where))


def config_problems(error: ValidationError, path: Path, system: str, model: type[BaseModel]) -> list[Problem]:
    """The problems of one system's ``config``, which ``model`` (its connector's) describes, at their lines."""
    return problems(error, _read(path), ("systems", system, "config"), list(model.model_fields))


def _read(file: Path) -> Located:
    if not file.exists():
        raise SettingsError([Problem(str(file), "there is no such file.", "ltc init    # writes a commented ltc.yaml")])
    with file.open(encoding="utf-8", errors="replace") as opened:
        begins = opened.read(64 * 1024)
    if not begins.strip():
        raise SettingsError([Problem(file.name, "the file is empty.", "ltc init    # writes a commented ltc.yaml")])
    try:
        return read(file)
    except MappingFileError as error:
        if "must begin with" in error.message:
            raise SettingsError([Problem(file.name, "the file is no table of settings.", "version: 1")]) from None
        raise SettingsError([Problem(error.where, f"{error.message} {error.remedy}".strip())]) from None


def _what(item: Any, keys: tuple[Any, ...], known: Sequence[str]) -> str:
    name = ".".join(str(key) for key in keys)
    if item["type"] == "missing":
        return f"`{name}` is missing."
    if item["type"] == "extra_forbidden":
        meant = _nearest(str(keys[-1]), [*_siblings(keys), *known])
        return f"`{name}` is not known here." + (f" Did you mean `{meant}`?" if meant else "")
    reason = _SHAPES.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")
    return f"`{name}`: {reason}."


def _siblings(keys: tuple[Any, ...]) -> list[str]:
    model: Any = Settings
    for key in keys[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel) and key in model.model_fields:
            model = _model_in(model.model_fields[key].annotation)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside an annotation: itself, the value of a dict, one side of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def _nearest(word: str, known: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, known, 1)), None)


def _place(top: Located, keys: tuple[Any, ...]) -> str:
    here: Any = top
    place = top.here
    for key in keys:
        if isinstance(here, list) and isinstance(key, int) and key < len(here):
            here = here[key]
            place = here.here if isinstance(here, Located) else place
            continue
        if not isinstance(here, Located) or key not in here:
            break
        place = here.at(key)
        here = here[key]
    return place


def _line(where: str) -> int:
    tail = where.rpartition(":")[2]
    return int(tail) if tail.isdigit() else 0


def _rooted_store(store: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if store.startswith(prefix) and not store.startswith("sqlite:////"):
        return f"{prefix}{folder / store.removeprefix(prefix)}"
    return store
