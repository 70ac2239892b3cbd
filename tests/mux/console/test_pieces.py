"""What clients without the graphics pipeline are sent, and what ends a frame of theirs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.targets.pieces import Piece
from pyrdpmux.mux.console.pieces import PIECES_PER_STEP, acknowledges, send_slice
from pyrdpmux.mux.console.viewer_picture import SETTLE_SECONDS, ViewerPicture
from pyrdpmux.net.fair import SLICE_SECONDS, Turn
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.fastpath.surface import ExtendedBitmapData, SetSurfaceBits
from pyrdpmux.rdp.pdu.orders.primary import ScrBlt
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags
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
        self.compresses = False
        self.sent: list[tuple[str, int, int | None]] = []

    def compress_output(self, is_on: bool) -> None:
        self.compresses = is_on

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
        self._seconds = seconds_per_flush
        self._on_flush = on_flush

    def flush(self) -> None:
        self.now += self._seconds
        self._on_flush()

    def size_buffers(self, bits_per_second: float) -> None: ...

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        self.turns += 1
        yield Turn(lambda: self.now)


class Streams:
    """Takes everybody, and shows them nothing."""

    frames_per_second = 60.0

    def __init__(self) -> None:
        self.entered: list[Stream[Any]] = []

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
