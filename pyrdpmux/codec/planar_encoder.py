"""RDP 6.0 run-length encoding of color planes (MS-RDPEGDI 3.1.9.2), many tiles at a time.

Memory layout of one batch of n tiles of width w and height h: every scan line of every plane of every tile is
one row of one matrix, so that one pass of each step serves all of them::

    column   0     1 .. w     w+1
           +-----+----------+-----+
    row 0  |  0  | deltas   | end |   tile 0, red plane, first line (bottom line of the screen if bottom-up)
    row 1  |  0  | deltas   | end |   tile 0, red plane, second line
           |     |          |     |   ... green, blue; then padding up to a multiple of 64 bytes; tile 1 ...

Column 0 is the zero that a line starts with ("the RAW value ... is assumed to be zero"), and is always
counted as part of a run; column w+1 never is. So the edges of the runs alternate strictly, up, down, up,
down, and every line starts with an up edge.
A *segment* is a run (possibly empty) and the raw values behind it::

    up          down            up        down
    |  run       |  raw          |  run    |  raw

On the wire a control byte holds raw values and the run *behind* them. Therefore a run that does not start its
line lends up to 15 of its length to the last control byte of the segment before.

INVARIANT: deltas and their zigzag form are uint8 and wrap; lengths are int64 only because they are added to
positions.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.codec.windows import (
    SPARE,
    Bits,
    Bytes,
    Positions,
    Scratch,
    following,
    pack,
    population,
    preceding,
    rounded_up,
    spread,
    unpack,
    windows,
)

RAW_MAX: Final = 15
"""cRawBytes has four bits."""
RUN_MAX: Final = 47
"""nRunLength 2 stands for 32 + cRawBytes."""
PLANES: Final = 3
HEADER_RLE_NO_ALPHA: Final = 0x30
HEADER_RAW_NO_ALPHA: Final = 0x20

_FULL_RAW: Final = RAW_MAX << 4
_LONGEST_RUN: Final = 0xF2
_UNZIGZAG: Final = np.array([(v >> 1) ^ (0xFF * (v & 1)) for v in range(256)], np.uint8)


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
    source: Positions  # start of the last chunk, less one, from the first raw value
    target: Positions  # start of the last chunk from the end of the segment
    control: Bytes  # high half of the last chunk's control byte


@lru_cache(maxsize=32)
def _tables(width: int) -> _Tables:
    start = width + 1
    shape = start + width + 2
    attached, last, second_last = (np.zeros(shape, np.uint8) for _ in range(3))
    extra = np.zeros(shape, np.int64)
    for length in range(3, width + 1):
        for index, lent in ((length, _lent(length)), (start + length + 1, 0)):
            rest = _split(length - lent)
            attached[index], extra[index] = lent, len(rest)
            last[index] = _run_control(rest[-1]) if rest else 0
            second_last[index] = _run_control(rest[-2]) if len(rest) > 1 else 0
    count = np.arange(width + 1)
    chunks = -(-count // RAW_MAX)
    full = np.maximum(chunks - 1, 0)
    size = count + chunks
    control = (count - full * RAW_MAX).astype(np.uint8) << np.uint8(4)
    return _Tables(
        start, attached, extra, last, second_last, size, full, full * RAW_MAX - 1, full * 16 - size, control
    )  # fmt: skip


def _lent(length: int) -> int:
    """How much of a run goes into the control byte before it; never leaves a rest of 1 or 2."""
    return length if length <= RAW_MAX else min(RAW_MAX, length - 3)


def _split(length: int) -> list[int]:
    """A run without raw values, as runs of 3 to 47."""
    parts = [RUN_MAX] * (length // RUN_MAX)
    rest = length % RUN_MAX
    if rest in (1, 2):
        parts[-1] -= 3 - rest
        rest = 3
    return [*parts, rest] if rest else parts


def _run_control(length: int) -> int:
    """MS-RDPEGDI 2.2.2.5.1.2: nRunLength 1 and 2 stand for 16 and 32 more than cRawBytes."""
    return length if length < 16 else (length - 16) << 4 | 1 if length < 32 else (length - 32) << 4 | 2


class _Layout(NamedTuple):
    """Where lines and planes lie in a tile's part of the matrix."""

    stride: int  # of a line
    lines: int  # bytes of all lines of a tile
    tile: int  # bytes of a tile with padding
    columns: Bits  # (1, tile / 64): the w pixel columns
    starts: Bits  # (1, tile / 64): column 0
    is_start: Bytes  # (tile,): 1 in column 0


@lru_cache(maxsize=32)
def _layout(width: int, height: int) -> _Layout:
    stride = width + 2
    lines = PLANES * height * stride
    tile = rounded_up(lines, 64)
    mask = np.zeros((2, tile), np.bool_)
    rows = mask[:, :lines].reshape(2, -1, stride)
    rows[0, :, 1 : width + 1] = True
    rows[1, :, 0] = True
    bits = pack(mask.reshape(-1), 2)
    return _Layout(stride, lines, tile, bits[:1], bits[1:], mask[1].view(np.uint8))


def encode_batch(source: Words, scratch: Scratch, *, rle: bool) -> list[bytes]:
    """RDP6_BITMAP_STREAMs of a C-contiguous (n, h, w) batch, its lines in the order of the wire."""
    if not rle:
        return [_raw(tile) for tile in source]
    count, height, width = source.shape
    layout = _layout(width, height)
    deltas = _deltas(source, layout, scratch)
    runs, is_raw = _runs(deltas, layout, count, width * height * PLANES)
    edges = preceding(runs)
    edges ^= runs
    if is_raw.any():
        edges[is_raw] = 0
    encoded = _emit(deltas, np.flatnonzero(unpack(edges)), layout, width, np.flatnonzero(~is_raw), scratch)
    if not is_raw.any():
        return encoded
    rest = iter(encoded)
    return [_raw(tile) if skip else next(rest) for tile, skip in zip(source, is_raw.tolist(), strict=True)]


