"""A surface of the graphics pipeline: its pixels, its codecs' memory, and where it is to be seen."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pyrdpmux.codec import planar, uncompressed
from pyrdpmux.codec.alpha import decode as decode_alpha
from pyrdpmux.codec.clear.decoder import Decoder as ClearDecoder
from pyrdpmux.codec.color import Pixels
from pyrdpmux.codec.progressive.decoder import Decoder as ProgressiveDecoder
from pyrdpmux.codec.rfx.decoder import Decoder as RemoteFxDecoder
from pyrdpmux.codec.table import CODECS
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.rdp.channels.graphics.drawing import CodecId, WireToSurface1, WireToSurface2
from pyrdpmux.rdp.channels.graphics.surfaces import CreateSurface

MAX_DAMAGE: Final = 4096
"""Rectangles of a frame; beyond, it is one that holds them all."""

_AVC: Final = (CodecId.AVC420, CodecId.AVC444, CodecId.AVC444V2)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where on the output a surface is to be seen: at its own size, unless the target has another one."""

    target: Rect
    is_scaled: bool = False


class GraphicsSurface:
    """Drawn on by encoded bitmaps; DecodeError, with the command's field, for what is none.

    ``pixels`` is (height, width, 4) uint8 BGRA. Its fourth byte is opacity, 255 but for what fills and ALPHA
    bitmaps have made of it; the output ignores it.
    """

    def __init__(self, created: CreateSurface) -> None:
        self.surface_id = created.surface_id
        self.pixel_format = created.pixel_format
        self.pixels: Pixels = np.zeros((created.height, created.width, 4), np.uint8)
        self.pixels[..., 3] = 255
        #: where it is to be seen; None: nowhere
        self.mapping: Mapping | None = None
        #: what has changed since the output was brought up to date
        self.damage: list[Rect] = []
        self._remotefx = RemoteFxDecoder()
        self._progressive: ProgressiveDecoder | None = None
        #: the H.264 stream of the codec that was used last
        self._video: tuple[CodecId, Any] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.pixels.shape[:2]
        return width, height

    def part(self, rect: Rect, field: str) -> Pixels:
        """The pixels of a rectangle, which must be on the surface."""
        width, height = self.size
        if rect.width < 0 or rect.height < 0 or not Rect(0, 0, width, height).contains(rect):
            raise DecodeError(field, f"{rect} on a surface of {width}x{height}", 0)
        return self.pixels[rect.y : rect.bottom, rect.x : rect.right]

    def touch(self, rects: Iterable[Rect]) -> None:
        """These parts have changed."""
        self.damage += [rect for rect in rects if not rect.is_empty]
        if len(self.damage) > MAX_DAMAGE:
            self.damage = [bounding_box(self.damage)]

    def put(self, x: int, y: int, pixels: Pixels, field: str) -> None:
        """A copy of ``pixels`` at this place."""
        rect = Rect(x, y, pixels.shape[1], pixels.shape[0])
        self.part(rect, field)[...] = pixels
        self.touch([rect])

    # -- encoded bitmaps -------------------------------------------------------------------------

    def draw(self, command: WireToSurface1, clear: ClearDecoder) -> None:
        """MS-RDPEGFX 3.3.5.1. ``clear`` is the channel's: its caches are for all surfaces."""
        target = self.part(command.rect, "WireToSurface1.destRect")
        if command.codec_id in _AVC:
            self.touch(self._draw_video(command))
            return
        if command.rect.is_empty:
            raise DecodeError("WireToSurface1.destRect", f"{command.rect} is empty", 0)
        _draw_picture(command, target, clear, self._remotefx)
        self.touch([command.rect])

    def _draw_video(self, command: WireToSurface1) -> list[Rect]:
        if self._video is None or self._video[0] != command.codec_id:
            self._video = command.codec_id, self._new_video(command.codec_id)
        rects: list[Rect] = self._video[1].decode(command.data, self.pixels)
        return rects

    def _new_video(self, codec_id: CodecId) -> Any:
        width, height = self.size
        if codec_id == CodecId.AVC420:
            return CODECS["avc420"].decode(width, height)
        return CODECS["avc444"].decode(width, height, version=1 if codec_id == CodecId.AVC444 else 2)

    def draw_progressive(self, command: WireToSurface2) -> None:
        """MS-RDPEGFX 3.3.5.2.

        Tiles are remembered by surface, whatever the codec contexts are (3.3.1.3): Windows Server 2016 sends
        the difference to what a context had that it has deleted.
        """
        if command.codec_id != CodecId.CAPROGRESSIVE:
            raise DecodeError("WireToSurface2.codecId", f"{command.codec_id.name}, expected CAPROGRESSIVE", 0)
        width, height = self.size
        if self._progressive is None:
            self._progressive = ProgressiveDecoder(width, height)
        rects = self._progressive.decode(command.data, self.pixels)
        self.touch([rect.clip(width, height) for rect in rects])

    # -- the output ------------------------------------------------------------------------------

    def show_on(self, output: Pixels) -> bool:
        """Bring ``output`` up to date, where the surface is mapped; whether anything there has changed."""
        damage, self.damage = self.damage, []
        if self.mapping is None:
            return False
        return any([self._show(rect, output, self.mapping) for rect in damage])

    def _show(self, rect: Rect, output: Pixels, mapping: Mapping) -> bool:
        target, source = (
            _scaled(rect, self.pixels, mapping)
            if mapping.is_scaled
            else (
                Rect(mapping.target.x + rect.x, mapping.target.y + rect.y, rect.width, rect.height),
                self.pixels[rect.y : rect.bottom, rect.x : rect.right],
            )
        )
        height, width = output.shape[:2]
        shown = target.clip(width, height)
        if shown.is_empty:
            return False
        source = source[: shown.height, : shown.width, :3]
        place = output[shown.y : shown.bottom, shown.x : shown.right]
        is_changed = bool((place[..., :3] != source).any()) or bool((place[..., 3] != 255).any())
        place[..., :3] = source
        place[..., 3] = 255
        return is_changed


