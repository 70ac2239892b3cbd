"""By which way a client is drawn to, what of it is sent, and how a lost channel and a blank screen heal.

The connection is a stand-in that decodes what it is given to send, and complains as a strict client does.
"""

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from pyrdpmux.errors import StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.pacing import PacerFigures
from pyrdpmux.mux.console import viewer_picture
from pyrdpmux.mux.console.blank_screen import FRAMES
from pyrdpmux.mux.console.refreshes import REFRESHES_AT_ONCE, REFRESHES_PER_SECOND
from pyrdpmux.mux.console.reopenings import FORGIVEN_SECONDS, MAX_REOPENINGS
from pyrdpmux.mux.console.viewer_picture import (
    GRAPHICS_SECONDS,
    SETTLE_SECONDS,
    ViewerPicture,
)
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.mux.streaming.streams import GATHER_SECONDS, Streams
from pyrdpmux.net.fair import Turn
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities
from pyrdpmux.rdp.channels.graphics.cache import CacheEntry, CacheImportReply
from pyrdpmux.rdp.channels.graphics.capabilities import CapabilityVersion, GraphicsCapabilitySet
from pyrdpmux.rdp.channels.graphics.frames import StartFrame
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.channels.graphics.surfaces import CreateSurface, DeleteSurface, ResetGraphics
from pyrdpmux.rdp.connection.events import (
    ChannelClosed,
    GraphicsCacheOffered,
    GraphicsOpened,
    GraphicsQuality,
    NetworkMeasured,
)
from pyrdpmux.rdp.connection.facts import ServerFacts
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.pdu.update import BitmapData
from tests.graphics.pipeline_client import PipelineClient
from tests.mux.serving import noise
from tests.mux.streaming.seats import InlineWorkers
from tests.mux.support.virtual_time import run, turns

SIZE = (320, 192)
EVERYTHING = Rect(0, 0, *SIZE)
FORMAT = OutputFormat(
    width=SIZE[0],
    height=SIZE[1],
    bits_per_pixel=32,
    is_fast_path=True,
    max_request_size=65535,
    omits_compression_header=True,
    may_skip_alpha=True,
    pointer_cache_size=0,
    color_pointer_cache_size=0,
    max_pointer_side=32,
)
#: exact, so that a picture at rest sends nothing
CAPABILITIES = GraphicsCapabilitySet.of(CapabilityVersion.VERSION_8)
ABILITIES = GraphicsAbilities(version=CapabilityVersion.VERSION_8, has_progressive=False)


class Client(PipelineClient):
    """Keeps what it was told, too."""

    def __init__(self) -> None:
        super().__init__()
        self.pdus: list[object] = []
        apply = self.renderer.apply

        def noted(pdu: Any) -> None:
            self.pdus.append(pdu)
            apply(pdu)

        self.renderer.apply = noted  # type: ignore[method-assign]

    def kinds(self, kind: type) -> list[Any]:
        return [pdu for pdu in self.pdus if isinstance(pdu, kind)]


class Connection:
    """A server's connection to a client that takes everything, as far as it is Active and has the channel."""

    def __init__(self, *, supports_graphics: bool = True) -> None:
        self.is_active = True
        self.supports_graphics = supports_graphics
        self.output = FORMAT
        self.facts = ServerFacts()
        #: what has the channel, while it is open
        self.client: Client | None = None
        self.bitmaps: list[BitmapData] = []
        self.asked: list[str] = []
        self.sent = 0
        self.refuses_to_open = False
        self.facts = ServerFacts()

    def send_bitmaps(self, rectangles: Sequence[BitmapData]) -> None:
        assert self.is_active
        self.bitmaps += rectangles
        self.sent += sum(len(item.data) for item in rectangles)

    def send_graphics(self, message: bytes) -> None:
        if not self.is_active or self.client is None:
            raise StateError("Active", "drawing without the graphics pipeline")
        self.client.take(message)
        self.sent += len(message)

    def open_channel(self, name: str) -> None:
        if not self.is_active or self.refuses_to_open:
            raise StateError("Active", "opening a channel")
        assert name == CHANNEL_NAME
        self.asked.append("channel")

    def reactivate(self, now: float) -> None:
        assert self.is_active
        self.is_active = False
        self.asked.append("reactivation")


