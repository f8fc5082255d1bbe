"""Errors of commands are told in the language of ltc.yaml, or of the environment where it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import deal
from tests.console.company import ltc


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return deal.config(tmp_path, "sqlite:///ltc.db", locale="zh-CN")


def test_a_command_that_the_chinese_pages_name_says_in_chinese_what_ltc_yaml_lacks(config: Path) -> None:
    result = ltc(config, "members", "provider")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "ltc.yaml 中没有配置身份提供商。",
        "  → 请在 workbench.sign_in 中配置；做法见 docs/workbench.md。",
    ]
    assert "现有系统" in ltc(config, "pull", "--system", "shop").stderr


def test_a_language_that_is_asked_for_counts_more(config: Path) -> None:
    assert "names no identity provider." in ltc(config, "--lang", "en", "members", "provider").stderr


@pytest.mark.parametrize(
    ("spoken", "said"), [("zh_CN.UTF-8", "此处没有 `nonsense` 这一项"), ("C.UTF-8", "not known here")]
)
def test_what_is_wrong_with_ltc_yaml_is_told_in_the_language_of_the_environment(
    config: Path, monkeypatch: pytest.MonkeyPatch, spoken: str, said: str
) -> None:
    monkeypatch.setenv("LC_ALL", spoken)
    config.write_text(config.read_text() + "nonsense: 1\n")
    result = ltc(config, "status")
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("spoken", "said"), [("zh_CN.UTF-8", "没有配置身份提供商"), ("C.UTF-8", "names no identity provider")]
)
def test_where_ltc_yaml_names_no_language_errors_are_told_in_that_of_the_environment(
    config: Path, monkeypatch: pytest.MonkeyPatch, spoken: str, said: str
) -> None:
    monkeypatch.setenv("LC_ALL", spoken)
    config.write_text("".join(line for line in config.read_text().splitlines(True) if not line.startswith("locale")))
    assert said in ltc(config, "members", "provider").stderr
