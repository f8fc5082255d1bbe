"""A token endpoint that rotates refresh tokens, and a process that refreshes: ``python -m tests.state.token_endpoint``.

Each refresh token is taken once, and within ``grace`` seconds of that once more and again, as Xero does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import threading
import time
from urllib.parse import parse_qs

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.tokens import Grant, SharedToken, TokenKey, TokenRefused, renewed_with, token_key
from sandbox.http import Server
from state.store import open_store
from state.tokens import StoreVault

FIRST = "canary-refresh-0"


class Endpoint:
    """The endpoint; ``grants`` are the refresh tokens that it was asked with and took."""

    def __init__(self, *, grace: float = 0.0, latency: float = 0.0) -> None:
        self.grants: list[str] = []
        self.refused: list[str] = []
        self._used: dict[str, float | None] = {FIRST: None}
        self._grace, self._latency = grace, latency
        self._numbers = itertools.count(1)
        self.server = Server(Starlette(routes=[Route("/token", self._answer, methods=["POST"])]))

    async def _answer(self, request: Request) -> Response:
        token = parse_qs((await request.body()).decode())["refresh_token"][0]
        await asyncio.sleep(self._latency)
        if token not in self._used or self._is_spent(token):
            self.refused.append(token)
            return JSONResponse({"error": "invalid_grant"}, 400)
        self._used[token] = self._used[token] or time.monotonic()
        self.grants.append(token)
        number = next(self._numbers)
        self._used[f"canary-refresh-{number}"] = None
        return JSONResponse(
            {"access_token": f"canary-access-{number}", "expires_in": 1800, "refresh_token": f"canary-refresh-{number}"}
        )

    def _is_spent(self, token: str) -> bool:
        used = self._used[token]
        return used is not None and time.monotonic() - used > self._grace


def key() -> TokenKey:
    """Whose tokens."""
    return token_key("stand-in", "client", secret=FIRST)


def exchange(url: str, refresh_token: str) -> Grant:
    """One call of the endpoint. Raises ``TokenRefused``."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    answer = httpx.post(f"{url}/token", data=form, timeout=60, trust_env=False)
    if answer.status_code == 400:
        raise TokenRefused("The endpoint does not take the refresh token.")
    found = answer.json()
    return Grant.made(found["access_token"], found["expires_in"], refresh_token=found["refresh_token"])


def renew(url: str, last: Grant | None) -> Grant:
    """The next grant."""
    return renewed_with(last, FIRST, lambda used: exchange(url, used))


def race(vault: StoreVault, url: str, threads: int) -> set[str]:
    """Let so many threads, each with a connection of its own, ask for a token at once; returns what they got."""
    got: set[str] = set()
    together = threading.Barrier(threads)

    def ask() -> None:
        token = SharedToken(lambda: vault, key, lambda last: renew(url, last))
        together.wait()
        got.add(token.fresh().access_token)

    workers = [threading.Thread(target=ask) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return got


def main() -> None:
    """``race URL STORE THREADS`` prints what was got; ``stop URL STORE`` stops between the answer and the store."""
    what, url, address = sys.argv[1:4]
    with open_store(address) as store:
        vault = StoreVault(store)
        if what == "race":
            print("ready", flush=True)  # noqa: T201 - the parent waits for it
            sys.stdin.readline()
            print(json.dumps(sorted(race(vault, url, int(sys.argv[4])))), flush=True)  # noqa: T201
            return

        def do(last: Grant | None) -> Grant:
            if what == "hang":
                print("asking", flush=True)  # noqa: T201
                sys.stdin.readline()
            granted = renew(url, last)
            print("answered", flush=True)  # noqa: T201
            sys.stdin.readline()
            return granted

        vault.refresh(key(), vault.current(key()), do)


if __name__ == "__main__":
    main()
