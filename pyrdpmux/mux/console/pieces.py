"""Clients without the graphics pipeline: how they are drawn to, and how what is drawn is sent."""

from collections.abc import Sequence

from pyrdpmux.graphics.targets.bitmap_updates import BitmapUpdates, BitmapUpdatesFormat
from pyrdpmux.graphics.targets.pieces import Piece
from pyrdpmux.graphics.targets.surface_commands import SurfaceCommands, SurfaceCommandsFormat
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits
from pyrdpmux.rdp.pdu.update import BitmapData


def target_for(output: OutputFormat) -> BitmapUpdates | SurfaceCommands:
    """The best that the client has announced."""
    format = SurfaceCommandsFormat.of(output)
    if format is not None:
        return SurfaceCommands(format)
    return BitmapUpdates(BitmapUpdatesFormat.of(output))


def acknowledges(output: OutputFormat) -> bool:
    """Whether the client tells when it has drawn a frame, which may be of anything, up to its END marker."""
    return output.surface is not None and output.surface.max_unacknowledged_frames is not None


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
