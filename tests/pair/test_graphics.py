"""The graphics pipeline between our server and our client: capabilities, frames, restarts, refusals."""

import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.errors import DecodeError, LimitExceeded, PeerError, SequenceError, StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.dynamic.pdu import CreateRequest, decode_server_pdu
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities
from pyrdpmux.rdp.channels.graphics.cache import (
    CacheEntry,
    CacheImportOffer,
    CacheImportReply,
    CacheToSurface,
)
from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    CapsAdvertise,
    CapsConfirm,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.channels.graphics.drawing import CodecId, SolidFill, WireToSurface1
from pyrdpmux.rdp.channels.graphics.frames import (
    SUSPEND_FRAME_ACKNOWLEDGEMENT,
    EndFrame,
    FrameAcknowledge,
    QoeFrameAcknowledge,
    StartFrame,
)
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME, GraphicsCommand, Point
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu, UnknownGraphics, encode_graphics
from pyrdpmux.rdp.channels.graphics.segments import segmented
from pyrdpmux.rdp.channels.graphics.surfaces import CreateSurface, MapSurfaceToOutput, ResetGraphics
from pyrdpmux.rdp.channels.static import ChannelPdu
from pyrdpmux.rdp.connection.client.channels.graphics import DEFAULT_SETS
from pyrdpmux.rdp.connection.client.channels.graphics import Graphics as ClientGraphicsChannel
from pyrdpmux.rdp.connection.events import (
    ChannelClosed,
    ChannelOpened,
    Disconnected,
    GraphicsCacheOffered,
    GraphicsCommandsReceived,
    GraphicsConfirmed,
    GraphicsFrameAcknowledged,
    GraphicsOpened,
    GraphicsQuality,
    NetworkMeasured,
)
from pyrdpmux.rdp.connection.server.auto_detect import FRAME_OUTPUT
from pyrdpmux.rdp.connection.server.channels.graphics import MAX_CLIENT_PDUS, Graphics
from pyrdpmux.rdp.connection.server.keepalive import MEASURE_SECONDS, SELDOM_SECONDS
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.pdu.auto_detect import BandwidthMeasureStart, BandwidthMeasureStop, RttMeasureRequest
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, rdp_policy, server_config

V = CapabilityVersion
F = GraphicsFlags
BOTH = ("ECHO", CHANNEL_NAME)
FUTURE = GraphicsCapabilitySet(CapabilityVersion(0x000B0000), b"\1\2\3\4\5")
FRAME: tuple[GraphicsPdu, ...] = (
    ResetGraphics(800, 600),
    CreateSurface(1, 800, 600),
    MapSurfaceToOutput(1),
    StartFrame(1),
    SolidFill(1, 0xFF336699, (Rect(0, 0, 800, 600),)),
    EndFrame(1),
)


def linked(server: dict[str, Any] | None = None, **client: Any) -> Linked:
    config = client_config(**{"dynamic_channels": BOTH} | client)
    pair = Linked(server_config(**{"channels": BOTH} | (server or {})), config).run()
    assert pair.client.is_active
    return pair


def entries(pair: Linked) -> list[tuple[str, str, object]]:
    assert pair.server.config is not None
    tracer = pair.server.config.tracer
    assert isinstance(tracer, ListTracer)
    return tracer.entries


def created(pair: Linked) -> list[CreateRequest]:
    """What the server has asked for on drdynvc."""
    found = []
    for way, _phase, pdu in entries(pair):
        if way == ">" and isinstance(pdu, ChannelPdu) and pdu.data[0] >> 4 == 1:
            request = decode_server_pdu(pdu.data)
            assert isinstance(request, CreateRequest)
            found.append(request)
    return found


# -- capabilities ------------------------------------------------------------------------------------


def test_both_agree_and_the_server_draws() -> None:
    pair = linked()
    (opened,) = pair.server_saw(GraphicsOpened)
    assert opened.capabilities.version == V.VERSION_10_7
    assert opened.advertised == DEFAULT_SETS
    assert opened.abilities == GraphicsAbilities.of(opened.capabilities)
    assert not opened.is_repeated
    assert pair.client_saw(GraphicsConfirmed) == [GraphicsConfirmed(opened.abilities, opened.capabilities)]
    zgfx = ZgfxCompressor()
    for _ in range(3):
        pair.server.send_graphics(zgfx.compress(encode_graphics(FRAME)))
    pair.run()
    assert pair.client_saw(GraphicsCommandsReceived) == [GraphicsCommandsReceived(FRAME)] * 3


