"""Drawing orders and surface commands: what is offered, what is understood of the answer, what is sent."""

from dataclasses import replace
from typing import Any

import pytest

from pyrdpmux.errors import EncodeError, StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.codecs import NSCODEC, NSCODEC_ID, REMOTEFX, REMOTEFX_ID
from pyrdpmux.rdp.connection.events import FrameAcknowledged, NetworkMeasured
from pyrdpmux.rdp.connection.output_format import (
    BitmapCacheCells,
    NsCodecFormat,
    RemoteFxFormat,
    SurfaceFormat,
)
from pyrdpmux.rdp.connection.server.capabilities import demanded_capabilities
from pyrdpmux.rdp.connection.server.drawing import ORDER_CAPABILITIES, SURFACE_CAPABILITIES
from pyrdpmux.rdp.connection.server.keepalive import MEASURE_SECONDS, SELDOM_SECONDS
from pyrdpmux.rdp.fastpath.fragment import MAX_FRAGMENT_SIZE, Reassembler
from pyrdpmux.rdp.fastpath.header import decode_fast_path, is_fast_path
from pyrdpmux.rdp.fastpath.surface import (
    ExtendedBitmapData,
    FrameAction,
    FrameMarker,
    SetSurfaceBits,
    StreamSurfaceBits,
    SurfaceCommand,
    SurfaceCommands,
)
from pyrdpmux.rdp.fastpath.update import decode_update, decode_updates
from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    RttMeasureRequest,
)
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet, find_capability
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import (
    BitmapCacheHostSupportCapability,
    BitmapCacheRev2Capability,
    CacheFlags,
    CellCacheInfo,
)
from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_IMAGE_REMOTEFX,
    CODEC_NSCODEC,
    CODEC_REMOTEFX,
    BitmapCodec,
    BitmapCodecsCapability,
    NsCodecProperties,
)
from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    FrameAcknowledgeCapability,
    GeneralCapability,
    MultifragmentUpdateCapability,
    SurfaceCommandFlags,
    SurfaceCommandsCapability,
)
from pyrdpmux.rdp.pdu.capabilities.order import OrderCapability, OrderSupport, order_support
from pyrdpmux.rdp.pdu.capabilities.remotefx import (
    EntropyBits,
    IcapFlags,
    RemoteFxClientCapabilities,
    RemoteFxIcap,
)
from pyrdpmux.rdp.pdu.display import FrameAcknowledge
from pyrdpmux.rdp.pdu.orders.primary import MemBlt, OpaqueRect, OrderHistory, ScrBlt
from pyrdpmux.rdp.pdu.orders.secondary import CacheBitmapRev2
from pyrdpmux.rdp.pdu.orders.stream import Order, decode_orders
from pyrdpmux.rdp.pdu.update import GraphicsUpdate, OrdersUpdate
from pyrdpmux.wire import encode
from tests.rdp.connection.replies import share_body
from tests.rdp.connection.scripted import CAPABILITIES, Scripted

ORDERS = OrderCapability(
    order_support=order_support(OrderSupport.SCRBLT, OrderSupport.MEMBLT, OrderSupport.PATBLT)
)
CACHES = BitmapCacheRev2Capability(
    CacheFlags.PERSISTENT_KEYS_EXPECTED,
    3,
    (CellCacheInfo(120), CellCacheInfo(121), CellCacheInfo(2553, True), CellCacheInfo(), CellCacheInfo(9)),
)
FLAGS = SurfaceCommandFlags
SURFACE = SurfaceCommandsCapability(FLAGS.SET_SURFACE_BITS | FLAGS.STREAM_SURFACE_BITS | FLAGS.FRAME_MARKER)
CODECS = BitmapCodecsCapability((NSCODEC, REMOTEFX))
COPY = ScrBlt.of(Rect(0, 16, 640, 464), 0, 0)
BITMAP = CacheBitmapRev2(0, 3, 32, 8, 8, False, bytes(256))


def client_with(*capabilities: CapabilitySet, is_fast: bool = True) -> Scripted:
    """An active client that has these beside its usual capability sets."""
    client = Scripted().reach("CapabilitiesExchange")
    usual = (
        CAPABILITIES
        if is_fast
        else tuple([item for item in CAPABILITIES if not isinstance(item, GeneralCapability)])
    )
    replaced = {type(item) for item in capabilities}
    kept = [item for item in usual if type(item) not in replaced]
    client.send(client.confirm_active((*kept, *capabilities)), *client.finalization())
    assert client.server.is_active
    client.server.facts.bits_per_second = 1.0
    client.frames.clear()
    return client


