"""The rules for creating records in ltc.yaml: what they say, and what is wrong with them, at their lines."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import settings
from settings.model import Settings

GOOD = """\
version: 1
systems:
  forms: {connector: jiandaoyun, roles: [marketing]}
  crm: {connector: salesforce, roles: [crm], streams: [lead, opportunity]}
  old: {connector: salesforce, roles: [crm], push: off}
creation:
  - rule: lead
    from: forms.lead
    to: crm.lead
    when: "status == 'new'"
    since: 2026-01-01
"""


def loaded(folder: Path, old: str = "", new: str = "") -> Settings:
    assert old in GOOD
    (folder / "ltc.yaml").write_text(GOOD.replace(old, new) if old else GOOD)
    return settings.load(folder / "ltc.yaml")


def test_a_rule_names_where_from_where_to_and_since_when(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path).creation
    assert (rule.from_system, rule.from_stream, rule.to_system, rule.to_stream) == ("forms", "lead", "crm", "lead")
    assert (rule.since, rule.limit, rule.when) == (date(2026, 1, 1), 50, "status == 'new'")


def test_without_rules_nothing_is_ever_created(tmp_path: Path) -> None:
    assert loaded(tmp_path, GOOD[GOOD.index("creation:") :], "").creation == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("    since: 2026-01-01\n", "", 7, "`creation.0.since` is missing"),
        ("2026-01-01", "soon", 11, "`creation.0.since`"),
        ("rule: lead", "rule: deal", 7, "must be one of lead, order, invoice"),
        ("forms.lead", "form.lead", 8, "there is no system 'form'"),
        ("forms.lead", "lead", 8, "`creation.0.from`"),
        ("crm.lead", "crm.contact", 9, "crm has no stream 'contact' among its `streams`"),
        ("crm.lead", "old.lead", 9, "nothing may be written to old"),
        ("crm.lead", "forms.lead", 9, "in another system than the one it comes from"),
        ("'new'", "'nwe'", 7, "did you mean 'new'"),
        ("status ==", "stage ==", 7, "no field of lead"),
        ("    when", "    wenn", 10, "Did you mean `when`"),
    ],
)
def test_a_mistake_in_a_rule_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        loaded(tmp_path, old, new)
    assert f"ltc.yaml:{line}:" in str(caught.value)
    assert said in str(caught.value)


def test_the_same_hand_off_is_not_ruled_twice(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=r"`creation.0` makes the same"):
        loaded(tmp_path, GOOD[GOOD.index("  - rule") :], GOOD[GOOD.index("  - rule") :] * 2)
