"""The frames of a large message, made at once: byte by byte those that are made one by one."""

import functools

import pytest

from pyrdpmux.rdp.channels.dynamic.messages import MessageSender
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.channels.static import ChannelPdu, chunks
from pyrdpmux.rdp.connection.envelope import wrap
from pyrdpmux.rdp.connection.server.link import SERVER_CHANNEL_ID
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition, ChannelOptions
from pyrdpmux.rdp.mcs.domain import SendDataIndication
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, rdp_policy, server_config

#: at the edges of a message that is one block, of a block, and of what MCS writes in one byte
SIZES = (0, 1, 100, 1590, 1591, 1596, 1597, 3195, 3300, 65_000, 100_000)
COMPRESSING = ChannelOptions.INITIALIZED | ChannelOptions.COMPRESS_RDP
SHOWING = ChannelOptions.INITIALIZED | ChannelOptions.SHOW_PROTOCOL


@functools.cache
def pair_of(chunk_size: int = 16256, options: ChannelOptions = COMPRESSING) -> Linked:
    # What measures the link, around a message, is not the message.
    config = server_config(channels=(CHANNEL_NAME,), channel_chunk_size=chunk_size, auto_detect=False)
    channels = (ChannelDefinition(b"drdynvc", options),)
    return Linked(config, client_config(dynamic_channels=(CHANNEL_NAME,), channels=channels)).run()


def drdynvc(pair: Linked) -> int:
    """Its MCS channel."""
    return next(key for key, channel in pair.server.facts.channels.items() if channel.name == "drdynvc")


def one_by_one(pair: Linked, message: bytes, chunk_size: int) -> tuple[list[bytes], list[ChannelPdu]]:
    """Frames, and what the tracer is to see of them."""
    channel = pair.server.facts.channels[drdynvc(pair)]
    shows = bool(channel.options & ChannelOptions.SHOW_PROTOCOL)
    pdus = [
        chunk
        for block in MessageSender(1).pdus(message)
        for chunk in chunks(encode(block), chunk_size, show_protocol=shows)
    ]
    frames = [wrap(SendDataIndication(SERVER_CHANNEL_ID, channel.channel_id, encode(pdu))) for pdu in pdus]
    return frames, pdus


def session_of(pair: Linked) -> ServerSession:
    assert pair.server.session is not None
    pair.server.session.frames_to_send()
    return pair.server.session


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("chunk_size", "options"), [(16256, COMPRESSING), (1600, COMPRESSING), (16256, SHOWING), (1600, SHOWING)]
)
def test_frames_made_at_once(chunk_size: int, options: ChannelOptions, size: int) -> None:
    pair = pair_of(chunk_size, options)
    session = session_of(pair)
    message = bytes([at * 7 & 0xFF for at in range(size)])
    tracer = session.tracer
    assert isinstance(tracer, ListTracer)
    tracer.entries.clear()
    session.send_graphics(message)
    frames, pdus = one_by_one(pair, message, chunk_size)
    assert session.frames_to_send() == frames
    assert [pdu for _, _, pdu in tracer.entries] == pdus


def test_blocks_longer_than_a_chunk_are_cut() -> None:
    """A channel of another's that puts more into a message than we do."""
    pair = pair_of(1600)
    session = session_of(pair)
    channel, message = session.facts.channels[drdynvc(pair)], bytes(range(256)) * 15
    session.send_static(channel, message, message, b"", b"", message)
    found = session.frames_to_send()
    session.send_static(channel, message)
    session.send_static(channel, b"")
    alone = session.frames_to_send()
    cut, empty = alone[:-1], alone[-1:]
    assert len(cut) == 3
    assert found == cut * 2 + empty * 2 + cut


def test_what_is_encrypted_has_no_two_envelopes_alike() -> None:
    config = server_config(rdp_policy(), channels=(CHANNEL_NAME,), auto_detect=False)
    client = client_config(dynamic_channels=(CHANNEL_NAME,), protocols=SecurityProtocol.RDP)
    session = session_of(Linked(config, client).run())
    session.send_graphics(bytes(20_000))
    frames = session.frames_to_send()
    assert len({frame[:30] for frame in frames}) == len(frames) == 13


def test_under_tls_every_frame_is_a_record_of_its_own() -> None:
    pair = pair_of()
    frames, _pdus = one_by_one(pair, bytes(100_000), 16256)
    pair.server.send_graphics(bytes(100_000))
    data, at, sizes = pair.server.data_to_send(), 0, []
    while at < len(data):
        assert data[at] == 23
        sizes.append(int.from_bytes(data[at + 3 : at + 5], "big"))
        at += 5 + sizes[-1]
    # TLS 1.3: a byte for the type, and sixteen of authentication
    assert sizes == [len(frame) + 17 for frame in frames]
    assert pair.server.data_to_send() == b""
