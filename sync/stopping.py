"""What asks a process to stop: Ctrl-C and SIGTERM, or SIGTERM alone where Ctrl-C is ignored."""

from __future__ import annotations

import signal
import threading


def listen() -> None:
    """Let SIGTERM, by which services and containers are ended, do what Ctrl-C does; for a command's entry point.

    A shell script starts what it puts in the background with SIGINT ignored: Ctrl-C is meant for the script. It stays
    ignored then, and SIGTERM stops the process by itself.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    else:
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def asking() -> signal.Signals | None:
    """The signal that raises ``KeyboardInterrupt`` in this thread, for who wants to hold it back for a while.

    ``None`` if somebody else decides what it means, or in another than the main thread.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is signal.default_int_handler:
                return number
    return None