def came(client: Scripted) -> list[object]:
    """The updates that came, whole, from either path."""
    client.collect()
    found: list[object] = []
    reassembler = Reassembler(1 << 24)
    for frame in client.frames:
        if is_fast_path(frame[0]):
            for fragment in decode_updates(decode_fast_path(frame).body):
                if (update := reassembler.feed(fragment)) is not None:
                    found.append(decode_update(update))
            continue
        body = share_body(frame)
        assert isinstance(body, GraphicsUpdate)
        found.append(body.update)
    client.frames.clear()
    return found


# -- orders ------------------------------------------------------------------------------------------


def test_orders_and_surface_commands_are_offered() -> None:
    """FreeRDP ends the connection over an order that the server has not announced."""
    client = Scripted().reach("CapabilitiesExchange")
    demanded = demanded_capabilities(client.server.session, 800, 600)  # type: ignore[arg-type]
    assert set(ORDER_CAPABILITIES) | set(SURFACE_CAPABILITIES) <= set(demanded)
    orders = find_capability(demanded, OrderCapability)
    assert orders is not None
    assert all(
        orders.supports(order) for order in (OrderSupport.SCRBLT, OrderSupport.MEMBLT, OrderSupport.PATBLT)
    )
    assert not orders.supports(OrderSupport.DSTBLT)
    assert find_capability(demanded, BitmapCacheHostSupportCapability) == BitmapCacheHostSupportCapability(1)


def test_what_a_client_can_do_with_orders() -> None:
    output = client_with(ORDERS, CACHES).server.output
    assert output.can_copy
    assert output.can_fill
    assert output.bitmap_caches == (
        BitmapCacheCells(120, 256),
        BitmapCacheCells(121, 1024),
        BitmapCacheCells(2553, 4096, needs_keys=True),
    )


@pytest.mark.parametrize(
    "capabilities",
    [
        (),
        (ORDERS,),
        (CACHES,),
        (OrderCapability(order_support=order_support(OrderSupport.SCRBLT)), CACHES),
        (ORDERS, CACHES, BitmapCapability(15, 800, 600)),
    ],
)
def test_no_cache_without_its_orders(capabilities: tuple[CapabilitySet, ...]) -> None:
    assert client_with(*capabilities).server.output.bitmap_caches == ()


@pytest.mark.parametrize("is_fast", [True, False])
def test_orders_arrive(is_fast: bool) -> None:
    client = client_with(ORDERS, CACHES, is_fast=is_fast)
    orders: list[Order] = [COPY, BITMAP, MemBlt.of(0, 3, Rect(8, 8, 8, 8)), OpaqueRect(0, 0, 9, 9, 1, 2, 3)]
    client.server.send_orders(orders)
    [update] = came(client)
    assert isinstance(update, OrdersUpdate)
    assert list(decode_orders(update, OrderHistory())) == orders
    client.server.send_orders([])
    assert came(client) == []


@pytest.mark.parametrize("is_fast", [True, False])
def test_many_orders_are_several_updates(is_fast: bool) -> None:
    client = client_with(ORDERS, CACHES, MultifragmentUpdateCapability(20_000), is_fast=is_fast)
    large = replace(BITMAP, width=64, height=64, cache_id=2, key=7, data=bytes(16384 - 200))
    sent: list[Order] = [replace(large, cache_index=number) for number in range(5)]
    client.server.send_orders(sent)
    updates = came(client)
    assert len(updates) == 5
    found: list[Order] = []
    for update in updates:
        assert isinstance(update, OrdersUpdate)
        found += decode_orders(update, OrderHistory())
    assert found == sent
    if not is_fast:
        with pytest.raises(EncodeError):
            client.server.send_orders([replace(large, data=bytes(16384))])


@pytest.mark.parametrize(
    "order", [COPY, BITMAP, MemBlt.of(0, 3, Rect(0, 0, 8, 8)), OpaqueRect(0, 0, 9, 9, 1, 2, 3)]
)
def test_no_order_that_the_client_has_not(order: Order) -> None:
    client = client_with()
    with pytest.raises(StateError, match=type(order).__name__):
        client.server.send_orders([order])
    assert came(client) == []


