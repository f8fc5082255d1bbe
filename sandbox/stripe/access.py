"""Who may do what and how often: keys, their permissions, limits."""

from __future__ import annotations

import base64
import binascii
import time
from collections import Counter
from collections.abc import Callable, Mapping

from sandbox.stripe.errors import StripeError

KEY = "sk_test_ltc_demo"
ACCOUNT = "acct_1LtcDemo"
_RIGHTS = {"refund": "charge"}
"""Kinds of object whose permission has another name."""


class Access:
    """Keys, limits and locks of the account."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The demo key alone, no limits, no locks."""
        self.keys: dict[str, frozenset[str] | None] = {KEY: None}
        """Key → its permissions (``rak_charge_read`` …); ``None``: all."""
        self.accounts = {ACCOUNT}
        """What ``Stripe-Account`` may name."""
        self.limits: dict[str, int] = {}
        """``read`` and ``write`` calls in a second; none if they are not named."""
        self.locked: Counter[str] = Counter()
        """Object → how many more calls find it locked by somebody else."""
        self.ticks: Callable[[], float] = time.monotonic
        """The clock of the limits, in seconds."""
        self._second: dict[str, list[float]] = {"read": [], "write": []}

    def admit(self, headers: Mapping[str, str], kind: str, method: str) -> None:
        """Raises ``StripeError`` for a key that is not known or may not."""
        key = _key(headers.get("authorization", ""))
        if key not in self.keys:
            shown = f"{key[:7]}***" if key else "none"
            raise StripeError(401, f"Invalid API Key provided: {shown}")
        named = headers.get("stripe-account")
        if named is not None and named not in self.accounts:
            raise StripeError(
                403,
                f"The provided key '{key[:7]}***' does not have access to account '{named}' (or that account does not "
                "exist). Application access may have been revoked.",
                code="account_invalid",
            )
        rights = self.keys[key]
        right = f"rak_{_RIGHTS.get(kind, kind)}_{'read' if method == 'GET' else 'write'}"
        if rights is not None and right not in rights and right.replace("_read", "_write") not in rights:
            raise StripeError(
                403,
                f"The provided key '{key[:7]}***' does not have the required permissions for this endpoint on account "
                f"'{ACCOUNT}'. Having the '{right}' permission would allow this request to continue.",
            )

    def count(self, method: str) -> None:
        """Raises ``StripeError`` for a call too many."""
        kind, now = ("read" if method == "GET" else "write"), self.ticks()
        recent = [at for at in self._second[kind] if at > now - 1]
        self._second[kind] = recent
        if len(recent) >= self.limits.get(kind, 1_000_000):
            raise StripeError(
                429,
                "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
                code="rate_limit",
                headers={"stripe-rate-limited-reason": "global-rate"},
            )
        recent.append(now)

    def take(self, key: str) -> None:
        """Raises ``StripeError`` while somebody else has the object."""
        if self.locked[key] > 0:
            self.locked[key] -= 1
            raise StripeError(
                429,
                "This object cannot be accessed right now because another API request or Stripe process is currently "
                "accessing it.",
                code="lock_timeout",
                headers={"stripe-should-retry": "true"},
            )


def _key(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
