"""A client's framebuffer: what updates of every kind, pointers and the graphics pipeline make of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from pyrdpmux.codec import bitmap, nscodec
from pyrdpmux.codec.color import Pixels
from pyrdpmux.codec.pointer import decode_pointer
from pyrdpmux.codec.rfx.decoder import Decoder as RemoteFxDecoder
from pyrdpmux.errors import DecodeError, LimitExceeded
from pyrdpmux.geometry import MAX_SIDE, Rect
from pyrdpmux.harness.peers.graphics_renderer import (
    MAX_CACHE_BYTES,
    MAX_CACHE_SLOTS,
    GraphicsRenderer,
)
from pyrdpmux.harness.peers.orders import OrderRenderer
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu
from pyrdpmux.rdp.fastpath.surface import (
    FrameAction,
    FrameMarker,
    SetSurfaceBits,
    StreamSurfaceBits,
    SurfaceCommands,
)
from pyrdpmux.rdp.fastpath.update import CompressedUpdate, UnknownFastPathUpdate
from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_IMAGE_REMOTEFX,
    CODEC_NSCODEC,
    CODEC_REMOTEFX,
    BitmapCodec,
)
from pyrdpmux.rdp.pdu.pointer import (
    CachedPointer,
    ColorPointer,
    LargePointer,
    NewPointer,
    PointerPosition,
    SystemPointer,
    SystemPointerType,
)
from pyrdpmux.rdp.pdu.update import (
    BitmapData,
    BitmapFlags,
    BitmapUpdate,
    OrdersUpdate,
    PaletteUpdate,
    UnknownUpdate,
)

UNCOMPRESSED: Final = 0
"""codecID of TS_BITMAP_DATA_EX for plain pixels (MS-RDPBCGR 2.2.9.2.1.1)."""

MAX_PADDING: Final = 1 << 16
"""Pixels that a bitmap may have beyond the desktop's: servers send whole tiles at the edges."""

COLOR_POINTER_DEPTH: Final = 24

MAX_DESKTOP_PIXELS: Final = MAX_SIDE * MAX_SIDE
"""256 MB; no server that is known has a larger desktop. Its fields hold 65,535 by 65,535, which is 16 GB."""


@dataclass(frozen=True, slots=True, eq=False)
class PointerShape:
    """A pointer's picture, (height, width, 4) BGRA with premultiplied colors, and the pixel that points."""

    image: Pixels
    hot_x: int
    hot_y: int


