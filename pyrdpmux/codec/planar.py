"""RDP 6.0 bitmap compression (MS-RDPEGDI 2.2.2.5.1 RDP6_BITMAP_STREAM, 3.1.9): one plane per channel.

A stream is a format header and the planes alpha (optional), red, green, blue, or alpha, luma, orange chroma,
green chroma; see :mod:`pyrdpmux.codec.planar_encoder` and :mod:`pyrdpmux.codec.planar_decoder`.

A bitmap update (MS-RDPBCGR 2.2.9.1.1.3.1.2.2) with 32 bits a pixel carries its lines bottom-up, the graphics
pipeline (MS-RDPEGFX) top-down; nothing in the stream says which, hence ``bottom_up``. The codec itself has no
rule for the width; :func:`pyrdpmux.codec.bitmap.encode_rectangles` pads to a multiple of four for updates.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec import planar_color, planar_decoder, planar_encoder, planar_plain
from pyrdpmux.codec.batches import batches, cut, encode_by_size, tile_words, tiles_of
from pyrdpmux.codec.color import Pixels, Words, pixels_of, words
from pyrdpmux.codec.scatter import Scratch
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect

ALL_BITS: Final = 32


def encode(
    frame: Pixels,
    rects: Sequence[Rect],
    bits_per_pixel: int = ALL_BITS,
    *,
    bottom_up: bool = True,
    color_loss_level: int = 0,
    subsampling: bool = False,
    alpha: bool = False,
    zgfx: bool = False,
) -> list[bytes]:
    """MS-RDPEGDI 2.2.2.5.1: one stream for each of ``rects`` of a (h, w, 4) uint8 BGRX frame.

    Sizes may be mixed. There are 32 bits a pixel and no others; see :func:`encode_tiles` for the options.
    ``zgfx``: what comes out is compressed so, and may be longer here if it is shorter there.
    """
    if bits_per_pixel != ALL_BITS:
        raise EncodeError("bitsPerPixel", f"{bits_per_pixel}, expected {ALL_BITS}")

    def of_one_size(strips: list[Words], width: int) -> list[bytes]:
        if not (color_loss_level or subsampling or alpha):
            return encode_strips(strips, width, bottom_up=bottom_up, zgfx=zgfx)
        return encode_tiles(
            [pixels_of(tile) for tile in tiles_of(strips, width)],
            bottom_up=bottom_up,
            color_loss_level=color_loss_level,
            subsampling=subsampling,
            alpha=alpha,
        )

    if zgfx:
        return _encode_for_zgfx(frame, rects, of_one_size, bottom_up=bottom_up)
    return encode_by_size(frame, rects, of_one_size)


def _encode_for_zgfx(
    frame: Pixels,
    rects: Sequence[Rect],
    with_runs: Callable[[list[Words], int], list[bytes]],
    *,
    bottom_up: bool,
) -> list[bytes]:
    """Photos without runs, all else with them."""
    plain = [planar_plain.encode(words(part), bottom_up=bottom_up) for part in cut(frame, rects)]
    others = [rect for rect, stream in zip(rects, plain, strict=True) if stream is None]
    streams = iter(encode_by_size(frame, others, with_runs))
    return [next(streams) if stream is None else stream for stream in plain]


def encode_tiles(
    tiles: Sequence[Pixels] | Pixels,
    rle: bool = True,
    *,
    bottom_up: bool = True,
    color_loss_level: int = 0,
    subsampling: bool = False,
    alpha: bool = False,
) -> list[bytes]:
    """One stream per tile of one geometry, alpha dropped (NA), lossless for blue, green and red.

    ``color_loss_level`` 1 to 7 and ``subsampling`` give up color for size (3.1.9.1.3, 3.1.9.1.4), for clients
    that allow it (ALLOW_DYNAMIC_COLOR_FIDELITY, ALLOW_COLOR_SUBSAMPLING); ``alpha`` keeps the fourth byte.

    ``tiles``: (n, h, w, 4) uint8 BGRX, or a sequence of (h, w, 4) arrays of one geometry (views of a frame
    are fine). With ``rle``, a tile that would grow by it is sent raw. The update's ``width`` and ``height``
    are w and h.
    """
    if color_loss_level or subsampling or alpha:
        wire = planar_color.stacked(tiles, bottom_up)
        return planar_color.encode(wire, color_loss_level, subsampling, alpha=alpha, rle=rle)
    strips = tile_words(tiles)
    return encode_strips(strips, strips[0].shape[1], rle, bottom_up=bottom_up) if strips else []


def encode_strips(
    strips: Sequence[Words], width: int, rle: bool = True, *, bottom_up: bool = True, zgfx: bool = False
) -> list[bytes]:
    """The same from (h, k * width) arrays of little-endian words 0xXXRRGGBB: k tiles side by side each."""
    scratch = Scratch.take()
    result: list[bytes] = []
    for batch in batches(strips, width):
        result += planar_encoder.encode_batch(batch, width, scratch, rle=rle, bottom_up=bottom_up, zgfx=zgfx)
    scratch.give_back()
    return result


def decode(
    data: bytes, width: int, height: int, *, bottom_up: bool = True, out: Pixels | None = None
) -> Pixels:
    """The (height, width, 4) uint8 BGRX pixels of one stream; DecodeError for anything that is not one.

    The fourth byte is the alpha plane, or 255 without one. ``out`` is written only after all planes have
    been checked. Work and memory are bounded by ``len(data)`` and ``width * height``.
    """
    pixels = planar_decoder.decode(data, width, height)
    if bottom_up:
        pixels = pixels[::-1]
    if out is None:
        return np.ascontiguousarray(pixels)
    out[...] = pixels
    return out
