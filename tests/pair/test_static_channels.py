"""Static channels between our server and our client: chunk sizes, compression, suspension."""

from typing import Any

import pytest

from pyrdpmux.codec.bulk.packet import CompressionType
from pyrdpmux.errors import StateError
from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelPduHeader
from pyrdpmux.rdp.connection.events import ChannelDataReceived
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition, ChannelOptions
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, server_config

COMPRESS = ChannelOptions.INITIALIZED | ChannelOptions.COMPRESS_RDP
CHANNELS = (ChannelDefinition(b"cliprdr", COMPRESS), ChannelDefinition(b"plain"))
TEXT = b"".join(b"line %d of a text that somebody has copied\n" % i for i in range(3000))


def linked(server: dict[str, Any] | None = None, **client: Any) -> Linked:
    pair = Linked(server_config(**server or {}), client_config(channels=CHANNELS, **client)).run()
    assert pair.client.is_active
    return pair


def chunks_of(tracer: object) -> list[ChannelPdu]:
    """The chunks that a side has sent."""
    assert isinstance(tracer, ListTracer)
    return [pdu for way, _phase, pdu in tracer.entries if way == ">" and isinstance(pdu, ChannelPdu)]


def talk(pair: Linked, channel: str = "cliprdr") -> tuple[list[ChannelPdu], list[ChannelPdu]]:
    """TEXT in both directions: the chunks of server and client."""
    pair.server.send_channel_data(channel, TEXT)
    pair.client.send_channel_data(channel, TEXT)
    pair.run()
    assert pair.client_saw(ChannelDataReceived) == [ChannelDataReceived(channel, TEXT)]
    assert pair.server_saw(ChannelDataReceived) == [ChannelDataReceived(channel, TEXT)]
    assert pair.server.config is not None
    return chunks_of(pair.server.config.tracer), chunks_of(pair.client.config.tracer)


@pytest.mark.parametrize("size", [1600, 5000, 16256])
def test_chunks_are_as_large_as_the_server_says(size: int) -> None:
    for chunks in talk(linked({"channel_chunk_size": size})):
        assert {len(pdu.data) for pdu in chunks[:-1]} == {size}


def test_nothing_is_compressed_unless_somebody_wants_it() -> None:
    for chunks in talk(linked()):
        assert not any(pdu.is_compressed for pdu in chunks)


def test_a_client_may_always_compress() -> None:
    from_server, from_client = talk(
        linked(compression=CompressionType.RDP61, server={"channel_chunk_size": 1600})
    )
    assert not any(pdu.is_compressed for pdu in from_server)
    assert all(pdu.is_compressed for pdu in from_client)
    assert {pdu.header.compression_type for pdu in from_client} == {CompressionType.K8}


@pytest.mark.parametrize("kind", CompressionType)
def test_a_server_compresses_as_high_as_the_client_can(kind: CompressionType) -> None:
    from_server, _ = talk(linked({"compress_channels": True, "channel_chunk_size": 1600}, compression=kind))
    assert {pdu.header.compression_type for pdu in from_server if pdu.is_compressed} == {kind}
    assert sum(len(pdu.data) for pdu in from_server) < len(TEXT) / 2


def test_a_channel_that_does_not_ask_for_it_is_not_compressed() -> None:
    server = {"compress_channels": True}
    for chunks in talk(linked(server, compression=CompressionType.K64), "plain"):
        assert not any(pdu.is_compressed for pdu in chunks)


def test_histories_go_on_through_a_resize() -> None:
    pair = linked({"compress_channels": True}, compression=CompressionType.K64)
    for width in (640, 800, 1024):
        pair.server.send_channel_data("cliprdr", TEXT[:1500])
        pair.client.send_channel_data("cliprdr", TEXT[:1500])
        pair.run()
        pair.server.set_desktop_size(width, 600, pair.now)
        pair.run()
    assert len(pair.client_saw(ChannelDataReceived)) == len(pair.server_saw(ChannelDataReceived)) == 3


def test_a_suspended_client_is_silent() -> None:
    pair = linked()
    session = pair.server.session
    assert session is not None
    for flag, can_send in ((ChannelFlags.SUSPEND, False), (ChannelFlags.RESUME, True)):
        pdu = ChannelPdu(ChannelPduHeader(0, flag | ChannelFlags.FIRST | ChannelFlags.LAST), b"")
        session.send_data(1004, encode(pdu), pdu)
        pair.server.set_desktop_size(800, 600, pair.now)  # carries the frame to the door
        pair.run()
        if can_send:
            pair.client.send_channel_data("cliprdr", b"x")
        else:
            with pytest.raises(StateError, match="suspended"):
                pair.client.send_channel_data("cliprdr", b"x")
