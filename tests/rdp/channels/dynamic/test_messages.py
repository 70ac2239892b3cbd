"""Messages of dynamic channels: blocks at their edges, compression, and bounded reassembly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.zgfx import RDP8, RDP8_LITE, ZgfxCompressor
from pyrdpmux.errors import DecodeError, LimitExceeded, PeerError, SequenceError
from pyrdpmux.rdp.channels.dynamic.messages import (
    MAX_PDU_SIZE,
    MAX_SINGLE_MESSAGE,
    MessageReceiver,
    MessageSender,
)
from pyrdpmux.rdp.channels.dynamic.pdu import (
    Data,
    DataCompressed,
    DataFirst,
    DataFirstCompressed,
    DataPdu,
)
from pyrdpmux.wire import encode


def shape(channel_id: int, size: int) -> list[tuple[type, int]]:
    return [(type(pdu), len(pdu.data)) for pdu in MessageSender(channel_id).pdus(bytes(size))]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([1, 0x100, 0x10000]),
    st.one_of(st.integers(0, 5000), st.sampled_from([1590, 1591, 0xFFFF, 0x10000, 100_000])),
    st.booleans(),
)
def test_blocks_made_at_once_are_those_made_one_by_one(channel_id: int, size: int, compresses: bool) -> None:
    message = bytes([at * 7 & 0xFF for at in range(size)])
    one_by_one = MessageSender(channel_id, compresses=compresses)
    at_once = MessageSender(channel_id, compresses=compresses)
    for _ in range(2):
        assert at_once.encoded(message) == [encode(pdu) for pdu in one_by_one.pdus(message)]


def test_a_message_of_1590_bytes_is_one_pdu() -> None:
    assert shape(3, 0) == [(Data, 0)]
    assert shape(3, MAX_SINGLE_MESSAGE) == [(Data, 1590)]
    assert shape(0x10000, MAX_SINGLE_MESSAGE) == [(Data, 1590)]


def test_a_longer_one_begins_with_its_length() -> None:
    # 4.3.1: 1600 - 4 bytes of payload in the first, for a channel below 256 and a length below 65536
    assert shape(3, 3195) == [(DataFirst, 1596), (Data, 1598), (Data, 1)]
    assert shape(3, 1591) == [(DataFirst, 1591)]
    assert shape(3, 1596) == [(DataFirst, 1596)]
    assert shape(3, 1597) == [(DataFirst, 1596), (Data, 1)]
    assert shape(0x10000, 0x10000)[0] == (DataFirst, 1600 - 9)


@pytest.mark.parametrize("channel_id", [1, 0x100, 0x10000])
@pytest.mark.parametrize("compresses", [False, True])
def test_no_pdu_is_larger_than_allowed(channel_id: int, compresses: bool) -> None:
    noise = bytes((i * i * 7919 >> 5) & 0xFF for i in range(70_000))
    for message in (noise, bytes(70_000)):
        pdus = list(MessageSender(channel_id, compresses=compresses).pdus(message))
        assert max(len(encode(pdu)) for pdu in pdus) <= MAX_PDU_SIZE


def test_what_repeats_gets_smaller_over_messages() -> None:
    sender = MessageSender(1, compresses=True)
    receiver = MessageReceiver()
    message = bytes(range(256)) * 6
    [first] = sender.pdus(message)
    [second] = sender.pdus(message)
    assert isinstance(first, DataCompressed)
    assert isinstance(second, DataCompressed)
    assert len(second.data) < len(first.data) < len(message)
    assert receiver.feed(first) == receiver.feed(second) == message


def test_compressed_and_plain_blocks_may_be_mixed() -> None:
    # 2.2.3: "an arbitrary sequence"
    compressor = ZgfxCompressor(RDP8_LITE)
    receiver = MessageReceiver()
    assert receiver.feed(DataFirst(1, 9, b"abc")) is None
    assert repr(receiver) == "<MessageReceiver 3 of 9 bytes>"
    assert receiver.feed(DataCompressed(1, compressor.compress(b"def"))) is None
    assert receiver.feed(Data(1, b"ghi")) == b"abcdefghi"
    assert receiver.feed(DataFirstCompressed(1, 4, compressor.compress(b"ab"))) is None
    assert receiver.feed(Data(1, b"cd")) == b"abcd"
    assert repr(receiver) == "<MessageReceiver idle>"


def test_a_first_block_may_be_all() -> None:
    assert MessageReceiver().feed(DataFirst(1, 3, b"abc")) == b"abc"
    assert MessageReceiver().feed(DataFirst(1, 0, b"")) == b""


def test_more_than_announced_is_refused() -> None:
    receiver = MessageReceiver()
    receiver.feed(DataFirst(1, 3, b"ab"))
    with pytest.raises(DecodeError, match="4 bytes of 3"):
        receiver.feed(Data(1, b"cd"))


def test_a_second_beginning_is_refused() -> None:
    receiver = MessageReceiver()
    receiver.feed(DataFirst(1, 3, b"ab"))
    with pytest.raises(SequenceError):
        receiver.feed(DataFirst(1, 3, b"ab"))


def test_a_message_is_bounded_before_it_comes() -> None:
    for pdu in (DataFirst(1, 11, b""), DataFirstCompressed(1, 11, b"\xe0\x06"), Data(1, bytes(11))):
        with pytest.raises(LimitExceeded):
            MessageReceiver(10).feed(pdu)


def test_a_bomb_is_bounded_by_its_segment() -> None:
    [huge] = MessageSender(1, compresses=True).pdus(bytes(1500))
    assert len(huge.data) < 30
    with pytest.raises(LimitExceeded):
        MessageReceiver(1000).feed(huge)
    several = ZgfxCompressor(RDP8).compress(bytes(100_000))  # a multipart, and of another type
    with pytest.raises(DecodeError):
        MessageReceiver().feed(DataCompressed(1, several))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=40).map(lambda part: part * 150), max_size=4),
    st.booleans(),
    st.sampled_from([1, 0x100, 0x10000]),
)
def test_what_is_sent_is_what_arrives(messages: list[bytes], compresses: bool, channel_id: int) -> None:
    sender, receiver = MessageSender(channel_id, compresses=compresses), MessageReceiver()
    arrived = []
    for message in messages:
        *parts, last = [receiver.feed(pdu) for pdu in sender.pdus(message)]
        assert parts == [None] * len(parts)
        arrived.append(last)
    assert arrived == messages


any_pdu = st.one_of(
    st.builds(DataFirst, st.just(1), st.integers(0, 12), st.binary(max_size=8)),
    st.builds(Data, st.just(1), st.binary(max_size=8)),
    st.builds(DataFirstCompressed, st.just(1), st.integers(0, 12), st.binary(max_size=8)),
    st.builds(DataCompressed, st.just(1), st.binary(max_size=8).map(lambda data: b"\xe0\x06" + data)),
)


@settings(max_examples=100)
@given(st.lists(any_pdu, max_size=8))
def test_any_sequence_raises_only_peer_errors(pdus: list[DataPdu]) -> None:
    receiver = MessageReceiver(10)
    for pdu in pdus:
        try:
            message = receiver.feed(pdu)
        except PeerError:
            return
        assert message is None or len(message) <= 10
