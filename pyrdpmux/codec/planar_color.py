"""Planar bitmaps with less color, or with alpha (MS-RDPEGDI 3.1.9.1): AYCoCg, color loss, chroma subsampling.

Planes of one stream, each run-length encoded by itself, or all raw: one bit in the header speaks for all::

    alpha (h, w)?   luma (h, w)   orange (h', w')   green (h', w')      h', w' halved if subsampled

What clients do with chroma (3.1.9.1.1, see planar_decoder): blue = y - cg + co, green = y + cg,
red = y - cg - co, with the chroma values halved by the way they are shifted.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec import planar_encoder
from pyrdpmux.codec.batches import batches
from pyrdpmux.codec.color import Pixels, words
from pyrdpmux.codec.scatter import Scratch
from pyrdpmux.errors import EncodeError

Planes = NDArray[np.uint8]

MAX_COLOR_LOSS_LEVEL: Final = 7
CHROMA_SUBSAMPLING: Final = 0x08
RLE: Final = 0x10
NO_ALPHA: Final = 0x20


def encode(
    tiles: NDArray[np.uint8], color_loss_level: int, subsampling: bool, *, alpha: bool, rle: bool
) -> list[bytes]:
    """One stream per tile of (n, h, w, 4) uint8 BGRA in the order of the wire; see :func:`planar.encode`."""
    if not 0 <= color_loss_level <= MAX_COLOR_LOSS_LEVEL:
        raise EncodeError("Planar.CLL", f"{color_loss_level}, expected 0 to {MAX_COLOR_LOSS_LEVEL}")
    if subsampling and not color_loss_level:
        raise EncodeError("Planar.CS", "chroma subsampling without a color loss level")
    if color_loss_level:
        planes = list(_chroma(tiles, color_loss_level, subsampling))
    else:
        planes = [tiles[..., 2], tiles[..., 1], tiles[..., 0]]
    if alpha:
        planes.insert(0, tiles[..., 3])
    header = color_loss_level | (CHROMA_SUBSAMPLING if subsampling else 0) | (0 if alpha else NO_ALPHA)
    encoded = [_run_length_encoded(plane) for plane in planes] if rle else []
    raw_size = sum(plane[0].size for plane in planes)
    result = []
    for index in range(len(tiles)):
        parts = [stream for streams in encoded if (stream := streams[index]) is not None]
        if rle and len(parts) == len(planes) and sum(map(len, parts)) <= raw_size:
            result.append(bytes([header | RLE]) + b"".join(parts))
        else:
            result.append(bytes([header]) + b"".join([plane[index].tobytes() for plane in planes]) + b"\0")
    return result


def _chroma(tiles: NDArray[np.uint8], loss: int, subsampling: bool) -> tuple[Planes, Planes, Planes]:
    """Luma, orange and green chroma; int16 holds every sum (at most 4 * 255)."""
    blue, green, red = (tiles[..., index].astype(np.int16) for index in range(3))
    luma = (red + 2 * green + blue + 2) >> 2
    orange, spread = (blue - red) >> 1, (2 * green - red - blue) >> 2
    if subsampling:
        orange, spread = _halved(orange), _halved(spread)
    return luma.astype(np.uint8), _reduced(orange, loss), _reduced(spread, loss)


def _halved(plane: NDArray[np.int16]) -> NDArray[np.int16]:
    """The mean of each 2x2; the last line and column stand for those that odd sizes lack."""
    height, width = plane.shape[1:]
    even = np.pad(plane, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    total = even[:, 0::2, 0::2] + even[:, 1::2, 0::2] + even[:, 0::2, 1::2] + even[:, 1::2, 1::2]
    return (total + 2) >> 2


def _reduced(plane: NDArray[np.int16], loss: int) -> Planes:
    """``loss`` - 1 bits fewer, rounded; the wire keeps the low byte, whose top bit becomes the sign."""
    step = 1 << (loss - 1)
    low, high = -128 // step, 127 // step
    return np.clip((plane + step // 2) // step, low, high).astype(np.int8).view(np.uint8)


def _run_length_encoded(planes: Planes) -> list[bytes | None]:
    """Each (h, w) plane as a gray bitmap has it; None where that does not pay."""
    gray: Pixels = np.repeat(planes[..., None], 4, axis=3)
    width = planes.shape[2]
    scratch = Scratch.take()
    result: list[bytes | None] = []
    for batch in batches([words(tile) for tile in gray], width):
        for stream in planar_encoder.encode_batch(batch, width, scratch, rle=True, bottom_up=False):
            is_encoded = stream.startswith(planar_encoder.HEADER_RLE_NO_ALPHA)
            result.append(stream[1 : 1 + (len(stream) - 1) // 3] if is_encoded else None)
    scratch.give_back()
    return result


def stacked(tiles: Sequence[Pixels] | Pixels, bottom_up: bool) -> NDArray[np.uint8]:
    """(n, h, w, 4) in the order of the wire."""
    array = np.stack([tile[:: -1 if bottom_up else 1] for tile in tiles])
    return np.ascontiguousarray(array)
