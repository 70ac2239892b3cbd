"""RDP 6.0 run-length encoding of color planes (MS-RDPEGDI 3.1.9.2), many tiles at a time.

Memory layout of one batch of n tiles of width w and height h: every scan line of every plane of every tile is
one row of one matrix, so that one pass of each step serves all of them::

    column   0     1 .. w     w+1
           +-----+----------+-----+
    row 0  |  0  | deltas   | end |   tile 0, red plane, first line (bottom line of the screen if bottom-up)
    row 1  |  0  | deltas   | end |   tile 0, red plane, second line
           |     |          |     |   ... green, blue; tile 1 ...

Lines may be longer, so that a tile is a multiple of 64 bytes. Of gray tiles one plane is sent three times.

Column 0 is the zero that a line starts with ("the RAW value ... is assumed to be zero"), and is always
counted as part of a run; what follows column w never is. So the edges of the runs alternate strictly, up,
down, up, down, and every line starts with an up edge. A *segment* is a run (possibly empty) and the raw
values behind it::

    up          down            up        down
    |  run       |  raw          |  run    |  raw

On the wire a control byte holds raw values and the run *behind* them. Therefore a run that does not start its
line lends up to 15 of its length to the last control byte of the segment before.

INVARIANT: deltas and their zigzag form are uint8 and wrap; lengths are int64 only because they are added to
positions.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.batches import side_by_side, tiles_of
from pyrdpmux.codec.color import Words
from pyrdpmux.codec.scatter import (
    SPARE,
    Bits,
    Bytes,
    Positions,
    Scratch,
    following,
    pack,
    population,
    positions,
    preceding,
    read_only,
    rounded_up,
    spread,
    windows,
)

RAW_MAX: Final = 15
"""cRawBytes has four bits."""
RUN_MAX: Final = 47
"""nRunLength 2 stands for 32 + cRawBytes."""
PLANES: Final = 3
HEADER_RLE_NO_ALPHA: Final = b"\x30"
HEADER_RAW_NO_ALPHA: Final = b"\x20"

SMALL: Final = 6
"""Differences from -6 to 5, zigzagged below 12, have codes of 5 to 7 bits in ZGFX, most others of 9."""

_FULL_RAW: Final = RAW_MAX << 4
_LONGEST_RUN: Final = 0xF2
_OVERLAP: Final = 4
"""Spare bytes behind differences, for words that begin within the last pixel."""


class _Tables(NamedTuple):
    """What a run or a stretch of raw values of each length becomes; all indexed by length."""

    #: index = length, + line_start for a run that starts its line (whose column 0 is counted)
    line_start: int
    attached: Bytes  # part of the run that the control byte before takes: 0, 3..15
    extra: Positions  # control bytes that follow for the rest
    last: Bytes  # value of the last of them
    second_last: Bytes
    #: index = number of raw values
    size: Positions  # with control bytes
    full: Positions  # chunks of exactly 15 that have another behind them
    source: Positions  # start of the last chunk less one, in the matrix, from the first raw value
    target: Positions  # start of the last chunk, from the first control byte
    control: Bytes  # high half of the last chunk's control byte


@lru_cache(maxsize=32)
def _tables(width: int) -> _Tables:
    start = width + 1
    length = np.arange(width + 1)
    # How much of a run goes into the control byte before it; never leaves a rest of 1 or 2.
    lent = np.where(length <= RAW_MAX, length, np.minimum(RAW_MAX, length - 3))
    # Behind them the runs that start a line; a run of 1 or 2 is never asked for.
    attached = np.concatenate([lent, np.zeros(start + 1, np.intp)]).astype(np.uint8)
    extra, last, second_last = _long_runs(np.concatenate([length - lent, [0], length]))
    count = np.arange(width + 1)
    chunks = -(-count // RAW_MAX)
    full = np.maximum(chunks - 1, 0)
    size = count + chunks
    control = (count - full * RAW_MAX).astype(np.uint8) << np.uint8(4)
    tables = (attached, extra, last, second_last, size, full, full * RAW_MAX + SPARE - 1, full * 16, control)
    read_only(*tables)
    return _Tables(start, *tables)


def _long_runs(length: Positions) -> tuple[Positions, Bytes, Bytes]:
    """How many runs :func:`split_run` makes of each length, and what becomes of the last two; 0 for none."""
    count, rest = np.divmod(length, RUN_MAX)
    # One that would leave 1 or 2 is shorter, so that they become 3.
    missing = np.where((rest == 1) | (rest == 2), 3 - rest, 0)
    count += rest > 0
    last = np.where(rest > 0, rest + missing, RUN_MAX)
    controls = np.array([run_control(run) for run in range(RUN_MAX + 1)], np.uint8)
    return (
        count,
        np.where(count > 0, controls[last], np.uint8(0)),
        np.where(count > 1, controls[RUN_MAX - missing], np.uint8(0)),
    )


def split_run(length: int) -> list[int]:
    """A run without raw values, as runs of 3 to 47."""
    parts = [RUN_MAX] * (length // RUN_MAX)
    rest = length % RUN_MAX
    if rest in (1, 2):
        parts[-1] -= 3 - rest
        rest = 3
    return [*parts, rest] if rest else parts


def run_control(length: int) -> int:
    """MS-RDPEGDI 2.2.2.5.1.2: nRunLength 1 and 2 stand for 16 and 32 more than cRawBytes."""
    return length if length < 16 else (length - 16) << 4 | 1 if length < 32 else (length - 32) << 4 | 2


class _Layout(NamedTuple):
    """Where lines and planes lie in a tile's part of the matrix."""

    stride: int  # of a line
    tile: int  # bytes of a tile, a multiple of 64
    columns: Bits  # (1, tile / 64): the w pixel columns
    starts: Bits  # (1, tile / 64): column 0


