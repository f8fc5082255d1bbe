"""A source that answers 429 strictly, and a process that calls it (``tests.state.caller URL STORE RATE COUNT``)."""

from __future__ import annotations

import sys
import time
from collections import deque

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors.budget import Allowance, account
from connectors.contract import CallStats
from connectors.http import HttpSession
from sandbox.http import Server
from state.store import open_store
from sync.services import services_of


class Strict:
    """Takes ``calls`` in any ``seconds``."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._seconds = calls, seconds
        self._times: deque[float] = deque()
        self.server = Server(Starlette(routes=[Route("/call", self._answer)]))

    async def _answer(self, _request: Request) -> JSONResponse:
        now = time.monotonic()
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        if len(self._times) >= self._calls:
            return JSONResponse({}, 429, {"Retry-After": "1"})
        self._times.append(now)
        return JSONResponse({})


def main() -> None:
    """Call so many times, and print how often it had to be tried again."""
    url, address, rate, count = sys.argv[1:5]
    stats = CallStats()
    with open_store(address) as store:
        services = services_of(store)
        # A machine that runs other tests, too, sends its calls less evenly: leave it a tenth.
        allowance = Allowance(account("strict", url), float(rate) * 0.9)
        session = HttpSession(
            url,
            stats=stats,
            classify=lambda _: None,
            budget=lambda: services.budget,
            allowances=[allowance],
        )
        for _ in range(int(count)):
            session.request("GET", "/call")
        session.close()
        services.close()
    print(f"{stats.retries} retries")  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
