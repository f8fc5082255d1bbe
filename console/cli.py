"""The ``ltc`` command: global options, sub-commands imported when asked for, errors as sentences, exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from console.context import App
from console.spoken import LOCALES, VARIABLE, spoken
from sync import process, stopping

DONE, FAILED, USAGE, PARTIAL, FINDINGS = 0, 1, 2, 3, 4
"""Exit codes: done, failed, wrong usage or configuration, done in part, findings with --fail-on-findings."""

COMMANDS = {
    "init": "console.commands.init:command",
    "demo": "console.commands.demo:command",
    "check": "console.commands.check:command",
    "sync": "console.commands.sync:command",
    "pull": "console.commands.pull:command",
    "fetch": "console.commands.fetch:command",
    "reconcile": "console.commands.reconcile:command",
    "push": "console.commands.push:command",
    "report": "console.commands.report:command",
    "trace": "console.commands.trace:command",
    "status": "console.commands.status:command",
    "runs": "console.commands.runs:command",
    "replay": "console.commands.replay:command",
    "backfill": "console.commands.backfill:command",
    "sweep": "console.commands.sweep:command",
    "pause": "console.commands.pause:pause",
    "resume": "console.commands.pause:resume",
    "connectors": "console.commands.connectors:command",
    "mappings": "console.commands.mappings:command",
    "links": "console.commands.links:command",
    "checks": "console.commands.checks:command",
    "findings": "console.commands.findings:command",
    "cash": "console.commands.cash:command",
    "period": "console.commands.period:command",
    "conflicts": "console.commands.conflicts:command",
    "overwritten": "console.commands.overwritten:command",
    "lock": "console.commands.lock:lock",
    "unlock": "console.commands.lock:unlock",
    "dead-letters": "console.commands.dead_letters:command",
    "quarantine": "console.commands.quarantine:command",
    "drift": "console.commands.drift:command",
    "audit": "console.commands.audit:command",
    "backup": "console.commands.backup:backup",
    "restore": "console.commands.backup:restore",
    "prune": "console.commands.prune:command",
    "forget": "console.commands.forget:command",
    "rekey": "console.commands.rekey:command",
    "serve": "console.commands.serve:command",
    "members": "console.commands.members:command",
    "tokens": "console.commands.tokens:command",
    "metrics": "console.commands.metrics:command",
    "export": "console.commands.export:command",
    "deploy": "console.commands.deploy:command",
}
"""Sub-command → ``module:attribute``, in the order of ``ltc --help``."""


_SECTIONS = (
    ("Begin", "init demo check"),
    ("Every day", "sync pull fetch reconcile push report status"),
    ("Look into", "trace export runs audit metrics"),
    ("Decide", "findings cash links period conflicts overwritten lock unlock dead-letters quarantine drift"),
    ("Set up", "connectors mappings checks deploy serve members tokens"),
    ("Set right", "replay backfill sweep pause resume"),
    ("Keep", "backup restore prune forget rekey"),
)
"""Headings of ``ltc --help`` and the commands under them."""
_LONGEST = 200
"""Signs of a command's first sentence."""


