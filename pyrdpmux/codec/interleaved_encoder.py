"""Interleaved RLE (MS-RDPBCGR 2.2.9.1.1.3.1.2.4), many tiles at a time, with the orders that pay.

Memory layout of one batch of n tiles of width w and height h: the samples of all tiles in one row, each tile
preceded by one black line, so that "equal to the pixel above, or black on the first line" is one comparison::

    | w black | h*w pixels, bottom line first | padding to a multiple of 64 | w black | ...

Every pixel is in one of three states, and each stretch of equal state becomes one order:

* background run (two or more pixels equal to those above): no payload;
* color run (three or more equal pixels that are not background): one pixel;
* color image (the rest): the pixels themselves.

Foreground runs and images, dithered runs and the one-pixel orders are not used.

INVARIANT: two background orders never follow each other except across the end of the first line, since the
decoder would put a foreground pixel between them. A background run is cut at the end of the first line
because one that starts there means black as far as it goes.
INVARIANT: no order is longer than 65535 pixels, the most that a MEGA_MEGA order can say.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import REDUCE, Samples, Words
from pyrdpmux.codec.scatter import (
    SPARE,
    WINDOW,
    Bits,
    Bytes,
    Positions,
    Scratch,
    following,
    pack,
    positions,
    preceding,
    read_only,
    rounded_up,
    spread,
    unpack,
    windows,
)

LONGEST: Final = 1 << 15
"""Orders are cut after so many pixels."""

_IMAGE, _BACKGROUND, _COLOR = 0, 1, 2
_REGULAR: Final = (0x80, 0x00, 0x60)
_MEGA_MEGA: Final = (0xF4, 0xF0, 0xF3)
_MEGA_FROM: Final = 32
_MEGA_MEGA_FROM: Final = _MEGA_FROM + 256


class _Orders(NamedTuple):
    """What each order becomes; index = state * (_MEGA_MEGA_FROM + 1) + length, at most _MEGA_MEGA_FROM."""

    size: Positions  # of all; an image's further pixels come on top
    header: Bytes  # its first byte


@lru_cache
def _orders(pixel: int) -> _Orders:
    size, header = [], []
    for state in (_IMAGE, _BACKGROUND, _COLOR):
        for length in range(_MEGA_MEGA_FROM + 1):
            payload = {_IMAGE: length * pixel, _BACKGROUND: 0, _COLOR: pixel}[state]
            size.append(1 + (length >= _MEGA_FROM) + (length >= _MEGA_MEGA_FROM) + payload)
            short = length if length < _MEGA_FROM else 0
            header.append(_MEGA_MEGA[state] if length >= _MEGA_MEGA_FROM else _REGULAR[state] | short)
    orders = _Orders(np.array(size), np.array(header, np.uint8))
    read_only(*orders)
    return orders


class _Layout(NamedTuple):
    """Where the pixels lie in a tile's part of the row; masks are (1, tile / 64)."""

    tile: int  # pixels of a tile with the line before and the padding
    pixels: Bits
    above: Bits  # those that may be background: where a run is cut, one pixel must come between
    starts: Bits  # first pixel, and where orders that grow too long are cut
    second_line: Bits  # its first pixel


@lru_cache(maxsize=32)
def _layout(width: int, height: int) -> _Layout:
    used = width * (height + 1)
    tile = rounded_up(used + 1, 64)
    mask = np.zeros((3, tile), np.bool_)
    mask[0, width:used] = True
    mask[1, width:used:LONGEST] = True
    mask[2, 2 * width : 2 * width + 1] = height > 1
    bits = pack(mask.reshape(-1), 3)
    pixels, starts, second_line = bits[:1], bits[1:2], bits[2:]
    above = pixels & ~(starts & preceding(pixels))
    read_only(pixels, above, starts, second_line)
    return _Layout(tile, pixels, above, starts, second_line)


