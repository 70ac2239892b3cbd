"""Breakages 1 to 9 and 13: clients of the graphics pipeline, through the daemon's own console."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from pyrdpmux.codec.avc.stream import Avc420Stream
from pyrdpmux.codec.extras import H264, is_installed
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.blank_screen import FRAMES
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.console.reopenings import MAX_REOPENINGS
from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.channels.graphics.drawing import CodecId, SurfaceToSurface, WireToSurface1
from pyrdpmux.rdp.channels.graphics.frames import (
    SUSPEND_FRAME_ACKNOWLEDGEMENT,
    EndFrame,
    QoeFrameAcknowledge,
    StartFrame,
)
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS
from pyrdpmux.rdp.channels.graphics.surfaces import CreateSurface, DeleteSurface, ResetGraphics
from pyrdpmux.rdp.connection.client.channels.graphics import DEFAULT_SETS
from pyrdpmux.rdp.connection.events import (
    Activated,
    ChannelOpened,
    GraphicsCommandsReceived,
    GraphicsConfirmed,
    GraphicsReceived,
)
from pyrdpmux.wire import decode
from tests.breakages.scene import Witness, picture, witness
from tests.graphics.targets.test_pipeline import VIDEO, Session
from tests.mux.rdp_client import eventually
from tests.mux.serving import noise, run, served, show

V = CapabilityVersion
needs_h264 = pytest.mark.skipif(not is_installed(H264), reason="the extra pyrdpmux[h264] is not installed")


async def shown(client: Witness, console: Console) -> None:
    await client.until(lambda: client.shows(console), what="the picture")


def test_capabilities_in_mid_session_begin_everything_anew(factory: ConnectionFactory) -> None:
    """Breakage 1: they are confirmed again, and surfaces and caches made again; nothing is deleted."""

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port) as client:
            show(console, noise(200, 100))
            await shown(client, console)
            client.noted.clear()
            client.connection.advertise_graphics(DEFAULT_SETS)
            client.flush()
            await client.until(lambda: bool(client.commands(EndFrame)))
            await shown(client, console)
            assert client.index(GraphicsConfirmed) < client.index(Activated)
            assert client.index(Activated) < client.index(GraphicsCommandsReceived)
            assert client.commands(DeleteSurface) == []
            assert client.commands(CreateSurface)
            show(console, noise(200, 100, 2))
            await shown(client, console)

    run(scenario)


def test_nothing_is_drawn_before_the_capabilities(factory: ConnectionFactory) -> None:
    """Breakage 2."""

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port, graphics=()) as client:
            show(console, noise(200, 100))
            await client.until(lambda: ChannelOpened(GRAPHICS) in client.events)
            await asyncio.sleep(0.1)
            assert client.commands(object) == []
            client.connection.advertise_graphics(DEFAULT_SETS)
            client.flush()
            await shown(client, console)
            assert client.index(GraphicsConfirmed) < client.index(GraphicsCommandsReceived)
            assert not any(isinstance(event, GraphicsReceived) for event in client.noted)

    run(scenario)


def test_unknown_capability_sets_are_passed_over(factory: ConnectionFactory) -> None:
    """Breakage 3: many of them, of which the best that is known is chosen."""
    unknown = [GraphicsCapabilitySet(V(0x000B0000 + number), bytes(number)) for number in range(9)]
    sets = (
        *unknown,
        *[GraphicsCapabilitySet.of(v) for v in (V.VERSION_10_1, V.VERSION_10, V.VERSION_8)],
    )

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port, graphics=sets) as client:
            show(console, noise(200, 100))
            await shown(client, console)
            [confirmed] = client.seen(GraphicsConfirmed)
            assert confirmed.capabilities.version == V.VERSION_10

    run(scenario)


@pytest.mark.parametrize("depth", [15, 16, 24])
def test_below_32_bits_there_is_no_pipeline(factory: ConnectionFactory, depth: int) -> None:
    """Breakage 4: and a picture all the same."""

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port, bits_per_pixel=depth) as client:
            show(console, noise(200, 100) & np.uint8(0xC0))
            await client.until_near(console.screen.pixels)
            assert client.seen(GraphicsConfirmed) == []

    run(scenario)


@needs_h264
def test_h264_shows_a_very_wide_desktop() -> None:
    """Breakage 5: 5120x1440, whose picture is compared with what is meant after each frame."""
    session = Session(5120, 1440)
    session.write(Rect(0, 0, 5120, 1440), picture(5120, 1440).view("uint32")[..., 0])
    frame = session.show()
    assert frame is not None
    assert session.client.renderer.output.shape == (1440, 5120, 4)
    assert session.client.renderer.output.any()


@needs_h264
def test_regions_lie_within_their_surface() -> None:
    """Breakage 6: exactly, wherever on the desktop a video is, and however large."""
    session = Session(333, 251, VIDEO)
    surfaces: dict[int, CreateSurface] = {}
    pictures: list[tuple[WireToSurface1, CreateSurface]] = []
    copies: list[SurfaceToSurface] = []
    apply = session.client.renderer.apply

    def noted(pdu: object) -> None:
        match pdu:
            case CreateSurface(surface_id):
                surfaces[surface_id] = pdu
            case WireToSurface1(surface_id, CodecId.AVC420):
                pictures.append((pdu, surfaces[surface_id]))
            case SurfaceToSurface():
                copies.append(pdu)
        apply(pdu)  # type: ignore[arg-type]

    session.client.renderer.apply = noted  # type: ignore[method-assign]
    for place in (Rect(13, 9, 320, 242), Rect(0, 0, 333, 251), Rect(101, 33, 201, 199)):
        for seed in range(4):
            session.write(place, picture(place.width, place.height, seed).view("uint32")[..., 0])
            session.show(1 / 30)
        session.rest()
    assert len(pictures) >= 9
    for pdu, surface in pictures:
        whole = Rect(0, 0, surface.width, surface.height)
        assert pdu.rect == whole
        regions = decode(Avc420Stream, pdu.data).meta.regions
        assert regions
        for region in regions:
            assert whole.contains(region.rect)
            assert not region.rect.is_empty
            edges = (region.rect.x, region.rect.y, region.rect.right, region.rect.bottom)
            assert not any(edge % 16 for edge in edges), "in whole macroblocks"
    for copy in copies:
        source = surfaces[copy.source_id]
        assert Rect(0, 0, source.width, source.height).contains(copy.rect)


async def _plays(client: Witness, console: Console) -> set[CodecId]:
    """By what a moving picture comes."""
    for seed in range(5):
        show(console, picture(320, 200, seed))
        await client.until_near(console.screen.pixels)
    return {pdu.codec_id for pdu in client.commands(WireToSurface1)}


@needs_h264
@pytest.mark.parametrize("version", [V.VERSION_10, V.VERSION_10_2, V.VERSION_10_4, V.VERSION_10_7])
def test_without_h264_where_the_client_has_none(
    factory: ConnectionFactory, version: CapabilityVersion
) -> None:
    """Breakage 7: AVC_DISABLED in the chosen set. Without it, the same picture comes by H.264."""

    async def scenario() -> None:
        for flags in (GraphicsFlags.AVC_DISABLED, GraphicsFlags(0)):
            sets = (GraphicsCapabilitySet.of(V.VERSION_8), GraphicsCapabilitySet.of(version, flags))
            async with served(factory) as console, witness(console.port, graphics=sets) as client:
                codecs = await _plays(client, console)
                has_avc = bool(codecs & {CodecId.AVC420, CodecId.AVC444, CodecId.AVC444V2})
                assert has_avc is not bool(flags)

    run(scenario)


def _withhold(client: Witness) -> None:
    client.acknowledges = False


def _suspend(client: Witness) -> None:
    """2.2.2.13: no further frame will be acknowledged."""
    client.acknowledges = False
    client.connection.acknowledge_graphics_frame(1, SUSPEND_FRAME_ACKNOWLEDGEMENT, 1)
    client.flush()


def _exaggerate(client: Witness) -> None:
    """QUIRK(mstsc): 352,000 bytes, or whatever."""
    assert client.renderer.graphics is not None
    client.renderer.graphics.queue_depth = 352_000


@pytest.mark.parametrize("begin", [_withhold, _suspend, _exaggerate])
def test_frames_go_on_without_acknowledgements(
    factory: ConnectionFactory, begin: Callable[[Witness], None]
) -> None:
    """Breakage 8: and when these come again."""

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port) as client:
            show(console, noise(64, 64))
            await shown(client, console)
            begin(client)
            for seed in range(1, 9):
                show(console, noise(64, 64, seed))
                await shown(client, console)
            client.acknowledges = True
            for seed in range(9, 12):
                show(console, noise(64, 64, seed))
                await shown(client, console)

    run(scenario)


def _report(client: Witness, *milliseconds: int) -> None:
    [frame, *_] = client.commands(StartFrame)
    for value in milliseconds:
        client.connection.report_graphics_quality(QoeFrameAcknowledge(frame.frame_id, 1, 0, value))
    client.flush()


def test_a_blank_screen_is_healed_by_a_bare_reactivation(factory: ConnectionFactory) -> None:
    """Breakage 9: without deleting or making surfaces; once."""

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port) as client:
            show(console, noise(200, 100))
            await shown(client, console)
            _report(client, *[0] * FRAMES)
            await client.until(lambda: len(client.seen(Activated)) == 3, what="another activation")
            client.noted.clear()
            client.picture[...] = 0
            await shown(client, console)
            show(console, noise(200, 100, 1))
            await shown(client, console)
            assert not client.commands(DeleteSurface)
            assert not client.commands(CreateSurface)
            assert client.commands(ResetGraphics) == []
            _report(client, *[0] * (2 * FRAMES))
            show(console, noise(200, 100, 2))
            await shown(client, console)
            assert len(client.seen(Activated)) == 3

    run(scenario)


def test_a_fast_client_is_not_disturbed(factory: ConnectionFactory) -> None:
    """Breakage 9, the other side: many zeros among whole milliseconds are no blank screen."""

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port) as client:
            show(console, noise(200, 100))
            await shown(client, console)
            activations = len(client.seen(Activated))
            _report(client, *[0] * (FRAMES - 1), 1, *[0] * 200)
            show(console, noise(200, 100, 1))
            await shown(client, console)
            assert len(client.seen(Activated)) == activations

    run(scenario)


def test_a_client_without_the_pipeline_sees_the_picture(factory: ConnectionFactory) -> None:
    """Breakage 13: whether it has no dynamic channels, does not listen to this one, or never says a word."""

    async def scenario() -> None:
        for config in ({"dynamic_channels": None}, {"dynamic_channels": ("ECHO",)}, {"graphics": ()}):
            async with served(factory) as console, witness(console.port, **config) as client:
                show(console, noise(200, 100))
                await shown(client, console)
                assert client.commands(object) == []

    run(scenario)


def test_a_lost_channel_comes_again_a_few_times(factory: ConnectionFactory) -> None:
    """A client closes the channel after a PDU that it refuses; in the end it is drawn to by bitmaps."""

    async def scenario() -> None:
        async with served(factory) as console, witness(console.port) as client:
            show(console, noise(200, 100))
            await shown(client, console)
            for number in range(MAX_REOPENINGS + 1):
                client.connection.close_channel(GRAPHICS)
                client.flush()
                client.noted.clear()
                client.picture[...] = 0
                show(console, noise(200, 100, number + 1))
                await shown(client, console)
                has_pipeline = number < MAX_REOPENINGS
                assert bool(client.commands(CreateSurface)) is has_pipeline
                assert any(isinstance(event, GraphicsReceived) for event in client.noted) is not has_pipeline
            await eventually(lambda: client.is_active)

    run(scenario)
