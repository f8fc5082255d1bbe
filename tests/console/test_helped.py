"""Help and wrong usage of ``ltc`` are told in Chinese where Chinese is spoken: every text, aligned, nothing stale."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from console import helped, sentences
from console.cli import _SECTIONS, cli
from tests.console.company import ltc

ROOT = Path(__file__).parents[2]
ZH = "zh-CN"
RAISED = ("UsageError", "ClickException", "BadParameter", "fail")
WIDTH = 80
"""Columns of the terminal of tests."""
OF_CLICK = {"Options", "Commands", "Show this message and exit."}
EXAMPLE = re.compile(r"\s*\S.*?\s{2,}(\S.*)")


def commands(command: click.Command = cli, path: str = "ltc") -> Iterator[tuple[str, click.Command]]:
    """Every command with what it is called by."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, f"{path} {name}")


def texts_of(command: click.Command) -> Iterator[str]:
    """What the help of a command says, piece by piece."""
    for paragraph in re.split(r"\n[ \t]*\n", inspect.cleandoc(command.help or "")):
        lines = paragraph.strip().split("\n")
        if lines[0] != "\b":
            yield helped.plain(paragraph)
        elif tails := [found[1] for line in lines[1:] if (found := EXAMPLE.fullmatch(line))]:
            yield from tails
        elif not lines[1].startswith("Examples"):
            yield helped.plain(" ".join(lines[1:]))
        if lines[0] == "\b" and lines[1].startswith("Examples"):
            yield lines[1]
    for item in command.params:
        if isinstance(item, click.Option) and item.help:
            yield helped.plain(item.help)


def every_text() -> dict[str, str]:
    """Each text with the command that says it."""
    found = {heading: "ltc" for heading, _ in _SECTIONS}
    for path, command in commands():
        found = dict.fromkeys(texts_of(command), path) | found
    return found


def chinese(config: Path, *args: str) -> str:
    """What the command says, in Chinese."""
    result = ltc(config, "--lang", ZH, *args)
    return result.stdout + result.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "ltc.yaml"


def test_every_help_text_is_there_in_chinese() -> None:
    known = sentences.catalogue(ZH, "help")
    assert {text: path for text, path in every_text().items() if text not in known} == {}


def test_no_chinese_help_is_kept_for_what_no_command_says_any_more() -> None:
    assert sorted(sentences.catalogue(ZH, "help").keys() - every_text().keys() - OF_CLICK) == []


def test_chinese_help_names_the_same_options_commands_and_files() -> None:
    named = re.compile(
        r"`[^`]*`|(?<!\w)--[a-z][a-z-]*|[\w./]+\.(?:yaml|md|json|sql|toml|prom|zst)\b|https?://[\w.:/]*\w"
    )
    wrong = [
        en for en, zh in sentences.catalogue(ZH, "help").items() if set(named.findall(en)) != set(named.findall(zh))
    ]
    assert wrong == []


def test_the_help_of_no_command_has_an_english_sentence_or_is_wider_than_the_terminal(config: Path) -> None:
    found = {}
    for path, _ in commands():
        told = chinese(config, *path.split(" ")[1:], "--help").splitlines()
        assert told[0].startswith("用法：")
        assert re.search(r"OPTIONS|COMMAND|ARGS", told[0]) is None
        prose = [line for line in told[1:] if not line.lstrip().startswith(("ltc ", "PREFECT_API_URL="))]
        words = re.sub("`[^`]*`", "", " ".join(line.strip() for line in prose))
        english = re.findall(r"\b(?:[a-z]{2,} ){2}[a-z]{2,}\b", words)
        wide = [
            line for line in prose if helped.cells(line) > WIDTH and not re.fullmatch(r"\s+-.*|\s+[\x00-\xff]+", line)
        ]
        found[path] = english + wide
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["pull", "--foo"], "没有选项 '--foo'。"),
        (["pull", "shop"], "多余的参数（shop）。系统用 --system 指定：cli pull --system NAME"),
        (["runs", "--limit", "x"], "'--limit' 的值无效：'x' 不是整数。"),
        (["runs", "--limit", "0"], "'--limit' 的值无效：0 超出范围 1<=x<=1000。"),
        (["report", "--format", "doc"], "不在可选值之中：'terminal'、'json'、'html'"),
        (["members", "list", "--jsn"], "没有选项 '--jsn'。是否指 '--json'？"),
        (["members", "lst"], "没有命令 'lst'。是否指 'list'？"),
        (["links", "confirm", "a"], "缺少参数 'B'。"),
        (["findings", "attach", "x"], "缺少选项 '--file'。"),
        (["findings", "attach", "x", "--file", "/nope"], "文件 '/nope' 不存在。"),
        (["push", "--reject"], "选项 '--reject' 需要一个值。"),
        (["lock", "--json=1"], "选项 '--json' 不带值。"),
        (["serve", "--port", "99999"], "'--port' 的值无效：99999 超出范围 0<=x<=65535。"),
        (["pul"], "没有命令 'pul'。是否应为 `pull`？"),
    ],
)
def test_wrong_usage_is_told_in_chinese(config: Path, args: list[str], said: str) -> None:
    result = ltc(config, "--lang", ZH, *args)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("错误：")
    assert said in result.stderr
    assert re.search("Usage|Error|Try", result.stderr) is None