def encode_batch(source: Words | Samples, bits_per_pixel: int, scratch: Scratch) -> list[bytes]:
    """RLE_BITMAP_STREAMs of a C-contiguous (n, h, w) batch, its lines in the order of the wire.

    ``source`` holds words 0xXXRRGGBB, or samples of the depth already (uint8, uint16) which are taken as
    they are.
    """
    count, height, width = source.shape
    layout = _layout(width, height)
    samples = REDUCE[bits_per_pixel](source) if source.dtype == np.uint32 else source
    row, flat = _row(samples, layout, scratch)
    left = _same_as_left(flat, count)
    background, color = _states(flat, left, layout, width)
    starts = background ^ preceding(background)
    starts |= color ^ preceding(color)
    # Two color runs may meet: where the color changes within that state, the next begins.
    starts |= color & ~left
    starts |= layout.starts
    starts |= layout.second_line & background
    starts &= layout.pixels
    begins = positions(starts)
    state = unpack(color).view(np.uint8).take(begins)
    state += state
    state += unpack(background).view(np.uint8).take(begins)
    return _emit(row, begins, state, layout, (count, height, width), bits_per_pixel, scratch)


def _row(samples: Samples, layout: _Layout, scratch: Scratch) -> tuple[Bytes, Samples]:
    """The samples as a row of n * tile, black line and padding included: as bytes, and as ``samples``' type.

    ``samples`` (n, h, w) uint8, uint16 or uint32. The bytes have SPARE more behind them. What is in the
    padding is left from an earlier batch: every mask leaves it out.
    """
    count, height, width = samples.shape
    size = samples.dtype.itemsize
    row = scratch.get("row", count * layout.tile * size + SPARE)
    flat: Samples = row[:-SPARE].view(samples.dtype)
    tiles = flat.reshape(count, layout.tile)
    tiles[:, :width] = 0
    tiles[:, width : width * (height + 1)].reshape(count, height, width)[...] = samples
    return row, flat


def _same_as_left(flat: Samples, count: int) -> Bits:
    """(n, tile / 64) bits: which samples of ``flat`` (n * tile,) equal the one before."""
    same = np.empty(len(flat), np.bool_)
    same[0] = False
    np.equal(flat[1:], flat[:-1], out=same[1:])
    return pack(same, count)


def _states(flat: Samples, left: Bits, layout: _Layout, width: int) -> tuple[Bits, Bits]:
    """Background and color, (n, tile / 64) bits each; a pixel in neither belongs to a color image.

    ``flat`` (n * tile,) samples, ``left`` (n, tile / 64) from :func:`_same_as_left`. The first line's
    pixels are compared with the black line, which is why it is there.
    """
    same = np.empty(len(flat), np.bool_)
    same[:width] = False
    np.equal(flat[width:], flat[:-width], out=same[width:])
    above = pack(same, len(left))
    above &= layout.pixels
    above &= layout.above
    background = _not_alone(above)
    foreground = layout.pixels & ~background
    color = _not_alone(left & foreground)
    # The pixel that the others equal joins them unless it is background.
    color |= following(color) & foreground
    return background, color


def _not_alone(bits: Bits) -> Bits:
    """The bits (n, words) that have a neighbor: of stretches of one, nothing is left."""
    pairs = bits & following(bits)
    pairs |= preceding(pairs)
    return pairs