class Ltc(click.Group):
    """A group whose commands are imported when they are used, and whose errors are one clear message."""

    _locale = "en"
    """In which errors are told."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order one uses them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By what one wants to do, each with its whole first sentence."""
        for heading, names in _SECTIONS:
            found = [(name, self.get_command(ctx, name)) for name in names.split()]
            with formatter.section(heading):
                formatter.write_dl([(name, item.get_short_help_str(_LONGEST)) for name, item in found if item])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse bytes that are no text: nothing here is called so, and no store could be asked for it."""
        if any("\ud800" <= sign <= "\udfff" for argument in args for sign in argument):
            ctx.fail("An argument is not valid UTF-8.")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a misspelt one is told with the one that was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            meant = difflib.get_close_matches(args[0], COMMANDS, 1)
            known = f"Did you mean `{meant[0]}`?" if meant else "`ltc --help` lists the commands."
            ctx.fail(f"There is no command {args[0]!r}. {known}")
        return super().resolve_command(ctx, args)

    def main(self, args: Any = None, prog_name: str | None = None, *_: Any, **__: Any) -> NoReturn:
        """Run, tell what went wrong in a sentence, and exit with the code of DESIGN's list."""
        sys.exit(self._run(args, prog_name or "ltc"))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; if it fails, errors are told in the language that it would have spoken."""
        try:
            return super().invoke(ctx)
        except Exception:
            if isinstance(ctx.obj, App):
                self._locale = ctx.obj.spoken
            raise

    def _told(self, error: click.ClickException) -> click.ClickException:
        """The error in their language; help, which click raises where a command is missing, is in it already."""
        if self._locale == "en" or isinstance(error, click.exceptions.NoArgsIsHelpError):
            return error
        from console.helped import Failed, WrongUsage

        text = self._in_their_language(error.format_message())
        return WrongUsage(text, error.ctx) if isinstance(error, click.UsageError) else Failed(text)

    def _in_their_language(self, text: str) -> str:
        """An error line by line; what no catalogue knows stays English."""
        from console.sentences import plain

        arrow = "  → "
        lines = ((arrow if line.startswith(arrow) else "", line.removeprefix(arrow)) for line in text.split("\n"))
        return "\n".join(f"{begin}{plain(line, self._locale)}" for begin, line in lines)

    def _run(self, args: Any, prog_name: str) -> int:
        """Run with help as the language has it."""
        usual = click.Context.formatter_class
        self._locale = spoken(sys.argv[1:] if args is None else args)
        if self._locale != "en":
            from console.helped import Chinese

            click.Context.formatter_class = Chinese
        try:
            return self._carried_out(args, prog_name)
        finally:
            click.Context.formatter_class = usual

    def _carried_out(self, args: Any, prog_name: str) -> int:
        try:
            code = super().main(args, prog_name, standalone_mode=False)
        except click.ClickException as error:
            self._told(_with_hint(error)).show()
            return USAGE if isinstance(error, click.UsageError) else FAILED
        except (click.Abort, KeyboardInterrupt):
            stopped = "Stopped. Nothing is half done: run the same command again."
            click.echo(self._in_their_language(stopped), err=True)
            return PARTIAL
        except Exception as error:
            if os.environ.get("LTC_DEBUG") == "1":
                raise
            from console.failures import told
            from console.output import printable

            text, failure = told(error)
            click.echo(printable(self._in_their_language(text)), err=True)
            return failure
        return code if isinstance(code, int) else DONE


def _with_hint(error: click.ClickException) -> click.ClickException:
    """The error; that of a word too many with the option that was meant: ``ltc pull shop``."""
    if isinstance(error, click.UsageError) and error.ctx and error.message.startswith("Got unexpected extra argument"):
        options = {name for param in error.ctx.command.params for name in param.opts}
        if "--system" in options:
            meant = f"A system is named with --system: {error.ctx.command_path} --system NAME"
            return click.UsageError(f"{error.message}. {meant}", error.ctx)
    return error


def _version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"ltc {version('ltc-sync')}")
        ctx.exit()


@click.group(cls=Ltc, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="LTC_CONFIG",
    default=Path("ltc.yaml"),
    show_default=True,
    show_envvar=True,
    help="The settings to work with.",
)
@click.option(
    "--lang",
    type=click.Choice(LOCALES),
    envvar=VARIABLE,
    show_envvar=True,
    help="Language of the output; default: as ltc.yaml says.",
)
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show the version.")
@click.pass_context
def cli(ctx: click.Context, config: Path, lang: str | None) -> None:
    """Keep lead to cash in agreement across marketing, CRM, ERP and accounting.

    \b
    Examples:
      ltc init                       write a commented ltc.yaml
      ltc check                      can every system be reached, read and written?
      ltc sync                       pull, reconcile, plan what to write back
      ltc push --plan                look at the plan; --apply carries it out
      ltc report --format html       what does not tie out, and who should act
      ltc status                     how fresh everything is

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done in part,
    4 findings of severity error are open (only with --fail-on-findings).
    """
    ctx.obj = ctx.with_resource(App(config, lang))


def main() -> NoReturn:
    """Entry point of the ``ltc`` command."""
    process.starting()
    stopping.listen()
    cli.main()
