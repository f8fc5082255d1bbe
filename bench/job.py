"""The ``ltc`` command with the bench's connector known to it: ``python -m bench.job --config ltc.yaml sync``.

The last line of its output is JSON, as ``bench.measure`` reads it.
"""

from __future__ import annotations

import json
import sys

from bench.contestant import peak_kib
from connectors import registry


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    registry._BUILT_IN["bench"] = "bench.connector:Bench"
    from console.cli import main as ltc

    sys.argv = ["ltc", *arguments]
    try:
        ltc()
    except SystemExit as stopped:
        code = stopped.code
    sys.stdout.write("\n" + json.dumps({"counts": {}, "peak_kib": peak_kib()}) + "\n")
    return int(code or 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
