"""Recorded sessions with obstacles put in: what hides nothing costs nothing, the rest what it hides.

The sessions are those of fixtures/pcaps, which tests/replay holds to their expected text.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pyrdpmux.harness.capture import Capture, Connection, Direction, StopLayer, UnitKind, open_capture
from pyrdpmux.harness.capture.byte_order import BIG, LITTLE, ByteOrder
from pyrdpmux.harness.capture.fixture import expected_path, transcript
from pyrdpmux.harness.capture.frame import FLAG_SYN
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.harness.capture.pcap import encode_pcap, write_pcap
from tests.harness.capture import obstacles
from tests.harness.capture.obstacles import FOLDER, recorded, segment_of

TLS13 = "xfreerdp-shadow-tls-16"
TLS12_CBC = "xfreerdp-shadow-tls-16-tls12-cbc"
RC4 = "xfreerdp-shadow-rdp-32"
FIPS = "xfreerdp-shadow-rdp-32-fips"
NLA = "xfreerdp-pyrdpmux-nla-32"
SESSIONS = [TLS13, TLS12_CBC, RC4, FIPS, NLA]


def keys_of(name: str) -> Path:
    keys = FOLDER / f"{name}.keys"
    return keys if keys.exists() else FOLDER / f"{name}.rsakey"


def opened(
    folder: Path, name: str, packets: Sequence[Packet], *, has_keys: bool = True, cut: int = 0
) -> Capture:
    path = folder / "changed.pcap"
    write_pcap(path, packets)
    if cut:
        path.write_bytes(path.read_bytes()[:-cut])
    return open_capture(path, keys_of(name) if has_keys else None)


def only(capture: Capture) -> Connection:
    (connection,) = capture.rdp
    return connection


def said(connection: Connection) -> list[tuple[Direction, UnitKind, bytes]]:
    """Every unit but gaps; what TLS says of itself left out."""
    return [
        (unit.unit.direction, unit.unit.kind, unit.unit.data)
        for unit in connection.units
        if unit.unit.kind is not UnitKind.GAP
    ]


# -- what hides nothing ------------------------------------------------------------------------------


def each(change: Callable[[Packet], Packet]) -> Callable[[Sequence[Packet]], list[Packet]]:
    return lambda packets: [change(packet) for packet in packets]


HARMLESS: dict[str, Callable[[Sequence[Packet]], list[Packet]]] = {
    "nothing": list,
    "802.1Q": each(obstacles.tagged(b"\x81\x00\x60\x05")),
    "QinQ": each(obstacles.tagged(b"\x88\xa8\x00\x01", b"\x81\x00\x00\x02")),
    "IPv4 total length 0": each(obstacles.without_ip_length),
    "IPv6": each(obstacles.in_ipv6(has_length=True)),
    "IPv6 payload length 0": each(obstacles.in_ipv6(has_length=False)),
    "IPv6 extension headers": each(
        obstacles.in_ipv6(has_length=True, extensions=b"\x3c\0\1\4\0\0\0\0\6\0\1\4\0\0\0\0", first=0)
    ),
    "every packet twice": obstacles.doubled,
}


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("obstacle", HARMLESS)
def test_what_hides_nothing_costs_nothing(tmp_path: Path, name: str, obstacle: str) -> None:
    capture = opened(tmp_path, name, HARMLESS[obstacle](recorded(name)))
    assert capture.stops == ()
    connection = capture.rdp[-1]
    assert [stop for stop in connection.stops if not stop.is_end] == []
    assert transcript(connection.units) == expected_path(FOLDER / f"{name}.pcap").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SESSIONS)
def test_packets_in_the_wrong_order(tmp_path: Path, name: str) -> None:
    """Who answered before it was asked is not known then; what each side said is."""
    whole = only(opened(tmp_path, name, recorded(name)))
    swapped = only(opened(tmp_path, name, obstacles.swapped(recorded(name))))
    for direction in Direction:
        ours, theirs = ([u for u in said(c) if u[0] is direction] for c in (swapped, whole))
        assert ours == theirs


@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_keys_within_the_file_are_used(tmp_path: Path, order: ByteOrder) -> None:
    path = tmp_path / "keys inside.pcapng"
    key_log = keys_of(TLS13).read_text(encoding="ascii")
    path.write_bytes(obstacles.pcapng(recorded(TLS13), key_log, order=order))
    expected = expected_path(FOLDER / f"{TLS13}.pcap").read_text(encoding="utf-8")
    assert transcript(open_capture(path).rdp[-1].units) == expected


def test_keys_within_the_file_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "no keys inside.pcapng"
    path.write_bytes(obstacles.pcapng(recorded(TLS13), "nonsense"))
    (stop,) = open_capture(path, keys_of(TLS13)).stops
    assert "secrets block 1: line 1 is not LABEL RANDOM SECRET" in stop.reason


# -- gaps --------------------------------------------------------------------------------------------


def data_packets(packets: Sequence[Packet], direction: Direction) -> list[int]:
    """Indexes of one side's packets with data."""
    opening = next(segment_of(packet) for packet in packets if segment_of(packet).flags & FLAG_SYN)
    source = opening.source if direction is Direction.CLIENT else opening.destination
    segments = [segment_of(packet) for packet in packets]
    return [at for at, segment in enumerate(segments) if segment.data and segment.source == source]


