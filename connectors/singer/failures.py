"""What a tap's end and its last words mean: one of our errors, without the secrets it was given.

Singer knows only zero and not zero. Taps built with the Singer SDK end with 1 whatever happened, so what the matter
was can only be read from what they wrote to standard error.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from connectors.errors import AuthError, ConnectorError, ContractError, TransientError
from connectors.redact import masked

_GONE = "…"
_SHORTEST = 3
"""Shorter values are no secrets; without them hardly a word would be left."""
_IN_ADDRESS = re.compile(r"://([^/@]*)@")
"""User and password in an address, of a database or a proxy."""
_SHOWN_LINES = 4
_READ_LINES = 15
_NOISE = re.compile(r"^\s|^Traceback \(|\bMETRIC\b|^(?:[\d:., TZ+-]+\|\s*)?(?:INFO|DEBUG)\b")
"""Lines that do not tell what went wrong: the frames of a traceback, measurements, news."""
_HEAD = re.compile(r"^(?:[\d:., TZ+-]+\|\s*)?(?:WARNING|ERROR|CRITICAL|FATAL)\b[\s|:]*(?:[\w.-]+\s*\|\s*)?")
"""What the Singer SDK and singer-python put before a line of their logs."""
_CLASS = re.compile(r"\b[A-Z][A-Za-z]{2,40}(?:Error|Exception|Failure|Timeout|Refused)\b")
"""The name of a Python exception."""
_REFUSED = re.compile(
    r"\b401\b.{0,40}(?:unauthori[sz]ed|client error)|(?:status|code|http)\D{0,12}\b401\b|\bunauthori[sz]ed\b"
    r"|invalid_(?:grant|client|token)|(?:authentication|login|logon) (?:has )?failed|password authentication failed"
    r"|(?:invalid|wrong|bad|expired) (?:api[ _-]?key|credentials|password|(?:access |refresh )?token)",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b403\b.{0,40}(?:forbidden|client error)|(?:status|code|http)\D{0,12}\b403\b|permission denied", re.IGNORECASE
)
_PASSING = re.compile(
    r"\b429\b.{0,40}(?:too many|client error)|\b50[0234]\b.{0,40}(?:server error|bad gateway|unavailable|time-?out)"
    r"|(?:status|code|http)\D{0,12}\b(?:429|50[0234])\b|rate limit|too many requests|timed? ?out"
    r"|connection (?:was |has been )?(?:refused|reset|aborted|closed)|temporarily unavailable"
    r"|\b(?:ConnectionError|ConnectTimeout|ReadTimeout|RetriableAPIError|TapStreamConnectionFailure)\b",
    re.IGNORECASE,
)
_SETTINGS = re.compile(r"config validation|is a required property|missing required config", re.IGNORECASE)
_STOPPED = "Gracefully shutting down"
"""What the Singer SDK logs when it is told to end. It then ends with 0, as if it had read everything."""


class Hidden:
    """The values that no message may hold."""

    def __init__(self, *documents: Any) -> None:
        parts = {part for document in documents for text in _texts(document) for part in (text, *text.splitlines())}
        longest_first = sorted((part.strip() for part in parts), key=len, reverse=True)
        words = [re.escape(part) for part in longest_first if len(part) >= _SHORTEST]
        self._pattern = re.compile("|".join(words), re.IGNORECASE) if words else None

    def shown(self, line: str) -> str:
        """A line of the tap's without them, and without whatever else may be a name, a value or a secret."""
        text = self._pattern.sub(_GONE, line) if self._pattern else line
        pieces, classes = _CLASS.split(text), _CLASS.findall(text)
        kept = [masked(pieces[0])]
        for name, piece in zip(classes, pieces[1:], strict=True):
            kept += [name, masked(piece)]
        joined = re.sub(r" (?=[:;,.])", "", " ".join(part for part in kept if part))
        return re.sub(rf"{_GONE}(?:[\s:|]*{_GONE})+", _GONE, joined)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        text = str(value)
        yield text
        for within in _IN_ADDRESS.findall(text):
            yield from (part for word in within.split(":") for part in (word, unquote(word)))


def was_stopped(lines: Iterable[str]) -> bool:
    """Whether a tap that ended well was told to end before it was done."""
    return any(_STOPPED in line for line in lines)


def failure(name: str, status: int, lines: list[str], hidden: Hidden) -> ConnectorError:
    """The error of a tap that ended with a status other than zero (negative: the signal that killed it)."""
    words = last_words(lines, hidden)
    if status < 0:
        return TransientError(
            f"{name} was killed by {_signal(status)}. {words}".strip(),
            remedy="If it happens again, look whether the machine ran out of memory.",
        )
    told = "\n".join(lines[-_READ_LINES:])
    message = f"{name} ended with status {status}. {words}".strip()
    if _REFUSED.search(told):
        return AuthError(message, remedy="The source refuses the credentials in the tap's settings; correct them.")
    if _PASSING.search(told):
        return TransientError(message, remedy="It is tried again by the next run.")
    if _FORBIDDEN.search(told):
        return ContractError(message, remedy="The tap's account may not read this; give it the permission it lacks.")
    if _SETTINGS.search(told):
        return ContractError(message, remedy=f"Correct `config`; `{name} --about` lists what it takes.")
    return ContractError(message, remedy="Run the tap by hand with the same settings to see all that it says.")


def last_words(lines: list[str], hidden: Hidden) -> str:
    """A sentence with the tap's last lines that say something, safe to show."""
    telling = [line for line in lines if line.strip() and not _NOISE.search(line)]
    heard = [hidden.shown(_HEAD.sub("", line)) for line in telling[-_SHOWN_LINES:]]
    said = [shown for shown in heard if shown.strip(f" |:{_GONE}")]
    return f"It said: {' / '.join(said)}" if said else "It said nothing that can be shown."


def _signal(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
