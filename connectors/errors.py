"""The errors a connector may raise, ordered by what the caller does about them.

    ConnectorError
    ├── TransientError   try again with back-off (network, 5xx, throttled); ``retry_after`` if the source said
    │   ├── Throttled    too many calls: whoever shares the allowance pauses
    │   ├── Unanswered   taken in, and no answer came in time: then the whole system stops
    │   └── Unreachable  nobody answers at the address: tried a few times only, then the whole system stops
    ├── AuthError        credentials refused: refreshed once by the connector, then the whole system stops
    ├── QuotaError       the allowance is used up: stop the system until ``reset_after`` seconds, keep the cursor
    ├── RecordError      one record is unusable: quarantine it, go on with the rest
    ├── WebhookRefused   a request to our webhook is forged, too old or none of ours: it is answered 401
    └── ContractError    the source answered something it does not document: stop the stream, show the sample

Every message is one sentence for a person and never holds a secret or personal data; ``remedy`` says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ConnectorError(Exception):
    """Base of every error that leaves a connector.

    ``message`` is a sentence for the user, ``remedy`` the next step, ``stream`` the stream it happened in
    (filled in by the caller where the connector does not know it).
    """

    kind = "error"

    def __init__(self, message: str, *, remedy: str = "", stream: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.stream = stream

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class TransientError(ConnectorError):
    """Worth another try. ``retry_after`` is the wait the source asked for, in seconds, or ``None``.

    ``sent`` tells whether the request may have reached the source: a write with ``sent=True`` and no answer has an
    unknown outcome and must be read back before it is sent again.
    """

    kind = "transient"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        stream: str | None = None,
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message, remedy=remedy, stream=stream)
        self.retry_after = retry_after
        self.sent = sent


class Throttled(TransientError):
    """The source asks for fewer calls and has done nothing; ``retry_after`` is for all who share the allowance."""

    def __init__(
        self, message: str, *, remedy: str = "", stream: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, stream=stream, retry_after=retry_after, sent=False)


HANGS = (
    "Look whether the system works for people at all, and ask whoever runs it. If it is only slow, raise "
    "`timeout_seconds` of the system. The next run tries it again."
)
"""What to do about a system that takes calls and answers none."""


class Unanswered(TransientError):
    """A connection was made and no answer came in time: the system hangs, or takes too long over this one question."""

    kind = "unanswered"


class Unreachable(TransientError):
    """No connection could be made, so nothing was sent: the system is down, or the address or the network is wrong."""

    kind = "unreachable"

    def __init__(self, message: str, *, remedy: str = "", stream: str | None = None) -> None:
        super().__init__(message, remedy=remedy, stream=stream, sent=False)


class AuthError(ConnectorError):
    """The source refuses our credentials or their scope; no request to this system will work until a person acts."""

    kind = "auth"


class QuotaError(ConnectorError):
    """The source's allowance (per day, per plan) is used up; ``reset_after`` is in seconds, ``None`` if not told.

    ``sent`` is for ``Connector.push`` and ``create`` to deny, which know what they have done: then none of the changes
    that have no result yet was sent. Otherwise each of them may have been.
    """

    kind = "quota"

    def __init__(
        self, message: str, *, remedy: str = "", stream: str | None = None, reset_after: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, stream=stream)
        self.reset_after = reset_after
        self.sent = True


@contextmanager
def unsent_over_quota() -> Iterator[None]:
    """Let a ``QuotaError`` that leaves the block say ``sent=False``.

    Around one change or batch of ``push`` or ``create``, in which nothing meets the quota after something was written,
    and before which all results were told: then the write was refused, or not even asked for.
    """
    try:
        yield
    except QuotaError as error:
        error.sent = False
        raise


class RecordError(ConnectorError):
    """One record cannot be used; ``source_id`` and ``field`` name it."""

    kind = "record"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        stream: str | None = None,
        source_id: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, stream=stream)
        self.source_id = source_id
        self.field = field


class WebhookRefused(ConnectorError):
    """A request to our webhook does not come from the source, or is too old; nothing of it is taken in."""

    kind = "webhook"


class ContractError(ConnectorError):
    """The source answered outside its documentation; ``sample`` is the redacted answer (shape only, no values)."""

    kind = "contract"

    def __init__(self, message: str, *, remedy: str = "", stream: str | None = None, sample: str = "") -> None:
        super().__init__(message, remedy=remedy, stream=stream)
        self.sample = sample

    def __str__(self) -> str:
        shown = f" Answer (values removed): {self.sample}" if self.sample else ""
        return super().__str__() + shown
