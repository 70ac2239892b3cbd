"""RLEX (MS-RDPEGFX 2.2.4.1.1.3.1.1 CLEARCODEC_SUBCODEC_RLEX): a palette, and runs that end in a suite.

A segment is a byte ``depth << bits | stop``, and a run length: the color ``stop - depth`` that many times,
then the colors from it up to ``stop``, one pixel each. Colors are numbered by their first appearance, so that
what appears one after the other tends to be a suite.

QUIRK(FreeRDP): a palette of one color has one bit of index, where the formula has the logarithm of zero.
"""

from typing import Final

import numpy as np

from pyrdpmux.codec.clear import runs
from pyrdpmux.codec.clear.distinct import distinct
from pyrdpmux.codec.clear.residual import colors_of, octets
from pyrdpmux.codec.color import Words
from pyrdpmux.errors import DecodeError

MAX_COLORS: Final = 0x7F
_BYTE: Final = 8
_SAMPLE: Final = 256
PATH: Final = "ClearCodec.bitmapData"


def index_bits(colors: int) -> int:
    """Bits of ``stopIndex``."""
    return max(1, (colors - 1).bit_length())


def encode(words: Words) -> bytes | None:
    """(h, w) words 0x00RRGGBB of one tile; None where the palette is too small for it."""
    flat = np.ascontiguousarray(words).reshape(-1)
    starts, lengths = runs.runs_of(flat)
    # A hundred runs or two of a photo have too many colors already: no need to sort thousands.
    if len(distinct(flat[starts[:_SAMPLE]])[0]) > MAX_COLORS:
        return None
    first, index = distinct(flat[starts])
    if len(first) > MAX_COLORS:
        return None
    bits = index_bits(len(first))
    # A run of one pixel and the next index continues the segment before it.
    joins = np.zeros(len(index), np.bool_)
    joins[1:] = (lengths[1:] == 1) & (index[1:] == index[:-1] + 1)
    place = np.arange(len(index))
    place -= np.maximum.accumulate(np.where(joins, 0, place))
    begins = np.flatnonzero(place % (1 << (_BYTE - bits)) == 0)
    depth = np.diff(begins, append=len(index)) - 1
    heads = (depth << bits | index[begins] + depth).astype(np.uint8)
    palette = octets(flat[starts[first]]).tobytes()
    return bytes([len(first)]) + palette + runs.pack(heads[:, None], lengths[begins] - 1)


def decode(data: bytes, pixels: int, offset: int = 0) -> Words:
    """The ``pixels`` words of one rectangle, opaque."""
    count = data[0] if data else 0
    if not 1 <= count <= MAX_COLORS:
        raise DecodeError(f"{PATH}.paletteCount", f"{count}, expected 1 to {MAX_COLORS}", offset)
    if len(data) < 1 + 3 * count:
        raise DecodeError(
            f"{PATH}.paletteEntries", f"need {3 * count} bytes, {len(data) - 1} left", offset + 1
        )
    array = np.frombuffer(data, np.uint8)
    palette = colors_of(array[1 : 1 + 3 * count].reshape(-1, 3))
    behind = 1 + 3 * count
    heads, lengths = runs.unpack(array[behind:], 1, f"{PATH}.segments", offset + behind)
    head = heads[:, 0].astype(np.int64)
    bits = index_bits(count)
    stop = head & ((1 << bits) - 1)
    depth = head >> bits
    start = stop - depth
    if (stop >= count).any() or (start < 0).any():
        raise DecodeError(f"{PATH}.stopIndex", f"outside of the palette of {count}", offset + behind)
    # INVARIANT: a segment has at least two bytes, so the sum of lengths of 32 bits fits 64 bits.
    total = int(lengths.sum() + depth.sum()) + len(depth)
    if total != pixels:
        raise DecodeError(f"{PATH}.segments", f"{total} pixels, expected {pixels}", offset + behind)
    # Each segment as its run, and one item a pixel of its suite.
    items = depth + 2
    ends = np.cumsum(items)
    before = ends - items
    repeats = np.ones(int(ends[-1]), np.int64)
    repeats[before] = lengths
    index = np.arange(len(repeats))
    index -= np.repeat(before + 1 - start, items)
    index[before] = start
    return np.repeat(palette[index], repeats)
