"""Which references to secrets, and which hosts, a form for settings may write into ltc.yaml."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from socket import inet_aton
from typing import Any

from settings import literals
from settings.secrets import REFERENCE

KINDS = ("env", "file", "prefect")
"""Where a secret can be."""
_NAMES = {
    "env": re.compile(r"[A-Z_][A-Z0-9_]{0,99}"),
    "file": re.compile(r"(?:secrets|/run/secrets)/\w[\w.-]{0,99}"),
    "prefect": re.compile(r"[a-z0-9][a-z0-9-]{0,99}"),
}
_CREDENTIALS = ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "192.0.0.192")
"""Besides the link-local addresses; as in ``connectors.network``."""


class Mistyped(Exception):
    """Something in a form cannot be used; ``key`` says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which references a form may write: not those that the store, its keys and the workbench itself need."""

    taken: frozenset[str]
    had: frozenset[str]
    """Those that the system has already."""

    @classmethod
    def of(cls, top: Mapping[str, Any], config: Mapping[str, Any], others: Collection[str]) -> Allowed:
        """For a file with these entries, and a system with this ``config``; ``others`` are systems that are not
        the person's."""
        outside = {key: value for key, value in top.items() if key != "systems"}
        given = top.get("systems")
        kept = {name: value for name, value in given.items() if name in others} if isinstance(given, dict) else {}
        return cls(frozenset((*references(outside), *references(kept))), frozenset(references(config)))

    def check(self, kind: str, name: str) -> str:
        """The reference to a secret; raises ``Mistyped`` for one that must not be written."""
        if kind not in KINDS:
            raise Mistyped("no_choice")
        found = f"${{{kind}:{name}}}"
        if found in self.had:
            return found
        if list(literals.found({"": name})) or not _NAMES[kind].fullmatch(name) or ".." in name:
            raise Mistyped(f"no_{kind}")
        if found in self.taken or (kind == "env" and name.startswith("LTC_")):
            raise Mistyped("not_yours")
        return found


def references(value: Any) -> Iterator[str]:
    """Every reference in a system's config."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from references(item)
    elif isinstance(value, str):
        yield from (match.group(0) for match in REFERENCE.finditer(value))


def is_of_the_cloud(host: str) -> bool:
    """Whether a host is an address at which clouds hand out credentials to machines: only a text editor allows one."""
    name = host.strip().strip("[]").rstrip(".").partition("%")[0].lower()
    try:
        address = ip_address(name)
    except ValueError:
        try:
            address = ip_address(inet_aton(name)) if name[:1].isdigit() else ip_address("192.0.2.1")
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local) or str(mapped) in _CREDENTIALS