class Peer:
    """Its socket takes everything unless a test says otherwise."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.unsent_bytes = self.in_flight_bytes = 0
        self.round_trip: float | None = None
        self.room = asyncio.Event()

    @property
    def delivery_rate(self) -> None: ...

    @property
    def outstanding_bytes(self) -> tuple[int, int]:
        return self.unsent_bytes, self.in_flight_bytes

    @property
    def buffered_bytes(self) -> int:
        return self.unsent_bytes

    @property
    def bytes_sent(self) -> int:
        return self._connection.sent

    def flush(self) -> None: ...

    def size_buffers(self, bits_per_second: float) -> None: ...

    async def drained(self) -> None:
        await self.room.wait()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        await asyncio.sleep(0)
        yield Turn(asyncio.get_running_loop().time)


class World:
    """A display of a VM, and one viewer's picture of it."""

    def __init__(self, *, supports_graphics: bool = True, streams: Streams | None = None) -> None:
        self.display = streams._display if streams is not None else Display(Screen(*SIZE))
        self.workers = InlineWorkers()
        self.streams = streams or Streams(self.display, self.workers.as_pool(), "vm")
        self.connection = Connection(supports_graphics=supports_graphics)
        self.peer = Peer(self.connection)
        self.failures: list[str] = []
        log = logging.LoggerAdapter(logging.getLogger("pyrdpmux.mux"), {})
        self.picture = ViewerPicture(
            cast(Any, self.connection), cast(Any, self.peer), log, self.failures.append
        )
        # Near enough for everything in one frame.
        self.picture.measured(NetworkMeasured(0.001, 0.0))
        if streams is None:
            self.paint(EVERYTHING, 0)

    def paint(self, rect: Rect, seed: int) -> None:
        self.display.screen.write(rect, noise(rect.width, rect.height, seed))

    def show(self, streams: Streams | None = None, size: tuple[int, int] = SIZE) -> None:
        self.picture.show(streams or self.streams, size)

    @property
    def client(self) -> Client:
        assert self.connection.client is not None
        return self.connection.client

    def open(self, *, is_repeated: bool = False) -> None:
        """The client says what it can do; all it knows of before counts for nothing."""
        client, self.connection.client = self.connection.client, Client()
        if is_repeated and client is not None:  # QUIRK(mstsc): numbers of old ones stay taken
            self.client.renderer.surfaces |= client.renderer.surfaces
        self.picture.opened(GraphicsOpened(ABILITIES, CAPABILITIES, (CAPABILITIES,), is_repeated))

    def lose(self, *, is_refused: bool = False) -> None:
        self.connection.client = None
        self.picture.lost(ChannelClosed(CHANNEL_NAME, is_refused))

    def deactivated(self) -> None:
        self.connection.is_active = False
        self.picture.pause()

    def activated(self, size: tuple[int, int] = SIZE) -> None:
        self.connection.is_active = True
        self.show(size=size)

    async def acknowledge(self) -> None:
        """Everything, at once, until nothing comes any more."""
        for _ in range(50):
            await turns()
            frame_id = self.picture._frame_id
            self.picture.acknowledged(frame_id, 0)
            await asyncio.sleep(0.01)

    async def shown(self) -> None:
        """The client has it all."""
        await self.acknowledge()
        assert (self.client.shown == self.display.surface.words & 0xFFFFFF).all()

    def bitmap_pixels(self) -> int:
        return sum(item.rect.pixels for item in self.connection.bitmaps)


async def sharing() -> tuple[World, World]:
    """Two who share a stream; surfaces of the second one have had other numbers before."""
    first = World()
    other = World(streams=first.streams)
    for world in (first, other):
        world.open()
        world.show()
    for _ in range(3):
        other.show()
    await asyncio.sleep(SETTLE_SECONDS)
    for _ in range(3):
        await asyncio.gather(first.acknowledge(), other.acknowledge())
        await asyncio.sleep(GATHER_SECONDS)
    [live] = first.streams.live
    assert len(live.seats) == 2
    return first, other


