"""Updates under bulk compression: with every type, over both cuts, beside channels, through a resize."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pyrdpmux.codec.bulk.mppc import RDP5, MppcCompressor
from pyrdpmux.codec.bulk.packet import CompressionType, PacketFlags
from pyrdpmux.errors import DecodeError, EncodeError, StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.rdp.connection.events import (
    ChannelDataReceived,
    Disconnected,
    GraphicsReceived,
    PointerReceived,
)
from pyrdpmux.rdp.connection.server.packing import PackedUpdates
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.fastpath.surface import ExtendedBitmapData, SetSurfaceBits, SurfaceCommands
from pyrdpmux.rdp.fastpath.update import FastPathUpdate
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition, ChannelOptions
from pyrdpmux.rdp.pdu.capabilities.codecs import CODEC_NSCODEC, BitmapCodec, NsCodecProperties
from pyrdpmux.rdp.pdu.capabilities.order import OrderSupport
from pyrdpmux.rdp.pdu.orders.primary import ScrBlt
from pyrdpmux.rdp.pdu.share import (
    CompressedShareData,
    CompressionFlags,
    PduType2,
    ShareControl,
    ShareData,
)
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, BitmapUpdate, GraphicsUpdate
from pyrdpmux.wire import encode
from tests.harness.peers.picture_server import bitmaps_of
from tests.harness.peers.test_renderer import picture
from tests.pair.linked import Linked, client_config, server_config

WIDTH, HEIGHT = 300, 200
CHANNEL = ChannelDefinition(b"test", ChannelOptions.INITIALIZED | ChannelOptions.COMPRESS_RDP)


def noise(size: int) -> bytes:
    """Which is not worth compressing by itself, but twice."""
    return np.random.default_rng(1).integers(0, 256, size).astype(np.uint8).tobytes()


def linked(kind: CompressionType | None, **changes: Any) -> Linked:
    settings: dict[str, Any] = {"compress_output": True, "compress_channels": True, "auto_detect": False}
    server = server_config(width=WIDTH, height=HEIGHT, **settings | changes)
    codec = BitmapCodec(CODEC_NSCODEC, 1, NsCodecProperties(1, 1, 3))
    pair = Linked(
        server,
        client_config(compression=kind, channels=(CHANNEL,), codecs=(codec,), orders=(OrderSupport.SCRBLT,)),
    ).run()
    assert pair.server.is_active
    assert pair.client.is_active
    return pair


def sent_fragments(pair: Linked) -> list[FastPathUpdate]:
    tracer = pair.server.door.tracer
    assert isinstance(tracer, ListTracer)
    groups = [pdu for way, _, pdu in tracer.entries if way == ">" and isinstance(pdu, tuple)]
    return [item for group in groups for item in group if isinstance(item, FastPathUpdate)]


def shown(pair: Linked, renderer: Renderer) -> Renderer:
    for event in pair.client_saw(GraphicsReceived):
        renderer.apply(event.update)
    return renderer


def new_renderer() -> Renderer:
    renderer = Renderer(25)
    renderer.resize(WIDTH, HEIGHT)
    return renderer


@pytest.mark.parametrize("kind", list(CompressionType))
def test_pictures_come_through(kind: CompressionType) -> None:
    pair = linked(kind)
    for seed in (1, 1, 2):
        screen = picture(WIDTH, HEIGHT, seed=seed)
        pair.server.send_bitmaps(bitmaps_of(screen, 32, compress=seed == 1))
        pair.run()
        found = shown(pair, new_renderer())
        assert np.array_equal(found.framebuffer[..., :3], screen[..., :3])
        assert found.undrawn == 0
    compressed = [item for item in sent_fragments(pair) if item.is_compressed]
    assert compressed
    assert {item.compression_flags & 0x0F for item in compressed if item.compression_flags} == {int(kind)}
    assert max(len(item.data) for item in compressed) <= 0x4000


def test_what_comes_again_is_short() -> None:
    pair = linked(CompressionType.K64)
    data = noise(1000) * 4
    rectangle = BitmapData(0, 0, 9, 99, 10, 100, 32, BitmapFlags(0), data)
    pair.server.send_bitmaps([rectangle, rectangle])
    pair.run()
    assert pair.client_saw(GraphicsReceived) == [GraphicsReceived(BitmapUpdate((rectangle,)))] * 2
    assert len(sent_fragments(pair)[-1].data) < 100


def test_fragments_are_compressed_one_by_one() -> None:
    pair = linked(CompressionType.K64)
    data = bytes(range(256)) * 200
    command = SetSurfaceBits(0, 0, 128, 100, ExtendedBitmapData(32, 0, 128, 100, data))
    pair.server.send_surface_commands([command])
    pair.run()
    assert pair.client_saw(PointerReceived)[-1].update == SurfaceCommands((command,))
    fragments = sent_fragments(pair)[-4:]
    assert [item.fragmentation.name for item in fragments] == ["FIRST", "NEXT", "NEXT", "LAST"]
    assert all(item.is_compressed for item in fragments)


def test_updates_and_channels_have_one_history() -> None:
    pair = linked(CompressionType.K64)
    text = noise(400) * 2
    rectangle = BitmapData(0, 0, 9, 9, 10, 10, 32, BitmapFlags(0), text)
    for _ in range(2):
        pair.server.send_channel_data("test", text)
        pair.server.send_bitmaps([rectangle])
    pair.run()
    assert pair.client_saw(ChannelDataReceived) == [ChannelDataReceived("test", text)] * 2
    assert [event.update for event in pair.client_saw(GraphicsReceived)] == [BitmapUpdate((rectangle,))] * 2
    assert len(sent_fragments(pair)[0].data) < 100, "the channel had it before"


def test_the_history_goes_on_through_a_resize() -> None:
    pair = linked(CompressionType.K64)
    screen = picture(WIDTH, HEIGHT)
    pair.server.send_bitmaps(bitmaps_of(screen, 32))
    # what comes while the client is being deactivated is not shown, and belongs to the history
    pair.server.set_desktop_size(320, 240, 1.0)
    pair.run()
    pair.server.send_bitmaps(bitmaps_of(screen, 32))
    pair.run()
    renderer = Renderer(25)
    renderer.resize(320, 240)
    for event in pair.client_saw(GraphicsReceived):
        renderer.apply(event.update)
    assert np.array_equal(renderer.framebuffer[:HEIGHT, :WIDTH, :3], screen[..., :3])


@pytest.mark.parametrize(
    ("kind", "changes"), [(None, {}), (CompressionType.RDP61, {"compress_output": False})]
)
def test_nothing_is_compressed_unasked(kind: CompressionType | None, changes: dict[str, Any]) -> None:
    pair = linked(kind, **changes)
    pair.server.send_bitmaps(bitmaps_of(picture(WIDTH, HEIGHT), 32))
    pair.run()
    assert sent_fragments(pair)
    assert all(item.compression_flags is None for item in sent_fragments(pair))


def unhurried(kind: CompressionType | None) -> Linked:
    """Nothing is compressed while it is sent."""
    return linked(kind, compress_output=False, compress_channels=False)


def packed(pair: Linked, screen: Any) -> PackedUpdates:
    assert pair.server.packer is not None
    updates = [BitmapUpdate((rectangle,)) for rectangle in bitmaps_of(screen, 32)]
    return pair.server.packer.pack(updates, pair.server.output.max_request_size)


@pytest.mark.parametrize("kind", list(CompressionType))
def test_what_was_packed_apart(kind: CompressionType) -> None:
    """And between it, what is sent as it is."""
    pair = unhurried(kind)
    for seed in (1, 1, 2, 1):
        screen = picture(WIDTH, HEIGHT, seed=seed)
        work = packed(pair, screen)
        pair.server.send_bitmaps(bitmaps_of(screen, 32))
        pair.server.send_packed(work)
        pair.run()
        found = shown(pair, new_renderer())
        assert np.array_equal(found.framebuffer[..., :3], screen[..., :3])
        assert work.size == sum(len(update.data) for update in work.updates)
    flags = {item.compression_flags & 0x0F for item in sent_fragments(pair) if item.compression_flags}
    assert flags == {min(kind, CompressionType.K64)}


def test_orders_are_packed() -> None:
    pair = unhurried(CompressionType.K64)
    assert pair.server.packer is not None
    copies = [ScrBlt.of(Rect(at, at, 9, 9), 50, 50 + at) for at in range(100)]
    updates = pair.server.order_updates(copies)
    work = pair.server.packer.pack(updates, None)
    pair.server.send_packed(work)
    pair.run()
    assert [event.update for event in pair.client_saw(GraphicsReceived)] == list(updates)
    assert work.size < work.plain_size / 2


def test_what_was_packed_and_not_sent_is_forgotten() -> None:
    """The next update refers to nothing in it: its client would not have that."""
    pair = unhurried(CompressionType.K64)
    screen = picture(WIDTH, HEIGHT)
    pair.server.send_packed(packed(pair, screen))
    lost, sent = packed(pair, picture(WIDTH, HEIGHT, seed=2)), packed(pair, picture(WIDTH, HEIGHT, seed=2))
    with pytest.raises(StateError):
        pair.server.send_packed(lost)
    pair.server.send_packed(sent)
    pair.run()
    expected = picture(WIDTH, HEIGHT, seed=2)
    assert np.array_equal(shown(pair, new_renderer()).framebuffer[..., :3], expected[..., :3])
    assert not pair.client_saw(Disconnected)


@pytest.mark.parametrize("changes", [{}, {"compress_output": True}, {"compress_channels": True}])
def test_who_has_no_packer(changes: dict[str, Any]) -> None:
    """A client that asks for no compression; and there is one history, which somebody else may have."""
    kind = CompressionType.K64 if changes else None
    pair = linked(kind, **{"compress_output": False, "compress_channels": False} | changes)
    assert pair.server.packer is None


def test_what_a_codec_has_made_is_not_compressed_again() -> None:
    pair = linked(CompressionType.K64)
    data = b"which would be much shorter" * 20
    for codec_id in (1, 0):
        command = SetSurfaceBits(0, 0, 9, 15, ExtendedBitmapData(32, codec_id, 9, 15, data))
        pair.server.send_surface_commands([command], frame_id=5)
        pair.run()
        assert sent_fragments(pair)[-1].is_compressed is (codec_id == 0)


def test_what_is_too_big_costs_no_history() -> None:
    pair = linked(CompressionType.K64)
    rectangle = BitmapData(0, 0, 9, 9, 10, 10, 32, BitmapFlags(0), b"some text some text" * 20)
    too_big = replace(rectangle, data=bytes(70_000))
    pair.server.send_bitmaps([rectangle])
    with pytest.raises(EncodeError):
        pair.server.send_bitmaps([rectangle, too_big])
    pair.server.send_bitmaps([rectangle])
    pair.run()
    assert [event.update for event in pair.client_saw(GraphicsReceived)] == [BitmapUpdate((rectangle,))] * 2


# -- what a foreign server may send ------------------------------------------------------------------

UPDATE = GraphicsUpdate(BitmapUpdate((BitmapData(0, 0, 1, 1, 2, 2, 32, BitmapFlags(0), bytes(16)),)))


def send_share(pair: Linked, body: Any, flags: int) -> None:
    session = pair.server.session
    assert session is not None
    share = ShareData(0x103EA, body, compressed_type=CompressionFlags(flags))
    session.send_data(1003, encode(ShareControl(1002, share)), body)
    pair.server._carry_out(session)
    pair.run()


def test_share_data() -> None:
    pair = linked(CompressionType.K64, compress_output=False)
    compressor = MppcCompressor(RDP5)
    for _ in range(3):
        packet = compressor.compress(encode(UPDATE))
        assert packet.flags & PacketFlags.COMPRESSED
        send_share(pair, CompressedShareData(PduType2.UPDATE, packet.data), packet.flags)
    # one that is not compressed, and empties the history
    send_share(pair, UPDATE, int(PacketFlags.FLUSHED) | CompressionType.K64)
    compressor = MppcCompressor(RDP5)
    packet = compressor.compress(encode(UPDATE))
    send_share(pair, CompressedShareData(PduType2.UPDATE, packet.data), packet.flags)
    assert [event.update for event in pair.client_saw(GraphicsReceived)] == [UPDATE.update] * 5


@pytest.mark.parametrize("kind", [None, CompressionType.K8])
def test_types_that_were_not_offered(kind: CompressionType | None) -> None:
    pair = linked(kind)
    send_share(pair, CompressedShareData(PduType2.UPDATE, b"\0"), 0x20 | CompressionType.K64)
    assert isinstance(pair.client_saw(Disconnected)[-1].error, DecodeError)


def test_a_compressed_update_was_not_asked_for() -> None:
    pair = linked(None)
    session = pair.server.session
    assert session is not None
    session.outgoing = MppcCompressor(RDP5)
    pair.server.send_bitmaps(bitmaps_of(picture(WIDTH, HEIGHT), 32))
    pair.run()
    assert isinstance(pair.client_saw(Disconnected)[-1].error, DecodeError)
