"""TCP reassembly: order, repetition, gaps, and the link layers around it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.frame import decode_segment
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.harness.capture.stop import Stop, StopLayer
from pyrdpmux.harness.capture.stream import Arrival, Gap
from pyrdpmux.harness.capture.tcp import Conversation, conversations
from pyrdpmux.wire import Writer

CLIENT, SERVER = ("10.0.0.1", 50000), ("10.0.0.2", 3389)
SYN, ACK, SYN_ACK = 0x02, 0x10, 0x12


def tcp(
    source: int, destination: int, sequence: int, flags: int, data: bytes, acknowledgment: int = 0
) -> bytes:
    w = Writer("tcp")
    w.u16_be("source", source)
    w.u16_be("destination", destination)
    w.u32_be("sequence", sequence % (1 << 32))
    w.u32_be("acknowledgment", acknowledgment % (1 << 32))
    w.u8("offset", 6 << 4)
    w.u8("flags", flags)
    w.pad("window, checksum, urgent, one option word", 10)
    w.raw("data", data)
    return w.getvalue()


def ipv4(
    payload: bytes,
    source: str,
    destination: str,
    *,
    protocol: int = 6,
    no_length: bool = False,
    fragment: int = 0x4000,
) -> bytes:
    w = Writer("ip")
    w.u8("version", 0x45)
    w.u8("tos", 0)
    w.u16_be("length", 0 if no_length else 20 + len(payload))
    w.pad("id", 2)
    w.u16_be("flags, fragment offset", fragment)
    w.pad("ttl", 1)
    w.u8("protocol", protocol)
    w.pad("checksum", 2)
    for address in (source, destination):
        w.raw("address", bytes(map(int, address.split("."))))
    w.raw("payload", payload)
    return w.getvalue()


def segment(
    sequence: int,
    data: bytes = b"",
    flags: int = ACK,
    *,
    from_server: bool = False,
    time: float = 0.0,
    acknowledgment: int = 0,
) -> Packet:
    here, there = (SERVER, CLIENT) if from_server else (CLIENT, SERVER)
    frame = ipv4(tcp(here[1], there[1], sequence, flags, data, acknowledgment), here[0], there[0])
    return Packet(time, LinkType.ETHERNET, bytes(12) + b"\x08\x00" + frame)


START = 0xFFFFFFFE  # so that sequence numbers wrap within the first bytes
OPENING = segment(START, flags=SYN)
ANSWER = segment(99, flags=SYN_ACK, from_server=True, acknowledgment=START + 1)
HANDSHAKE = [OPENING, ANSWER]


def only(packets: list[Packet]) -> Conversation:
    """The one conversation of packets with which nothing is wrong."""
    (conversation,), stops = conversations(packets)
    assert stops == ()
    return conversation


def runs_of(conversation: Conversation) -> list[tuple[bytes, Gap | None]]:
    return [(bytes(run.data), run.gap) for run in conversation.from_client.runs]


def test_both_streams_with_their_times() -> None:
    packets = [
        *HANDSHAKE,
        segment(START + 1, b"hello", time=1.0),
        segment(100, b"welcome", from_server=True, time=2.0),
        segment(START + 6, b" there", time=3.0),
    ]
    conversation = only(packets)
    assert (conversation.client, conversation.server) == (CLIENT, SERVER)
    assert conversation.from_client.data == b"hello there"
    assert conversation.from_server.data == b"welcome"
    (run,) = conversation.from_client.runs
    assert run.arrival_of(5) == Arrival(5, 3, 1.0)
    assert run.arrival_of(6) == Arrival(11, 5, 3.0)
    assert list(run.boundaries()) == [0, 5]
    assert list(run.boundaries(1)) == [5]
    assert str(conversation) == "10.0.0.1:50000 -> 10.0.0.2:3389"


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=False), st.binary(min_size=1, max_size=60))
def test_any_order_and_repetition_gives_the_same_stream(random: object, data: bytes) -> None:
    assert hasattr(random, "shuffle")
    pieces = [segment(START + 1 + at, data[at : at + 7]) for at in range(0, len(data), 5)]
    pieces += pieces[:3]
    random.shuffle(pieces)
    conversation = only([*HANDSHAKE, *pieces])
    assert conversation.from_client.data == data
    numbers = [arrival.number for arrival in conversation.from_client.runs[0].arrivals]
    assert numbers == sorted(numbers)


def test_a_byte_counts_as_it_came_first() -> None:
    """A retransmission joins what was two packets; the second was there long before it."""
    packets = [segment(START + 1, b"ab"), segment(START + 3, b"cd"), segment(START + 1, b"abcdef", time=9.0)]
    (run,) = only([*HANDSHAKE, *packets]).from_client.runs
    assert [(arrival.end, arrival.number) for arrival in run.arrivals] == [(2, 3), (4, 4), (6, 5)]


def test_a_keep_alive_probe_adds_nothing() -> None:
    conversation = only([*HANDSHAKE, segment(START + 1, b"ab"), segment(START, b"\0")])
    assert conversation.from_client.data == b"ab"


def test_a_gap_lies_between_two_runs() -> None:
    late = segment(START + 4, b"d", time=4.0)
    conversation = only([*HANDSHAKE, segment(START + 1, b"ab"), late, segment(START + 5, b"e", time=5.0)])
    assert runs_of(conversation) == [(b"ab", None), (b"de", Gap(1, "no packet has them"))]
    assert conversation.from_client.runs[1].arrivals == [Arrival(1, 4, 4.0), Arrival(2, 5, 5.0)]
    assert conversation.from_client.data == b"ab"
    assert str(conversation.from_client.runs[1].gap) == "1 bytes are missing: no packet has them"


def test_a_gap_may_be_filled_later() -> None:
    packets = [segment(START + 4, b"d"), segment(START + 1, b"abc")]
    assert runs_of(only([*HANDSHAKE, *packets])) == [(b"abcd", None)]


BEGINNING = Gap(None, "the connection's beginning was not captured")


def test_a_connection_without_its_beginning() -> None:
    conversation = only([segment(5, b"late"), segment(9, b"r")])
    assert (conversation.client, conversation.server) == (CLIENT, SERVER)
    assert runs_of(conversation) == [(b"later", BEGINNING)]
    assert conversation.from_client.data == b""


@pytest.mark.parametrize("from_server", [True, False])
def test_without_a_syn_the_well_known_port_is_the_servers(from_server: bool) -> None:
    conversation = only([segment(5, b"late", from_server=from_server)])
    assert (conversation.client, conversation.server) == (CLIENT, SERVER)


def test_without_a_syn_the_lower_port_is_the_servers() -> None:
    frame = ipv4(tcp(3901, 50000, 5, ACK, b"x"), SERVER[0], CLIENT[0])
    assert only([Packet(0.0, LinkType.RAW, frame)]).server == (SERVER[0], 3901)


def test_the_answer_to_a_missing_syn_tells_where_the_stream_begins() -> None:
    assert runs_of(only([ANSWER, segment(START + 1, b"ab")])) == [(b"ab", None)]
    (run,) = runs_of(only([ANSWER, segment(START + 3, b"cd")]))
    assert run == (b"cd", Gap(2, "no packet has them"))


def test_a_syn_may_stand_behind_the_data() -> None:
    """Message Analyzer's files are not in the order of their packets."""
    assert runs_of(only([segment(START + 1, b"ab"), segment(START + 3, b"cd"), OPENING])) == [(b"abcd", None)]


