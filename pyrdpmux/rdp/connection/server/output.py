"""The way of an update to the client: fast-path or slow-path, fragmented, encrypted where that is agreed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyrdpmux.errors import StateError
from pyrdpmux.rdp.connection.secure import seal_fast_path
from pyrdpmux.rdp.connection.server.link import ServerLink
from pyrdpmux.rdp.fastpath.fragment import fragment, pack
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, UpdateBody, encode_update, encode_updates
from pyrdpmux.rdp.pdu.pointer import LargePointer, PointerUpdate, SlowPathPointer
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapUpdate, GraphicsUpdate, KnownUpdate


def send_bitmaps(link: ServerLink, rectangles: Sequence[BitmapData]) -> None:
    """One Bitmap Update per rectangle: QUIRK(mstsc, Windows 11 24H2): several in one broke it."""
    with link.output_of(sum(len(rectangle.data) for rectangle in rectangles)):
        if link.format.is_fast_path:
            _send_fast_path(link, [BitmapUpdate((rectangle,)) for rectangle in rectangles])
        else:
            for rectangle in rectangles:
                link.send_share_data(GraphicsUpdate(BitmapUpdate((rectangle,))))


def send_graphics(link: ServerLink, update: KnownUpdate) -> None:
    """A palette, synchronise or orders update."""
    if link.format.is_fast_path:
        _send_fast_path(link, [update])
    else:
        link.send_share_data(GraphicsUpdate(update))


def send_pointer(link: ServerLink, pointer: SlowPathPointer | LargePointer) -> None:
    """A pointer update. StateError for a large one where there is no fast path to carry it."""
    if link.format.is_fast_path:
        _send_fast_path(link, [pointer])
    elif isinstance(pointer, LargePointer):
        raise StateError(link.phase_name, "sending a large pointer without fast-path output")
    else:
        link.send_share_data(PointerUpdate(pointer))


def _send_fast_path(link: ServerLink, bodies: Iterable[UpdateBody]) -> None:
    limit = link.format.max_request_size
    fragments: list[FastPathUpdate] = []
    for body in bodies:
        fragments += fragment(encode_update(body), limit)
    for group in pack(fragments):
        link.send_frame(seal_fast_path(link.output_security, encode_updates(group)), group)
