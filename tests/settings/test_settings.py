"""ltc.yaml: what is right is read, what is wrong is told with its line, secrets stay references."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import settings
from settings import secrets

GOOD = """\
version: 1
store: sqlite:///data/ltc.db
locale: zh-CN
timezone: Asia/Shanghai
base_currency: CNY
systems:
  crm:
    connector: salesforce
    roles: [crm]
    config: {client_secret: "${env:SF_SECRET}", key: "${file:secrets/key}"}
    schedule: {cron: "*/15 * * * *"}
    push: plan
reconciliation:
  tolerance: {absolute: {CNY: 0.05}, relative: "0.0005"}
  rates: {USD: 7.15}
"""


def written(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "ltc.yaml"
    file.write_text(content, encoding="utf-8")
    return file


def errors(tmp_path: Path, content: str) -> str:
    with pytest.raises(settings.SettingsError) as caught:
        settings.load(written(tmp_path, content))
    return str(caught.value)


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    loaded = settings.load(written(tmp_path, GOOD))
    assert loaded.store == f"sqlite:///{tmp_path}/data/ltc.db"
    assert loaded.systems["crm"].config["key"] == f"${{file:{tmp_path}/secrets/key}}"


def test_amounts_in_settings_are_exact(tmp_path: Path) -> None:
    loaded = settings.load(written(tmp_path, GOOD)).reconciliation
    assert loaded.tolerance.absolute == {"CNY": Decimal("0.05")}
    assert loaded.rates["USD"] == Decimal("7.15")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("timezone: Asia/Shanghai", "timezone: Asia/Shanghia", "ltc.yaml:4: `timezone`: 'Asia/Shanghia' is no IANA"),
        ("locale: zh-CN", 'company: "two\\nlines"', "ltc.yaml:3: `company`: must be a name on one line"),
        ("locale: zh-CN", "langauge: zh-CN", "ltc.yaml:3: `langauge` is not known here"),
        (
            "    connector: sales",
            "    connecter: sales",
            "ltc.yaml:8: `systems.crm.connecter` is not known here. Did you",
        ),
        ("roles: [crm]", "roles: [boss]", "ltc.yaml:9: `systems.crm.roles.0`"),
        ("push: plan", "push: always", "ltc.yaml:12: `systems.crm.push` must be one of off, plan, auto."),
        ("{CNY: 0.05}", "{CNY: much}", "ltc.yaml:14: `reconciliation.tolerance.absolute.CNY`"),
        ("version: 1", "version: 2", "ltc.yaml:1: `version`"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert told in errors(tmp_path, GOOD.replace(before, after))


def test_every_problem_is_told_at_once_with_an_example(tmp_path: Path) -> None:
    told = errors(tmp_path, GOOD.replace("push: plan", "push: x").replace("version: 1", "version: 3"))
    assert "ltc.yaml:1" in told
    assert "ltc.yaml:12" in told
    assert "for example: push: plan" in told


def test_broken_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    assert "ltc.yaml:4" in errors(tmp_path, "version: 1\nsystems:\n  crm: [\n")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match="ltc init"):
        settings.load(tmp_path / "nowhere.yaml")


def test_secrets_are_resolved_late_and_deeply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings.load(written(tmp_path, GOOD))
    monkeypatch.setenv("SF_SECRET", "s3cret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("k3y\n")
    assert secrets.resolve({"list": [loaded.systems["crm"].config]}) == {
        "list": [{"client_secret": "s3cret", "key": "k3y"}]
    }


def test_a_missing_secret_is_named_with_its_remedy_and_no_value(tmp_path: Path) -> None:
    loaded = settings.load(written(tmp_path, GOOD))
    with pytest.raises(settings.SecretMissing) as caught:
        secrets.resolve(loaded.systems["crm"].config)
    assert "${env:SF_SECRET} is not set. Set the environment variable SF_SECRET." in str(caught.value)


def test_a_dump_of_the_settings_holds_references_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SF_SECRET", "s3cret")
    assert "s3cret" not in settings.load(written(tmp_path, GOOD)).model_dump_json()


WRITING = (
    GOOD
    + """\
ownership:
  lead.status: crm
  opportunity.delivery_state: {owner: erp, policy: ask}
writing:
  first_run: read_only
  only:
    opportunity: "status != 'lost' and amount > 0"
  create_only: [opportunity.order_number]
  limits: {changes: 100, share: 0.1, money: 50000}
  brake: {writes: 2, hours: 48}
"""
)


def test_who_owns_a_field_is_said_in_one_word_or_with_a_policy(tmp_path: Path) -> None:
    loaded = settings.load(written(tmp_path, WRITING))
    assert loaded.ownership["lead.status"].owner == "crm"
    assert loaded.policy("lead", "status") == "owner_wins"
    assert loaded.policy("opportunity", "delivery_state") == "ask"
    assert loaded.policy("quote", "order_number") == "owner_wins"


def test_rules_for_writing_are_exact_and_have_careful_defaults(tmp_path: Path) -> None:
    loaded = settings.load(written(tmp_path, WRITING)).writing
    assert (loaded.limits.share, loaded.limits.money) == (Decimal("0.1"), Decimal(50000))
    careful = settings.load(written(tmp_path, GOOD)).writing
    assert (careful.first_run, careful.limits.changes, careful.limits.money) == ("read_only", 500, None)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("lead.status: crm", "lead.state: crm", "ltc.yaml:17: `ownership.lead.state`: lead has no field 'state'"),
        ("lead.status: crm", "leads.status: crm", "ltc.yaml:17: `ownership.leads.status`: 'leads' is no record"),
        ("lead.status: crm", "lead.status: boss", "ltc.yaml:17: `ownership.lead.status.owner`"),
        ("policy: ask", "policy: asks", "ltc.yaml:18: `ownership.opportunity.delivery_state.policy`"),
        ("first_run: read_only", "first_run: never", "ltc.yaml:20: `writing.first_run`"),
        ("!= 'lost'", "!= 'closed_lost'", "ltc.yaml:21: `writing.only`: opportunity: 'closed_lost' is no status of"),
        ("    opportunity:", "    deal:", "ltc.yaml:21: `writing.only`: 'deal' is no record of lead to cash"),
        ("[opportunity.order_number]", "[opportunity.order]", "ltc.yaml:23: `writing.create_only.0`"),
        ("share: 0.1", "share: 20", "ltc.yaml:24: `writing.limits.share`"),
        ("writes: 2", "writes: 0", "ltc.yaml:25: `writing.brake.writes`"),
    ],
)
def test_a_mistake_about_writing_is_told_with_its_line(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert told in errors(tmp_path, WRITING.replace(before, after))