def test_another_syn_begins_another_connection() -> None:
    again = [segment(7_000_000, flags=SYN), segment(7_000_001, b"again")]
    found, _stops = conversations([*HANDSHAKE, segment(START + 1, b"once"), *again])
    assert [c.from_client.data for c in found] == [b"once", b"again"]


def test_a_repeated_syn_does_not() -> None:
    assert runs_of(only([*HANDSHAKE, segment(START + 1, b"ab"), OPENING])) == [(b"ab", None)]


def test_a_packet_that_is_cut_says_so() -> None:
    whole = segment(START + 3, b"cdef")
    cut = Packet(0.0, whole.link_type, whole.data[:-3], 3)
    conversation = only([*HANDSHAKE, segment(START + 1, b"ab"), cut, segment(START + 7, b"g")])
    assert runs_of(conversation) == [
        (b"abc", None),
        (b"g", Gap(3, "packet 4 was cut by the snapshot length")),
    ]
    assert conversation.from_client.tail is None
    assert only([*HANDSHAKE, cut]).from_client.tail == Gap(None, "packet 3 was cut by the snapshot length")


def test_a_wild_sequence_number_costs_no_memory() -> None:
    wild = segment(START + (1 << 30), b"wild")
    conversation = only([*HANDSHAKE, segment(START + 1, b"ab"), wild, segment(START + 3, b"cd")])
    assert conversation.from_client.data == b"abcd"
    assert conversation.from_client.size == 8


