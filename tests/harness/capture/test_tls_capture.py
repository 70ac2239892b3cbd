"""TLS out of captures. The oracle is OpenSSL: two ends in memory, whose records we read with the key log."""

import contextlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.files.certificate_file import load_or_create
from pyrdpmux.harness.capture.keylog import KeyLog
from pyrdpmux.harness.capture.stop import Direction, Stop, StopLayer
from pyrdpmux.harness.capture.stream import Gap, Run, Stream
from pyrdpmux.harness.capture.tls_capture import TlsSide, open_tls
from pyrdpmux.harness.capture.tls_hello import (
    CertificateMessage,
    ClientHello,
    ServerHello,
    TlsVersion,
    decode_handshake,
)
from pyrdpmux.harness.capture.unit import UnitKind
from pyrdpmux.rdp.tls.certificate import Certificate

TO_SERVER = [b"one", b"two" * 6000, b"three"]
TO_CLIENT = [b"eins", b"zwei" * 9000]

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class End:
    """One end of a TLS connection in memory; ``sent`` is everything it has ever put on the wire."""

    def __init__(self, context: ssl.SSLContext, *, is_server: bool) -> None:
        self.incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = None if is_server else "console.example"
        self.tls = context.wrap_bio(
            self.incoming, self._outgoing, server_side=is_server, server_hostname=name
        )
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


def stream(*pieces: bytes) -> Stream:
    """Runs with a gap before each but the first; every 1,000 bytes come with a packet of their own."""
    runs: list[Run] = []
    number = 0
    for piece in pieces:
        run = Run(gap=Gap(None, "made up") if runs else None)
        for at in range(0, len(piece), 1000):
            number += 1
            run.append(piece[at : at + 1000], number, float(number))
        runs.append(run)
    return Stream([run for run in runs if run.data])


def opened(recording: Recording, keys: KeyLog | None) -> tuple[TlsSide, TlsSide]:
    return open_tls(stream(recording.client), stream(recording.server), keys)


def stops_of(sides: tuple[TlsSide, TlsSide]) -> list[Stop]:
    return [stop for side in sides for stop in side.stops.all()]


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
    client, server = opened(recording, recording.keys)
    assert client.plain.data == b"".join(TO_SERVER)
    assert server.plain.data == b"".join(TO_CLIENT)
    assert stops_of((client, server)) == []


