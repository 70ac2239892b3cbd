"""TlsEndpoint: two of them in memory, and what a peer can do wrong."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import PeerError, StateError, TlsFailed
from pyrdpmux.files.certificate_file import load_or_create, server_context
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.tls.endpoint import MAX_RECORD_SIZE, TlsEndpoint

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return load_or_create(tmp_path_factory.mktemp("tls"), "localhost", NOW)


@pytest.fixture(scope="module")
def context(certificate: Certificate) -> ssl.SSLContext:
    return server_context(certificate.certificate_path, certificate.key_path)


def chunks(data: bytes, size: int | None) -> Iterator[bytes]:
    step = size or len(data) or 1
    for at in range(0, len(data), step):
        yield data[at : at + step]


def exchange(a: TlsEndpoint, b: TlsEndpoint, size: int | None = None) -> None:
    """Carry bytes both ways until there are none."""
    for _ in range(20):
        to_b, to_a = a.data_to_send(), b.data_to_send()
        if not to_a and not to_b:
            return
        for chunk in chunks(to_b, size):
            b.receive_data(chunk)
        for chunk in chunks(to_a, size):
            a.receive_data(chunk)
    pytest.fail("the exchange does not end")


def pair(context: ssl.SSLContext, size: int | None = None) -> tuple[TlsEndpoint, TlsEndpoint]:
    server = TlsEndpoint(context, True)
    client = TlsEndpoint(client_context(), False)
    exchange(client, server, size)
    assert server.is_established
    assert client.is_established
    return server, client


@pytest.mark.parametrize("size", [1, 7, None])
def test_a_pair_talks_both_ways(context: ssl.SSLContext, certificate: Certificate, size: int | None) -> None:
    server, client = pair(context, size)
    client.write(b"ping")
    server.write(b"pong" * 10000)
    exchange(client, server, size)
    assert server.read() == b"ping"
    assert server.read() == b""
    assert client.read() == b"pong" * 10000
    assert client.version == server.version == "TLSv1.3"
    assert client.cipher == server.cipher != None  # noqa: E711 - a chain
    assert client.peer_certificate_der() == certificate.der
    assert server.peer_certificate_der() is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_are_spoken(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    wanted = client_context()
    wanted.maximum_version = version
    server, client = TlsEndpoint(context, True), TlsEndpoint(wanted, False)
    exchange(client, server)
    assert server.version == version.name.replace("_", ".")


def records(data: bytes) -> list[int]:
    """Lengths of the TLS records in ``data``."""
    lengths = []
    while data:
        length = int.from_bytes(data[3:5], "big")
        lengths.append(length)
        data = data[5 + length :]
    return lengths


def test_each_write_is_a_record_of_its_own(context: ssl.SSLContext) -> None:
    server, _ = pair(context)
    server.write(b"a" * 100)
    server.write(b"b" * 100)
    server.write(b"c" * (MAX_RECORD_SIZE + 1))
    assert server.has_data_to_send
    assert len(records(server.data_to_send())) == 4
    assert not server.has_data_to_send
    server.write(b"")
    assert server.data_to_send() == b""


def test_garbage_fails_with_an_alert_to_send(context: ssl.SSLContext) -> None:
    server = TlsEndpoint(context, True)
    with pytest.raises(TlsFailed, match="TLS: "):
        server.receive_data(b"GET / HTTP/1.0\r\n\r\n" * 4)
    assert not server.is_established
    with pytest.raises(TlsFailed, match="after"):
        server.receive_data(b"more")


def test_an_old_version_gets_an_alert(context: ssl.SSLContext) -> None:
    # A TLS 1.0 ClientHello: record, handshake header, version 3.1, random, no session, one suite, null.
    hello = bytes.fromhex("16 0301 002d 01 000029 0301" + "11" * 32 + "00 0002 002f 01 00")
    server = TlsEndpoint(context, True)
    with pytest.raises(TlsFailed, match="unsupported protocol"):
        server.receive_data(hello)
    alert = server.data_to_send()
    assert alert[0] == 21
    assert alert[-1] == 70  # protocol_version


def test_a_damaged_record_is_a_peer_error(context: ssl.SSLContext) -> None:
    server, client = pair(context)
    client.write(b"secret")
    data = bytearray(client.data_to_send())
    data[-1] ^= 1
    with pytest.raises(TlsFailed):
        server.receive_data(bytes(data))
    assert server.data_to_send()


def test_openssl_is_not_asked_for_a_record_that_is_not_there(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair(context)
    asked: list[int] = []
    decrypt = server._decrypt

    def counted() -> bytes:
        asked.append(1)
        return decrypt()

    monkeypatch.setattr(server, "_decrypt", counted)
    client.write(b"one")
    client.write(b"two")
    client.close()
    sent = client.data_to_send()
    first = len(sent) // 2
    server.receive_data(sent[:first])
    server.receive_data(sent[first:])
    assert server.read() == b"onetwo"
    assert server.is_eof
    assert len(asked) == 4, "two records, the close, and one that was half there"


def test_close_is_seen_by_the_peer_after_the_data(context: ssl.SSLContext) -> None:
    server, client = pair(context)
    client.write(b"unread")
    server.write(b"goodbye")
    server.close()
    server.close()
    exchange(client, server)
    assert client.read() == b"goodbye"
    assert client.is_eof
    assert not client.is_established
    assert not server.is_eof
    assert not server.is_established
    with pytest.raises(StateError):
        server.write(b"late")
    client.close()
    exchange(client, server)
    assert server.is_eof


def test_nothing_is_written_before_the_handshake(context: ssl.SSLContext) -> None:
    server = TlsEndpoint(context, True)
    with pytest.raises(StateError, match="handshake"):
        server.write(b"early")
    server.close()
    assert server.data_to_send() == b""
    assert "handshake" in repr(server)


@given(st.binary(min_size=1, max_size=300))
def test_random_bytes_raise_peer_errors_only(context: ssl.SSLContext, data: bytes) -> None:
    server = TlsEndpoint(context, True)
    try:
        server.receive_data(data)
    except PeerError:
        assert not server.is_established
    assert server.read() == b""


def test_the_key_log_is_written(certificate: Certificate, tmp_path: Path) -> None:
    log = tmp_path / "tls.keys"
    pair(server_context(certificate.certificate_path, certificate.key_path, log))
    assert "CLIENT_TRAFFIC_SECRET_0" in log.read_text()
