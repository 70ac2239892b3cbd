"""The recording relay, between a client and a server that are threads of this test."""

import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyrdpmux.files.certificate_file import load_or_create
from pyrdpmux.harness.capture.keylog import KeyLog
from pyrdpmux.harness.relay import Relay
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.x224.negotiation import NegotiationRequest, NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode

REQUEST = encode(Tpkt(encode(ConnectionRequest(NegotiationRequest(SecurityProtocol.SSL)))))


def confirm(protocol: SecurityProtocol) -> bytes:
    return encode(Tpkt(encode(ConnectionConfirm(NegotiationResponse(protocol)))))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return load_or_create(tmp_path_factory.mktemp("certificate"), "test", datetime(2026, 1, 1, tzinfo=UTC))


def serve_once(listener: socket.socket, certificate: Certificate, protocol: SecurityProtocol) -> None:
    """Answer one client: the request, TLS if chosen, then everything in capitals until it ends."""
    connection, _ = listener.accept()
    connection.settimeout(10.0)
    with connection:
        assert connection.recv(len(REQUEST), socket.MSG_WAITALL) == REQUEST
        connection.sendall(confirm(protocol))
        stream: socket.socket = connection
        if protocol:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate_path, certificate.key_path)
            stream = context.wrap_socket(connection, server_side=True)
        with stream:
            while data := stream.recv(1000):
                stream.sendall(data.upper())


@pytest.mark.parametrize("protocol", [SecurityProtocol.SSL, SecurityProtocol.RDP])
def test_it_relays_both_ways_and_logs_keys(
    tmp_path: Path, certificate: Certificate, protocol: SecurityProtocol
) -> None:
    keys = tmp_path / "keys"
    listener = socket.create_server(("127.0.0.1", 0))
    server = threading.Thread(target=serve_once, args=(listener, certificate, protocol), daemon=True)
    server.start()
    files = (certificate.certificate_path, certificate.key_path, keys)
    with listener, Relay(listener.getsockname()[1], *files) as relay:
        client = socket.create_connection(("127.0.0.1", relay.port), timeout=10.0)
        with client:
            client.sendall(REQUEST)
            answer = confirm(protocol)
            assert client.recv(len(answer), socket.MSG_WAITALL) == answer
            stream: socket.socket = client
            if protocol:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                stream = context.wrap_socket(client)
            with stream:
                for message in (b"hello", b"x" * 20_000):
                    stream.sendall(message)
                    received = b""
                    while len(received) < len(message):
                        received += stream.recv(len(message))
                    assert received == message.upper()
        server.join(10.0)
        assert not server.is_alive()
    assert KeyLog.load(keys) is not None
    assert ("CLIENT" in keys.read_text(encoding="ascii")) == bool(protocol)


def test_garbage_ends_that_connection_only(tmp_path: Path, certificate: Certificate) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    files = (certificate.certificate_path, certificate.key_path, tmp_path / "keys")
    with listener, Relay(listener.getsockname()[1], *files) as relay:
        for garbage in (b"", b"\x03\x00", b"GET / HTTP/1.0\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", relay.port), timeout=10.0) as client:
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                assert client.recv(10) == b""
