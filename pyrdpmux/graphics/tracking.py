"""How far a window has moved on: a proposal, made from a few pixels of it. Nothing here is ever proof.

Where a window was that is dragged is known. So short runs of its own pixels, its anchors, are looked for
around where they should be by now, each in a small part of the picture: that costs less than samples of all
that has changed, which may as well be background that came into sight.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import COLOR_MASK, Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.votes import MAX_HITS, PATTERN, Samples, Vector, share_found, spread, take_anchors

REACH: Final = 48
"""Pixels either way, by which a vector may differ from the last one: a window is dragged back at times."""

ROWS: Final = 8
"""Lines of what moved that anchors are taken from."""

SEARCHED: Final = 4
"""Anchors that are looked for, one after the other, until one of them is found."""

RUN: Final = 16
"""Pixels of an anchor that is looked for."""

MAX_PLACES: Final = 32
"""At which an anchor may be found: one that is in more of them tells nothing."""

MIN_ARRIVED: Final = 0.5
"""Of the anchors: the rest may be covered, or beyond the edge of the screen."""

SURE: Final = 0.8
"""Of the anchors, for the last vector once more: nothing better is looked for then."""

_FEWEST: Final = 6


def track(before: Words, now: Words, area: Rect, last: Vector) -> Vector | None:
    """By how much what is in ``area`` has moved on after the ``last`` vector; None if that is not clear.

    ``before`` and ``now`` are (h, w) uint32, of ``now`` the fourth bytes mean nothing.
    """
    anchors = take_anchors(before, area, ROWS)
    if len(anchors) < _FEWEST:
        return None
    again, still = _arrived(now, anchors, [last, (0, 0)])
    if again >= SURE:
        return last
    if still >= MIN_ARRIVED:
        return None
    for index in spread(anchors, SEARCHED):
        vectors = _vectors(before, now, area, last, (int(anchors.x[index]), int(anchors.y[index])))
        if vectors:
            shares = _arrived(now, anchors, vectors).tolist()
            share, _, vector = max(
                (share, -abs(x - last[0]) - abs(y - last[1]), (x, y))
                for share, (x, y) in zip(shares, vectors, strict=True)
            )
            if share >= MIN_ARRIVED:
                return vector
    return None


def _arrived(now: Words, anchors: Samples, vectors: Sequence[Vector]) -> NDArray[np.float64]:
    """(len(vectors),): the share of the anchors that are where each vector leads to."""
    return share_found(now, anchors, np.array(vectors, np.intp), COLOR_MASK)


def _vectors(before: Words, now: Words, area: Rect, last: Vector, place: tuple[int, int]) -> list[Vector]:
    """All that lead an anchor to pixels like its own, near where the last one does; none if too many do."""
    x, y = place
    run = before[y, x : min(x + RUN, area.right)]
    left, top = max(x + last[0] - REACH, 0), max(y + last[1] - REACH, 0)
    right, bottom = max(x + last[0] + REACH + len(run), 0), max(y + last[1] + REACH + 1, 0)
    part = now[top:bottom, left:right] & COLOR_MASK
    columns = part.shape[1] - len(run) + 1
    if columns <= 0:
        return []
    hits = np.flatnonzero(part[:, 1 : columns + 1] == run[1])
    if len(hits) > MAX_HITS:
        return []
    rows, places = np.divmod(hits, columns)
    for pixels in (slice(0, PATTERN), slice(PATTERN, len(run))):
        offsets = np.arange(len(run))[pixels]
        same = (part[rows[:, None], places[:, None] + offsets] == run[pixels]).all(axis=1)
        rows, places = rows[same], places[same]
    if len(rows) > MAX_PLACES:
        return []
    found = zip((places + (left - x)).tolist(), (rows + (top - y)).tolist(), strict=True)
    return [vector for vector in found if vector != (0, 0)]
