"""TLS out of captures. The oracle is OpenSSL: two ends in memory, whose records we read with the key log."""

import contextlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyrdpmux.files.certificate_file import load_or_create
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.keylog import KeyLog
from pyrdpmux.harness.capture.tls_capture import ContentType, Direction, decrypt_streams
from pyrdpmux.rdp.tls.certificate import Certificate

TO_SERVER = [b"one", b"two" * 6000, b"three"]
TO_CLIENT = [b"eins", b"zwei" * 9000]

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class End:
    """One end of a TLS connection in memory; ``sent`` is everything it has ever put on the wire."""

    def __init__(self, context: ssl.SSLContext, *, is_server: bool) -> None:
        self.incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self._outgoing, server_side=is_server)
        self.sent = b""

    def flush(self, other: "End") -> None:
        data = self._outgoing.read()
        self.sent += data
        other.incoming.write(data)


@dataclass
class Recording:
    """What both ends of one connection sent, and the key log."""

    client: bytes
    server: bytes
    keys: KeyLog


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return load_or_create(tmp_path_factory.mktemp("certificate"), "test", datetime(2026, 1, 1, tzinfo=UTC))


def record(certificate: Certificate, folder: Path, version: ssl.TLSVersion, ciphers: str = "") -> Recording:
    """A conversation of TO_SERVER and TO_CLIENT."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate.certificate_path, certificate.key_path)
    server_context.keylog_filename = str(folder / "keys")
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    for context in (client_context, server_context):
        context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
    client, server = End(client_context, is_server=False), End(server_context, is_server=True)
    for _ in range(4):
        for end, other in ((client, server), (server, client)):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.tls.do_handshake()
            end.flush(other)
    for end, other, messages in ((client, server, TO_SERVER), (server, client, TO_CLIENT)):
        for message in messages:
            end.tls.write(message)
        end.flush(other)
    return Recording(client.sent, server.sent, KeyLog.load(folder / "keys"))


def plaintext(recording: Recording, direction: Direction) -> bytes:
    records = decrypt_streams(recording.client, recording.server, recording.keys)
    return b"".join(
        r.data for r in records if r.direction is direction and r.kind == ContentType.APPLICATION_DATA
    )


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (TLS13, ""),
        (TLS12, "ECDHE-RSA-AES128-GCM-SHA256"),
        (TLS12, "ECDHE-RSA-AES256-GCM-SHA384"),
        (TLS12, "AES128-GCM-SHA256:@SECLEVEL=0"),
        (TLS12, "AES256-GCM-SHA384:@SECLEVEL=0"),
        (TLS12, "ECDHE-RSA-CHACHA20-POLY1305"),
        (TLS12, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"),
        (TLS12, "ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
        (TLS12, "ECDHE-RSA-AES128-SHA256:@SECLEVEL=0"),
        (TLS12, "ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"),
        (TLS12, "AES128-SHA:@SECLEVEL=0"),
        (TLS12, "AES256-SHA256:@SECLEVEL=0"),
    ],
)
def test_what_openssl_says_is_what_we_read(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion, ciphers: str
) -> None:
    recording = record(certificate, tmp_path, version, ciphers)
    assert plaintext(recording, Direction.CLIENT) == b"".join(TO_SERVER)
    assert plaintext(recording, Direction.SERVER) == b"".join(TO_CLIENT)


def test_records_say_where_they_end(certificate: Certificate, tmp_path: Path) -> None:
    recording = record(certificate, tmp_path, TLS13)
    records = decrypt_streams(recording.client, recording.server, recording.keys)
    for direction, stream in ((Direction.CLIENT, recording.client), (Direction.SERVER, recording.server)):
        ends = [r.end for r in records if r.direction is direction]
        assert ends == sorted(set(ends))
        assert ends[-1] == len(stream)


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_another_connections_keys_are_refused(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    recording = record(certificate, tmp_path, version)
    text = (tmp_path / "keys").read_text(encoding="ascii")
    wrong = KeyLog(
        "\n".join(f"{line[:-4]}{'0000' if line[-4:] != '0000' else '1111'}" for line in text.splitlines()[1:])
    )
    with pytest.raises(CaptureError, match=r"offset \d+: .*not this connection's"):
        decrypt_streams(recording.client, recording.server, wrong)
    with pytest.raises(CaptureError, match="no CLIENT_"):
        decrypt_streams(recording.client, recording.server, KeyLog(""))


def test_an_incomplete_last_record_is_left_out(certificate: Certificate, tmp_path: Path) -> None:
    recording = record(certificate, tmp_path, TLS13)
    whole = decrypt_streams(recording.client, recording.server, recording.keys)
    for missing in (1, 40):
        cut = decrypt_streams(recording.client, recording.server[:-missing], recording.keys)
        assert cut == whole[:-1]


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_cut_and_changed_streams_raise_capture_errors_only(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    recording = record(certificate, tmp_path, version)
    refused = 0
    for at in range(0, len(recording.server), 997):
        changed = bytearray(recording.server)
        changed[at] ^= 0x40
        for server in (recording.server[:at], bytes(changed)):
            try:
                decrypt_streams(recording.client, server, recording.keys)
            except CaptureError:
                refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    ("client", "server", "complaint"),
    [
        (b"", b"", "TLS handshake: Handshake.msg_type"),
        (b"GET / HTTP/1.0", b"", "no TLS version"),
        (bytes.fromhex("16 0303 ffff"), b"", "TlsStream.length: 65535, at most 18432"),
    ],
)
def test_what_is_no_handshake_is_said_so(client: bytes, server: bytes, complaint: str) -> None:
    with pytest.raises(CaptureError, match=complaint):
        decrypt_streams(client, server, KeyLog(""))
