"""Parts of a frame as the bitmaps of a bitmap update (MS-RDPBCGR 2.2.9.1.1.3.1.2.2 TS_BITMAP_DATA).

What clients want of a bitmap, all depths alike:

* lines bottom-up;
* ``width`` a multiple of four: cbScanWidth MUST be one (2.2.9.1.1.3.1.2.3), uncompressed lines are padded to
  four bytes by the specification and taken without padding by FreeRDP, so only such widths mean the same to
  both. xrdp and FreeRDP's server pad 32-bit bitmaps too, hence so do we;
* destRight and destBottom (inclusive) are those of the wanted rectangle: clients crop the padding.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from pyrdpmux.codec import interleaved, planar, planar_encoder, uncompressed
from pyrdpmux.codec.batches import cut
from pyrdpmux.codec.color import Pixels, Samples, expand, sample_size
from pyrdpmux.codec.table import bitmap_codec
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect

WIDTH_MULTIPLE: Final = 4
PLANAR_DEPTH: Final = 32
HEADER_RLE: Final = b"\x10"


class EncodedBitmap(NamedTuple):
    """What goes into a TS_BITMAP_DATA's fields of the same names; x and y are destLeft and destTop.

    destRight is ``x + rectangle width - 1``, not ``x + width - 1``: ``width`` includes the padding.
    """

    width: int
    height: int
    bits_per_pixel: int
    is_compressed: bool
    data: bytes


def padded_width(width: int) -> int:
    """``width`` rounded up to a multiple of four."""
    return -(-width // WIDTH_MULTIPLE) * WIDTH_MULTIPLE


def encode_rectangles(
    frame: Pixels,
    rects: Sequence[Rect],
    bits_per_pixel: int = 32,
    *,
    compress: bool = True,
    skip_alpha: bool = True,
) -> list[EncodedBitmap]:
    """One bitmap per rectangle of a (h, w, 4) uint8 BGRX frame, in the order of ``rects``.

    The table names the codec: 32 bits are planar, 8, 15, 16 and 24 interleaved RLE. Where that does not pay,
    or without ``compress``, the bitmap is uncompressed (planar then stays a stream, of raw planes, if
    ``compress``). Sizes may be mixed: rectangles are grouped by geometry, each group is one batch. Padding
    repeats the last column. ``skip_alpha``: the client's drawingFlags have ALLOW_SKIP_ALPHA (2.2.7.1.2);
    others get an opaque plane.
    """
    if bits_per_pixel != PLANAR_DEPTH:
        sample_size(bits_per_pixel)
    with_alpha = bits_per_pixel == PLANAR_DEPTH and compress and not skip_alpha
    result: dict[int, EncodedBitmap] = {}
    for part, places, indices in _padded_parts(frame, rects):
        encoded = _encode_part(part, places, bits_per_pixel, compress)
        if with_alpha:
            encoded = [
                _with_alpha(bitmap, part, place) for bitmap, place in zip(encoded, places, strict=True)
            ]
        result |= zip(indices, encoded, strict=True)
    return [result[index] for index in range(len(rects))]


def _padded_parts(frame: Pixels, rects: Sequence[Rect]) -> Iterator[tuple[Pixels, list[Rect], list[int]]]:
    """A frame, rectangles of it whose widths are multiples of four, and the indices they have in ``rects``.

    The frame itself for all that are so already; a small one for each other size, which holds the padding.
    """
    if not any([rect.width % WIDTH_MULTIPLE for rect in rects]):
        yield frame, list(rects), list(range(len(rects)))
        return
    ready: list[int] = []
    odd: dict[tuple[int, int], list[int]] = {}
    for index, rect in enumerate(rects):
        if rect.width % WIDTH_MULTIPLE == 0:
            ready.append(index)
        else:
            odd.setdefault((rect.width, rect.height), []).append(index)
    yield frame, [rects[index] for index in ready], ready
    for (width, height), indices in odd.items():
        padding = ((0, 0), (0, -width % WIDTH_MULTIPLE), (0, 0))
        tiles = [np.pad(tile, padding, "edge") for tile in cut(frame, [rects[index] for index in indices])]
        padded = padded_width(width)
        places = [Rect(number * padded, 0, padded, height) for number in range(len(tiles))]
        yield np.concatenate(tiles, axis=1), places, indices


def _encode_part(
    frame: Pixels, rects: list[Rect], bits_per_pixel: int, compress: bool
) -> list[EncodedBitmap]:
    if not compress:
        return [_uncompressed(frame, rect, bits_per_pixel) for rect in rects]
    streams = bitmap_codec(bits_per_pixel).encode(frame, rects, bits_per_pixel)
    bitmaps = [
        EncodedBitmap(rect.width, rect.height, bits_per_pixel, True, data)
        for rect, data in zip(rects, streams, strict=True)
    ]
    if bits_per_pixel == PLANAR_DEPTH:
        return bitmaps
    size = sample_size(bits_per_pixel)
    return [
        bitmap
        if len(bitmap.data) < bitmap.width * bitmap.height * size
        else _uncompressed(frame, rect, bits_per_pixel)
        for bitmap, rect in zip(bitmaps, rects, strict=True)
    ]


def _uncompressed(frame: Pixels, rect: Rect, bits_per_pixel: int) -> EncodedBitmap:
    [data] = uncompressed.encode(frame, [rect], bits_per_pixel, bottom_up=True)
    return EncodedBitmap(rect.width, rect.height, bits_per_pixel, False, data)


def _with_alpha(bitmap: EncodedBitmap, frame: Pixels, rect: Rect) -> EncodedBitmap:
    """The same stream with an alpha plane in front, or uncompressed if it is not run-length encoded.

    QUIRK(rdesktop): it reads run-length encoded streams with alpha (format header 0x10) and no others.
    """
    if not bitmap.data.startswith(planar_encoder.HEADER_RLE_NO_ALPHA):
        return _uncompressed(frame, rect, PLANAR_DEPTH)
    plane = _opaque_plane(bitmap.width, bitmap.height)
    return bitmap._replace(data=HEADER_RLE + plane + bitmap.data[len(HEADER_RLE) :])


@lru_cache(maxsize=256)
def _opaque_plane(width: int, height: int) -> bytes:
    """A plane of 255, run-length encoded (MS-RDPEGDI 3.1.9.2): 255 and its run, then lines without change."""
    first = bytes([0x10, 255]) + _run(width - 1)
    return first + _run(width) * (height - 1)


def _run(length: int) -> bytes:
    """Control bytes that repeat the value before them; ``length`` is 3 at least, as padded widths are 4."""
    return bytes([planar_encoder.run_control(part) for part in planar_encoder.split_run(length)])


def decode(
    data: bytes,
    width: int,
    height: int,
    bits_per_pixel: int,
    is_compressed: bool,
    palette: Pixels | None = None,
) -> Pixels:
    """The (height, width, 4) uint8 BGRX pixels of one bitmap, padding included.

    Raises DecodeError for whatever a peer may have put into these fields.
    """
    if bits_per_pixel not in (8, 15, 16, 24, PLANAR_DEPTH):
        raise DecodeError("Bitmap.bitsPerPixel", f"{bits_per_pixel}, expected 8, 15, 16, 24 or 32", 0)
    if is_compressed:
        if bits_per_pixel == PLANAR_DEPTH:
            return planar.decode(data, width, height)
        return interleaved.decode(data, width, height, bits_per_pixel, palette=palette)
    return _decode_uncompressed(data, width, height, bits_per_pixel, palette)


def _decode_uncompressed(
    data: bytes, width: int, height: int, bits_per_pixel: int, palette: Pixels | None
) -> Pixels:
    size = (bits_per_pixel + 7) // 8
    stride = padded_width(width * size)  # lines are padded to four bytes
    if width <= 0 or height <= 0 or len(data) != stride * height:
        reason = f"{len(data)} bytes, expected {stride * height} for {width} x {height} pixels"
        raise DecodeError("Bitmap.bitmapDataStream", reason, 0)
    lines = np.frombuffer(data, np.uint8).reshape(height, stride)[::-1, : width * size].copy()
    if bits_per_pixel == PLANAR_DEPTH:
        lines.reshape(height, width, 4)[..., 3] = 255
        return lines.reshape(height, width, 4)
    if size == 3:
        samples: Samples = np.zeros((height, width), np.uint32)
        samples.view(np.uint8).reshape(height, width, 4)[..., :3] = lines.reshape(height, width, 3)
    else:
        samples = lines.view(np.uint16 if size == 2 else np.uint8)
    return expand(samples, bits_per_pixel, palette)
