"""Clients without the graphics pipeline: how what is drawn is sent to them."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from pyrdpmux.graphics.stream import Frame
from pyrdpmux.graphics.targets.pieces import Piece, slices
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits
from pyrdpmux.rdp.pdu.update import BitmapData

PIECES_PER_STEP: Final = 32
"""Sent before the clock is looked at: about a millisecond."""


def acknowledges(output: OutputFormat) -> bool:
    """Whether the client tells when it has drawn a frame, which may be of anything, up to its END marker."""
    return output.surface is not None and output.surface.max_unacknowledged_frames is not None


async def send_pieces(
    connection: ServerConnection, peer: Peer, frame: Frame[Sequence[Piece]], goes_on: Callable[[], bool]
) -> None:
    """In slices, each in a turn of the viewer's share, while the client is Active and ``goes_on``.

    Behind the last one comes what the client acknowledges, if it does. Raises StateError.
    """
    waiting = deque(slices(frame.output, PIECES_PER_STEP))
    while waiting:
        async with peer.turn() as turn:
            while waiting and not turn.is_over:
                if not goes_on() or not connection.is_active:
                    return
                send_slice(connection, waiting.popleft())
                if not waiting and acknowledges(connection.output):
                    connection.send_surface_commands((), frame.frame_id)
                peer.flush()


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
