"""What became of one stream in one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from connectors.errors import ConnectorError, QuotaError
from mappings.errors import MappingFileError
from state.clock import now
from state.failures import StoreError
from state.shapes import Drift


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a stream failed: ``kind`` says what sort of thing it is, ``message`` and ``remedy`` are for a person.

    Kinds: those of ``connectors.errors``, ``store``, ``busy`` (another process works on it), ``configuration``.
    """

    kind: str
    message: str
    remedy: str = ""
    system: str = ""
    """The one it is about, where it is about one."""


@dataclass(slots=True)
class StreamOutcome:
    """One stream, one direction (``fetch``, ``pull``, ``push``, ``sweep``, ``replay``), one run."""

    system: str
    stream: str
    direction: str
    status: str = "running"
    """``done``, ``failed`` or ``interrupted``; what was committed before stays."""
    counts: dict[str, int] = field(default_factory=dict)
    error: Problem | None = None
    drift: list[Drift] = field(default_factory=list)
    """Fields found new, gone or of another type; each is told once."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether everything there was to do is done."""
        return self.status == "done"

    @property
    def waits(self) -> bool:
        """Whether it goes on, where it stopped, when the source's allowance is back."""
        return self.error is not None and self.error.kind == QuotaError.kind


def problem(error: ConnectorError | StoreError | MappingFileError) -> Problem:
    """The error as an outcome shows it."""
    if isinstance(error, ConnectorError):
        sample = getattr(error, "sample", "")
        shown = f" Answer (values removed): {sample}" if sample else ""
        remedy = error.remedy
        if isinstance(error, QuotaError) and error.reset_after:
            back = now() + timedelta(seconds=error.reset_after)
            remedy = f"{remedy} It is expected back at {back:%Y-%m-%d %H:%M} UTC.".strip()
        return Problem(error.kind, error.message + shown, remedy)
    if isinstance(error, MappingFileError):
        return Problem("configuration", f"{error.where}: {error.message}", error.remedy)
    return Problem(error.kind, error.message, error.remedy)
