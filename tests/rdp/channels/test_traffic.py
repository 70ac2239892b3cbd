"""Static channels of one connection: what is agreed, and what is compressed in each direction."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.packet import CompressionType
from pyrdpmux.errors import DecodeError, PeerError
from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelPduHeader
from pyrdpmux.rdp.channels.traffic import MAX_CHUNK_SIZE, Agreement, StaticTraffic
from pyrdpmux.rdp.mcs.client_data import ChannelOptions
from pyrdpmux.rdp.pdu.capabilities.session import VirtualChannelCapability, VirtualChannelFlags
from pyrdpmux.wire import decode, encode

V = VirtualChannelCapability
SC, CS = VirtualChannelFlags.COMPR_SC, VirtualChannelFlags.COMPR_CS_8K
NONE = VirtualChannelFlags(0)
PLAIN = ChannelOptions.INITIALIZED
COMPRESS = ChannelOptions.INITIALIZED | ChannelOptions.COMPRESS_RDP
K8, K64 = CompressionType.K8, CompressionType.K64
TEXT = b"the quick brown fox jumps over the lazy dog, and over the quick brown fox; " * 12


@pytest.mark.parametrize(
    ("server", "client", "offered", "agreed"),
    [
        (None, None, K64, Agreement()),
        (V(CS, 16256), None, K64, Agreement()),
        (None, V(SC, 0), K64, Agreement()),
        (V(NONE, 1600), V(NONE, 1600), None, Agreement(1600)),
        (V(CS, 16256), V(SC, 0), K64, Agreement(16256, K64, K8)),  # mstsc says 0: it is ignored
        (V(CS, 16256), V(SC), None, Agreement(1600, None, K8)),  # a field that is not there
        (V(NONE, 1), V(NONE, 1600), K64, Agreement(1600)),
        (V(NONE, 0xFFFFFFFF), V(NONE, 1600), K64, Agreement(MAX_CHUNK_SIZE)),
    ],
)
def test_what_capability_sets_come_to(
    server: V | None, client: V | None, offered: CompressionType | None, agreed: Agreement
) -> None:
    assert Agreement.of(server, client, offered) == agreed


def sides(kind: CompressionType | None, chunk_size: int = 1600) -> tuple[StaticTraffic, StaticTraffic]:
    sender, receiver = StaticTraffic(), StaticTraffic()
    sender.agree(chunk_size, sending=kind, receiving=None)
    receiver.agree(chunk_size, sending=None, receiving=kind)
    return sender, receiver


def carry(sender: StaticTraffic, receiver: StaticTraffic, channel: int, message: bytes) -> bytes | None:
    arrived = None
    for pdu in sender.send(message, COMPRESS):
        assert arrived is None
        arrived = receiver.receive(channel, decode(ChannelPdu, encode(pdu)))
    return arrived


@pytest.mark.parametrize("kind", [None, *CompressionType])
@pytest.mark.parametrize("chunk_size", [1600, MAX_CHUNK_SIZE])
def test_all_types_of_compression_carry_messages(kind: CompressionType | None, chunk_size: int) -> None:
    sender, receiver = sides(kind, chunk_size)
    noise = bytes((i * i * 7919 >> 5) & 0xFF for i in range(20_000))
    for number in range(30):
        for message in (TEXT + bytes([number]), noise[number * 300 :], b"", TEXT * 9):
            assert carry(sender, receiver, 1004 + number % 3, message) == message


def test_one_history_serves_all_channels_of_a_direction() -> None:
    sender, receiver = sides(K8)
    [first] = sender.send(TEXT, COMPRESS)
    [second] = sender.send(TEXT, COMPRESS)
    assert first.header.flags & ChannelFlags.PACKET_COMPRESSED
    assert first.header.flags & ChannelFlags.PACKET_AT_FRONT
    assert first.header.length == len(TEXT)
    assert len(second.data) < len(first.data)
    assert receiver.receive(1004, first) == receiver.receive(1005, second) == TEXT


def test_only_channels_that_want_it_are_compressed() -> None:
    sender, _ = sides(K8)
    [pdu] = sender.send(TEXT, PLAIN)
    assert pdu.data == TEXT
    assert pdu.header.flags == ChannelFlags.FIRST | ChannelFlags.LAST


def test_headers_are_shown_where_the_client_asked_for_them() -> None:
    [pdu] = StaticTraffic().send(b"x", PLAIN | ChannelOptions.SHOW_PROTOCOL)
    assert pdu.header.flags & ChannelFlags.SHOW_PROTOCOL
    first, _second = StaticTraffic().send(bytes(1601), PLAIN)
    assert first.header.flags & ChannelFlags.SHOW_PROTOCOL


def test_compression_that_was_not_agreed_is_refused() -> None:
    sender, _ = sides(K8)
    [pdu] = sender.send(TEXT, COMPRESS)
    for receiver in (StaticTraffic(), sides(None)[1]):
        with pytest.raises(DecodeError, match="not offered"):
            receiver.receive(1004, pdu)


def test_a_higher_type_than_agreed_is_refused() -> None:
    [pdu] = sides(K64)[0].send(TEXT, COMPRESS)
    with pytest.raises(DecodeError, match="at most 0 agreed"):
        sides(K8)[1].receive(1004, pdu)


def test_a_flush_reaches_the_history_also_without_data_that_is_compressed() -> None:
    sender, receiver = sides(K8)
    assert carry(sender, receiver, 1004, TEXT) == TEXT
    flags = ChannelFlags.FIRST | ChannelFlags.LAST | ChannelFlags.PACKET_FLUSHED
    assert receiver.receive(1004, ChannelPdu(ChannelPduHeader(3, flags), b"abc")) == b"abc"
    [again] = sides(K8)[0].send(TEXT, COMPRESS)  # of a sender that also begins anew
    assert receiver.receive(1004, again) == TEXT


def test_what_was_agreed_first_stays() -> None:
    sender, receiver = sides(K8)
    assert carry(sender, receiver, 1004, TEXT) == TEXT
    sender.agree(1600, sending=None, receiving=None)
    receiver.agree(1600, sending=None, receiving=None)
    assert carry(sender, receiver, 1004, TEXT) == TEXT


chunk_flags = st.integers(0, 0xFF).map(
    lambda bits: ChannelFlags(bits & 3 | (bits >> 2 & 1) << 16 | (bits >> 3 & 7) << 21)
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(chunk_flags, st.integers(0, 9000), st.binary(max_size=30)), max_size=6))
def test_any_sequence_raises_only_peer_errors(sequence: list[tuple[ChannelFlags, int, bytes]]) -> None:
    receiver = StaticTraffic(max_message=8192)
    receiver.agree(1600, sending=None, receiving=K8)
    for flags, length, data in sequence:
        try:
            message = receiver.receive(1004, ChannelPdu(ChannelPduHeader(length, flags), data))
        except PeerError:
            return
        assert message is None or len(message) <= 8192
