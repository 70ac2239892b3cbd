"""RemoteFX streams to frames (MS-RDPRFX 3.1.8.2, 3.1.8.3): the client's side.

Hostile input: a frame has at most as many tiles as its grid, and the grid is limited; tiles are decoded and
drawn 64 at a time. Only DecodeError leaves; what was drawn before it stays.
"""

from collections.abc import Sequence
from typing import Final

from pyrdpmux.codec.color import MAX_PIXELS, Pixels
from pyrdpmux.codec.rfx import tile
from pyrdpmux.codec.rfx.headers import VERSION, Channels, Context, Entropy, Sync
from pyrdpmux.codec.rfx.message import (
    Message,
    Region,
    Tile,
    TileSet,
    decode_messages,
)
from pyrdpmux.codec.rfx.rlgr_tables import Mode
from pyrdpmux.codec.rfx.tile import BATCH, TILE
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect

_SUPPORTED_TILE: Final = TILE


class Decoder:
    """The state of one stream: the size of its frames."""

    def __init__(self) -> None:
        self._synchronized = False
        self._has_context = False
        self._width = self._height = 0
        self._region: Region | None = None

    def decode(self, data: bytes, out: Pixels) -> list[Rect]:
        """Draw the frames in ``data`` onto ``out`` (h, w, 4), clipped; returns what may have changed."""
        changed: list[Rect] = []
        for message in decode_messages(data):
            changed += self._on_message(message, out)
        return changed

    def _on_message(self, message: Message, out: Pixels) -> Sequence[Rect]:
        match message:
            case Sync():
                if message.version != VERSION:
                    raise _error("Sync.version", f"{message.version:#06x}, expected {VERSION:#06x}")
                self._synchronized = True
            case Channels():
                self._on_channels(message)
            case Context():
                if message.tile_size != _SUPPORTED_TILE:
                    raise _error("Context.tileSize", f"{message.tile_size}, expected {_SUPPORTED_TILE}")
                self._has_context = True
            case Region():
                self._region = message
            case TileSet():
                return self._on_tileset(message, out)
        return ()

    def _on_channels(self, message: Channels) -> None:
        if not message.channels:
            raise _error("Channels.numChannels", "0, expected 1")
        width, height = message.channels[0].width, message.channels[0].height
        if not 0 < width * height <= MAX_PIXELS:
            raise _error("Channels.channels[0]", f"{width} x {height}, at most {MAX_PIXELS} pixels allowed")
        self._width, self._height = width, height

    def _on_tileset(self, message: TileSet, out: Pixels) -> Sequence[Rect]:
        if not (self._synchronized and self._has_context and self._width):
            raise _error("TileSet", "no headers before it")
        if self._region is None:
            raise _error("TileSet", "no region before it")
        columns, rows = -(-self._width // TILE), -(-self._height // TILE)
        if len(message.tiles) > columns * rows:
            raise _error("TileSet.numTiles", f"{len(message.tiles)}, at most {columns * rows} in the frame")
        for item in message.tiles:
            if item.x >= columns or item.y >= rows:
                raise _error("TileSet.tiles", f"tile {item.x}, {item.y} of {columns} x {rows}")
        entropy = message.properties.entropy
        if entropy not in (Entropy.RLGR1, Entropy.RLGR3):
            raise _error("TileSet.properties", f"entropy {entropy:#x}, expected 1 or 4")
        rects = [rectangle.rect for rectangle in self._region.rectangles]
        rects = rects or [Rect(0, 0, self._width, self._height)]
        for quantizations, group in _by_quantization(message.tiles).items():
            kinds = tuple([message.quantizations[index] for index in quantizations])
            for first in range(0, len(group), BATCH):
                part = group[first : first + BATCH]
                streams = [(item.y_data, item.cb_data, item.cr_data) for item in part]
                pixels = tile.decode(streams, (kinds[0], kinds[1], kinds[2]), Mode(int(entropy)))
                for item, picture in zip(part, pixels, strict=True):
                    draw(out, picture, item.x * TILE, item.y * TILE, rects)
        return rects


def _by_quantization(tiles: Sequence[Tile]) -> dict[tuple[int, int, int], list[Tile]]:
    groups: dict[tuple[int, int, int], list[Tile]] = {}
    for item in tiles:
        groups.setdefault(item.quantizations, []).append(item)
    return groups


def draw(out: Pixels, picture: Pixels, left: int, top: int, rects: Sequence[Rect]) -> None:
    """3.1.8.2.6: what of a tile at (left, top) is within ``rects`` and within ``out``."""
    height, width = min(TILE, out.shape[0] - top), min(TILE, out.shape[1] - left)
    # Plain integers: a region may have thousands of rectangles, and each tile meets each of them.
    for rect_x, rect_y, rect_width, rect_height in rects:
        x, y = max(0, rect_x - left), max(0, rect_y - top)
        right, bottom = min(width, rect_x + rect_width - left), min(height, rect_y + rect_height - top)
        if x < right and y < bottom:
            out[top + y : top + bottom, left + x : left + right] = picture[y:bottom, x:right]


def _error(path: str, reason: str) -> DecodeError:
    return DecodeError(f"RemoteFX.{path}", reason, 0)