# -- by which way ------------------------------------------------------------------------------------


def test_nothing_is_shown_before_the_stage_lets_it_in_and_after_it_has_left() -> None:
    async def scenario() -> None:
        world = World(supports_graphics=False)
        world.picture.refresh([EVERYTHING])
        world.picture.suppress(True)
        world.picture.suppress(False)
        world.picture.measured(NetworkMeasured(0.01, 1e9))
        world.paint(EVERYTHING, 1)
        await asyncio.sleep(10)
        assert world.connection.sent == 0
        world.show()
        await asyncio.sleep(0.1)
        assert world.bitmap_pixels() == EVERYTHING.pixels
        world.picture.start_over()
        world.paint(EVERYTHING, 2)
        await asyncio.sleep(10)
        assert world.bitmap_pixels() == EVERYTHING.pixels

    run(scenario)


def test_a_client_without_the_pipeline_is_sent_bitmaps_at_once() -> None:
    """Breakage 13."""

    async def scenario() -> None:
        world = World(supports_graphics=False)
        world.show()
        await turns(60)
        assert world.bitmap_pixels() == EVERYTHING.pixels
        for seed in range(1, 31):
            world.paint(Rect(0, 0, 4, 4), seed)
            await asyncio.sleep(1 / 30)
        assert len(world.connection.bitmaps) >= 15 + 28, "no acknowledgement is waited for"

    run(scenario)


def test_a_client_with_the_pipeline_is_waited_for() -> None:
    """Breakage 2: before it has said what it can do, nothing is drawn."""

    async def scenario() -> None:
        world = World()
        world.show()
        world.picture.refresh([EVERYTHING])
        await asyncio.sleep(GRAPHICS_SECONDS - 0.1)
        assert world.connection.sent == 0
        world.open()
        await world.shown()
        await asyncio.sleep(GRAPHICS_SECONDS * 2)
        assert world.connection.bitmaps == [], "the timer is not for it any more"

    run(scenario)


def test_who_opens_it_before_there_is_a_stage_is_drawn_to_when_there_is() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        await turns()
        assert world.connection.sent == 0
        world.show()
        await world.shown()

    run(scenario)


def test_who_takes_too_long_is_sent_bitmaps_and_from_then_on_at_once() -> None:
    """Until it opens the channel after all."""

    async def scenario() -> None:
        world = World()
        world.show()
        await asyncio.sleep(GRAPHICS_SECONDS + 0.1)
        assert world.bitmap_pixels() == EVERYTHING.pixels
        world.deactivated()
        world.activated()
        await asyncio.sleep(0.1)
        assert world.bitmap_pixels() == 2 * EVERYTHING.pixels, "a resize does not wait again"
        world.open()
        await world.shown()
        world.connection.bitmaps.clear()
        world.paint(EVERYTHING, 1)
        await world.shown()
        assert world.connection.bitmaps == [], "what both paint would cover each other"

    run(scenario)


def test_a_client_that_refuses_the_channel_is_sent_bitmaps_at_once() -> None:
    async def scenario() -> None:
        world = World()
        world.show()
        world.lose(is_refused=True)
        await asyncio.sleep(0.1)
        assert world.bitmap_pixels() == EVERYTHING.pixels
        assert world.connection.asked == []

    run(scenario)


# -- from picture to picture -------------------------------------------------------------------------


def test_surfaces_of_before_are_deleted_once_and_frames_go_on() -> None:
    """From the list of VMs to a VM and back, and through a resize, with the same client."""

    async def scenario() -> None:
        world = World()
        world.open()
        other = Display(Screen(*SIZE))
        others = Streams(other, world.workers.as_pool(), "other")
        for streams in (world.streams, others, world.streams, others):
            world.show(streams)
            await world.acknowledge()
        world.deactivated()
        world.display.screen.resize(200, 100)
        world.activated((200, 100))
        await world.shown()
        numbers = [pdu.frame_id for pdu in world.client.kinds(StartFrame)]
        assert numbers == sorted(set(numbers))
        assert len(world.client.renderer.surfaces) == 2
        assert len(world.client.kinds(ResetGraphics)) == 5

    run(scenario)


