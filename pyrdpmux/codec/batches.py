"""Tiles of one geometry gathered into contiguous batches of a size that stays in the processor's cache."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels, Samples, Words, words
from pyrdpmux.codec.windows import Scratch
from pyrdpmux.errors import EncodeError

BATCH_PIXELS: Final = 64 * 64 * 64
"""64 tiles of 64x64: 16 tiles lose a fifth to call overhead, whole frames lose more to page faults."""


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


def gathered(
    tiles: Sequence[Words] | Sequence[Samples], scratch: Scratch, *, bottom_up: bool
) -> Iterator[NDArray[Any]]:
    """C-contiguous (n, h, w) batches, valid until the next is asked for, lines in the order of the wire."""
    if not tiles:
        return
    height, width = tiles[0].shape
    dtype = tiles[0].dtype
    step = max(1, BATCH_PIXELS // (height * width))
    order = slice(None, None, -1 if bottom_up else 1)
    for start in range(0, len(tiles), step):
        part = tiles[start : start + step]
        batch = scratch.get("gathered", len(part) * height * width * dtype.itemsize).view(dtype)
        batch = batch.reshape(len(part), height, width)
        for target, tile in zip(batch, part, strict=True):
            np.copyto(target, tile[order])
        yield batch
