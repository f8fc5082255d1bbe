"""Passwords: hashed by argon2id with the parameters that its library recommends, verified in even time."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
"""Characters; length is what makes a password strong (NIST SP 800-63B asks for no other rule)."""
LONGEST = 200

_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """The hash to keep."""
    return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether this is the password of a hash. Without one it takes as long and is not."""
    if len(password) > LONGEST:
        return False
    try:
        return _hasher.verify(kept or _nobodys(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def unfit(password: str, again: str, name: str) -> str:
    """The key of what is wrong with a new password of a member; empty if it will do."""
    if len(password) < SHORTEST:
        return "web.welcome.short"
    if len(password) > LONGEST:
        return "web.welcome.long"
    if password.casefold() == name or len(set(password)) < 4:
        return "web.welcome.guessable"
    return "" if password == again else "web.welcome.differ"


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with older parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")
