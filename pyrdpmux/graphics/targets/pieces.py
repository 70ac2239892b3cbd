"""What a frame is to clients without the graphics pipeline: bitmaps, drawing orders and surface bits.

Each is drawn when it arrives, so a frame is a sequence of them, and may be sent in parts.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits
from pyrdpmux.rdp.pdu.orders.secondary import CacheBitmapRev2
from pyrdpmux.rdp.pdu.orders.stream import Order
from pyrdpmux.rdp.pdu.update import BitmapData

Piece = BitmapData | Order | SetSurfaceBits

_UPDATES: Final = (BitmapData, SetSurfaceBits)


def slices(pieces: Sequence[Piece], count: int) -> Iterator[Sequence[Piece]]:
    """``pieces`` in their order, in parts of one sort, which are sent by one call, and ``count`` at most."""
    for _, group in groupby(pieces, _sort):
        run = list(group)
        for at in range(0, len(run), count):
            yield run[at : at + count]


def size_of(pieces: Sequence[Piece]) -> int:
    """Bytes of their pixels; what is around these is little."""
    size = 0
    for piece in pieces:
        match piece:
            case BitmapData(data=data) | CacheBitmapRev2(data=data):
                size += len(data)
            case SetSurfaceBits(bitmap=bitmap):
                size += len(bitmap.data)
    return size


def _sort(piece: Piece) -> type | None:
    """The class of what has updates of its own; None for orders, which share theirs."""
    return type(piece) if isinstance(piece, _UPDATES) else None
