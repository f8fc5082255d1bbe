"""``ltc connectors check`` and ``schema``: a manifest alone, without ltc.yaml and without asking the system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say

if TYPE_CHECKING:
    from connectors.declarative.load import ManifestError
    from connectors.declarative.manifest import Manifest
    from mappings.engine import Mapping


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@jobs.json_option
@pass_app
def check(app: App, file: Path, as_json: bool) -> int:
    """Check a manifest, and the mapping beside it: every mistake with its line. Asks no system and needs no ltc.yaml.

    Exit code 2 if something is wrong.

    \b
    Examples:
      ltc connectors check acme.yaml
      ltc connectors check acme.yaml --json
    """
    from connectors.declarative.load import ManifestError, load
    from mappings.errors import MappingFileError

    beside = file.with_suffix(".mapping.yaml")
    try:
        manifest = load(file)
    except ManifestError as error:
        if not as_json:
            raise
        return _refused(file, error)
    problems = []
    mapping = None
    if beside.exists():
        try:
            mapping = _mapping(beside)
            problems = list(_unfit(app, manifest, mapping))
        except MappingFileError as error:
            problems = [{"where": error.where, "what": f"{error.message} {error.remedy}".strip(), "example": ""}]
    if as_json:
        emit_json({"file": str(file), "ok": not problems, "name": manifest.name, "problems": problems})
        return 2 if problems else 0
    for problem in problems:
        click.echo(f"{problem['where']}: {problem['what']}", err=True)
    if problems:
        return 2
    _show(app, file, manifest)
    said = app.texts("scaffold.mapping_good", path=beside) if mapping else app.texts("scaffold.no_mapping", path=beside)
    say(said)
    return 0


@click.command("schema")
def schema() -> int:
    """Print the JSON Schema of manifests, for an editor that completes and checks them.

    \b
    Examples:
      ltc connectors schema > manifest.schema.json
    """
    from console.manifest_schema import encoded

    click.echo(encoded(), nl=False)
    return 0


def _refused(file: Path, error: ManifestError) -> int:
    problems = [problem._asdict() for problem in error.problems]
    emit_json({"file": str(file), "ok": False, "name": None, "problems": problems})
    return 2


def _mapping(path: Path) -> Mapping:
    from mappings.engine import load

    return load(path)


def _unfit(app: App, manifest: Manifest, mapping: Mapping) -> Any:
    """Where the mapping speaks of something else than the manifest."""
    for name, stream in mapping.streams.items():
        said = manifest.streams.get(name)
        if said is None:
            what = app.texts("scaffold.no_stream", stream=name, known=app.texts.listed(manifest.streams))
            yield {"where": mapping.where, "what": what, "example": ""}
            continue
        if said.entity != stream.entity:
            what = app.texts("scaffold.other_entity", stream=name, mapped=stream.entity, said=said.entity)
            yield {"where": mapping.where, "what": what, "example": ""}
        for field, source in stream.writable.items():
            if source not in said.fields:
                what = app.texts("scaffold.not_writable", stream=name, field=field, source=source)
                yield {"where": mapping.where, "what": what, "example": ""}


def _show(app: App, file: Path, manifest: Manifest) -> None:
    say(app.texts("scaffold.good", path=file, name=manifest.name))
    for name, stream in manifest.streams.items():
        words = [app.texts("scaffold.reads_changes" if stream.incremental else "scaffold.reads_all")]
        if stream.fields:
            words.append(app.texts("scaffold.writes", fields=app.texts.listed(stream.fields)))
        say(f"  {name} → {stream.entity}: {app.texts.clauses(words)}")