def test_who_comes_and_goes_before_the_first_frame_leaves_no_surface_behind() -> None:
    """What a pipeline begins with creates surfaces: the next one has to know."""

    async def scenario() -> None:
        world = World()
        world.open()
        for _ in range(40):  # more than there are ranges of numbers
            world.show()
            world.picture.start_over()
        assert world.client.kinds(StartFrame) == []
        assert len(world.client.renderer.surfaces) == 2
        world.show()
        await world.shown()

    run(scenario)


def test_who_leaves_right_after_it_has_joined_others_has_their_surfaces() -> None:
    async def scenario() -> None:
        _first, other = await sharing()
        other.show()
        await other.shown()
        assert len(other.client.renderer.surfaces) == 2

    run(scenario)


def test_a_frame_that_is_computed_when_a_resize_begins_is_not_sent() -> None:
    """Breakages 10 and 11: nor is anything of the new size before the client is Active with it."""

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.workers.gate.clear()
        world.paint(EVERYTHING, 1)
        await turns()
        sent = world.connection.sent
        world.display.screen.resize(200, 100)
        world.picture.start_over()
        world.deactivated()
        world.workers.gate.set()
        await asyncio.sleep(5)
        assert world.connection.sent == sent
        world.activated((200, 100))
        await world.shown()

    run(scenario)


def test_what_a_client_has_kept_is_passed_on_whenever_it_says_so() -> None:
    async def scenario() -> None:
        offer = GraphicsCacheOffered((CacheEntry(7, 64 * 64 * 4), CacheEntry(8, 99)))
        early, late = World(), World()
        for world in (early, late):
            world.open()
            world.client.renderer.offered = (noise(64, 64), noise(64, 64))
        early.picture.offered(offer)
        early.show()
        late.show()
        await late.shown()
        late.picture.offered(offer)
        for world in (early, late):
            await world.shown()
            replies = world.client.kinds(CacheImportReply)
            assert [reply.slots[0] > 0 for reply in replies] == [True]
            world.picture.offered(offer)
            world.paint(EVERYTHING, 1)
            await world.shown()
            assert len(world.client.kinds(CacheImportReply)) == 1

    run(scenario)


# -- again -------------------------------------------------------------------------------------------


async def painted(world: World) -> int:
    """Pixels of a client without the pipeline, since the last time."""
    await turns(60)
    pixels = world.bitmap_pixels()
    world.connection.bitmaps.clear()
    return pixels


@asynccontextmanager
async def showing() -> AsyncIterator[World]:
    world = World(supports_graphics=False)
    world.show()
    await painted(world)
    yield world
    world.picture.close()


def test_a_flood_of_refreshes_costs_a_few_pictures() -> None:
    """Each asks for everything, in many pieces; what is beyond the budget comes later, once."""

    async def scenario() -> None:
        async with showing() as world:
            pieces = [Rect(x, y, 64, 64) for y in range(0, 192, 64) for x in range(0, 320, 64)]
            for _ in range(200):
                world.picture.refresh(pieces)
                await asyncio.sleep(0.0001)
            assert 0 < await painted(world) <= REFRESHES_AT_ONCE * EVERYTHING.pixels
            await asyncio.sleep(1 / REFRESHES_PER_SECOND)
            assert await painted(world) == EVERYTHING.pixels, "nothing that was asked for is lost"
            await asyncio.sleep(60)
            assert await painted(world) == 0

    run(scenario)


def test_few_rectangles_are_sent_as_they_are() -> None:
    async def scenario() -> None:
        async with showing() as world:
            world.picture.refresh([Rect(0, 0, 8, 8), Rect(300, 180, 8, 8), Rect(5000, 0, 9, 9)])
            assert await painted(world) == 128

    run(scenario)