def test_two_connections_stay_apart() -> None:
    other = ipv4(tcp(50001, 3389, 7, SYN, b""), CLIENT[0], SERVER[0])
    more = ipv4(tcp(50001, 3389, 8, ACK, b"second"), CLIENT[0], SERVER[0])
    packets = [*HANDSHAKE, segment(START + 1, b"first")]
    packets += [Packet(0.0, LinkType.RAW, frame) for frame in (other, more)]
    found, _stops = conversations(packets)
    assert [c.from_client.data for c in found] == [b"first", b"second"]


def test_no_more_connections_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.harness.capture.tcp.MAXIMUM_CONVERSATIONS", 1)
    other = Packet(0.0, LinkType.RAW, ipv4(tcp(50001, 3389, 7, SYN, b""), CLIENT[0], SERVER[0]))
    found, stops = conversations([*HANDSHAKE, other])
    assert len(found) == 1
    assert stops == (Stop(StopLayer.FRAME, "more than 1 connections", 3),)


FRAME = ipv4(tcp(50000, 3389, 5, ACK, b"x"), "127.0.0.1", "127.0.0.1")
TCP = tcp(50000, 3389, 5, ACK, b"x")


def ipv6(payload: bytes, next_header: int = 6, *, no_length: bool = False) -> bytes:
    w = Writer("ip6")
    w.u32_be("version", 6 << 28)
    w.u16_be("length", 0 if no_length else len(payload))
    w.u8("next header", next_header)
    w.u8("hop limit", 64)
    w.raw("addresses", (bytes(15) + b"\1") * 2)
    w.raw("payload", payload)
    return w.getvalue()


MACS = bytes(12)
HOP_BY_HOP = bytes([43, 0]) + bytes(6)
ROUTING = bytes([60, 1]) + bytes(14)
DESTINATION = bytes([51, 0]) + bytes(6)
AUTHENTICATION = bytes([44, 4]) + bytes(22)
ATOMIC_FRAGMENT = bytes([6, 0, 0, 0]) + bytes(4)
EXTENSIONS = HOP_BY_HOP + ROUTING + DESTINATION + AUTHENTICATION + ATOMIC_FRAGMENT


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (LinkType.RAW, FRAME),
        (LinkType.IPV4, FRAME),
        (LinkType.NULL, b"\2\0\0\0" + FRAME),
        (LinkType.LINUX_SLL, bytes(14) + b"\x08\x00" + FRAME),
        (LinkType.LINUX_SLL2, b"\x08\x00" + bytes(18) + FRAME),
        (LinkType.LINUX_SLL, bytes(14) + b"\x81\x00\0\5\x08\x00" + FRAME),
        (LinkType.ETHERNET, MACS + b"\x86\xdd" + ipv6(TCP)),
        (LinkType.ETHERNET, MACS + b"\x08\x00" + FRAME + bytes(5)),  # Ethernet pads short frames
        (LinkType.ETHERNET, MACS + b"\x81\x00\xe0\x07\x08\x00" + FRAME),
        (LinkType.ETHERNET, MACS + b"\x88\xa8\0\1\x81\x00\0\2\x86\xdd" + ipv6(TCP)),
        (LinkType.ETHERNET, MACS + b"\x91\x00\0\1\x81\x00\0\2\x08\x00" + FRAME),
        (LinkType.RAW, ipv4(TCP, "127.0.0.1", "127.0.0.1", no_length=True)),
        (LinkType.IPV6, ipv6(TCP, no_length=True)),
        (LinkType.IPV6, ipv6(EXTENSIONS + TCP, 0)),
        (LinkType.IPV6, ipv6(EXTENSIONS + TCP, 0, no_length=True)),
    ],
    ids=[
        *(
            "raw",
            "ipv4",
            "null",
            "sll",
            "sll2",
            "sll with vlan",
            "ipv6",
            "padded",
            "vlan",
            "qinq",
            "old qinq",
        ),
        *("offloaded", "ipv6 offloaded", "ipv6 extensions", "ipv6 extensions offloaded"),
    ],
)
def test_link_layers(link_type: LinkType, data: bytes) -> None:
    found = decode_segment(Packet(0.0, link_type, data))
    assert found is not None
    assert (found.source[1], found.destination[1], found.sequence, found.data) == (50000, 3389, 5, b"x")
    assert found.missing_size == 0


