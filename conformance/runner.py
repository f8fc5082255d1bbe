"""Carry checks out, each in a world begun anew, within its time; nothing that goes wrong stops the others."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from conformance import catalogue
from conformance.catalogue import Check
from conformance.lab import Lab, NotShown, Refuted, first_missing, offered
from conformance.needs import REASONS
from conformance.reader import Unsound
from conformance.sleeping import simulated
from conformance.world import Stage, Wish, World
from connectors.contract import StreamSpec
from connectors.errors import ConnectorError

MakeWorld = Callable[[Path], World]


class Status(StrEnum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    BROKEN = "broken"
    """The kit or the stand-in failed, not the connector."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check; ``why`` is a sentence unless it passed, in both languages if it is not applicable."""

    check: Check
    status: Status
    why: dict[str, str]
    seconds: float
    streams: tuple[str, ...] = ()
    """Those that it was shown on."""


class Run:
    """One connector's checks. Use it as a context manager."""

    def __init__(self, make: MakeWorld, *, seed: int = 1) -> None:
        self._make = make
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="ltc-conformance-")
        self._made = 0
        self._world: World | None = None

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exc: object) -> None:
        self._drop()
        self._folder.cleanup()

    def results(self, checks: Sequence[Check] | None = None) -> Iterator[Result]:
        """One result for each check, as soon as it is known."""
        for item in checks if checks is not None else catalogue.checks():
            yield self.result(item)

    def result(self, check: Check) -> Result:
        """Carry out one check on every stream that it applies to; the first failure decides."""
        began = time.perf_counter()
        why: dict[str, str] = {}
        furthest = -1
        shown: list[str] = []
        try:
            pairs = self._pairs()
        except Exception as error:
            return Result(check, Status.BROKEN, _both(_kit_error(error)), time.perf_counter() - began)
        for stage, spec in pairs:
            missing = first_missing(check.needs, offered(self._open(), stage, spec))
            if missing is not None:
                # The reason is that of the stream that comes nearest.
                if check.needs.index(missing) > furthest:
                    why, furthest = REASONS[missing], check.needs.index(missing)
                continue
            status, sentence = self._within_time(check, stage, spec)
            if status is Status.NOT_APPLICABLE:
                why, furthest = _both(sentence), len(check.needs)
                continue
            shown.append(stage.stream)
            if status is not Status.PASSED:
                told = f"{stage.stream}: {sentence}" if len(pairs) > 1 else sentence
                return Result(check, status, _both(told), time.perf_counter() - began, tuple(shown))
            if check.once:
                break
        status = Status.PASSED if shown else Status.NOT_APPLICABLE
        return Result(check, status, {} if shown else why, time.perf_counter() - began, tuple(shown))

    def _pairs(self) -> list[tuple[Stage, StreamSpec]]:
        world = self._open()
        kind = world.kind()
        connector = kind(kind.Config.model_validate(world.config(Wish())))
        try:
            specs = {spec.name: spec for spec in connector.streams()}
        finally:
            connector.close()
        return [(stage, specs[stage.stream]) for stage in world.stages()]

    def _within_time(self, check: Check, stage: Stage, spec: StreamSpec) -> tuple[Status, str]:
        world = self._open()
        seconds = check.seconds * world.patience
        found: list[tuple[Status, str]] = []
        thread = threading.Thread(
            target=lambda: found.append(_played(world, check, stage, spec, self._seed)), daemon=True, name=check.name
        )
        thread.start()
        thread.join(seconds)
        if found and not thread.is_alive():
            return found[0]
        # What hangs in it cannot be ended from here; without its server it soon ends by itself.
        self._drop()
        thread.join(5.0)
        return Status.FAILED, f"It was not done after {seconds:g} s."

    def _open(self) -> World:
        if self._world is None:
            self._made += 1
            folder = Path(self._folder.name) / str(self._made)
            folder.mkdir()
            self._world = self._make(folder)
        return self._world

    def _drop(self) -> None:
        if self._world is not None:
            with suppress(Exception):
                self._world.close()
            self._world = None


def _played(world: World, check: Check, stage: Stage, spec: StreamSpec, seed: int) -> tuple[Status, str]:
    """Carry out a check in a world begun anew. Whatever leaves a connector that is no error of ours is its failure."""
    lab: Lab | None = None
    try:
        world.empty()
        with simulated() as waits:
            lab = Lab(world, stage, spec, waits, seed)
            try:
                check.play(lab)
            finally:
                lab.close()
    except NotShown as error:
        return Status.NOT_APPLICABLE, str(error)
    except (Refuted, Unsound) as error:
        return Status.FAILED, _clean(world, str(error))
    except ConnectorError as error:
        return Status.FAILED, _clean(world, f"It ends with {type(error).__name__}: {error.message}")
    except Exception as error:
        if _is_the_kits(error):
            return Status.BROKEN, _clean(world, _kit_error(error))
        return Status.FAILED, f"It ends with {type(error).__name__}, which is no error of a connector."
    return Status.PASSED, ""


def _is_the_kits(error: BaseException) -> bool:
    """Whether it arose in the kit or a stand-in, and not in the connector."""
    files = []
    trace = error.__traceback__
    while trace is not None:
        files.append(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    ours = [n for n, name in enumerate(files) if name.startswith(("conformance.", "sandbox."))]
    theirs = [n for n, name in enumerate(files) if not name.startswith(("conformance", "sandbox"))]
    if not theirs:
        return True
    # The last frame of the kit called something: a connector's method, or a library of its own.
    after = files[ours[-1] + 1] if ours and ours[-1] + 1 < len(files) else ""
    return after.split(".")[0] in _LIBRARIES


_LIBRARIES = frozenset({"json", "msgspec", "re", "datetime", "decimal", "starlette", "uvicorn", "asyncio", "socket"})


def _kit_error(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_globals.get('__name__')}, line {trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}: {str(error)[:200]}"


def _clean(world: World, text: str) -> str:
    for secret in world.secrets:
        text = text.replace(secret, "…")
    return text


def _both(sentence: str) -> dict[str, str]:
    return {"en": sentence, "zh-CN": sentence}
