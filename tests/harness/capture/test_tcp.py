"""TCP reassembly: order, repetition, gaps, and the link layers around it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.pcap import LinkType, Packet
from pyrdpmux.harness.capture.tcp import Arrival, conversations, decode_segment
from pyrdpmux.wire import Writer

CLIENT, SERVER = ("10.0.0.1", 50000), ("10.0.0.2", 3389)
SYN, ACK, SYN_ACK = 0x02, 0x10, 0x12


def tcp(source: int, destination: int, sequence: int, flags: int, data: bytes) -> bytes:
    w = Writer("tcp")
    w.u16_be("source", source)
    w.u16_be("destination", destination)
    w.u32_be("sequence", sequence % (1 << 32))
    w.u32_be("acknowledgment", 0)
    w.u8("offset", 6 << 4)
    w.u8("flags", flags)
    w.pad("window, checksum, urgent, one option word", 10)
    w.raw("data", data)
    return w.getvalue()


def ipv4(
    payload: bytes, source: str, destination: str, *, protocol: int = 6, no_length: bool = False
) -> bytes:
    w = Writer("ip")
    w.u8("version", 0x45)
    w.u8("tos", 0)
    w.u16_be("length", 0 if no_length else 20 + len(payload))
    w.pad("id, flags, ttl", 5)
    w.u8("protocol", protocol)
    w.pad("checksum", 2)
    for address in (source, destination):
        w.raw("address", bytes(map(int, address.split("."))))
    w.raw("payload", payload)
    return w.getvalue()


def segment(
    sequence: int, data: bytes = b"", flags: int = ACK, *, from_server: bool = False, time: float = 0.0
) -> Packet:
    here, there = (SERVER, CLIENT) if from_server else (CLIENT, SERVER)
    frame = ipv4(tcp(here[1], there[1], sequence, flags, data), here[0], there[0])
    return Packet(time, LinkType.ETHERNET, bytes(12) + b"\x08\x00" + frame)


START = 0xFFFFFFFE  # so that sequence numbers wrap within the first bytes
HANDSHAKE = [segment(START, flags=SYN), segment(99, flags=SYN_ACK, from_server=True)]


def test_both_streams_with_their_times() -> None:
    packets = [
        *HANDSHAKE,
        segment(START + 1, b"hello", time=1.0),
        segment(100, b"welcome", from_server=True, time=2.0),
        segment(START + 6, b" there", time=3.0),
    ]
    (conversation,) = conversations(packets)
    assert (conversation.client, conversation.server) == (CLIENT, SERVER)
    assert conversation.from_client.data == b"hello there"
    assert conversation.from_server.data == b"welcome"
    assert conversation.from_client.arrival_of(5) == Arrival(5, 3, 1.0)
    assert conversation.from_client.arrival_of(6) == Arrival(11, 5, 3.0)
    assert str(conversation) == "10.0.0.1:50000 -> 10.0.0.2:3389"


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=False), st.binary(min_size=1, max_size=60))
def test_any_order_and_repetition_gives_the_same_stream(random: object, data: bytes) -> None:
    assert hasattr(random, "shuffle")
    pieces = [segment(START + 1 + at, data[at : at + 7]) for at in range(0, len(data), 5)]
    pieces += pieces[:3]
    random.shuffle(pieces)
    (conversation,) = conversations([*HANDSHAKE, *pieces])
    assert conversation.from_client.data == data


def test_a_keep_alive_probe_adds_nothing() -> None:
    (conversation,) = conversations([*HANDSHAKE, segment(START + 1, b"ab"), segment(START, b"\0")])
    assert conversation.from_client.data == b"ab"


def test_missing_bytes_are_an_error() -> None:
    with pytest.raises(CaptureError, match=r"10\.0\.0\.1:50000.*missing at stream offset 2"):
        conversations([*HANDSHAKE, segment(START + 1, b"ab"), segment(START + 4, b"d")])


def test_a_connection_without_its_beginning_is_left_out() -> None:
    assert conversations([segment(5, b"late")]) == []


def test_two_connections_stay_apart() -> None:
    other = ipv4(tcp(50001, 3389, 7, SYN, b""), CLIENT[0], SERVER[0])
    more = ipv4(tcp(50001, 3389, 8, ACK, b"second"), CLIENT[0], SERVER[0])
    packets = [*HANDSHAKE, segment(START + 1, b"first")]
    packets += [Packet(0.0, LinkType.RAW, frame) for frame in (other, more)]
    assert [bytes(c.from_client.data) for c in conversations(packets)] == [b"first", b"second"]


FRAME = ipv4(tcp(50000, 3389, 5, ACK, b"x"), "127.0.0.1", "127.0.0.1")
IPV6_HEADER = bytes.fromhex("60000000 0019 06 40") + bytes(15) + b"\1" + bytes(15) + b"\1"


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (LinkType.RAW, FRAME),
        (LinkType.IPV4, FRAME),
        (LinkType.NULL, b"\2\0\0\0" + FRAME),
        (LinkType.LINUX_SLL, bytes(14) + b"\x08\x00" + FRAME),
        (LinkType.LINUX_SLL2, b"\x08\x00" + bytes(18) + FRAME),
        (LinkType.ETHERNET, bytes(12) + b"\x86\xdd" + IPV6_HEADER + tcp(50000, 3389, 5, ACK, b"x")),
        (LinkType.ETHERNET, bytes(12) + b"\x08\x00" + FRAME + bytes(5)),  # Ethernet pads short frames
        (LinkType.RAW, ipv4(tcp(50000, 3389, 5, ACK, b"x"), "127.0.0.1", "127.0.0.1", no_length=True)),
    ],
    ids=["raw", "ipv4", "null", "sll", "sll2", "ipv6", "padded", "offloaded"],
)
def test_link_layers(link_type: LinkType, data: bytes) -> None:
    found = decode_segment(Packet(0.0, link_type, data))
    assert found is not None
    assert (found.source[1], found.destination[1], found.sequence, found.data) == (50000, 3389, 5, b"x")


@pytest.mark.parametrize(
    "data",
    [
        bytes(12) + b"\x08\x06" + bytes(28),
        bytes(12) + b"\x08\x00" + ipv4(b"", "1.1.1.1", "2.2.2.2", protocol=17),
    ],
)
def test_what_is_not_tcp_is_passed_over(data: bytes) -> None:
    assert decode_segment(Packet(0.0, LinkType.ETHERNET, data)) is None


def test_complaints_name_the_packet() -> None:
    with pytest.raises(CaptureError, match=r"packet 3: Frame\.tcp"):
        conversations([*HANDSHAKE, Packet(0.0, LinkType.RAW, FRAME[:30])])
    with pytest.raises(CaptureError, match="link type 252 is not supported"):
        conversations([Packet(0.0, LinkType(252), b"")])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([LinkType.ETHERNET, LinkType.RAW]), st.binary(max_size=80))
def test_garbage_raises_decode_errors_only(link_type: LinkType, data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_segment(Packet(0.0, link_type, data))
