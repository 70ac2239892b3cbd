"""Clients without the graphics pipeline: how what is drawn is sent to them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from pyrdpmux.graphics.pacing import Pacing
from pyrdpmux.graphics.stream import Frame
from pyrdpmux.graphics.targets.pieces import Piece, size_of, slices
from pyrdpmux.mux.streaming.streams import Streams
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.packing import PackedUpdates
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits
from pyrdpmux.rdp.fastpath.update import UpdateBody
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapUpdate

PIECES_PER_STEP: Final = 32
"""Sent before the clock is looked at: about a millisecond. Compressed at once: about 30."""

WORTH_PACKING: Final = 4 * 1024
"""Bytes of a frame: less is sent before it could be made small."""

MIN_RATIO: Final = 1 / 3
"""What compression leaves, as far as the next frame is trusted to be like the latest: it may be a picture."""


def acknowledges(output: OutputFormat) -> bool:
    """Whether the client tells when it has drawn a frame, which may be of anything, up to its END marker."""
    return output.surface is not None and output.surface.max_unacknowledged_frames is not None


class PieceSender:
    """Sends one client its frames, on slow links compressed for who asks for that."""

    def __init__(self, connection: ServerConnection, peer: Peer, pacer: Pacing) -> None:
        self._connection = connection
        self._peer = peer
        self._pacer = pacer
        #: that the latest frame had left when it was sent
        self._ratio = 1.0
        #: in a thread, perhaps still of a frame that nobody wants any more
        self._packing: asyncio.Future[PackedUpdates] | None = None

    def plain(self, size: int) -> int:
        """What ``size`` bytes of the link are before they are compressed."""
        return int(size / self._ratio)

    async def send(
        self, frame: Frame[Sequence[Piece]], streams: Streams, goes_on: Callable[[], bool]
    ) -> None:
        """In slices, each in a turn of the viewer's share, while the client is Active and ``goes_on``.

        Behind the last one comes what the client acknowledges, if it does. Raises StateError.
        """
        waiting = deque(slices(frame.output, PIECES_PER_STEP))
        is_worth_it = size_of(frame.output) >= WORTH_PACKING
        packs = is_worth_it and self._pacer.is_slow(self._peer.round_trip)
        before = after = 0
        packed: PackedUpdates | None = None
        while waiting:
            if packs and packed is None and goes_on():
                packed = await self._packed(waiting[0], streams)
            async with self._peer.turn() as turn:
                while waiting and not turn.is_over:
                    if not goes_on() or not self._connection.is_active:
                        return
                    pieces = waiting.popleft()
                    if packed is None:
                        send_slice(self._connection, pieces)
                    else:
                        self._connection.send_packed(packed)
                        before, after = before + packed.plain_size, after + packed.size
                        packed = None
                    if not waiting and acknowledges(self._connection.output):
                        self._connection.send_surface_commands((), frame.frame_id)
                    self._peer.flush()
                    if packs:
                        break
        if frame.output:
            self._ratio = min(max(after / before, MIN_RATIO), 1.0) if before else 1.0

    async def _packed(self, pieces: Sequence[Piece], streams: Streams) -> PackedUpdates | None:
        """None for what is sent as it is. INVARIANT: one thread at a time packs for a client."""
        packer, connection = self._connection.packer, self._connection
        if packer is None or not connection.is_active or (bodies := _bodies(connection, pieces)) is None:
            return None
        limit = connection.output.max_request_size
        while self._packing is not None and not self._packing.done():
            await asyncio.wait([self._packing])
        self._packing = asyncio.get_running_loop().create_task(
            streams.compute(lambda: packer.pack(bodies, limit))
        )
        return await asyncio.shield(self._packing)


def _bodies(connection: ServerConnection, pieces: Sequence[Piece]) -> list[UpdateBody] | None:
    """Of pieces of one sort; None where a codec has compressed them."""
    match pieces[0]:
        case BitmapData():
            # One Bitmap Update each: QUIRK(mstsc, Windows 11 24H2): several in one broke it.
            return [BitmapUpdate((piece,)) for piece in pieces if isinstance(piece, BitmapData)]
        case SetSurfaceBits():
            return None
        case _:
            orders = [piece for piece in pieces if not isinstance(piece, BitmapData | SetSurfaceBits)]
            return list[UpdateBody](connection.order_updates(orders))


def send_slice(connection: ServerConnection, pieces: Sequence[Piece]) -> None:
    """Pieces of one sort."""
    match pieces[0]:
        case BitmapData():
            connection.send_bitmaps([piece for piece in pieces if isinstance(piece, BitmapData)])
        case SetSurfaceBits():
            connection.send_surface_commands([piece for piece in pieces if isinstance(piece, SetSurfaceBits)])
        case _:
            connection.send_orders(
                [piece for piece in pieces if not isinstance(piece, BitmapData | SetSurfaceBits)]
            )
