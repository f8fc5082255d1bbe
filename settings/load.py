"""Read ltc.yaml: every problem is told with its line and an example of right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from settings import creation, secrets
from settings.errors import SettingsError
from settings.model import Settings
from yamlfiles.errors import FileUnusable, NoTable
from yamlfiles.problems import Problem, place, problems
from yamlfiles.reading import LARGEST, Located, parse, text

_EXAMPLES = {
    "version": "version: 1",
    "store": "store: sqlite:///ltc.db",
    "company": "company: ACME GmbH",
    "locale": "locale: zh-CN",
    "timezone": "timezone: Asia/Shanghai",
    "base_currency": "base_currency: CNY",
    "as_of": 'as_of: "2026-10-31T10:00:00Z"',
    "systems": "systems: {crm: {connector: salesforce, roles: [crm], config: {…}}}",
    "connector": "connector: salesforce",
    "roles": "roles: [crm]   # marketing, crm, erp, accounting, payments, bank, service",
    "config": "config: {client_secret: '${env:SF_CLIENT_SECRET}'}",
    "streams": "streams: [lead, opportunity]",
    "mapping": "mapping: mappings/our-crm.yaml",
    "schedule": "schedule: {cron: '*/15 * * * *'}",
    "push": "push: plan   # off, plan, auto",
    "drift": "drift: {lead: freeze}   # evolve, freeze, quarantine; or one of them for all streams",
    "webhook_path": "webhook_path: '${env:FORMS_WEBHOOK_PATH}'",
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
    "workbench": "workbench: {metrics: {token: '${env:LTC_METRICS_TOKEN}'}}",
    "metrics": "metrics: {token: '${env:LTC_METRICS_TOKEN}'}",
    "sign_in": "sign_in: {issuer: https://id.example.com, client_id: ltc, groups: {ltc-admins: admin}}",
    "issuer": "issuer: https://id.example.com   # letter by letter as in its discovery document",
    "client_secret": "client_secret: '${env:CLIENT_SECRET}'",
    "scopes": "scopes: [openid, profile, email, groups]",
    "role_claim": "role_claim: groups   # with dots for one inside another: realm_access.roles",
    "groups": "groups: {ltc-admins: admin, accounting: [finance, approver]}",
    "domains": "domains: [acme.com]",
    "retention": "retention: {landing: {versions: 10, days: 400}, runs: 90, writes: 400}",
    "landing": "landing: {versions: 10, days: 400}",
    "tolerance": "tolerance: {absolute: {CNY: '0.05'}, relative: '0.0005'}",
    "checks": "checks: {delivery_late: {grace_days: 3}}",
    "checks_folder": "checks_folder: checks   # beside ltc.yaml",
    "rates": "rates: {USD: '7.15'}",
    "same_payment_days": "same_payment_days: 7",
    "cron": "cron: '*/15 * * * *'",
    "interval": "interval: 15m   # or 2h, 900 (seconds)",
    "enabled": "checks: {delivery_late: {enabled: false}}",
    "severity": "checks: {delivery_late: {severity: error}}",
    "cash": "cash: {rules: [exact_reference, {name: rounding, tolerance: {EUR: '0.05'}}]}",
    "rules": "rules: [exact_reference, {name: rounding, tolerance: {EUR: '0.05'}}]",
    "related": "related: [{payer: '10077', customer: '10012', why: parent}]",
    "relative": "relative: '0.0005'",
    "absolute": "absolute: {CNY: '0.05'}",
}
_SYNONYMS = dict.fromkeys(("oidc", "openid", "openid_connect", "sso", "oauth", "oauth2"), "sign_in")
"""What others call a setting, and how it is called here."""
_REFERENCES = "${env:SF_CLIENT_SECRET} or ${file:secrets/key} or ${prefect:block-name}"


def load(path: str | Path) -> Settings:
    """The settings of that file.

    Relative paths in it (SQLite store, ``${file:…}``) are read from the file's folder. Raises ``SettingsError``.
    """
    file = Path(path).absolute()
    return _settings(_read(file), file)


def loads(content: str, path: str | Path) -> Settings:
    """The settings of a text as if it stood in that file. Raises ``SettingsError``."""
    file = Path(path).absolute()
    return _settings(_parsed(content.replace("\r\n", "\n"), file), file)


def _settings(top: Located, file: Path) -> Settings:
    try:
        settings = Settings.model_validate({key: value for key, value in top.items() if key != "path"})
    except ValidationError as error:
        raise SettingsError(problems(error, top, Settings, examples=_EXAMPLES, synonyms=_SYNONYMS)) from None
    unknown = [key for key in top if key == "path"]
    if unknown:
        raise SettingsError([Problem(top.at("path"), "`path` is not known here.")])
    malformed = secrets.malformed(top)
    if malformed:
        raise SettingsError([Problem(place(top, keys), what, _REFERENCES) for keys, what in malformed])
    unfit = [Problem(place(top, keys), what, example) for keys, what, example in creation.mistakes(settings)]
    if unfit:
        raise SettingsError(unfit)
    settings.path = file
    folder = settings.reconciliation.checks_folder
    settings.reconciliation.checks_folder = folder and file.parent / folder.expanduser()
    settings.store = _rooted_store(settings.store, file.parent)
    for system in settings.systems.values():
        system.config = secrets.rooted(system.config, file.parent)
    keys = settings.encryption
    keys.key = secrets.rooted(keys.key, file.parent)
    keys.old = secrets.rooted(keys.old, file.parent)
    metrics = settings.workbench.metrics
    metrics.token = secrets.rooted(metrics.token, file.parent)
    sign_in = settings.workbench.sign_in
    if sign_in is not None:
        sign_in.client_secret = secrets.rooted(sign_in.client_secret, file.parent)
        sign_in.ca_bundle = sign_in.ca_bundle and file.parent / sign_in.ca_bundle.expanduser()
    return settings


def locate(path: Path, keys: tuple[Any, ...]) -> str:
    """``file:line`` of the entry at ``keys``, or of the closest entry above it that exists."""
    return place(_read(path), keys)


def config_problems(error: ValidationError, path: Path, system: str, model: type[BaseModel]) -> list[Problem]:
    """The problems of one system's ``config``, which ``model`` (its connector's) describes, at their lines."""
    prefix = ("systems", system, "config")
    return problems(error, _read(path), Settings, prefix=prefix, known=list(model.model_fields), examples=_EXAMPLES)


def _read(file: Path) -> Located:
    if not file.exists():
        raise SettingsError([Problem(str(file), "there is no such file.", "ltc init    # writes a commented ltc.yaml")])
    try:
        with file.open("rb") as opened:
            return _parsed(text(opened.read(LARGEST + 1), file.name), file)
    except OSError:
        raise SettingsError([Problem(str(file), "the file cannot be read. Check its path and permissions.")]) from None
    except FileUnusable as error:
        raise SettingsError([Problem(error.where, f"{error.message} {error.remedy}".strip())]) from None


def _parsed(content: str, file: Path) -> Located:
    if not content.strip():
        raise SettingsError([Problem(file.name, "the file is empty.", "ltc init    # writes a commented ltc.yaml")])
    try:
        return parse(content, file.name)
    except NoTable:
        raise SettingsError([Problem(file.name, "the file is no table of settings.", "version: 1")]) from None
    except FileUnusable as error:
        raise SettingsError([Problem(error.where, f"{error.message} {error.remedy}".strip())]) from None


def _rooted_store(store: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if store.startswith(prefix) and not store.startswith("sqlite:////"):
        return f"{prefix}{folder / store.removeprefix(prefix)}"
    return store
