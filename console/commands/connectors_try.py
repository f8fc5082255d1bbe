"""``ltc connectors try``: read a few records of a system now, and see what its mapping makes of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from connectors.contract import RawRecord, RejectedRecord
    from console.mapped import Tested
    from mappings.engine import Mapping


@dataclass
class Tried:
    """What was read, and what became of it."""

    system: str
    stream: str
    records: list[Tested] = field(default_factory=list)
    raw: list[dict[str, Any]] = field(default_factory=list)
    """Without a mapping: id and what the record holds where."""
    rejected: list[dict[str, str]] = field(default_factory=list)
    no_mapping: str | None = None
    calls: int = 0

    @property
    def good(self) -> bool:
        """Whether every record can be kept."""
        return not self.rejected and self.no_mapping is None and all(item.refused is None for item in self.records)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able data."""
        return {**asdict(self), "records": [item.as_dict() for item in self.records]}


@click.command("try")
@click.argument("name", metavar="SYSTEM")
@click.argument("stream")
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True, help="How many records to read.")
@click.option("--show-personal", is_flag=True, help="Show personal values instead of •••.")
@jobs.json_option
@pass_app
def command(app: App, name: str, stream: str, limit: int, show_personal: bool, as_json: bool) -> int:
    """Read a few records of a system now and show each as it is sent and as it would be stored, side by side.

    SYSTEM is a system of ltc.yaml. Nothing is kept and nothing is written. Without a mapping it shows what the records
    hold. Exit code 1 if a record would be quarantined, or if there is no mapping yet.

    \b
    Examples:
      ltc connectors try acme order
      ltc connectors try acme order --limit 2 --show-personal --json
    """
    from console.sampling import NotOffered, sampled
    from sync.services import services_of

    app.systems((name,))
    services = services_of(app.new_store)
    try:
        found = sampled(app.new_store, app.settings, services, name, stream, limit)
    except NotOffered as error:
        raise click.UsageError(str(error)) from None
    finally:
        services.close()
    tried = _tried(app, name, stream, found.records, show_personal)
    tried.rejected = [_rejected(item, show_personal) for item in found.rejected]
    tried.calls = found.calls
    if as_json:
        emit_json(tried.as_dict())
    else:
        _show(app, tried)
    return 0 if tried.good else 1


def _tried(app: App, name: str, stream: str, records: list[RawRecord], show_personal: bool) -> Tried:
    from console import mapped
    from state.lookup import Sample

    tried = Tried(name, stream)
    mapping, tried.no_mapping = _mapping(app, name, stream)
    for record in records:
        if mapping is not None:
            sample = Sample(record.source_id, record.body)
            tried.records.append(mapped.test(mapping, stream, name, sample, show_personal, None))
        else:
            tried.raw.append({"source_id": record.source_id, "holds": _holds(record.body, show_personal)})
    return tried


def _mapping(app: App, name: str, stream: str) -> tuple[Mapping | None, str | None]:
    """The mapping of the stream, or why there is none."""
    from mappings.errors import MappingFileError
    from sync.systems import mapping_for

    try:
        mapping = mapping_for(app.settings, name)
    except MappingFileError as error:
        return None, f"{error.where}: {error.message}"
    if stream not in mapping.streams:
        return None, app.texts("scaffold.stream_not_mapped", path=mapping.where, stream=stream)
    return mapping, None


def _holds(body: bytes, show_values: bool) -> dict[str, Any]:
    """Path → value, or only its type: without a mapping nobody has said what is personal."""
    from mappings import paths
    from mappings.engine import decode

    found = paths.leaves(decode(body))
    return {path: str(value) if show_values else type(value).__name__ for path, value in found.items()}


def _rejected(item: RejectedRecord, show_personal: bool) -> dict[str, str]:
    shown = {"body": item.body[:500].decode("utf-8", "replace")} if show_personal else {}
    return {"source_id": item.source_id, "field": item.field, "reason": item.reason, **shown}


def _show(app: App, tried: Tried) -> None:
    from console.commands.mappings import show

    for tested in tried.records:
        show(app, tested, tried.system)
        say()
    for item in tried.raw:
        say(app.texts("scaffold.raw", id=item["source_id"]))
        columns = [app.texts("mappings.columns.path"), app.texts("mappings.columns.raw")]
        table(columns, [(path, value) for path, value in item["holds"].items()])
        say()
    for bad in tried.rejected:
        click.echo(
            app.texts("scaffold.rejected", id=bad["source_id"], field=bad["field"], reason=bad["reason"]), err=True
        )
    if tried.no_mapping is not None:
        click.echo(tried.no_mapping, err=True)
        click.echo(app.texts("scaffold.suggest_one", system=tried.system, stream=tried.stream), err=True)
    count = len(tried.records) + len(tried.raw)
    say(app.texts("scaffold.tried", count=count, system=tried.system, stream=tried.stream, calls=tried.calls))
