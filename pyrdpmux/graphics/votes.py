"""How far a picture has moved: proposals, made from a few samples of it. Nothing here is ever proof.

A sample is four pixels in a row with edges between them. Each votes for the vectors that bring it from a
place nearby in the picture before; the true vector is the one that most of them share. A vector (dx, dy) goes
from the source to the destination. The lines of narrow columns find vertical moves of any length.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.residual import Mask

Vector = tuple[int, int]
"""dx, dy: pixels to the right and down, from the source to the destination."""

ROWS: Final = 24
"""Lines of the change that samples are taken from."""

PER_ROW: Final = 3
"""Samples of a line: one votes, the others only judge what was proposed."""

ALL_BITS: Final = np.uint32(0xFFFFFFFF)

PATTERN: Final = 4
"""Pixels of a sample."""

MIN_VOTES: Final = 2
"""Few, since a proof follows: true moves with much exposed background have no more."""

MAX_HITS: Final = 2000
"""Places at which a sample's pixel was before: more mean a flat color or a pattern, which tells nothing."""

_COUNTED: Final = 8
"""Votes after which they are counted, to see whether they are enough."""

_ENOUGH: Final = 5
_MAX_CANDIDATES: Final = 32
_STRIP: Final = 32
"""Pixels across of the columns whose lines are compared."""

_STRIPS: Final = 3
_MIN_LINES: Final = 12
"""Lines that have to agree on a vertical move, of all strips together."""

_WEIGHTS: Final = np.multiply.accumulate(np.full(_STRIP, 0x9E3779B1, np.uint32))


@dataclass(frozen=True, slots=True)
class Samples:
    """Places in the picture as it is now; the first of each line come first."""

    x: NDArray[np.intp]
    """(n,) of the first pixel, in the frame."""
    y: NDArray[np.intp]
    pixels: Words
    """(n, PATTERN)."""

    def __len__(self) -> int:
        return len(self.x)


_NO_SAMPLES: Final = Samples(np.empty(0, np.intp), np.empty(0, np.intp), np.empty((0, PATTERN), np.uint32))


def take_samples(now: Words, changed: Mask, region: Rect, rows: int = ROWS) -> Samples:
    """Samples from evenly spread lines with changes; ``changed`` is (region.height, region.width) bool.

    Their second pixels have changed and differ from both neighbors, which makes them rarer than others.
    """
    lines = np.flatnonzero(changed.any(axis=1))
    if not len(lines) or region.width < PATTERN:
        return _NO_SAMPLES
    lines = _spread(lines, rows)
    return _samples_of(now, region, lines, changed[lines, 1:-2])


def take_anchors(picture: Words, area: Rect, rows: int) -> Samples:
    """The same of all that a picture has in ``area``, whether it has changed or not."""
    if not area.height or area.width < PATTERN:
        return _NO_SAMPLES
    return _samples_of(picture, area, _spread(np.arange(area.height), rows))


