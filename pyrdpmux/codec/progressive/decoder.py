"""Progressive streams to frames (MS-RDPEGFX 3.3.8.2): the client's side, with the state of a surface's tiles.

Hostile input: tiles lie in the surface's grid; a region has at most as many as the grid; state is made for a
tile when it first comes. Only DecodeError leaves; what was drawn before it stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import MAX_PIXELS, Pixels
from pyrdpmux.codec.progressive import extrapolate, passes, srl
from pyrdpmux.codec.progressive.block import (
    FULL,
    FULL_INDEX,
    ComponentQuantization,
    Context,
    FrameBegin,
    FrameEnd,
)
from pyrdpmux.codec.progressive.region import (
    DataBlock,
    Region,
    RegionFlags,
    Tile,
    TileFlags,
    TileSimple,
    TileUpgrade,
    decode_blocks,
)
from pyrdpmux.codec.rfx import color, dwt, quant, rlgr_decoder
from pyrdpmux.codec.rfx.decoder import draw
from pyrdpmux.codec.rfx.quant import Band
from pyrdpmux.codec.rfx.rlgr_tables import Mode
from pyrdpmux.codec.rfx.tile import BATCH, TILE
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect

Place = tuple[int, int]
Factors = tuple[ComponentQuantization, ComponentQuantization, ComponentQuantization]

_NONE: Factors = (FULL.y, FULL.y, FULL.y)


@dataclass(slots=True)
class _TileState:
    """Of one tile: (3, 4096) coefficients, their signs as far as known, the factors of the last pass."""

    current: NDArray[np.int16] = field(default_factory=lambda: np.zeros((3, dwt.COEFFICIENTS), np.int16))
    sign: NDArray[np.int8] = field(default_factory=lambda: np.zeros((3, dwt.COEFFICIENTS), np.int8))
    factors: Factors = _NONE


class Decoder:
    """One surface of ``width`` x ``height``."""

    def __init__(self, width: int, height: int) -> None:
        if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
            raise DecodeError("Progressive", f"{width} x {height} pixels, at most {MAX_PIXELS}", 0)
        self._columns, self._rows = -(-width // TILE), -(-height // TILE)
        self._tiles: dict[Place, _TileState] = {}
        self._in_frame = False
        #: pictures of this frame's tiles: later regions may show other parts of them
        self._pictures: dict[Place, Pixels] = {}

    def decode(self, data: bytes, out: Pixels) -> list[Rect]:
        """Draw a stream onto ``out`` (h, w, 4), clipped; returns what may have changed."""
        changed: list[Rect] = []
        self._in_frame = False
        for item in decode_blocks(data):
            changed += self._on_block(item, out)
        return changed

    def _on_block(self, item: DataBlock, out: Pixels) -> Sequence[Rect]:
        match item:
            case FrameBegin():
                self._in_frame = True
                self._pictures.clear()
            case FrameEnd():
                self._in_frame = False
            case Region() if self._in_frame:  # outside of frames, regions MUST be ignored
                return self._on_region(item, out)
            case Context():
                pass  # sub-band diffing needs nothing that each tile does not say
        return ()

    def _on_region(self, region: Region, out: Pixels) -> Sequence[Rect]:
        if len(region.tiles) > self._columns * self._rows:
            raise _error("numTiles", f"{len(region.tiles)}, at most {self._columns * self._rows} there")
        for tile in region.tiles:
            if tile.x >= self._columns or tile.y >= self._rows:
                raise _error("tiles", f"tile {tile.x}, {tile.y} of {self._columns} x {self._rows}")
        extrapolated = bool(region.flags & RegionFlags.DWT_REDUCE_EXTRAPOLATE)
        bands = extrapolate.BANDS if extrapolated else quant.BANDS
        inverse = extrapolate.inverse if extrapolated else dwt.inverse
        for group in _groups(region.tiles):
            if isinstance(group[0], TileUpgrade):
                for tile in group:
                    self._on_upgrade(tile, region, bands)
            else:
                self._on_first(group, region, bands)
            planes = np.concatenate([self._tiles[tile.x, tile.y].current for tile in group])
            lanes = planes.reshape(len(group), 3, -1).swapaxes(0, 1).reshape(-1, dwt.COEFFICIENTS)
            pictures = color.to_pixels(inverse(np.ascontiguousarray(lanes.T)))
            for tile, picture in zip(group, pictures, strict=True):
                self._pictures[tile.x, tile.y] = picture
        rects = [rectangle.rect for rectangle in region.rectangles]
        for (x, y), picture in self._pictures.items():
            draw(out, picture, x * TILE, y * TILE, rects)
        return rects

    def _on_first(self, group: Sequence[Tile], region: Region, bands: Sequence[Band]) -> None:
        """3.3.8.2.1.1, and tiles that come whole."""
        streams = []
        for tile in group:
            assert not isinstance(tile, TileUpgrade)
            streams += [tile.y_data, tile.cb_data, tile.cr_data]
        planes = quant.from_differences(rlgr_decoder.decode(streams, Mode.RLGR1), bands)
        signs = np.sign(planes).astype(np.int8)
        for index, tile in enumerate(group):
            assert not isinstance(tile, TileUpgrade)
            factors = _factors(tile, region)
            state = self._tiles.setdefault((tile.x, tile.y), _TileState())
            part = np.ascontiguousarray(planes[:, 3 * index : 3 * index + 3].T)
            for component, factor in enumerate(factors):
                part[component] <<= passes.row_values(factor, bands) - np.int16(1)
            if tile.flags & TileFlags.DIFFERENCE:
                state.current += part
            else:
                state.current = part
            state.sign = np.ascontiguousarray(signs[:, 3 * index : 3 * index + 3].T)
            state.factors = factors

    def _on_upgrade(self, tile: Tile, region: Region, bands: Sequence[Band]) -> None:
        """3.3.8.2.1.2."""
        assert isinstance(tile, TileUpgrade)
        state = self._tiles.get((tile.x, tile.y))
        if state is None:
            raise _error("tiles", f"upgrade of tile {tile.x}, {tile.y}, which has not come yet")
        factors = _factors(tile, region)
        for component, (before, after) in enumerate(zip(state.factors, factors, strict=True)):
            position = passes.row_values(after, bands)
            widths = (passes.row_values(before, bands) - position).astype(np.int64)
            if widths.min() < 0:
                raise _error("tiles", f"upgrade of tile {tile.x}, {tile.y} to less than it has")
            data = tile.data[2 * component : 2 * component + 2]
            _upgrade(state.current[component], state.sign[component], data, widths, position, bands)
        state.factors = factors


def _upgrade(
    current: NDArray[np.int16],
    sign: NDArray[np.int8],
    data: tuple[bytes, ...],
    widths: NDArray[np.int64],
    position: NDArray[np.int16],
    bands: Sequence[Band],
) -> None:
    """Add what a pass brings to a component's coefficients, in place."""
    known = sign.copy()
    known[bands[-1][1]] = 1
    raw, new = np.flatnonzero((known != 0) & (widths > 0)), np.flatnonzero((known == 0) & (widths > 0))
    value = np.zeros(len(current), np.int64)
    value[raw] = srl.decode_raw(data[1], widths[raw]) * known[raw]
    value[new] = srl.decode(data[0], widths[new])
    sign[new] = np.sign(value[new])
    current += (value << (position - 1)).astype(np.int16)


def _factors(tile: Tile, region: Region) -> Factors:
    quality = FULL_INDEX if isinstance(tile, TileSimple) else tile.quality
    table = FULL if quality == FULL_INDEX else region.progressive[quality]
    y, cb, cr = (
        passes.combined(region.quantizations[index], added)
        for index, added in zip(tile.quantizations, (table.y, table.cb, table.cr), strict=True)
    )
    return y, cb, cr


def _groups(tiles: Sequence[Tile]) -> Iterator[list[Tile]]:
    """Parts, in order, whose tiles are of one kind and in different places; no more than a batch each."""
    part: list[Tile] = []
    places: set[Place] = set()
    for tile in tiles:
        kinds = {isinstance(other, TileUpgrade) for other in (tile, *part[:1])}
        if len(part) == BATCH or len(kinds) > 1 or (tile.x, tile.y) in places:
            yield part
            part, places = [], set()
        part.append(tile)
        places.add((tile.x, tile.y))
    if part:
        yield part


def _error(path: str, reason: str) -> DecodeError:
    return DecodeError(f"Progressive.Region.{path}", reason, 0)