def _draw_picture(
    command: WireToSurface1, target: Pixels, clear: ClearDecoder, remotefx: RemoteFxDecoder
) -> None:
    """3.3.5.1: only blue, green and red are copied, but for ALPHA bitmaps, of which only that is."""
    data, width, height = command.data, command.rect.width, command.rect.height
    match command.codec_id:
        case CodecId.UNCOMPRESSED:
            target[..., :3] = uncompressed.decode(data, width, height)[..., :3]
        case CodecId.PLANAR:
            target[..., :3] = planar.decode(data, width, height, bottom_up=False)[..., :3]
        case CodecId.CLEARCODEC:
            target[..., :3] = clear.decode(data, width, height, out=target.copy())[..., :3]
        case CodecId.CAVIDEO:
            opacity = target[..., 3].copy()
            remotefx.decode(data, target)
            target[..., 3] = opacity
        case CodecId.ALPHA:
            decode_alpha(data, width, height, out=target[..., 3])
        case _:
            raise DecodeError("WireToSurface1.codecId", f"{command.codec_id.name} was not announced", 0)


def _scaled(rect: Rect, pixels: Pixels, mapping: Mapping) -> tuple[Rect, Pixels]:
    """What shows of ``rect``, and its pixels: each is the nearest one of the surface's.

    FreeRDP smooths instead: what is scaled looks alike, not the same.
    """
    height, width = pixels.shape[:2]
    target = mapping.target
    left, right = rect.x * target.width // width, -(-rect.right * target.width // width)
    top, bottom = rect.y * target.height // height, -(-rect.bottom * target.height // height)
    columns = np.arange(left, right) * width // target.width
    rows = np.arange(top, bottom) * height // target.height
    return (
        Rect.from_corners(target.x + left, target.y + top, target.x + right, target.y + bottom),
        pixels[rows[:, None], columns],
    )
