"""Mistakes people make in ltc.yaml: each is told with its line, what is wrong and how it looks when right."""

from __future__ import annotations

from pathlib import Path

import pytest

import settings
from console.context import App
from settings import spans
from settings.cron import is_possible

GOOD = """\
version: 1
store: sqlite:///ltc.db
locale: en
timezone: Asia/Shanghai
base_currency: CNY
systems:
  forms:
    connector: jiandaoyun
    roles: [marketing]
    config:
      api_key: ${env:FORMS_KEY}
    schedule: {cron: '*/15 * * * *'}
    push: plan
reconciliation:
  tolerance: {absolute: {CNY: "0.05"}, relative: "0.0005"}
  rates: {USD: 7.15}
"""


def told(tmp_path: Path, content: str | bytes) -> str:
    file = tmp_path / "ltc.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(settings.SettingsError) as caught:
        settings.load(file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "line", "what", "example"),
    [
        ("store: sqlite:///ltc.db", "store: mysql://db", 2, "cannot be kept in 'mysql'", "store: sqlite:///ltc.db"),
        ("store: sqlite:///ltc.db", "store: ltc.db", 2, "cannot be kept in 'ltc.db'", "store: sqlite:///ltc.db"),
        ("base_currency: CNY", "base_currency: RMB", 5, "code of the renminbi is CNY", "base_currency: CNY"),
        ("{CNY: ", "{CNX: ", 15, "'CNX' is no currency code", "absolute: {CNY: '0.05'}"),
        ('"0.05"', '"-1"', 15, "greater than or equal to 0", "absolute: {CNY: '0.05'}"),
        ('"0.05"', "“0.05”", 15, "must be a number", "absolute: {CNY: '0.05'}"),
        ("7.15", "0", 16, "greater than 0", "rates: {USD: '7.15'}"),
        ("roles: [marketing]", "roles: 7", 9, "must be a list", "roles: [crm]"),
        (
            "push: plan",
            "push: pln",
            13,
            "`systems.forms.push` must be one of off, plan, auto. Did you mean `plan`?",
            "push",
        ),
        (
            "locale: en",
            "locale: en\nworkbench: {oidc: {issuer: https://id.acme.com}}",
            4,
            "`workbench.oidc` is not known here. Did you mean `sign_in`?",
            "workbench: ",
        ),
        ("push: plan", "push: Auto", 13, "Did you mean `auto`?", "push: plan   # off, plan, auto"),
        ("push: plan", "push: never", 13, "`systems.forms.push` must be one of off, plan, auto.\n", "push: plan"),
        ("locale: en", "locale: zh", 3, "must be one of en, zh-CN. Did you mean `zh-CN`?", "locale: zh-CN"),
        ("roles: [marketing]", "roles: [marketng]", 9, "Did you mean `marketing`?", "roles: [crm]"),
        ("version: 1", "version: 2", 1, "`version` must be 1.", "version: 1"),
        ("{cron: '*/15 * * * *'}", "{interval: 15 min}", 12, "must be a span of time, such as 15m", "interval: 15m"),
        ("{cron: '*/15 * * * *'}", "{interval: 30s}", 12, "greater than or equal to 60", "interval: 15m"),
        ("*/15 * * * *", "every 15 min", 12, "is no cron expression", "cron: '*/15 * * * *'"),
        ("*/15 * * * *", "*/15 * * *", 12, "is no cron expression", "cron: '*/15 * * * *'"),
        ("*/15 * * * *", "99 * * * *", 12, "is no cron expression", "cron: '*/15 * * * *'"),
        ("${env:FORMS_KEY}", "${vault:key}", 11, "no secret reference", "${env:SF_CLIENT_SECRET}"),
        ("${env:FORMS_KEY}", "${env:}", 11, "no secret reference", "${env:SF_CLIENT_SECRET}"),
        ("${env:FORMS_KEY}", "${env:FORMS_KEY", 11, "no secret reference", "${env:SF_CLIENT_SECRET}"),
        ("    config:\n      api_key: ${env:FORMS_KEY}\n", "    config: none\n", 10, "must be a table", "config: {"),
        ("locale: en", "locale：en", 3, "'：' is a full-width sign", "':'"),
        ("    connector: jiandaoyun", "    connector：jiandaoyun", 8, "'：' is a full-width sign", "':'"),
        ("    roles:", "\troles:", 9, "tab", "indentation"),
        ("locale: en", "locale: en\nlocale: en", 4, "stands here twice", "Keep one"),
        ("reconciliation:", "  forms: {connector: xero, roles: [crm]}\nreconciliation:", 14, "twice", "Keep one"),
    ],
)
def test_a_mistake_is_told_with_its_line_its_reason_and_an_example(
    tmp_path: Path, before: str, after: str, line: int, what: str, example: str
) -> None:
    assert before in GOOD
    found = told(tmp_path, GOOD.replace(before, after, 1))
    assert f"ltc.yaml:{line}: " in found
    assert what in found
    assert example in found


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_file_in_another_encoding_says_so(tmp_path: Path, encoding: str) -> None:
    found = told(tmp_path, GOOD.replace("version: 1", "version: 1   # 版本").encode(encoding))
    assert found.startswith("ltc.yaml:1: the file is not in UTF-8. Save it as UTF-8")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "ltc.yaml"
    file.write_bytes(GOOD.encode("utf-8-sig"))
    assert settings.load(file).base_currency == "CNY"


