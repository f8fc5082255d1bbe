"""Run Tryton's own server as a child process that ends when its parent does.

    python -m sandbox.tryton.serve -c trytond.conf -d DATABASE

The parent holds the other end of standard input; when that closes, however the parent ended, the server goes too.
"""

from __future__ import annotations

import os
import sys
import threading


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


def main() -> None:
    """Serve until standard input ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from psycopg_pool.base import AttemptWithBackoff
    from trytond.cli import main as serve

    # A database may be replaced under the running server; without this its pool waits a second and more for each
    # connection that was cut.
    AttemptWithBackoff.INITIAL_DELAY = 0.02
    serve()


if __name__ == "__main__":
    main()