@pytest.mark.parametrize(
    "order",
    [
        replace(BITMAP, cache_id=3),
        replace(BITMAP, cache_id=-1),
        replace(BITMAP, cache_index=120),
        replace(BITMAP, cache_index=-1),
        replace(BITMAP, cache_index=32767),
        replace(BITMAP, width=17, height=16),
        replace(BITMAP, cache_id=2),
    ],
)
def test_no_bitmap_that_the_cache_does_not_take(order: CacheBitmapRev2) -> None:
    """The last one is for a cache that is persistent, and has no key."""
    client = client_with(ORDERS, CACHES)
    with pytest.raises(StateError):
        client.server.send_orders([order])
    assert came(client) == []
    client.server.send_orders([replace(BITMAP, cache_id=2, key=5)])
    assert len(came(client)) == 1


# -- surface commands --------------------------------------------------------------------------------


def remotefx(*icaps: RemoteFxIcap, image: bool = False, codec_id: int = 7) -> BitmapCodec:
    guid = CODEC_IMAGE_REMOTEFX if image else CODEC_REMOTEFX
    return BitmapCodec(guid, codec_id, encode(RemoteFxClientCapabilities(icaps)))


RLGR1, RLGR3 = (RemoteFxIcap(bits) for bits in (EntropyBits.RLGR1, EntropyBits.RLGR3))
NSC = NsCodecFormat(NSCODEC_ID, NsCodecProperties(1, 1, 3))


@pytest.mark.parametrize(
    ("codecs", "nscodec", "found"),
    [
        ((NSCODEC, REMOTEFX), NSC, RemoteFxFormat(REMOTEFX_ID, False, True, True)),
        ((NSCODEC,), NSC, None),
        ((remotefx(RLGR3),), None, RemoteFxFormat(7, False, False, True)),
        ((remotefx(RLGR1, image=True),), None, RemoteFxFormat(7, True, True, False)),
        # as mstsc: both, the one of both modes behind the other
        (
            (remotefx(RLGR1, RLGR3, image=True, codec_id=5), remotefx(RLGR1, RLGR3, codec_id=3)),
            None,
            RemoteFxFormat(3, False, True, True),
        ),
        ((remotefx(replace(RLGR1, flags=IcapFlags.CODEC_MODE)),), None, RemoteFxFormat(7, True, True, False)),
        # what nobody can encode
        ((remotefx(replace(RLGR1, tile_size=32)),), None, None),
        ((remotefx(replace(RLGR1, entropy_bits=EntropyBits(2))),), None, None),
        ((BitmapCodec(CODEC_REMOTEFX, 7, b"\0\0\0\0"), BitmapCodec(CODEC_NSCODEC, 1, b"\1")), None, None),
    ],
)
def test_which_codecs_a_client_has(codecs: Any, nscodec: Any, found: Any) -> None:
    client = client_with(SURFACE, BitmapCodecsCapability(codecs))
    assert client.server.output.surface == SurfaceFormat(True, True, True, nscodec, found)


def test_acknowledgements_need_markers() -> None:
    acknowledge = FrameAcknowledgeCapability(2)
    surface = client_with(SURFACE, acknowledge).server.output.surface
    assert surface is not None
    assert surface.max_unacknowledged_frames == 2
    without = SurfaceCommandsCapability(FLAGS.SET_SURFACE_BITS)
    assert client_with(without, acknowledge).server.output.surface == SurfaceFormat(True, False, False)


@pytest.mark.parametrize(
    ("capabilities", "is_fast"),
    [
        ((), True),
        ((CODECS,), True),
        ((SurfaceCommandsCapability(FLAGS.FRAME_MARKER),), True),
        ((SURFACE,), False),
    ],
)
def test_clients_without_surface_commands(capabilities: tuple[CapabilitySet, ...], is_fast: bool) -> None:
    client = client_with(*capabilities, is_fast=is_fast)
    assert client.server.output.surface is None
    with pytest.raises(StateError):
        client.server.send_surface_commands([command()])


def command(size: int = 16, left: int = 0) -> SetSurfaceBits:
    return SetSurfaceBits(left, 0, left + 2, 2, ExtendedBitmapData(32, 0, 2, 2, bytes(size)))