def test_an_entry_that_holds_itself_is_refused(tmp_path: Path) -> None:
    assert "holds itself" in told(tmp_path, "version: 1\nsystems: &all {x: *all}\n")


def test_a_literal_that_only_looks_like_a_reference_is_not_shown(tmp_path: Path) -> None:
    assert "hush" not in told(tmp_path, GOOD.replace("${env:FORMS_KEY}", "'abc${hush'"))


@pytest.mark.parametrize("cron", ["@daily", "0 9 * * mon-fri", "0 0 L * *", "0 0 * * 1#2", "5,10 */2 1-7 jan ?"])
def test_what_prefect_can_read_is_a_cron_expression(cron: str) -> None:
    assert is_possible(cron)


@pytest.mark.parametrize(
    ("checks", "what"),
    [
        ("{delivery_lat: {grace_days: 2}}", "there is no check `delivery_lat`. Did you mean `delivery_late`?"),
        ("{delivery_late: {grace_dayz: 2}}", "has no setting `grace_dayz`. Did you mean `grace_days`?"),
        ("{delivery_late: {grace_days: soon}}", "`grace_days` must be a whole number"),
        ("{delivery_late: {severity: fatal}}", "`severity` must be one of error, warning, info"),
        ("{delivery_late: {enabled: 0}}", "`enabled` must be true or false"),
    ],
)
def test_a_setting_that_no_check_knows_is_told_with_its_line(tmp_path: Path, checks: str, what: str) -> None:
    file = tmp_path / "ltc.yaml"
    file.write_text(f"{GOOD}  checks: {checks}\n")
    with pytest.raises(settings.SettingsError) as caught:
        _ = App(file).settings
    assert f"ltc.yaml:17: {what}" in str(caught.value).replace("the check `delivery_late` ", "")


def test_what_a_check_knows_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "ltc.yaml"
    file.write_text(f"{GOOD}  checks: {{delivery_late: {{grace_days: 3, severity: error, enabled: false}}}}\n")
    assert App(file).settings.reconciliation.checks["delivery_late"]["grace_days"] == 3


@pytest.mark.parametrize(
    ("span", "seconds"), [("900", 900), ("15m", 900), ("90s", 90), ("2h", 7200), ("'1 d'", 86_400)]
)
def test_how_often_a_system_is_synced_may_have_its_unit(tmp_path: Path, span: str, seconds: int) -> None:
    file = tmp_path / "ltc.yaml"
    file.write_text(GOOD.replace("{cron: '*/15 * * * *'}", f"{{interval: {span}}}"))
    schedule = settings.load(file).systems["forms"].schedule
    assert schedule is not None
    assert schedule.interval == seconds


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(900, "15m"), (60, "1m"), (3600, "60m"), (7200, "2h"), (90, "90s"), (172_800, "2d"), (0, "0s")],
)
def test_a_span_is_written_in_the_largest_unit_that_it_is_whole_in(seconds: int, span: str) -> None:
    assert spans.written(seconds) == span
    assert spans.seconds(span) == seconds
