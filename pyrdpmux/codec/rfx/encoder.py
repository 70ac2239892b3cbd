"""Frames to RemoteFX streams (MS-RDPRFX 3.1.8.3): the server's side.

In image mode each frame stands alone, headers included; in video mode headers go out once in an epoch, and
who joins within it cannot follow. Tiles never depend on earlier ones in either mode.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.codec.rfx import quant, tile
from pyrdpmux.codec.rfx.headers import (
    Channel,
    Channels,
    CodecVersions,
    Context,
    ContextFlags,
    Entropy,
    Properties,
    Sync,
)
from pyrdpmux.codec.rfx.message import (
    FrameBegin,
    FrameEnd,
    Message,
    Rectangle,
    Region,
    Tile,
    TileSet,
    encode_messages,
)
from pyrdpmux.codec.rfx.quant import Quantization
from pyrdpmux.codec.rfx.rlgr_tables import Mode
from pyrdpmux.codec.rfx.tile import TILE
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect

UNLIMITED: Final = 1 << 32
_FRAME_INDEX_MASK: Final = 0xFFFFFFFF
MAX_SIDE: Final = 0x7FFF


class Encoder:
    """One stream of frames of ``width`` x ``height``."""

    def __init__(
        self,
        width: int,
        height: int,
        *,
        mode: Mode = Mode.RLGR1,
        image_mode: bool = False,
        quantizations: tuple[Quantization, Quantization, Quantization] = (quant.DEFAULT,) * 3,
    ) -> None:
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
            raise EncodeError("Channel", f"{width} x {height}, expected 1 to {MAX_SIDE}")
        self._width, self._height = width, height
        self._mode = mode
        self._image_mode = image_mode
        self._quantizations = quantizations
        flags = ContextFlags.CODEC_MODE if image_mode else ContextFlags(0)
        self._properties = Properties(Entropy(mode.value), flags)
        self._frame_index = 0
        self._headers_sent = False

    def begin_epoch(self) -> None:
        """Send the headers again, so that a client may join."""
        self._headers_sent = False

    def encode(
        self, frame: Pixels, rects: Sequence[Rect] | None = None, maximum: int = UNLIMITED
    ) -> list[bytes]:
        """The changed ``rects`` (all without) of ``frame`` (h, w, 4) uint8, in as many messages as needed.

        No message exceeds ``maximum`` bytes, unless a single tile does; each is a frame of its own.
        """
        if frame.shape != (self._height, self._width, 4) or frame.dtype != np.uint8:
            raise EncodeError(
                "frame", f"{frame.dtype} {frame.shape}, expected ({self._height}, {self._width}, 4)"
            )
        rects = rects if rects is not None else [Rect(0, 0, self._width, self._height)]
        places = touched(rects, self._width, self._height)
        streams = tile.encode([cut(frame, x, y) for x, y in places], self._quantizations, self._mode)
        kinds = sorted(set(self._quantizations), key=self._quantizations.index)
        y, cb, cr = (kinds.index(quantization) for quantization in self._quantizations)
        tiles = [Tile(*place, *three, (y, cb, cr)) for place, three in zip(places, streams, strict=True)]
        region = Region(tuple(map(Rectangle.of, rects)))
        return [
            self._message(region, TileSet(tuple(kinds), tuple(part), self._properties))
            for part in _split(tiles, maximum - self._overhead(region, kinds))
        ]

    def _overhead(self, region: Region, kinds: list[Quantization]) -> int:
        messages = [*self._headers(), FrameBegin(0), region, TileSet(tuple(kinds), ()), FrameEnd()]
        return len(encode_messages(messages))

    def _headers(self) -> list[Message]:
        channels = Channels((Channel(self._width, self._height),))
        return [Sync(), Context(self._properties), CodecVersions(), channels]

    def _message(self, region: Region, tileset: TileSet) -> bytes:
        messages: list[Message] = []
        if self._image_mode or not self._headers_sent:
            messages += self._headers()
            self._headers_sent = True
        messages += [FrameBegin(self._frame_index), region, tileset, FrameEnd()]
        self._frame_index = (self._frame_index + 1) & _FRAME_INDEX_MASK
        return encode_messages(messages)


def touched(rects: Sequence[Rect], width: int, height: int) -> list[tuple[int, int]]:
    """Columns and rows of the tiles that any of ``rects`` touches, line by line; each once."""
    grid = np.zeros((-(-height // TILE), -(-width // TILE)), np.bool_)
    surface = Rect(0, 0, width, height)
    for rect in rects:
        if rect.is_empty or not surface.contains(rect):
            raise EncodeError("rects", f"{tuple(rect)} is not within {width} x {height}")
        grid[rect.y // TILE : -(-rect.bottom // TILE), rect.x // TILE : -(-rect.right // TILE)] = True
    rows, columns = np.nonzero(grid)
    return list(zip(columns.tolist(), rows.tolist(), strict=True))


def cut(frame: Pixels, column: int, row: int) -> Pixels:
    """A tile of 64 x 64; beyond the frame, its last pixels are repeated, which costs the fewest bytes."""
    part = frame[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
    height, width = part.shape[:2]
    if (height, width) != (TILE, TILE):
        part = np.pad(part, ((0, TILE - height), (0, TILE - width), (0, 0)), "edge")
    return part


def _split(tiles: list[Tile], room: int) -> list[list[Tile]]:
    """Parts of at most ``room`` bytes and 65535 tiles, of one tile at least."""
    parts: list[list[Tile]] = []
    size = 0
    for item in tiles:
        length = 19 + len(item.y_data) + len(item.cb_data) + len(item.cr_data)
        if not parts or size + length > room or len(parts[-1]) == 0xFFFF:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += length
    return parts