def _raw(tile: Words) -> bytes:
    """Planes as they are, with the pad byte (2.2.2.5.1) that FreeRDP and Windows send."""
    planes = [(tile >> np.uint32(shift)).astype(np.uint8).tobytes() for shift in (16, 8, 0)]
    return b"".join([bytes([HEADER_RAW_NO_ALPHA]), *planes, b"\0"])


def _deltas(source: Words, layout: _Layout, scratch: Scratch) -> Bytes:
    """The matrix, flat, with SPARE bytes before (for the byte before the first window) and behind."""
    count, height, width = source.shape
    # Three bytes more, so that each channel can be the low byte of a word.
    difference = scratch.get("difference", source.size * 4 + 4)
    pixels = source.view(np.uint8).reshape(count, height, width * 4)
    out = difference[:-4].reshape(pixels.shape)
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=out[:, 1:])
    # Line 0 holds absolute values: the inverse of the zigzag, so that one rule serves for all lines.
    out[:, 0] = _UNZIGZAG[pixels[:, 0]]
    matrix = scratch.get("matrix", 2 * SPARE + count * layout.tile)
    tiles = matrix[SPARE : SPARE + count * layout.tile].reshape(count, layout.tile)
    lines = tiles[:, : layout.lines].reshape(count, PLANES, height, layout.stride)
    lines[..., 0] = 0
    for plane, offset in enumerate((2, 1, 0)):
        # Narrowing a word to its low byte is three times as quick as copying every fourth byte.
        channel = np.ndarray(source.shape, "<u4", difference, offset)
        np.copyto(lines[:, plane, :, 1:-1], channel, casting="unsafe")
    return matrix


def _runs(matrix: Bytes, layout: _Layout, count: int, values: int) -> tuple[Bits, NDArray[np.bool_]]:
    """The bits that belong to runs, and which tiles are not worth it."""
    flat = matrix[SPARE - 1 : SPARE + count * layout.tile]
    same = pack(np.equal(flat[1:], flat[:-1]), count)
    same &= layout.columns
    # Three in a row or none: erode, then dilate.
    core = following(same)
    core &= same
    core &= following(following(same))
    runs = preceding(core)
    runs |= preceding(runs)
    runs |= core
    covered = population(runs)
    starts = population(core & ~preceding(core))
    # A raw value costs 16/15 bytes; a run about one; a half-filled chunk before each run half a byte.
    estimate = (values - covered) * 16 // 15 + starts
    runs |= layout.starts
    return runs, estimate >= values


def _emit(
    matrix: Bytes, edges: Positions, layout: _Layout, width: int, kept: Positions, scratch: Scratch
) -> list[bytes]:
    """Streams of the ``kept`` tiles from the alternating edges of their runs."""
    if not len(kept):
        return []
    tables = _tables(width)
    ups, downs = edges[0::2], edges[1::2]
    first = np.searchsorted(ups, kept * layout.tile)  # segment that starts each tile
    line_start = layout.is_start.take(ups % layout.tile if len(kept) > 1 else ups - kept[0] * layout.tile)

    run = downs - ups
    run += line_start * np.int64(tables.line_start)
    raw = np.empty_like(ups)
    np.subtract(ups[1:], downs[:-1], out=raw[:-1])
    raw[:-1] -= line_start[1:]
    # Behind a tile's last line come padding and perhaps tiles that are left out.
    ends = np.append(first[1:], len(ups)) - 1
    raw[ends] = kept * layout.tile + layout.lines - 1 - downs[ends]

    attached = tables.attached.take(run)
    extra = tables.extra.take(run)
    size = tables.size.take(raw)
    total = size + extra
    total[first] += 1
    end = np.cumsum(total)

    length = int(end[-1])
    out = scratch.get("planar", length + SPARE)
    outgoing, incoming = windows(out), windows(matrix)
    last = end + tables.target.take(raw)
    outgoing[last] = incoming[downs + tables.source.take(raw) + SPARE]
    full = tables.full.take(raw)
    many = np.flatnonzero(full)
    targets, sources = spread((end - size)[many], downs[many] + (SPARE - 1), full[many], 16, RAW_MAX)
    outgoing[targets] = incoming[sources]

    # Only what is sent is zigzagged: x < 0 -> -2x - 1, else 2x.
    values = out[:length].view(np.int8)
    sign = values >> np.int8(7)
    np.left_shift(values, 1, out=values)
    values ^= sign

    control = tables.control.take(raw)
    control[:-1] |= attached[1:]
    out[last] = control
    out[targets] = _FULL_RAW
    place = end - size
    sel = np.flatnonzero(extra)
    place, run, extra = place[sel], run[sel], extra[sel]
    out[place - 1] = tables.last.take(run)
    sel = np.flatnonzero(extra > 1)
    out[place[sel] - 2] = tables.second_last.take(run[sel])
    back = 3
    while len(sel := sel[extra[sel] >= back]):  # only lines longer than 96 pixels get here
        out[place[sel] - back] = _LONGEST_RUN
        back += 1
    begin = end[first] - total[first]
    out[begin] = HEADER_RLE_NO_ALPHA
    data = out[:length].tobytes()
    bounds = [*begin.tolist(), length]
    return [data[a:b] for a, b in pairwise(bounds)]
