"""How long a hundred suggestions take at the matching desk, with the keyboard alone, in a real Chromium.

    python -m bench.desk [--suggestions 100]

Of each receipt one thing is known, its amount, which one open invoice has. So nobody knows who paid: the space bar says
that one does, and Enter takes the suggestion; the next receipt is looked at as soon as its tick has the focus. What is
measured is what people wait for, without their thinking.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from bench.reconcile import generate_receipts, settings
from bench.run import RESULTS, commit, machine
from console.web.app import workbench
from state import members
from state.members import Role
from state.store import Store, open_store


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--suggestions", type=int, default=100)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder) / 'desk.db'}") as store:
        seconds = _reviewed(store, chosen.suggestions)
    sys.stdout.write(f"{chosen.suggestions} suggestions: {seconds:.1f} s of waiting, {2 * chosen.suggestions} keys\n")
    now = datetime.now(UTC)
    kept = {"at": now.isoformat(), "commit": commit(), "machine": machine(), "suggestions": chosen.suggestions}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"desk-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps({**kept, "seconds": round(seconds, 1)}, indent=1) + "\n", encoding="utf-8")
    return 0


def _reviewed(store: Store, count: int) -> float:
    from reconciliation.engine import reconcile

    generate_receipts(store, count)
    reconcile(store, settings(), "r1")
    with store.transaction() as connection:
        members.invite(connection, "anna", [Role.FINANCE], "bench")
        token = members.sign_in(connection, "anna")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(workbench(store, settings()), log_level="warning", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            return _typed(address, token, count)
        finally:
            server.should_exit = True
            thread.join()


def _typed(address: str, token: str, count: int) -> float:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = browser.new_context(base_url=address)
        context.add_cookies([{"name": "ltc", "value": token, "url": address}])
        page = context.new_page()
        page.goto("/cash")
        started = time.perf_counter()
        for _ in range(count):
            page.locator("input[name=seen]:focus").wait_for()
            page.keyboard.press("Space")
            with page.expect_navigation():
                page.keyboard.press("Enter")
        taken = time.perf_counter() - started
        browser.close()
        return taken


if __name__ == "__main__":
    sys.exit(main())