class Renderer:
    """Applies the updates of one session, in their order; a server's mistakes are DecodeErrors.

    ``framebuffer`` is (height, width, 4) uint8 BGRX, and its fourth byte means nothing. Work and memory are
    bounded by the desktop's size, and that by MAX_DESKTOP_PIXELS: what lies outside of it is cut off.
    """

    def __init__(
        self,
        pointer_cache_size: int,
        codecs: Sequence[BitmapCodec] = (),
        bitmap_caches: Sequence[int] | None = None,
    ) -> None:
        """All as the client has announced it in its Confirm Active.

        ``bitmap_caches`` are the entries of each; None: no drawing orders were announced at all.
        """
        self.framebuffer: Pixels = np.zeros((0, 0, 4), np.uint8)
        #: None: the client's own arrow, or none at all; see ``is_pointer_hidden``
        self.pointer: PointerShape | None = None
        self.is_pointer_hidden = False
        #: where the server has put the pointer, if it ever did
        self.pointer_position: tuple[int, int] | None = None
        #: updates that had pixels in them
        self.painted = 0
        #: of these, those that made a difference
        self.changes = 0
        #: updates that were not drawn: orders, compressed ones, unknown ones; if none of them was announced
        self.undrawn = 0
        #: numbers of the frames that have ended and are to be acknowledged
        self.ended_frames: list[int] = []
        self._palette: Pixels | None = None
        self._pointers: dict[int, PointerShape] = {}
        self._pointer_cache_size = pointer_cache_size
        self._codecs: dict[int, UUID] = {codec.codec_id: codec.guid for codec in codecs}
        self._remotefx = RemoteFxDecoder()
        #: what the graphics pipeline draws, once it is open
        self.graphics: GraphicsRenderer | None = None
        self._bitmap_caches = bitmap_caches
        self._orders = self._new_orders()

    def _new_orders(self) -> OrderRenderer | None:
        return None if self._bitmap_caches is None else OrderRenderer(self._bitmap_caches)

    def resize(self, width: int, height: int) -> None:
        """The session is (re)activated: a black picture, and nothing of before is known.

        But for the graphics pipeline: its surfaces stay, and the picture, too, if it is as large as before.
        Raises LimitExceeded for a desktop of more than MAX_DESKTOP_PIXELS.
        """
        if width * height > MAX_DESKTOP_PIXELS:
            raise LimitExceeded("MAX_DESKTOP_PIXELS", width * height, MAX_DESKTOP_PIXELS)
        if self.graphics is None or self.framebuffer.shape[:2] != (height, width):
            self.framebuffer = np.zeros((height, width, 4), np.uint8)
        if self.graphics is not None:
            self.graphics.output = self.framebuffer
        self.changes += 1
        self._palette = None
        self._pointers.clear()
        self._remotefx = RemoteFxDecoder()
        self._orders = self._new_orders()

    def apply(self, update: object) -> None:
        """One update of either path. What has nothing to show is ignored, what cannot be shown is counted."""
        match update:
            case BitmapUpdate(rectangles):
                for rectangle in rectangles:
                    self._draw_bitmap(rectangle)
            case PaletteUpdate():
                self._set_palette(update)
            case SurfaceCommands(commands):
                for command in commands:
                    self._execute(command)
            case OrdersUpdate() if self._orders is not None:
                self.painted += 1
                self.changes += self._orders.draw(update, self.framebuffer, self._palette)
            case OrdersUpdate() | CompressedUpdate() | UnknownUpdate() | UnknownFastPathUpdate():
                self.undrawn += 1
            case _:
                self._point(update)

    # -- the graphics pipeline -------------------------------------------------------------------

    def begin_graphics(self, abilities: GraphicsAbilities) -> None:
        """The server has confirmed a capability set: no surface is there, no cache slot is taken."""
        slots, size = MAX_CACHE_SLOTS, MAX_CACHE_BYTES
        if abilities.is_small_cache:
            slots, size = abilities.cache_slots, abilities.cache_bytes
        self.graphics = GraphicsRenderer(self.framebuffer, slots, size)

    def draw_graphics(self, pdus: Iterable[GraphicsPdu]) -> None:
        """Commands of the graphics pipeline; ``framebuffer`` may be another one afterwards."""
        graphics = self.graphics
        if graphics is None:
            raise DecodeError("Graphics", "commands before its capabilities", 0)
        before = graphics.painted, graphics.changes, graphics.undrawn
        try:
            for pdu in pdus:
                graphics.apply(pdu)
        finally:
            self.framebuffer = graphics.output
            self.painted += graphics.painted - before[0]
            self.changes += graphics.changes - before[1]
            self.undrawn += graphics.undrawn - before[2]

    # -- pixels ----------------------------------------------------------------------------------

    def _draw_bitmap(self, data: BitmapData) -> None:
        limit = self.framebuffer.shape[0] * self.framebuffer.shape[1] + MAX_PADDING
        if data.width * data.height > limit:
            raise DecodeError("BitmapData.width", f"{data.width}x{data.height} is more than the desktop", 0)
        is_compressed = bool(data.flags & BitmapFlags.COMPRESSION)
        pixels = bitmap.decode(
            data.data, data.width, data.height, data.bits_per_pixel, is_compressed, self._palette
        )
        self._paint(data.rect, pixels)

    def _set_palette(self, update: PaletteUpdate) -> None:
        palette = np.zeros((256, 4), np.uint8)
        for index, entry in enumerate(update.entries):
            palette[index] = entry.blue, entry.green, entry.red, 255
        self._palette = palette

    def _execute(self, command: object) -> None:
        match command:
            case SetSurfaceBits() | StreamSurfaceBits():
                self._draw_surface(command)
            case FrameMarker(frame_action=FrameAction.END, frame_id=frame_id):
                self.ended_frames.append(frame_id)

    def _draw_surface(self, command: SetSurfaceBits | StreamSurfaceBits) -> None:
        data = command.bitmap
        if data.codec_id == UNCOMPRESSED:
            pixels = bitmap.decode(data.data, data.width, data.height, data.bits_per_pixel, False)
        elif (codec := self._codecs.get(data.codec_id)) == CODEC_NSCODEC:
            pixels = nscodec.decode(data.data, data.width, data.height)
        elif codec in (CODEC_REMOTEFX, CODEC_IMAGE_REMOTEFX):
            self._draw_remotefx(command)
            return
        else:
            raise DecodeError("ExtendedBitmapData.codecID", f"{data.codec_id} was not announced", 0)
        self._paint(command.rect, pixels)

    def _draw_remotefx(self, command: SetSurfaceBits | StreamSurfaceBits) -> None:
        """A frame brings its own rectangles, which count from the command's corner (MS-RDPRFX 3.1.8.3.1)."""
        target = self.framebuffer[command.top :, command.left :]
        before = target.copy()
        self._remotefx.decode(command.bitmap.data, target)
        self.painted += 1
        self.changes += bool((before != target).any())

    def _paint(self, area: Rect, pixels: Pixels) -> None:
        """Put ``pixels`` into ``area``, as far as both of them and the desktop reach."""
        self.painted += 1
        target = self.framebuffer[area.y : area.bottom, area.x : area.right]
        height, width = min(len(target), len(pixels)), min(target.shape[1], pixels.shape[1])
        target, pixels = target[:height, :width], pixels[:height, :width]
        # As words: a tenth of the time, and decoders set the fourth byte to 255 always.
        self.changes += bool((target.view(np.uint32) != pixels.view(np.uint32)).any())
        target[...] = pixels

    # -- pointer ---------------------------------------------------------------------------------

    def draw_pointer(self, pixels: Pixels, position: tuple[int, int]) -> None:
        """Put the server's pointer shape onto ``pixels`` where it points to ``position``."""
        if self.pointer is None:
            return
        left, top = position[0] - self.pointer.hot_x, position[1] - self.pointer.hot_y
        x, y = max(0, left), max(0, top)
        image = self.pointer.image[y - top :, x - left :]
        target = pixels[y : y + len(image), x : x + image.shape[1], :3]
        image = image[: len(target), : target.shape[1]].astype(np.uint16)
        below = target * (255 - image[..., 3:]) // 255
        target[...] = np.minimum(image[..., :3] + below, 255)

    def _point(self, update: object) -> None:
        match update:
            case PointerPosition(x, y):
                self.pointer_position = (x, y)
            case SystemPointer(pointer_type):
                self.pointer = None
                self.is_pointer_hidden = pointer_type == SystemPointerType.NULL
            case ColorPointer():
                self._remember(update.cache_index, update, COLOR_POINTER_DEPTH)
            case NewPointer(xor_bpp, shape):
                self._remember(shape.cache_index, shape, xor_bpp)
            case LargePointer():
                self._remember(update.cache_index, update, update.xor_bpp)
            case CachedPointer(cache_index):
                if cache_index not in self._pointers:
                    raise DecodeError("CachedPointer.cacheIndex", f"nothing is cached at {cache_index}", 0)
                self._show(self._pointers[cache_index])

    def _remember(self, index: int, shape: ColorPointer | LargePointer, bits_per_pixel: int) -> None:
        if index >= self._pointer_cache_size:
            reason = f"{index}, but the cache has {self._pointer_cache_size} entries"
            raise DecodeError("ColorPointer.cacheIndex", reason, 0)
        image = decode_pointer(shape.width, shape.height, bits_per_pixel, shape.xor_mask, shape.and_mask)
        self._pointers[index] = PointerShape(image, shape.hot_x, shape.hot_y)
        self._show(self._pointers[index])

    def _show(self, shape: PointerShape) -> None:
        self.pointer = shape
        self.is_pointer_hidden = False