def test_nothing_is_sent_to_a_minimized_window_and_everything_at_once_when_it_is_shown() -> None:
    """Breakage 26."""

    async def scenario() -> None:
        async with showing() as world:
            world.picture.suppress(True)
            world.paint(EVERYTHING, 1)
            world.picture.refresh([EVERYTHING])
            await asyncio.sleep(5)
            assert await painted(world) == 0
            world.picture.suppress(False)
            assert await painted(world) == EVERYTHING.pixels
            world.picture.suppress(True)
            world.deactivated()
            world.activated()
            await asyncio.sleep(5)
            assert await painted(world) == 0, "also after a resize"
            world.picture.suppress(False)
            assert await painted(world) == EVERYTHING.pixels

    run(scenario)


def test_a_window_that_flickers_costs_a_few_pictures() -> None:
    async def scenario() -> None:
        async with showing() as world:
            pixels = 0
            for _ in range(200):
                world.picture.suppress(True)
                world.picture.suppress(False)
                pixels += await painted(world)
            assert 0 < pixels <= REFRESHES_AT_ONCE * EVERYTHING.pixels
            await asyncio.sleep(1 / REFRESHES_PER_SECOND)
            assert await painted(world) == EVERYTHING.pixels

    run(scenario)


# -- a lost channel ----------------------------------------------------------------------------------


def test_a_lost_channel_comes_again_a_few_times_and_then_bitmaps() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        for number in range(MAX_REOPENINGS):
            world.lose()
            world.paint(EVERYTHING, number)
            await asyncio.sleep(0.1)
            assert world.connection.asked == ["channel"] * (number + 1)
            world.open()
            await world.shown()
            assert world.client.kinds(DeleteSurface) == [], "it has begun anew"
        assert world.connection.bitmaps == []
        world.lose()
        await asyncio.sleep(0.1)
        assert len(world.connection.asked) == MAX_REOPENINGS
        assert world.bitmap_pixels() == EVERYTHING.pixels, "at once"
        assert world.failures == []

    run(scenario)


def test_a_channel_that_has_worked_for_long_is_not_given_up() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        for number in range(2 * MAX_REOPENINGS):
            await world.shown()
            await asyncio.sleep(FORGIVEN_SECONDS / MAX_REOPENINGS)
            world.lose()
            assert len(world.connection.asked) == number + 1
            world.open()
        assert world.connection.bitmaps == []

    run(scenario)


def test_a_channel_that_does_not_come_again_is_waited_for_and_then_bitmaps() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.lose()
        await asyncio.sleep(GRAPHICS_SECONDS - 0.1)
        assert world.connection.bitmaps == []
        await asyncio.sleep(0.3)
        assert world.bitmap_pixels() == EVERYTHING.pixels

    run(scenario)


def test_a_channel_that_is_lost_during_a_resize_is_asked_for_after_it() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.deactivated()
        world.lose()
        assert world.connection.asked == []
        world.activated()
        assert world.connection.asked == ["channel"]
        world.open()
        await world.shown()
        world.picture.lost(ChannelClosed("another", is_refused=False))
        world.paint(EVERYTHING, 1)
        await world.shown()

    run(scenario)


def test_a_channel_that_cannot_be_asked_for_is_given_up() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.connection.refuses_to_open = True
        world.lose()
        await asyncio.sleep(0.1)
        assert world.bitmap_pixels() == EVERYTHING.pixels

    run(scenario)


def test_a_frame_for_a_channel_that_has_just_gone_is_the_last() -> None:
    """The connection knows before we are told."""

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.connection.client = None
        world.paint(EVERYTHING, 1)
        await turns()
        assert world.streams.stream_of(world.picture) is None
        world.lose()
        world.open()
        await world.shown()

    run(scenario)


# -- a client that begins anew, and a blank screen ---------------------------------------------------


async def told_of_quality(world: World, *milliseconds: int, frame_id: int = 1) -> None:
    for value in milliseconds:
        world.picture.quality(GraphicsQuality(frame_id, 0, 0, value))
    await turns()


