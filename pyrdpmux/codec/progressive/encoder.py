"""Frames to progressive streams (MS-RDPEGFX 3.2.8.1): the server's side, with the state of a surface's tiles.

A changed tile goes out at once, whole or in low quality, as it is or as the difference to what the client
has, whichever has more zeros. Tiles in low quality are upgraded when there is time, stage by stage.

Per tile, what the client has (``reference``) and, while it is not complete, what is being sent (``target``)
and how much of that went out (``sent``), all as quantized coefficients: (3, tiles, 4096) int16. They are only
kept where differences or stages are asked for.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.batches import tile_words
from pyrdpmux.codec.color import Pixels, Words
from pyrdpmux.codec.progressive import extrapolate, passes, srl
from pyrdpmux.codec.progressive.block import (
    FULL,
    FULL_INDEX,
    ComponentQuantization,
    Context,
    ContextFlags,
    FrameBegin,
    FrameEnd,
    ProgressiveQuantization,
    Sync,
)
from pyrdpmux.codec.progressive.region import (
    DataBlock,
    Region,
    RegionFlags,
    Tile,
    TileFirst,
    TileFlags,
    TileSimple,
    TileUpgrade,
    encode_blocks,
)
from pyrdpmux.codec.rfx import color, dwt, quant, rlgr
from pyrdpmux.codec.rfx.encoder import cut, touched
from pyrdpmux.codec.rfx.message import Rectangle
from pyrdpmux.codec.rfx.quant import Plane
from pyrdpmux.codec.rfx.rlgr_symbols import Events
from pyrdpmux.codec.rfx.tile import BATCH, PADDED_ROW, TILE, events_of, events_of_rows, transpose
from pyrdpmux.errors import EncodeError
from pyrdpmux.geometry import Rect

Place = tuple[int, int]

DEFAULT: Final = ComponentQuantization()
_LARGEST_DIFFERENCE: Final = 1000


def stage(quality: int, luma: Sequence[int], chroma: Sequence[int]) -> ProgressiveQuantization:
    """Bits that a pass leaves out at each level, LL3 first: (LL3, level 3, level 2, level 1)."""
    luma, chroma = (
        [values[0], *[values[1]] * 3, *[values[2]] * 3, *[values[3]] * 3] for values in (luma, chroma)
    )
    y, c = ComponentQuantization(*luma), ComponentQuantization(*chroma)
    return ProgressiveQuantization(quality, y, c, c)


STAGES: Final = (stage(25, (0, 2, 3, 4), (0, 3, 4, 5)), stage(60, (0, 0, 1, 2), (0, 1, 2, 3)))
"""About a quarter and two thirds of the bytes; each stage is at least as fine in every band as the last."""


class Encoder:
    """One surface of ``width`` x ``height``."""

    def __init__(
        self,
        width: int,
        height: int,
        *,
        quantizations: tuple[ComponentQuantization, ComponentQuantization, ComponentQuantization] = (
            DEFAULT,
            DEFAULT,
            DEFAULT,
        ),
        stages: Sequence[ProgressiveQuantization] = STAGES,
        extrapolated: bool = True,
        differences: bool = True,
    ) -> None:
        """Without ``extrapolated``, the wavelet is RemoteFX's, and there are no stages (FreeRDP has none)."""
        self._width, self._height = width, height
        self._quantizations = quantizations
        self._stages = tuple(stages) if extrapolated else ()
        self._bands = extrapolate.BANDS if extrapolated else quant.BANDS
        self._extrapolated = extrapolated
        self._differences = differences
        self._columns = -(-width // TILE)
        self._tiles = self._columns * -(-height // TILE)
        self._keeps = differences or bool(self._stages)
        shape = (3, self._tiles if self._keeps else 0, dwt.COEFFICIENTS)
        self._reference = np.zeros(shape, np.int16)
        self._target, self._sent = np.zeros(shape, np.int16), np.zeros(shape, np.int16)
        self._frame_index = 0
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Refer to no tile that went before, and send the headers again, so that a client may join.

        What is incomplete stays so, unless its owner sends it anew: an upgrade says nothing to who joins.
        """
        self._known = np.zeros(self._tiles, np.bool_)
        #: index of the stage that each tile is at; FULL_INDEX when nothing is missing
        self._stage = np.full(self._tiles, FULL_INDEX, np.int64)
        self._headers_sent = False

    @property
    def incomplete(self) -> int:
        """How many tiles can be upgraded."""
        return int((self._stage != FULL_INDEX).sum())

    def encode(
        self, frame: Pixels, rects: Sequence[Rect] | None = None, first_stage: int = FULL_INDEX
    ) -> list[bytes]:
        """The changed ``rects`` (all without) of ``frame`` (h, w, 4) uint8, at a stage of the tables.

        One message, which clients need in this order.
        """
        if frame.shape != (self._height, self._width, 4) or frame.dtype != np.uint8:
            raise EncodeError(
                "frame", f"{frame.dtype} {frame.shape}, expected ({self._height}, {self._width}, 4)"
            )
        self._check_stage(first_stage)
        rects = rects if rects is not None else [Rect(0, 0, self._width, self._height)]
        places = touched(rects, self._width, self._height)
        words = tile_words([cut(frame, x, y) for x, y in places])
        events, flags = [], []
        for start in range(0, len(words), BATCH):
            batch = color.gathered(words[start : start + BATCH])
            part, part_flags = self._first_pass(batch, places[start : start + BATCH], first_stage)
            events.append(part)
            flags += part_flags
        streams = rlgr.encode(Events.joined(events)) if events else []
        tiles: list[Tile] = []
        indices = self._indices()
        for place, flag, data in zip(places, flags, _by_tile(streams, len(places)), strict=True):
            if first_stage == FULL_INDEX:
                tiles.append(TileSimple(*place, *data, indices, flag))
            else:
                tiles.append(TileFirst(*place, first_stage, *data, indices, flag))
        return [self._frame(rects, tiles)]

    def upgrade(self, to_stage: int = FULL_INDEX, maximum: int = 1 << 16) -> list[bytes]:
        """Bring up to ``maximum`` tiles that are below a stage to it; no message if there are none."""
        self._check_stage(to_stage)
        found = np.flatnonzero(self._stage < to_stage)[:maximum]
        tiles: list[Tile] = []
        for stage_index in np.unique(self._stage[found]).tolist():
            same = found[self._stage[found] == stage_index]
            for start in range(0, len(same), BATCH):
                tiles += self._upgrade_pass(same[start : start + BATCH], stage_index, to_stage)
        if not tiles:
            return []
        return [self._frame([self._rect(tile.x, tile.y) for tile in tiles], tiles)]

    # -- passes --------------------------------------------------------------------------------------

    def _first_pass(
        self, tiles: Words, places: list[Place], first_stage: int
    ) -> tuple[Events, list[TileFlags]]:
        """The events of 3 * k lanes, Y, then Cb, then Cr, and the flags of k tiles.

        ``tiles`` (k, 64, 64) uint32, at ``places`` (column, row). ``planes`` and its transposed
        ``padded`` are int16, (4096, 3 * k) and (3 * k, PADDED_ROW); ``lanes`` (3, k, 4096) is a view of
        it, without the padding.
        """
        transform = extrapolate.forward if self._extrapolated else dwt.forward
        planes = quant.rounded(transform(color.to_planes(tiles)), self._quantizations, self._bands)
        if not self._keeps:
            flags = [TileFlags(0)] * len(places)
            return events_of(quant.to_differences(planes, self._bands)), flags
        padded = np.empty((planes.shape[1], PADDED_ROW), np.int16)
        transpose(planes, padded[:, : dwt.COEFFICIENTS])
        lanes = padded.reshape(3, len(places), -1)[..., : dwt.COEFFICIENTS]
        numbers = np.array([y * self._columns + x for x, y in places])
        differs = self._decide(lanes, numbers)
        if first_stage == FULL_INDEX:
            self._reference[:, numbers] += lanes
        else:
            positions = self._positions(first_stage)
            sent = passes.coarse(lanes, positions, self._bands)
            restored = passes.restored(sent, positions, self._bands)
            self._target[:, numbers], self._sent[:, numbers] = lanes, restored
            self._reference[:, numbers] += restored
            lanes[...] = sent
        self._known[numbers] = True
        self._stage[numbers] = first_stage
        last = lanes[..., self._bands[-1][1]]
        last[..., 1:] -= last[..., :-1].copy()
        flags = [TileFlags.DIFFERENCE if flag else TileFlags(0) for flag in differs.tolist()]
        return events_of_rows(padded), flags

    def _decide(self, lanes: Plane, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """3.2.8.1.4: in place, differences for tiles whose luma has more zeros then; others start anew.

        ``lanes`` (3, k, 4096) int16, ``numbers`` (k,) int64 of tiles; (k,) bool, which are differences.
        INVARIANT: coefficients are below 2**14 in magnitude, so a difference of two fits int16.
        """
        differs = np.zeros(len(numbers), np.bool_)
        if self._differences and self._known[numbers].any():
            difference = lanes - self._reference[:, numbers]
            high = slice(0, self._bands[-1][1].start)
            nonzero, other = (np.count_nonzero(part[0][:, high], axis=1) for part in (difference, lanes))
            differs = self._known[numbers] & (nonzero < other)
            # Differences of extremes could exceed what RLGR codes; as they are, they never do.
            differs &= difference.max(axis=(0, 2)) <= _LARGEST_DIFFERENCE
            differs &= difference.min(axis=(0, 2)) >= -_LARGEST_DIFFERENCE
            lanes[:, differs] = difference[:, differs]
        self._reference[:, numbers[~differs]] = 0
        return differs

    def _upgrade_pass(self, numbers: NDArray[np.int64], stage_index: int, to_stage: int) -> list[Tile]:
        """3.2.8.1.5.2: tiles ``numbers`` (k,) int64, all of them at one stage, to a later one."""
        before, after = self._positions(stage_index), self._positions(to_stage)
        sent = self._sent[:, numbers]
        upgrade = passes.coarse(self._target[:, numbers] - sent, after, self._bands)
        streams = _upgrade_streams(upgrade, sent, before, after, self._bands)
        done = passes.restored(upgrade, after, self._bands)
        self._sent[:, numbers] += done
        self._reference[:, numbers] += done
        self._stage[numbers] = to_stage
        result: list[Tile] = []
        for index, number in enumerate(numbers.tolist()):
            y, x = divmod(number, self._columns)
            lanes = (index, index + len(numbers), index + 2 * len(numbers))
            srl_data, raw_data = ([kind[lane] for lane in lanes] for kind in streams)
            data = (srl_data[0], raw_data[0], srl_data[1], raw_data[1], srl_data[2], raw_data[2])
            result.append(TileUpgrade(x, y, to_stage, data, self._indices()))
        return result

    # -- framing -------------------------------------------------------------------------------------

    def _check_stage(self, index: int) -> None:
        if index != FULL_INDEX and not 0 <= index < len(self._stages):
            raise EncodeError("progressiveQuality", f"{index}, {len(self._stages)} stages are there")

    def _positions(self, index: int) -> passes.Positions:
        table = FULL if index == FULL_INDEX else self._stages[index]
        return table.y, table.cb, table.cr

    def _indices(self) -> tuple[int, int, int]:
        kinds = self._kinds()
        y, cb, cr = (kinds.index(quantization) for quantization in self._quantizations)
        return y, cb, cr

    def _kinds(self) -> tuple[ComponentQuantization, ...]:
        return tuple(dict.fromkeys(self._quantizations))

    def _rect(self, column: int, row: int) -> Rect:
        return Rect(column * TILE, row * TILE, TILE, TILE).clip(self._width, self._height)

    def _frame(self, rects: Sequence[Rect], tiles: list[Tile]) -> bytes:
        blocks: list[DataBlock] = []
        if not self._headers_sent:
            blocks += [Sync(), Context(ContextFlags.SUBBAND_DIFFING if self._keeps else ContextFlags(0))]
            self._headers_sent = True
        region = Region(
            tuple(map(Rectangle.of, rects)),
            self._kinds(),
            self._stages,
            tuple(tiles),
            RegionFlags.DWT_REDUCE_EXTRAPOLATE if self._extrapolated else RegionFlags(0),
        )
        blocks += [FrameBegin(self._frame_index), region, FrameEnd()]
        self._frame_index = (self._frame_index + 1) & 0xFFFFFFFF
        return encode_blocks(blocks)


def _by_tile(streams: list[bytes], count: int) -> list[tuple[bytes, bytes, bytes]]:
    """Streams of batches of lanes, component after component, as three per tile."""
    result: list[tuple[bytes, bytes, bytes]] = []
    while len(result) < count:
        size, first = min(BATCH, count - len(result)), 3 * len(result)
        y, cb, cr = (streams[first + i * size : first + (i + 1) * size] for i in range(3))
        result += zip(y, cb, cr, strict=True)
    return result


def _upgrade_streams(
    upgrade: Plane,
    sent: Plane,
    before: passes.Positions,
    after: passes.Positions,
    bands: Sequence[quant.Band],
) -> tuple[list[bytes], list[bytes]]:
    """SRL and raw data of each lane, 3 * k of each. Cost follows the values that are not zero.

    ``upgrade`` and ``sent`` (3, k, 4096) int16: what this pass adds, shifted down, and what the client
    has. ``widths`` (3, 4096) int16: the bits that the pass adds to each coefficient, 0 to 15. A
    coefficient is raw where the client has a value, or in LL3; elsewhere it is *new*, and SRL codes its
    sign too. ``places`` are (values,) int64 in the flat 3 * k * 4096.
    """
    rows = upgrade.shape[2]
    widths = np.stack(
        [
            passes.row_values(one, bands) - passes.row_values(two, bands)
            for one, two in zip(before, after, strict=True)
        ]
    )
    some = (widths > 0)[:, None]
    raw = sent != 0
    raw[..., bands[-1][1]] = True
    new = ~raw
    raw &= some
    new &= some
    lane_size = upgrade.shape[1] * rows

    def widths_at(places: NDArray[np.int64]) -> NDArray[np.int64]:
        component = places // lane_size
        found: NDArray[np.int64] = widths.reshape(-1)[component * rows + places % rows].astype(np.int64)
        return found

    places = np.flatnonzero(raw)
    magnitudes = np.abs(upgrade.reshape(-1)[places]).astype(np.int64)
    raw_data = srl.encode_raw(magnitudes, widths_at(places), _lengths(raw))

    # Which of the new coefficients are values: their rank among them, plus one per stream for its end.
    lengths = _lengths(new)
    rank = np.cumsum(new.reshape(-1), dtype=np.int64)
    new &= upgrade != 0
    places = np.flatnonzero(new)
    hits = _lengths(new)
    lanes = np.arange(len(hits))
    index_of_values = np.arange(len(places)) + np.repeat(lanes, hits)
    is_end = np.ones(len(places) + len(hits), np.bool_)
    is_end[index_of_values] = False
    order = np.empty(len(is_end), np.int64)
    order[index_of_values] = rank[places] - 1 + np.repeat(lanes, hits)
    order[is_end] = np.cumsum(lengths) + lanes
    value, limits = np.zeros(len(is_end), np.int64), np.ones(len(is_end), np.int64)
    value[index_of_values] = upgrade.reshape(-1)[places]
    limits[index_of_values] = widths_at(places)
    zeros = np.diff(order, prepend=-1) - 1
    return srl.encode_events(zeros, value, limits, is_end, lengths), raw_data


def _lengths(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(lanes,) int64: how many are set in each lane of ``mask`` (..., 4096)."""
    counts: NDArray[np.int64] = mask.sum(axis=-1, dtype=np.int64)
    return counts.reshape(-1)
