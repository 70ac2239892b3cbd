"""Interleaved run-length encoding (MS-RDPBCGR 2.2.9.1.1.3.1.2.4 RLE_BITMAP_STREAM, 3.1.9).

For bitmap updates with 8, 15, 16 and 24 bits a pixel; see :mod:`pyrdpmux.codec.interleaved_encoder` for the
orders that are written and :mod:`pyrdpmux.codec.interleaved_decoder` for those that are read (all).

A stream holds the lines bottom-up. The update's ``width`` should be a multiple of four (the compressed data
header's cbScanWidth MUST be): callers pad the tile, as :func:`pyrdpmux.codec.bitmap.encode_rectangles` does.
The codec itself takes any width.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec import interleaved_decoder, interleaved_encoder
from pyrdpmux.codec.batches import batches, encode_by_size, gathered, tile_samples, tile_words
from pyrdpmux.codec.color import Pixels, Samples, Words, expand, sample_size
from pyrdpmux.codec.scatter import Scratch
from pyrdpmux.geometry import Rect

DEFAULT_DEPTH: Final = 16


def encode(frame: Pixels, rects: Sequence[Rect], bits_per_pixel: int = DEFAULT_DEPTH) -> list[bytes]:
    """MS-RDPBCGR 2.2.9.1.1.3.1.2.4: one stream for each of ``rects`` of a (h, w, 4) uint8 BGRX frame.

    Sizes may be mixed. Lossless after the reduction of `codec.color`.
    """
    sample_size(bits_per_pixel)
    return encode_by_size(frame, rects, lambda strips, width: encode_strips(strips, width, bits_per_pixel))


def encode_tiles(tiles: Sequence[Pixels] | Pixels, bits_per_pixel: int) -> list[bytes]:
    """One stream per tile of one geometry.

    ``tiles``: (n, h, w, 4) uint8 BGRX or a sequence of (h, w, 4) arrays of one geometry, top-down. With 8
    bits also (n, h, w) or (h, w) uint8 palette indices. The update's ``width`` and ``height`` are w and h.
    """
    sample_size(bits_per_pixel)
    if not len(tiles):
        return []
    is_indices = bits_per_pixel == 8 and tiles[0].ndim == 2
    strips = tile_samples(tiles) if is_indices else tile_words(tiles)
    return encode_strips(strips, strips[0].shape[1], bits_per_pixel)


def encode_strips(
    strips: Sequence[Words] | Sequence[Samples], width: int, bits_per_pixel: int
) -> list[bytes]:
    """The same from (h, k * width) arrays of words 0xXXRRGGBB or uint8 indices: k tiles side by side each."""
    scratch = Scratch.take()
    result: list[bytes] = []
    for batch in batches(strips, width):
        source = gathered(batch, width, scratch)
        result += interleaved_encoder.encode_batch(source, bits_per_pixel, scratch)
    scratch.give_back()
    return result


def decode_samples(data: bytes, width: int, height: int, bits_per_pixel: int) -> Samples:
    """The (height, width) samples of one stream, top-down: uint8, uint16 or (24 bits) uint32."""
    sample_size(bits_per_pixel)
    return np.ascontiguousarray(interleaved_decoder.decode(data, width, height, bits_per_pixel)[::-1])


def decode(
    data: bytes,
    width: int,
    height: int,
    bits_per_pixel: int = DEFAULT_DEPTH,
    *,
    palette: Pixels | None = None,
    out: Pixels | None = None,
) -> Pixels:
    """The (height, width, 4) uint8 BGRX pixels of one stream; DecodeError for anything that is not one.

    ``palette``: (256, 4) uint8 BGRX, for 8 bits; `color.PALETTE` where absent. ``out`` is written only after
    the whole stream has been checked. Work and memory are bounded by ``len(data)`` and ``width * height``.
    """
    pixels = expand(decode_samples(data, width, height, bits_per_pixel), bits_per_pixel, palette)
    if out is None:
        return pixels
    out[...] = pixels
    return out