def test_capabilities_again_bring_a_reactivation_and_everything_anew() -> None:
    """Breakage 1. Once; nothing that the client may still have is deleted, and no number used again."""

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.open(is_repeated=True)
        assert world.connection.asked == ["reactivation"]
        world.picture.pause()
        world.paint(EVERYTHING, 1)
        await asyncio.sleep(1)
        assert world.client.pdus == [], "not before it is Active again"
        world.activated()
        await world.shown()
        assert world.client.kinds(DeleteSurface) == []
        world.open(is_repeated=True)
        assert world.connection.asked == ["reactivation"], "once for each connection"
        await world.shown()
        assert len(world.client.kinds(CreateSurface)) == 2
        assert world.connection.asked == ["reactivation"]

    run(scenario)


def test_capabilities_again_during_a_resize_are_for_after_it() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.deactivated()
        world.open(is_repeated=True)
        assert world.connection.asked == []
        world.activated()
        await world.shown()

    run(scenario)


def test_a_client_that_shows_nothing_is_activated_again_with_all_it_has() -> None:
    """Breakage 9. What was computed meanwhile comes then, and nothing is deleted."""

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.workers.gate.clear()
        world.paint(Rect(0, 0, 64, 64), 1)
        await turns()
        await told_of_quality(world, *[0] * (FRAMES - 1))
        assert world.connection.asked == []
        await told_of_quality(world, 0)
        assert world.connection.asked == ["reactivation"]
        world.picture.pause()
        world.workers.gate.set()
        await asyncio.sleep(1)
        frames = len(world.client.kinds(StartFrame))
        world.paint(Rect(0, 64, 64, 64), 2)
        world.activated()
        await world.shown()
        assert len(world.client.kinds(StartFrame)) > frames
        assert world.client.kinds(DeleteSurface) == []
        assert len(world.client.kinds(ResetGraphics)) == 1
        await told_of_quality(world, *[0] * 100)
        assert world.connection.asked == ["reactivation"], "once"
        assert world.streams.stream_of(world.picture) is not None

    run(scenario)


@pytest.mark.parametrize("reported", [[0] * 19 + [1], [1] + [0] * 200, [0, 0, 1] * 50, [16, 3] * 20])
def test_a_fast_client_is_not_disturbed(reported: list[int]) -> None:
    """It reports whole milliseconds, many of them 0."""

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        await told_of_quality(world, *reported)
        assert world.connection.asked == []

    run(scenario)


def test_too_much_meanwhile_is_sent_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_picture, "MAX_HELD", 100)

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.workers.gate.clear()
        world.paint(EVERYTHING, 1)
        await turns()
        await told_of_quality(world, *[0] * FRAMES)
        world.picture.pause()
        world.workers.gate.set()
        await turns()
        assert world.streams.stream_of(world.picture) is None
        world.activated()
        await world.shown()
        assert world.client.kinds(DeleteSurface) == []
        assert len(world.client.kinds(ResetGraphics)) == 2

    run(scenario)


def test_who_shares_a_stream_heals_alone() -> None:
    async def scenario() -> None:
        first, other = await sharing()
        await told_of_quality(other, *[0] * FRAMES)
        assert other.connection.asked == ["reactivation"]
        other.picture.pause()
        for seed in range(9):
            first.paint(Rect(0, 0, 64, 64), seed)
            await first.acknowledge()
        await first.shown()
        other.activated()
        await other.shown()

    run(scenario)


def test_a_resize_while_it_heals_is_a_resize() -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        await told_of_quality(world, *[0] * FRAMES)
        world.picture.pause()
        world.display.screen.resize(200, 100)
        world.picture.start_over()
        world.activated((200, 100))
        await world.shown()
        world.deactivated()
        world.paint(Rect(0, 0, 8, 8), 1)
        world.activated((200, 100))
        await world.shown()

    run(scenario)


# -- the seat ----------------------------------------------------------------------------------------