@pytest.mark.parametrize(
    ("sets", "chosen"),
    [
        *[((version,), version) for version in V.__members__.values() if version != V.VERSION_10_1],
        ((V.VERSION_8, V.VERSION_10_1, V.VERSION_10, V.VERSION_10_5), V.VERSION_10_5),
        (tuple(V.__members__.values()), V.VERSION_10_7),
        ((V.VERSION_10_1,), None),
    ],
)
@pytest.mark.parametrize("flags", [GraphicsFlags(0), F.AVC_DISABLED | F.SMALL_CACHE | GraphicsFlags(0x4000)])
def test_each_version_is_confirmed_as_it_was_advertised(
    sets: tuple[CapabilityVersion, ...], chosen: CapabilityVersion | None, flags: GraphicsFlags
) -> None:
    """Also where unknown ones are beside it."""
    advertised = (FUTURE, *[GraphicsCapabilitySet.of(version, flags) for version in sets])
    pair = linked(graphics=advertised)
    assert [event.capabilities.version for event in pair.client_saw(GraphicsConfirmed)] == [chosen] * bool(
        chosen
    )
    opened = pair.server_saw(GraphicsOpened)
    assert [event.capabilities for event in opened] == [item for item in advertised if item.version == chosen]
    assert [event.advertised for event in opened] == [advertised[1:]] * bool(chosen)
    if chosen is None:
        assert "none of 2 capability sets can be used" in str(entries(pair))
        with pytest.raises(StateError, match="before the client's capabilities"):
            pair.server.send_graphics(segmented(b""))
    assert pair.server.is_active


def test_nothing_is_drawn_before_the_client_has_advertised() -> None:
    """Breakage 2 (FreeRDP issue 9660)."""
    pair = linked(graphics=())
    assert ChannelOpened(CHANNEL_NAME) in pair.server_saw(ChannelOpened)
    assert pair.server.supports_graphics
    with pytest.raises(StateError, match="before the client's capabilities"):
        pair.server.send_graphics(segmented(encode_graphics(FRAME)))
    pair.client.advertise_graphics(DEFAULT_SETS)
    pair.run()
    pair.server.send_graphics(segmented(encode_graphics(FRAME)))
    pair.run()
    assert pair.client_saw(GraphicsCommandsReceived) == [GraphicsCommandsReceived(FRAME)]


def test_a_client_may_begin_anew() -> None:
    """Breakage 1. What was under way counts for nothing."""
    pair = linked()
    pair.client.advertise_graphics(DEFAULT_SETS[:3])
    pair.server.send_graphics(segmented(encode_graphics(FRAME)))
    pair.run()
    first, second = pair.server_saw(GraphicsOpened)
    assert (first.is_repeated, second.is_repeated) == (False, True)
    assert second.capabilities.version == V.VERSION_10
    assert second.abilities == GraphicsAbilities.of(second.capabilities)
    assert len(pair.client_saw(GraphicsConfirmed)) == 2
    assert pair.client_saw(GraphicsCommandsReceived) == []
    pair.server.send_graphics(ZgfxCompressor().compress(encode_graphics(FRAME)))
    pair.run()
    assert pair.client_saw(GraphicsCommandsReceived) == [GraphicsCommandsReceived(FRAME)]


# -- which clients have it ---------------------------------------------------------------------------


def test_the_channel_comes_first_and_has_the_same_number_everywhere() -> None:
    assert created(linked())[0] == CreateRequest(1, CHANNEL_NAME)
    others = linked({"channels": ("A", "B", CHANNEL_NAME, "C")}, dynamic_channels=("A", CHANNEL_NAME))
    assert [request.channel_id for request in created(others) if request.name == CHANNEL_NAME] == [1]


