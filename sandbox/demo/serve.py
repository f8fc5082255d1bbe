"""The process that holds the demo's systems: start or restore them, say where they are, save them at the end.

python -m sandbox.demo.serve FOLDER
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sandbox import jiandaoyun, salesforce, stripe, xero
from sandbox.bank import year
from sandbox.demo.place import Place
from sandbox.tryton import server as tryton
from sandbox.world.build import build_world
from sandbox.world.records import World

_SAVE_SECONDS = 5.0


@contextmanager
def running(place: Place) -> Iterator[dict[str, dict[str, Any]]]:
    """Five systems and the bank's folder, from saved data where there is some; yields what a connector needs for each.

    On leaving, their data is saved and they are stopped.
    """
    place.systems.mkdir(parents=True, exist_ok=True)
    ports: dict[str, int] = json.loads(place.ports.read_text()) if place.ports.exists() else {}
    saved = {name: place.systems / f"{name}.json" for name in ("jiandaoyun", "salesforce", "stripe", "xero")}
    world: World | None = None if all(path.exists() for path in saved.values()) else build_world()
    with ExitStack() as stack, ThreadPoolExecutor(1) as background:
        erp_started = background.submit(tryton.start, place.systems / "tryton", port=ports.get("tryton", 0))
        forms = stack.enter_context(
            jiandaoyun.start(world, port=ports.get("jiandaoyun", 0), snapshot_file=saved["jiandaoyun"])
        )
        crm = stack.enter_context(
            salesforce.start(world, port=ports.get("salesforce", 0), directory=place.systems / "salesforce")
        )
        books = stack.enter_context(xero.start(world, port=ports.get("xero", 0)))
        books.access.limits.minute = 6000  # nobody else is calling; the demo need not wait for Xero's minute
        shop = stack.enter_context(stripe.start(world, port=ports.get("stripe", 0)))
        if world is None:
            crm.load(saved["salesforce"])
            shop.load(saved["stripe"])
            books.load(saved["xero"])
        erp = stack.enter_context(erp_started.result())
        if not place.statements.exists():
            year.write(world or build_world(), place.statements)
        place.ports.write_text(
            json.dumps(
                {
                    "jiandaoyun": forms.port,
                    "salesforce": crm.port,
                    "stripe": shop.port,
                    "tryton": erp.port,
                    "xero": books.port,
                },
                indent=1,
            )
        )

        def save() -> None:
            for name, system in (("jiandaoyun", forms), ("salesforce", crm), ("stripe", shop), ("xero", books)):
                fresh = saved[name].with_suffix(".new")
                system.save(fresh)
                fresh.replace(saved[name])

        save()
        stack.callback(save)
        yield {
            "forms": forms.config,
            "crm": {
                "instance_url": crm.base_url,
                "client_id": crm.client_id,
                "client_secret": crm.client_secret,
                "ca_bundle": str(crm.ca_file),
            },
            "erp": {"base_url": erp.base_url, "database": erp.database, "user": erp.user, "password": erp.password},
            "books": {
                "base_url": books.base_url,
                "token_url": books.token_url,
                "client_id": books.client_id,
                "client_secret": books.client_secret,
            },
            "shop": {"base_url": shop.base_url, "api_key": shop.api_key},
            "bank": {"folder": str(place.statements), "patterns": ["*.xml"]},
        }


def main() -> None:
    """Run until told to stop."""
    place = Place(Path(sys.argv[1]).resolve())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with running(place) as endpoints:
            fresh = place.endpoints.with_suffix(".new")
            fresh.write_text(json.dumps(endpoints, indent=1))
            fresh.replace(place.endpoints)
            stop.wait()
            place.endpoints.unlink(missing_ok=True)
    finally:
        place.endpoints.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
