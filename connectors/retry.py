"""The one place that retries (and imports tenacity): bounded attempts and time, full jitter, Retry-After obeyed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from connectors.errors import TransientError, Unreachable
from connectors.waiting import is_asked_to_stop, is_waiting, no_waiting, sleep_unless_stopped

__all__ = ["RetryPolicy", "call", "no_waiting"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to keep trying: ``attempts`` in all, ``total_seconds`` in all, waits drawn from ``[0, cap]``.

    The cap doubles from ``first_seconds`` up to ``max_seconds``. A wait the source asked for (``retry_after``) replaces
    the drawn one; if it is longer than ``total_seconds`` leaves, the error is raised at once. Where nobody answers
    (``Unreachable``), ``unreachable_attempts`` within ``unreachable_seconds`` are enough: what stays down longer than a
    restart takes is for the next run.
    """

    attempts: int = 5
    total_seconds: float = 60.0
    first_seconds: float = 0.5
    max_seconds: float = 20.0
    unreachable_attempts: int = 3
    unreachable_seconds: float = 8.0

    def silent_tries(self, timeout: float) -> int:
        """How often a call is tried at most if each try ends after ``timeout`` seconds without an answer."""
        return max(1, min(self.attempts, math.ceil(self.total_seconds / timeout)))

    def longest_silence(self, timeout: float) -> float:
        """Seconds after which a call is given up at the latest that gets no answer, each try within ``timeout``."""
        tries = self.silent_tries(timeout)
        waits = sum(min(self.first_seconds * 2.0**number, self.max_seconds) for number in range(tries - 1))
        return min(tries * timeout + waits, self.total_seconds + timeout)


def call(
    function: Callable[[], T],
    policy: RetryPolicy,
    *,
    on_retry: Callable[[TransientError, float], None] | None = None,
) -> T:
    """Call ``function`` until it returns; ``TransientError`` is tried again, everything else leaves at once.

    ``on_retry`` is told the error and the wait in seconds before each new attempt. Raises the last ``TransientError``,
    at once after somebody has asked for a stop (``waiting.ended_by``).
    """
    began = time.monotonic()
    try:
        return function()  # nearly every call ends here, and what repeats it need not be made
    except TransientError as error:
        first = error
    return _again(function, policy, on_retry, began, first)


def _again(
    function: Callable[[], T],
    policy: RetryPolicy,
    on_retry: Callable[[TransientError, float], None] | None,
    began: float,
    first: TransientError,
) -> T:
    """Go on after a first attempt that failed."""
    last, tried = first, False

    def attempt() -> T:
        nonlocal last, tried
        if not tried or is_asked_to_stop():  # the first one has failed already
            tried = True
            raise last
        try:
            return function()
        except TransientError as error:
            last = error
            raise

    jitter = tenacity.wait_random_exponential(multiplier=policy.first_seconds, max=policy.max_seconds)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and error.retry_after is not None:
            return error.retry_after
        return jitter(state)

    def stop(state: tenacity.RetryCallState) -> bool:
        # Without waiting, the waits left out count all the same, so that simulated time is bounded like real time.
        elapsed = time.monotonic() - began + state.upcoming_sleep + (0.0 if is_waiting() else state.idle_for)
        attempts, seconds = policy.attempts, policy.total_seconds
        if state.outcome and isinstance(state.outcome.exception(), Unreachable):
            attempts, seconds = min(attempts, policy.unreachable_attempts), min(seconds, policy.unreachable_seconds)
        return state.attempt_number >= attempts or elapsed > seconds or is_asked_to_stop()

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if on_retry is not None and isinstance(error, TransientError):
            on_retry(error, state.upcoming_sleep)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=wait,
        stop=stop,
        before_sleep=before_sleep,
        sleep=sleep_unless_stopped,
        reraise=True,
    )
    return retrying(attempt)
