"""Servers that would fill our memory or keep us for ever: each connector stops in bounded memory and time."""

from __future__ import annotations

import gzip
import resource
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from connectors import retry
from connectors.answers import LARGEST_ANSWER, take_in
from connectors.contract import Connector, Window
from connectors.errors import ConnectorError, ContractError, TransientError
from connectors.jiandaoyun.connector import Jiandaoyun
from connectors.salesforce.connector import Salesforce
from connectors.tryton.connector import Tryton
from connectors.xero.connector import Xero
from sandbox.http import Tls

pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024
Peer = Callable[[socket.socket], None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def _packed(encoding: bytes, body: bytes) -> Peer:
    def answer(peer: socket.socket) -> None:
        head = HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
        peer.sendall(head + body)

    return answer


def _endless(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    part = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while True:
        peer.sendall(part)


def _endless_without_length(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"Connection: close\r\n\r\n[")
    while True:
        peer.sendall(b" " * 0x10000)


def _too_long(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"Content-Length: 999999999999\r\n\r\n")
    while True:
        peer.sendall(b"[" * 0x10000)


def _dripping(peer: socket.socket) -> None:
    peer.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        peer.sendall(b" ")
        threading.Event().wait(0.02)


def _dripping_head(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        peer.sendall(b"X-More: 1\r\n")
        threading.Event().wait(0.02)


def _endless_head(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        peer.sendall(b"x" * 0x10000)


def _many_heads(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


BOMB = b"\0" * (200 * MEBIBYTE)
PEERS: dict[str, Peer] = {
    "gzip bomb": _packed(b"gzip", gzip.compress(BOMB)),
    "deflate bomb": _packed(b"deflate", zlib.compress(BOMB)),
    "gzip in gzip": _packed(b"gzip, gzip", gzip.compress(gzip.compress(BOMB))),
    "zstd bomb": _packed(b"zstd", zstandard.compress(BOMB)),
    "brotli": _packed(b"br", b"\x00" * 100),
    "endless chunks": _endless,
    "endless without length": _endless_without_length,
    "too long": _too_long,
    "dripping": _dripping,
    "dripping head": _dripping_head,
    "endless head": _endless_head,
    "many heads": _many_heads,
}
del BOMB


@contextmanager
def listening(peer: Peer, tls: Tls | None) -> Iterator[str]:
    """An address at which every request gets this peer's answer."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads: list[threading.Thread] = []

        def one(connection: socket.socket) -> None:
            with connection:
                try:
                    if tls is not None:
                        import ssl

                        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                        context.load_cert_chain(tls.cert_file, tls.key_file)
                        connection = context.wrap_socket(connection, server_side=True)
                    connection.settimeout(5)
                    connection.recv(65536)
                    peer(connection)
                    connection.recv(1)
                except OSError:
                    pass  # the client had enough
                finally:
                    connection.close()

        def accept() -> None:
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            server.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            for thread in threads:
                thread.join(10)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls.create(tmp_path_factory.mktemp("tls"))


def _jiandaoyun(url: str, tls: Tls) -> tuple[Connector[Any], str]:
    config = {"base_url": f"{url}/api", "api_key": "k", "app_id": "a", "forms": {"lead": {"entry_id": "e"}}}
    return Jiandaoyun(Jiandaoyun.Config.model_validate({**config, "timeout_seconds": 0.1})), "lead"  # type: ignore[arg-type]


def _salesforce(url: str, tls: Tls) -> tuple[Connector[Any], str]:
    config = {"instance_url": url, "client_id": "c", "client_secret": "s", "ca_bundle": tls.ca_file}
    return Salesforce(Salesforce.Config.model_validate({**config, "timeout_seconds": 0.1})), "lead"  # type: ignore[arg-type]


def _tryton(url: str, tls: Tls) -> tuple[Connector[Any], str]:
    config = {"base_url": url, "database": "d", "user": "u", "password": "p"}
    return Tryton(Tryton.Config.model_validate({**config, "timeout_seconds": 0.1})), "party"  # type: ignore[arg-type]


def _xero(url: str, tls: Tls) -> tuple[Connector[Any], str]:
    config = {"base_url": f"{url}/api", "token_url": f"{url}/token", "client_id": "c", "client_secret": "s"}
    return Xero(Xero.Config.model_validate({**config, "tenant_id": "t", "timeout_seconds": 0.1})), "contact"  # type: ignore[arg-type]


CONNECTORS = {"jiandaoyun": _jiandaoyun, "salesforce": _salesforce, "tryton": _tryton, "xero": _xero}


@pytest.mark.parametrize("system", CONNECTORS)
@pytest.mark.parametrize("peer", PEERS)
def test_no_answer_fills_the_memory_or_keeps_the_connector(system: str, peer: str, tls: Tls) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    with listening(PEERS[peer], tls if system == "salesforce" else None) as url, retry.no_waiting():
        connector, stream = CONNECTORS[system](url, tls)
        with closing(connector), pytest.raises(ConnectorError) as caught:
            list(connector.pull(stream, None, Window(until=datetime.now(UTC))))
    assert len(str(caught.value)) < 1000
    assert time.monotonic() - began < 60
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 4 * LARGEST_ANSWER / MEBIBYTE, f"{grown:.0f} MiB more"


def test_a_body_that_drips_is_given_up_after_the_time_for_one_answer() -> None:
    def drops() -> Iterator[bytes]:
        while True:
            yield b" "

    with pytest.raises(TransientError, match="took more than") as caught:
        take_in(drops(), None, "host", LARGEST_ANSWER, 0.05)
    assert caught.value.sent, "a write with such an answer may have been done"


def test_a_body_is_read_no_further_than_the_cap() -> None:
    taken: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            taken.append(number)
            yield b"x" * 1000

    with pytest.raises(ContractError, match="more than 5000 bytes"):
        take_in(chunks(), "gzip", "host", 5000, 60)
    assert len(taken) == 6


def test_the_peers_of_these_tests_can_be_heard(tmp_path: Path, tls: Tls) -> None:
    def well(peer: socket.socket) -> None:
        peer.sendall(HEAD + b"Content-Length: 11\r\nConnection: close\r\n\r\n" + b'{"data":[]}')

    with listening(well, None) as url, retry.no_waiting():
        connector, stream = _jiandaoyun(url, tls)
        with closing(connector), pytest.raises(ContractError, match="not what the source documents"):
            list(connector.pull(stream, None, Window(until=datetime.now(UTC))))