def _emit(
    row: Bytes,
    begins: Positions,
    state: NDArray[Any],
    layout: _Layout,
    shape: tuple[int, int, int],
    bits_per_pixel: int,
    scratch: Scratch,
) -> list[bytes]:
    """The orders of n tiles as n streams.

    ``row`` is the row's bytes; ``begins`` (orders,) int64 where each order's pixels begin in the row, in
    samples, ascending over all tiles; ``state`` (orders,) uint8, one of _IMAGE, _BACKGROUND, _COLOR;
    ``shape`` is (n, h, w). Lengths are in pixels, sizes and places in bytes of output.

    INVARIANT: the sum of sizes fits int32: a batch has BATCH_PIXELS or is one tile, and no tile has 2**29
    pixels.
    INVARIANT: images move in windows of 16 bytes: last windows first, whose garbage the full ones, and
    the next order's bytes, overwrite (`codec.scatter`); a color run's pixel and the headers are written
    after them.
    """
    count, height, width = shape
    pixel = (bits_per_pixel + 7) // 8
    tile_starts = np.arange(count) * layout.tile
    first = np.searchsorted(begins, tile_starts)
    length = np.empty_like(begins)
    np.subtract(begins[1:], begins[:-1], out=length[:-1])
    ends = np.append(first[1:], len(begins)) - 1
    length[ends] = tile_starts + width * (height + 1) - begins[ends]

    orders = _orders(pixel)
    order = np.minimum(length, _MEGA_MEGA_FROM)
    order += state * np.int64(_MEGA_MEGA_FROM + 1)
    size = orders.size.take(order)
    long = np.flatnonzero(length > _MEGA_MEGA_FROM)
    size[long] += np.where(state[long] == _IMAGE, (length[long] - _MEGA_MEGA_FROM) * pixel, 0)
    end = np.cumsum(size, dtype=np.int32).astype(np.int64)
    begin = end - size
    total = int(end[-1])

    if pixel == 3:
        row = _packed(row, scratch)
    out = scratch.get("interleaved", total + SPARE)
    outgoing, incoming = windows(out), windows(row)
    images = np.flatnonzero(state == _IMAGE)
    payload = length[images] * pixel
    target, source = end[images] - payload, begins[images] * pixel
    full = (payload - 1) // WINDOW
    offset = full * WINDOW
    outgoing[target + offset] = incoming[source + offset]
    many = np.flatnonzero(full != 0)
    targets, sources = spread(target[many], source[many], full[many], WINDOW, WINDOW)
    outgoing[targets] = incoming[sources]

    colors = np.flatnonzero(state == _COLOR)
    windows(out, pixel)[end[colors] - pixel] = windows(row, pixel)[begins[colors] * pixel]
    out[begin] = orders.header.take(order)
    _write_lengths(out, begin, length)
    data = out[:total].tobytes()
    bounds = [*begin[first].tolist(), total]
    return [data[a:b] for a, b in pairwise(bounds)]


def _write_lengths(out: Bytes, begin: Positions, length: Positions) -> None:
    """Those that do not fit the first byte: one more up to 287 pixels (MEGA), then two (MEGA_MEGA).

    ``begin`` (orders,) int64 places of the first bytes in ``out``, ``length`` (orders,) int64 pixels.
    """
    mega = np.flatnonzero(length >= _MEGA_FROM)
    out[begin[mega] + 1] = (length[mega] - _MEGA_FROM).astype(np.uint8)
    mega = mega[length[mega] >= _MEGA_MEGA_FROM]
    out[begin[mega] + 1] = length[mega].astype(np.uint8)
    out[begin[mega] + 2] = (length[mega] >> 8).astype(np.uint8)


def _packed(row: Bytes, scratch: Scratch) -> Bytes:
    """The row (4 * samples + SPARE,) with three bytes a pixel instead of four: four words become three.

    A tile is a multiple of 64 samples, so the row is one of four.
    """
    count = (len(row) - SPARE) // 4
    result = scratch.get("packed", count * 3 + SPARE)
    one, two, three, four = row[:-SPARE].view(np.uint32).reshape(-1, 4).T
    target = result[:-SPARE].view(np.uint32).reshape(-1, 3).T
    np.bitwise_or(one, two << np.uint32(24), out=target[0])
    np.bitwise_or(two >> np.uint32(8), three << np.uint32(16), out=target[1])
    np.bitwise_or(three >> np.uint32(16), four << np.uint32(8), out=target[2])
    return result
