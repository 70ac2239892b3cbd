"""A server's ClearCodec (MS-RDPEGFX 3.3.8.1), for text and user interfaces; exact, unless told otherwise.

Order of thought: a glyph that the client has; a small picture as runs or raw; lines of text as bands; of what
is left, tiles with few colors as RLEX, tiles that are pictures raw or as NSCodec; the rest as runs, over
which the others are painted.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec import nscodec
from pyrdpmux.codec.batches import cut
from pyrdpmux.codec.clear import layout, residual, rlex, small
from pyrdpmux.codec.clear.band_encoder import BandEncoder, Messages, columns_of
from pyrdpmux.codec.clear.layout import Block, Layout
from pyrdpmux.codec.clear.stream import (
    GLYPHS,
    MAX_GLYPH_PIXELS,
    BitmapStream,
    CompositePayload,
    Flags,
    Subcodec,
    SubcodecId,
)
from pyrdpmux.codec.color import Pixels, Words, words
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import encode as encode_structure

MAX_SIDE: Final = 0xFFFF
_TILE: Final = 64
_COLOR: Final = np.uint32(0x00FFFFFF)
_RUN_SIZE: Final = 4
_AREA_SIZE: Final = 13
_STACK: Final = 1 << 18
"""Pixels of pictures one below the other, and of what they leave empty; a larger one stands alone."""


class Encoder:
    """The state of one client's ClearCodec: its caches, its glyphs, and the next sequence number."""

    def __init__(self, *, picture_loss: int | None = None, sequence_number: int = 0) -> None:
        """With ``picture_loss``, a color loss level of NSCodec, photos are lossy.

        A client takes one row of ``sequence_number`` on a channel, from any number on: an encoder that
        follows another one goes on where that stopped.
        """
        self._picture_loss = picture_loss
        self._sequence_number = sequence_number % 256
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Refer to nothing that went before, so that a client may join; the sequence numbers go on.

        The next message resets the caches: clients keep them over a reconnection that they make themselves.
        """
        self._bands = BandEncoder()
        self._glyphs: dict[bytes, int] = {}
        self._is_first = True

    @property
    def sequence_number(self) -> int:
        """Of the next message."""
        return self._sequence_number

    @property
    def counts(self) -> tuple[int, int]:
        """Columns sent in this epoch, and how many of them the client had."""
        return self._bands.columns, self._bands.hits

    def encode(self, frame: Pixels, rects: Sequence[Rect]) -> list[bytes]:
        """One CLEARCODEC_BITMAP_STREAM for each of ``rects`` of a (h, w, 4) uint8 BGRX frame.

        All messages must reach the client, in this order. Lossless for blue, green and red, or see above.
        """
        return self.encode_tiles(cut(frame, rects))

    def encode_tiles(self, tiles: Sequence[Pixels] | Pixels) -> list[bytes]:
        """The same of (h, w, 4) uint8 BGRX tiles."""
        pictures = [self._checked(words(pixels)) for pixels in tiles]
        indices: list[int | None] = []
        payloads: list[CompositePayload | None] = []
        others: list[int] = []
        for number, pixels in enumerate(pictures):
            index, is_known = self._glyph(pixels) if pixels.size <= MAX_GLYPH_PIXELS else (None, False)
            payload = None if is_known or index is None else small.payload(pixels)
            if not is_known and payload is None:
                others.append(number)
            indices.append(index)
            payloads.append(payload)
        for stack in _stacks(others, pictures):
            for number, payload in zip(stack, self._payloads([pictures[i] for i in stack]), strict=True):
                payloads[number] = payload
        return [self._message(*pair) for pair in zip(indices, payloads, strict=True)]

    @staticmethod
    def _checked(source: Words) -> Words:
        height, width = source.shape
        if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE:
            raise EncodeError("rectangles", f"{width} x {height} pixels, expected 1 to {MAX_SIDE} each")
        pixels: Words = source & _COLOR
        return pixels

    def _message(self, index: int | None, payload: CompositePayload | None) -> bytes:
        """Without a payload, the client has it as a glyph."""
        flags = Flags(0)
        if self._is_first:
            flags, self._is_first = Flags.CACHE_RESET, False
        if index is not None:
            flags |= Flags.GLYPH_INDEX
        if payload is None:
            flags |= Flags.GLYPH_HIT
        message = BitmapStream(flags, self._sequence_number, index, payload)
        self._sequence_number = (self._sequence_number + 1) % 256
        return encode_structure(message)

    def _glyph(self, pixels: Words) -> tuple[int, bool]:
        """Slot of a small picture, and whether the client has it there. The oldest one goes first."""
        key = pixels.tobytes()
        index = self._glyphs.get(key)
        if index is not None:
            return index, True
        if len(self._glyphs) < GLYPHS:
            index = len(self._glyphs)
        else:
            index = self._glyphs.pop(next(iter(self._glyphs)))
        self._glyphs[key] = index
        return index, False

    def _payloads(self, pictures: Sequence[Words]) -> list[CompositePayload]:
        """Of (h, w) words 0x00RRGGBB, C-contiguous; columns of all of them are looked for together."""
        layouts = [layout.find(pixels) for pixels in pictures]
        counts = [len(found.lines) for found in layouts]
        bands, left_out = [b""] * len(pictures), np.zeros(0, np.bool_)
        if any(counts):
            tops = np.cumsum([0, *[len(pixels) for pixels in pictures[:-1]]])
            stack = _stacked(pictures, tops.tolist())
            lines = layout.joined(layouts, tops.tolist())
            messages = Messages(np.repeat(np.arange(len(counts)), counts), tops)
            bands, left_out = self._bands.encode(stack, lines, columns_of(stack, lines), messages)
        parts = np.split(left_out, np.cumsum(counts)[:-1])
        return [self._payload(*four) for four in zip(pictures, layouts, bands, parts, strict=True)]

    def _payload(
        self, pixels: Words, found: Layout, bands: bytes, left_out: NDArray[np.bool_]
    ) -> CompositePayload:
        """``left_out`` (lines,) bool: lines of the layout that are not in ``bands``."""
        rest = found.blocks
        if left_out.any():
            rest = rest + _blocks_of(found, left_out)
            found = _without(found, left_out)
            found.is_nested = True
        if not found.is_nested:
            return CompositePayload(residual.encode_flat(found.background, pixels.size), bands)
        below = pixels.copy()
        _blank(below, found)
        areas = _areas(pixels, below, rest, found.background)
        if self._picture_loss is not None:
            areas = _lossy(areas, pixels, self._picture_loss)
        return CompositePayload(residual.encode(below), bands, b"".join(map(encode_structure, areas)))


def _stacks(numbers: Sequence[int], pictures: Sequence[Words]) -> list[list[int]]:
    """Those ``numbers`` of pictures, in order, so many in each that they cost little one below the other."""
    result: list[list[int]] = []
    width = height = 0
    for number in numbers:
        rows, columns = pictures[number].shape
        width, height = max(width, columns), height + rows
        if not result or width * height > _STACK:
            result.append([])
            width, height = columns, rows
        result[-1].append(number)
    return result


def _stacked(pictures: Sequence[Words], tops: Sequence[int]) -> Words:
    """One below the other, from rows ``tops`` on; a single one as it is."""
    if len(pictures) == 1:
        return pictures[0]
    width = max([pixels.shape[1] for pixels in pictures])
    result = np.zeros((tops[-1] + len(pictures[-1]), width), np.uint32)
    for top, pixels in zip(tops, pictures, strict=True):
        result[top : top + len(pixels), : pixels.shape[1]] = pixels
    return result


def _blocks_of(found: Layout, chosen: NDArray[np.bool_]) -> list[Block]:
    """The bounds of whole lines."""
    result = []
    for starts, ends, lines in zip(found.starts, found.ends, found.line, strict=True):
        for index in np.unique(lines[chosen[lines]]).tolist():
            bands = np.flatnonzero(lines == index)
            top, bottom, _ = found.lines[index]
            result.append(Block(int(starts[bands[0]]), top, int(ends[bands[-1]]), bottom))
    return result


def _without(found: Layout, chosen: NDArray[np.bool_]) -> Layout:
    """The layout without the bands of some lines."""
    kept = [~chosen[lines] for lines in found.line]
    return Layout(
        found.background,
        found.lines,
        [part[keep] for part, keep in zip(found.starts, kept, strict=True)],
        [part[keep] for part, keep in zip(found.ends, kept, strict=True)],
        [part[keep] for part, keep in zip(found.line, kept, strict=True)],
        found.blocks,
    )


def _blank(below: Words, found: Layout) -> None:
    """Give what bands will cover the color around it: so runs go through."""
    for starts, ends, lines in zip(found.starts, found.ends, found.line, strict=True):
        for left, right, index in zip(starts.tolist(), ends.tolist(), lines.tolist(), strict=True):
            top, bottom, background = found.lines[index]
            below[top:bottom, left:right] = background


def _areas(pixels: Words, below: Words, blocks: Sequence[Block], background: int) -> list[Subcodec]:
    """Tiles of the blocks that runs do not suit; below them, ``below`` becomes blank."""
    result = []
    for left, top, right, bottom in blocks:
        for y in range(top, bottom, _TILE):
            for x in range(left, right, _TILE):
                tile = pixels[y : min(y + _TILE, bottom), x : min(x + _TILE, right)]
                area = _area(tile, x, y)
                if area is not None:
                    result.append(area)
                    below[y : y + len(tile), x : x + tile.shape[1]] = background
    return result


def _area(tile: Words, x: int, y: int) -> Subcodec | None:
    """A tile as RLEX or raw; None where runs are no longer."""
    height, width = tile.shape
    edges = int(np.count_nonzero(tile[:, 1:] != tile[:, :-1]))
    run_size = _RUN_SIZE * (edges + height)
    raw_size = 3 * tile.size
    least = min(run_size, raw_size + _AREA_SIZE)
    if edges + 1 < tile.size:
        data = rlex.encode(tile)
        if data is not None and len(data) + _AREA_SIZE < least and len(data) <= raw_size:
            return Subcodec(x, y, width, height, SubcodecId.RLEX, data)
    if run_size <= raw_size + _AREA_SIZE:
        return None
    data = residual.octets(np.ascontiguousarray(tile).reshape(-1)).tobytes()
    return Subcodec(x, y, width, height, SubcodecId.RAW, data)


def _lossy(areas: Sequence[Subcodec], pixels: Words, loss: int) -> list[Subcodec]:
    """Raw areas as NSCodec, where that is shorter; areas of one size go together."""
    sizes = {(area.width, area.height) for area in areas if area.subcodec_id is SubcodecId.RAW}
    result = [area for area in areas if area.subcodec_id is not SubcodecId.RAW]
    for width, height in sorted(sizes):
        alike = [
            area
            for area in areas
            if area.subcodec_id is SubcodecId.RAW and (area.width, area.height) == (width, height)
        ]
        tiles = [
            pixels[area.y_start : area.y_start + height, area.x_start : area.x_start + width]
            for area in alike
        ]
        octets = [np.ascontiguousarray(tile).view(np.uint8).reshape(height, width, 4) for tile in tiles]
        streams = nscodec.encode_tiles(octets, loss, bottom_up=False)
        for area, data in zip(alike, streams, strict=True):
            shorter = len(data) < len(area.bitmap_data)
            lossy = replace(area, subcodec_id=SubcodecId.NSCODEC, bitmap_data=data)
            result.append(lossy if shorter else area)
    return result
