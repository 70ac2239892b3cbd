"""Units out of conversations, constructed where the recorded sessions do not go."""

from pathlib import Path

import pytest

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.pcap import Packet, write_pcap
from pyrdpmux.harness.capture.session import Unit, UnitKind, open_session, read_session
from pyrdpmux.harness.capture.tcp import Arrival, Conversation, Stream
from pyrdpmux.harness.capture.tls_capture import Direction
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
    """Bytes with the number of the packet that brought them."""
    result = Stream()
    for number, data in pieces:
        result.data += data
        result.arrivals.append(Arrival(len(result.data), number, float(number)))
    return result


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


def test_an_incomplete_last_unit_is_left_out() -> None:
    client, server = stream((1, REQUEST), (3, SLOW[:-1])), stream((2, PLAIN_CONFIRM))
    assert len(read_session(conversation(client, server), None, "cut").units) == 2


def test_tls_without_keys_is_said_so() -> None:
    client, server = stream((1, REQUEST), (3, b"\x16")), stream((2, TLS_CONFIRM))
    with pytest.raises(CaptureError, match="there is no key log"):
        read_session(conversation(client, server), None, "locked")


@pytest.mark.parametrize("data", [b"", b"\x03\x00\x00\x07\x02"])
def test_a_side_without_a_whole_packet_is_said_so(data: bytes) -> None:
    with pytest.raises(CaptureError, match="the server sent no whole packet"):
        read_session(conversation(stream((1, REQUEST)), stream((2, data))), None, "mute")


def test_garbage_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        read_session(conversation(stream((1, b"GET / HTTP/1.0")), stream((2, PLAIN_CONFIRM))), None, "web")


def test_a_capture_without_a_connection_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    write_pcap(path, list[Packet]())
    with pytest.raises(CaptureError, match=r"empty\.pcap: no TCP connection"):
        open_session(path)
