"""Fuzz the parsers of outside input: ``python -m tests.fuzz --seconds 600 --target xero --seed 1``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fuzz.engine import INSTRUMENTED, Fuzzing, Outcome


def main() -> int:
    """Run the targets one after the other, each in a process of its own; 1 if one of them crashed."""
    given = _arguments()
    if given.list:
        for target in _targets().values():
            print(f"{target.name:14}{', '.join(target.parsers)}")
        return 0
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1, 1 << 31)
    if given.target and len(given.target) == 1:
        return _one(given.target[0], given.seconds, seed, given.crashes)
    codes = []
    for name in given.target or list(_targets()):
        again = [
            "--target",
            name,
            "--seconds",
            str(given.seconds),
            "--seed",
            str(seed),
            "--crashes",
            str(given.crashes),
        ]
        codes.append(subprocess.run([sys.executable, "-m", "tests.fuzz", *again], check=False).returncode)
    return max(codes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--list", action="store_true", help="the targets and what they fuzz")
    parser.add_argument("--target", action="append", help="only this one; may be given several times")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each target")
    parser.add_argument("--seed", type=int, help="the same seed, the same run (without Atheris); default: a fresh one")
    default = Path(tempfile.gettempdir()) / "ltc-fuzz-crashes"
    parser.add_argument("--crashes", type=Path, default=default, help="where inputs that crash are kept")
    return parser.parse_args()


def _targets() -> Any:
    return importlib.import_module("tests.fuzz.targets").TARGETS


def _one(name: str, seconds: float, seed: int, folder: Path) -> int:
    guided = importlib.util.find_spec("atheris") is not None
    if guided:
        # What is imported in here is watched: which branches an input takes.
        with importlib.import_module("atheris").instrument_imports(include=list(INSTRUMENTED)):
            targets = _targets()
    else:
        targets = _targets()
    if name not in targets:
        print(f"There is no target {name!r}; there are {', '.join(targets)}.", file=sys.stderr)
        return 2
    fuzzing = Fuzzing(targets[name], seconds, seed)

    def done(outcome: Outcome) -> int:
        return _tell(outcome, seed, guided, folder)

    if guided:
        fuzzing.run_guided(done)
    return done(fuzzing.run())


def _tell(outcome: Outcome, seed: int, guided: bool, folder: Path) -> int:
    for number, crash in enumerate(outcome.crashes.values(), 1):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{outcome.target}-{os.getpid()}-{number}"
        path.write_bytes(crash.data)
        print(f"\n{crash.where}\n{crash.trace}input: {path}\n")
    how = "guided" if guided else "unguided"
    print(
        f"target={outcome.target} seconds={outcome.seconds:.0f} executions={outcome.executions} "
        f"crashes={len(outcome.crashes)} seed={seed} {how}",
        flush=True,
    )
    return 1 if outcome.crashes else 0


if __name__ == "__main__":
    sys.exit(main())
