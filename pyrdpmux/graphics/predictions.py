"""What moved goes on as it did: said by a few lines of the picture, before anything is compared.

A move that is not true leaves more to be painted, and is not wrong. Of the picture as it is now, the fourth
bytes mean nothing.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec.color import COLOR_MASK, Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.proofs import MAX_WRONG, Move
from pyrdpmux.graphics.votes import Vector

MIN_CHANGED: Final = 3000
"""Pixels: what is less is painted sooner than looked into; typing never gets here."""

GOOD: Final = 0.8
"""Of the changed pixels: below this another vector may be better, as one that is a pixel off was."""

MIN_REST: Final = 0.15
"""Of the changed pixels: with less than this left, nothing else has moved, or it does not matter."""

_LINES: Final = 16
"""Every so many lines are looked at."""

_FEWEST_LINES: Final = 8
_MAX_MISPREDICTED: Final = 0.05
_MAX_OUTSIDE: Final = 0.02
"""Of the pixels that a predicted scroll explains: so many may be wrong elsewhere."""


def scrolled_on(before: Words, now: Words, region: Rect, area: Rect, vector: Vector) -> Move | None:
    """The move of a page into ``area``, if the lines say that it is true and that nothing else has moved."""
    source = area.moved(-vector[0], -vector[1])
    size, changed, wrong = _lines_of(before, now, area, source)
    if wrong > size * _MAX_MISPREDICTED:
        return None
    explained = (changed - wrong) * _LINES
    if explained < MIN_CHANGED or changed - wrong < changed * GOOD:
        return None
    # What a scroll gets wrong lies where it came from or went to; a window's edge goes beyond.
    inside = area.union(source).intersection(region)
    outside = _estimate(before, now, region.without(inside))
    if outside > explained * _MAX_OUTSIDE:
        return None
    if outside + _estimate(before, now, inside.without(area)) > explained * (1 - GOOD):
        return None  # more has moved than last time
    return Move(source, area.x, area.y)


def dragged_on(before: Words, now: Words, region: Rect, area: Rect, vector: Vector) -> Move | None:
    """The move of a window into ``area``, if the lines say that all of it has come there.

    What it has uncovered is no doubt of that, but nothing else may have moved.
    """
    source = area.moved(-vector[0], -vector[1])
    size, changed, wrong = _lines_of(before, now, area, source)
    explained = (changed - wrong) * _LINES
    if wrong > size * MAX_WRONG or explained < MIN_CHANGED:
        return None
    around = area.union(source)
    corners = [piece for part in around.without(area) for piece in part.without(source)]
    outside = _estimate(before, now, [*region.without(around), *corners])
    return None if outside >= max(MIN_CHANGED, explained * MIN_REST) else Move(source, area.x, area.y)


def _lines_of(before: Words, now: Words, area: Rect, source: Rect) -> tuple[int, int, int]:
    """Of every 16th line of ``area``: its pixels, how many of them have changed, and how many a copy of
    ``source`` gets wrong."""
    lines = slice(_LINES // 2, None, _LINES)
    target = now[area.slices][lines] & COLOR_MASK
    wrong = int(np.count_nonzero(target != before[source.slices][lines]))
    return target.size, int(np.count_nonzero(target != before[area.slices][lines])), wrong


def _estimate(before: Words, now: Words, areas: Sequence[Rect]) -> float:
    """How many pixels differ in them, from one of 16 lines at least, at least."""
    count = 0.0
    for area in areas:
        step = min(max(area.height // _FEWEST_LINES, 1), _LINES)
        part = area.slices
        lines = (now[part][step // 2 :: step] & COLOR_MASK) != before[part][step // 2 :: step]
        count += np.count_nonzero(lines) * area.height / len(lines)
    return count