@pytest.mark.parametrize(
    "client",
    [
        {"dynamic_channels": ("ECHO",)},
        {"bits_per_pixel": 16},
        {"dynamic_channels": None},
    ],
    ids=["no early capability", "16 bpp", "no dynamic channels"],
)
def test_a_client_without_is_not_asked(client: dict[str, Any]) -> None:
    """Breakages 4 and 13: the session goes on without."""
    pair = linked(None, **client)
    assert not pair.server.supports_graphics
    assert CHANNEL_NAME not in [request.name for request in created(pair)]
    assert pair.server_saw(GraphicsOpened) == []
    with pytest.raises(StateError):
        pair.server.open_channel(CHANNEL_NAME)
    with pytest.raises(StateError):
        pair.server.send_graphics(segmented(b""))


def test_a_session_of_less_than_32_bits_has_none() -> None:
    pair = linked({"max_bits_per_pixel": 24})
    assert pair.server.output.bits_per_pixel == 24
    assert created(pair) == [CreateRequest(1, "ECHO")]


def test_where_it_is_not_offered_it_is_not_there() -> None:
    pair = linked({"channels": ("ECHO",)})
    assert pair.server.supports_graphics
    assert created(pair) == [CreateRequest(1, "ECHO")]


def test_before_there_is_a_session_nothing_is_known() -> None:
    pair = Linked(server_config(channels=BOTH), client_config(dynamic_channels=BOTH))
    assert not pair.server.supports_graphics
    with pytest.raises(StateError):
        pair.server.send_graphics(b"")


# -- what a client says ------------------------------------------------------------------------------


def test_what_a_client_says_of_frames_is_told() -> None:
    pair = linked()
    pair.client.acknowledge_graphics_frame(7, 352_000, 8)
    pair.client.report_graphics_quality(QoeFrameAcknowledge(7, 1000, 16, 3))
    pair.client.acknowledge_graphics_frame(8, SUSPEND_FRAME_ACKNOWLEDGEMENT, 9)
    pair.client.offer_graphics_cache([CacheEntry(0xA9CE5F6EBFB017F6, 16384)])
    pair.run()
    assert pair.server_saw(GraphicsFrameAcknowledged) == [
        GraphicsFrameAcknowledged(7, 352_000, 8),
        GraphicsFrameAcknowledged(8, 0xFFFFFFFF, 9),
    ]
    assert pair.server_saw(GraphicsQuality) == [GraphicsQuality(7, 1000, 16, 3)]
    (offered,) = pair.server_saw(GraphicsCacheOffered)
    assert offered.entries == (CacheEntry(0xA9CE5F6EBFB017F6, 16384),)
    pair.server.send_graphics(segmented(encode(CacheImportReply((1,)))))
    pair.run()
    assert pair.client_saw(GraphicsCommandsReceived) == [GraphicsCommandsReceived((CacheImportReply((1,)),))]


def test_a_client_says_nothing_before_it_may() -> None:
    pair = linked(graphics=())
    too_early = "before the server's capabilities"
    with pytest.raises(StateError, match=too_early):
        pair.client.acknowledge_graphics_frame(1, 0, 1)
    with pytest.raises(StateError, match=too_early):
        pair.client.report_graphics_quality(QoeFrameAcknowledge(1, 0, 0, 0))
    with pytest.raises(StateError, match=too_early):
        pair.client.offer_graphics_cache([])
    old = linked(graphics=DEFAULT_SETS[:2])
    old.client.acknowledge_graphics_frame(1, 0, 1)
    with pytest.raises(StateError, match="quality in VERSION_8_1"):
        old.client.report_graphics_quality(QoeFrameAcknowledge(1, 0, 0, 0))
    with pytest.raises(StateError, match="not open"):
        linked({"channels": ("ECHO",)}).client.acknowledge_graphics_frame(1, 0, 1)


def test_a_long_offer_is_taken() -> None:
    pair = linked()
    kept = tuple([CacheEntry(number, 16384) for number in range(5461)])
    pair.client.offer_graphics_cache(kept)
    pair.run()
    assert [event.entries for event in pair.server_saw(GraphicsCacheOffered)] == [kept]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (encode(EndFrame(1)), SequenceError),
        (encode(UnknownGraphics(GraphicsCommand(0x77), b"")), SequenceError),
        (encode(FrameAcknowledge(1, 0, 1))[:-1], DecodeError),
        (encode(FrameAcknowledge(1, 0, 1)) * (MAX_CLIENT_PDUS + 1), DecodeError),
        (bytes(65_543), LimitExceeded),
        (encode(CapsAdvertise((FUTURE,) * 65)), DecodeError),
    ],
)
def test_what_a_client_may_not_say_ends_the_connection(message: bytes, error: type[PeerError]) -> None:
    pair = linked()
    pair.client.send_channel_data(CHANNEL_NAME, message)
    pair.run()
    (ended,) = pair.server_saw(Disconnected)
    assert isinstance(ended.error, error)


