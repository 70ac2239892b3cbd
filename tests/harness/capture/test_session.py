"""Units out of conversations, constructed where the recorded sessions do not go."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.framing import TPKT_DATA, Framer
from pyrdpmux.harness.capture.keylog import KeyLog
from pyrdpmux.harness.capture.packet import Packet
from pyrdpmux.harness.capture.pcap import write_pcap
from pyrdpmux.harness.capture.session import Session, open_session, read_session
from pyrdpmux.harness.capture.stop import Direction, StopLayer
from pyrdpmux.harness.capture.stream import Gap, Run, Stream
from pyrdpmux.harness.capture.tcp import Conversation
from pyrdpmux.harness.capture.unit import Unit, UnitKind
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.x224.negotiation import NegotiationRequest, NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, Data
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode

REQUEST = encode(Tpkt(encode(ConnectionRequest(NegotiationRequest(SecurityProtocol.SSL)))))
PLAIN_CONFIRM = encode(Tpkt(encode(ConnectionConfirm())))
TLS_CONFIRM = encode(Tpkt(encode(ConnectionConfirm(NegotiationResponse(SecurityProtocol.SSL)))))
SLOW = encode(Tpkt(encode(Data(b"slow"))))
FAST = bytes.fromhex("04 04 aabb")


def stream(*pieces: tuple[int, bytes]) -> Stream:
    """Bytes with the number of the packet that brought them; nothing is a gap of unknown size."""
    runs = [Run()]
    for number, data in pieces:
        if data:
            runs[-1].append(data, number, float(number))
        else:
            runs.append(Run(gap=Gap(None, "made up")))
    return Stream([run for run in runs if run.data])


def conversation(client: Stream, server: Stream) -> Conversation:
    return Conversation(("c", 1), ("s", 3389), client, server)


def test_units_come_in_the_order_of_their_last_bytes() -> None:
    client = stream((1, REQUEST), (3, SLOW[:3]), (5, SLOW[3:] + FAST))
    server = stream((2, PLAIN_CONFIRM), (4, FAST))
    session = read_session(conversation(client, server), None, "made up")
    assert session.protocol == SecurityProtocol.RDP
    assert session.units == (
        Unit(Direction.CLIENT, UnitKind.X224, REQUEST, 1, 1.0),
        Unit(Direction.SERVER, UnitKind.X224, PLAIN_CONFIRM, 2, 2.0),
        Unit(Direction.SERVER, UnitKind.FAST_PATH, FAST, 4, 4.0),
        Unit(Direction.CLIENT, UnitKind.TPKT, SLOW, 5, 5.0),
        Unit(Direction.CLIENT, UnitKind.FAST_PATH, FAST, 5, 5.0),
    )
    assert [unit.number for unit in session.of(Direction.SERVER)] == [2, 4]


def reasons(session: Session) -> list[str]:
    return [stop.reason for stop in session.stops]


def test_an_incomplete_last_unit_is_left_out() -> None:
    client, server = stream((1, REQUEST), (3, SLOW[:-1])), stream((2, PLAIN_CONFIRM))
    session = read_session(conversation(client, server), None, "cut")
    assert len(session.units) == 2
    (stop,) = session.stops
    assert stop.is_end
    assert (stop.layer, stop.number, stop.direction) == (StopLayer.FRAMING, 3, Direction.CLIENT)
    assert stop.reason == "10 bytes of a frame (11 bytes) were captured"


def test_tls_without_keys_is_said_so() -> None:
    hello = bytes.fromhex("16 0303 0004 0e000000")
    client, server = stream((1, REQUEST), (3, hello)), stream((2, TLS_CONFIRM))
    session = read_session(conversation(client, server), None, "locked")
    assert session.is_tls
    assert [unit.kind for unit in session.units] == [UnitKind.X224, UnitKind.X224, UnitKind.TLS_HANDSHAKE]


def test_a_preconnection_pdu_comes_first() -> None:
    pdu = encode(Preconnection(7, "build7"))
    client, server = stream((1, pdu + REQUEST), (3, FAST)), stream((2, PLAIN_CONFIRM))
    session = read_session(conversation(client, server), None, "gateway")
    assert [unit.kind.value for unit in session.units] == ["pcb", "x224", "x224", "fp"]
    assert session.units[0].data == pdu


@pytest.mark.parametrize("data", [b"", b"\x03\x00\x00\x07\x02"])
def test_a_side_without_a_whole_packet(data: bytes) -> None:
    session = read_session(conversation(stream((1, REQUEST)), stream((2, data))), None, "mute")
    assert session.protocol is None
    assert [unit.data for unit in session.units] == [REQUEST]


def test_garbage_is_passed_over() -> None:
    client = stream((1, b"GET / HTTP/1.0"), (3, SLOW + SLOW))
    session = read_session(conversation(client, stream((2, PLAIN_CONFIRM))), None, "web")
    assert [unit.data for unit in session.units if unit.data] == [PLAIN_CONFIRM, SLOW, SLOW]
    assert reasons(session) == [
        "frame.action: 0x47 begins neither TPKT nor fast-path (offset 0)",
        "13 bytes passed over: bytes that are no frame",
    ]


def test_a_confirm_that_does_not_decode() -> None:
    broken = bytes.fromhex("03 00 00 09 05 d0 0000 00")
    session = read_session(conversation(stream((1, REQUEST)), stream((2, broken))), None, "broken")
    assert session.protocol is None
    assert (session.stops[0].layer, session.stops[0].number) == (StopLayer.RDP, 2)
    assert session.stops[0].reason.startswith("ConnectionConfirm.")


GAP = (0, b"")


def frames(
    *pieces: tuple[int, bytes], direction: Direction = Direction.SERVER
) -> list[tuple[UnitKind, bytes]]:
    """Kinds and bytes of what one side says behind X.224."""
    client, server = stream((1, REQUEST)), stream((2, PLAIN_CONFIRM))
    side = server if direction is Direction.SERVER else client
    side.runs += stream(*pieces).runs
    units = read_session(conversation(client, server), None, "torn").units
    return [(unit.kind, unit.data) for unit in units if unit.kind is not UnitKind.X224]


LOST = (UnitKind.GAP, b"")
OUTPUT = bytes.fromhex("00 05 030000")
INPUT = bytes.fromhex("04 04 001e")


def test_slow_path_is_found_behind_a_gap_at_any_place() -> None:
    tail = SLOW[4:] + b"rest"
    assert frames(GAP, (5, tail + SLOW + SLOW[:-1])) == [LOST, (UnitKind.TPKT, SLOW)]


def test_fast_path_is_found_behind_a_gap_where_a_packet_begins() -> None:
    assert frames(GAP, (5, b"\x11\x22\x33" + OUTPUT), (6, OUTPUT + OUTPUT)) == [
        LOST,
        (UnitKind.FAST_PATH, OUTPUT),
        (UnitKind.FAST_PATH, OUTPUT),
    ]


@pytest.mark.parametrize(("direction", "frame"), [(Direction.SERVER, OUTPUT), (Direction.CLIENT, INPUT)])
def test_a_run_that_begins_with_a_frame_loses_nothing(direction: Direction, frame: bytes) -> None:
    assert frames(GAP, (5, frame + frame + SLOW), direction=direction) == [
        LOST,
        (UnitKind.FAST_PATH, frame),
        (UnitKind.FAST_PATH, frame),
        (UnitKind.TPKT, SLOW),
    ]


def test_where_no_frame_is_found_nothing_is_made_up() -> None:
    assert frames(GAP, (5, b"\x01\x02\x02\x01" * 50)) == [LOST]


def test_no_more_units_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.harness.capture.framing.MAXIMUM_UNITS", 3)
    server = stream((2, PLAIN_CONFIRM), (3, OUTPUT * 9))
    session = read_session(conversation(stream((1, REQUEST)), server), None, "endless")
    assert len([unit for unit in session.units if unit.data == OUTPUT]) == 3
    assert reasons(session) == ["only the first 3 messages are read"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([GAP, (1, SLOW), (1, OUTPUT)]) | st.tuples(st.just(1), st.binary(max_size=40)))
)
def test_whatever_a_side_sends_is_read_or_stops(pieces: list[tuple[int, bytes]]) -> None:
    for direction in Direction:
        found = frames(*pieces, direction=direction)
        assert sum(len(data) for _, data in found) <= sum(len(data) for _, data in pieces)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80))
def test_garbage_never_raises(client: bytes, server: bytes) -> None:
    for first, second in ((b"", b""), (REQUEST, TLS_CONFIRM), (REQUEST, PLAIN_CONFIRM), (b"\x12\0\0\0", b"")):
        both = conversation(stream((1, first + client)), stream((2, second + server)))
        read_session(both, KeyLog(""), "noise")


def test_a_capture_without_a_connection_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    write_pcap(path, list[Packet]())
    with pytest.raises(CaptureError, match=r"empty\.pcap: no TCP connection"):
        open_session(path)


class _Searched:
    """A pattern that counts what it was searched for in."""

    def __init__(self) -> None:
        self.size = 0

    def _count(self, data: bytearray, start: int) -> None:
        match = TPKT_DATA.search(data, start)
        self.size += (match.start() if match else len(data)) - start

    def search(self, data: bytearray, start: int) -> re.Match[bytes] | None:
        self._count(data, start)
        return TPKT_DATA.search(data, start)

    def match(self, data: bytearray, at: int) -> re.Match[bytes] | None:
        return TPKT_DATA.match(data, at)

    def finditer(self, data: bytearray, start: int) -> Iterator[re.Match[bytes]]:
        self._count(data, start)
        return TPKT_DATA.finditer(data, start)


def test_a_file_in_which_frames_are_lost_again_and_again_is_searched_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Anybody may send a capture file in: its size must tell how long it takes."""
    searched = _Searched()
    monkeypatch.setattr("pyrdpmux.harness.capture.framing.TPKT_DATA", searched)
    run = Run()
    for number in range(1, 101):
        run.append(b"\0\3\0" * 3 + b"\1" + b"\xff" * 100, number, 0.0)
    framer = Framer(Direction.SERVER, Stream([run]))
    framer.read(SecurityProtocol.RDP)
    assert len(framer.units) == 100 * 4
    assert searched.size <= 2 * len(run.data)
