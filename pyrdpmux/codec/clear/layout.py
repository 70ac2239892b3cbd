"""Where a picture's lines of text are: cut at blank rows, then at blank columns, then again (an X-Y cut).

Blank is what has the rectangle's commonest color. A part between blank rows that is low enough is a *line*:
its columns become bands. A higher one is cut at blank columns, and the pieces are looked at again, each with
its own commonest color: so a window on a desktop, or a page beside a scroll bar, fall into lines as well.
What cannot be cut is a *block*, for palettes, runs or raw pixels.

Lines begin where their ink begins: a letter has the same columns wherever the line stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.clear.stream import MAX_BAND_HEIGHT
from pyrdpmux.codec.color import Words

GAP: Final = 6
"""Blank columns that end a band: a band costs 11 bytes, a blank column two."""
_CUT_GAP: Final = 4
_MAX_DEPTH: Final = 6
_SAMPLES: Final = 24

Mask = NDArray[np.bool_]


class Line(NamedTuple):
    """Rows ``top`` to ``bottom`` (exclusive), within a rectangle whose blank color is ``background``."""

    top: int
    bottom: int
    background: int


class Block(NamedTuple):
    """Left, top, right, bottom; the latter two exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(slots=True)
class Layout:
    """``starts`` and ``ends`` are the columns of bands, ``line`` the index of each one's line."""

    background: int
    lines: list[Line] = field(default_factory=list)
    starts: list[NDArray[np.int64]] = field(default_factory=list)
    ends: list[NDArray[np.int64]] = field(default_factory=list)
    line: list[NDArray[np.int64]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    is_nested: bool = False
    """Some part has another blank color than the whole, so that lines are not all there is."""


def joined(layouts: Sequence[Layout], tops: Sequence[int]) -> Layout:
    """The lines of pictures that stand one below the other, from row ``tops`` on each."""
    result = Layout(0)
    for layout, top in zip(layouts, tops, strict=True):
        result.starts += layout.starts
        result.ends += layout.ends
        result.line += [part + len(result.lines) for part in layout.line]
        result.lines += [Line(top + line.top, top + line.bottom, line.background) for line in layout.lines]
    return result


def commonest(words: Words) -> int:
    """The commonest color of a sample."""
    height, width = words.shape
    rows = np.arange(_SAMPLES) * height // _SAMPLES if height > _SAMPLES else np.arange(height)
    columns = np.arange(2 * _SAMPLES) * width // (2 * _SAMPLES) if width > 2 * _SAMPLES else np.arange(width)
    sample = np.sort(words[rows[:, None], columns].reshape(-1))
    edges = np.flatnonzero(sample[1:] != sample[:-1])
    if not len(edges):
        return int(sample[0])
    bounds = np.concatenate([[-1], edges, [len(sample) - 1]])
    return int(sample[bounds[1:][np.argmax(np.diff(bounds))]])


def find(words: Words) -> Layout:
    """``words`` (h, w) with the fourth byte cleared."""
    height, width = words.shape
    layout = Layout(commonest(words))
    _cut(words, Block(0, 0, width, height), layout.background, layout, 0)
    return layout


def _cut(words: Words, block: Block, background: int, layout: Layout, depth: int) -> None:
    part = words[block.top : block.bottom, block.left : block.right]
    ink = part != np.uint32(background)
    starts, ends = _stretches(ink.any(axis=1), 0)
    low = ends - starts <= MAX_BAND_HEIGHT
    _add_lines(ink, starts[low], ends[low], block, background, layout)
    for top, bottom in zip(starts[~low].tolist(), ends[~low].tolist(), strict=True):
        lefts, rights = _stretches(ink[top:bottom].any(axis=0), _CUT_GAP)
        whole = len(lefts) == 1 and len(starts) == 1 and rights[0] - lefts[0] == part.shape[1]
        for left, right in zip(lefts.tolist(), rights.tolist(), strict=True):
            piece = Block(block.left + left, block.top + top, block.left + right, block.top + bottom)
            _cut_again(words, piece, background if whole else None, layout, depth)


def _cut_again(words: Words, piece: Block, used: int | None, layout: Layout, depth: int) -> None:
    """Cut a piece by its own color, unless that has just been done."""
    color = commonest(words[piece.top : piece.bottom, piece.left : piece.right])
    layout.is_nested = True
    if color == used or depth == _MAX_DEPTH:
        layout.blocks.append(piece)
    else:
        _cut(words, piece, color, layout, depth + 1)


def _stretches(mask: Mask, gap: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends of the set stretches of ``mask`` (n,), those up to ``gap`` apart joined."""
    places = np.flatnonzero(mask)
    if not len(places):
        return places, places
    breaks = np.flatnonzero(places[1:] - places[:-1] > gap + 1)
    starts = np.concatenate([places[:1], places[breaks + 1]])
    ends = np.concatenate([places[breaks], places[-1:]]) + 1
    return starts, ends


def _add_lines(
    ink: Mask,
    tops: NDArray[np.int64],
    bottoms: NDArray[np.int64],
    block: Block,
    background: int,
    layout: Layout,
) -> None:
    if not len(tops):
        return
    # One stretch of columns for each line, with a gap between two lines that no band crosses.
    columns = np.zeros((len(tops), ink.shape[1] + GAP + 1), np.bool_)
    for row, top, bottom in zip(columns, tops.tolist(), bottoms.tolist(), strict=True):
        # A fifth of reduceat's time.
        np.logical_or.reduce(ink[top:bottom], axis=0, out=row[: ink.shape[1]])
    starts, ends = _stretches(columns.reshape(-1), GAP)
    line = starts // columns.shape[1]
    shift = block.left - line * columns.shape[1]
    layout.starts.append(starts + shift)
    layout.ends.append(ends + shift)
    layout.line.append(line + len(layout.lines))
    layout.lines += [
        Line(block.top + top, block.top + bottom, background)
        for top, bottom in zip(tops.tolist(), bottoms.tolist(), strict=True)
    ]