def test_wrong_usage_shows_how_the_command_is_called_and_where_its_help_is(config: Path) -> None:
    told = ltc(config, "--lang", ZH, "pull", "--foo").stderr.splitlines()
    assert told == ["用法：cli pull [选项]", "查看帮助：cli pull --help", "", "错误：没有选项 '--foo'。"]


def test_a_command_that_needs_another_shows_its_help_in_chinese(config: Path) -> None:
    assert "列出记录及" not in (told := chinese(config, "links"))
    assert "  confirm  确认 A 与 B 相关联，不论自动关联的结果如何\n" in told
    assert "命令：\n" in told


def test_every_reason_that_our_commands_give_for_wrong_usage_is_there_in_chinese() -> None:
    assert [text for text in reasons() if not all(part.known for part in sentences.said(text, ZH))] == []


def reasons() -> Iterator[str]:
    """What commands say that is wrong with how they are called, something in the place of what changes."""
    for path in sorted((ROOT / "console").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = getattr(call, "func", None)
            if not isinstance(call, ast.Call) or not call.args or getattr(named, "attr", "") not in RAISED:
                continue
            text = call.args[0]
            if isinstance(text, ast.JoinedStr):
                parts = [item.value if isinstance(item, ast.Constant) else "X" for item in text.values]
                said = "".join(map(str, parts))
                yield from [said] if re.search("[A-Za-z]{3}", said) else []
            elif isinstance(text, ast.Constant):
                yield str(text.value)


@pytest.mark.parametrize(
    ("variables", "locale", "said"),
    [
        ({"LTC_LANG": ZH}, "en", "选项："),
        ({"LTC_LANG": "en"}, ZH, "Options:"),
        ({}, ZH, "选项："),
        ({"LC_ALL": "zh_CN.UTF-8"}, "", "选项："),
        ({"LC_ALL": "zh_CN.UTF-8"}, "en", "Options:"),
        ({"LC_ALL": "C.UTF-8"}, "", "Options:"),
    ],
)
def test_help_speaks_the_language_of_the_variable_else_of_ltc_yaml_else_of_the_environment(
    config: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], locale: str, said: str
) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config.write_text(f"locale: {locale}  # of reports\n" if locale else "systems: {}\n")
    assert said in ltc(config, "pull", "--help").stdout


def test_help_in_english_reads_no_catalogue_and_is_as_click_writes_it(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "catalogue", lambda *_: pytest.fail("a catalogue was read"))
    told = ltc(config, "--lang", "en", "pull", "--help").stdout
    assert told.startswith("Usage: cli pull [OPTIONS]\n")
    assert "  --json                    Print the result as JSON.\n" in told


def test_a_line_is_measured_by_columns_and_does_not_begin_with_a_stop() -> None:
    lines = helped.wrapped("对账，拉取、回写。完成后运行 `ltc sync`（可选）。", 10, "> ", "  ").split("\n")
    assert [line for line in lines if helped.cells(line) > 12] == []
    assert [line for line in lines if line.strip()[0] in "，。、）"] == []
    assert "".join(line[2:] for line in lines).replace(" ", "") == "对账，拉取、回写。完成后运行`ltcsync`（可选）。"