@pytest.mark.parametrize("pdu", [FrameAcknowledge(1, 0, 1), CacheImportOffer(())])
def test_what_comes_before_capabilities_ends_the_connection(pdu: FrameAcknowledge) -> None:
    pair = linked(graphics=())
    pair.client.send_channel_data(CHANNEL_NAME, encode(pdu))
    pair.run()
    (ended,) = pair.server_saw(Disconnected)
    assert isinstance(ended.error, SequenceError)
    assert "CapsAdvertise" in str(ended.error)


# -- what a server says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (segmented(encode(FrameAcknowledge(1, 0, 1))), SequenceError),
        (segmented(encode(CapsConfirm(GraphicsCapabilitySet.of(V.VERSION_10_1)))), SequenceError),
        (segmented(encode(EndFrame(1))[:-1]), DecodeError),
        (encode(EndFrame(1)), DecodeError),
        (bytes.fromhex("e1 0100 ffffffff 02000000 0400"), DecodeError),
    ],
)
def test_what_a_server_may_not_say_ends_the_connection(message: bytes, error: type[PeerError]) -> None:
    pair = linked()
    pair.server.send_graphics(message)
    pair.run()
    (ended,) = pair.client_saw(Disconnected)
    assert isinstance(ended.error, error)


def test_unknown_commands_are_handed_over() -> None:
    pair = linked()
    unknown = UnknownGraphics(GraphicsCommand(0x77), b"\1", 2)
    pair.server.send_graphics(segmented(encode(unknown)))
    pair.run()
    assert pair.client_saw(GraphicsCommandsReceived) == [GraphicsCommandsReceived((unknown,))]


# -- the channel's end, and how it begins again ------------------------------------------------------


def test_a_refused_message_loses_the_channel_and_it_is_opened_again() -> None:
    """egfx-notes, trap 1: the client closes it, the connection stays."""
    pair = linked()
    pair.server.send_graphics(segmented(encode(CacheToSurface(4097, 1, (Point(0, 0),)))))
    pair.run()
    pair.client.close_channel(CHANNEL_NAME)
    pair.run()
    assert pair.server_saw(ChannelClosed) == [ChannelClosed(CHANNEL_NAME, is_refused=False)]
    with pytest.raises(StateError, match="without the graphics pipeline"):
        pair.server.send_graphics(segmented(encode(EndFrame(1))))
    pair.server.open_channel(CHANNEL_NAME)
    pair.run()
    first, second = pair.server_saw(GraphicsOpened)
    assert second == first
    assert [request.channel_id for request in created(pair) if request.name == CHANNEL_NAME] == [1, 3]
    pair.server.send_graphics(ZgfxCompressor().compress(encode_graphics(FRAME)))
    pair.run()
    assert pair.client_saw(GraphicsCommandsReceived)[-1] == GraphicsCommandsReceived(FRAME)
    assert pair.server.is_active


