"""The mapping that a new system starts with where none comes with its connector."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from connectors import registry
from console.sampling import read
from console.suggesting import Read, of_streams, text_of
from console.web.admin.drafts import Draft
from console.web.admin.files import MAPPINGS, Files
from mappings.engine import decode, shipped
from mappings.installed import installed
from state.calls_made import counted
from state.lookup import Sample
from sync.systems import open_connector, ordered_streams

if TYPE_CHECKING:
    from console.i18n import Texts
    from console.web.admin.samples import Live
    from settings.model import Settings
    from state.store import Store

_SECONDS = 30.0
_RECORDS = 50
_AT_ONCE = threading.BoundedSemaphore(2)


def file_for(draft: Draft, files: Files) -> str:
    """The file of the mapping that has to be made for a system; empty if it has one."""
    if draft.before.get("mapping"):
        return ""
    if registry.is_manifest(draft.connector):
        beside = draft.connector.rpartition(".")[0] + ".mapping.yaml"
        return "" if files.read(beside).digest else beside
    if draft.connector in shipped() or installed(draft.connector) is not None:
        return ""
    return f"{MAPPINGS}/{draft.name}.yaml"


def made(store: Store, settings: Settings, draft: Draft, propose: bool, live: Live, texts: Texts) -> str:
    """A mapping from some records that are read now, or with nothing but the streams where that cannot be.

    What was read stays at hand (``live``) for the page of the mapping, which suggests more from it.
    """
    proposed = _proposed(store, settings, draft.name, live, texts) if propose else ""
    return proposed or bare(draft)


def bare(draft: Draft) -> str:
    """A mapping that has the streams and no fields yet."""
    lines = ["version: 1", f"connector: {draft.kind.name}", "streams:"]
    for spec in draft.specs:
        lines += [f"  {spec.name}:", f"    entity: {spec.entity}", "    fields: {}"]
    return "\n".join([*lines, ""]) if draft.specs else "\n".join([*lines[:-1], "streams: {}", ""])


def _proposed(store: Store, settings: Settings, system: str, live: Live, texts: Texts) -> str:
    """In a thread, for as long as a person would wait; empty if it takes longer or does not work."""
    from sync.services import services_of

    if not _AT_ONCE.acquire(blocking=False):
        return ""
    found: list[str] = []

    def propose() -> None:
        services = services_of(store)
        try:
            with open_connector(settings, system, services) as connector, counted(store, system, connector.stats):
                records = {}
                for spec in ordered_streams(settings, system, connector):
                    some = read(connector, spec.name, _RECORDS)[0]
                    live.keep(system, spec.name, _RECORDS, (Sample(item.source_id, item.body) for item in some))
                    records[spec.name] = Read(spec.entity, {item.source_id: decode(item.body) for item in some})
                found.append(text_of(connector.name, of_streams(records), settings.base_currency, texts))
        except Exception:  # noqa: S110 - the system may not answer yet; its check says why
            pass
        finally:
            services.close()
            _AT_ONCE.release()

    thread = threading.Thread(target=propose, name="ltc suggest", daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return found[0] if found else ""