def test_each_record_arrives_with_its_last_packet(certificate: Certificate, tmp_path: Path) -> None:
    recording = record(certificate, tmp_path, TLS13)
    _, server = opened(recording, recording.keys)
    (run,) = server.plain.runs
    assert [arrival.end for arrival in run.arrivals] == [4, 4 + 16384, 4 + 32768, 4 + 36000]
    assert run.arrivals[-1].number == -(-len(recording.server) // 1000)


@pytest.mark.parametrize(("version", "name"), [(TLS12, TlsVersion.TLS_1_2), (TLS13, TlsVersion.TLS_1_3)])
def test_what_tls_says_is_there(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion, name: TlsVersion
) -> None:
    recording = record(certificate, tmp_path, version)
    client, server = opened(recording, recording.keys)
    is_tls13 = version == TLS13
    first = decode_handshake(client.units[0].data)
    assert isinstance(first, ClientHello)
    assert first.server_name == "console.example"
    assert is_tls13 == (TlsVersion.TLS_1_3 in first.supported_versions)
    messages = [decode_handshake(unit.data, is_tls13=is_tls13) for unit in server.units]
    (hello,) = [message for message in messages if isinstance(message, ServerHello)]
    assert hello.version == name
    assert hello.cipher_suite in first.cipher_suites
    (chain,) = [message for message in messages if isinstance(message, CertificateMessage)]
    assert chain.certificates[0].subject == "CN=test"
    assert chain.certificates[0].not_before == "2025-12-31"


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_without_keys_the_clear_part_is_there(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    recording = record(certificate, tmp_path, version)
    client, server = opened(recording, None)
    assert client.plain.runs == server.plain.runs == []
    (stop,) = stops_of((client, server))
    sealed = [unit for unit in (*client.units, *server.units) if unit.kind is UnitKind.TLS_CIPHERTEXT]
    assert stop.reason == "no keys are there for what is encrypted"
    assert stop.layer is StopLayer.TLS
    assert stop.number == min(unit.number for unit in sealed) == int(stop.time)
    assert stop.direction is not None
    kinds = [unit.kind for unit in server.units]
    clear = {TLS12: 5, TLS13: 1}[version]
    assert kinds[:clear] == [UnitKind.TLS_HANDSHAKE] * clear
    assert set(kinds[clear:]) == {UnitKind.TLS_CIPHERTEXT}
    assert len(kinds) > clear + 3


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_another_connections_keys_are_refused(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    recording = record(certificate, tmp_path, version)
    text = (tmp_path / "keys").read_text(encoding="ascii")
    wrong = KeyLog(
        "\n".join(f"{line[:-4]}{'0000' if line[-4:] != '0000' else '1111'}" for line in text.splitlines()[1:])
    )
    sides = opened(recording, wrong)
    assert all("not this connection's" in stop.reason for stop in stops_of(sides)[:1])
    assert [stop.direction for stop in stops_of(sides)[:1]] == [Direction.CLIENT]
    assert all(side.plain.data == b"" for side in sides)
    sides = opened(recording, KeyLog("", "empty"))
    (stop,) = stops_of(sides)
    assert stop.reason.startswith("empty: no CLIENT_")


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_an_incomplete_last_record_costs_that_record(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    recording = record(certificate, tmp_path, version)
    for missing in (1, 40):
        cut = stream(recording.server[:-missing])
        _, server = open_tls(stream(recording.client), cut, recording.keys)
        assert server.plain.data == b"".join(TO_CLIENT)[: 4 + 32768]
        (stop,) = server.stops.all()
        assert stop.is_end
        assert "were captured" in stop.reason


#: one AEAD suite whose nonce is on the wire, one whose nonce is not, one with CBC, TLS 1.3
@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (TLS13, ""),
        (TLS12, "ECDHE-RSA-AES256-GCM-SHA384"),
        (TLS12, "ECDHE-RSA-CHACHA20-POLY1305"),
        (TLS12, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"),
    ],
)
def test_records_open_again_behind_a_gap(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion, ciphers: str
) -> None:
    """The gap hides parts of two records."""
    recording = record(certificate, tmp_path, version, ciphers)
    size = len(recording.server)
    torn = stream(recording.server[: size - 30_000], recording.server[size - 15_000 :])
    _, server = open_tls(stream(recording.client), torn, recording.keys)
    before, behind = server.plain.runs
    assert bytes(before.data) == b"eins"
    assert before.gap is None
    assert bytes(behind.data) == b"".join(TO_CLIENT)[4 + 32768 :]
    assert behind.gap is not None
    reasons = [stop.reason for stop in server.stops.all()]
    assert reasons[-1] == "the rest of a record whose beginning is missing"


def test_traffic_opens_where_the_finished_is_missing(certificate: Certificate, tmp_path: Path) -> None:
    recording = record(certificate, tmp_path, TLS13)
    size = len(recording.server)
    torn = stream(recording.server[:300], recording.server[size - 36_600 :])
    _, server = open_tls(stream(recording.client), torn, recording.keys)
    assert b"".join(bytes(run.data) for run in server.plain.runs).endswith(b"zwei" * 800)


def test_only_so_many_numbers_are_tried(
    certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrdpmux.harness.capture.tls_protection.MAXIMUM_TRIALS", 1)
    recording = record(certificate, tmp_path, TLS12)
    size = len(recording.server)
    torn = stream(recording.server[: size - 30_000], recording.server[size - 15_000 :])
    _, server = open_tls(stream(recording.client), torn, recording.keys)
    assert "no sequence number opens this record" in server.stops.all()[-1].reason


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_cut_and_changed_streams_never_raise(
    certificate: Certificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    recording = record(certificate, tmp_path, version)
    whole = b"".join(TO_CLIENT)
    stopped = 0
    for at in range(0, len(recording.server), 997):
        changed = bytearray(recording.server)
        changed[at] ^= 0x40
        for data in (recording.server[:at], bytes(changed)):
            _, server = open_tls(stream(recording.client), stream(data), recording.keys)
            assert all(bytes(run.data) in whole for run in server.plain.runs)
            stopped += bool(server.stops.all())
    assert stopped > 20


@pytest.mark.parametrize(
    ("client", "server", "reason"),
    [
        (b"", b"", "the client's hello is missing"),
        (b"GET / HTTP/1.0", b"", "the client's hello is missing"),
        (bytes.fromhex("16 0303 0004 01000000"), b"", "Handshake.client_hello.legacy_version: need 2 bytes"),
        (bytes.fromhex("16 0303 0004 0e000000"), b"", "the client's hello is missing"),
    ],
)
def test_what_is_no_handshake_is_said_so(client: bytes, server: bytes, reason: str) -> None:
    sealed = bytes.fromhex("17 0303 0001 00")
    sides = open_tls(stream(client + sealed * 3), stream(server), KeyLog(""))
    assert any(reason in stop.reason for stop in stops_of(sides))


def test_nothing_is_missed_where_nothing_is_encrypted() -> None:
    sides = open_tls(stream(bytes.fromhex("16 0303 0004 0e000000")), stream(b""), None)
    assert stops_of(sides) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=4), st.binary(max_size=100))
def test_garbage_never_raises(client: list[bytes], server: bytes) -> None:
    start = bytes.fromhex("16 0303 0004 0e000000 17 0303 0001 00")
    open_tls(stream(start, *client), stream(start + server), KeyLog(""))
