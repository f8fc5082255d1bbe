"""Take in an answer up to a size and a time, so that no server fills our memory or keeps us; knows no client."""

from __future__ import annotations

import time
from collections.abc import Iterable

from connectors.errors import ContractError, TransientError

LARGEST_ANSWER = 64 * 1024 * 1024
"""Most bytes of one answer, unpacked, that a session takes in by default."""

ENCODINGS = "gzip, deflate"
"""What we ask for. Both unpack to at most a thousand times their size, so one chunk of a stream stays small."""

PATIENCE = 10.0
"""A body may take so many times the longest wait for its next piece."""

_MEBIBYTE = 1024 * 1024


def take_in(chunks: Iterable[bytes], encoding: str | None, host: str, largest: int, seconds: float) -> bytes:
    """The answer's body from its unpacked chunks, which are read no further than ``largest`` bytes and ``seconds``.

    ``encoding`` is the answer's ``Content-Encoding``. Raises ``ContractError`` if the body is larger, or packed in a
    way that was not asked for (twice over, for instance, of which a few bytes could unpack to any size), and
    ``TransientError`` if it comes so slowly that it is not there in time.
    """
    ends = time.monotonic() + seconds
    if (encoding or "identity").strip().lower() not in ("identity", "gzip", "x-gzip", "deflate"):
        raise ContractError(
            f"{host} packed its answer in a way that was not asked for.",
            remedy="Check the base URL; a proxy may have changed the answer. Otherwise report it.",
        )
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > largest:
            raise ContractError(
                f"{host} sent an answer of more than {_shown(largest)}, which is the most that is taken in.",
                remedy="Lower page_size if records are very large; otherwise the address is not the system's.",
            )
        parts.append(chunk)
        if time.monotonic() > ends:
            raise TransientError(
                f"{host} took more than {seconds:g} s for one answer.",
                remedy="It is tried again on the next run; lower page_size if the connection is slow.",
            )
    return b"".join(parts)


def _shown(size: int) -> str:
    return f"{size // _MEBIBYTE} MiB" if size >= _MEBIBYTE else f"{size} bytes"
