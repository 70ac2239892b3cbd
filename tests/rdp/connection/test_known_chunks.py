"""Chunks that begin like one that was read before are what reading them would give."""

import pytest

from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelPduHeader
from pyrdpmux.rdp.connection.envelope import unwrap, wrap
from pyrdpmux.rdp.connection.facts import StaticChannel
from pyrdpmux.rdp.connection.server.known_chunks import MAX_FRAME, MAX_KNOWN, KnownChunks, ReceivedChunk
from pyrdpmux.rdp.mcs.domain import SendDataRequest, decode_domain_pdu
from pyrdpmux.wire import decode, encode, frame_offset

USER, CHANNEL = 1007, 1005
WHOLE = ChannelFlags.FIRST | ChannelFlags.LAST


def frame_of(data: bytes, flags: ChannelFlags = WHOLE, channel: int = CHANNEL, *, long: bool = True) -> bytes:
    chunk = encode(ChannelPdu(ChannelPduHeader(len(data), flags), data))
    return wrap(SendDataRequest(USER, channel, chunk, two_byte_length=long))


def read(frame: bytes) -> ReceivedChunk:
    """Field by field."""
    pdu = decode_domain_pdu(unwrap(frame))
    assert isinstance(pdu, SendDataRequest)
    return ReceivedChunk(StaticChannel("drdynvc", pdu.channel_id), decode(ChannelPdu, pdu.user_data))


@pytest.fixture
def known() -> KnownChunks:
    chunks = KnownChunks()
    frame = frame_of(b"acknowledged")
    chunks.learn(frame, read(frame))
    return chunks


def test_what_begins_alike_is_found_at_its_place(known: KnownChunks) -> None:
    frame = frame_of(b"ACKNOWLEDGED")
    found = known.find(frame)
    assert found == read(frame)
    assert found is not None
    assert frame_offset(found.pdu.data) == frame_offset(read(frame).pdu.data) > 0


def test_what_begins_otherwise_is_not_found(known: KnownChunks) -> None:
    data = b"acknowledged"
    others = [
        frame_of(data, ChannelFlags.FIRST),
        frame_of(data, WHOLE | ChannelFlags.PACKET_COMPRESSED),
        frame_of(data, channel=CHANNEL + 1),
        frame_of(data, long=False),
        frame_of(data + b"!"),
        frame_of(data)[:-1],
        b"",
    ]
    assert [known.find(frame) for frame in others] == [None] * len(others)


def test_any_byte_in_front_of_the_data_counts(known: KnownChunks) -> None:
    frame = frame_of(b"acknowledged")
    for at in range(len(frame) - len(b"acknowledged")):
        changed = frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]
        assert known.find(changed) is None


def test_only_data_that_are_the_end_of_their_frame_are_learnt() -> None:
    chunks = KnownChunks()
    frame = frame_of(b"acknowledged")
    chunk = read(frame)
    decrypted = ReceivedChunk(chunk.channel, ChannelPdu(chunk.pdu.header, bytes(chunk.pdu.data)))
    chunks.learn(frame, decrypted)
    assert chunks.find(frame) is None
    chunks.learn(frame + b"!", chunk)
    assert chunks.find(frame + b"!") is None


def test_what_is_kept_is_bounded() -> None:
    chunks = KnownChunks()
    frames = [frame_of(bytes(size)) for size in range(MAX_KNOWN + 1)]
    for frame in frames:
        chunks.learn(frame, read(frame))
    assert sum(chunks.find(frame) is not None for frame in frames) <= MAX_KNOWN
    assert chunks.find(frames[-1]) == read(frames[-1])
    long = frame_of(bytes(MAX_FRAME))
    chunks.learn(long, read(long))
    assert chunks.find(long) is None
