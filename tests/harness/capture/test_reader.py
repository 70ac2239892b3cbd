"""The front door: which connections speak RDP, and that no file makes it raise once it is open."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pyrdpmux.harness.capture as front
from pyrdpmux.harness.capture import Capture, CaptureError, open_capture
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.harness.capture.pcap import encode_pcap, write_pcap
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.x224.tpdu import ConnectionRequest, Data
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode
from tests.harness.capture import obstacles
from tests.harness.capture.obstacles import FOLDER, recorded
from tests.harness.capture.test_tcp import ACK, SYN, ipv4, tcp

REQUEST = encode(Tpkt(encode(ConnectionRequest())))
SLOW = encode(Tpkt(encode(Data(b"slow"))))
HELLO = bytes.fromhex("16 0303 0004 0e000000")


def test_what_a_tester_needs_is_at_the_front() -> None:
    assert set(front.__all__) >= {
        "open_capture",
        "Capture",
        "Connection",
        "Unit",
        "UnitKind",
        "Stop",
        "describe",
    }
    assert all(hasattr(front, name) for name in front.__all__)


def captured(folder: Path, data: bytes, port: int, *, has_syn: bool = True) -> Capture:
    """A connection whose client sent this."""
    segments = [(SYN, 0, b"")] if has_syn else []
    segments.append((ACK, 1, data))
    packets = [
        Packet(1.0, LinkType.RAW, ipv4(tcp(50000, port, sequence, flags, payload), "10.0.0.1", "10.0.0.2"))
        for flags, sequence, payload in segments
    ]
    path = folder / "one.pcap"
    write_pcap(path, packets, LinkType.RAW)
    return open_capture(path)


@pytest.mark.parametrize(
    ("data", "port", "has_syn", "is_rdp"),
    [
        (REQUEST, 3389, True, True),
        (REQUEST, 5000, True, True),
        (encode(Preconnection(0, "build7")) + REQUEST, 5000, True, True),
        (SLOW, 5000, True, True),
        (SLOW, 5000, False, True),
        (b"\x04\x04\x00\x1e", 3389, False, True),
        (HELLO, 2179, True, True),
        (HELLO, 443, True, False),
        (HELLO, 3389, True, False),
        (b"\x04\x04\x00\x1e", 5000, False, False),
        (b"GET / HTTP/1.0", 3389, True, False),
        (b"\x00\x00\x00\x0ak" + bytes(9), 88, True, False),
        (b"\x03\x00", 3389, True, False),
    ],
    ids=[
        *("request", "at another port", "preconnection", "exported", "exported, torn", "torn at 3389"),
        *("vmconnect", "https", "tls at 3389", "torn elsewhere", "http", "kerberos", "two bytes"),
    ],
)
def test_what_speaks_rdp(tmp_path: Path, data: bytes, port: int, has_syn: bool, is_rdp: bool) -> None:
    (connection,) = captured(tmp_path, data, port, has_syn=has_syn).connections
    assert connection.is_rdp is is_rdp
    assert str(connection) == f"connection 1, 10.0.0.1:50000 -> 10.0.0.2:{port}"


def test_an_empty_file_has_no_connections(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    write_pcap(path, list[Packet]())
    capture = open_capture(path)
    assert (capture.connections, capture.rdp, capture.stops) == ((), (), ())


# -- hostile files -----------------------------------------------------------------------------------

NAMES = ["xfreerdp-shadow-tls-16-tls12-cbc", "xfreerdp-pyrdpmux-nla-16", "xfreerdp-shadow-rdp-32-rc4-40"]


def short_file(name: str) -> bytes:
    """The first hundred packets, which hold the whole connection sequence."""
    return encode_pcap(recorded(name)[:100])


def key_file(name: str) -> Path:
    keys = FOLDER / f"{name}.keys"
    return keys if keys.exists() else FOLDER / f"{name}.rsakey"


def read_all(path: Path, keys: Path | None) -> None:
    """Everything that a user may ask of a file."""
    with contextlib.suppress(CaptureError):
        capture = open_capture(path, keys)
        for connection in capture.connections:
            for dissected in connection.units:
                front.describe(dissected.values)
            assert all(str(stop) for stop in (*connection.stops, *capture.stops))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=20),
    st.floats(0.1, 1),
)
def test_no_changed_file_raises(
    tmp_path: Path, name: str, changes: list[tuple[float, int]], share: float
) -> None:
    data = bytearray(short_file(name))
    for place, mask in changes:
        data[int(place * len(data))] ^= mask
    path = tmp_path / "changed.pcap"
    path.write_bytes(data[: int(len(data) * share)])
    read_all(path, key_file(name))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=20),
    st.floats(0.01, 1),
)
def test_no_changed_pcapng_raises(tmp_path: Path, changes: list[tuple[float, int]], share: float) -> None:
    keys = key_file(NAMES[0]).read_text(encoding="ascii")
    data = bytearray(obstacles.pcapng(recorded(NAMES[0])[:60], keys))
    for place, mask in changes:
        data[int(place * len(data))] ^= mask
    path = tmp_path / "changed.pcapng"
    path.write_bytes(data[: int(len(data) * share)])
    read_all(path, None)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 99), max_size=60), st.integers(20, 200))
def test_no_choice_of_packets_raises(tmp_path: Path, order: list[int], size: int) -> None:
    """Lost, repeated, in any order, each third one cut."""
    packets = recorded(NAMES[1])[:100]
    chosen = [packets[at] for at in order] or packets
    path = tmp_path / "chosen.pcap"
    write_pcap(path, [obstacles.cut(size)(p) if n % 3 == 0 else p for n, p in enumerate(chosen)])
    read_all(path, key_file(NAMES[1]))