def figures(world: World) -> PacerFigures:
    return world.picture.pacer.figures(asyncio.get_running_loop().time())


@pytest.mark.parametrize("depth", [None, 0xFFFFFFFF, 352_000], ids=["withheld", "suspended", "absurd"])
def test_frames_go_on_whatever_is_said_of_them(depth: int | None) -> None:
    """Breakage 8."""

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await turns(60)
        if depth is not None:
            world.picture.acknowledged(world.picture._frame_id, depth)
        frames = len(world.client.kinds(StartFrame))
        for seed in range(1, 101):
            world.paint(Rect(0, 0, 8, 8), seed)
            await asyncio.sleep(0.1)
        assert len(world.client.kinds(StartFrame)) - frames >= 10
        await world.shown()
        assert figures(world).is_acknowledging, "they have come (again)"

    run(scenario)


@pytest.mark.parametrize("way", ["channel", "window", "bitmaps"])
def test_the_link_is_known_whatever_becomes_of_frames(way: str) -> None:
    """A viewer that enters again need not find out anew how slow it is."""

    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        await world.shown()
        world.picture.measured(NetworkMeasured(0.08, 0.0))
        world.picture.measured(NetworkMeasured(0.08, 5e6))
        world.paint(EVERYTHING, 1)
        await asyncio.sleep(0.05)
        before = figures(world)
        assert before.frames_in_flight
        match way:
            case "channel":
                world.lose()
                world.open()
            case "window":
                world.picture.suppress(True)
                world.picture.suppress(False)
            case "bitmaps":
                world.lose(is_refused=True)
        after = figures(world)
        assert (after.frames_in_flight, after.queue) == (0, 0.0)
        assert after.bits_per_second == before.bits_per_second == 5e6
        assert after.round_trip is not None
        assert after.is_acknowledging is (way != "bitmaps")

    run(scenario)


def test_no_more_frames_than_the_settings_say() -> None:
    async def scenario() -> None:
        world = World(supports_graphics=False)
        world.streams.frames_per_second = 10.0
        world.show()
        await painted(world)
        for seed in range(1, 101):
            world.paint(Rect(0, 0, 4, 4), seed)
            await asyncio.sleep(0.01)
        assert len(world.connection.bitmaps) == pytest.approx(10, abs=1)

    run(scenario)


def test_a_socket_that_is_full_is_waited_for() -> None:
    async def scenario() -> None:
        world = World(supports_graphics=False)
        world.peer.unsent_bytes = 10 << 20
        world.show()
        await asyncio.sleep(10)
        assert world.connection.sent == 0
        world.peer.unsent_bytes = 0
        await asyncio.sleep(0.3)
        assert await painted(world) == EVERYTHING.pixels

    run(scenario)


def test_what_cannot_be_made_ends_the_viewer(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        world = World()
        world.open()
        world.show()
        world.workers.error = ZeroDivisionError("a bug")
        await turns()
        assert world.failures == ["the picture could not be made: a bug"]

    run(scenario)
    assert "The picture of vm" in caplog.text


def test_nothing_is_left_of_who_has_closed() -> None:
    """Whatever was going on: a frame in a thread, a full socket, a refresh to come, a channel awaited."""

    async def scenario() -> None:
        world, waiting = World(), World()
        world.open()
        world.show()
        await world.shown()
        waiting.show()
        world.peer.unsent_bytes = 1000
        world.paint(EVERYTHING, 1)
        await turns()
        world.workers.gate.clear()
        world.paint(EVERYTHING, 2)
        for _ in range(9):
            world.picture.refresh([EVERYTHING])
        world.peer.unsent_bytes = 0
        await asyncio.sleep(0.1)
        world.picture.close()
        waiting.picture.close()
        world.workers.gate.set()
        await turns()
        left = [weakref.ref(thing) for thing in (world.picture, waiting.picture, world.streams)]
        gc.disable()
        try:
            del world, waiting
            await turns()
            assert [ref() for ref in left] == [None] * 3
        finally:
            gc.enable()

    run(scenario)