def test_a_frame_between_its_markers() -> None:
    client = client_with(SURFACE, FrameAcknowledgeCapability(2))
    assert client.server.send_surface_commands([command(), command(left=5)], frame_id=9)
    assert came(client) == [
        SurfaceCommands(
            (FrameMarker(FrameAction.BEGIN, 9), command(), command(left=5), FrameMarker(FrameAction.END, 9))
        )
    ]
    client.send(client.share_data(FrameAcknowledge(9)))
    assert client.saw(FrameAcknowledged) == [FrameAcknowledged(9)]


def test_no_frame_for_clients_that_know_none() -> None:
    client = client_with(SurfaceCommandsCapability(FLAGS.SET_SURFACE_BITS), FrameAcknowledgeCapability(2))
    assert not client.server.send_surface_commands([command()], frame_id=9)
    assert came(client) == [SurfaceCommands((command(),))]


def test_a_client_that_does_not_acknowledge() -> None:
    client = client_with(SURFACE)
    assert not client.server.send_surface_commands([command()], frame_id=9)
    assert len(came(client)) == 1
    assert not client.server.send_surface_commands([command()])
    assert came(client) == [SurfaceCommands((command(),))]


def test_updates_are_cut_to_the_clients_limit() -> None:
    limit = 40_000
    client = client_with(SURFACE, MultifragmentUpdateCapability(limit))
    commands = [command(15_000, left) for left in range(7)]
    client.server.send_surface_commands(commands, frame_id=1)
    client.collect()
    assert max(len(frame) for frame in client.frames) < MAX_FRAGMENT_SIZE + 100
    updates = came(client)
    found: list[object] = []
    for update in updates:
        assert isinstance(update, SurfaceCommands)
        assert len(encode(update)) <= limit
        found += update.commands
    assert found == [FrameMarker(FrameAction.BEGIN, 1), *commands, FrameMarker(FrameAction.END, 1)]
    assert len(updates) == 4
    with pytest.raises(EncodeError):
        client.server.send_surface_commands([command(limit)])
    assert client.server.is_active


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        (FLAGS.STREAM_SURFACE_BITS, command()),
        (FLAGS.SET_SURFACE_BITS, StreamSurfaceBits(0, 0, 2, 2, ExtendedBitmapData(32, 0, 2, 2, bytes(16)))),
        (FLAGS.SET_SURFACE_BITS, FrameMarker(FrameAction.BEGIN, 1)),
    ],
)
def test_no_command_that_the_client_has_not(flags: SurfaceCommandFlags, refused: SurfaceCommand) -> None:
    client = client_with(SurfaceCommandsCapability(flags))
    with pytest.raises(StateError, match=type(refused).__name__):
        client.server.send_surface_commands([refused])
    assert came(client) == []


def test_frames_of_surface_commands_are_measured_and_acknowledgements_spare_round_trips() -> None:
    def round_trips(*, acknowledges: bool) -> int:
        client = client_with(SURFACE, FrameAcknowledgeCapability(2))
        entries = client.config.tracer.entries  # type: ignore[attr-defined]
        entries.clear()
        for number in range(200):
            client.server.send_surface_commands([command()], frame_id=number)
            if acknowledges:
                client.send(client.share_data(FrameAcknowledge(number)))
            client.wait(0.1)
        return sum(isinstance(pdu, RttMeasureRequest) for way, _phase, pdu in entries if way == ">")

    assert round_trips(acknowledges=False) == pytest.approx(20 / MEASURE_SECONDS, abs=2)
    assert round_trips(acknowledges=True) == pytest.approx(20 / SELDOM_SECONDS, abs=1)


@pytest.mark.parametrize("is_surface", [True, False])
def test_the_first_surface_commands_and_orders_tell_of_the_bandwidth(is_surface: bool) -> None:
    client = client_with(SURFACE, ORDERS, CACHES)
    client.server.facts.bits_per_second = None
    entries = client.config.tracer.entries  # type: ignore[attr-defined]
    entries.clear()
    for number in range(20):
        if is_surface:
            client.server.send_surface_commands([command(8000)])
        else:
            client.server.send_orders(
                [replace(BITMAP, width=64, cache_id=1, cache_index=number, data=bytes(4096))]
            )
    kinds = (BandwidthMeasureStart, BandwidthMeasureStop)
    said = [type(pdu) for way, _phase, pdu in entries if way == ">" and isinstance(pdu, kinds)]
    assert said == list(kinds)
    client.send(client.message(BandwidthMeasureResults(0, 100, 70_000)))
    [measured] = client.saw(NetworkMeasured)
    assert measured.bits_per_second == 70_000 * 80