def test_it_lives_through_a_resize() -> None:
    pair = linked()
    pair.server.set_desktop_size(640, 480, pair.now)
    with pytest.raises(StateError):
        pair.server.send_graphics(segmented(encode_graphics(FRAME)))
    pair.run()
    pair.server.send_graphics(segmented(encode_graphics(FRAME)))
    pair.run()
    assert len(pair.server_saw(GraphicsOpened)) == 1
    assert pair.client_saw(GraphicsCommandsReceived) == [GraphicsCommandsReceived(FRAME)]


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["TLS", "standard security"])
def test_a_message_of_megabytes_arrives(is_encrypted: bool) -> None:
    changes = {"protocols": SecurityProtocol.RDP} if is_encrypted else {}
    config = server_config(rdp_policy() if is_encrypted else None, channels=BOTH)
    pair = Linked(config, client_config(dynamic_channels=BOTH, **changes)).run()
    size = 300_000 if is_encrypted else 3_000_000
    picture = WireToSurface1(1, CodecId.UNCOMPRESSED, Rect(0, 0, 1, 1), bytes(range(250)) * (size // 250))
    pair.server.send_graphics(segmented(encode(picture)))
    pair.run()
    assert pair.client_saw(GraphicsCommandsReceived) == [GraphicsCommandsReceived((picture,))]


# -- floods ------------------------------------------------------------------------------------------


def test_beginning_anew_for_ever_costs_an_answer_each_and_nothing_more() -> None:
    machine = Graphics(CHANNEL_NAME)
    advertise = encode(CapsAdvertise(DEFAULT_SETS))
    answers = 0
    for _ in range(1000):
        machine.received(advertise, 0.0)
        queued = machine.take()
        answers += len(queued.messages)
        assert sum(map(len, queued.messages)) == 22
    assert answers == 1000
    # as many in one message as fit are too many
    with pytest.raises(DecodeError, match="more than 256 PDUs"):
        machine.received(advertise * (MAX_CLIENT_PDUS + 1), 0.0)


@functools.cache
def opened() -> bytes:
    return encode(CapsAdvertise(DEFAULT_SETS))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(
                lambda command, body: encode(UnknownGraphics(GraphicsCommand(command), body)),
                st.integers(0, 0x19),
                st.binary(max_size=60),
            ),
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_garbage_raises_peer_errors_only(messages: list[bytes], is_opened: bool) -> None:
    server, client = Graphics(CHANNEL_NAME), ClientGraphicsChannel(CHANNEL_NAME)
    client.opened(0.0)
    if is_opened:
        server.received(opened(), 0.0)
        (confirm,) = server.take().messages
        client.received(confirm, 0.0)
    for message in messages:
        for machine, data in ((server, message), (client, segmented(message)), (client, message)):
            try:
                machine.received(data, 0.0)
            except PeerError:
                continue


# -- the network ---------------------------------------------------------------------------------------


def drawn(pair: Linked, size: int) -> None:
    """A frame with so many bytes of pixels, which has come."""
    pixels = WireToSurface1(1, CodecId.UNCOMPRESSED, Rect(0, 0, 800, 600), bytes(size))
    pair.server.send_graphics(segmented(encode_graphics([StartFrame(1), pixels, EndFrame(1)])))
    pair.run()


def measuring(pair: Linked) -> list[type]:
    """What the server has said that measures, and what it has said between."""
    kinds = (BandwidthMeasureStart, BandwidthMeasureStop, ChannelPdu)
    return [type(pdu) for way, _phase, pdu in entries(pair) if way == ">" and isinstance(pdu, kinds)]


@pytest.mark.parametrize(("size", "is_measured"), [(FRAME_OUTPUT // 2, False), (FRAME_OUTPUT, True)])
def test_the_bandwidth_is_measured_on_a_frame_that_is_large_enough(size: int, is_measured: bool) -> None:
    pair = linked(wants_message_channel=True)
    entries(pair).clear()
    drawn(pair, size)
    said = measuring(pair)
    assert (said[0] is BandwidthMeasureStart) is (said[-1] is BandwidthMeasureStop) is is_measured
    assert said.count(BandwidthMeasureStart) == said.count(BandwidthMeasureStop) == is_measured
    rates = [event.bits_per_second for event in pair.server_saw(NetworkMeasured) if event.bits_per_second]
    # within a millisecond, as the clock stands still
    assert [rate > 8000 * size for rate in rates] == [True] * is_measured


def test_round_trips_are_measured_while_there_are_frames_and_seldom_where_they_are_acknowledged() -> None:
    def round_trips(depth: int | None) -> int:
        pair = linked(wants_message_channel=True)
        entries(pair).clear()
        for number in range(200):
            drawn(pair, 100)
            if depth is not None:
                pair.client.acknowledge_graphics_frame(1, depth, number + 1)
            pair.run()
            pair.now += 0.1
            pair.server.handle_timeout(pair.now)
        return sum(isinstance(pdu, RttMeasureRequest) for _way, _phase, pdu in entries(pair))

    assert round_trips(None) == pytest.approx(20 / MEASURE_SECONDS, abs=2)
    assert round_trips(0) == pytest.approx(20 / SELDOM_SECONDS, abs=1)
    assert round_trips(SUSPEND_FRAME_ACKNOWLEDGEMENT) == pytest.approx(20 / MEASURE_SECONDS, abs=2)
