"""A system that takes calls and answers none: how often a call is tried, and for how long, is what is told of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from connectors.contract import CallStats
from connectors.errors import TransientError
from connectors.http import HttpSession
from connectors.network import Network
from connectors.registry import load
from connectors.retry import RetryPolicy

SLACK = 0.5
"""Seconds that a busy machine may take besides."""


@pytest.fixture
def hung() -> Iterator[str]:
    """The address of a process that was stopped: the kernel takes its connections, and nobody answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("policy", "timeout", "tries"),
    [
        (RetryPolicy(total_seconds=0.3, first_seconds=0.001), 0.3, 1),
        (RetryPolicy(total_seconds=0.3, first_seconds=0.001), 0.2, 2),
        (RetryPolicy(total_seconds=0.5, first_seconds=0.001), 0.2, 3),  # as Xero's: 150 seconds, and 60 for each try
        (RetryPolicy(attempts=2, total_seconds=9, first_seconds=0.001), 0.1, 2),
    ],
)
def test_a_call_to_a_system_that_hangs_takes_so_many_tries_and_so_long_as_is_told(
    hung: str, policy: RetryPolicy, timeout: float, tries: int
) -> None:
    stats = CallStats()
    network = Network(private=("127.0.0.1",), plain_http=("127.0.0.1",))
    session = HttpSession(
        hung, stats=stats, classify=lambda _answer: None, policy=policy, timeout=timeout, network=network
    )
    began = time.monotonic()
    with pytest.raises(TransientError):
        session.request("GET", "/")
    took = time.monotonic() - began
    session.close()
    assert (stats.calls, policy.silent_tries(timeout)) == (tries, tries)
    assert tries * timeout <= took <= policy.longest_silence(timeout) + SLACK


def test_what_is_told_of_a_connector_is_its_own_patience() -> None:
    told = {name: load(name).patience for name in ("xero", "stripe", "jiandaoyun", "odoo", "salesforce")}
    most = {name: (policy.silent_tries(60), policy.longest_silence(60)) for name, policy in told.items()}
    assert most["xero"] == (3, 181.5)
    assert most["stripe"] == most["odoo"] == (2, 120.5)
    assert most["salesforce"] == (1, 60)
