"""A surface, a stream of bitmaps, orders and surface commands, and clients that our own renderer makes."""

from collections.abc import Sequence

import numpy as np

from pyrdpmux.codec.color import Words, pixels_of, reduce_and_expand, words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import UNKNOWN
from pyrdpmux.graphics.joining import join
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.graphics.targets.bitmap_tiles import palette_update
from pyrdpmux.graphics.targets.choice import target_for
from pyrdpmux.graphics.targets.pieces import Piece, slices
from pyrdpmux.harness.peers.codecs import NSCODEC, NSCODEC_ID, REMOTEFX, REMOTEFX_ID
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.rdp.connection.output_format import (
    BitmapCacheCells,
    NsCodecFormat,
    OutputFormat,
    RemoteFxFormat,
    SurfaceFormat,
)
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits, SurfaceCommands
from pyrdpmux.rdp.pdu.capabilities.codecs import NsCodecProperties
from pyrdpmux.rdp.pdu.orders.stream import encode_orders
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapUpdate, OrdersUpdate
from pyrdpmux.wire import decode, encode
from tests.graphics.model import part

#: as FreeRDP announces them
CELLS = (
    BitmapCacheCells(600, 16 * 16),
    BitmapCacheCells(600, 32 * 32),
    BitmapCacheCells(40, 64 * 64),
    BitmapCacheCells(30, 128 * 128, needs_keys=True),
)

REMOTEFX_FORMAT = RemoteFxFormat(REMOTEFX_ID, is_image_mode=True, has_rlgr1=True, has_rlgr3=True)
NSCODEC_FORMAT = NsCodecFormat(NSCODEC_ID, NsCodecProperties(1, 1, 3))

NEAR = 24
"""By which a channel of a lossy pixel of these pictures may be off, in the mean of them."""


def surface_format(
    remotefx: RemoteFxFormat | None = None, nscodec: NsCodecFormat | None = None
) -> SurfaceFormat:
    return SurfaceFormat(
        may_set=True,
        may_stream=True,
        has_markers=True,
        nscodec=nscodec,
        remotefx=remotefx,
        max_unacknowledged_frames=2,
    )


def output_format(
    width: int,
    height: int,
    depth: int = 32,
    *,
    has_orders: bool = True,
    cells: Sequence[BitmapCacheCells] = CELLS,
    surface: SurfaceFormat | None = None,
    max_request_size: int = 1 << 20,
) -> OutputFormat:
    return OutputFormat(
        width=width,
        height=height,
        bits_per_pixel=depth,
        is_fast_path=True,
        max_request_size=max_request_size,
        omits_compression_header=False,
        may_skip_alpha=True,
        pointer_cache_size=0,
        color_pointer_cache_size=0,
        max_pointer_side=32,
        can_copy=has_orders,
        can_fill=has_orders,
        bitmap_caches=tuple(cells) if has_orders and depth != 15 else (),
        surface=surface,
    )


class BitmapClient:
    """Takes pieces as they come from the wire."""

    def __init__(self, output: OutputFormat) -> None:
        entries = [cell.entries for cell in output.bitmap_caches] if output.can_copy else None
        self.output = output
        self.renderer = Renderer(0, (NSCODEC, REMOTEFX), entries)
        self.renderer.resize(output.width, output.height)
        if output.bits_per_pixel == 8:
            self.renderer.apply(palette_update())
        self.bytes = 0
        #: by sort
        self.pieces: list[Piece] = []

    def take(self, frame: Frame[list[Piece]] | None) -> None:
        if frame is None:
            return
        self.pieces = frame.output
        for group in slices(frame.output, 5):
            for update in self._updates(group):
                data = encode(update)
                self.bytes += len(data)
                self.renderer.apply(decode(type(update), data))
        assert self.renderer.undrawn == 0

    def _updates(self, group: Sequence[Piece]) -> list[BitmapUpdate | SurfaceCommands | OrdersUpdate]:
        bitmaps = [piece for piece in group if isinstance(piece, BitmapData)]
        surface = [piece for piece in group if isinstance(piece, SetSurfaceBits)]
        orders = [piece for piece in group if not isinstance(piece, BitmapData | SetSurfaceBits)]
        assert sorted([len(bitmaps), len(surface), len(orders)])[:2] == [0, 0], "of several sorts"
        assert all(len(bitmap.data) <= self.output.max_bitmap_size for bitmap in bitmaps)
        updates: list[BitmapUpdate | SurfaceCommands | OrdersUpdate] = []
        updates += [BitmapUpdate((bitmap,)) for bitmap in bitmaps]
        updates += [SurfaceCommands((command,)) for command in surface]
        for update in updates[len(bitmaps) :]:
            assert len(encode(update)) <= self.output.max_commands_size
        updates += encode_orders(orders, self.output.max_orders_size)
        return updates

    @property
    def shown(self) -> Words:
        """(h, w) uint32, the fourth byte 0."""
        result: Words = words(self.renderer.framebuffer) & np.uint32(0xFFFFFF)
        return result


class BitmapSession:
    """A surface, a stream of it and a client."""

    def __init__(self, output: OutputFormat) -> None:
        self.output = output
        self.surface = Surface(output.width, output.height)
        self.stream: Stream[list[Piece]] = Stream(output.width, output.height, target_for(output))
        self.client = BitmapClient(output)
        assert self.stream.opening() == []
        self.now = 50.0
        #: noise has been drawn, which a lossy codec turns into something else
        self.is_noisy = False
        #: bytes of a frame
        self.room: int | None = None

    def write(self, rect: Rect, pixels: Words) -> None:
        self.surface.words[part(rect)] = pixels
        self.surface.touch([rect])

    def show(self, seconds: float = 1 / 60) -> Frame[list[Piece]] | None:
        self.now += seconds
        frame = self.stream.render(self.surface, self.now, room=self.room)
        self.client.take(frame)
        self.check(self.client)
        return frame

    def check(self, client: BitmapClient) -> None:
        differs = (client.shown != self.wanted) & (self.stream.planner.main.words != UNKNOWN)
        assert not (differs & ~self.stream.planner.main.lossy).any()
        if differs.any() and not self.is_noisy:
            off = np.abs(channels(client.shown)[differs] - channels(self.wanted)[differs])
            assert off.mean() < NEAR

    def rest(self) -> None:
        for _ in range(400):
            due = self.stream.next_due()
            if due is None:
                break
            self.show(max(due - self.now, 0.0) + 0.001)
        assert (self.client.shown == self.wanted).all()

    @property
    def wanted(self) -> Words:
        """What clients of this depth show of the surface."""
        source: Words = self.surface.words & np.uint32(0xFFFFFF)
        if self.output.bits_per_pixel >= 24:
            return source
        result: Words = words(reduce_and_expand(pixels_of(source), self.output.bits_per_pixel))
        result = result & np.uint32(0xFFFFFF)
        return result

    def joined_by(self, guest: "BitmapSession") -> None:
        """From now on, the guest's client gets this stream's frames."""
        frames = join(self.stream, guest.stream, self.now)
        for frame in frames.of_host:
            self.client.take(frame)
        for frame in frames.of_guest:
            guest.client.take(frame)
        self.check(guest.client)


def channels(picture: Words) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """(h, w, 3)"""
    return np.stack([picture >> 16 & 0xFF, picture >> 8 & 0xFF, picture & 0xFF], axis=-1).astype(np.int64)
