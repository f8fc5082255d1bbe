"""Turn an error into what a person reads, what is wrong and what to do, and into the exit code."""

from __future__ import annotations

import traceback
from pathlib import Path

from yamlfiles.problems import Problem

_USAGE = {
    "SecretMissing",
    "KeyUnusable",
    "SystemUnusable",
    "FileUnusable",
    "UnknownConnector",
    "FindingError",
    "MemberError",
    "PauseError",
    "PeriodError",
    "AttachmentError",
    "LinkError",
    "FileExistsError",
}
"""Errors of what was asked or configured: exit code 2."""
_SENTENCES = {
    "UnknownConnector": "`ltc connectors list` shows the ones there are.",
    "FileExistsError": "",
    "DoesNotFootError": "Run `ltc reconcile`; if it stays, please report it: figures that do not foot are never shown.",
}
"""Errors that are a sentence as they are, and the remedy that goes with them."""


def told(error: BaseException) -> tuple[str, int]:
    """The message for standard error, and the exit code."""
    problems = getattr(error, "problems", None)
    if isinstance(problems, list) and all(isinstance(problem, Problem) for problem in problems):
        return "\n".join(str(problem) for problem in problems), 2
    name = type(error).__name__
    code = 2 if _names(error) & _USAGE else 1
    if hasattr(error, "message") and hasattr(error, "remedy"):
        where = f"{error.where}: " if hasattr(error, "where") else ""
        return _lines(f"{where}{error.message}", error.remedy), code
    if name in _SENTENCES:
        return _lines(str(error.args[0]) if error.args else str(error), _SENTENCES[name]), code
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}.", 1
    return _unexpected(error), 1


def _names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _lines(message: str, remedy: str) -> str:
    return message + (f"\n  → {remedy}" if remedy else "")


def _unexpected(error: BaseException) -> str:
    """Only what it was and where, because its text might hold data."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    return (
        f"ltc met an error it does not know: {type(error).__name__}{where}.\n"
        "  → Run the command again with LTC_DEBUG=1 to see all of it, and report it."
    )