@pytest.mark.parametrize("name", [TLS13, TLS12_CBC, NLA])
@pytest.mark.parametrize("direction", list(Direction))
def test_a_gap_costs_the_units_of_its_packet(tmp_path: Path, name: str, direction: Direction) -> None:
    """Any packet behind the handshake may be missing. Records go over packets: two more may be needed."""
    packets = recorded(name)
    whole = only(opened(tmp_path, name, packets))
    indexes = data_packets(packets, direction)
    behind = [at for at in indexes if at + 1 > handshake_end(whole)]
    assert len(behind) > 10
    for missing in behind[: -2 : max(1, len(behind) // 8)]:
        torn = only(opened(tmp_path, name, [*packets[:missing], *packets[missing + 1 :]]))
        _, second = [at for at in indexes if at > missing][:2]
        hidden = range(missing + 1, second + 2)
        expected = [
            unit.unit
            for unit in whole.units
            if unit.unit.direction is not direction or unit.unit.number not in hidden
        ]
        found = said(torn)
        lost = [unit for unit in expected if (unit.direction, unit.kind, unit.data) not in found]
        assert lost == [], f"packet {missing + 1} is missing"
        reasons = [(stop.layer, stop.direction) for stop in torn.stops if not stop.is_end]
        assert (StopLayer.TCP, direction) in reasons


def handshake_end(connection: Connection) -> int:
    """The last packet with a message of TLS's own, or of NLA."""
    early = {UnitKind.TLS_HANDSHAKE, UnitKind.TS_REQUEST, UnitKind.EARLY_USER_AUTH, UnitKind.X224}
    return max(unit.unit.number for unit in connection.units if unit.unit.kind in early)


def test_behind_a_gap_the_rc4_state_is_lost_and_headers_are_read(tmp_path: Path) -> None:
    packets = recorded(RC4)
    missing = data_packets(packets, Direction.SERVER)[20]
    torn = only(opened(tmp_path, RC4, [*packets[:missing], *packets[missing + 1 :]]))
    whole = only(opened(tmp_path, RC4, packets))
    behind = [unit for unit in torn.units if unit.unit.number > missing]
    kinds = {
        type(value).__name__ for unit in behind for value in unit.values if unit.unit.direction.value == "<"
    }
    assert "Ciphertext" in kinds
    assert kinds <= {"Ciphertext", "NonFipsSecurityHeader", "DisconnectProviderUltimatum"}
    # The client's side goes on as if nothing had happened.
    assert transcript_of(torn, Direction.CLIENT) == transcript_of(whole, Direction.CLIENT)


def transcript_of(connection: Connection, direction: Direction) -> str:
    return transcript([unit for unit in connection.units if unit.unit.direction is direction])


def test_fragments_are_reported_and_cost_what_they_carry(tmp_path: Path) -> None:
    packets = recorded(TLS13)
    missing = data_packets(packets, Direction.SERVER)[20]
    capture = opened(tmp_path, TLS13, obstacles.fragmented(packets, {missing + 1}))
    assert [stop.number for stop in capture.stops] == [missing + 1, missing + 2]
    assert all(stop.reason == "a fragment of an IPv4 packet: not put together" for stop in capture.stops)
    torn = only(capture)
    assert any(stop.layer is StopLayer.TCP for stop in torn.stops)
    assert len(said(torn)) > 90


# -- cuts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [TLS13, TLS12_CBC, RC4])
def test_a_snapshot_length_costs_what_is_behind_it(tmp_path: Path, name: str) -> None:
    """Packets of more than 400 bytes are cut: the handshake's long ones, and pictures."""
    packets = recorded(name)
    whole = only(opened(tmp_path, name, packets))
    short = {number for number, packet in enumerate(packets, 1) if len(packet.data) <= 400}
    connection = only(opened(tmp_path, name, [obstacles.cut(400)(packet) for packet in packets]))
    reasons = [stop.reason for stop in connection.stops if stop.layer is StopLayer.TCP]
    assert any("was cut by the snapshot length" in reason for reason in reasons)
    found = {(unit.unit.direction, unit.unit.data) for unit in connection.units}
    first = next(number for number in range(1, len(packets)) if number not in short)
    early = [unit.unit for unit in whole.units if unit.unit.number < first]
    assert early
    assert all((unit.direction, unit.data) in found for unit in early)
    # What is plain in TCP is found again behind each cut.
    if name == RC4:
        late = [unit.unit for unit in whole.units if unit.unit.number in short]
        missing = [unit for unit in late if (unit.direction, unit.data) not in found]
        assert len(missing) < len(late) / 10


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_gives_its_prefix(tmp_path: Path, share: float) -> None:
    packets = recorded(TLS13)
    size = len(encode_pcap(packets))
    whole = only(opened(tmp_path, TLS13, packets))
    capture = opened(tmp_path, TLS13, packets, cut=size - int(size * share))
    (stop,) = capture.stops
    assert stop.layer is StopLayer.FILE
    assert stop.number <= len(packets)
    found = said(only(capture))
    if any(unit.kind is UnitKind.TPKT for unit in (u.unit for u in whole.units[:2])):
        pytest.fail("the session begins with TLS")
    expected = [unit.unit for unit in whole.units if unit.unit.number < stop.number]
    hello_seen = any(kind is UnitKind.TLS_HANDSHAKE and d is Direction.SERVER for d, kind, _ in found)
    if hello_seen:
        assert found == [(unit.direction, unit.kind, unit.data) for unit in expected]


@pytest.mark.parametrize("name", SESSIONS)
def test_a_missing_syn_costs_nothing_where_x224_is_at_the_front(tmp_path: Path, name: str) -> None:
    whole = only(opened(tmp_path, name, recorded(name)))
    connection = only(opened(tmp_path, name, obstacles.without_syn(recorded(name))))
    assert str(connection) == str(whole)
    assert [stop for stop in connection.stops if not stop.is_end] == []
    assert transcript(connection.units) == expected_path(FOLDER / f"{name}.pcap").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [NLA, "xfreerdp-shadow-tls-32", "xfreerdp-pyrdpmux-tls-16"])
def test_a_capture_that_begins_in_the_middle_opens_with_the_keys_of_tls_1_3(
    tmp_path: Path, name: str
) -> None:
    """Without a SYN and X.224 the lower port is taken for the server's, as it is in these sessions."""
    packets = recorded(name)
    whole = said(opened(tmp_path, name, packets).rdp[-1])
    (connection,) = opened(tmp_path, name, packets[len(packets) // 2 :]).connections
    found = said(connection)
    assert len(found) > 20
    # The first frame of each side may have begun before.
    assert set(found) <= set(whole)
    assert found[2:] == whole[-len(found) + 2 :]
    assert {stop.layer for stop in connection.stops if not stop.is_end} <= {StopLayer.TCP, StopLayer.FRAMING}


@pytest.mark.parametrize("has_keys", [True, False])
def test_a_capture_that_begins_in_the_middle_of_tls_1_2_does_not_open(tmp_path: Path, has_keys: bool) -> None:
    packets = recorded(TLS12_CBC)
    capture = opened(tmp_path, TLS12_CBC, packets[len(packets) // 2 :], has_keys=has_keys)
    (connection,) = capture.connections
    assert {unit.unit.kind for unit in connection.units} == {UnitKind.TLS_CIPHERTEXT}
    assert any("the client's hello is missing" in stop.reason for stop in connection.stops)


def test_a_capture_that_begins_in_the_middle_with_keys_of_another_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrdpmux.harness.capture.tls_protection.MAXIMUM_TRIALS", 1000)
    path = tmp_path / "half.pcap"
    write_pcap(path, recorded(TLS13)[80:])
    (connection,) = open_capture(path, keys_of(NLA)).connections
    assert {unit.unit.kind for unit in connection.units} == {UnitKind.TLS_CIPHERTEXT}
    assert "no sequence number opens this record" in str(connection.stops)


def test_a_capture_that_begins_in_the_middle_of_standard_security(tmp_path: Path) -> None:
    packets = recorded(RC4)
    (connection,) = opened(tmp_path, RC4, packets[len(packets) // 2 :]).connections
    assert {UnitKind.FAST_PATH} <= {unit.unit.kind for unit in connection.units}
    assert {type(v).__name__ for unit in connection.units for v in unit.values} >= {"Ciphertext"}


# -- without keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [TLS12_CBC, NLA])
def test_tls_without_keys(tmp_path: Path, name: str) -> None:
    connection = only(opened(tmp_path, name, recorded(name), has_keys=False))
    names = [type(value).__name__ for unit in connection.units for value in unit.values]
    assert names[:4] == ["ConnectionRequest", "ConnectionConfirm", "ClientHello", "ServerHello"]
    assert ("CertificateMessage" in names) == (name == TLS12_CBC)
    assert names[-1] == "Ciphertext"
    (stop,) = [stop for stop in connection.stops if not stop.is_end]
    first = next(unit.unit for unit in connection.units if unit.unit.kind is UnitKind.TLS_CIPHERTEXT)
    assert (stop.number, stop.time, stop.direction) == (first.number, first.time, first.direction)
    assert str(stop) == (
        f"packet {first.number}, {first.time:.6f} s, {first.direction.value} "
        "TLS: no keys are there for what is encrypted"
    )


def test_rdp_security_without_keys(tmp_path: Path) -> None:
    connection = only(opened(tmp_path, RC4, recorded(RC4), has_keys=False))
    (stop,) = [stop for stop in connection.stops if not stop.is_end]
    assert (stop.layer, stop.direction) == (StopLayer.SECURITY, Direction.CLIENT)
    assert stop.reason == "standard RDP security, but the server's RSA key is not there"
    assert stop.number > 0
    assert stop.time > 0
    names = {type(layer.value).__name__ for unit in connection.units for layer in unit.layers}
    assert {"ServerCertificate", "SecurityExchange", "SendDataRequest", "SendDataIndication"} <= names
    assert {"NonFipsSecurityHeader", "FastPathPdu", "Ciphertext"} <= names
    with_keys = only(opened(tmp_path, RC4, recorded(RC4)))
    assert len(connection.units) == len(with_keys.units)


# -- several connections -----------------------------------------------------------------------------


def kerberos() -> list[Packet]:
    """A connection to port 88 with a message of four bytes' length in front."""
    frames = [b"\x00\x00\x00\x0ak" + bytes(9), b"\x00\x00\x00\x04~\0\0\0"]
    ports = [(40000, 88), (88, 40000)]
    packets = []
    for (source, destination), data in zip(ports, frames, strict=True):
        head = source.to_bytes(2, "big") + destination.to_bytes(2, "big") + bytes(8) + b"\x50"
        for number, flags, payload in ((1, b"\x02" if source > 88 else b"\x12", b""), (2, b"\x18", data)):
            tcp = head[:4] + number.to_bytes(4, "big") + (2).to_bytes(4, "big") + b"\x50" + flags + bytes(6)
            size = (40 + len(payload)).to_bytes(2, "big")
            ip = b"\x45\x00" + size + bytes(5) + b"\x06" + bytes(2) + b"\x0a\0\0\1" + b"\x0a\0\0\2"
            if source == 88:
                ip = ip[:12] + b"\x0a\0\0\2\x0a\0\0\1"
            packets.append(Packet(1.0, LinkType.ETHERNET, bytes(12) + b"\x08\x00" + ip + tcp + payload))
    return packets


def test_connections_are_chosen_by_number_by_port_or_all_of_rdp(tmp_path: Path) -> None:
    packets = [*kerberos(), *recorded(TLS13), *recorded(NLA)]
    path = tmp_path / "three.pcap"
    write_pcap(path, packets)
    capture = open_capture(path, keys_of(NLA))
    assert [connection.is_rdp for connection in capture.connections] == [False, True, True]
    assert [connection.number for connection in capture.rdp] == [2, 3]
    assert capture.connection(3) is capture.rdp[1]
    assert capture.at_port(88) == (capture.connections[0],)
    for number in (0, 4):
        with pytest.raises(Exception, match=f"connection {number} of 3"):
            capture.connection(number)
    # Each with its own keys: those of the second are in the log, those of the first are not.
    assert transcript(capture.rdp[1].units) == expected_path(FOLDER / f"{NLA}.pcap").read_text(
        encoding="utf-8"
    )
    assert "no CLIENT_HANDSHAKE_TRAFFIC_SECRET for client random" in capture.rdp[0].stops[0].reason
