"""A folder on an SFTP server whose host key is known beforehand; links on the server are not followed."""

from __future__ import annotations

import hmac
import io
import logging
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from connectors import retry
from connectors.contract import CallStats
from connectors.errors import AuthError, ContractError, TransientError, Unreachable
from connectors.files.config import SftpConfig
from connectors.files.folder import Entry, Folder, Opened, is_usable
from connectors.network import Network, permitted

if TYPE_CHECKING:
    import paramiko

T = TypeVar("T")

_PATIENCE = retry.RetryPolicy(attempts=4, total_seconds=60.0)
_IN_FLIGHT = 64
"""Requests of 32 KB that are under way at once."""
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


class SftpFolder(Folder):
    """A folder of one user's on a server. It connects with the first call."""

    shares_our_clock = False

    def __init__(self, config: SftpConfig, network: Network, stats: CallStats) -> None:
        self._config = config
        self._network = network
        self._stats = stats
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None
        self._root = ""
        self.where = f"{config.folder} on {config.host}"

    def walk(self, depth: int) -> Iterator[Entry]:
        """Raises ``ConnectorError``."""
        yield from retry.call(lambda: list(self._walk(self._connected(), "", depth)), _PATIENCE)

    def look(self, name: str) -> Entry | None:
        """See ``Folder.look``."""
        return retry.call(lambda: self._look(self._connected(), name), _PATIENCE)

    @contextmanager
    def open(self, name: str) -> Iterator[Opened | None]:
        """What breaks off in the middle raises ``TransientError``; the next run begins the file anew."""
        found = self.look(name)
        client = self._connected()
        if found is None:
            yield None
            return
        handle = self._asked(lambda: client.open(self._path(name), "rb"), name)
        if handle is None:
            yield None
            return
        try:
            # A link that was put there meanwhile leads to a file that looks different.
            opened = self._asked(handle.stat, name)
            entry = _entry(name, opened) if opened is not None else None
            if entry != found:
                yield None
                return
            _ask_quietly(handle)
            self._asked(lambda: handle.prefetch(found.size, _IN_FLIGHT), name)
            yield _File(handle, found, lambda step: self._asked(step, name))
        finally:
            with suppress(Exception):
                handle.close()

    def close(self) -> None:
        """Hang up."""
        transport, self._transport, self._client = self._transport, None, None
        if transport is not None:
            transport.close()

    # -- files

    def _walk(self, client: paramiko.SFTPClient, prefix: str, depth: int) -> Iterator[Entry]:
        listed = self._asked(lambda: client.listdir_attr(self._path(prefix)), prefix or self.where)
        if listed is None:
            if prefix:
                return
            raise ContractError(f"There is no folder {self.where}.", remedy="Correct `folder` under `sftp`.")
        for item in listed:
            name = prefix + item.filename
            if not is_usable(item.filename):
                continue
            if stat.S_ISDIR(item.st_mode or 0) and depth:
                yield from self._walk(client, f"{name}/", depth - 1)
            elif stat.S_ISREG(item.st_mode or 0):
                yield _entry(name, item)

    def _look(self, client: paramiko.SFTPClient, name: str) -> Entry | None:
        if not all(map(is_usable, name.split("/"))):
            return None
        found = self._asked(lambda: client.lstat(self._path(name)), name)
        if found is None or not stat.S_ISREG(found.st_mode or 0):
            return None
        # What the server makes of the path shows whether a folder on the way is a link.
        if self._asked(lambda: client.normalize(self._path(name)), name) != self._path(name):
            return None
        return _entry(name, found)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}".rstrip("/") or "/"

    def _asked(self, step: Callable[[], T], what: str) -> T | None:
        """The answer to one request, ``None`` if there is no such file."""
        import paramiko

        self._stats.calls += 1
        try:
            return step()
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise ContractError(
                f"The server does not let us read {what}.",
                remedy=f"Give {self._config.user} the right to read it.",
            ) from error
        except (OSError, EOFError, paramiko.SSHException) as error:
            self.close()
            raise TransientError(f"Reading {what} from {self._config.host} broke off.", sent=False) from error
        except (ValueError, UnicodeError) as error:
            self.close()
            raise ContractError(f"{self._config.host} answered what is no SFTP.", remedy="Report it.") from error

    # -- the connection

    def _connected(self) -> paramiko.SFTPClient:
        if self._client is None:
            try:
                self._client = self._connect()
            except BaseException:
                self.close()
                raise
        return self._client

    def _connect(self) -> paramiko.SFTPClient:
        """Raises ``Unreachable``, ``AuthError``, ``TransientError``."""
        import paramiko
        from paramiko.ssh_exception import IncompatiblePeer

        config = self._config
        self._stats.calls += 1
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # our errors say what matters, without a traceback
        transport = self._transport = paramiko.Transport(self._socket())
        types = dict.fromkeys(kind for name, _ in config.host_keys for kind in (_RSA if name == "ssh-rsa" else (name,)))
        transport.get_security_options().key_types = tuple(types)
        transport.banner_timeout = transport.auth_timeout = config.timeout_seconds
        try:
            transport.start_client(timeout=config.timeout_seconds)
            self._verify(transport)
            self._sign_in(transport)
            client = paramiko.SFTPClient.from_transport(transport)
            if client is None:
                raise TransientError(f"{config.host} opened no SFTP session.", sent=False)
            channel = client.get_channel()
            if channel is not None:
                channel.settimeout(config.timeout_seconds)
            self._root = client.normalize(config.folder)
            return client
        except paramiko.AuthenticationException as error:
            raise AuthError(
                f"{config.host} refused to let {config.user} in.",
                remedy="Check user and password or private_key under `sftp`.",
            ) from error
        except FileNotFoundError as error:
            raise ContractError(f"There is no folder {self.where}.", remedy="Correct `folder` under `sftp`.") from error
        except IncompatiblePeer as error:
            raise self._stranger("has no host key of the type that is configured") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise TransientError(f"No SFTP session with {config.host} came about.", sent=False) from error

    def _socket(self) -> socket.socket:
        config = self._config
        try:
            addresses = permitted(config.host, config.port, self._network)
        except OSError as error:
            raise Unreachable(f"{config.host} is not known.", remedy="Check `host` under `sftp`.") from error
        for address in addresses:
            with suppress(OSError):
                return socket.create_connection((address, config.port), config.timeout_seconds)
        raise Unreachable(f"Nobody answers at {config.host}, port {config.port}.", remedy="Check host and port.")

    def _verify(self, transport: paramiko.Transport) -> None:
        """Before anything secret is sent: is it the server that the configuration means?"""
        shown = transport.get_remote_server_key().asbytes()
        if not any(hmac.compare_digest(shown, known) for _, known in self._config.host_keys):
            raise self._stranger("shows another host key than the one that is configured")

    def _stranger(self, what: str) -> AuthError:
        return AuthError(
            f"{self._config.host} {what}; nothing was sent.",
            remedy="Ask whoever runs the server whether its key was changed, and only then change `host_key`.",
        )

    def _sign_in(self, transport: paramiko.Transport) -> None:
        config = self._config
        if config.password is not None:
            transport.auth_password(config.user, config.password.get_secret_value())
        else:
            transport.auth_publickey(config.user, self._private_key())

    def _private_key(self) -> paramiko.PKey:
        """The configured key, read by cryptography, which reads more of the formats that keys are kept in."""
        import paramiko
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        given = self._config.private_key.get_secret_value().strip().encode() if self._config.private_key else b""
        secret = self._config.passphrase.get_secret_value().encode() if self._config.passphrase else None
        with suppress(ValueError, TypeError, UnsupportedAlgorithm):
            read = (
                serialization.load_ssh_private_key if b"OPENSSH" in given[:64] else serialization.load_pem_private_key
            )
            key = read(given + b"\n", secret)
            shape = serialization.PrivateFormat
            kinds = (
                (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key, shape.OpenSSH),
                (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey, shape.TraditionalOpenSSL),
                (rsa.RSAPrivateKey, paramiko.RSAKey, shape.TraditionalOpenSSL),
            )
            for kind, ours, form in kinds:
                if isinstance(key, kind):
                    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
                    return ours.from_private_key(io.StringIO(text.decode()))
        raise AuthError(
            "private_key under `sftp` is no private key that can be read.",
            remedy="Give the whole text of an Ed25519, ECDSA or RSA key, and its passphrase if it has one.",
        )


def _ask_quietly(handle: paramiko.SFTPFile) -> None:
    """Keep Paramiko's thread that asks ahead from printing a traceback where the connection breaks off.

    The read that waits for the answer fails as well, and that is what is told.
    """
    import paramiko

    ask: Callable[..., None] = handle._prefetch_thread  # type: ignore[attr-defined]

    def quiet(*given: Any) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            ask(*given)

    handle._prefetch_thread = quiet  # type: ignore[attr-defined]


class _File:
    def __init__(
        self, handle: paramiko.SFTPFile, entry: Entry, asked: Callable[[Callable[[], bytes]], bytes | None]
    ) -> None:
        self._handle = handle
        self._asked = asked
        self.entry = entry

    def read(self, size: int) -> bytes:
        return self._asked(lambda: self._handle.read(size)) or b""


def _entry(name: str, found: paramiko.SFTPAttributes) -> Entry:
    return Entry(name, found.st_size or 0, int(found.st_mtime or 0) * 1_000_000)
