"""Which addresses a connector may talk to, and how: public hosts over TLS, anything else only where ltc.yaml names it.

What counts is the address that a name leads to at the moment of connecting, so a name cannot be bent afterwards:

    public                                   always
    loopback                                 if the address says so itself (127.0.0.1, ::1, localhost), or named
    private, shared, other not public ones   if the host is named in ``network.private``
    link-local, cloud metadata               if the address itself is the host and is named in ``network.private``
    unspecified, multicast, reserved         never
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.errors import ContractError

_METADATA = frozenset(map(ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "192.0.0.192")))
"""Where clouds hand out credentials to machines, besides the link-local addresses."""
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(ContractError):
    """An address that nobody allowed; nothing was sent to it."""

    kind = "configuration"


def _host_only(text: str) -> str:
    name = _plain(text)
    if not name or any(sign in name for sign in "/@?#* ") or (":" in name and _literal(name) is None):
        raise ValueError(f"{text!r} is no host; write its name or address alone, for example erp.example.internal")
    return name


Host = Annotated[str, AfterValidator(_host_only)]


class Network(BaseModel):
    """What a system's addresses may be beyond public ones over TLS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    private: tuple[Host, ...] = Field((), description="Hosts that may be at private addresses")
    plain_http: tuple[Host, ...] = Field((), description="Hosts that may be spoken to without TLS")


def check(url: str, network: Network) -> None:
    """Raise ``ValueError`` if no connection to this URL is allowed, as far as the URL itself tells."""
    try:
        parts = urlsplit(url)
        host, _port = _plain(parts.hostname or ""), parts.port
    except ValueError:
        raise ValueError("is no address of a server; for example https://erp.example.com") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("must start with https://, for example https://erp.example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password; they have settings of their own")
    if parts.scheme == "http" and not _is_own(host) and host not in network.plain_http:
        raise ValueError(
            "must start with https://: without TLS everybody on the way reads along; "
            f"if {host} has none, name it: network: {{plain_http: [{host}]}}"
        )
    address = _literal(host)
    if address is not None and not _allowed(address, host, network):
        raise ValueError(f"{address} is {_kind(address)}; {_remedy(address, host)}")


def check_all(urls: Iterable[tuple[str, str | None]], network: Network) -> None:
    """``check`` for the settings of these names, those that are not set left out; the ``ValueError`` names which."""
    for name, url in urls:
        if url is not None:
            try:
                check(url, network)
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None


def permitted(host: str, port: int, network: Network) -> list[str]:
    """The addresses that a host's name leads to now, all of them allowed; connect to one of these, not to the name.

    Raises ``AddressRefused`` if a single one is not allowed, ``OSError`` if the name leads nowhere.
    """
    name = _plain(host)
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        address = ip_address(text.partition("%")[0])
        if not _allowed(address, name, network):
            raise AddressRefused(
                f"{name} leads to {address}, which is {_kind(address)}; nothing was sent.",
                remedy=_remedy(address, name)[:1].upper() + _remedy(address, name)[1:] + ".",
            )
    return addresses


def is_loopback(host: str) -> bool:
    """Whether the host says itself that it is this machine."""
    return _is_own(_plain(host))


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # What resolvers take for an address, too: 127.1, 0x7f.0.0.1, 2130706433.
        return IPv4Address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except OSError:
        return None


def _is_own(host: str) -> bool:
    address = _literal(host)
    return host == "localhost" or host.endswith(".localhost") if address is None else _inner(address).is_loopback


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        teredo = address.teredo[1] if address.teredo else None
        return address.ipv4_mapped or address.sixtofour or teredo or address
    return address


def _is_metadata(address: IPv4Address | IPv6Address) -> bool:
    return address.is_link_local or address in _METADATA


def _is_nowhere(address: IPv4Address | IPv6Address) -> bool:
    reserved = address.is_reserved and isinstance(address, IPv4Address)
    return address.is_unspecified or address.is_multicast or reserved


def _allowed(address: IPv4Address | IPv6Address, host: str, network: Network) -> bool:
    meant = _inner(address)
    named = host in network.private
    if _is_nowhere(meant):
        return False
    if _is_metadata(meant):
        return named and _literal(host) == address
    if meant.is_loopback:
        return named or _is_own(host)
    return named or meant.is_global


def _kind(address: IPv4Address | IPv6Address) -> str:
    meant = _inner(address)
    if _is_nowhere(meant):
        return "no address of a server"
    if _is_metadata(meant):
        return "a link-local or cloud metadata address"
    return "this machine" if meant.is_loopback else "a private address"


def _remedy(address: IPv4Address | IPv6Address, host: str) -> str:
    if _is_nowhere(_inner(address)):
        return "give the system's own address"
    named = str(address) if _is_metadata(_inner(address)) else host
    return f"if that is meant, name it in the system's config: network: {{private: [{named}]}}"