@pytest.mark.parametrize(
    "data",
    [
        bytes(12) + b"\x08\x06" + bytes(28),
        bytes(12) + b"\x81\x00\0\1" * 5 + b"\x08\x00" + FRAME,
        bytes(12) + b"\x08\x00" + ipv4(b"", "1.1.1.1", "2.2.2.2", protocol=17),
        bytes(12) + b"\x08\x00" + ipv4(b"", "1.1.1.1", "2.2.2.2", protocol=17, fragment=0x2000),
        bytes(12) + b"\x86\xdd" + ipv6(bytes([17, 0]) + bytes(6), 0),
    ],
    ids=["arp", "five tags", "udp", "a fragment of udp", "udp behind extensions"],
)
def test_what_is_not_tcp_is_passed_over(data: bytes) -> None:
    assert decode_segment(Packet(0.0, LinkType.ETHERNET, data)) is None


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (Packet(7.0, LinkType.RAW, FRAME[:30]), "Frame.tcp.acknowledgment number: need 4 bytes"),
        (Packet(7.0, LinkType(252 + 1), b""), "link type 253 is not supported"),
        (
            Packet(7.0, LinkType.RAW, ipv4(TCP, "1.1.1.1", "2.2.2.2", fragment=0x2000)),
            "a fragment of an IPv4",
        ),
        (
            Packet(7.0, LinkType.RAW, ipv4(TCP, "1.1.1.1", "2.2.2.2", fragment=0x0010)),
            "a fragment of an IPv4",
        ),
        (Packet(7.0, LinkType.RAW, ipv6(bytes([6, 0, 0, 1]) + bytes(4), 44)), "a fragment of an IPv6"),
        (Packet(7.0, LinkType.RAW, ipv6(bytes(80), 0)), "more than 8 IPv6 extension headers"),
        (Packet(7.0, LinkType.RAW, ipv4(tcp(5, 5, 1, ACK, b"x"), "1.1.1.1", "1.1.1.1")), "with itself"),
    ],
)
def test_what_stops_a_packet_costs_that_packet_only(packet: Packet, reason: str) -> None:
    (conversation,), stops = conversations([*HANDSHAKE, packet, segment(START + 1, b"ab")])
    assert conversation.from_client.data == b"ab"
    (stop,) = stops
    assert (stop.layer, stop.number, stop.time) == (StopLayer.FRAME, 3, 7.0)
    assert reason in stop.reason


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([LinkType.ETHERNET, LinkType.RAW]), st.binary(max_size=80))
def test_garbage_raises_decode_and_capture_errors_only(link_type: LinkType, data: bytes) -> None:
    with contextlib.suppress(DecodeError, CaptureError):
        decode_segment(Packet(0.0, link_type, data))
