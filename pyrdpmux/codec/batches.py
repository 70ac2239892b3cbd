"""Tiles of one geometry in batches of a size that stays in the processor's cache.

A *strip* is k tiles of one geometry side by side in their frame, (h, k * w): updates touch neighbors, and
reading whole lines of a frame is twice as quick as 256 bytes here and there. A tile is a strip of one.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels, Samples, Words, words
from pyrdpmux.codec.scatter import Scratch
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect

Strip = NDArray[Any]

BATCH_PIXELS: Final = 64 * 64 * 64
"""64 tiles of 64x64: 16 tiles lose a fifth to call overhead, whole frames lose more to page faults."""


def cut(frame: Pixels, rects: Sequence[Rect]) -> list[Pixels]:
    """The parts of a (h, w, 4) frame, as views of it. EncodeError for what is empty or not within it."""
    for rect in rects:
        _check(rect, frame.shape[1], frame.shape[0])
    return [frame[rect.y : rect.bottom, rect.x : rect.right] for rect in rects]


def encode_by_size(
    frame: Pixels, rects: Sequence[Rect], encode_strips: Callable[[list[Words], int], list[bytes]]
) -> list[bytes]:
    """What ``encode_strips`` makes of each rectangle of a (h, w, 4) uint8 frame, in the order of ``rects``.

    It gets strips of one geometry, and the width of one tile, once for each geometry.
    """
    source = words(frame)
    height, width = source.shape
    groups: dict[tuple[int, int], list[int]] = {}
    for index, rect in enumerate(rects):
        _check(rect, width, height)
        groups.setdefault(rect[2:], []).append(index)
    result: dict[int, bytes] = {}
    for (tile_width, _), indices in groups.items():
        streams = encode_strips(_strips(source, [rects[index] for index in indices]), tile_width)
        result |= zip(indices, streams, strict=True)
    return [result[index] for index in range(len(rects))]


def _check(rect: Rect, frame_width: int, frame_height: int) -> None:
    # Once per tile of each update: half the time of Rect.contains and Rect.is_empty.
    x, y, width, height = rect
    if x < 0 or y < 0 or width <= 0 or height <= 0 or x + width > frame_width or y + height > frame_height:
        raise EncodeError("rects", f"{tuple(rect)}, expected one within {frame_width}x{frame_height}")


def _strips(source: Words, rects: list[Rect]) -> list[Words]:
    """The pixels of rectangles of one size, neighbors in one array."""
    merged: list[list[int]] = []
    for x, y, width, height in rects:
        if merged and merged[-1][:2] == [y, x]:
            merged[-1][1] += width
        else:
            merged.append([y, x + width, x, height])
    return [source[top : top + height, left:right] for top, right, left, height in merged]


def tile_words(tiles: Sequence[Pixels] | Pixels) -> list[Words]:
    """One (h, w) array of words per tile; all must have one geometry."""
    result = [words(tile) for tile in tiles]
    for tile in result:
        if tile.shape != result[0].shape or not tile.size:
            raise EncodeError("tiles", f"shape {tile.shape}, expected {result[0].shape} and no empty one")
    return result


def tile_samples(tiles: Sequence[Samples] | Samples) -> list[Samples]:
    """One (h, w) array of palette indices per tile; all must have one geometry."""
    result = list(tiles)
    for tile in result:
        if tile.shape != result[0].shape or tile.ndim != 2 or not tile.size or tile.dtype != np.uint8:
            raise EncodeError("tiles", f"{tile.dtype} array of shape {tile.shape}, expected uint8 (h, w)")
    return result


def batches(strips: Sequence[Strip], width: int) -> Iterator[list[Strip]]:
    """The strips in parts of at most :data:`BATCH_PIXELS` or one tile, cut as needed."""
    if not strips:
        return
    most = max(1, BATCH_PIXELS // (len(strips[0]) * width)) * width
    part: list[Strip] = []
    room = most
    for strip in strips:
        start = 0
        while start < strip.shape[1]:
            piece = strip[:, start : start + room]
            part.append(piece)
            start += piece.shape[1]
            room -= piece.shape[1]
            if not room:
                yield part
                part, room = [], most
    if part:
        yield part


def tiles_of(strips: Sequence[Strip], width: int) -> list[Strip]:
    """The tiles, one by one."""
    return [strip[:, x : x + width] for strip in strips for x in range(0, strip.shape[1], width)]


def side_by_side(strip: NDArray[Any], width: int) -> NDArray[Any]:
    """A strip (h, k * width) as (h, k, width), for one call that moves all its tiles."""
    return strip.reshape(len(strip), -1, width)


def gathered(strips: Sequence[Strip], width: int, scratch: Scratch) -> NDArray[Any]:
    """A C-contiguous (n, h, w) batch, lines bottom-up; valid until the next one."""
    count = sum([strip.shape[1] for strip in strips]) // width
    shape = (count, len(strips[0]), width)
    dtype = strips[0].dtype
    batch = scratch.get("gathered", prod(shape) * dtype.itemsize).view(dtype).reshape(shape)
    at = 0
    for strip in strips:
        tiles = side_by_side(strip[::-1], width)
        np.copyto(batch[at : at + tiles.shape[1]].swapaxes(0, 1), tiles)
        at += tiles.shape[1]
    return batch
