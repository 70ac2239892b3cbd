"""A relay between an RDP client and an RDP server that ends TLS on both legs and writes down the keys.

It exists to record captures: FreeRDP 2 cannot write a TLS key log, Python can. For NLA the relay must hold
the server's own certificate and key, because CredSSP binds the logon to that public key.
"""

import contextlib
import selectors
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pyrdpmux.errors import PeerError
from pyrdpmux.rdp.x224.negotiation import NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import HEADER_SIZE, Tpkt
from pyrdpmux.wire import decode

CHUNK_SIZE: Final = 65536
IDLE_SECONDS: Final = 60.0


class Relay:
    """Relays connections to 127.0.0.1:``port`` on to 127.0.0.1:``server_port``, each in its own thread."""

    def __init__(
        self,
        server_port: int,
        certificate: Path,
        private_key: Path,
        key_log: Path,
        ciphers: str | None = None,
        tls_version: ssl.TLSVersion | None = None,
        source: str = "127.0.0.1",
    ) -> None:
        self._source = source
        self._server_port = server_port
        self._toward_client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._toward_client.load_cert_chain(certificate, private_key)
        self._toward_client.keylog_filename = str(key_log)
        if ciphers is not None:
            self._toward_client.set_ciphers(ciphers)
        if tls_version is not None:
            self._toward_client.minimum_version = tls_version
            self._toward_client.maximum_version = tls_version
        self._toward_server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._toward_server.check_hostname = False
        self._toward_server.verify_mode = ssl.CERT_NONE
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, name="relay", daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in [self._acceptor, *self._threads]:
            thread.join(5.0)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._relay, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _relay(self, client: socket.socket) -> None:
        client.settimeout(IDLE_SECONDS)
        address = ("127.0.0.1", self._server_port)
        server = socket.create_connection(address, IDLE_SECONDS, (self._source, 0))
        # A peer that leaves, or garbage from one, ends this relayed connection and nothing else.
        with client, server, contextlib.suppress(OSError, PeerError, EOFError):
            server.sendall(_read_packet(client))
            confirm = _read_packet(server)
            client.sendall(confirm)
            if _starts_tls(confirm):
                # Wrapping detaches: from here on the TLS sockets own the descriptors.
                with (
                    self._toward_client.wrap_socket(client, server_side=True) as inner_client,
                    self._toward_server.wrap_socket(server) as inner_server,
                ):
                    _pump(inner_client, inner_server)
            else:
                _pump(client, server)


def _read_packet(source: socket.socket) -> bytes:
    header = _read_exactly(source, HEADER_SIZE)
    return header + _read_exactly(source, max(0, header[2] * 256 + header[3] - HEADER_SIZE))


def _read_exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _starts_tls(packet: bytes) -> bool:
    tpdu = decode_tpdu(decode(Tpkt, packet).payload)
    if not isinstance(tpdu, ConnectionConfirm) or not isinstance(tpdu.negotiation, NegotiationResponse):
        return False
    return tpdu.negotiation.selected_protocol != SecurityProtocol.RDP


def _pump(client: socket.socket, server: socket.socket) -> None:
    """Carry bytes both ways until one side ends. One thread: an SSL object bears no two."""
    other = {client: server, server: client}
    with selectors.DefaultSelector() as selector:
        for side in other:
            selector.register(side, selectors.EVENT_READ)
        while ready := selector.select(IDLE_SECONDS):
            for key, _ in ready:
                source = client if key.fileobj is client else server
                data = _receive(source)
                if data is None:
                    return
                other[source].sendall(data)


def _receive(source: socket.socket) -> bytes | None:
    """All that is there now, which may be nothing (a TLS session ticket carries no data); None at the end."""
    data = b""
    source.setblocking(False)
    try:
        while True:
            more = source.recv(CHUNK_SIZE)
            if not more:
                return data or None
            data += more
    except (BlockingIOError, ssl.SSLWantReadError):
        return data
    finally:
        source.settimeout(IDLE_SECONDS)