@lru_cache(maxsize=64)
def _layout(width: int, height: int, planes: int) -> _Layout:
    lines = height * planes
    # A few more bytes a line, so that tiles are whole words of bits and lines still equally far apart.
    stride = rounded_up(width + 2, 64 // gcd(lines, 64))
    mask = np.zeros((2, lines, stride), np.bool_)
    mask[0, :, 1 : width + 1] = True
    mask[1, :, 0] = True
    bits = pack(mask.reshape(-1), 2)
    read_only(bits)
    return _Layout(stride, lines * stride, bits[:1], bits[1:])


def encode_batch(
    strips: Sequence[Words], width: int, scratch: Scratch, *, rle: bool, bottom_up: bool, zgfx: bool = False
) -> list[bytes]:
    """RDP6_BITMAP_STREAMs of the tiles of some (h, k * width) strips of words 0xXXRRGGBB, uint32.

    ``zgfx``: they go through that compressor, behind which small differences are shorter than raw values.
    """
    ordered = [strip[:: -1 if bottom_up else 1] for strip in strips]
    lines = tiles_of(ordered, width)
    if not rle:
        return [_raw(tile) for tile in lines]
    difference = _differences(ordered, (len(lines), len(ordered[0]), width), scratch)
    gray = _are_gray(difference, (len(lines), len(ordered[0]), width))
    result: dict[int, bytes] = {}
    for planes, members in ((PLANES, np.flatnonzero(~gray)), (1, np.flatnonzero(gray))):
        if len(members):
            streams = _encode_alike(lines, members, difference, planes, scratch, zgfx=zgfx)
            result |= zip(members.tolist(), streams, strict=True)
    return [result[index] for index in range(len(lines))]


def _encode_alike(
    lines: Sequence[Words],
    members: Positions,
    difference: Bytes,
    planes: int,
    scratch: Scratch,
    *,
    zgfx: bool,
) -> list[bytes]:
    """Streams of the tiles at ``members``, which are all gray (of which one plane says all) or all not."""
    height, width = lines[0].shape
    layout = _layout(width, height, planes)
    if len(members) < len(lines):
        difference = _selected(difference, members, height * width * 4, scratch)
    matrix = _matrix(difference, layout, (len(members), planes, height, width), scratch)
    runs, is_raw = _runs(matrix, layout, len(members), width * height * planes, zgfx=zgfx)
    edges = preceding(runs)
    edges ^= runs
    edges[is_raw] = 0
    kept = np.flatnonzero(~is_raw)
    encoded = _emit(matrix, positions(edges), layout, width, kept, scratch)
    result = [_raw(lines[index]) if skip else b"" for index, skip in zip(members, is_raw, strict=True)]
    repeat = PLANES // planes
    for index, data in zip(kept.tolist(), encoded, strict=True):
        # The estimate may have been wrong; ZGFX's cannot be checked so.
        pays = zgfx or len(data) <= width * height * planes
        result[index] = HEADER_RLE_NO_ALPHA + data * repeat if pays else _raw(lines[members[index]])
    return result


def _raw(tile: Words) -> bytes:
    """``tile`` (h, w) uint32 as plain planes, with the pad byte (2.2.2.5.1) that FreeRDP and Windows send."""
    planes = [(tile >> np.uint32(shift)).astype(np.uint8).tobytes() for shift in (16, 8)]
    return b"".join([HEADER_RAW_NO_ALPHA, *planes, tile.astype(np.uint8).tobytes(), b"\0"])


def _differences(strips: Sequence[Words], shape: tuple[int, int, int], scratch: Scratch) -> Bytes:
    """(n * h * w * 4,) and a few more: each line less the one before it on the wire.

    Line 0 holds the inverse of the zigzag of its values, so that one rule serves for all lines.
    """
    count, height, width = shape
    result = scratch.get("difference", count * height * width * 4 + _OVERLAP)
    tiles = result[:-_OVERLAP].reshape(count, height, width * 4)
    heads = tiles[:, 0]
    at = 0
    for strip in strips:
        pixels = side_by_side(strip.view(np.uint8), width * 4)
        end = at + pixels.shape[1]
        np.subtract(pixels[1:], pixels[:-1], out=tiles[at:end, 1:].swapaxes(0, 1))
        heads[at:end] = pixels[0]
        at = end
    sign = heads & np.uint8(1)
    np.negative(sign, out=sign)
    np.right_shift(heads, np.uint8(1), out=heads)
    heads ^= sign
    return result


def _are_gray(difference: Bytes, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """(n,) tiles whose three planes are equal; a look at two lines saves most the full test."""
    pixels = difference[:-_OVERLAP].view("<u4").reshape(shape)
    height = shape[1]
    gray = ~_has_color(pixels[:, :: max(1, height - 1)])
    if gray.any():
        gray = ~_has_color(pixels)
    return gray


def _has_color(pixels: Words) -> NDArray[np.bool_]:
    """(n,) bool: whether blue, green and red differ anywhere in ``pixels`` (n, lines, w) uint32."""
    different = pixels >> np.uint32(8)
    different ^= pixels
    different &= np.uint32(0xFFFF)
    result: NDArray[np.bool_] = np.any(different.reshape(len(pixels), -1), axis=1)
    return result


def _selected(difference: Bytes, members: Positions, size: int, scratch: Scratch) -> Bytes:
    """The differences of the tiles ``members`` (m,) only, ``size`` bytes each, and _OVERLAP more behind."""
    result = scratch.get("selected", len(members) * size + _OVERLAP)
    tiles = result[:-_OVERLAP].reshape(-1, size)
    np.take(difference[:-_OVERLAP].reshape(-1, size), members, axis=0, mode="clip", out=tiles)
    return result


def _matrix(difference: Bytes, layout: _Layout, shape: tuple[int, int, int, int], scratch: Scratch) -> Bytes:
    """The matrix, flat, with SPARE bytes before (for the byte before the first window) and behind."""
    count, planes, height, width = shape
    matrix = scratch.get("matrix", 2 * SPARE + count * layout.tile)
    lines = matrix[SPARE:-SPARE].reshape(count, planes, height, layout.stride)
    lines[..., 0] = 0
    for plane in range(planes):
        # Narrowing a word to its low byte is three times as quick as copying every fourth byte; red is the
        # third byte of a pixel, and its words overlap those of the pixels.
        channel = np.ndarray((count, height, width), "<u4", difference, 2 - plane)
        np.copyto(lines[:, plane, :, 1 : width + 1], channel, casting="unsafe")
    return matrix


def _runs(
    matrix: Bytes, layout: _Layout, count: int, values: int, *, zgfx: bool
) -> tuple[Bits, NDArray[np.bool_]]:
    """The bits that belong to runs, (n, tile / 64), and (n,) bool: which tiles are not worth it.

    ``matrix`` is flat uint8 with SPARE bytes before and behind; ``values`` are a tile's raw values, of
    all planes.
    """
    flat = matrix[SPARE - 1 : -SPARE]
    same = pack(np.equal(flat[1:], flat[:-1]), count)
    same &= layout.columns
    # Three in a row or none: erode, then dilate.
    next_same = following(same)
    core = same & next_same
    core &= following(next_same)
    before_core = preceding(core)
    runs = preceding(before_core)
    runs |= before_core
    runs |= core
    covered = population(runs)
    starts = population(core & ~before_core)
    # A raw value costs 16/15 bytes; a run about one; a half-filled chunk before each run half a byte.
    estimate = (values - covered) * 16 // 15 + starts
    if zgfx:
        # Bits: two and a half of nine less for each small one, against plain bytes.
        small = pack(matrix[SPARE:-SPARE] + np.uint8(SMALL) < np.uint8(2 * SMALL), count)
        small &= layout.columns & ~runs
        estimate = (9 * estimate - population(small) * 5 // 2) // 8
    runs |= layout.starts
    return runs, estimate >= values


def _emit(
    matrix: Bytes, edges: Positions, layout: _Layout, width: int, kept: Positions, scratch: Scratch
) -> list[bytes]:
    """Planes of the ``kept`` tiles from the alternating edges of their runs.

    ``edges`` (2 * segments,) int64: columns of the flat matrix, up, down, up, down, over all kept tiles;
    ``kept`` (m,) int64 numbers of tiles, ascending. From here on all arrays are (segments,): ``run`` and
    ``raw`` lengths in columns, ``place`` and ``end`` in bytes of output.

    INVARIANT: the sum of sizes fits int32: a batch has BATCH_PIXELS or is one tile, and no tile has 2**29
    pixels.
    """
    if not len(kept):
        return []
    tables = _tables(width)
    ups, downs = edges[0::2], edges[1::2]
    first = np.searchsorted(ups, kept * layout.tile)  # segment that starts each tile
    small = ups.astype(np.uint32)  # dividing those is quicker by far
    line_start = (small // np.uint32(layout.stride) * np.uint32(layout.stride) == small).view(np.uint8)

    run = downs - ups
    run += line_start * np.int64(tables.line_start)
    unused = layout.stride - 1 - width
    raw = np.empty_like(run)
    np.subtract(ups[1:], downs[:-1], out=raw[:-1])
    raw[:-1] -= line_start[1:] * np.int64(unused)
    # Behind a tile may come some that are left out.
    ends = np.append(first[1:], len(ups)) - 1
    raw[ends] = (kept + 1) * layout.tile - unused - downs[ends]

    extra = tables.extra.take(run)
    size = tables.size.take(raw)
    end = np.cumsum(size + extra, dtype=np.int32).astype(np.int64)
    place = end - size
    length = int(end[-1])
    out = scratch.get("planar", length + SPARE)
    targets = _copy_raw(out, matrix, downs, raw, place, tables)

    # Only what is sent is zigzagged: x < 0 -> -2x - 1, else 2x.
    values = out[:length].view(np.int8)
    sign = values >> np.int8(7)
    values += values
    values ^= sign

    control = tables.control.take(raw)
    control[:-1] |= tables.attached.take(run[1:])
    out[place + tables.target.take(raw)] = control
    out[targets] = _FULL_RAW
    _write_runs(out, place, run, extra, tables)
    data = out[:length].tobytes()
    bounds = [0, *end[ends].tolist()]
    return [data[a:b] for a, b in pairwise(bounds)]


def _copy_raw(
    out: Bytes, matrix: Bytes, downs: Positions, raw: Positions, place: Positions, tables: _Tables
) -> Positions:
    """Raw values to their places, one byte free before each chunk; returns where the full chunks begin.

    ``downs``, ``raw`` and ``place`` are (segments,) int64: where raw values begin in the matrix (which
    has SPARE bytes before), how many they are, where the segment begins in ``out``. The result is (full
    chunks,) int64.
    """
    outgoing, incoming = windows(out), windows(matrix)
    source = downs + tables.source.take(raw)
    outgoing[place + tables.target.take(raw)] = incoming[source]
    many = np.flatnonzero(raw > RAW_MAX)
    full = tables.full.take(raw[many])
    targets, sources = spread(place[many], downs[many] + (SPARE - 1), full, 16, RAW_MAX)
    outgoing[targets] = incoming[sources]
    return targets


def _write_runs(out: Bytes, place: Positions, run: Positions, extra: Positions, tables: _Tables) -> None:
    """The control bytes without raw values, which end at ``place``. ``run``, ``extra`` and ``place`` are
    (segments,) int64: length in columns, how many such bytes, where they end in ``out``.
    """
    sel = np.flatnonzero(extra != 0)
    place, run, extra = place[sel], run[sel], extra[sel]
    out[place - 1] = tables.last.take(run)
    sel = np.flatnonzero(extra > 1)
    out[place[sel] - 2] = tables.second_last.take(run[sel])
    back = 3
    while len(sel := sel[extra[sel] >= back]):  # only lines longer than 96 pixels get here
        out[place[sel] - back] = _LONGEST_RUN
        back += 1
