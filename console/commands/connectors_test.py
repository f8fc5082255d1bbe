"""``ltc connectors test``: prove a connector against its stand-in, and grade it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, printable, say, table

if TYPE_CHECKING:
    from conformance.catalogue import Check
    from conformance.runner import Result


@click.command("test")
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Every connector that has a stand-in.")
@click.option(
    "--only", multiple=True, metavar="AREA|CHECK", help="Only these areas or checks; may be given several times."
)
@click.option("--list", "listing", is_flag=True, help="List the checks instead of carrying them out.")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws the same random choices again.")
@click.option("--world", metavar="MODULE:CLASS", help="The stand-in of a connector of your own.")
@click.option("--verbose", is_flag=True, help="Show the checks that were passed, and those that do not apply, too.")
@click.option("--write-grades", is_flag=True, help="Write grades.json and the tables of this project's pages.")
@jobs.json_option
@pass_app
def command(
    app: App,
    name: str | None,
    every: bool,
    only: tuple[str, ...],
    listing: bool,
    seed: int,
    world: str | None,
    verbose: bool,
    write_grades: bool,
    as_json: bool,
) -> int:
    """Test a connector against its stand-in, with everything going wrong that can, and grade it.

    NAME is a connector, or the path of a manifest: then a stand-in is made of the manifest itself. Nothing but
    loopback is asked. docs/connectors/conformance.md tells what each check proves and what the grades mean.

    \b
    Examples:
      ltc connectors test jiandaoyun
      ltc connectors test ./acme.yaml --only writing --verbose
      ltc connectors test my-connector --world my_package.world:World
      ltc connectors test --list
      ltc connectors test --all --write-grades
    """
    from console import tested

    checks = _chosen(only)
    if listing:
        return _list(app, checks, as_json)
    if (name is None) == (not every):
        raise click.UsageError("Name one connector, or say --all.")
    if write_grades and only:
        raise click.UsageError("A grade is of all checks: --write-grades does not go with --only.")
    found = {}
    for each in [name] if name else _all():
        found[each] = _tested(app, each, checks, seed, world)
        if not as_json:
            _show(app, each, found[each], verbose)
    if as_json:
        emit_json([tested.as_dict(each, results) for each, results in found.items()])
    if write_grades:
        _write(app, found)
    bad = any(result.status in ("failed", "broken") for results in found.values() for result in results)
    return 1 if bad else 0


def _chosen(only: tuple[str, ...]) -> list[Check]:
    from conformance import catalogue

    try:
        return catalogue.chosen(only)
    except LookupError as error:
        areas = ", ".join(catalogue.AREAS)
        raise click.UsageError(
            f"There is no check {error.args[0]!r}. Areas: {areas}; `--list` lists the checks."
        ) from None


def _all() -> list[str]:
    from conformance.worlds import has_world
    from connectors import registry

    return [name for name in registry.names() if has_world(name)]


def _tested(app: App, name: str, checks: Sequence[Check], seed: int, world: str | None) -> list[Result]:
    from conformance.runner import Run
    from conformance.worlds import NoWorld, world_of

    if world is not None and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        kind = world_of(name, Path.cwd(), place=world)
    except NoWorld as error:
        raise click.ClickException(str(error)) from None
    with _progress(app, name, len(checks)) as tell, Run(kind, seed=seed) as run:
        results = []
        for result in run.results(checks):
            results.append(result)
            tell(result)
    return results


class _progress:
    """One moving line on a terminal, nothing elsewhere."""

    def __init__(self, app: App, name: str, number: int) -> None:
        self._app, self._name, self._number, self._done = app, name, number, 0

    def __enter__(self) -> Callable[[Result], None]:
        return self._tell

    def __exit__(self, *exc: object) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _tell(self, result: Result) -> None:
        self._done += 1
        if sys.stderr.isatty():
            told = {"name": self._name, "done": self._done, "all": self._number, "check": result.check.name}
            text = self._app.texts("conformance.progress", **told)
            print(f"\r\x1b[K{printable(text)}", end="", file=sys.stderr, flush=True)


def _list(app: App, checks: Sequence[Check], as_json: bool) -> int:
    if as_json:
        emit_json([_check_as_dict(item, app) for item in checks])
        return 0
    names = ("area", "check", "grave", "proves")
    rows = [
        (app.texts(f"conformance.area.{item.area}"), item.name, item.grave or None, item.title[app.locale])
        for item in checks
    ]
    table([app.texts(f"conformance.columns.{column}") for column in names], rows)
    say(app.texts("conformance.count", count=len(checks)))
    return 0


def _check_as_dict(item: Check, app: App) -> dict[str, Any]:
    needs = [need.value for need in item.needs]
    return {"name": item.name, "area": item.area, "grave": item.grave, "needs": needs, "proves": item.title[app.locale]}


def _show(app: App, name: str, results: Sequence[Result], verbose: bool) -> None:
    from conformance.grades import grade

    shown = [result for result in results if verbose or result.status.value in ("failed", "broken")]
    if shown:
        columns = ("area", "check", "result", "grave", "why")
        table([app.texts(f"conformance.columns.{column}") for column in columns], [_row(app, item) for item in shown])
    made = grade(results)
    counts = {"passed": made.passed, "applicable": made.applicable, "absent": len(results) - made.applicable}
    say(app.texts("conformance.grade", name=name, grade=made.letter, **counts))
    if made.empty:
        areas = [app.texts(f"conformance.area.{area}") for area in made.empty]
        say(app.texts("conformance.empty", areas=app.texts.listed(areas)))
    if made.grave:
        say(app.texts("conformance.grave", count=len(made.grave)))


def _row(app: App, result: Result) -> tuple[Any, ...]:
    area = app.texts(f"conformance.area.{result.check.area}")
    status = app.texts(f"conformance.status.{result.status.value}")
    why = result.why.get(app.locale) or result.check.title[app.locale]
    return (area, result.check.name, status, result.check.grave or None, why)


def _write(app: App, found: dict[str, list[Result]]) -> None:
    from conformance import shelf
    from conformance.grades import grade

    for path in shelf.write({name: shelf.as_dict(grade(results), results) for name, results in found.items()}):
        say(app.texts("cli.init_written", path=path))
