"""What clients without the graphics pipeline are sent, and what ends a frame of theirs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from pyrdpmux.codec.bulk.packet import CompressionType
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.targets.pieces import Piece
from pyrdpmux.mux.console.pieces import PIECES_PER_STEP, acknowledges, send_slice
from pyrdpmux.mux.console.viewer_picture import SETTLE_SECONDS, ViewerPicture
from pyrdpmux.net.fair import SLICE_SECONDS, Turn
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.server.packing import PackedUpdates, UpdatePacker
from pyrdpmux.rdp.fastpath.surface import ExtendedBitmapData, SetSurfaceBits
from pyrdpmux.rdp.pdu.orders.primary import ScrBlt
from pyrdpmux.rdp.pdu.orders.stream import encode_orders
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, OrdersUpdate
from tests.graphics.bitmap_session import output_format, surface_format

COPY = ScrBlt.of(Rect(0, 0, 9, 9), 5, 5)
BITS = SetSurfaceBits(0, 0, 4, 4, ExtendedBitmapData(32, 0, 4, 4, bytes(64)))
BITMAP = BitmapData.of(Rect(0, 0, 4, 1), 4, 1, 32, BitmapFlags(0), bytes(16))

WITH_MARKERS = output_format(64, 64, surface=surface_format())
WITHOUT = output_format(64, 64)


class Connection:
    """Notes what it is given to send."""

    def __init__(self, output: OutputFormat) -> None:
        self.output = output
        self.is_active = True
        self.supports_graphics = False
        self.packer: UpdatePacker | None = None
        self.sent: list[tuple[str, int, int | None]] = []

    def order_updates(self, orders: Sequence[ScrBlt]) -> list[OrdersUpdate]:
        return list(encode_orders(orders, 10_000))

    def send_packed(self, packed: PackedUpdates) -> None:
        assert self.packer is not None
        assert self.packer.sent(packed), "something else was packed meanwhile"
        self.sent.append(("packed", len(packed.updates), None))

    def send_bitmaps(self, bitmaps: Sequence[BitmapData]) -> None:
        self.sent.append(("bitmaps", len(bitmaps), None))

    def send_orders(self, orders: Sequence[ScrBlt]) -> None:
        self.sent.append(("orders", len(orders), None))

    def send_surface_commands(self, commands: Sequence[SetSurfaceBits], frame_id: int | None = None) -> bool:
        self.sent.append(("surface", len(commands), frame_id))
        return frame_id is not None


class Peer:
    """Its share of the loop is over as often as it is asked."""

    unsent_bytes = 0
    bytes_sent = 0
    round_trip = 0.0005

    @property
    def delivery_rate(self) -> None: ...

    @property
    def outstanding_bytes(self) -> tuple[int, None]:
        return self.unsent_bytes, None

    @property
    def buffered_bytes(self) -> int:
        return self.unsent_bytes

    def __init__(self, seconds_per_flush: float, on_flush: Callable[[], None]) -> None:
        self.now = 5.0
        self.turns = 0
        #: the first ones, which are over as soon as they begin
        self.spoiled_turns = 0
        self._seconds = seconds_per_flush
        self._on_flush = on_flush

    def flush(self) -> None:
        self.now += self._seconds
        self._on_flush()

    def size_buffers(self, bits_per_second: float) -> None: ...

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        self.turns += 1
        yield Turn(lambda: self.now, self.now - SLICE_SECONDS if self.turns <= self.spoiled_turns else None)


class Streams:
    """Takes everybody, and shows them nothing."""

    frames_per_second = 60.0

    def __init__(self) -> None:
        self.entered: list[Stream[Any]] = []
        self.jobs = 0
        #: jobs go on when this is done
        self.held: asyncio.Future[None] | None = None

    async def compute(self, job: Callable[[], Any]) -> Any:
        self.jobs += 1
        if self.held is not None:
            await self.held
        return job()

    def enter(self, seat: ViewerPicture, stream: Stream[Any]) -> None:
        self.entered.append(stream)

    def leave(self, seat: ViewerPicture) -> None: ...

    def wake(self, seat: ViewerPicture) -> None: ...


class World:
    def __init__(
        self,
        output: OutputFormat,
        seconds_per_flush: float = 0.0,
        on_flush: Callable[[], None] = lambda: None,
    ) -> None:
        self.connection = Connection(output)
        self.peer = Peer(seconds_per_flush, on_flush)
        self.streams = Streams()
        log = logging.LoggerAdapter(logging.getLogger("pyrdpmux.test"))
        self.picture = ViewerPicture(cast(Any, self.connection), cast(Any, self.peer), log, pytest.fail)
        self.picture.show(cast(Any, self.streams), (64, 64))

    async def send(self, pieces: list[Piece], frame_id: int = 7) -> None:
        await self.picture.send(Frame(frame_id, pieces, (), None))


def test_who_acknowledges() -> None:
    assert acknowledges(WITH_MARKERS)
    assert not acknowledges(WITHOUT)


@pytest.mark.parametrize(
    ("pieces", "name"), [([COPY, COPY], "orders"), ([BITMAP, BITMAP], "bitmaps"), ([BITS, BITS], "surface")]
)
def test_each_sort_goes_its_way(pieces: list[Piece], name: str) -> None:
    connection = Connection(WITH_MARKERS)
    send_slice(cast(Any, connection), pieces)
    assert connection.sent == [(name, 2, None)]


@pytest.mark.parametrize("output", [WITH_MARKERS, WITHOUT], ids=["acknowledged", "not acknowledged"])
def test_a_frame_is_sent_in_order_and_ended(output: OutputFormat) -> None:
    async def scenario() -> None:
        world = World(output)
        await world.send([COPY, BITS, BITMAP, BITMAP], frame_id=99)
        expected = [("orders", 1, None), ("surface", 1, None), ("bitmaps", 2, None)]
        assert world.connection.sent == expected + [("surface", 0, 99)] * acknowledges(output)

    asyncio.run(scenario())


def test_a_frame_of_nothing_is_not_waited_for() -> None:
    """A tile is to be kept, which is done when it is wanted again."""

    async def scenario() -> None:
        world = World(WITH_MARKERS)
        await world.send([])
        assert world.connection.sent == []
        assert not world.picture.pacer.figures(world.peer.now).frames_in_flight

    asyncio.run(scenario())


def test_a_large_frame_is_sent_in_turns() -> None:
    async def scenario() -> None:
        world = World(WITHOUT, seconds_per_flush=SLICE_SECONDS)
        await world.send([BITMAP] * (3 * PIECES_PER_STEP + 1))
        assert [count for _, count, _ in world.connection.sent] == [PIECES_PER_STEP] * 3 + [1]
        assert world.peer.turns == 4

    asyncio.run(scenario())


def test_nothing_more_of_a_frame_is_sent_once_the_seat_was_left() -> None:
    """The client begins anew by another stream, of which it would be a part then."""

    async def scenario() -> None:
        world = World(WITH_MARKERS, on_flush=lambda: world.picture.suppress(True))
        await world.send([COPY, BITMAP, BITS])
        assert world.connection.sent == [("orders", 1, None)]

    asyncio.run(scenario())


def test_the_next_stream_goes_on_with_the_numbers_of_frames() -> None:
    """So that no acknowledgement is taken for that of another frame."""

    async def scenario() -> None:
        world = World(WITH_MARKERS)
        await world.send([COPY], frame_id=7)
        world.picture.show(cast(Any, world.streams), (64, 64))
        stream = world.streams.entered[-1]
        assert stream._next_id() == 8

    asyncio.run(scenario())


def test_who_does_not_read_does_not_keep_up() -> None:
    """Without acknowledgements, nothing else tells; and it would come back to a shared stream at once."""

    async def scenario() -> None:
        world = World(WITHOUT)
        later = asyncio.get_running_loop().time() + 2 * SETTLE_SECONDS
        assert world.picture.keeps_up(later)
        world.peer.unsent_bytes = 400_000
        assert not world.picture.keeps_up(later)

    asyncio.run(scenario())


class TestSlowLinks:
    """Where bytes are worth more than time."""

    @staticmethod
    def world(
        output: OutputFormat = WITHOUT,
        offered: CompressionType | None = CompressionType.K64,
        bits_per_second: float = 4e6,
    ) -> World:
        world = World(output)
        world.picture.pacer.bandwidth(bits_per_second, 0.0)
        world.connection.packer = UpdatePacker(offered) if offered is not None else None
        return world

    @staticmethod
    def bitmaps(count: int, size: int = 200) -> list[Piece]:
        return [BitmapData.of(Rect(0, 0, 4, 1), 4, 1, 32, BitmapFlags(0), bytes(size))] * count

    def test_frames_are_packed_slice_by_slice(self) -> None:
        async def scenario() -> None:
            world = self.world(WITH_MARKERS)
            await world.send([COPY, BITS, *self.bitmaps(2 * PIECES_PER_STEP + 1)], frame_id=9)
            expected = [("packed", 1, None), ("surface", 1, None)]
            expected += [("packed", count, None) for count in (PIECES_PER_STEP, PIECES_PER_STEP, 1)]
            assert world.connection.sent == [*expected, ("surface", 0, 9)]

        asyncio.run(scenario())

    def test_the_next_frame_may_be_as_much_larger(self) -> None:
        """Three times at most: it may be a picture, of which nothing can be saved."""

        async def scenario() -> None:
            world = self.world()
            now = world.peer.now
            room = world.picture.room(now)
            await world.send(self.bitmaps(100))
            assert world.picture.room(now) == 3 * room
            await world.send([BITMAP])
            assert world.picture.room(now) == room

        asyncio.run(scenario())

    @pytest.mark.parametrize("reason", ["little", "fast", "not asked for"])
    def test_nothing_is_packed(self, reason: str) -> None:
        async def scenario() -> None:
            offered = None if reason == "not asked for" else CompressionType.RDP61
            world = self.world(WITHOUT, offered, 1e9 if reason == "fast" else 4e6)
            await world.send(self.bitmaps(5 if reason == "little" else 50))
            assert world.streams.jobs == 0
            assert {name for name, _, _ in world.connection.sent} == {"bitmaps"}

        asyncio.run(scenario())

    def test_what_was_packed_waits_for_a_turn(self) -> None:
        async def scenario() -> None:
            world = self.world()
            world.peer.spoiled_turns = 3
            await world.send(self.bitmaps(30))
            assert (world.peer.turns, world.streams.jobs) == (4, 1)
            assert world.connection.sent == [("packed", 30, None)]

        asyncio.run(scenario())

    def test_the_client_begins_anew_while_a_thread_packs(self) -> None:
        """Nothing of the old frame is sent, and one thread at a time has the history."""

        async def scenario() -> None:
            world = self.world()
            world.streams.held = asyncio.get_running_loop().create_future()
            old = asyncio.create_task(world.send(self.bitmaps(50)))
            await asyncio.sleep(0)
            world.picture.show(cast(Any, world.streams), (64, 64))
            new = asyncio.create_task(world.send(self.bitmaps(40)))
            await asyncio.sleep(0)
            assert world.streams.jobs == 1
            world.streams.held.set_result(None)
            await asyncio.gather(old, new)
            assert world.connection.sent == [("packed", 32, None), ("packed", 8, None)]

        asyncio.run(scenario())

    def test_the_stream_ends_while_a_thread_packs(self) -> None:
        """Its task is cancelled; the thread is not, and whoever is next waits for it."""

        async def scenario() -> None:
            world = self.world()
            world.streams.held = asyncio.get_running_loop().create_future()
            old = asyncio.create_task(world.send(self.bitmaps(50)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert world.streams.jobs == 1
            old.cancel()
            new = asyncio.create_task(world.send(self.bitmaps(30)))
            for _ in range(5):
                await asyncio.sleep(0)
            assert world.streams.jobs == 1
            world.streams.held.set_result(None)
            await new
            assert world.connection.sent == [("packed", 30, None)]

        asyncio.run(scenario())
