"""Tryton's JSON-RPC with a session: logs in when needed, once more when the session runs out, never twice in vain."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from connectors import retry
from connectors.budget import Allowance, account
from connectors.contract import CallStats
from connectors.errors import AuthError, ConnectorError, ContractError, TransientError, Unanswered
from connectors.http import Classify, HttpSession, authority_of
from connectors.rawjson import decode, parse, shape
from connectors.services import Services, in_process
from connectors.tryton import errors
from connectors.tryton.config import TrytonConfig

# Always asked for: to a client that does not, Tryton labels plain answers as gzip.
_HEADERS = {"Accept-Encoding": "gzip"}

# Asked again where the answer was lost quickly; the half minute of silence about an unknown database is not repeated.
_AT_THE_DOOR = retry.RetryPolicy(attempts=3, total_seconds=15.0)
_ONCE = retry.RetryPolicy(attempts=1, unreachable_attempts=1)
_LOOK_SECONDS, _LIST_SECONDS = 10.0, 4.0
"""How long a check waits for the log-in, and then for the names of the databases."""


class _Preferences(msgspec.Struct):
    company: int | None = None


_preferences = msgspec.json.Decoder(_Preferences)


class Rpc:
    """Calls to one database as one user; safe to share between threads."""

    def __init__(self, config: TrytonConfig, stats: CallStats, services: Callable[[], Services] = in_process) -> None:
        self._config = config
        self._path = f"/{config.database}/rpc/"
        rate = config.calls_per_second  # our own choice: a short run need not be slowed down
        key = account("tryton", str(config.base_url), config.database)
        self.allowance = Allowance(key, 10 * rate, 10.0, burst=int(rate), name="Tryton")
        shared: Any = {
            "stats": stats,
            "budget": lambda: services().budget,
            "allowances": [self.allowance],
            "timeout": config.timeout_seconds,
            "network": config.network,
            "verify": authority_of(config.ca_bundle) if config.ca_bundle else None,
        }
        base_url = str(config.base_url)
        self._shared = shared
        self._door = HttpSession(base_url, classify=errors.classify_login, policy=_AT_THE_DOOR, **shared)
        self._session = HttpSession(
            base_url,
            **shared,
            classify=errors.classify,
            authenticate=self._authorization,
            reauthenticate=self._log_in_again,
        )
        self._lock = threading.Lock()
        self._token: str | None = None
        self._used = threading.local()
        """Of each thread, the token that its last request carried."""
        self._refused: AuthError | None = None
        self._context: dict[str, Any] | None = None
        self.clock_ahead = 0.0
        """Seconds that the server's clock is ahead of ours, by its last ``Date`` header: exact to a second and the time
        that the answer took."""

    def close(self) -> None:
        """Close the connections."""
        self._door.close()
        self._session.close()

    def call(self, model: str, method: str, *params: Any, safe: bool = True, context: Mapping[str, Any] = {}) -> bytes:
        """Call a method of a model with the user's context and return the raw result.

        ``safe`` says that sending it twice does no harm. Raises any ``ConnectorError``.
        """
        return self._post(f"model.{model}.{method}", [*params, {**self.context(), **context}], safe)

    def context(self) -> dict[str, Any]:
        """The context every call carries: the company, without which company-dependent values are missing."""
        if self._context is None:
            raw = self._post("model.res.user.get_preferences", [True, {}], safe=True)
            company = self._config.company or parse(raw, _preferences).company
            self._context = {"company": company, "language": "en"}
        return self._context

    def _post(self, method: str, params: list[Any], safe: bool) -> bytes:
        body = {"id": 1, "method": method, "params": params}
        response = self._session.request("POST", self._path, json=body, headers=_HEADERS, safe=safe)
        self._note_clock(response.headers.get("date"), response.elapsed.total_seconds())
        result = bytes(errors.envelope(response.content).result)
        if not result:
            raise ContractError("Tryton's answer has neither result nor error.", sample=shape(response.content))
        return result

    def _note_clock(self, date: str | None, waited: float) -> None:
        """``waited``: seconds that the answer took, within which the header was written."""
        try:
            shown = parsedate_to_datetime(date or "")
        except ValueError:
            return
        if shown.tzinfo is None:
            return
        unsure = (1.0 + waited) / 2  # the header is cut to seconds
        ahead = (shown - datetime.now(UTC)).total_seconds() + unsure
        self.clock_ahead = ahead if abs(ahead) > 1.0 + unsure else 0.0

    # Session

    def _authorization(self) -> dict[str, str]:
        with self._lock:
            if self._token is None:
                self._log_in()
            self._used.token = self._token
            return {"Authorization": f"Session {self._token}"}

    def _log_in_again(self) -> bool:
        with self._lock:
            if self._refused is not None:
                return False
            if self._token == getattr(self._used, "token", None):
                self._token = None  # otherwise another thread has logged in since
        return True

    def look(self) -> None:
        """Log in for a check, for which a person waits: once, for ten seconds at most.

        Raises ``ConnectorError``; one that names the database if that is why the log-in gets no answer.
        """
        config = self._config
        with self._lock:
            if self._token is not None:
                return
            door = self._hurried(_LOOK_SECONDS, errors.classify_login)
            try:
                self._log_in(door)
            except Unanswered:
                known = self._databases()
                if known and config.database not in known:
                    near = get_close_matches(config.database, known, 1)
                    raise AuthError(
                        f"Tryton has no database `{config.database}`.",
                        remedy=f"Correct `database` (case matters). Did you mean `{near[0]}`?"
                        if near
                        else "Correct `database` (case matters).",
                    ) from None
                raise
            finally:
                door.close()

    def _databases(self) -> list[str]:
        """The databases that the server has; none if it does not tell."""
        asked = self._hurried(_LIST_SECONDS, errors.classify)
        try:
            body = {"id": 1, "method": "common.db.list", "params": []}
            response = asked.request("POST", "/rpc/", json=body, headers=_HEADERS)
            found = decode(bytes(errors.envelope(response.content).result))
        except ConnectorError:
            return []
        finally:
            asked.close()
        return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []

    def _hurried(self, seconds: float, classify: Classify) -> HttpSession:
        shared = {**self._shared, "timeout": min(seconds, self._config.timeout_seconds)}
        return HttpSession(str(self._config.base_url), classify=classify, policy=_ONCE, **shared)

    def _log_in(self, door: HttpSession | None = None) -> None:
        if self._refused is not None:
            raise self._refused
        user, password = self._config.user, self._config.password.get_secret_value()
        params = [user, {"password": password}, "en"]
        body = {"id": 1, "method": "common.db.login", "params": params}
        try:
            response = (door or self._door).request("POST", self._path, json=body, headers=_HEADERS)
        except AuthError as error:
            self._refused = error
            raise
        except TransientError as error:
            if error.sent:
                raise Unanswered(
                    "Tryton did not answer the log-in.",
                    remedy="Its server may be overloaded or stopped: look there first. Then check the setting "
                    "`database`: if there is none of that name, Tryton does not answer for half a minute.",
                ) from error
            raise
        number, token = _session(bytes(errors.envelope(response.content).result))
        self._token = base64.b64encode(f"{user}:{number}:{token}".encode()).decode()


def _session(result: bytes) -> tuple[int, str]:
    """The user's number and the session's key, the first two of what a log-in brings."""
    found = decode(result) if result else None
    if not isinstance(found, list) or [type(part) for part in found[:2]] != [int, str]:
        raise ContractError("Tryton answered the log-in with something else than a session.", sample=shape(result))
    return found[0], found[1]
