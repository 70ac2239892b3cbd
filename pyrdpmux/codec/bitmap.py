"""Parts of a frame as the bitmaps of a bitmap update (MS-RDPBCGR 2.2.9.1.1.3.1.2.2 TS_BITMAP_DATA).

What clients want of a bitmap, all depths alike:

* lines bottom-up;
* ``width`` a multiple of four: cbScanWidth MUST be one (2.2.9.1.1.3.1.2.3), uncompressed lines are padded to
  four bytes by the specification and taken without padding by FreeRDP, so only such widths mean the same to
  both. xrdp and FreeRDP's server pad 32-bit bitmaps too, hence so do we;
* destRight and destBottom (inclusive) are those of the wanted rectangle: clients crop the padding.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from pyrdpmux.codec import interleaved, planar, planar_encoder
from pyrdpmux.codec.batches import tiles_of
from pyrdpmux.codec.color import REDUCE, Pixels, Samples, Words, expand, sample_size, words
from pyrdpmux.errors import DecodeError, EncodeError

Rectangle = tuple[int, int, int, int]
"""(x, y, width, height) in pixels; a named tuple of these four will do."""

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
    rectangles: Sequence[Rectangle],
    bits_per_pixel: int = 32,
    *,
    compress: bool = True,
    skip_alpha: bool = True,
) -> list[EncodedBitmap]:
    """One bitmap per rectangle of a (h, w, 4) uint8 BGRX frame, in the order of ``rectangles``.

    32 bits are planar, 8, 15, 16 and 24 interleaved RLE; where that does not pay, or without ``compress``,
    the bitmap is uncompressed (planar then stays a stream, of raw planes, if ``compress``). Sizes may be
    mixed: rectangles are grouped by geometry, each group is one batch. Padding repeats the last column.
    ``skip_alpha``: the client's drawingFlags have ALLOW_SKIP_ALPHA (2.2.7.1.2); others get an opaque plane.
    """
    if bits_per_pixel != PLANAR_DEPTH:
        sample_size(bits_per_pixel)
    source = words(frame)
    groups: dict[tuple[int, int], list[int]] = {}
    for index, (_, _, width, height) in enumerate(rectangles):
        groups.setdefault((width, height), []).append(index)
    result: dict[int, EncodedBitmap] = {}
    for (width, _), indices in groups.items():
        strips = _strips(source, [rectangles[index] for index in indices])
        encoded = _encode_group(strips, padded_width(width), bits_per_pixel, compress)
        if bits_per_pixel == PLANAR_DEPTH and compress and not skip_alpha:
            encoded = _with_alpha(encoded, tiles_of(strips, padded_width(width)))
        result |= zip(indices, encoded, strict=True)
    return [result[index] for index in range(len(rectangles))]


def _strips(source: Words, rectangles: list[Rectangle]) -> list[Words]:
    """The pixels of rectangles of one size; neighbors in one array, if no padding has to go between them."""
    merged: list[list[int]] = []
    for x, y, width, height in rectangles:
        if (
            x < 0
            or y < 0
            or width <= 0
            or height <= 0
            or y + height > len(source)
            or x + width > source.shape[1]
        ):
            reason = f"{(x, y, width, height)}, expected one within {source.shape[1]}x{len(source)}"
            raise EncodeError("rectangles", reason)
        if merged and merged[-1][:2] == [y, x] and width % WIDTH_MULTIPLE == 0:
            merged[-1][1] += width
        else:
            merged.append([y, x + width, x, height])
    padding = -width % WIDTH_MULTIPLE
    strips = [source[top : top + height, left:right] for top, right, left, height in merged]
    return [np.pad(strip, ((0, 0), (0, padding)), mode="edge") for strip in strips] if padding else strips


def _encode_group(
    strips: list[Words], width: int, bits_per_pixel: int, compress: bool
) -> list[EncodedBitmap]:
    height = len(strips[0])
    if compress and bits_per_pixel == PLANAR_DEPTH:
        streams = planar.encode_strips(strips, width)
        return [EncodedBitmap(width, height, bits_per_pixel, True, data) for data in streams]
    tiles = tiles_of(strips, width)
    if compress:
        streams = interleaved.encode_strips(strips, width, bits_per_pixel)
        size = width * height * sample_size(bits_per_pixel)
        pays = [len(data) < size for data in streams]
    else:
        streams, pays = [b""] * len(tiles), [False] * len(tiles)
    return [
        EncodedBitmap(
            width, height, bits_per_pixel, does, data if does else _uncompressed(tile, bits_per_pixel)
        )
        for tile, data, does in zip(tiles, streams, pays, strict=True)
    ]


def _with_alpha(bitmaps: list[EncodedBitmap], tiles: Sequence[Words]) -> list[EncodedBitmap]:
    """The same streams with an alpha plane in front, or uncompressed where they are not run-length encoded.

    QUIRK(rdesktop): it reads run-length encoded streams with alpha (format header 0x10) and no others.
    """
    result = []
    for bitmap, tile in zip(bitmaps, tiles, strict=True):
        if bitmap.data.startswith(planar_encoder.HEADER_RLE_NO_ALPHA):
            plane = _opaque_plane(bitmap.width, bitmap.height)
            data = HEADER_RLE + plane + bitmap.data[len(HEADER_RLE) :]
            result.append(bitmap._replace(data=data))
        else:
            data = _uncompressed(tile, PLANAR_DEPTH)
            result.append(bitmap._replace(is_compressed=False, data=data))
    return result


@lru_cache(maxsize=256)
def _opaque_plane(width: int, height: int) -> bytes:
    """A plane of 255, run-length encoded (MS-RDPEGDI 3.1.9.2): 255 and its run, then lines without change."""
    first = bytes([0x10, 255]) + _run(width - 1)
    return first + _run(width) * (height - 1)


def _run(length: int) -> bytes:
    """Control bytes that repeat the value before them; ``length`` is 3 at least, as padded widths are 4."""
    return bytes([planar_encoder.run_control(part) for part in planar_encoder.split_run(length)])


def _uncompressed(tile: Words, bits_per_pixel: int) -> bytes:
    if bits_per_pixel == PLANAR_DEPTH:
        return tile[::-1].tobytes()
    samples = REDUCE[bits_per_pixel](tile[::-1])
    if bits_per_pixel == 24:
        return samples.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    return samples.tobytes()


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
