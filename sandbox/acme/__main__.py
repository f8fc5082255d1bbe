"""Run Acme until it is stopped: ``python -m sandbox.acme --port 8765``."""

from __future__ import annotations

import argparse
import signal
import threading

from sandbox.acme import TOKEN, Acme, start


def main() -> None:
    """Serve so many orders, the same ones each time."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.acme", description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--orders", type=int, default=120)
    asked = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with start(Acme(asked.orders), asked.port) as server:
        print(f"Acme listens on {server.base_url}/api; its token is {TOKEN}", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
