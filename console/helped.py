"""Help and usage of ``ltc`` in Chinese: click's own layout with other words, and lines measured by what they take.

The catalogue in ``i18n/zh-CN/help`` has each paragraph of a command's help, what an option means and what an example
does, keyed by the English text. What is not in it stays English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from unicodedata import east_asian_width

import click

_COLUMN, _GAP = 30, 2
"""Most signs of the first column of a list, and blanks behind it."""
_NARROWEST = 20
_CLOSING = "，。、；：？！）》」”’…,.;:!?)"
_WIDE = "\u2e80-\u9fff\uff00-\uffef"
_PIECES = re.compile(rf"\s+|[（《「“‘(]*(?:[^\s{_WIDE}（《「“‘]+|.)[{re.escape(_CLOSING)}]*", re.DOTALL)
"""A line may end after each: blanks, a Latin word, a Chinese sign; marks stay with what they belong to."""
_EXAMPLE = re.compile(r"(\s*\S.*?\s{2,})(\S.*)")
"""A command, and what it does."""
_EXTRA = re.compile(r"(.*?)(?:^|\s\s)\[([^\]]*)\]$", re.DOTALL)
"""What an option means, and what click adds to it."""
_ADDED = {"default: ": "默认：", "env var: ": "环境变量：", "required": "必填", "(dynamic)": "（动态）"}
_USAGE = {"[OPTIONS]": "[选项]", "COMMAND": "命令", "[COMMAND]": "[命令]", "[ARGS]...": "[参数]..."}
_CUT = "..."
"""Ends a first sentence that click has cut off."""


def said(text: str) -> str | None:
    """A text of a command's help in Chinese; ``None`` for one that the catalogue does not have."""
    return _catalogue().get(plain(text))


def plain(text: str) -> str:
    """A text as the catalogue has it: on one line."""
    return " ".join(text.split())


@cache
def _catalogue() -> dict[str, str]:
    from console.sentences import catalogue

    return catalogue("zh-CN", "help")


def first_sentence(text: str) -> str | None:
    """The first sentence of a command's help in Chinese, of what click lists: with its stop, without it, or cut off."""
    begins = plain(text)
    begins = begins.removesuffix(_CUT) if begins.endswith(_CUT) else begins.removesuffix(".") + "."
    return next((zh.partition("。")[0] for en, zh in _catalogue().items() if en.startswith(begins)), None)


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def wrapped(text: str, width: int, begin: str = "", indent: str = "") -> str:
    """A text in lines of at most ``width`` columns, where no single word is wider; ``begin`` stands before the first,
    ``indent`` before the others."""
    lines, line, at = [], begin, cells(begin)
    empty = True
    for piece in _PIECES.findall(plain(text)):
        if not empty and at + cells(piece) > width:
            lines.append(line.rstrip())
            line, at, empty = indent, cells(indent), True
        if piece.isspace() and empty:
            continue
        line, at, empty = line + piece, at + cells(piece), False
    return "\n".join([*lines, line.rstrip()])


class Chinese(click.HelpFormatter):
    """Writes help in Chinese."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """How a command is called."""
        begin = f"{'用法：' if prefix is None else prefix}{prog} "
        told = " ".join(_USAGE.get(word, word) for word in args.split(" "))
        self.write(wrapped(told, self.width, begin, " " * cells(begin)) + "\n")

    def write_heading(self, heading: str) -> None:
        """Above a list."""
        self.write(f"{'':>{self.current_indent}}{said(heading) or heading}：\n")

    def write_text(self, text: str) -> None:
        """Paragraphs; what begins with a backspace keeps its lines."""
        margin = " " * self.current_indent
        paragraphs = []
        for paragraph in re.split(r"\n[ \t]*\n", text):
            if paragraph.lstrip().startswith("\b"):
                paragraphs.append("\n".join(self._kept(paragraph.strip().removeprefix("\b").strip("\n"), margin)))
            elif paragraph.strip():
                paragraphs.append(wrapped(said(paragraph) or paragraph, self.width, margin, margin))
        self.write("\n\n".join(paragraphs) + "\n")

    def _kept(self, block: str, margin: str) -> Iterator[str]:
        """Lines of a block that keeps them, such as examples."""
        whole = said(block)
        if whole is not None:
            yield wrapped(whole, self.width, margin, margin)
            return
        for line in block.split("\n"):
            example = _EXAMPLE.fullmatch(line)
            told = said(example[2]) if example else None
            if example and told is not None:
                begin = margin + example[1]
                yield wrapped(told, max(self.width, cells(begin) + _NARROWEST), begin, " " * cells(begin))
            else:
                yield margin + (said(line) or line)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _COLUMN, col_spacing: int = _GAP) -> None:
        """Commands with their first sentences, or options with their meanings."""
        known = list(rows)
        first = min(max(cells(name) for name, _ in known), col_max) + col_spacing
        margin, indent = " " * self.current_indent, " " * (self.current_indent + first)
        for name, text in known:
            begin = margin + name.ljust(first)
            if cells(name) > first - col_spacing and text:
                self.write(f"{margin}{name}\n")
                begin = indent
            width = max(self.width, cells(indent) + _NARROWEST)
            told = _meaning(text) if name.startswith("-") else first_sentence(text) or text
            self.write(wrapped(told, width, begin, indent).rstrip() + "\n")


def _meaning(text: str) -> str:
    """What stands beside an option."""
    whole = said(text)
    if whole is not None:
        return whole
    found = _EXTRA.fullmatch(text)
    if found is None:
        return text
    meant = (said(found[1]) or found[1]) if found[1] else ""
    added = "；".join(_added(item) for item in found[2].split("; "))
    return f"{meant} [{added}]".strip()


def _added(item: str) -> str:
    known = next((name for name in _ADDED if item.startswith(name)), "")
    return _ADDED.get(known, "") + item.removeprefix(known)


class WrongUsage(click.UsageError):
    """Wrong usage that is told in Chinese."""

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """How the command is called, where to read more, and what was wrong."""
        if self.ctx is not None:
            hint = f"查看帮助：{self.ctx.command_path} --help\n" if self.ctx.command.get_help_option(self.ctx) else ""
            click.echo(f"{self.ctx.get_usage()}\n{hint}", err=True)
        click.echo(f"错误：{_enumerated(self.format_message())}", err=True)


def _enumerated(text: str) -> str:
    """What can be chosen, as Chinese separates it."""
    return text.replace("', '", "'、'")


class Failed(click.ClickException):
    """An error that is told in Chinese."""

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """What went wrong."""
        click.echo(f"错误：{self.format_message()}", err=True)