def _spread(lines: NDArray[np.intp], rows: int) -> NDArray[np.intp]:
    """So many of these at most, evenly."""
    rows = min(rows, len(lines))
    return lines[(2 * np.arange(rows) + 1) * len(lines) // (2 * rows)]


def _samples_of(picture: Words, region: Rect, lines: NDArray[np.intp], meant: Mask | None = None) -> Samples:
    """Of these lines of a region; ``meant`` is (len(lines), region.width - 3) bool: where a second pixel
    may be."""
    rows = len(lines)
    block = picture[lines + region.y, region.x : region.right]
    differs = block[:, 1:] != block[:, :-1]
    edges = differs[:, :-2] & differs[:, 1:-1]
    if meant is not None:
        edges &= meant
    places = np.flatnonzero(edges)
    line = places // edges.shape[1]
    counts = np.bincount(line, minlength=rows)
    used = np.flatnonzero(counts)
    last = np.cumsum(counts)[used] - 1
    low, high = places[last - counts[used] + 1], places[last]
    # Even over the width, not over the edges: exposed background is often full of them, a page of text not;
    # and elsewhere in every line, so that what stands in one column does not decide alone.
    part = (used * 0.618 + np.arange(PER_ROW)[:, None] / PER_ROW) % 1
    chosen = places[np.searchsorted(places, (low + part * (high - low)).astype(np.intp))].reshape(-1)
    line, column = np.divmod(chosen, edges.shape[1])
    return Samples(
        column + region.x, lines[line] + region.y, block[line[:, None], column[:, None] + np.arange(PATTERN)]
    )


def agreement(before: Words, samples: Samples, vectors: list[Vector]) -> NDArray[np.float64]:
    """(len(vectors),): the share of the samples that each vector brings from the picture before."""
    return share_found(before, samples, -np.array(vectors, np.intp).reshape(-1, 2))


def share_found(
    picture: Words, samples: Samples, offsets: NDArray[np.intp], mask: np.uint32 = ALL_BITS
) -> NDArray[np.float64]:
    """(n,): the share of the samples whose pixels ``picture`` has so far from their places.

    ``offsets`` (n, 2) are x and y; ``mask``: bits of the picture's pixels that count.
    """
    height, width = picture.shape
    dx, dy = offsets.T
    x, y = samples.x + dx[:, None], samples.y + dy[:, None]
    inside = (x >= 0) & (x <= width - PATTERN) & (y >= 0) & (y < height)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    found = picture[y[..., None], x[..., None] + np.arange(PATTERN)] & mask
    share: NDArray[np.float64] = ((found == samples.pixels).all(axis=2) & inside).mean(axis=1)
    return share


def spread(samples: Samples, count: int) -> list[int]:
    """So many of those that come first of their lines, from all over: from top to bottom, all could be where
    nothing is to be told."""
    order: list[int] = np.argsort(np.arange(len(samples) // PER_ROW) * 0.618 % 1)[:count].tolist()
    return order


def around(vector: Vector, reach: int) -> list[Vector]:
    """All vectors that differ by so much at most, but for (0, 0)."""
    steps = range(-reach, reach + 1)
    return [
        (vector[0] + x, vector[1] + y)
        for y in steps
        for x in steps
        if (vector[0] + x, vector[1] + y) != (0, 0)
    ]


def vote(before: Words, samples: Samples, reach: int, voters: int) -> list[Vector]:
    """Up to two vectors of at most ``reach`` either way, the better one first, by so many samples."""
    side = 2 * reach + 1
    votes = np.zeros(side * side, np.uint8)
    for count, index in enumerate(spread(samples, voters), start=1):
        x, y = int(samples.x[index]), int(samples.y[index])
        found_x, found_y = _places(before, x, y, samples.pixels[index], reach)
        # No place counts twice, so this adds one to each.
        votes[(y - found_y + reach) * side + x - found_x + reach] += 1
        votes[reach * side + reach] = 0
        if count % _COUNTED == 0 and _is_clear(votes):
            break
    most = int(votes.max())
    if most < MIN_VOTES:
        return []
    places = np.flatnonzero(votes >= max(MIN_VOTES, most // 2))
    places = places[np.argsort(~votes[places], kind="stable")[:_MAX_CANDIDATES]]
    vectors = [(int(place) % side - reach, int(place) // side - reach) for place in places]
    shares = agreement(before, samples, vectors)
    ranked = sorted(zip(-shares, vectors, strict=True), key=lambda pair: (pair[0], _length(pair[1])))
    return [vector for _, vector in ranked[:2]]


def _is_clear(votes: NDArray[np.uint8]) -> bool:
    """Whether one vector is so far ahead that more votes would change nothing."""
    most = votes.max()
    return bool(most >= _ENOUGH) and np.count_nonzero(votes > most // 2) == 1


def _length(vector: Vector) -> int:
    return abs(vector[0]) + abs(vector[1])


def _places(
    before: Words, x: int, y: int, pixels: Words, reach: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """x and y of where a sample's pixels were before; none if its second pixel is too common to tell."""
    height, width = before.shape
    left, right = max(0, x - reach), min(width - PATTERN, x + reach) + 1
    top, bottom = max(0, y - reach), min(height, y + reach + 1)
    hits = np.flatnonzero(before[top:bottom, left + 1 : right + 1] == pixels[1])
    if len(hits) > MAX_HITS:
        hits = hits[:0]
    found_y, found_x = np.divmod(hits, right - left)
    found_x, found_y = found_x + left, found_y + top
    for offset in (0, 2, 3):
        same = before[found_y, found_x + offset] == pixels[offset]
        found_x, found_y = found_x[same], found_y[same]
    return found_x, found_y


def vertical(before: Words, now: Words, region: Rect, samples: Samples) -> list[Vector]:
    """The vertical move of any length that most lines of some narrow columns agree on; empty if few do."""
    height, width = before.shape
    votes = np.zeros(2 * height + 1, np.intp)
    if width < _STRIP or not len(samples):
        return []
    for part in range(_STRIPS):
        middle = int(np.sort(samples.x)[len(samples) * (2 * part + 1) // (2 * _STRIPS)])
        left = min(max(middle - _STRIP // 2, 0), width - _STRIP)
        old = _signatures(before[:, left : left + _STRIP])
        new = _signatures(now[region.y : region.bottom, left : left + _STRIP])
        values, places, counts = np.unique(old, return_index=True, return_counts=True)
        values, places = values[counts == 1], places[counts == 1]
        if not len(values):
            continue
        match = np.searchsorted(values, new).clip(max=len(values) - 1)
        lines = np.flatnonzero((values[match] == new) & (new != old[region.y : region.bottom]))
        votes += np.bincount(lines + region.y - places[match[lines]] + height, minlength=len(votes))
    best = int(votes.argmax())
    return [(0, best - height)] if votes[best] >= _MIN_LINES else []


def _signatures(strip: Words) -> NDArray[np.uint32]:
    """One number per line."""
    result: NDArray[np.uint32] = np.add.reduce(strip * _WEIGHTS, axis=1, dtype=np.uint32)
    return result
