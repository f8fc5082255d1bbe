"""Find secrets that are written out in a file instead of being referred to, so that none is shown or kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

HIDDEN = "•••"
Keys = tuple[Any, ...]

_NAMES = re.compile(
    r"(?:^|_)(?:secret|password|passwd|passphrase|pwd|token|credentials?|authorization|apikey"
    r"|(?:api|access|private|secret|account|signing)_key)$"
)
"""The last part of a setting's name that says that its value is a secret."""
_FORMS = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON Web Token, RFC 7519
    r"|\b(?:sk|rk)_(?:live|test)_\w{10,}|\bwhsec_\w{10,}"  # Stripe
    r"|\bgh[pousr]_\w{20,}|\bxox[abprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b"  # GitHub, Slack, AWS
)
"""What is a secret by its look, whatever it is called."""
_IN_ADDRESS = re.compile(r"://[^/\s:@'\"]*:([^/\s@'\"${}]+)@")
_SHORTEST = 4
"""Shorter values are hidden with their whole line."""


def found(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Each entry of a file that holds a secret by its name or its look: the keys that lead there, and the secret."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from found(item, (*keys, key))
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield from ((keys, secret) for secret in _in(str(value), _name(keys)))


def _in(text: str, name: str) -> list[str]:
    named = _NAMES.search(name) and not re.search(r"[{}]", text)
    if named or "PRIVATE KEY-----" in text:
        return [line.strip() for line in text.splitlines() if line.strip()]  # as they stand in the file
    return [*(match.group() for match in _FORMS.finditer(text)), *_IN_ADDRESS.findall(text)]


def _name(keys: Keys) -> str:
    """The innermost key that is a name; ``X-Api-Key`` and ``apiKey`` are ``api_key`` too."""
    named = next((key for key in reversed(keys) if isinstance(key, str)), "")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", named).replace("-", "_").lower()


def masked(line: str, secrets: Iterable[str]) -> str:
    """A line of a file without these secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in line:
            if len(secret) < _SHORTEST:
                return HIDDEN
            line = line.replace(secret, HIDDEN)
    return line
