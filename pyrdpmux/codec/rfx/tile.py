"""Tiles to the three streams of a TS_RFX_TILE, and back (MS-RDPRFX 3.1.8.1, 3.1.8.2).

The dense part, up to quantization, works on 64 tiles at a time, which stay in the cache; what is left of it,
the non-zero coefficients of all tiles, is coded in one go, because the passes of RLGR cost by their length.

Lanes, and with them streams, of a batch of n are component * n + tile, components being Y, Cb, Cr; tiles
without color are batches of their own, of Y alone.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.batches import tile_words
from pyrdpmux.codec.color import Pixels, Words
from pyrdpmux.codec.rfx import color, dwt, quant, rlgr, rlgr_decoder
from pyrdpmux.codec.rfx.quant import Quantization
from pyrdpmux.codec.rfx.rlgr_symbols import Events
from pyrdpmux.codec.rfx.rlgr_tables import COEFFICIENTS, Mode
from pyrdpmux.codec.scatter import pack, population, positions
from pyrdpmux.errors import EncodeError

Streams = tuple[bytes, bytes, bytes]
"""Y, Cb and Cr."""
Quantizations = tuple[Quantization, Quantization, Quantization]

TILE: Final = color.TILE
BATCH: Final = 64

PADDED_ROW: Final = COEFFICIENTS + 64
_STRIPE: Final = 128
"""Coefficients that are transposed at a time: twice as quick as all."""


def encode(
    tiles: Sequence[Pixels] | Pixels,
    quantizations: Quantizations = (quant.DEFAULT, quant.DEFAULT, quant.DEFAULT),
    mode: Mode = Mode.RLGR1,
) -> list[Streams]:
    """Three streams per tile of (n, 64, 64, 4) uint8 BGRX, or of (64, 64, 4) views."""
    words = tile_words(tiles)
    if not words:
        return []
    if words[0].shape != (TILE, TILE):
        raise EncodeError("tiles", f"shape {words[0].shape}, expected {TILE} x {TILE}")
    parts = [part for first in range(0, len(words), BATCH) for part in _parts(words, first, quantizations)]
    streams = iter(rlgr.encode(Events.joined([events for _, events, _ in parts]), mode))
    result: dict[int, Streams] = {}
    for indices, _, is_gray in parts:
        lanes = [list(islice(streams, len(indices))) for _ in range(1 if is_gray else 3)]
        if is_gray:
            lanes += [[_zeros(mode)] * len(indices)] * 2
        result |= zip(indices, zip(*lanes, strict=True), strict=True)
    return [result[index] for index in range(len(words))]


@cache
def prepare(mode: Mode = Mode.RLGR1) -> None:
    """What takes 200 ms, once: the tables that encoding needs, of progressive as well in RLGR1."""
    encode(np.arange(3 * TILE * TILE * 4, dtype=np.uint8).reshape(3, TILE, TILE, 4), mode=mode)


def _parts(
    words: Sequence[Words], first: int, quantizations: Quantizations
) -> Iterator[tuple[list[int], Events, bool]]:
    """Which tiles of a batch, their events, and whether they are gray ones, which have lanes of Y alone.

    ``words`` are (64, 64) uint32 each, ``first`` is the batch's first.
    """
    batch = color.gathered(words[first : first + BATCH])
    gray = color.are_gray(batch)
    for is_gray in (False, True):
        members = np.flatnonzero(gray == is_gray)
        if not len(members):
            continue
        indices = (members + first).tolist()
        tiles = batch if len(members) == len(batch) else color.gathered([words[index] for index in indices])
        planes = color.to_luma(tiles) if is_gray else color.to_planes(tiles)
        kinds = quantizations[:1] if is_gray else quantizations
        yield indices, events_of(quant.quantize(dwt.forward(planes), kinds)), is_gray


@cache
def _zeros(mode: Mode) -> bytes:
    """The stream of a component that is zero."""
    return rlgr.encode(Events.of(np.zeros((1, COEFFICIENTS), np.int16)), mode)[0]


def events_of(planes: NDArray[np.int16]) -> Events:
    """The events of (4096, lanes) coefficients, a stream per lane.

    A row of the transposed planes has 64 more elements, of which the first stands for the stream's end.
    """
    rows = np.empty((planes.shape[1], PADDED_ROW), np.int16)
    transpose(planes, rows[:, :COEFFICIENTS])
    return events_of_rows(rows)


def transpose(planes: NDArray[np.int16], rows: NDArray[np.int16]) -> None:
    """(4096, lanes) coefficients into (lanes, 4096)."""
    for first in range(0, COEFFICIENTS, _STRIPE):
        rows[:, first : first + _STRIPE] = planes[first : first + _STRIPE].T


def events_of_rows(rows: NDArray[np.int16]) -> Events:
    """The same from C-contiguous (lanes, 4096 + 64), of which the last 64 are overwritten."""
    lanes = len(rows)
    rows[:, COEFFICIENTS:] = 0
    rows[:, COEFFICIENTS] = 1
    bits = pack((rows != 0).reshape(-1), lanes)
    found = positions(bits)
    lengths = population(bits)
    ends = np.cumsum(lengths)
    value = rows.reshape(-1).take(found).astype(np.int32)
    value[ends - 1] = 0
    zeros = found.copy()
    zeros[1:] -= found[:-1]
    zeros -= 1
    zeros[ends[:-1]] -= PADDED_ROW - COEFFICIENTS - 1
    zeros[0] += 1
    return Events(lengths, zeros.astype(np.int32), value)


def decode(
    tiles: Sequence[Streams],
    quantizations: Quantizations = (quant.DEFAULT, quant.DEFAULT, quant.DEFAULT),
    mode: Mode = Mode.RLGR1,
) -> Pixels:
    """(n, 64, 64, 4) uint8 BGRX, the fourth byte 255. Any bytes decode to something, see `rlgr_decoder`."""
    result = np.empty((len(tiles), TILE, TILE, 4), np.uint8)
    for first in range(0, len(tiles), BATCH):
        part = tiles[first : first + BATCH]
        streams = [streams[component] for component in range(3) for streams in part]
        planes = quant.dequantize(rlgr_decoder.decode(streams, mode), quantizations)
        result[first : first + BATCH] = color.to_pixels(dwt.inverse(planes))
    return result
