"""ZRLE: tiles of 64x64 as palettes and runs, compressed. The best that a server far away has to offer."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.rfb.rectangles.compressed import CompressedStream
from pyrdpmux.rfb.rectangles.painting import Words, paint_in_steps, tiles
from pyrdpmux.rfb.server_messages import RectangleHeader
from pyrdpmux.rfb.steps import PAUSE, Step, wrong

SIDE: Final = 64
CPIXEL: Final = 3
"""RFC 6143 7.7.5: of our format only the three bytes of color are sent."""

RAW: Final = 0
SOLID: Final = 1
LARGEST_PACKED_PALETTE: Final = 16
PLAIN_RUNS: Final = 128
PALETTE_RUNS: Final = 130
"""And above: 128 more than the size of the palette."""

MAX_PER_PIXEL: Final = CPIXEL + 1
"""Bytes: a run of length one with its color is the worst."""

MAX_TILE_HEAD: Final = 1 + 127 * CPIXEL

RUNS_AT_ONCE: Final = 1024
"""They are read one by one, at two or three in a microsecond."""

MAX_LONG_RUN: Final = SIDE * SIDE // 255 + 1
"""Bytes of a run's length, where it is the whole tile."""


def read_zrle(rect: RectangleHeader, stream: CompressedStream) -> Step[None]:
    """RFC 6143 7.7.6, a row of tiles at a time."""
    count = -(-rect.width // SIDE) * -(-rect.height // SIDE)
    yield from stream.begin(rect.width * rect.height * MAX_PER_PIXEL + count * MAX_TILE_HEAD)
    for top, rows in tiles(rect.height, SIDE):
        band = np.empty((rows, rect.width), np.uint32)
        for left, columns in tiles(rect.width, SIDE):
            band[:, left : left + columns] = yield from _read_tile(stream, columns, rows)
            yield PAUSE
        yield from paint_in_steps(rect.x, rect.y + top, band)
    yield from stream.finish()


def _read_tile(stream: CompressedStream, width: int, height: int) -> Step[Words]:
    subencoding = (yield from stream.take(1))[0]
    if subencoding == RAW:
        return _colors((yield from stream.take(width * height * CPIXEL))).reshape(height, width)
    if subencoding == SOLID:
        color = _colors((yield from stream.take(CPIXEL)))
        return np.broadcast_to(color, (height, width))
    if subencoding <= LARGEST_PACKED_PALETTE:
        palette = _colors((yield from stream.take(subencoding * CPIXEL)))
        return (yield from _read_packed(stream, palette, width, height))
    if subencoding == PLAIN_RUNS:
        return (yield from _read_runs(stream, None, width, height))
    if subencoding >= PALETTE_RUNS:
        palette = _colors((yield from stream.take((subencoding - PLAIN_RUNS) * CPIXEL)))
        return (yield from _read_runs(stream, palette, width, height))
    raise wrong("ZRLE.subencoding", f"{subencoding} is not used")


def _colors(data: bytes) -> Words:
    """CPIXELs, least significant byte first."""
    channels = np.frombuffer(data, np.uint8).reshape(-1, CPIXEL).astype(np.uint32)
    words: Words = channels[:, 0] | (channels[:, 1] << np.uint32(8)) | (channels[:, 2] << np.uint32(16))
    return words


def _read_packed(stream: CompressedStream, palette: Words, width: int, height: int) -> Step[Words]:
    """Indexes of 1, 2 or 4 bits; each row starts with a new byte."""
    bits = 1 if len(palette) == 2 else 2 if len(palette) <= 4 else 4
    row_size = -(-width * bits // 8)
    data = np.frombuffer((yield from stream.take(row_size * height)), np.uint8)
    digits = np.unpackbits(data.reshape(height, row_size), axis=1).reshape(height, -1, bits)
    indexes = np.zeros((height, width), np.uint8)
    for digit in range(bits):
        indexes = (indexes << np.uint8(1)) | digits[:, :width, digit]
    return _looked_up(palette, indexes)


def _read_runs(stream: CompressedStream, palette: Words | None, width: int, height: int) -> Step[Words]:
    count = width * height
    values: list[int] = []
    lengths: list[int] = []
    pixels = 0
    while pixels < count:
        left = count - pixels
        data = yield from stream.look(min(left, RUNS_AT_ONCE) * MAX_PER_PIXEL + MAX_LONG_RUN)
        try:
            more, their_lengths, used = (plain_runs if palette is None else palette_runs)(data, left)
        except IndexError:
            raise wrong("ZRLE.data", "ends within a run") from None
        stream.advance(used)
        values += more
        lengths += their_lengths
        pixels += sum(their_lengths)
        yield PAUSE
    if pixels != count:
        raise wrong("ZRLE.run", f"runs of {pixels} pixels in a tile of {count}")
    found = np.array(values, np.uint32)
    colors = found if palette is None else _looked_up(palette, found)
    return np.repeat(colors, lengths).reshape(height, width)


def _looked_up(palette: Words, indexes: NDArray[np.uint8] | Words) -> Words:
    if int(indexes.max()) >= len(palette):
        raise wrong("ZRLE.index", f"{int(indexes.max())} in a palette of {len(palette)}")
    words: Words = palette[indexes]
    return words


def plain_runs(data: bytes, count: int) -> tuple[list[int], list[int], int]:
    """Colors and lengths of runs, until there are ``count`` pixels or enough for once, and their bytes.

    The places of the runs depend on the lengths before them: a loop, whatever the tools.
    """
    colors: list[int] = []
    lengths: list[int] = []
    at = pixels = 0
    while pixels < count and len(lengths) < RUNS_AT_ONCE:
        color = data[at] | data[at + 1] << 8 | data[at + 2] << 16
        at += CPIXEL
        length = 1
        while data[at] == 255:
            length += 255
            at += 1
        length += data[at]
        at += 1
        colors.append(color)
        lengths.append(length)
        pixels += length
    return colors, lengths, at


def palette_runs(data: bytes, count: int) -> tuple[list[int], list[int], int]:
    """The same with indexes; one without the high bit is a run of one."""
    indexes: list[int] = []
    lengths: list[int] = []
    at = pixels = 0
    while pixels < count and len(lengths) < RUNS_AT_ONCE:
        index = data[at]
        at += 1
        length = 1
        if index & 128:
            while data[at] == 255:
                length += 255
                at += 1
            length += data[at]
            at += 1
        indexes.append(index & 127)
        lengths.append(length)
        pixels += length
    return indexes, lengths, at
