"""Proof of a move: which rectangle of a picture a client can copy, and what is still wrong after it.

A vector may come from anywhere, and is not trusted: a wrong guess can be costly, never incorrect.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.residual import Mask, best_rectangle
from pyrdpmux.graphics.rows import differences
from pyrdpmux.graphics.votes import Vector

MIN_EXPLAINED: Final = 0.2
"""Of the changed pixels: each of three windows that move at once explains more, and what two pages that have
nothing to do with each other have in common explains less."""

DOUBTFUL: Final = 0.5
"""Of the changed pixels: below this it is looked further afield, too."""

_SKIM: Final = 8
"""Every so many lines are looked at before all of them are."""

MAX_WRONG: Final = 0.0005
"""Of the pixels of a window that was dragged on: with a column more than it has, more would be."""

_WRONG_EDGE: Final = 0.1
"""Share of the pixels of a column or row at its edge, from which on it is no part of the window."""


@dataclass(frozen=True, slots=True)
class Move:
    """A copy within one picture; where source and destination overlap, as if by way of another."""

    source: Rect
    x: int
    """Left of the destination."""
    y: int
    """Top of the destination."""

    @property
    def destination(self) -> Rect:
        return Rect(self.x, self.y, self.source.width, self.source.height)

    @property
    def room(self) -> Rect:
        """Around all that it touches: what scrolls goes on in there."""
        return self.source.union(self.destination)

    @property
    def dx(self) -> int:
        return self.x - self.source.x

    @property
    def dy(self) -> int:
        return self.y - self.source.y


@dataclass(frozen=True, slots=True)
class Proof:
    """A move and what it leads to."""

    move: Move
    region: Rect
    """Where was looked; the destination is inside."""
    changed: int
    """Pixels that were wrong before the move."""
    explained: int
    """How many fewer are wrong after it."""
    mask: Mask
    """(region.height, region.width) bool: pixels that are wrong after it."""

    @property
    def share(self) -> float:
        return self.explained / self.changed


def prove(
    before: Words,
    now: Words,
    changed: Mask,
    region: Rect,
    vector: Vector,
    *,
    skim: bool = True,
    count: int | None = None,
) -> Proof | None:
    """The best rectangle that moves by ``vector``; None if it explains too little of the change.

    ``before`` and ``now`` are (h, w) uint32, ``changed`` is (region.height, region.width): where they differ
    inside ``region``, which is inside the frame. To ``skim`` is to give up if every eighth line explains less
    than half of what is needed: it costs a tenth, and little promises more. ``count``: changed pixels that
    are to be explained; None: all.
    """
    count = int(np.count_nonzero(changed)) if count is None else count
    dx, dy = vector
    height, width = now.shape
    area = region.intersection(Rect(dx, dy, width, height))
    if area.is_empty or not count:
        return None
    here = changed[area.moved(-region.x, -region.y).slices]
    target, origin = now[area.slices], before[area.moved(-dx, -dy).slices]
    if skim and area.height >= _SKIM * _SKIM:
        skimmed = _best(here[::_SKIM], target[::_SKIM] == origin[::_SKIM])
        if skimmed is None or skimmed[1] * _SKIM < count * MIN_EXPLAINED / 2:
            return None
    differs = differences(now, before, area, dx, dy)
    found = _best(here, ~differs)
    if found is None or found[1] <= count * MIN_EXPLAINED:
        return None
    inner, explained = found
    place = inner.moved(area.x, area.y)
    mask = changed.copy()
    mask[place.moved(-region.x, -region.y).slices] = differs[inner.slices]
    move = Move(place.moved(-dx, -dy), place.x, place.y)
    return Proof(move, region, count, explained, mask)


def prove_again(
    before: Words, now: Words, changed: Mask, region: Rect, last: Move, vector: Vector
) -> Proof | None:
    """The rectangle of the last move, moved on by ``vector``; None if it is not almost all right there.

    Arguments are those of :func:`prove`, which it takes the place of: a window keeps its size, and a page
    that scrolls its room.
    """
    dx, dy = vector
    height, width = now.shape
    area = region.intersection(Rect(dx, dy, width, height))
    window, page = last.destination.moved(dx, dy), last.room.intersection(last.room.moved(dx, dy))
    places = [window.intersection(area)]
    if places[0] != window:
        places.insert(0, page.intersection(area))
    for place in places:
        if place.pixels * 2 >= last.source.pixels:
            proof = _prove_there(before, now, changed, region, place, vector)
            if proof is not None:
                return proof
    return None


def _prove_there(
    before: Words, now: Words, changed: Mask, region: Rect, place: Rect, vector: Vector
) -> Proof | None:
    """That almost all of ``place`` has come there by ``vector``; arguments are those of :func:`prove`."""
    dx, dy = vector
    differs = differences(now, before, place, dx, dy)
    wrong = int(np.count_nonzero(differs))
    if wrong > place.pixels * MAX_WRONG:  # it may have been found too large
        inner = _without_wrong_edges(differs)
        differs = differs[inner.slices]
        place = inner.moved(place.x, place.y)
        wrong = int(np.count_nonzero(differs))
        if wrong > place.pixels * MAX_WRONG:
            return None
    count = int(np.count_nonzero(changed))
    here = place.moved(-region.x, -region.y).slices
    explained = int(np.count_nonzero(changed[here])) - wrong
    if explained <= count * DOUBTFUL:
        return None
    mask = changed.copy()
    mask[here] = differs
    return Proof(Move(place.moved(-dx, -dy), place.x, place.y), region, count, explained, mask)


def _without_wrong_edges(differs: Mask) -> Rect:
    """What is left of a (h, w) bool without the outer columns and rows in which many pixels are set."""
    height, width = differs.shape
    columns = np.flatnonzero(np.count_nonzero(differs, axis=0) <= height * _WRONG_EDGE)
    rows = np.flatnonzero(np.count_nonzero(differs, axis=1) <= width * _WRONG_EDGE)
    if not len(columns) or not len(rows):
        return Rect(0, 0, 0, 0)
    return Rect.from_corners(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _best(changed: Mask, equal: Mask) -> tuple[Rect, int] | None:
    """Where a copy rights most and spoils least: +1 for a pixel set right, -1 for one that was and is not."""
    score = np.add(changed.view(np.int8), equal.view(np.int8))
    score -= 1
    return best_rectangle(score)
